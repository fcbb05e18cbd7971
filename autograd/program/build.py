"""From a program to the function that runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import cache
from .emit import Emitter
from .program import Program, Var


def built(program: Program, moving: set[Var]) -> Callable[..., list[Any]]:
    """The compiled program; inputs that are not `moving` are the same arrays at most calls, and bound once."""
    emitted = Emitter(program, moving).emit()
    module = cache.load(emitted.source)
    arena = np.empty(emitted.arena + 64, np.uint8)
    start = -arena.ctypes.data % 64
    arena = arena[start : start + emitted.arena]
    fixed = [i for i in range(len(program.inputs)) if i not in emitted.moving]
    bound: list[Any] = []
    step: Callable[..., list[Any]] | None = None

    def run(*arrays: np.ndarray) -> list[Any]:
        nonlocal step, bound
        places = [arrays[i] for i in fixed]
        if step is None or any(a is not b for a, b in zip(places, bound)):
            step, bound = module.bind(emitted.functions, emitted.objects, emitted.constants, places, arena), places
        return step(*[arrays[i] for i in emitted.moving])

    run.source = emitted.source  # type: ignore[attr-defined]
    return run
