"""How a kernel takes a body's place.  The body stays its twin: the definition, and what runs where it declines.

While a program is recorded (`program/`), what is called here on its arrays becomes one equation.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from . import quiet as bodies


def with_kernel(body: Callable[..., Any], fast: Callable[..., Any], opaque: bool = True) -> Callable[..., Any]:
    """`fast`, and `body` wherever that answers NotImplemented: small or unusual inputs, or no Numba at all.

    To a compiled program it is one function with a kernel; unless it is `opaque`, the body alone.
    """
    missing = False

    def run(*args: Any, **kwargs: Any) -> Any:
        nonlocal missing
        if opaque and bodies.watcher is not None and bodies.watcher.sees(args):
            return bodies.watcher.run(run, *args, **kwargs)
        if not missing:
            try:
                result = fast(*args, **kwargs)
            except ImportError:
                missing = True
            else:
                if result is not NotImplemented:
                    return result
        return body(*args, **kwargs)

    functools.update_wrapper(run, body)
    if opaque:
        run.body = body  # type: ignore[attr-defined]
    return run


def as_one(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, as one equation in a program that is recorded: its NumPy code is not looked into."""
    if hasattr(function, "body"):  # one already
        return function

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        if bodies.watcher is not None and bodies.watcher.sees(args):
            return bodies.watcher.run(function, *args, **kwargs)
        return function(*args, **kwargs)

    return run
