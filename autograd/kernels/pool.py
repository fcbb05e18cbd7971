"""Work on several threads: the same pieces whatever their number.

`run(pieces, work)` calls ``work(i)`` for each piece.  Pieces are chosen by the caller from shapes alone; threads take
them in turns, so the result does not depend on how many there are.  Kernels release the GIL, so plain threads do.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ..threads import MOST, get_num_threads, set_num_threads
from .spin import BELL, CALLS, WORK, begin, end, park

LOOKS = 80_000  # rounds in which a helper looks for the next call before it sleeps: some twenty microseconds
PAUSE = 3_000  # rounds in which a caller gets to its own kernel
_team = np.zeros((1 + MOST, 16), np.int64)  # words of the caller and of each helper, in cache lines of their own


class _Helper(threading.Thread):
    """A thread that waits for something to do."""

    def __init__(self, me: int) -> None:
        super().__init__(daemon=True, name="wengert-kernel")
        self.me = me
        self.todo: Callable[[], None] | None = None
        self.pipe, _team[me, BELL] = os.pipe()

    def run(self) -> None:
        seen = int(_team[self.me, CALLS])
        while True:
            seen = park(_team, self.me, seen, self.pipe, LOOKS, PAUSE)
            work, self.todo = self.todo, None
            assert work is not None
            work()
            del work  # with the arrays that it works on: who counts references must not find ours


_helpers: list[_Helper] = []
# One parallel region at a time; a second caller works alone.  By `with`, which no interrupt parts from its block: one
# that came between acquire() and `try` left everybody alone for good.
_lock = threading.Lock()


def run(pieces: int, work: Callable[[int], None]) -> None:
    """Call ``work(0) ... work(pieces - 1)``, on several threads if they are free."""
    n = min(get_num_threads(), pieces)
    if n <= 1 or _lock.locked():
        for i in range(pieces):
            work(i)
        return
    with _lock:
        _run_together(n, pieces, work)


def _run_together(n: int, pieces: int, work: Callable[[int], None]) -> None:
    left, failures = iter(range(pieces)), list[BaseException]()

    def take_turns() -> None:
        try:
            for i in left:  # advancing an iterator is atomic under the GIL
                work(i)
        except BaseException as error:
            failures.append(error)

    _hire(n - 1)
    for helper in _helpers[: n - 1]:
        helper.todo = take_turns
    _team[0, WORK] = 0
    try:
        begin(_team, n - 1)
        take_turns()
    except BaseException as error:  # an interrupt: it is raised when nobody works on the arrays any more
        failures.append(error)
    while True:
        try:
            while not end(_team, n - 1):
                time.sleep(0)
            break
        except BaseException as error:
            failures.append(error)
    for helper in _helpers[: n - 1]:  # who came too late still has it
        helper.todo = None
    if failures:
        raise failures[0]


def share(pieces: int, kernel: Callable[..., None], *arguments: Any) -> None:
    """Call ``kernel(team, helpers, pieces, *arguments)``, which divides its work by `each` (spin.py) among the threads
    that are free; it begins in half the time that `run` takes, and without the GIL."""
    n = min(get_num_threads(), pieces)
    if n <= 1 or _lock.locked():
        kernel(_team, 0, pieces, *arguments)
        return
    with _lock:
        _hire(n - 1)
        kernel(_team, n - 1, pieces, *arguments)


def together(kernel: Callable[..., Any], *arguments: Any) -> Any:
    """``kernel(team, helpers, *arguments)``, which divides by `each` what pays, on all threads that are free."""
    n = get_num_threads()
    if n <= 1 or _lock.locked():
        return kernel(_team, 0, *arguments)
    with _lock:
        _hire(n - 1)
        return kernel(_team, n - 1, *arguments)


def _hire(n: int) -> None:
    while len(_helpers) < n:
        _helpers.append(_Helper(len(_helpers) + 1))
        _helpers[-1].start()


def _after_fork() -> None:
    """Threads do not survive a fork; the child starts its own, and, being one of several processes, only one."""
    global _lock
    _helpers.clear()
    _team[:] = 0
    _lock = threading.Lock()
    set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
