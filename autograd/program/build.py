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
    moving = emitted.moving
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
        return step(*[arrays[i] for i in moving])

    run.source = emitted.source  # type: ignore[attr-defined]
    return run
