"""Elementwise formulas on large arrays: one compiled loop each, made of the formula itself (`program/formulas.py`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..twin import with_kernel

LEAST = 8192  # elements from which calling a loop, two microseconds, is faster than NumPy

FAR = 1 << 18  # elements from which two threads are faster than NumPy at one addition each


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


def in_loops_of_two(formula: Callable[..., Any]) -> Callable[..., Any]:
    """`in_loops` for what NumPy does as fast as one thread can: for two arrays that are larger than a core's cache."""
    fast = in_loops(formula)

    def paired(input: Any, other: Any) -> Any:
        if type(input) is not np.ndarray or type(other) is not np.ndarray or input.size < FAR:
            return NotImplemented
        return fast(input, other) if input.shape == other.shape else NotImplemented

    return paired


def looped(formula: Callable[..., Any], kinds: str = "fd") -> Callable[..., Any]:
    """`formula`, on large arrays as one loop."""
    return with_kernel(formula, in_loops(formula, kinds))
