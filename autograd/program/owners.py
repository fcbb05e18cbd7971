"""Whose memory an array lies in: of traced arrays, which of them stands for all of it."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np

from .program import Var
from .traced import Traced, plain


@dataclass
class Memory:
    """A run of memory: the traced array that stands for all of it, where that lies, and its variable."""

    owner: weakref.ref[np.ndarray]
    whole: weakref.ref[Traced]
    place: dict[str, Any]
    var: Var


class Owners:
    """The memory of traced arrays, by the array that owns it, as long as anybody holds that."""

    def __init__(self) -> None:
        self._memories: dict[int, Memory] = {}  # by identity

    def of(self, array: np.ndarray) -> Memory | None:
        """The memory that `array` lies in."""
        return self._memories.get(id(owner_of(array)))

    def note(self, t: Traced, v: Var) -> None:
        """`t` is all of its memory, unless there is one that is."""
        owner = owner_of(t)
        key, memory = id(owner), self._memories.get(id(owner))
        if memory is None:
            forget = weakref.ref(owner, lambda _: self._memories.pop(key, None))
            self._memories[key] = Memory(forget, weakref.ref(t), plain(t).__array_interface__, v)
        elif memory.whole() is None and memory.place == plain(t).__array_interface__:
            memory.whole = weakref.ref(t)


def owner_of(array: np.ndarray) -> np.ndarray:
    """The array that owns the memory of `array`."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def var_of(array: np.ndarray, source: Traced | None = None) -> Var:
    """A variable for `array`, which may lie in the memory of `source`."""
    array, size = plain(array), array.itemsize or 1
    strides = tuple(s // size for s in array.strides)
    if source is None:
        return Var(array.shape, array.dtype, strides)
    offset = (address(array) - address(source)) // size
    return Var(array.shape, array.dtype, strides, source.var.root, offset)


def address(array: np.ndarray) -> int:
    """Where in memory `array` begins."""
    return plain(array).__array_interface__["data"][0]
