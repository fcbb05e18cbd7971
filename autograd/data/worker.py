"""The life of a worker process.

Three threads: one hears (so that the main process never waits for a worker that is itself waiting to be heard, and so that
the worker notices when the main process is gone), one loads, one sends (so that loading goes on while a batch waits to
be fetched).  Each worker has a pipe of its own: no lock is shared, so one that is killed cannot block the others.
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
_LISTEN = 5.0  # seconds between looks at whether the main process is still there


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
        try:
            pickle.dumps(type(error))
            kind = type(error)
        except Exception:
            kind = None  # a class that was made inside a function
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
    """Answer each (epoch, indices) with (epoch, batch), END or a Failure, until told to stop by None."""
    _leave_signals_to_the_main_process()
    main = os.getppid()
    asked: SimpleQueue[Any] = SimpleQueue()
    ready: SimpleQueue[parcel.Parcel | None] = SimpleQueue()
    threading.Thread(target=_hear, args=(connection, asked, main), daemon=True).start()
    sender = threading.Thread(target=_send, args=(connection, ready, main), daemon=True)
    sender.start()
    for answer in _answers(post, asked):
        ready.put(answer)
    ready.put(None)
    sender.join()


def _answers(post: Post, asked: SimpleQueue[Any]) -> Any:
    """A parcel for each question."""
    fetch: Callable[[Any], Any] | None = None
    unwell: Failure | None = None
    now = -1
    try:
        _settle_in(post)
    except Exception as error:
        unwell = Failure.of(error)
    while (question := asked.get()) is not None:
        epoch, indices = question
        try:
            if epoch != now:
                now, fetch = epoch, None
                fetch = post.recipe.start() if unwell is None else lambda _: unwell
            elif fetch is None:
                continue  # this epoch's stream has ended, or could not be started, and the main process has been told
            batch = fetch(indices)
            if batch is END:
                fetch = None
            yield parcel.pack((epoch, None if batch is END else (batch,)))
        except Exception as error:
            yield parcel.pack((epoch, Failure.of(error)))
