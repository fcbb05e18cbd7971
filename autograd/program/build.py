"""From a program to the function that runs it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np

from ..quiet import silent
from . import cache
from .emit import Emitted, Emitter
from .program import Program, Var


@dataclass(frozen=True)
class Timing:
    """Seconds for the passes' result to become a function."""

    writing: float  # its text
    loading: float  # which compiles it, or reads the machine code
    kept: bool  # that was on the disk, from another time


class Built(Protocol):
    """What runs a program: its arrays in, its results out."""

    source: str
    timing: Timing
    emitted: Emitted | None  # None if it is interpreted

    def __call__(self, arrays: list[np.ndarray]) -> list[Any]: ...


def built(program: Program, moving: set[Var], dynamic: bool = False) -> Built:
    """The compiled program; inputs that are not `moving` are the same arrays at most calls, and bound once.

    With `dynamic`, sizes are arguments of all kernels, which programs for other sizes share.  Without Numba the program
    is interpreted.
    """
    began = time.perf_counter()
    emitted = Emitter(program, moving, dynamic).emit()
    try:
        return assembled(emitted, len(program.inputs), time.perf_counter() - began)
    except ImportError:
        return _interpreted(program, emitted.source)


def assembled(emitted: Emitted, inputs: int, writing: float) -> Built:
    """What was emitted as a function of so many arrays; `writing` is how long that took.

    Errors: ImportError without Numba.
    """
    began = time.perf_counter()
    kept = cache.place(emitted.source).exists()
    module = cache.load(emitted.source)
    timing = Timing(writing, time.perf_counter() - began, kept)
    arena = np.empty(emitted.arena + 64, np.uint8)
    start = -arena.ctypes.data % 64
    arena = arena[start : start + emitted.arena]
    coming = emitted.moving
    fixed = [i for i in range(inputs) if i not in coming]
    bound: list[Any] = [None] * len(fixed)
    step: Callable[..., list[Any]] | None = None

    def run(arrays: list[np.ndarray]) -> list[Any]:
        nonlocal step
        for k, i in enumerate(fixed):
            if arrays[i] is not bound[k]:
                bound[:] = [arrays[i] for i in fixed]
                step = module.bind(emitted.functions, emitted.objects, emitted.constants, bound, arena)
                break
        if step is None:
            step = module.bind(emitted.functions, emitted.objects, emitted.constants, bound, arena)
        return cast(list[Any], silent().run(step, *[arrays[i] for i in coming]))

    made = cast(Built, run)
    made.source, made.timing, made.emitted = emitted.source, timing, emitted
    return made


def _interpreted(program: Program, source: str) -> Built:
    def run(arrays: list[np.ndarray]) -> list[Any]:
        return list(silent().run(program.interpret, *arrays))

    made = cast(Built, run)
    made.source, made.timing, made.emitted = source, Timing(0.0, 0.0, False), None
    return made
