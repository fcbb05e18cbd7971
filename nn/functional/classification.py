"""Losses of classes: one of several, or several at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import Tensor, where
from autograd.errors import ArgumentError, DimensionError, DTypeError, ShapeError
from autograd.ops.gather import open_grid
from autograd.ops.index import elements_of
from autograd.ops.reduce import floats_only
from autograd.ops.softmax import class_cross_entropy
from autograd.tensor import wrap

from .activation import logsigmoid
from .checks import tensors
from .reduction import reduced, reduction_of


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
    reduction = reduction_of(size_average, reduce, reduction)
    tensors("nll_loss", input=input, target=target)
    axis, safe, kept = _classes(input, target, weight, ignore_index)
    classes = target.array
    grid = open_grid(classes.shape)
    picked = -elements_of(input, (*grid[:axis], safe, *grid[axis:])) if classes.ndim else -input[int(safe)]
    share = kept.astype(input.array.dtype) if weight is None else weight.array[safe] * kept
    loss = (
        picked
        if weight is None and kept.all()
        else where(wrap(np.asarray(kept)), picked * wrap(np.asarray(share)), 0.0)
    )
    if reduction == "mean":
        with np.errstate(invalid="ignore"):
            return loss.sum() / wrap(np.asanyarray(share.sum()).astype(input.array.dtype))
    return reduced(loss, reduction, "nll_loss")


def _classes(
    input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int
) -> tuple[int, np.ndarray, np.ndarray]:
    """The axis of the classes, the class numbers with 0 where they are ignored, and where they are not."""
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
    return axis, np.where(kept, classes, 0).astype(np.int64, copy=False), kept


def cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None,
                  ignore_index: int = -100, reduce: Any = None, reduction: str = "mean",
                  label_smoothing: float = 0.0) -> Tensor:  # fmt: skip
    """-Σ_c w_c y_c ln softmax(x)_c for logits (N, C, *) and classes (N, *) or probabilities (N, C, *).

    `label_smoothing` mixes the target with the uniform distribution (Szegedy et al., 2016).

    >>> import autograd, nn.functional as F
    >>> F.cross_entropy(autograd.tensor([[0.0, 0.0]]), autograd.tensor([1]))
    tensor(0.6931)
    """
    reduction = reduction_of(size_average, reduce, reduction)
    tensors("cross_entropy", input=input, target=target)
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError(f"cross_entropy: label_smoothing must lie between 0 and 1, got {label_smoothing}")
    if not input.array.ndim:
        raise ShapeError("cross_entropy: input must be (C), (N, C) or (N, C, *), got a number")
    if input.array.ndim == 2 and target.array.dtype.kind in "iu" and weight is None and label_smoothing == 0:
        return _fused(input, target, ignore_index, reduction)
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
        smooth = smooth.sum() / wrap(np.asanyarray(share).astype(input.array.dtype))
    else:
        smooth = reduced(smooth, reduction, "cross_entropy")
    return hard * (1 - label_smoothing) + smooth * (label_smoothing / c)


def _fused(input: Tensor, target: Tensor, ignore_index: int, reduction: str) -> Tensor:
    """The commonest case in one op."""
    _, safe, kept = _classes(input, target, None, ignore_index)
    loss = class_cross_entropy(input, wrap(np.where(kept, safe, -1)))
    if reduction == "mean":
        with np.errstate(invalid="ignore"):
            return loss.sum() / wrap(np.asanyarray(kept.sum()).astype(loss.array.dtype))
    return reduced(loss, reduction, "cross_entropy")


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
    return reduced(loss, reduction, "cross_entropy")


def binary_cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None,
                         reduce: Any = None, reduction: str = "mean") -> Tensor:  # fmt: skip
    """-(y ln p + (1 - y) ln(1 - p)) for probabilities p, each logarithm cut off at -100.

    >>> import autograd, nn.functional as F
    >>> F.binary_cross_entropy(autograd.tensor([0.5]), autograd.tensor([1.0]))
    tensor(0.6931)
    """
    tensors("binary_cross_entropy", input=input, target=target)
    reduction = reduction_of(size_average, reduce, reduction)
    if input.array.shape != target.array.shape:
        raise ShapeError(
            f"binary_cross_entropy: target must have the shape of input, {list(input.shape)}, got {list(target.shape)}"
        )
    if input.array.size and not (input.array.min() >= 0 and input.array.max() <= 1):
        raise ArgumentError("binary_cross_entropy: input must be probabilities between 0 and 1; for logits use "
                            "binary_cross_entropy_with_logits")  # fmt: skip
    loss = (target - 1) * (-input).log1p().clamp_min(-100) - target * input.log().clamp_min(-100)
    return reduced(loss if weight is None else loss * weight, reduction, "binary_cross_entropy")


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
    tensors("binary_cross_entropy_with_logits", input=input, target=target)
    reduction = reduction_of(size_average, reduce, reduction)
    if input.array.shape != target.array.shape:
        raise ShapeError(f"binary_cross_entropy_with_logits: target must have the shape of input, {list(input.shape)}, "
                         f"got {list(target.shape)}")  # fmt: skip
    scale = logsigmoid(input) if pos_weight is None else (1 + (pos_weight - 1) * target) * logsigmoid(input)
    loss = (1 - target) * input - scale
    return reduced(loss if weight is None else loss * weight, reduction, "binary_cross_entropy_with_logits")


def soft_margin_loss(input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None,
                     reduction: str = "mean") -> Tensor:  # fmt: skip
    """ln(1 + e^{-y x}) for y = ±1."""
    reduction = reduction_of(size_average, reduce, reduction)
    return reduced((-target * input).exp().log1p(), reduction, "soft_margin_loss")


def multilabel_soft_margin_loss(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None,
                                reduce: Any = None, reduction: str = "mean") -> Tensor:  # fmt: skip
    """The mean over classes of the binary cross-entropies of σ(x)."""
    reduction = reduction_of(size_average, reduce, reduction)
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    loss = loss if weight is None else loss * weight
    return reduced(loss.sum(-1) / input.array.shape[-1], reduction, "multilabel_soft_margin_loss")


def multi_margin_loss(input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None,
                      size_average: Any = None, reduce: Any = None, reduction: str = "mean") -> Tensor:  # fmt: skip
    """Σ_{c ≠ y} max(0, margin - x_y + x_c)^p / C."""
    reduction = reduction_of(size_average, reduce, reduction)
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
    return reduced(loss.reshape(*target.array.shape), reduction, "multi_margin_loss")


def multilabel_margin_loss(input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None,
                           reduction: str = "mean") -> Tensor:  # fmt: skip
    """Σ_y Σ_{c not a label} max(0, 1 - x_y + x_c) / C; `target` (N, C) lists the labels y, ended by the first -1.

    >>> import autograd, nn.functional as F
    >>> F.multilabel_margin_loss(autograd.tensor([[0.5, 1.0, 0.0]]), autograd.tensor([[1, -1, 0]]))
    tensor(0.1667)
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if input.array.shape != target.array.shape or input.array.ndim > 2:
        raise ShapeError(
            f"multilabel_margin_loss: input and target must both be (N, C) or (C), got {list(input.shape)} and "
            f"{list(target.shape)}"
        )
    c = input.array.shape[-1] if input.array.ndim else 1
    x, y = input.reshape(input.array.size // max(c, 1), c), target.array.reshape(-1, c)
    if y.dtype.kind not in "iu" or (y.size and not -1 <= y.min() <= y.max() < c):
        raise ArgumentError(f"multilabel_margin_loss: target must hold class numbers 0..{c - 1}, or -1 after the last")
    listed = np.logical_and.accumulate(y >= 0, axis=1)
    labels = np.where(listed, y, 0)
    is_label = ((labels[:, :, None] == np.arange(c)) & listed[:, :, None]).any(1)
    margins = (1 - x.gather(1, wrap(labels)).unsqueeze(2) + x.unsqueeze(1)).clamp_min(0)
    counted = listed[:, :, None] & ~is_label[:, None, :]
    loss = margins.masked_fill(wrap(~counted), 0.0).sum((1, 2)) / c
    return reduced(loss.reshape(*input.array.shape[:-1]), reduction, "multilabel_margin_loss")
