"""Images read at positions between their pixels: spatial transformers (Jaderberg et al., 2015)."""

from __future__ import annotations

import functools
import itertools
import math
import operator
import warnings
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

import autograd
from autograd import Tensor
from autograd.errors import ArgumentError, DTypeError, ShapeError
from autograd.tensor import wrap

Tap = tuple[np.ndarray, Any]  # which element along a dimension, and its weight there

_KEYS = -0.75  # the slope that chooses Keys' cubic kernel (1981)


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """A grid for `grid_sample`: maps images of `size` (N, C, H, W) by matrices `theta` (N, 2, 3); (N, 3, 4) in 3-d.

    >>> import autograd, nn.functional as F
    >>> F.affine_grid(autograd.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]), (1, 1, 1, 2), align_corners=False)
    tensor([[[[-0.5000,  0.0000],
              [ 0.5000,  0.0000]]]])
    """
    n = len(size) - 2
    if n not in (2, 3) or theta.array.shape != (size[0], n, n + 1) or min(size) < 1:
        raise ShapeError(
            f"affine_grid: theta must be (N, 2, 3) for size (N, C, H, W), or (N, 3, 4) for (N, C, D, H, W); got "
            f"{list(theta.shape)} and size={tuple(size)}"
        )
    if theta.array.dtype.kind != "f":
        raise DTypeError(f"affine_grid: theta must be floating point, got {theta.dtype}")
    align = _aligned("affine_grid", align_corners)
    axes = [np.linspace(-1, 1, s) * (1 if align or s == 1 else (s - 1) / s) * (s > 1) for s in size[2:]]
    base = np.stack([*np.meshgrid(*axes, indexing="ij")[::-1], np.ones(tuple(size[2:]))], -1)  # x first, then 1
    points = wrap(base.reshape(-1, n + 1).astype(theta.array.dtype)) @ theta.mT
    return points.reshape(size[0], *size[2:], n)


def grid_sample(input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros",
                align_corners: bool | None = None) -> Tensor:  # fmt: skip
    """`input` (N, C, H, W) read at the positions `grid` (N, H', W', 2), x before y, from -1 to 1; or the same in 3-d.

    `mode`: bilinear, nearest, bicubic (2-d only); `padding_mode` says what stands outside: zeros, border, reflection;
    `align_corners`: whether -1 and 1 are the centres of the outermost pixels, or their edges.

    >>> import autograd, nn.functional as F
    >>> middle = autograd.zeros(1, 1, 1, 2)
    >>> F.grid_sample(autograd.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), middle, align_corners=False)
    tensor([[[[2.5000]]]])
    """
    n, shape = input.array.ndim - 2, input.array.shape
    if n not in (2, 3) or grid.array.ndim != n + 2 or len(grid.array) != shape[0] or grid.array.shape[-1] != n:
        raise ShapeError(
            f"grid_sample: input (N, C, H, W) goes with grid (N, H', W', 2), (N, C, D, H, W) with (N, D', H', W', 3); "
            f"got {list(shape)} and {list(grid.shape)}"
        )
    if input.array.dtype != grid.array.dtype or input.array.dtype.kind != "f":
        raise DTypeError(
            f"grid_sample: input and grid must be of one floating type, got {input.dtype} and {grid.dtype}"
        )
    if 0 in shape[1:]:
        raise ShapeError(f"grid_sample: input of shape {list(shape)} has a dimension of size 0 other than the batch")
    if mode not in ("bilinear", "nearest", "bicubic") or (mode == "bicubic" and n == 3):
        raise ArgumentError(f"grid_sample: mode must be 'bilinear', 'nearest' or, for images, 'bicubic', got {mode!r}")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ArgumentError(
            f"grid_sample: padding_mode must be 'zeros', 'border' or 'reflection', got {padding_mode!r}"
        )
    align = _aligned("grid_sample", align_corners)
    points = [grid[..., n - 1 - i].reshape(shape[0], -1) for i in range(n)]  # one for each dimension of input
    taps = [_taps(at, size, mode, padding_mode, align) for at, size in zip(points, shape[2:])]
    flat, terms = input.reshape(*shape[:2], math.prod(shape[2:])), []
    for chosen in itertools.product(*taps):
        index = np.zeros(points[0].array.shape, np.int64)
        weight: Any = None
        for (place, w), size in zip(chosen, shape[2:]):
            index, weight = index * size + place, w if weight is None else weight * w
        wide = np.broadcast_to(index[:, None], shape[:2] + index.shape[1:])
        terms.append(flat.gather(2, wrap(wide)) * cast(Tensor, weight).unsqueeze(1))
    total = functools.reduce(operator.add, terms)
    return total.reshape(*shape[:2], *grid.array.shape[1:-1])


def _aligned(name: str, align_corners: bool | None) -> bool:
    if align_corners is None:
        warnings.warn(f"{name}: align_corners is False unless given; before PyTorch 1.3 it was True", stacklevel=3)
    return bool(align_corners)


def _taps(at: Tensor, size: int, mode: str, padding: str, align: bool) -> list[Tap]:
    """The elements of a dimension of `size` that are read for positions `at`, and their weights."""
    x = (at + 1) * ((size - 1) / 2) if align else ((at + 1) * size - 1) / 2
    if mode == "bicubic":  # outside, each of the four is brought in by itself
        first = np.floor(x.array)
        return [_tap(wrap(first + k), size, padding, align, _cubic(x - wrap(first + k))) for k in range(-1, 3)]
    x = _brought_in(x, size, padding, align)
    if mode == "nearest":
        return [_tap(wrap(np.rint(x.array)), size, "zeros", align, autograd.ones_like(x))]
    first = np.floor(x.array)
    t = x - wrap(first)
    return [_tap(wrap(first), size, "zeros", align, 1 - t), _tap(wrap(first + 1), size, "zeros", align, t)]


def _tap(at: Tensor, size: int, padding: str, align: bool, weight: Tensor) -> Tap:
    """A whole position as an index, its weight 0 outside."""
    place = _brought_in(at, size, padding, align).array
    inside = (place >= 0) & (place <= size - 1)
    return np.where(inside, place, 0).astype(np.int64), weight * wrap(inside.astype(place.dtype))


def _brought_in(x: Tensor, size: int, padding: str, align: bool) -> Tensor:
    """Positions outside moved to the border, or reflected at the outermost pixels' centres or edges."""
    if padding == "zeros":
        return x
    if padding == "reflection":
        low, span = (0.0, size - 1) if align else (-0.5, size)
        if span == 0:
            return x * 0
        distance = (x - low).abs()
        turns = np.floor(distance.array / span)
        rest = distance - wrap((turns * span).astype(distance.array.dtype))
        x = autograd.where(wrap(turns % 2 == 0), rest, span - rest) + low
    return x.clamp(0, size - 1)


def _cubic(d: Tensor) -> Tensor:
    """Keys' kernel at distance d."""
    d = d.abs()
    near = ((_KEYS + 2) * d - (_KEYS + 3)) * d * d + 1
    far = ((d - 5) * d + 8) * d * _KEYS - 4 * _KEYS
    return autograd.where(wrap(d.array <= 1), near, far)
