"""The lines that several update rules have in common, in place."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .checks import number

LEAST = 16384  # elements of a parameter from which compiled rules are worth loading


def counted(state: dict[str, Any]) -> float:
    """The number of this step, from 1; kept as a tensor, as PyTorch keeps it."""
    step = state["step"].array
    step += 1
    return number(state["step"])


def descent(p: np.ndarray, g: np.ndarray, s: np.ndarray, group: dict[str, Any], coupled: bool = True) -> np.ndarray:
    """The gradient of what is minimised, ±g, plus weight_decay * p if `coupled`: `g` itself, or in scratch `s`."""
    decay = number(group["weight_decay"]) if coupled else 0
    if decay:
        np.multiply(p, decay, out=s)
        return np.subtract(s, g, out=s) if group["maximize"] else np.add(s, g, out=s)
    return np.negative(g, out=s) if group["maximize"] else g


def average(mean: np.ndarray, x: np.ndarray, beta: float, s: np.ndarray) -> None:
    """mean <- beta mean + (1 - beta) x, with scratch `s`, which may be `x` itself."""
    mean *= beta
    mean += np.multiply(x, 1 - beta, out=s)


def compiled(p: np.ndarray) -> Any:
    """`autograd.kernels.update`, rules as single loops, for a large parameter; None for others, or without Numba.

    None, too, while a program is recorded, which fuses the NumPy rule itself.
    """
    return _compiled() if p.size >= LEAST and type(p) is np.ndarray else None


@functools.cache
def _compiled() -> Any:
    try:
        from autograd.kernels import update
    except ImportError:
        return None
    return update


def uphill(group: dict[str, Any]) -> float:
    """The sign of g in what is minimised."""
    return -1.0 if group["maximize"] else 1.0
