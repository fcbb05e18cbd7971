"""Losses: how far an output is from its target, as a number to make small."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd import Tensor, where
from autograd.errors import ArgumentError, DimensionError, DTypeError, ShapeError
from autograd.ops.index import elements_of
from autograd.ops.reduce import floats_only
from autograd.tensor import wrap

from .activation import logsigmoid
from .distance import pairwise_distance


def _reduced(loss: Tensor, reduction: str, name: str) -> Tensor:
    """`loss` itself, its mean or its sum."""
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    if reduction == "none":
        return loss
    raise ArgumentError(f"{name}: reduction must be 'none', 'mean' or 'sum', got {reduction!r}")


def _paired(name: str, input: Tensor, target: Tensor, reduction: str) -> None:
    """Warn when shapes differ: broadcasting (N, 1) against (N) gives an N x N loss, which is hardly ever meant."""
    if not isinstance(target, Tensor):
        raise ArgumentError(f"{name}: target must be a Tensor, got {type(target).__name__}")
    if reduction not in ("none", "mean", "sum"):
        raise ArgumentError(f"{name}: reduction must be 'none', 'mean' or 'sum', got {reduction!r}")
    if input.array.shape != target.array.shape:
        try:
            shape = np.broadcast_shapes(input.array.shape, target.array.shape)
        except ValueError:
            raise ShapeError(
                f"{name}: input {list(input.shape)} and target {list(target.shape)} do not fit together"
            ) from None
        warnings.warn(
            f"{name}: input {list(input.shape)} and target {list(target.shape)} differ in shape and are broadcast to "
            f"{list(shape)}; reshape one of them to the other's shape if that is not meant",
            stacklevel=3,
        )


# ---------------------------------------------------------------------------------------------------------------------
# Regression.


def mse_loss(input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
             weight: Tensor | None = None) -> Tensor:  # fmt: skip
    """(x - y)², and its mean or sum.

    >>> import autograd, nn.functional as F
    >>> F.mse_loss(autograd.tensor([1.0, 2.0]), autograd.tensor([1.0, 4.0]))
    tensor(2.)
    """
    _paired("mse_loss", input, target, reduction)
    return _weighted((input - target).square(), weight, reduction, "mse_loss")


def l1_loss(input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
            weight: Tensor | None = None) -> Tensor:  # fmt: skip
    """|x - y|, and its mean or sum."""
    _paired("l1_loss", input, target, reduction)
    return _weighted((input - target).abs(), weight, reduction, "l1_loss")


def _weighted(loss: Tensor, weight: Tensor | None, reduction: str, name: str) -> Tensor:
    if weight is None:
        return _reduced(loss, reduction, name)
    if weight.array.shape != loss.array.shape:
        raise ShapeError(f"{name}: weight {list(weight.shape)} must have the shape of the loss, {list(loss.shape)}")
    total = loss * weight
    return total.sum() / weight.sum() if reduction == "mean" else _reduced(total, reduction, name)


def smooth_l1_loss(input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
                   beta: float = 1.0) -> Tensor:  # fmt: skip
    """d²/(2 beta) for d = |x - y| < beta, else d - beta/2."""
    _paired("smooth_l1_loss", input, target, reduction)
    if beta < 0:
        raise ArgumentError(f"smooth_l1_loss: beta must not be negative, got {beta}")
    d = (input - target).abs()
    if beta == 0:
        return _reduced(d, reduction, "smooth_l1_loss")
    return _reduced(where(d < beta, d.square() * (0.5 / beta), d - 0.5 * beta), reduction, "smooth_l1_loss")


def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0,
               weight: Tensor | None = None) -> Tensor:  # fmt: skip
    """d²/2 for d = |x - y| < delta, else delta (d - delta/2) (Huber, 1964)."""
    _paired("huber_loss", input, target, reduction)
    if delta <= 0:
        raise ArgumentError(f"huber_loss: delta must be positive, got {delta}")
    d = (input - target).abs()
    return _weighted(where(d <= delta, d.square() * 0.5, (d - 0.5 * delta) * delta), weight, reduction, "huber_loss")


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
    return _reduced(loss, reduction, "gaussian_nll_loss")


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
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        loss = loss + stirling.masked_fill(target <= 1, 0)
    return _reduced(loss, reduction, "poisson_nll_loss")


# ---------------------------------------------------------------------------------------------------------------------
# Classification.


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """-w_y x_y for log-probabilities (N, C, *) and class numbers (N, *); the mean is weighted by w_y.

    >>> import autograd, nn.functional as F
    >>> F.nll_loss(autograd.tensor([[-1.0, -2.0]]), autograd.tensor([1]))
    tensor(2.)
    """
    floats_only("nll_loss", input)
    shape, classes = input.array.shape, target.array
    if not shape:
        raise ShapeError("nll_loss: input must be (C), (N, C) or (N, C, *), got a number")
    axis = 0 if len(shape) == 1 else 1
    c = shape[axis]
    if classes.shape != shape[:axis] + shape[axis + 1 :]:
        raise ShapeError(
            f"nll_loss: target must have input's shape without the classes, {list(shape[:axis] + shape[axis + 1 :])}, "
            f"got {list(classes.shape)}"
        )
    if classes.dtype.kind not in "iu":
        raise DTypeError(f"nll_loss: target must be int64 class numbers, got {target.dtype}; use .long()")
    if weight is not None and weight.array.shape != (c,):
        raise ShapeError(f"nll_loss: weight must have shape [{c}], one for each class, got {list(weight.shape)}")
    kept = classes != ignore_index
    if not ((classes >= 0) & (classes < c) | ~kept).all():
        raise DimensionError(
            f"nll_loss: target has classes outside 0..{c - 1} (and not ignore_index={ignore_index}): "
            f"{sorted(set(classes[(kept) & ((classes < 0) | (classes >= c))].tolist()))[:5]}"
        )
    safe = np.where(kept, classes, 0)
    grid = list(np.ogrid[tuple(slice(n) for n in classes.shape)])
    picked = -elements_of(input, (*grid[:axis], safe, *grid[axis:])) if classes.ndim else -input[int(safe)]
    share = kept.astype(input.array.dtype) if weight is None else weight.array[safe] * kept
    loss = (
        picked
        if weight is None and kept.all()
        else where(wrap(np.asarray(kept)), picked * wrap(np.asarray(share)), 0.0)
    )
    if reduction == "mean":
        with np.errstate(invalid="ignore"):
            return loss.sum() / wrap(np.asarray(share.sum(), input.array.dtype))
    return _reduced(loss, reduction, "nll_loss")


def cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None,
                  ignore_index: int = -100, reduce: Any = None, reduction: str = "mean",
                  label_smoothing: float = 0.0) -> Tensor:  # fmt: skip
    """-Σ_c w_c y_c ln softmax(x)_c for logits (N, C, *) and classes (N, *) or probabilities (N, C, *).

    `label_smoothing` mixes the target with the uniform distribution (Szegedy et al., 2016).

    >>> import autograd, nn.functional as F
    >>> F.cross_entropy(autograd.tensor([[0.0, 0.0]]), autograd.tensor([1]))
    tensor(0.6931)
    """
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError(f"cross_entropy: label_smoothing must lie between 0 and 1, got {label_smoothing}")
    if not input.array.ndim:
        raise ShapeError("cross_entropy: input must be (C), (N, C) or (N, C, *), got a number")
    axis = 0 if input.array.ndim == 1 else 1
    logp = input.log_softmax(axis)
    across = (-1,) + (1,) * (input.array.ndim - axis - 1)
    if target.array.shape == input.array.shape and target.array.dtype.kind == "f":
        return _soft_cross_entropy(logp, target, weight, reduction, label_smoothing, axis, across)
    hard = nll_loss(logp, target, weight, None, ignore_index, None, reduction)
    if label_smoothing == 0:
        return hard
    c = input.array.shape[axis]
    smooth = -(logp if weight is None else logp * weight.reshape(across)).sum(axis)
    kept = target.array != ignore_index
    smooth = smooth.masked_fill(wrap(np.asarray(~kept)), 0.0)
    if reduction == "mean":
        share = kept.sum() if weight is None else (weight.array[np.where(kept, target.array, 0)] * kept).sum()
        smooth = smooth.sum() / float(share)
    else:
        smooth = _reduced(smooth, reduction, "cross_entropy")
    return hard * (1 - label_smoothing) + smooth * (label_smoothing / c)


def _soft_cross_entropy(
    logp: Tensor,
    target: Tensor,
    weight: Tensor | None,
    reduction: str,
    smoothing: float,
    axis: int,
    across: tuple[int, ...],
) -> Tensor:
    c = logp.array.shape[axis]
    if smoothing:
        target = target * (1 - smoothing) + smoothing / c
    terms = logp * target if weight is None else logp * target * weight.reshape(across)
    loss = -terms.sum(axis)
    if reduction == "mean":
        return loss.sum() / max(1, loss.array.size)
    return _reduced(loss, reduction, "cross_entropy")


def binary_cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None,
                         reduce: Any = None, reduction: str = "mean") -> Tensor:  # fmt: skip
    """-(y ln p + (1 - y) ln(1 - p)) for probabilities p, each logarithm cut off at -100.

    >>> import autograd, nn.functional as F
    >>> F.binary_cross_entropy(autograd.tensor([0.5]), autograd.tensor([1.0]))
    tensor(0.6931)
    """
    if input.array.shape != target.array.shape:
        raise ShapeError(
            f"binary_cross_entropy: target must have the shape of input, {list(input.shape)}, got {list(target.shape)}"
        )
    if input.array.size and not (input.array.min() >= 0 and input.array.max() <= 1):
        raise ArgumentError("binary_cross_entropy: input must be probabilities between 0 and 1; for logits use "
                            "binary_cross_entropy_with_logits")  # fmt: skip
    loss = (target - 1) * (-input).log1p().clamp_min(-100) - target * input.log().clamp_min(-100)
    return _reduced(loss if weight is None else loss * weight, reduction, "binary_cross_entropy")


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """`binary_cross_entropy` of σ(x), without overflow; `pos_weight` multiplies the terms with y = 1."""
    if input.array.shape != target.array.shape:
        raise ShapeError(f"binary_cross_entropy_with_logits: target must have the shape of input, {list(input.shape)}, "
                         f"got {list(target.shape)}")  # fmt: skip
    scale = logsigmoid(input) if pos_weight is None else (1 + (pos_weight - 1) * target) * logsigmoid(input)
    loss = (1 - target) * input - scale
    return _reduced(loss if weight is None else loss * weight, reduction, "binary_cross_entropy_with_logits")


def kl_div(input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
           log_target: bool = False) -> Tensor:  # fmt: skip
    """y (ln y - x) for log-probabilities x and probabilities y (or their logarithms); "batchmean" divides by N."""
    loss = target.exp() * (target - input) if log_target else _xlogy(target) - target * input
    if reduction == "batchmean":
        return loss.sum() / (input.array.shape[0] if input.array.ndim else 1)
    if reduction == "mean" and input.array.ndim > 1:
        warnings.warn("kl_div: reduction='mean' divides by all elements, not by the batch as the divergence does; "
                      "use 'batchmean'", stacklevel=2)  # fmt: skip
    return _reduced(loss, reduction, "kl_div")


def _xlogy(y: Tensor) -> Tensor:
    return y.xlogy(y)


def soft_margin_loss(input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None,
                     reduction: str = "mean") -> Tensor:  # fmt: skip
    """ln(1 + e^{-y x}) for y = ±1."""
    return _reduced((-target * input).exp().log1p(), reduction, "soft_margin_loss")


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """x where y = 1, max(0, margin - x) where y = -1."""
    far = where(target == 1, wrap(np.zeros((), input.array.dtype)), (margin - input).clamp_min(0))
    near = where(target == -1, wrap(np.zeros((), input.array.dtype)), input)
    return _reduced(far + near, reduction, "hinge_embedding_loss")


def multilabel_soft_margin_loss(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None,
                                reduce: Any = None, reduction: str = "mean") -> Tensor:  # fmt: skip
    """The mean over classes of the binary cross-entropies of σ(x)."""
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    loss = loss if weight is None else loss * weight
    return _reduced(loss.sum(-1) / input.array.shape[-1], reduction, "multilabel_soft_margin_loss")


def multi_margin_loss(input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None,
                      size_average: Any = None, reduce: Any = None, reduction: str = "mean") -> Tensor:  # fmt: skip
    """Σ_{c ≠ y} max(0, margin - x_y + x_c)^p / C."""
    if p not in (1, 2):
        raise ArgumentError(f"multi_margin_loss: p must be 1 or 2, got {p}")
    x = input if input.array.ndim == 2 else input.reshape(1, input.array.size)
    y = target.array.reshape(-1)
    n, c = x.array.shape
    if input.array.ndim > 2 or y.shape != (n,):
        raise ShapeError(
            f"multi_margin_loss: input (N, C) and target (N) do not fit: {list(input.shape)}, {list(target.shape)}"
        )
    if weight is not None and weight.array.shape != (c,):
        raise ShapeError(f"multi_margin_loss: weight must have shape [{c}], got {list(weight.shape)}")
    own = x.gather(1, wrap(y[:, None]))
    loss = (margin - own + x).clamp_min(0).pow(p)
    loss = loss if weight is None else loss * wrap(weight.array[y][:, None])
    loss = loss.masked_fill(wrap(y[:, None] == np.arange(c)), 0.0).sum(1) / c
    return _reduced(loss.reshape(*target.array.shape), reduction, "multi_margin_loss")


# ---------------------------------------------------------------------------------------------------------------------
# Distances between embeddings.


def cosine_embedding_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: Any = None,
                          reduce: Any = None, reduction: str = "mean") -> Tensor:  # fmt: skip
    """1 - cos(x1, x2) where y = 1, max(0, cos(x1, x2) - margin) where y = -1."""
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
    return _reduced(loss, reduction, "cosine_embedding_loss")


def margin_ranking_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: Any = None,
                        reduce: Any = None, reduction: str = "mean") -> Tensor:  # fmt: skip
    """max(0, -y (x1 - x2) + margin) for y = ±1."""
    if not input1.array.ndim == input2.array.ndim == target.array.ndim:
        raise ShapeError(f"margin_ranking_loss: the tensors must have as many dimensions, got {list(input1.shape)}, "
                         f"{list(input2.shape)} and {list(target.shape)}")  # fmt: skip
    return _reduced((-target * (input1 - input2) + margin).clamp_min(0), reduction, "margin_ranking_loss")


def triplet_margin_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2,
                        eps: float = 1e-6, swap: bool = False, size_average: Any = None, reduce: Any = None,
                        reduction: str = "mean") -> Tensor:  # fmt: skip
    """max(0, d(a, p) - d(a, n) + margin) with p-norm distances; `swap` takes the harder of d(a, n) and d(p, n)."""
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
    return _reduced((near - far + margin).clamp_min(0), reduction, "triplet_margin_loss")
