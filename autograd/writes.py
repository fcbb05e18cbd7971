"""Writes in place, remembered, so that no derivative is taken at a value that has been overwritten.

A saved array is stale if its memory was written after its node was stamped.  So one table of "last written at" stamps
serves every tensor, view and NumPy alias of that memory, and saving an array for a formula costs nothing.
"""

from __future__ import annotations

import weakref
from itertools import count
from typing import Any

import numpy as np

next_stamp = count(1).__next__  # one clock for nodes and writes


class _Writes:
    """When each block of memory was last written in place, and by whom."""

    def __init__(self) -> None:
        self.latest = 0  # no check is needed for nodes younger than this
        self._table: dict[int, tuple[weakref.ref[Any], int, str]] = {}

    def note(self, array: np.ndarray, by: str) -> None:
        memory = _memory(array)
        key = id(memory)
        entry = self._table.get(key)
        ref = entry[0] if entry is not None else weakref.ref(memory, lambda _: self._table.pop(key, None))
        self.latest = next_stamp()
        self._table[key] = (ref, self.latest, by)

    def note_all(self, arrays: list[np.ndarray], by: str) -> None:
        """The same for many, at one time."""
        for array in arrays:
            key = id(array if array.base is None else _memory(array))
            entry = self._table.get(key)
            if entry is None:
                self.note(array, by)
        self.latest = now = next_stamp()
        for array in arrays:
            key = id(array if array.base is None else _memory(array))
            self._table[key] = (self._table[key][0], now, by)

    def of(self, array: np.ndarray) -> tuple[int, str]:
        """Stamp and author of the last write into `array`'s memory; (0, "") if there was none."""
        entry = self._table.get(id(_memory(array)))
        return (0, "") if entry is None else (entry[1], entry[2])


def _memory(array: np.ndarray) -> np.ndarray:
    """The array that owns the memory that `array` looks at."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


writes = _Writes()


def mark_written(array: np.ndarray, by: str) -> None:
    """Tell the tape that `array` was written in place; whoever bypasses the ops (an optimiser) must say so."""
    writes.note(array, by)
