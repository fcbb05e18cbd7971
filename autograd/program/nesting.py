"""Values in tuples, lists, dicts and slices: the arguments of equations, which are plain whatever a function was given.

What belongs to the user, and is to stay of its type, is for `autograd/pytree.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def over(x: Any, change: Callable[[Any], Any]) -> Any:
    """The same nesting, plain but for named tuples, with ``change(leaf)`` for each leaf."""
    if isinstance(x, tuple):
        parts = [over(part, change) for part in x]
        return type(x)(*parts) if hasattr(x, "_fields") else tuple(parts)
    if isinstance(x, list):
        return [over(part, change) for part in x]
    if isinstance(x, dict):
        return {key: over(part, change) for key, part in x.items()}
    if isinstance(x, slice):
        return slice(*(over(part, change) for part in (x.start, x.stop, x.step)))
    return change(x)


def leaves(x: Any) -> Iterator[Any]:
    """The leaves, in order."""
    if isinstance(x, tuple | list):
        for part in x:
            yield from leaves(part)
    elif isinstance(x, dict):
        for part in x.values():
            yield from leaves(part)
    elif isinstance(x, slice):
        yield from leaves((x.start, x.stop, x.step))
    else:
        yield x
