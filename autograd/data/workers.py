"""The main process's side of worker processes: start them, ask in turn, take the answers in turn, and end them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from ..errors import ArgumentError, DataError
from . import parcel
from .fetch import END, Recipe
from .worker import GRACE, Failure, Post, serve


@dataclass(frozen=True)
class _Line:
    """A worker and the pipe to it."""

    process: Any
    connection: Connection


class Workers:
    """`number` processes that load by `recipe`.  They end with this object, with `close`, or with the main process."""

    def __init__(
        self, recipe: Recipe, number: int, base_seed: int, init: Callable[[int], Any] | None, context: Any = None
    ) -> None:
        self.number, self.epoch = number, 0
        self._lines: list[_Line] = []
        self._finalizer = weakref.finalize(self, _end, self._lines, os.getpid())
        context = context or multiprocessing.get_context()
        with _uninterrupted(), _forking():
            for i in range(number):
                ours, theirs = context.Pipe()
                process = context.Process(target=serve, args=(theirs, Post(i, number, base_seed, recipe, init)),
                                          name=f"DataLoader worker {i}", daemon=True)  # fmt: skip
                process.start()
                theirs.close()
                self._lines.append(_Line(process, ours))

    @property
    def closed(self) -> bool:
        """Whether the processes have been ended."""
        return not self._finalizer.alive

    def close(self) -> None:
        """End the processes: at once if they are idle, else after a moment's grace."""
        with _uninterrupted():
            self._finalizer()

    def ask(self, worker: int, indices: Any) -> None:
        """Have `worker` load these."""
        try:
            self._lines[worker].connection.send((self.epoch, indices))
        except OSError:  # it is dead, which `answer` reports after what it had sent before
            pass
        except BaseException:  # Ctrl-C may leave half a message in the pipe
            self.close()
            raise

    def answer(self, among: list[int], timeout: float) -> tuple[int, Any]:
        """The next answer of this epoch from one of these workers, as (worker, answer); see `serve` for the answers."""
        deadline = time.monotonic() + timeout if timeout else None
        try:
            while True:
                worker = self._wait(among, deadline)
                epoch, content = parcel.receive(self._lines[worker].connection)
                if epoch == self.epoch:
                    return worker, content
        except (EOFError, OSError):
            message = self._obituary(among)
            self.close()
            raise DataError(message) from None
        except BaseException:  # the same
            self.close()
            raise

    def _wait(self, among: list[int], deadline: float | None) -> int:
        """A worker whose pipe has something, even if that is only its end."""
        connections: dict[Any, int] = {self._lines[worker].connection: worker for worker in among}
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready = wait(list(connections), left)
        if not ready:
            raise DataError(f"timeout: no batch from DataLoader worker {', '.join(map(str, among))} in the given time; "
                            f"raise timeout, or find what is slow with num_workers=0")  # fmt: skip
        return connections[ready[0]]

    def _obituary(self, among: list[int]) -> str:
        """Which worker died, and of what."""
        processes = [self._lines[worker].process for worker in among]
        for process in processes:
            process.join(GRACE / len(processes))
        died = next((process for process in processes if process.exitcode is not None), processes[0])
        code, why = died.exitcode, "closed its pipe"
        if code is not None:
            why = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
        memory = "; SIGKILL often means that memory ran out" if code == -signal.SIGKILL else ""
        return f"{died.name} (pid {died.pid}) {why} before its batch was ready{memory}; num_workers=0 loads without it"


class WorkerIterator:
    """Batches of one epoch: `asking` gives the indices of each; their order is kept unless `in_order` is False."""

    def __init__(
        self, workers: Workers, asking: Iterator[Any], ahead: int, timeout: float, in_order: bool, keep: bool
    ) -> None:
        self._workers, self._asking = workers, asking
        self._timeout, self._in_order, self._keep = timeout, in_order, keep
        workers.epoch += 1
        self._epoch = workers.epoch
        self._active = [True] * workers.number
        self._turn = -1
        self._asked: deque[int] = deque()  # the workers that owe an answer, in the order of asking
        for _ in range(max(1, ahead) * workers.number):
            self._ask_next()

    def __iter__(self) -> WorkerIterator:
        return self

    def __next__(self) -> Any:
        if self._epoch != self._workers.epoch:
            raise ArgumentError("DataLoader: with persistent_workers a new iteration ends the one before; "
                                "keep two loaders to iterate over the data twice at the same time")  # fmt: skip
        while self._asked:
            if self._workers.closed:
                self._asked.clear()
                raise DataError("DataLoader: its workers were ended; start a new iteration")
            among = [self._asked[0]] if self._in_order else sorted(set(self._asked))
            worker, answer = self._workers.answer(among, self._timeout)
            self._asked.remove(worker)
            if answer is None:
                self._active[worker] = False
            self._ask_next()
            if isinstance(answer, Failure):
                raise answer.error(worker)
            if answer is not None:
                return answer[0]
        if not self._keep:
            self._workers.close()
        raise StopIteration

    def _ask_next(self) -> None:
        """Hand the next indices to the next worker that still has data."""
        if not any(self._active):
            return
        indices = next(self._asking, END)
        if indices is END:
            return
        self._turn = next(i % len(self._active) for i in range(self._turn + 1, self._turn + 1 + len(self._active))
                          if self._active[i % len(self._active)])  # fmt: skip
        self._asked.append(self._turn)
        self._workers.ask(self._turn, indices)


def _end(lines: list[_Line], owner: int) -> None:
    """Tell all workers to stop, and see to it that they do."""
    if os.getpid() != owner:  # a process that was forked from the owner has our lines, but not the right to cut them
        return
    for line in lines:
        try:
            line.connection.send(None)
        except OSError:
            pass
        line.connection.close()
    deadline = time.monotonic() + GRACE
    for line in lines:
        line.process.join(max(0.0, deadline - time.monotonic()))
    for line in lines:
        if line.process.is_alive():
            line.process.kill()
            line.process.join()
        line.process.close()
    lines.clear()  # here, where the caller can keep Ctrl-C out of the callbacks of what dies with them


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait: forks and weak references run callbacks in which Python would drop a KeyboardInterrupt.

    Only the main thread gets one, from a handler of Python's.  A process forked meanwhile inherits the patience.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is None:
        yield
        return
    waiting: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: waiting.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if waiting:
            signal.raise_signal(signal.SIGINT)


@contextmanager
def _forking() -> Iterator[None]:
    """Answer Python's warning of forks beside threads: those are BLAS's, which minds forks; workers wait for none."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r".*multi-threaded.*fork", DeprecationWarning)
        yield
