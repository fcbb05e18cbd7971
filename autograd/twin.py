"""How a kernel takes a body's place.  The body stays its twin: the definition, and what runs where it declines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def with_kernel(body: Callable[..., Any], fast: Callable[..., Any]) -> Callable[..., Any]:
    """`fast`, and `body` wherever that answers NotImplemented: small or unusual inputs, or no Numba at all."""
    missing = False

    def run(*args: Any, **kwargs: Any) -> Any:
        nonlocal missing
        if not missing:
            try:
                result = fast(*args, **kwargs)
            except ImportError:
                missing = True
            else:
                if result is not NotImplemented:
                    return result
        return body(*args, **kwargs)

    return run
