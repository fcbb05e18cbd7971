"""Elementwise formulas on large arrays: one compiled loop each, made of the formula itself (`program/formulas.py`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..twin import with_kernel

LEAST = 8192  # elements from which calling a loop, two microseconds, is faster than NumPy

FAR = 1 << 17  # elements from which two threads are faster than NumPy at one addition each


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


def in_shared_loops(formula: Callable[..., Any], least: int = FAR) -> Callable[..., Any]:
    """`in_loops` for what NumPy does as fast as one thread can; of arrays of one shape, and of numbers, which may be
    others the next time."""
    made: dict[Any, Any] = {}

    def fast(*args: Any) -> Any:
        first = max(args, key=_size)
        if _size(first) < least:
            return NotImplemented
        given = [_plain(a, first) for a in args]
        key = tuple([a.dtype if type(a) is np.ndarray else a.__class__ for a in given])
        if not _KNOWN.issuperset(key):
            return NotImplemented
        if key not in made:
            from ..program.formulas import loop_of

            made[key] = loop_of(formula, tuple(given), numbers=True)
        loop = made[key]
        return NotImplemented if loop is None else loop(*[a for a in given if a is not None])

    return fast


_KNOWN = {np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.bool_), float, int, type(None)}


def _size(x: Any) -> int:
    """Elements of an array of floats."""
    return x.size if type(x) is np.ndarray and x.dtype.char in "fd" else 0


def _plain(x: Any, first: np.ndarray) -> Any:
    """A tensor of one number as that number, if it is of the type of `first`."""
    return x.item() if type(x) is np.ndarray and not x.ndim and x.dtype == first.dtype else x


def looped(formula: Callable[..., Any], kinds: str = "fd") -> Callable[..., Any]:
    """`formula`, on large arrays as one loop."""
    return with_kernel(formula, in_loops(formula, kinds))
