"""Convolution in any number of dimensions, with its two transposes.

Convolution is bilinear: with the cotangent g of its output, L = ⟨g, x ∗ w⟩ is linear in each of g, x and w.  So there
are three ops, the derivatives of L by g, x and w, and the derivatives of each are the other two.  That closes the
family under differentiation to any order; ``∂L/∂x`` by itself is what is called transposed convolution.

Each is a matrix product with the windows of x (im2col), made for a few samples at a time so that they stay in cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ..algorithms import is_winograd_enabled
from ..op import op
from .matmul import affine, product
from .windows import Sizes, add_windows, cropped, output_size, padded, windows

_BLOCK = 1 << 19  # elements of windows at a time: 2 MB of float32


def _blocks(samples: int, each: int) -> list[slice]:
    step = max(1, _BLOCK // max(each, 1))
    return [slice(i, min(i + step, samples)) for i in range(0, samples, step)]


def _columns(x: np.ndarray, groups: int, kernel: Sizes, stride: Sizes, dilation: Sizes) -> np.ndarray:
    """The windows of padded `x` (N, C, *spatial) as (groups, C/groups · kernel, N · output)."""
    c = x.shape[1]
    view = np.moveaxis(windows(x, kernel, stride, dilation), 0, 1 + len(kernel))
    return view.reshape(groups, (c // groups) * math.prod(kernel), -1)


def _rows(g: np.ndarray, groups: int) -> np.ndarray:
    """(N, F, *output) as (groups, F/groups, N · output)."""
    return (
        g.reshape(len(g), groups, g.shape[1] // groups, -1)
        .transpose(1, 2, 0, 3)
        .reshape(groups, g.shape[1] // groups, -1)
    )


def _within(y: Any, shape: Any) -> Any:
    """The first windows of `y`, as many as `shape` has: a transposed convolution may leave a margin."""
    return y if tuple(y.shape) == tuple(shape) else y[(..., *map(slice, shape[2:]))]


@op(name="conv", symbol="conv", method=False)
def convolution(
    input: Any, weight: Any, bias: Any, /, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Any:
    """y[n, f, o] = b_f + Σ_{c, k} w[f, c, k] x[n, c, stride · o + dilation · k - padding]; `bias` may be None."""
    kernel, spatial = weight.shape[2:], input.shape[2:]
    n, f = len(input), len(weight)
    outputs = tuple(map(output_size, spatial, kernel, stride, padding, dilation))
    out = np.empty((n, f, *outputs), np.result_type(input, weight))
    filters, length = weight.reshape(groups, f // groups, -1), math.prod(outputs)
    for part in _blocks(n, weight[0].size * groups * length):
        x = padded(input[part], padding)
        y = filters @ _columns(x, groups, kernel, stride, dilation)
        out[part] = y.reshape(f, len(x), length).swapaxes(0, 1).reshape(-1, f, *outputs)
    if bias is not None:
        out += bias.reshape(-1, *(1,) * len(kernel))
    return out


@op(name="conv_transpose", symbol="conv transposed", method=False)
def convolution_input(
    cotangent: Any, weight: Any, /, spatial: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Any:
    """∂⟨g, x ∗ w⟩/∂x, of size `spatial`: each element of g spreads the filter over its window."""
    kernel, (n, f) = weight.shape[2:], cotangent.shape[:2]
    channels, outputs = weight.shape[1] * groups, cotangent.shape[2:]
    out = np.zeros((n, channels, *(s + 2 * p for s, p in zip(spatial, padding))), np.result_type(cotangent, weight))
    filters = weight.reshape(groups, f // groups, -1).swapaxes(1, 2)
    for part in _blocks(n, weight[0].size * groups * math.prod(outputs)):
        g = cotangent[part]
        columns = (filters @ _rows(g, groups)).reshape(channels, *kernel, len(g), *outputs)
        add_windows(out[part], np.moveaxis(columns, 1 + len(kernel), 0), kernel, stride, dilation)
    return np.ascontiguousarray(cropped(out, padding, spatial))


@op(name="conv_weight", symbol="conv filter", method=False)
def convolution_weight(
    cotangent: Any, input: Any, /, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Any:
    """∂⟨g, x ∗ w⟩/∂w, of size `kernel`: how g correlates with each shift of x."""
    f, c = cotangent.shape[1], input.shape[1] // groups
    kind = np.result_type(cotangent, input)
    out = np.zeros((groups, f // groups, c * math.prod(kernel)), kind)
    for part in _blocks(len(input), c * groups * math.prod(kernel) * math.prod(cotangent.shape[2:])):
        x, g = padded(input[part], padding), cotangent[part]
        ends = ((o - 1) * t + d * (k - 1) + 1 for o, t, d, k in zip(g.shape[2:], stride, dilation, kernel))
        reach: Any = (..., *map(slice, ends))
        out += _rows(g, groups) @ _columns(x[reach], groups, kernel, stride, dilation).swapaxes(1, 2)
    return out.reshape(f, c, *kernel)


convolution.derivative(
    input=lambda g, weight, input_shape, stride, padding, dilation, groups: convolution_input(
        g, weight, tuple(input_shape[2:]), stride, padding, dilation, groups
    ),
    weight=lambda g, input, weight_shape, stride, padding, dilation, groups: convolution_weight(
        g, input, tuple(weight_shape[2:]), stride, padding, dilation, groups
    ),
    bias=lambda g: g.sum(axis=(0, *range(2, len(g.shape)))),
)
convolution_input.derivative(
    cotangent=lambda g, weight, cotangent_shape, stride, padding, dilation, groups: _within(
        convolution(g, weight, None, stride, padding, dilation, groups), cotangent_shape
    ),
    weight=lambda g, cotangent, weight_shape, stride, padding, dilation, groups: convolution_weight(
        cotangent, g, tuple(weight_shape[2:]), stride, padding, dilation, groups
    ),
)
convolution_weight.derivative(
    cotangent=lambda g, input, cotangent_shape, stride, padding, dilation, groups: _within(
        convolution(input, g, None, stride, padding, dilation, groups), cotangent_shape
    ),
    input=lambda g, cotangent, input_shape, stride, padding, dilation, groups: convolution_input(
        cotangent, g, tuple(input_shape[2:]), stride, padding, dilation, groups
    ),
)
convolution.samples(lambda draw, case: [case(draw(2, 2, 5), draw(3, 2, 3), draw(3), (1,), (0,), (1,), 1),
                                        case(draw(1, 2, 5, 4), draw(2, 1, 2, 3), None, (2, 1), (1, 1), (1, 1), 2),
                                        case(draw(1, 1, 5, 5), draw(2, 1, 2, 2), draw(2), (2, 2), (0, 1), (2, 1), 1),
                                        case(draw(0, 1, 4), draw(1, 1, 2), None, (1,), (0,), (1,), 1)])  # fmt: skip
convolution_input.samples(
    lambda draw, case: [
        case(draw(2, 3, 3), draw(3, 2, 3), (5,), (1,), (0,), (1,), 1),
        case(draw(1, 2, 3, 1), draw(2, 1, 2, 2), (4, 4), (2, 2), (1, 0), (1, 2), 2),
        case(draw(1, 1, 2), draw(1, 1, 2), (5,), (1,), (0,), (2,), 1),
    ]
)
convolution_weight.samples(
    lambda draw, case: [
        case(draw(2, 3, 3), draw(2, 2, 5), (3,), (1,), (0,), (1,), 1),
        case(draw(1, 2, 2, 2), draw(1, 2, 5, 3), (2, 2), (2, 1), (0, 0), (1, 1), 2),
    ]
)


# ---------------------------------------------------------------------------------------------------------------------
# Kernels, for one to three dimensions.  What is done for arrays of certain shapes is found out once.

_LEAST = 4_000  # multiply-adds, from which a kernel takes half of the body's time, which is all calls
_KINDS = (np.dtype(np.float32), np.dtype(np.float64))
Way = Callable[..., Any]
_kept = lru_cache(maxsize=1 << 10)


def _suits(work: int, kind: Any, *shapes: Sizes) -> bool:
    return work >= _LEAST and kind in _KINDS and len(shapes[0]) in (3, 4, 5) and all(0 not in shape for shape in shapes)


def _plane(shape: Sizes) -> tuple[int, int, int, int]:
    """(A, B, L) as (A, B, 1, L)."""
    a, b, *rest = shape
    return (a, b, 1, rest[0]) if len(rest) == 1 else (a, b, rest[0], rest[1])


def _pairs(*values: Sizes) -> list[tuple[int, int]]:
    """Strides, dilations and sizes of one dimension as of two."""
    return [(1, v[0]) if len(v) == 1 else (v[0], v[1]) for v in values]


def _margin(padding: Sizes) -> tuple[int, int]:
    return (0, padding[0]) if len(padding) == 1 else (padding[0], padding[1])


def _of_images(way: Way, *shapes: Sizes) -> Way:
    """`way`, which wants two arrays of images, volumes or filters in row-major order, for such as have these shapes."""
    if len(shapes[0]) > 3:
        return lambda a, b, *bias: way(np.ascontiguousarray(a), np.ascontiguousarray(b), *bias)
    first, second = map(_plane, shapes)

    def of_lines(a: Any, b: Any, *bias: Any) -> Any:
        y = way(np.ascontiguousarray(a.reshape(first)), np.ascontiguousarray(b.reshape(second)), *bias)
        return y.reshape(*y.shape[:2], -1)

    return of_lines


def _one_window(shape: Sizes, kernel: Sizes, spatial: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> bool:
    """Whether the filter covers the whole image, and no more: then the convolution is a product of two matrices."""
    return tuple(kernel) == tuple(spatial) and {*padding, groups - 1} == {0} and {*dilation} == {1} and 0 not in shape


def _window_forward(input: Any, weight: Any, bias: Any) -> Any:
    y = affine(input.reshape(len(input), -1), weight.reshape(len(weight), -1), bias)
    return y.reshape(*y.shape, *(1,) * (input.ndim - 2))


def _window_input(cotangent: Any, weight: Any) -> Any:
    x = product(cotangent.reshape(cotangent.shape[:2]), weight.reshape(len(weight), -1))
    return x.reshape(len(x), *weight.shape[1:])


def _window_weight(cotangent: Any, input: Any) -> Any:
    w = product(cotangent.reshape(cotangent.shape[:2]).T, input.reshape(len(input), -1))
    return w.reshape(len(w), *input.shape[1:])


@_kept
def _forward_way(images: Sizes, filters: Sizes, kind: Any, stride: Sizes, padding: Sizes, dilation: Sizes,
                 groups: int, fast: bool) -> Way | None:  # fmt: skip
    """What to call with input, weight and bias of such shapes and of one type; None if that is the body.

    It depends on whether Winograd's algorithm may be taken, that is on `fast`.
    """
    if _one_window(images, filters[2:], images[2:], padding, dilation, groups) and filters[0]:
        return _window_forward
    outputs = tuple(map(output_size, images[2:], filters[2:], stride, padding, dilation))
    if not _suits(images[0] * math.prod(filters) * math.prod(outputs), kind, images, filters):
        return None
    from ..kernels import conv, conv_volumes

    if len(images) == 5:
        way = conv_volumes.forward(images, filters, kind, stride, padding, dilation, groups, outputs)
        return _of_images(way, images, filters)
    steps, spread, size = _pairs(stride, dilation, outputs)
    way = conv.forward(_plane(images), _plane(filters), kind, steps, _margin(padding), spread, groups, size)
    return _of_images(way, images, filters)


@_kept
def _input_way(outputs: Sizes, filters: Sizes, kind: Any, spatial: Sizes, stride: Sizes, padding: Sizes,
               dilation: Sizes, groups: int, fast: bool) -> Way | None:  # fmt: skip
    """The same for cotangent and weight."""
    if _one_window(outputs, filters[2:], spatial, padding, dilation, groups):
        return _window_input
    if not _suits(math.prod(filters[1:]) * math.prod(outputs), kind, outputs, filters):
        return None
    from ..kernels import conv, conv_volumes

    if len(outputs) == 5:
        way = conv_volumes.input_cotangent(outputs, filters, kind, spatial, stride, padding, dilation, groups)
        return _of_images(way, outputs, filters)
    steps, spread, size = _pairs(stride, dilation, spatial)
    way = conv.input_cotangent(_plane(outputs), _plane(filters), kind, size, steps, _margin(padding), spread, groups)
    return _of_images(way, outputs, filters)


@_kept
def _weight_way(outputs: Sizes, images: Sizes, kind: Any, kernel: Sizes, stride: Sizes, padding: Sizes,
                dilation: Sizes, groups: int, fast: bool) -> Way | None:  # fmt: skip
    """The same for cotangent and input."""
    if _one_window(images, kernel, images[2:], padding, dilation, groups) and 0 not in outputs:
        return _window_weight
    if not _suits(math.prod(outputs) * images[1] // groups * math.prod(kernel), kind, outputs, images):
        return None
    from ..kernels import conv, conv_volumes

    if len(outputs) == 5:
        way = conv_volumes.weight_cotangent(outputs, images, kind, kernel, stride, padding, dilation, groups)
        return _of_images(way, outputs, images)
    steps, spread, size = _pairs(stride, dilation, kernel)
    way = conv.weight_cotangent(_plane(outputs), _plane(images), kind, size, steps, _margin(padding), spread, groups)
    return _of_images(way, outputs, images)


@convolution.kernel
def _(input: Any, weight: Any, bias: Any, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> Any:
    kind = input.dtype
    if weight.dtype is not kind or (bias is not None and bias.dtype is not kind):
        return NotImplemented
    way = _forward_way(input.shape, weight.shape, kind, stride, padding, dilation, groups, is_winograd_enabled())
    if way is None:
        return NotImplemented
    return way(input, weight, None if bias is None else np.ascontiguousarray(bias))


@convolution_input.kernel
def _(cotangent: Any, weight: Any, spatial: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> Any:
    kind, fast = cotangent.dtype, is_winograd_enabled()
    if weight.dtype is not kind:
        return NotImplemented
    way = _input_way(cotangent.shape, weight.shape, kind, spatial, stride, padding, dilation, groups, fast)
    return NotImplemented if way is None else way(cotangent, weight)


@convolution_weight.kernel
def _(cotangent: Any, input: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> Any:
    kind, fast = cotangent.dtype, is_winograd_enabled()
    if input.dtype is not kind:
        return NotImplemented
    way = _weight_way(cotangent.shape, input.shape, kind, kernel, stride, padding, dilation, groups, fast)
    return NotImplemented if way is None else way(cotangent, input)
