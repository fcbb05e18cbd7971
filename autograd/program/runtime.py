"""What emitted files call, besides kernels."""

from __future__ import annotations

import numpy as np


def flat(array: np.ndarray) -> np.ndarray:
    """The memory of `array` as one run of elements, in the order in which they lie."""
    if not array.flags.writeable:  # kernels are compiled for arrays that are
        array = array.copy(order="K")
    if array.flags.c_contiguous:
        return array.reshape(-1)
    extent = 1 + sum((n - 1) * s for n, s in zip(array.shape, array.strides)) // array.itemsize
    return np.lib.stride_tricks.as_strided(array, (extent,), (array.itemsize,))


def seen(memory: np.ndarray, start: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> np.ndarray:
    """A view of a run of elements; strides in elements."""
    size = memory.itemsize
    return np.lib.stride_tricks.as_strided(memory[start:], shape, tuple(s * size for s in strides))
