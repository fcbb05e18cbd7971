"""Convolution in any number of dimensions, with its two transposes.

Convolution is bilinear: with the cotangent g of its output, L = ⟨g, x ∗ w⟩ is linear in each of g, x and w.  So there
are three ops, the derivatives of L by g, x and w, and the derivatives of each are the other two.  That closes the
family under differentiation to any order; ``∂L/∂x`` by itself is what is called transposed convolution.

Each is a matrix product with the windows of x (im2col), made for a few samples at a time so that they stay in cache.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

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
# Kernels, for one and two dimensions.

_LEAST = 50_000  # multiply-adds below which a kernel's call is most of its time
_KINDS = (np.dtype(np.float32), np.dtype(np.float64))


def _suits(work: int, *arrays: Any) -> bool:
    kind = arrays[0].dtype
    if work < _LEAST or kind not in _KINDS or arrays[0].ndim not in (3, 4):
        return False
    return all(a.dtype == kind and a.size for a in arrays)


def _plane(x: Any) -> Any:
    """(A, B, L) as (A, B, 1, L), in row-major order."""
    return np.ascontiguousarray(x.reshape(*x.shape[:2], 1, -1) if x.ndim == 3 else x)


def _lines(y: Any, spatial: Sizes) -> Any:
    """`y` of two dimensions in as many as `spatial` has; no view where none is needed: as gradients they are copied."""
    return y if len(spatial) == 2 else y.reshape(*y.shape[:2], *spatial)


def _pairs(*values: Sizes) -> list[tuple[int, int]]:
    """Strides, dilations and sizes of one dimension as of two."""
    return [(1, v[0]) if len(v) == 1 else (v[0], v[1]) for v in values]


def _margin(padding: Sizes) -> tuple[int, int]:
    return (0, padding[0]) if len(padding) == 1 else (padding[0], padding[1])


def _one_window(x: Any, kernel: Sizes, spatial: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> bool:
    """Whether the filter covers the whole image, and no more: then the convolution is a product of two matrices."""
    return tuple(kernel) == tuple(spatial) and {*padding, groups - 1} == {0} and {*dilation} == {1} and x.size > 0


@convolution.kernel
def _(input: Any, weight: Any, bias: Any, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> Any:
    if _one_window(input, weight.shape[2:], input.shape[2:], padding, dilation, groups) and len(weight):
        y = affine(input.reshape(len(input), -1), weight.reshape(len(weight), -1), bias)
        return y.reshape(*y.shape, *(1,) * (input.ndim - 2))
    outputs = tuple(map(output_size, input.shape[2:], weight.shape[2:], stride, padding, dilation))
    arrays = (input, weight) if bias is None else (input, weight, bias)
    if not _suits(len(input) * weight.size * math.prod(outputs), *arrays):
        return NotImplemented
    from ..kernels import conv

    steps, spread, shape = _pairs(stride, dilation, outputs)
    shift = None if bias is None else np.ascontiguousarray(bias)
    y = conv.forward(_plane(input), _plane(weight), shift, steps, _margin(padding), spread, groups, shape)
    return _lines(y, outputs)


@convolution_input.kernel
def _(cotangent: Any, weight: Any, spatial: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> Any:
    if _one_window(cotangent, weight.shape[2:], spatial, padding, dilation, groups):
        x = product(cotangent.reshape(cotangent.shape[:2]), weight.reshape(len(weight), -1))
        return x.reshape(len(x), *weight.shape[1:])
    if not _suits(weight.size * cotangent.size // max(1, len(weight)), cotangent, weight):
        return NotImplemented
    from ..kernels import conv

    steps, spread, shape = _pairs(stride, dilation, spatial)
    x = conv.input_cotangent(_plane(cotangent), _plane(weight), shape, steps, _margin(padding), spread, groups)
    return _lines(x, spatial)


@convolution_weight.kernel
def _(cotangent: Any, input: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> Any:
    if _one_window(input, kernel, input.shape[2:], padding, dilation, groups) and cotangent.size:
        w = product(cotangent.reshape(cotangent.shape[:2]).T, input.reshape(len(input), -1))
        return w.reshape(len(w), *input.shape[1:])
    if not _suits(cotangent.size * input.shape[1] // groups * math.prod(kernel), cotangent, input):
        return NotImplemented
    from ..kernels import conv

    steps, spread, shape = _pairs(stride, dilation, kernel)
    w = conv.weight_cotangent(_plane(cotangent), _plane(input), shape, steps, _margin(padding), spread, groups)
    return _lines(w, kernel)
