"""What losses share: the mean or the sum at their end, and the look at the shapes at their beginning."""

from __future__ import annotations

import warnings

import numpy as np

from autograd import Tensor
from autograd.errors import ArgumentError, ShapeError

from .checks import tensors


def reduction_of(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction that is meant, if it is given by the two arguments that came before `reduction`."""
    if size_average is None and reduce is None:
        return reduction
    old = "none" if reduce is False else "sum" if size_average is False else "mean"
    warnings.warn(f"size_average and reduce are PyTorch's older arguments; write reduction={old!r}", stacklevel=3)
    return old


def reduced(loss: Tensor, reduction: str, name: str) -> Tensor:
    """`loss` itself, its mean or its sum."""
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    if reduction == "none":
        return loss
    raise ArgumentError(f"{name}: reduction must be 'none', 'mean' or 'sum', got {reduction!r}")


def weighted(loss: Tensor, weight: Tensor | None, reduction: str, name: str) -> Tensor:
    if weight is None:
        return reduced(loss, reduction, name)
    if weight.array.shape != loss.array.shape:
        raise ShapeError(f"{name}: weight {list(weight.shape)} must have the shape of the loss, {list(loss.shape)}")
    total = loss * weight
    return total.sum() / weight.sum() if reduction == "mean" else reduced(total, reduction, name)


def paired(name: str, input: Tensor, target: Tensor, reduction: str) -> None:
    """Warn when shapes differ: broadcasting (N, 1) against (N) gives an N x N loss, which is hardly ever meant."""
    tensors(name, input=input, target=target)
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
