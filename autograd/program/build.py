"""From a program to the function that runs it."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..quiet import silent
from . import cache
from .emit import Emitted, Emitter
from .program import Program, Var
from .units import seconds


@dataclass(frozen=True)
class Timing:
    """Seconds for the passes' result to become a function."""

    writing: float  # its text
    loading: float  # which compiles it, or reads the machine code
    kept: bool  # that was on the disk, from another time

    def __str__(self) -> str:
        how = "loaded from the disk" if self.kept else "compiled"
        return f"written in {seconds(self.writing)}, {how} in {seconds(self.loading)}"


class Scratch:
    """The memory in which programs work, one at a time; those for several sizes share that of the largest."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.memory = np.empty(0, np.uint8)
        self.users: weakref.WeakSet[Built] = weakref.WeakSet()

    def of(self, size: int) -> np.ndarray:
        """At least `size` bytes from the beginning of a cache line; whoever has less lets go of it."""
        if len(self.memory) < size:
            for user in self.users:
                user.step = None
            room = np.empty(size + 64, np.uint8)
            self.memory = room[-room.ctypes.data % 64 :][:size]
        return self.memory[:size]


class Built:
    """What runs a program: its arrays in, its results out.

    What is emitted looks up inputs that stay the same arrays once, and is bound to them.
    """

    step: Callable[..., list[Any]] | None = None

    def __init__(self, emitted: Emitted, inputs: int, writing: float) -> None:
        began = time.perf_counter()
        kept = cache.place(emitted.source).exists()
        self.module = cache.load(emitted.source)
        self.timing = Timing(writing, time.perf_counter() - began, kept)
        self.source, self.emitted = emitted.source, emitted
        self.fixed = [i for i in range(inputs) if i not in emitted.moving]
        self.bound: list[Any] = [None] * len(self.fixed)
        self.share(Scratch())

    def share(self, scratch: Scratch) -> None:
        """Work in this memory."""
        self.scratch, self.step = scratch, None
        scratch.users.add(self)

    def __call__(self, arrays: list[np.ndarray]) -> list[Any]:
        with self.scratch.lock:
            step, bound = self.step, self.bound
            for k, i in enumerate(self.fixed):
                if arrays[i] is not bound[k]:
                    self.bound = [arrays[i] for i in self.fixed]
                    step = None
                    break
            if step is None:
                e = self.emitted
                memory = self.scratch.of(e.arena)
                step = self.step = self.module.bind(e.functions, e.objects, e.constants, self.bound, memory)
            return silent().run(step, *[arrays[i] for i in self.emitted.moving])  # type: ignore[no-any-return]


class Interpreted:
    """The same without Numba: equation by equation."""

    emitted, timing = None, "interpreted, one equation after another: there is no Numba"

    def __init__(self, program: Program, source: str) -> None:
        self.program, self.source = program, source

    def share(self, scratch: Scratch) -> None:
        """There is nothing to share: each array has its own memory."""

    def __call__(self, arrays: list[np.ndarray]) -> list[Any]:
        return list(silent().run(self.program.interpret, *arrays))


def built(program: Program, moving: set[Var], dynamic: bool = False) -> Built | Interpreted:
    """The compiled program; inputs that are not `moving` are the same arrays at most calls, and bound once.

    With `dynamic`, sizes are arguments of all kernels, which programs for other sizes share.  Without Numba the program
    is interpreted.
    """
    began = time.perf_counter()
    emitted = Emitter(program, moving, dynamic).emit()
    try:
        return Built(emitted, len(program.inputs), time.perf_counter() - began)
    except ImportError:
        return Interpreted(program, emitted.source)
