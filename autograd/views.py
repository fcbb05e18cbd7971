"""Views: tensors that look into the memory of another, and how each was made."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .op import Op
    from .tensor import Tensor

Steps = tuple[tuple["Op", tuple[Any, ...]], ...]


Views = set["weakref.ref[Tensor]"]  # each reference leaves the set when its tensor goes


class View:
    """How a view was made: apply `steps` to `base`."""

    __slots__ = ("base", "steps")

    def __init__(self, base: Tensor, steps: Steps) -> None:
        self.base, self.steps = base, steps


def replay(steps: Steps, base: Any) -> Any:
    """The view that `steps` make of a tensor (recorded) or an array (not)."""
    for op, params in steps:
        base = op.apply((base,), params)
    return base


def track_view(result: Tensor, source: Any, op: Op, params: tuple[Any, ...]) -> None:
    """If `result` shares memory with `source`, remember how it was made, so that a write into one reaches the other."""
    a, b = result.array, source.array
    if a.base is None or (a.base is not b and a.base is not b.base and not _traced_alike(a, b)):
        return
    family = source.family
    own = (op, params)
    base, steps = (family.base, (*family.steps, own)) if isinstance(family, View) else (source, (own,))
    result.family = View(base, steps)
    views = base.family
    if not isinstance(views, set):
        base.family = views = set()
    views.add(weakref.ref(result, views.discard))


def _traced_alike(a: np.ndarray, b: np.ndarray) -> bool:
    """While a program is recorded, arrays are themselves views of ordinary ones."""
    return type(a) is not np.ndarray and type(b) is not np.ndarray and np.may_share_memory(a, b)
