"""Elementwise formulas on large arrays: one compiled loop each, made of the formula itself (`program/formulas.py`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..twin import with_kernel

LEAST = 8192  # elements from which calling a loop, two microseconds, is faster than NumPy


def in_loops(formula: Callable[..., Any], kinds: str = "fd") -> Callable[..., Any]:
    """What `Op.kernel` registers for an elementwise body; it takes large arrays of float32 ("f") or float64 ("d")."""
    made: dict[Any, Any] = {}

    def fast(*args: Any) -> Any:
        first = args[0]
        if type(first) is not np.ndarray or first.size < LEAST or first.dtype.char not in kinds:
            return NotImplemented
        key = tuple([a.dtype if type(a) is np.ndarray else a for a in args])
        try:
            loop = made[key]
        except KeyError:
            from ..program.formulas import loop_of

            loop = made[key] = loop_of(formula, args)
        except TypeError:  # an array of a subclass, such as what a recorded call left on the tape
            return NotImplemented
        return NotImplemented if loop is None else loop(*[a for a in args if type(a) is np.ndarray])

    return fast


def looped(formula: Callable[..., Any], kinds: str = "fd") -> Callable[..., Any]:
    """`formula`, on large arrays as one loop."""
    return with_kernel(formula, in_loops(formula, kinds))
