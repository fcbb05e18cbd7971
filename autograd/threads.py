"""How many threads kernels use."""

from __future__ import annotations

import os

from .errors import ArgumentError

MOST = 256


def _cores() -> int:
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


_threads = min(MOST, _cores())


def get_num_threads() -> int:
    """How many threads kernels use: at first as many as there are cores for this process."""
    return _threads


def set_num_threads(n: int) -> None:
    """Let kernels use `n` threads; 1 switches threads off.  Results are the same to the last bit.

    >>> import autograd
    >>> before = autograd.get_num_threads()
    >>> autograd.set_num_threads(1)
    >>> autograd.get_num_threads()
    1
    >>> autograd.set_num_threads(before)
    """
    global _threads
    if type(n) is not int or not 1 <= n <= MOST:
        raise ArgumentError(f"set_num_threads: expected an int from 1 to {MOST}, got {n!r}")
    _threads = n
