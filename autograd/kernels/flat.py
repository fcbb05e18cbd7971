"""Arrays as one run of elements, cut into pieces for the threads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import pool

PIECE = 131072  # elements at least: twenty microseconds of work, about what it costs to wake a thread


def flat(*arrays: np.ndarray) -> list[np.ndarray] | None:
    """The arrays with one dimension, sharing memory; None unless all have one shape, dtype and order.

    Nor if one is read only, which is another type to a kernel.  Truth values may be among numbers, not first.
    """
    first = arrays[0]
    kinds = first.dtype, np.bool_
    alike = all(a.shape == first.shape and a.dtype in kinds and a.flags.writeable for a in arrays)
    if not alike or first.dtype.char not in "fd":
        return None
    if all(a.flags.c_contiguous for a in arrays):
        return [a.reshape(-1) for a in arrays]
    if all(a.flags.f_contiguous for a in arrays):
        return [a.T.reshape(-1) for a in arrays]
    return None


def in_pieces(n: int, work: Callable[[int, int], None], least: int = PIECE) -> None:
    """Call ``work(start, stop)`` for at most 16 pieces of range(n), of at least `least`, on the threads of `pool`."""
    step = max(least, -(-n // 16))
    pool.run(-(-n // step), lambda i: work(i * step, min(n, (i + 1) * step)))
