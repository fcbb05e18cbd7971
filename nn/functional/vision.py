"""Images of other sizes and arrangements."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd import Tensor
from autograd.errors import ArgumentError, ShapeError
from autograd.ops.pad import pad as pad
from autograd.tensor import wrap

from .checks import tensors
from .pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d

_DIMENSIONS = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}


def interpolate(input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
                align_corners: bool | None = None, recompute_scale_factor: bool | None = None,
                antialias: bool = False) -> Tensor:  # fmt: skip
    """(N, C, *) resampled to `size` or by `scale_factor`.

    `mode`: nearest, nearest-exact, area, linear (3-d), bilinear and bicubic (4-d), trilinear (5-d).  Resampling is
    linear and separable, so each dimension is a product with a matrix of weights.

    >>> import autograd, nn.functional as F
    >>> F.interpolate(autograd.tensor([[[1.0, 2.0]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    """
    tensors("interpolate", input=input)
    n = input.array.ndim - 2
    if n not in (1, 2, 3) or 0 in input.array.shape[1:]:
        raise ShapeError(
            "interpolate: input must be (N, C, L), (N, C, H, W) or (N, C, D, H, W) and not empty, got "
            f"{list(input.shape)}"
        )
    spatial = input.array.shape[2:]
    sizes, scales = _targets(spatial, n, size, scale_factor, recompute_scale_factor)
    if mode in ("nearest", "nearest-exact", "area") and align_corners is not None:
        raise ArgumentError(f"interpolate: align_corners has no meaning with mode={mode!r}")
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ArgumentError(f"interpolate: antialias goes with 'bilinear' and 'bicubic', not {mode!r}")
    if mode == "area":
        return {1: adaptive_avg_pool1d, 2: adaptive_avg_pool2d, 3: adaptive_avg_pool3d}[n](input, sizes)
    x = input
    for axis, (old, new, scale) in enumerate(zip(spatial, sizes, scales), 2):
        if mode in ("nearest", "nearest-exact"):
            x = x.index_select(axis, wrap(_nearest(old, new, scale, mode == "nearest-exact")))
        elif _DIMENSIONS.get(mode) == n:
            weights = _weights(old, new, scale, bool(align_corners), mode == "bicubic", antialias).astype(
                input.array.dtype
            )
            x = (x.movedim(axis, -1) @ wrap(np.ascontiguousarray(weights.T))).movedim(-1, axis)
        else:
            raise ArgumentError(
                f"interpolate: mode={mode!r} does not suit an input with {n} spatial dimensions; one of nearest, "
                f"nearest-exact, area, linear (1), bilinear, bicubic (2), trilinear (3)"
            )
    return x


def _targets(spatial: tuple[int, ...], n: int, size: Any, scale_factor: Any, recompute: bool | None) -> tuple[Any, Any]:
    """The new sizes, and for each dimension the scale to compute with (None: from the sizes)."""
    if (size is None) == (scale_factor is None):
        raise ArgumentError(
            f"interpolate: give either size or scale_factor, got size={size} and scale_factor={scale_factor}"
        )
    given = scale_factor if size is None else size
    values = tuple(given) if isinstance(given, tuple | list) else (given,) * n
    if len(values) != n:
        raise ArgumentError(
            f"interpolate: {given!r} must have one number for each of the {n} spatial dimensions of input"
        )
    if size is not None:
        if recompute:
            raise ArgumentError("interpolate: recompute_scale_factor has no meaning with size")
        sizes: tuple[int, ...] = tuple(int(s) for s in values)
        scales: tuple[Any, ...] = (None,) * n
    else:
        sizes = tuple(math.floor(old * float(s)) for old, s in zip(spatial, values))
        scales = (None,) * n if recompute else tuple(float(s) for s in values)
    if min(sizes) < 1:
        raise ShapeError(f"interpolate: the output would have size {sizes}; it must be positive")
    return sizes, scales


def _nearest(old: int, new: int, scale: float | None, exact: bool) -> np.ndarray:
    step = np.float32(old / new if scale is None else 1 / scale)
    at = np.arange(new, dtype=np.float32) + np.float32(0.5 if exact else 0)
    return np.minimum(np.floor(at * step).astype(np.int64), old - 1)


def _weights(old: int, new: int, scale: float | None, align: bool, cubic: bool, antialias: bool) -> np.ndarray:
    """The (new, old) matrix: how much each old element has in each new one."""
    i = np.arange(new)
    if align:
        step = (old - 1) / (new - 1) if new > 1 else 0.0
        centre = i * step
    else:
        step = old / new if scale is None else 1 / scale
        centre = (i + 0.5) * step - 0.5
        if not cubic and not antialias:
            centre = np.maximum(centre, 0)
    weights = np.zeros((new, old))
    if antialias:
        return _antialiased(old, centre, step, cubic)
    first = np.floor(centre).astype(int)
    offsets = range(-1, 3) if cubic else range(2)
    for k in offsets:
        np.add.at(
            weights,
            (i, (first + k).clip(0, old - 1)),
            (_cubic(centre - first - k) if cubic else _tent(centre - first - k)),
        )
    return weights


def _tent(d: np.ndarray) -> np.ndarray:
    return np.maximum(1 - np.abs(d), 0)


def _cubic(d: np.ndarray, a: float = -0.75) -> np.ndarray:
    """Keys' convolution kernel (1981)."""
    d = np.abs(d)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((d - 5) * d + 8) * d * a - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


def _antialiased(old: int, centre: np.ndarray, step: float, cubic: bool) -> np.ndarray:
    """The kernel widened by the step when shrinking, cut at the border and normalised."""
    support = max(step, 1.0)
    distance = (np.arange(old)[None] - centre[:, None]) / support
    weights = _cubic(distance, -0.5) if cubic else _tent(distance)
    return weights / weights.sum(1, keepdims=True)


def upsample(input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
             align_corners: bool | None = None) -> Tensor:  # fmt: skip
    """`interpolate` by its older name."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` with ``mode="nearest"``, by its older name."""
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` with ``mode="bilinear"`` and aligned corners, by its older name."""
    return interpolate(input, size, scale_factor, "bilinear", True)


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(*, C r², H, W) -> (*, C, H r, W r): channels become finer pixels (Shi et al., 2016)."""
    shape, r = input.array.shape, upscale_factor
    if len(shape) < 3 or r < 1 or shape[-3] % (r * r):
        raise ShapeError(f"pixel_shuffle: input {list(shape)} must be (*, C · {r}², H, W)")
    *lead, c, h, w = shape
    n = len(lead)
    x = input.reshape(*lead, c // (r * r), r, r, h, w)
    order = (*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return x.permute(*order).reshape(*lead, c // (r * r), h * r, w * r)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(*, C, H r, W r) -> (*, C r², H, W): the inverse of `pixel_shuffle`."""
    shape, r = input.array.shape, downscale_factor
    if len(shape) < 3 or r < 1 or shape[-1] % r or shape[-2] % r:
        raise ShapeError(f"pixel_unshuffle: the last two sizes of input {list(shape)} must be multiples of {r}")
    *lead, c, h, w = shape
    n = len(lead)
    x = input.reshape(*lead, c, h // r, r, w // r, r)
    return x.permute(*range(n), n, n + 2, n + 4, n + 1, n + 3).reshape(*lead, c * r * r, h // r, w // r)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Channels dealt out between `groups` (Zhang et al., 2018)."""
    n, c = input.array.shape[:2]
    if groups < 1 or c % groups:
        raise ShapeError(f"channel_shuffle: groups={groups} must divide the {c} channels of input {list(input.shape)}")
    rest = input.array.shape[2:]
    return input.reshape(n, groups, c // groups, *rest).transpose(1, 2).reshape(n, c, *rest)
