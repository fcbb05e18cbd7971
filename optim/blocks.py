"""Walking over large arrays in pieces that stay in the processor's cache, with preallocated scratch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

BLOCK = 32768  # elements: five float32 arrays of this length fit a second-level cache of 1 MB


class Blocks:
    """Blocks of equally shaped arrays, each followed by `scratch` uninitialised arrays of the block's shape and dtype.

    An update rule is a dozen NumPy calls, each of which reads and writes whole arrays: for a large parameter every
    call would go through memory.  Taking a few rows through all the calls before the next few keeps them in cache.

    >>> import numpy as np
    >>> blocks = Blocks(scratch=1)
    >>> p, g = np.ones((3, 2)), np.full((3, 2), 4.0)
    >>> for p_rows, g_rows, s in blocks(p, g):
    ...     p_rows -= np.multiply(g_rows, 0.5, out=s)
    >>> p
    array([[-1., -1.],
           [-1., -1.],
           [-1., -1.]])
    """

    def __init__(self, scratch: int) -> None:
        self._count = scratch
        self._buffers: dict[np.dtype, np.ndarray] = {}
        self._views: dict[tuple[tuple[int, ...], np.dtype], tuple[np.ndarray, ...]] = {}

    def __call__(self, *arrays: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
        first = arrays[0]
        if type(first) is not np.ndarray:  # a program is being recorded, in which scratch has no place
            yield arrays + tuple(np.empty_like(first) for _ in range(self._count))
            return
        if first.size <= BLOCK:
            yield arrays + self._scratch(first.shape, first.dtype)
            return
        rows = max(1, BLOCK * len(first) // first.size)
        for start in range(0, len(first), rows):
            part = tuple(array[start : start + rows] for array in arrays)
            yield part + self._scratch(part[0].shape, part[0].dtype)

    def _scratch(self, shape: tuple[int, ...], dtype: np.dtype) -> tuple[np.ndarray, ...]:
        """Scratch of one shape; all shapes of one dtype share memory."""
        views = self._views.get((shape, dtype))
        if views is None:
            size = int(np.prod(shape))
            buffer = self._buffers.get(dtype)
            if buffer is None or buffer.shape[1] < size:
                buffer = self._buffers[dtype] = np.empty((self._count, size), dtype)
                self._views = {key: value for key, value in self._views.items() if key[1] != dtype}
            views = self._views[shape, dtype] = tuple(row[:size].reshape(shape) for row in buffer)
        return views
