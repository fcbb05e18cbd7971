"""What a declaration makes, and how a kernel takes a body's place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .op import Op


class Declared(Protocol):
    """A function, with ``.op`` and the means to add formulas, samples, and a kernel."""

    op: Op
    derivative: Callable[..., None]
    samples: Callable[..., None]
    errors: Callable[..., None]
    kernel: Callable[[Callable[..., Any]], Callable[..., Any]]
    __name__: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...


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
