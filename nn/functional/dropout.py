"""Dropout: elements or channels zeroed at random in training.  The masks are PyTorch's for the same seed."""

from __future__ import annotations

import math

import numpy as np

from autograd import Tensor
from autograd.errors import ArgumentError, ShapeError
from autograd.generator import default_generator
from autograd.tensor import wrap

from .checks import tensors


def _probability(name: str, p: float) -> None:
    if not 0 <= p <= 1:
        raise ArgumentError(f"{name}: p must be a probability between 0 and 1, got {p}")


def _kept(like: np.ndarray, p: float) -> np.ndarray:
    """A mask that is true with probability 1 - p, drawn in the order in which `like` lies in memory."""
    kept = default_generator.chances(like.size, 1 - p)
    if like.flags.c_contiguous or not all(like.strides):
        return kept.reshape(like.shape)
    order = sorted(range(like.ndim), key=lambda axis: -abs(like.strides[axis]))  # the outermost dimension first
    return kept.reshape([like.shape[axis] for axis in order]).transpose(sorted(range(like.ndim), key=order.__getitem__))


def _channels(name: str, input: Tensor, lead: int = 2) -> np.ndarray:
    """An array with one element for each channel: the first `lead` dimensions of `input`, the others of size 1."""
    tensors(name, input=input)
    shape = input.array.shape
    if len(shape) < lead:
        raise ShapeError(f"{name}: input must have at least {lead} dimensions, got shape {list(shape)}")
    return np.empty(shape[:lead] + (1,) * (len(shape) - lead), bool)


def _apply(name: str, input: Tensor, p: float, training: bool, inplace: bool, like: np.ndarray) -> Tensor:
    """`input` times a mask of the shape of `like`, over 1 - p."""
    _probability(name, p)
    if not training or p == 0 or input.array.size == 0:
        return input
    kind = input.array.dtype
    noise = np.zeros(like.shape, kind) if p == 1 else _kept(like, p).astype(kind) / kind.type(1 - p)
    return input.mul_(wrap(noise)) if inplace else input * wrap(noise)


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each element 0 with probability `p`, else divided by 1 - p, so that the mean stays (Srivastava et al., 2014).

    >>> import autograd, nn.functional as F
    >>> F.dropout(autograd.ones(3), training=False)
    tensor([1., 1., 1.])
    """
    tensors("dropout", input=input)
    return _apply("dropout", input, p, training, inplace, input.array)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of (N, C, L) or (C, L)."""
    if input.array.ndim not in (2, 3):
        raise ArgumentError(f"dropout1d: input must be (N, C, L) or (C, L), got shape {list(input.shape)}")
    return _apply("dropout1d", input, p, training, inplace, _channels("dropout1d", input, input.array.ndim - 1))


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of (N, C, H, W)."""
    return _apply("dropout2d", input, p, training, inplace, _channels("dropout2d", input))


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of (N, C, D, H, W) or (C, D, H, W)."""
    lead = 1 if input.array.ndim == 4 else 2
    return _apply("dropout3d", input, p, training, inplace, _channels("dropout3d", input, lead))


_SATURATED = -1.7580993408473766  # the limit of selu at -∞: -λα


def _alpha(name: str, input: Tensor, p: float, training: bool, inplace: bool, by_channel: bool) -> Tensor:
    """a (x mask + α' (1 - mask)) + b, which keeps mean and variance of selu's outputs (Klambauer et al., 2017)."""
    _probability(name, p)
    if not training or p == 0 or input.array.size == 0:
        return input
    if p == 1:
        return input.mul_(0.0) if inplace else input * 0.0
    kind = input.array.dtype
    mask = _kept(_channels(name, input) if by_channel else input.array, p).astype(kind)
    a = 1 / math.sqrt((_SATURATED**2 * p + 1) * (1 - p))
    shift, scale = (mask - 1) * kind.type(-_SATURATED * a) + kind.type(-_SATURATED * a * p), mask * kind.type(a)
    return input.mul_(wrap(scale)).add_(wrap(shift)) if inplace else input * wrap(scale) + wrap(shift)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout to selu's saturation value, keeping mean and variance."""
    return _alpha("alpha_dropout", input, p, training, inplace, False)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """`alpha_dropout` of whole channels."""
    return _alpha("feature_alpha_dropout", input, p, training, inplace, True)
