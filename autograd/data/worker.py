"""The life of a worker process.

Three threads: one hears (so that the main process never waits for a worker that is itself waiting to be heard, and so
that the worker notices when the main process is gone), one loads, one sends (so that loading goes on while a batch
waits to be fetched).  Each worker has a pipe of its own: no lock is shared, so one that is killed blocks no other.
"""

from __future__ import annotations

import os
import pickle
import random
import signal
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, NamedTuple

import numpy as np

from ..errors import DataError
from ..random import manual_seed
from . import parcel
from .fetch import END, Recipe

GRACE = 1.0  # seconds that a worker has to finish what it is doing
_LISTEN = 1.0  # seconds between looks at whether the main process is still there


@dataclass(frozen=True)
class WorkerInfo:
    """Which worker this is, of how many; its seed; its copy of the data set."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a worker process of a DataLoader, which one it is; elsewhere None.

    >>> get_worker_info() is None
    True
    """
    return _info


class Failure(NamedTuple):
    """An exception on its way to the main process: its class if it can be pickled, its name, the traceback as text."""

    kind: type[Exception] | None
    name: str
    traceback: str

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """`error` as it is being handled."""
        kind: type[Exception] | None = type(error)
        try:
            pickle.dumps(kind)
        except Exception:
            kind = None  # a class that was made inside a function
        if isinstance(error, StopIteration):
            kind = None  # the main process would take it for the end of the data
        return cls(kind, type(error).__name__, traceback.format_exc())

    def error(self, worker: int) -> Exception:
        """The exception to raise in the main process: of the same class, with the worker's traceback in its message."""
        message = _Text(f"caught {self.name} in DataLoader worker {worker}; it said:\n\n{self.traceback}")
        try:
            return self.kind(message) if self.kind is not None else DataError(message)
        except Exception:  # a class whose constructor wants something else than a message
            return DataError(message)


class _Text(str):
    """A text that KeyError, which shows the repr of its key, shows as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True)
class Post:
    """What a worker is told when it starts."""

    id: int
    num_workers: int
    base_seed: int
    recipe: Recipe
    init: Callable[[int], Any] | None


def serve(connection: Connection, post: Post) -> None:
    """Answer each (epoch, indices) with (epoch, answer), until told to stop by None.

    The answer is ``(batch,)``, None where the stream has no more, or a Failure.
    """
    _leave_signals_to_the_main_process()
    asked: SimpleQueue[Any] = SimpleQueue()
    ready: SimpleQueue[parcel.Parcel] = SimpleQueue()
    threading.Thread(target=_hear, args=(connection, asked, os.getppid()), daemon=True).start()
    threading.Thread(target=_send, args=(connection, ready), daemon=True).start()
    unwell = _settle_in(post)
    source = _Source(post.recipe)
    for epoch, indices in iter(asked.get, None):
        try:
            answer = parcel.pack((epoch, unwell or source.answer(epoch, indices)))
        except Exception as error:
            answer = parcel.pack((epoch, Failure.of(error)))
        ready.put(answer)


class _Source:
    """Batches, one epoch after another."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe, self._epoch = recipe, 0
        self._fetch: Callable[[Any], Any] = _ended

    def answer(self, epoch: int, indices: Any) -> tuple[Any] | None:
        """``(batch,)``, or None where there are no more; a stream that cannot be started fails once, then is empty."""
        if epoch != self._epoch:
            self._epoch, self._fetch = epoch, _ended
            self._fetch = self._recipe.start()
        batch = self._fetch(indices)
        if batch is END:
            self._fetch = _ended
            return None
        return (batch,)


def _ended(indices: Any) -> Any:
    return END


def _settle_in(post: Post) -> Failure | None:
    """Make this process a worker, with random numbers of its own; what went wrong, if anything did."""
    global _info
    seed = post.base_seed + post.id
    _info = WorkerInfo(post.id, post.num_workers, seed, post.recipe.dataset)
    random.seed(seed)
    manual_seed(seed)
    entropy = [post.id, post.base_seed & 0xFFFFFFFF, post.base_seed >> 32, 0]
    np.random.seed(np.random.SeedSequence(entropy).generate_state(4))
    try:
        if post.init is not None:
            post.init(post.id)
    except Exception as error:
        return Failure.of(error)
    return None


def _hear(connection: Connection, asked: SimpleQueue[Any], main: int) -> None:
    """Pass questions on; leave when told to, or when the main process is gone, finished or not."""
    try:
        while os.getppid() == main:
            if connection.poll(_LISTEN):
                question = connection.recv()
                if question is None:
                    break
                asked.put(question)
    except (EOFError, OSError):
        pass
    while not asked.empty():  # nobody waits for these any more
        asked.get()
    asked.put(None)
    time.sleep(GRACE)
    os._exit(0)


def _send(connection: Connection, ready: SimpleQueue[parcel.Parcel]) -> None:
    """Send what is ready, for as long as somebody reads."""
    try:
        while True:
            parcel.send(connection, ready.get())
    except OSError:
        pass


def _leave_signals_to_the_main_process() -> None:
    """Ctrl-C reaches every process of the terminal; the main one answers it, and stops its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
