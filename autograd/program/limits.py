"""What this machine can do at most, measured once per process by short runs.

A step takes at least the time of its arithmetic at the peak rate, and at least the time of its traffic at the full
bandwidth; the longer of the two is its roof (Williams, Waterman and Patterson, "Roofline", 2009).
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..threads import get_num_threads

PRODUCT = 1024  # rows of the square matrices whose product is timed
MEMORY, CACHE = 1 << 24, 1 << 16  # float32 numbers: far more than the caches hold, and few enough for them


@dataclass(frozen=True)
class Limits:
    """Operations a second, bytes a second through memory, and through the caches."""

    flops: float
    bytes: float
    cached: float

    def seconds(self, flops: float, moved: float, in_cache: bool) -> float:
        """The least time for so many operations and bytes."""
        return max(flops / self.flops, moved / (self.cached if in_cache else self.bytes))

    def __str__(self) -> str:
        billions = [f"{x / 1e9:.3g}" for x in (self.flops, self.bytes, self.cached)]
        return "{} GFLOP/s, {} GB/s from memory, {} GB/s in cache".format(*billions)


@functools.cache
def measured() -> Limits:
    """The limits of this machine with the threads that kernels use, each the best of a few short runs."""
    memory = _bytes(MEMORY, 1)
    return Limits(_flops(), memory, max(memory, _bytes(CACHE, 100)))


def _best(work: Callable[[], object], times: int = 5) -> float:
    work()
    best = float("inf")
    for _ in range(times):
        before = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - before)
    return best


def _flops() -> float:
    """A product of square float32 matrices, by our kernel or by BLAS, whichever takes it."""
    from ..ops.matmul import product

    a = np.ones((PRODUCT, PRODUCT), np.float32)
    return 2.0 * PRODUCT**3 / _best(lambda: product(a, a))


def _bytes(size: int, rounds: int) -> float:
    """a = b + c on every thread: two numbers read, one written."""
    threads = get_num_threads()
    parts = [[np.ones(size // threads, np.float32) for _ in "abc"] for _ in range(threads)]

    def add(i: int) -> None:
        a, b, c = parts[i]
        for _ in range(rounds):
            np.add(b, c, out=a)

    return rounds * 3.0 * 4 * size / _best(lambda: _together(threads, add))


def _together(pieces: int, work: Callable[[int], None]) -> None:
    """All pieces at once; one after another without Numba."""
    try:
        from ..kernels.pool import run
    except ImportError:
        for i in range(pieces):
            work(i)
    else:
        run(pieces, work)
