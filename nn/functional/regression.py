"""Losses of numbers and distributions: how far an output is from its target."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from autograd import Tensor, where
from autograd.errors import ArgumentError, ShapeError
from autograd.tensor import wrap

from .reduction import paired, reduced, reduction_of, weighted


def mse_loss(input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
             weight: Tensor | None = None) -> Tensor:  # fmt: skip
    """(x - y)², and its mean or sum.

    >>> import autograd, nn.functional as F
    >>> F.mse_loss(autograd.tensor([1.0, 2.0]), autograd.tensor([1.0, 4.0]))
    tensor(2.)
    """
    reduction = reduction_of(size_average, reduce, reduction)
    paired("mse_loss", input, target, reduction)
    return weighted((input - target).square(), weight, reduction, "mse_loss")


def l1_loss(input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
            weight: Tensor | None = None) -> Tensor:  # fmt: skip
    """|x - y|, and its mean or sum."""
    reduction = reduction_of(size_average, reduce, reduction)
    paired("l1_loss", input, target, reduction)
    return weighted((input - target).abs(), weight, reduction, "l1_loss")


def smooth_l1_loss(input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
                   beta: float = 1.0) -> Tensor:  # fmt: skip
    """d²/(2 beta) for d = |x - y| < beta, else d - beta/2."""
    reduction = reduction_of(size_average, reduce, reduction)
    paired("smooth_l1_loss", input, target, reduction)
    if beta < 0:
        raise ArgumentError(f"smooth_l1_loss: beta must not be negative, got {beta}")
    d = (input - target).abs()
    if beta == 0:
        return reduced(d, reduction, "smooth_l1_loss")
    return reduced(where(d < beta, d.square() * (0.5 / beta), d - 0.5 * beta), reduction, "smooth_l1_loss")


def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0,
               weight: Tensor | None = None) -> Tensor:  # fmt: skip
    """d²/2 for d = |x - y| < delta, else delta (d - delta/2) (Huber, 1964)."""
    paired("huber_loss", input, target, reduction)
    if delta <= 0:
        raise ArgumentError(f"huber_loss: delta must be positive, got {delta}")
    d = (input - target).abs()
    return weighted(where(d <= delta, d.square() * 0.5, (d - 0.5 * delta) * delta), weight, reduction, "huber_loss")


def gaussian_nll_loss(input: Tensor, target: Tensor, var: Any, full: bool = False, eps: float = 1e-6,
                      reduction: str = "mean") -> Tensor:  # fmt: skip
    """(ln var + (x - y)²/var) / 2, with var at least eps."""
    if isinstance(var, float | int):
        var = wrap(np.full(input.array.shape, var, input.array.dtype))
    if (var.array < 0).any():
        raise ArgumentError("gaussian_nll_loss: var has negative entries")
    if var.array.shape != input.array.shape:
        if var.array.shape == input.array.shape[:-1]:
            var = var.unsqueeze(-1)
        differing = [n for m, n in zip(input.array.shape, var.array.shape) if m != n]
        if var.array.ndim != input.array.ndim or differing != [1]:
            raise ShapeError(
                f"gaussian_nll_loss: var {list(var.shape)} must have input's shape {list(input.shape)}, or 1 in one "
                "dimension"
            )
    safe = where(wrap(var.array < eps), wrap(np.asarray(eps, var.array.dtype)), var.detach()) + (var - var.detach())
    loss = 0.5 * (safe.log() + (input - target).square() / safe)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduced(loss, reduction, "gaussian_nll_loss")


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: Any = None,
    eps: float = 1e-8,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """e^x - y x for a rate e^x (or x - y ln(x + eps)), `full` with Stirling's term for ln y!."""
    reduction = reduction_of(size_average, reduce, reduction)
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        loss = loss + stirling.masked_fill(target <= 1, 0)
    return reduced(loss, reduction, "poisson_nll_loss")


def kl_div(input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
           log_target: bool = False) -> Tensor:  # fmt: skip
    """y (ln y - x) for log-probabilities x and probabilities y (or their logarithms); "batchmean" divides by N."""
    reduction = reduction_of(size_average, reduce, reduction)
    loss = target.exp() * (target - input) if log_target else target.xlogy(target) - target * input
    if reduction == "batchmean":
        return loss.sum() / (input.array.shape[0] if input.array.ndim else 1)
    if reduction == "mean" and input.array.ndim > 1:
        warnings.warn("kl_div: reduction='mean' divides by all elements, not by the batch as the divergence does; "
                      "use 'batchmean'", stacklevel=2)  # fmt: skip
    return reduced(loss, reduction, "kl_div")
