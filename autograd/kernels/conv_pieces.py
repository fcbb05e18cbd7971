"""How convolutions are cut into pieces for several threads: by shapes alone."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

Pair = tuple[int, int]


def ranges(n: int, pieces: int) -> list[Pair]:
    """0 ... n in about `pieces` ranges of the same length, the last perhaps shorter."""
    step = -(-n // max(1, pieces))
    return [(i, min(i + step, n)) for i in range(0, n, step)]


def pieces_of(work: int) -> int:
    """Pieces of some 16 million multiply-adds, a tenth of a millisecond, ten calls' time; but at least two as soon as
    the work takes longer than another thread to hear of it."""
    return 1 if work < 1 << 21 else max(2, min(16, work >> 24))


@lru_cache(maxsize=256)
def zeros_of(count: int, kind: Any) -> np.ndarray:
    """So many zeros, for kernels to read; of none for a bias that is not there."""
    return np.zeros(count, kind)
