"""The lines that several update rules have in common, in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from .checks import number


def counted(state: dict[str, Any]) -> float:
    """The number of this step, from 1; kept as a tensor, as PyTorch keeps it."""
    step = state["step"].array
    step += 1
    return step.item()


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
