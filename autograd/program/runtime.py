"""What emitted files call, besides kernels."""

from __future__ import annotations

import numpy as np


def flat(array: np.ndarray) -> np.ndarray:
    """The memory of `array` as one run of elements, in the order in which they lie."""
    if array.flags.c_contiguous:
        run = array.reshape(-1)
    else:
        extent = 1 + sum((n - 1) * s for n, s in zip(array.shape, array.strides)) // array.itemsize
        run = np.lib.stride_tricks.as_strided(array, (extent,), (array.itemsize,))
    return run if run.flags.writeable else run.copy()  # kernels are compiled for arrays that can be written


def seen(memory: np.ndarray, start: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> np.ndarray:
    """A view of a run of elements; strides in elements."""
    size = memory.itemsize
    return np.lib.stride_tricks.as_strided(memory[start:], shape, tuple(s * size for s in strides))


def in_places(matrices: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Matrices with their two dimensions at these places of the last three; the third is of size 1."""
    if rows > columns:
        matrices = matrices.swapaxes(-1, -2)
    return np.expand_dims(matrices, matrices.ndim + 1 - rows - columns)
