"""The lines that several update rules have in common, in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .checks import number

LEAST = 16384  # elements of a parameter from which compiled rules are worth loading

Rule = Callable[..., None]  # of arrays, scratch, numbers and options


def counted(state: dict[str, Any]) -> float:
    """The number of this step, from 1; kept as a tensor, as PyTorch keeps it."""
    step = state["step"].array
    step += 1
    return number(state["step"])


def descent(p: np.ndarray, g: np.ndarray, s: np.ndarray, decay: float, maximize: bool) -> np.ndarray:
    """The gradient of what is minimised, ±g + decay p: `g` itself, or in scratch `s`."""
    if decay:
        np.multiply(p, decay, out=s)
        return np.subtract(s, g, out=s) if maximize else np.add(s, g, out=s)
    return np.negative(g, out=s) if maximize else g


def average(mean: np.ndarray, x: np.ndarray, beta: float, rest: float, s: np.ndarray) -> None:
    """mean <- beta mean + rest x, where rest is 1 - beta, with scratch `s`, which may be `x` itself.

    In a loop that knew what `rest` is, LLVM would write x + beta (mean - x), which cancels.
    """
    mean *= beta
    mean += np.multiply(x, rest, out=s)


def fused(rule: Rule, arrays: tuple[np.ndarray, ...], scratch: int, numbers: tuple[float, ...],
          options: dict[str, Any]) -> bool:  # fmt: skip
    """Run a rule as one loop, compiled from itself (`autograd/program/updates.py`); False where that cannot be."""
    if getattr(rule, "__closure__", ()) is not None:  # what it closes over may change
        return False
    key = (rule.__code__, arrays[0].dtype, len(arrays), tuple(map(bool, numbers)), *options.items())
    if key not in _loops:
        _loops[key] = _loop(rule, arrays, scratch, numbers, options)
    loop = _loops[key]
    return loop is not None and loop(arrays, numbers)


_loops: dict[Any, Callable[..., bool] | None] = {}


def _loop(*rule: Any) -> Callable[..., bool] | None:
    try:
        from autograd.program.updates import update_of

        return update_of(*rule)
    except ImportError:  # there is no Numba
        return None
