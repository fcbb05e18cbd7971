"""Pooling: the largest or the mean of each window."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..op import op
from .along import Selected, put_along, take_along
from .windows import Sizes, add_windows, cropped, output_size, padded, spans, windows


def extra_at_end(
    spatial: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool
) -> Sizes:
    """How much more padding lets a last, incomplete window in, if it starts inside the input or its left padding."""
    if not ceil_mode:
        return (0,) * len(kernel)
    extra = []
    for size, k, t, p, d in zip(spatial, kernel, stride, padding, dilation):
        n = -(-(size + 2 * p - d * (k - 1) - 1) // t) + 1
        n -= (n - 1) * t >= size + p
        extra.append(max(0, (n - 1) * t + d * (k - 1) + 1 - (size + 2 * p)))
    return tuple(extra)


def _first_inside(outputs: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> np.ndarray:
    """The first offset in each window, counted through the kernel, that is not in the padding."""
    first = np.zeros((), np.int64)
    for m, k, t, p, d in zip(outputs, kernel, stride, padding, dilation):
        first = first[..., None] * k + np.maximum(0, -((np.arange(m) * t - p) // d))
    return first


@op(name="max_pool", symbol="max pool", method=False, multiple=True)
def max_pool(
    input: Any, /, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool = False
) -> Any:
    """The largest element of each window over the last dimensions, and its index among all elements there."""
    n = len(kernel)
    spatial = input.shape[-n:]
    extra = extra_at_end(spatial, kernel, stride, padding, dilation, ceil_mode)
    low = -np.inf if input.dtype.kind == "f" else np.iinfo(input.dtype).min
    x = padded(input, padding, low, extra)
    outputs = tuple(output_size(s, k, t, 0, d) for s, k, t, d in zip(x.shape[-n:], kernel, stride, dilation))
    kind = np.min_scalar_type(math.prod(kernel))
    values = x[spans((0,) * n, outputs, stride, dilation)]
    best = np.broadcast_to(_first_inside(outputs, kernel, stride, padding, dilation), values.shape).astype(kind, "C")
    for k, offset in enumerate(np.ndindex(*kernel)):
        here = x[spans(offset, outputs, stride, dilation)]
        wins = (here > values) | np.isnan(here)  # a NaN is greater than anything
        best = np.maximum(best, wins * kind.type(k))  # k grows: the last to win
        values = np.maximum(values, here)
    origin, shift = np.zeros((), np.int64), np.zeros((), np.int64)  # of windows, and of their elements
    for m, size, k, t, p, d in zip(outputs, spatial, kernel, stride, padding, dilation):
        origin = origin[..., None] * size + (np.arange(m) * t - p)
        shift = shift[..., None] * size + np.arange(k) * d
    index = shift.reshape(-1).take(best)
    index += origin
    return Selected(values, index)


def _max_pull(g: Any, out: Any, input_shape: Sizes, kernel: Sizes, stride: Sizes, dilation: Sizes) -> Any:
    n = len(kernel)
    lead, size = tuple(input_shape[:-n]), math.prod(input_shape[-n:])
    each = (*lead, math.prod(g[0].shape[-n:]))
    values, places = g[0].reshape(each), out[1].reshape(each)
    if all(t > d * (k - 1) for t, d, k in zip(stride, dilation, kernel)):  # no two windows meet
        return max_unpool(values, places, size).reshape(input_shape)
    return put_along(values, places, -1, (*lead, size)).reshape(input_shape)


max_pool.derivative(
    input=lambda g, out, input_shape, kernel, stride, dilation: _max_pull(g, out, input_shape, kernel, stride, dilation)
)
max_pool.samples(
    lambda draw, case: [
        case(draw(1, 2, 5), (2,), (2,), (0,), (1,)),
        case(draw(2, 1, 4, 5), (3, 2), (1, 2), (1, 1), (1, 1)),
        case(draw(1, 1, 5, 5), (2, 2), (2, 2), (0, 0), (2, 1), True),
    ]
)


@max_pool.kernel
def _(input: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool = False) -> Any:
    if len(kernel) != 2 or input.size < 20_000 or input.dtype.kind != "f" or not input.flags.c_contiguous:
        return NotImplemented
    extra = extra_at_end(input.shape[-2:], kernel, stride, padding, dilation, ceil_mode)
    if input.dtype.itemsize < 4 or any(extra):
        return NotImplemented
    from ..kernels import pooling

    spatial = zip(input.shape[-2:], kernel, stride, padding, dilation)
    outputs = tuple(output_size(*each) for each in spatial)
    return Selected(*pooling.largest(input, kernel, stride, padding, dilation, outputs))


@op(name="max_unpool", symbol="max poolᵀ", method=False, linear=True)
def max_unpool(input: Any, indices: Any, /, size: int) -> Any:
    """Zeros (..., size), with each element of `input` (..., n) at its index.

    Windows that overlap may have met in one maximum: it is written once.  As in PyTorch, each of them gets its
    cotangent.
    """
    out = np.zeros((*input.shape[:-1], size), input.dtype)
    rows = math.prod(input.shape[:-1])
    start = np.arange(0, rows * size, max(size, 1))[:rows].reshape(*input.shape[:-1], 1)
    out.reshape(-1)[indices + start] = input
    return out


@max_unpool.kernel
def _(input: Any, indices: Any, size: int) -> Any:
    contiguous = input.flags.c_contiguous and indices.flags.c_contiguous
    if input.size < 20_000 or input.dtype.char not in "fd" or indices.dtype != np.int64 or not contiguous:
        return NotImplemented
    from ..kernels import pooling

    return pooling.added(input, indices, size)


max_unpool.derivative(input=lambda g, indices: take_along(g, indices, -1), indices=None)
max_unpool.samples(lambda draw, case: [case(draw(2, 2), np.array([[2, 0], [1, 3]]), 4)])


@op(name="avg_pool", symbol="mean pool", method=False, linear=True)
def avg_pool(input: Any, /, kernel: Sizes, stride: Sizes, padding: Sizes, ceil_mode: bool = False,
             count_include_pad: bool = True, divisor_override: int | None = None) -> Any:  # fmt: skip
    """The mean of each window over the last dimensions."""
    n = len(kernel)
    ones = (1,) * n
    extra = extra_at_end(input.shape[-n:], kernel, stride, padding, ones, ceil_mode)
    view = windows(padded(input, padding, 0, extra), kernel, stride, ones)
    total = view.sum(tuple(range(-2 * n, -n)), dtype=input.dtype)
    divisor = _divisor(input.shape[-n:], kernel, stride, padding, extra, count_include_pad, divisor_override)
    return total / divisor.astype(input.dtype)


def _divisor(spatial: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, extra: Sizes, include: bool,
             override: int | None) -> np.ndarray:  # fmt: skip
    """How many elements each mean is over: those inside the padded input, or inside the input."""
    if override is not None:
        return np.asarray(override)
    shape = tuple(s + 2 * p for s, p in zip(spatial, padding)) if include else spatial
    ones = np.ones(shape)
    if not include:
        ones = padded(ones, padding)
    return windows(padded(ones, (0,) * len(kernel), 0, extra), kernel, stride, (1,) * len(kernel)).sum(
        tuple(range(len(kernel)))
    )


@op(name="avg_unpool", symbol="mean unpool", method=False, linear=True)
def avg_unpool(input: Any, /, spatial: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, ceil_mode: bool = False,
               count_include_pad: bool = True, divisor_override: int | None = None) -> Any:  # fmt: skip
    """Each element spread evenly over its window: the transpose of `avg_pool`."""
    n = len(kernel)
    extra = extra_at_end(spatial, kernel, stride, padding, (1,) * n, ceil_mode)
    divisor = _divisor(spatial, kernel, stride, padding, extra, count_include_pad, divisor_override)
    share = input / divisor.astype(input.dtype)
    out = np.zeros(input.shape[:-n] + tuple(s + 2 * p + e for s, p, e in zip(spatial, padding, extra)), input.dtype)
    wide = np.broadcast_to(share.reshape(*share.shape[:-n], *(1,) * n, *share.shape[-n:]),
                           (*share.shape[:-n], *kernel, *share.shape[-n:]))  # fmt: skip
    add_windows(out, wide, kernel, stride, (1,) * n)
    return np.ascontiguousarray(cropped(out, padding, spatial))


avg_pool.derivative(
    input=lambda g, input_shape, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override: avg_unpool(
        g, tuple(input_shape[-len(kernel) :]), kernel, stride, padding, ceil_mode, count_include_pad, divisor_override
    )
)
avg_unpool.derivative(
    input=lambda g, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override: avg_pool(
        g, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override
    )
)
avg_pool.samples(
    lambda draw, case: [
        case(draw(1, 2, 5), (2,), (2,), (0,)),
        case(draw(1, 1, 4, 5), (3, 2), (2, 2), (1, 1), True, False),
        case(draw(1, 1, 3, 3), (2, 2), (1, 1), (0, 0), False, True, 3),
    ]
)
avg_unpool.samples(lambda draw, case: [case(draw(1, 2, 2), (5,), (2,), (2,), (0,))])
