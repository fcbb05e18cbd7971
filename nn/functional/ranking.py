"""Losses of pairs and triplets: what is alike should be near."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd import Tensor, where
from autograd.errors import ArgumentError, ShapeError
from autograd.tensor import wrap

from .distance import pairwise_distance
from .reduction import reduced, reduction_of


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """x where y = 1, max(0, margin - x) where y = -1."""
    reduction = reduction_of(size_average, reduce, reduction)
    far = where(target == 1, wrap(np.zeros((), input.array.dtype)), (margin - input).clamp_min(0))
    near = where(target == -1, wrap(np.zeros((), input.array.dtype)), input)
    return reduced(far + near, reduction, "hinge_embedding_loss")


def cosine_embedding_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: Any = None,
                          reduce: Any = None, reduction: str = "mean") -> Tensor:  # fmt: skip
    """1 - cos(x1, x2) where y = 1, max(0, cos(x1, x2) - margin) where y = -1."""
    reduction = reduction_of(size_average, reduce, reduction)
    if (
        target.array.ndim not in (0, 1)
        or input1.array.ndim != target.array.ndim + 1
        or input2.array.ndim != target.array.ndim + 1
    ):
        raise ShapeError(
            f"cosine_embedding_loss: inputs (N, D) with target (N), or (D) with a number; got {list(input1.shape)}, "
            f"{list(input2.shape)} and {list(target.shape)}"
        )
    dim = target.array.ndim
    eps = 1e-12
    product = (input1 * input2).sum(dim)
    cos = product / ((input1.square().sum(dim) + eps) * (input2.square().sum(dim) + eps)).sqrt()
    zero = wrap(np.zeros((), cos.array.dtype))
    loss = where(target == 1, 1 - cos, zero) + where(target == -1, (cos - margin).clamp_min(0), zero)
    return reduced(loss, reduction, "cosine_embedding_loss")


def margin_ranking_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: Any = None,
                        reduce: Any = None, reduction: str = "mean") -> Tensor:  # fmt: skip
    """max(0, -y (x1 - x2) + margin) for y = ±1."""
    reduction = reduction_of(size_average, reduce, reduction)
    if not input1.array.ndim == input2.array.ndim == target.array.ndim:
        raise ShapeError(f"margin_ranking_loss: the tensors must have as many dimensions, got {list(input1.shape)}, "
                         f"{list(input2.shape)} and {list(target.shape)}")  # fmt: skip
    return reduced((-target * (input1 - input2) + margin).clamp_min(0), reduction, "margin_ranking_loss")


def triplet_margin_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2,
                        eps: float = 1e-6, swap: bool = False, size_average: Any = None, reduce: Any = None,
                        reduction: str = "mean") -> Tensor:  # fmt: skip
    """max(0, d(a, p) - d(a, n) + margin) with p-norm distances; `swap` takes the harder of d(a, n) and d(p, n)."""
    reduction = reduction_of(size_average, reduce, reduction)
    return triplet_margin_with_distance_loss(
        anchor,
        positive,
        negative,
        distance_function=lambda x, y: pairwise_distance(x, y, p, eps),
        margin=margin,
        swap=swap,
        reduction=reduction,
    )


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with a distance of one's own."""
    if margin <= 0:
        raise ArgumentError(f"triplet_margin_loss: margin must be positive, got {margin}")
    if not anchor.array.ndim == positive.array.ndim == negative.array.ndim:
        raise ShapeError(f"triplet_margin_loss: the tensors must have as many dimensions, got {list(anchor.shape)}, "
                         f"{list(positive.shape)} and {list(negative.shape)}")  # fmt: skip
    distance = distance_function or pairwise_distance
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = far.minimum(distance(positive, negative))
    return reduced((near - far + margin).clamp_min(0), reduction, "triplet_margin_loss")
