"""Work on several threads: the same pieces whatever their number.

`run(pieces, work)` calls ``work(i)`` for each piece.  Pieces are chosen by the caller from shapes alone; threads take
them in turns, so the result does not depend on how many there are.  Kernels release the GIL, so plain threads do.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import numpy as np

from ..errors import ArgumentError
from .spin import ASLEEP, CALLS, park, reached

LOOKS = 12_000  # rounds in which a helper looks for the next call before it sleeps: some twenty microseconds
PAUSE = 3_000  # rounds in which a caller gets to its own kernel
PATIENCE = 100_000  # rounds for which a caller looks whether a helper is done, between yields


class _Helper(threading.Thread):
    """A thread that waits for something to do."""

    def __init__(self) -> None:
        super().__init__(daemon=True, name="wengert-kernel")
        self.numbers = np.zeros(3, np.int64)
        self.todo: Callable[[], None] | None = None
        self.pipe, self._bell = os.pipe()
        self.start()

    def give(self, work: Callable[[], None]) -> None:
        """Have `work` called; what was given before is done."""
        self.todo = work
        self.numbers[CALLS] += 1
        self._ring()

    def wait(self) -> None:
        """Until what was given is done."""
        while not reached(self.numbers, self.numbers[CALLS], PATIENCE):
            self._ring()  # it may have fallen asleep while it was given the work
            time.sleep(0)

    def _ring(self) -> None:
        if self.numbers[ASLEEP]:
            os.write(self._bell, b".")

    def run(self) -> None:
        seen, buffer = 0, np.zeros(1, np.uint8)
        while True:
            park(self.numbers, seen, self.pipe, buffer, LOOKS, PAUSE)
            if self.numbers[CALLS] != seen:  # else an old bell
                seen += 1
                work, self.todo = self.todo, None
                assert work is not None
                work()


def _physical_cores() -> int:
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


_helpers: list[_Helper] = []
_lock = threading.Lock()  # one parallel region at a time; a second caller works alone
_threads = _physical_cores()


def get_num_threads() -> int:
    """How many threads kernels use."""
    return _threads


def set_num_threads(n: int) -> None:
    """Let kernels use `n` threads; 1 switches threads off.

    >>> from autograd.kernels import get_num_threads, set_num_threads
    >>> before = get_num_threads(); set_num_threads(1); get_num_threads()
    1
    >>> set_num_threads(before)
    """
    global _threads
    if not isinstance(n, int) or n < 1:
        raise ArgumentError(f"set_num_threads: expected a positive int, got {n!r}")
    _threads = n


def run(pieces: int, work: Callable[[int], None]) -> None:
    """Call ``work(0) ... work(pieces - 1)``, on several threads if they are free."""
    n = min(_threads, pieces)
    if n <= 1 or not _lock.acquire(blocking=False):
        for i in range(pieces):
            work(i)
        return
    try:
        _run_together(n, pieces, work)
    finally:
        _lock.release()


def _run_together(n: int, pieces: int, work: Callable[[int], None]) -> None:
    while len(_helpers) < n - 1:
        _helpers.append(_Helper())
    left, failures = iter(range(pieces)), list[BaseException]()

    def take_turns() -> None:
        try:
            for i in left:  # advancing an iterator is atomic under the GIL
                work(i)
        except BaseException as error:
            failures.append(error)

    for helper in _helpers[: n - 1]:
        helper.give(take_turns)
    take_turns()
    for helper in _helpers[: n - 1]:
        helper.wait()
    if failures:
        raise failures[0]


def _after_fork() -> None:
    """Threads do not survive a fork; the child starts its own, and, being one of several processes, only one."""
    global _lock, _threads
    _helpers.clear()
    _lock, _threads = threading.Lock(), 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
