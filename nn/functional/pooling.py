"""Pooling by maximum, mean and p-norm, with windows given or adapted to the output's size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd import Tensor
from autograd.errors import ArgumentError, ShapeError
from autograd.ops.pool import avg_pool, max_pool, max_unpool
from autograd.ops.windows import sizes_of
from autograd.tensor import wrap

from .checks import tensors


def _images(name: str, n: int, input: Tensor) -> Tensor:
    tensors(name, input=input)
    if input.array.ndim not in (n + 1, n + 2) or 0 in input.array.shape[-n - 1 :]:
        raise ShapeError(
            f"{name}: input must be (N, C, ...) or (C, ...) with {n} further non-empty dimensions, got "
            f"{list(input.shape)}"
        )
    return input


def _window(name: str, n: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any = 1,
            ceil_mode: bool = False) -> tuple[Any, ...]:  # fmt: skip
    """The checked kernel, stride, padding and dilation."""
    kernel = sizes_of(name, kernel_size, n, "kernel_size")
    steps = sizes_of(name, kernel_size if stride is None or stride in ((), []) else stride, n, "stride")
    margin, spread = sizes_of(name, padding, n, "padding", 0), sizes_of(name, dilation, n, "dilation")
    spatial = _images(name, n, input).array.shape[-n:]
    if any(p > (d * (k - 1) + 1) // 2 for p, k, d in zip(margin, kernel, spread)):
        raise ArgumentError(f"{name}: padding={margin} must be at most half of the effective kernel size {kernel}")
    if any((s + 2 * p - d * (k - 1) - 1 + (t - 1 if ceil_mode else 0)) // t + 1 < 1
           for s, p, d, k, t in zip(spatial, margin, spread, kernel, steps)):  # fmt: skip
        raise ShapeError(
            f"{name}: kernel_size={kernel} with dilation={spread} is larger than the padded input {list(input.shape)}"
        )
    return kernel, steps, margin, spread


def _max(name: str, n: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool,
         return_indices: bool) -> Any:  # fmt: skip
    result = max_pool(input, *_window(name, n, input, kernel_size, stride, padding, dilation, ceil_mode), ceil_mode)
    return tuple(result) if return_indices else result.values


def max_pool1d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
               ceil_mode: bool = False, return_indices: bool = False) -> Any:  # fmt: skip
    """The largest element of each window over (N, C, L)."""
    return _max("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
               ceil_mode: bool = False, return_indices: bool = False) -> Any:  # fmt: skip
    """The largest element of each window over (N, C, H, W); the stride is the kernel's size unless it is given.

    >>> import autograd, nn.functional as F
    >>> F.max_pool2d(autograd.arange(16.0).reshape(1, 1, 4, 4), 2)
    tensor([[[[ 5.,  7.],
              [13., 15.]]]])
    """
    return _max("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
               ceil_mode: bool = False, return_indices: bool = False) -> Any:  # fmt: skip
    """The largest element of each window over (N, C, D, H, W)."""
    return _max("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool1d_with_indices(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
                            ceil_mode: bool = False, return_indices: bool = False) -> Any:  # fmt: skip
    """`max_pool1d`, and at which place of the input each maximum stood."""
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d_with_indices(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
                            ceil_mode: bool = False, return_indices: bool = False) -> Any:  # fmt: skip
    """`max_pool2d`, and at which place of the flattened image each maximum stood."""
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool3d_with_indices(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
                            ceil_mode: bool = False, return_indices: bool = False) -> Any:  # fmt: skip
    """`max_pool3d`, and at which place of the flattened volume each maximum stood."""
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def _avg(name: str, n: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool,
         count_include_pad: bool, divisor_override: int | None = None) -> Tensor:  # fmt: skip
    if divisor_override == 0:
        raise ArgumentError(f"{name}: divisor_override must not be 0")
    kernel, steps, margin, _ = _window(name, n, input, kernel_size, stride, padding, 1, ceil_mode)
    return avg_pool(input, kernel, steps, margin, ceil_mode, count_include_pad, divisor_override)


def avg_pool1d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
               count_include_pad: bool = True) -> Tensor:  # fmt: skip
    """The mean of each window over (N, C, L)."""
    return _avg("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad)


def avg_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
               count_include_pad: bool = True, divisor_override: int | None = None) -> Tensor:  # fmt: skip
    """The mean of each window over (N, C, H, W).

    >>> import autograd, nn.functional as F
    >>> F.avg_pool2d(autograd.arange(4.0).reshape(1, 1, 2, 2), 2)
    tensor([[[[1.5000]]]])
    """
    return _avg("avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool3d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
               count_include_pad: bool = True, divisor_override: int | None = None) -> Tensor:  # fmt: skip
    """The mean of each window over (N, C, D, H, W)."""
    return _avg("avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _lp(name: str, n: int, input: Tensor, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool) -> Tensor:
    """(Σ x^p)^(1/p), in PyTorch's form: sign and relu keep the root real."""
    kernel = sizes_of(name, kernel_size, n, "kernel_size")
    mean = _avg(name, n, input.pow(norm_type), kernel, stride, 0, ceil_mode, True)
    return (mean.sign() * mean.abs().relu() * math.prod(kernel)).pow(1.0 / norm_type)


def lp_pool1d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The p-norm of each window over (N, C, L)."""
    return _lp("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The p-norm of each window over (N, C, H, W)."""
    return _lp("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The p-norm of each window over (N, C, D, H, W)."""
    return _lp("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)


# ---------------------------------------------------------------------------------------------------------------------
# Adaptive: window i of n runs from ⌊i size / n⌋ to ⌈(i + 1) size / n⌉.


def _targets(name: str, n: int, input: Tensor, output_size: Any) -> tuple[int, ...]:
    tensors(name, input=input)
    sizes = tuple(output_size) if isinstance(output_size, tuple | list) else (output_size,) * n
    if len(sizes) != n or input.array.ndim not in (n + 1, n + 2) or 0 in input.array.shape[-n:]:
        raise ShapeError(f"{name}: output_size={output_size} and input {list(input.shape)} must go together: "
                         f"{n} sizes, and (N, C, ...) or (C, ...) with {n} further non-empty dimensions")  # fmt: skip
    own = input.array.shape[-n:]
    targets = tuple(s if t is None else t for s, t in zip(own, sizes))
    if any(t < 0 for t in targets):
        raise ArgumentError(f"{name}: output_size must not be negative, got {output_size}")
    return targets


def _bounds(size: int, n: int) -> list[tuple[int, int]]:
    return [(i * size // n, -((i + 1) * size // -n)) for i in range(n)]


def _adaptive_avg(name: str, n: int, input: Tensor, output_size: Any) -> Tensor:
    """Along each dimension a product with the matrix of window means, which is exact for windows of unequal size."""
    x = input
    for axis, target in zip(range(-n, 0), _targets(name, n, input, output_size)):
        size = x.array.shape[axis]
        if target == size:
            continue
        if target == 1:
            x = x.mean(axis, True)
            continue
        means = np.zeros((target, size), x.array.dtype)
        for i, (start, end) in enumerate(_bounds(size, target)):
            means[i, start:end] = 1 / (end - start)
        x = (x.movedim(axis, -1) @ wrap(means.T.copy())).movedim(-1, axis)
    return x.clone() if x is input else x


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """Means of as many windows as `output_size` says, over (N, C, L)."""
    return _adaptive_avg("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Means of as many windows as `output_size` says, over (N, C, H, W).

    >>> import autograd, nn.functional as F
    >>> F.adaptive_avg_pool2d(autograd.arange(4.0).reshape(1, 1, 2, 2), 1)
    tensor([[[[1.5000]]]])
    """
    return _adaptive_avg("adaptive_avg_pool2d", 2, input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """Means of as many windows as `output_size` says, over (N, C, D, H, W)."""
    return _adaptive_avg("adaptive_avg_pool3d", 3, input, output_size)


def _adaptive_max(name: str, n: int, input: Tensor, output_size: Any, return_indices: bool) -> Any:
    """The windows are cut out with indices that repeat their last element, so that all have one size."""
    targets, spatial = _targets(name, n, input, output_size), input.array.shape[-n:]
    flat: Any = np.zeros((1,) * 2 * n, np.int64)
    for i, (size, target) in enumerate(zip(spatial, targets)):
        bounds = _bounds(size, target)
        width = max((end - start for start, end in bounds), default=1)
        table = np.array([[min(start + k, end - 1) for k in range(width)] for start, end in bounds], np.int64).reshape(
            -1, width
        )
        shape = [1] * 2 * n
        shape[i], shape[n + i] = table.shape
        flat = flat * size + table.reshape(shape)
    lead, count = input.array.shape[:-n], int(np.prod(flat.shape[n:]))
    choices = np.broadcast_to(flat, (*targets, *flat.shape[n:])).reshape(-1, count)
    x = input.reshape(*lead, math.prod(spatial))
    best = x.array[..., choices].argmax(-1)
    index = (
        np.take_along_axis(choices, best.reshape(-1, len(choices)).T, 1).T.reshape(best.shape) if choices.size else best
    )
    values = x.gather(-1, wrap(index)).reshape(*lead, *targets)
    return (values, wrap(index.reshape(values.array.shape))) if return_indices else values


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest elements of as many windows as `output_size` says, over (N, C, L)."""
    return _adaptive_max("adaptive_max_pool1d", 1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest elements of as many windows as `output_size` says, over (N, C, H, W)."""
    return _adaptive_max("adaptive_max_pool2d", 2, input, output_size, return_indices)


def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest elements of as many windows as `output_size` says, over (N, C, D, H, W)."""
    return _adaptive_max("adaptive_max_pool3d", 3, input, output_size, return_indices)


def adaptive_max_pool1d_with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """`adaptive_max_pool1d`, and at which place of the flattened input each maximum stood."""
    return adaptive_max_pool1d(input, output_size, True)


def adaptive_max_pool2d_with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """`adaptive_max_pool2d`, and at which place of the flattened input each maximum stood."""
    return adaptive_max_pool2d(input, output_size, True)


def adaptive_max_pool3d_with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """`adaptive_max_pool3d`, and at which place of the flattened input each maximum stood."""
    return adaptive_max_pool3d(input, output_size, True)


# ---------------------------------------------------------------------------------------------------------------------
# Back to where the maxima were.


def _unpool(name: str, n: int, input: Tensor, indices: Tensor, kernel_size: Any, stride: Any, padding: Any,
            output_size: Any) -> Tensor:  # fmt: skip
    kernel = sizes_of(name, kernel_size, n, "kernel_size")
    steps, margin = (
        sizes_of(name, kernel_size if stride is None else stride, n, "stride"),
        sizes_of(name, padding, n, "padding", 0),
    )
    if input.array.shape != indices.array.shape:
        raise ShapeError(f"{name}: indices {list(indices.shape)} must have the shape of input {list(input.shape)}")
    sizes = [(s - 1) * t - 2 * p + k for s, t, p, k in zip(input.array.shape[-n:], steps, margin, kernel)]
    spatial = tuple(sizes if output_size is None else output_size)[-n:]
    if any(abs(a - b) >= t for a, b, t in zip(spatial, sizes, steps)):
        raise ArgumentError(f"{name}: output_size={output_size} is more than a stride away from {sizes}")
    lead, flat = input.array.shape[:-n], math.prod(spatial)
    places = indices.array.reshape(*lead, math.prod(input.array.shape[-n:]))
    if places.size and not 0 <= places.min() <= places.max() < flat:
        raise ArgumentError(f"{name}: indices must lie in 0..{flat - 1}")
    return max_unpool(input.reshape(*places.shape), wrap(places), flat).reshape(*lead, *spatial)


def max_unpool1d(input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
                 output_size: Any = None) -> Tensor:  # fmt: skip
    """Zeros, with each element of `input` where `max_pool1d` found it."""
    return _unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
                 output_size: Any = None) -> Tensor:  # fmt: skip
    """Zeros, with each element of `input` where `max_pool2d` found it."""
    return _unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
                 output_size: Any = None) -> Tensor:  # fmt: skip
    """Zeros, with each element of `input` where `max_pool3d` found it."""
    return _unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)
