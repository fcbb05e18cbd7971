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
def convolution(input: Any, weight: Any, /, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> Any:
    """y[n, f, o] = Σ_{c, k} w[f, c, k] x[n, c, stride · o + dilation · k - padding]: cross-correlation."""
    kernel, spatial = weight.shape[2:], input.shape[2:]
    n, f = len(input), len(weight)
    outputs = tuple(map(output_size, spatial, kernel, stride, padding, dilation))
    out = np.empty((n, f, *outputs), np.result_type(input, weight))
    filters, length = weight.reshape(groups, f // groups, -1), math.prod(outputs)
    for part in _blocks(n, weight[0].size * groups * length):
        x = padded(input[part], padding)
        y = filters @ _columns(x, groups, kernel, stride, dilation)
        out[part] = y.reshape(f, len(x), length).swapaxes(0, 1).reshape(-1, f, *outputs)
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
)
convolution_input.derivative(
    cotangent=lambda g, weight, cotangent_shape, stride, padding, dilation, groups: _within(
        convolution(g, weight, stride, padding, dilation, groups), cotangent_shape
    ),
    weight=lambda g, cotangent, weight_shape, stride, padding, dilation, groups: convolution_weight(
        cotangent, g, tuple(weight_shape[2:]), stride, padding, dilation, groups
    ),
)
convolution_weight.derivative(
    cotangent=lambda g, input, cotangent_shape, stride, padding, dilation, groups: _within(
        convolution(input, g, stride, padding, dilation, groups), cotangent_shape
    ),
    input=lambda g, cotangent, input_shape, stride, padding, dilation, groups: convolution_input(
        cotangent, g, tuple(input_shape[2:]), stride, padding, dilation, groups
    ),
)
convolution.samples(lambda draw, case: [case(draw(2, 2, 5), draw(3, 2, 3), (1,), (0,), (1,), 1),
                                        case(draw(1, 2, 5, 4), draw(2, 1, 2, 3), (2, 1), (1, 1), (1, 1), 2),
                                        case(draw(1, 1, 5, 5), draw(2, 1, 2, 2), (2, 2), (0, 1), (2, 1), 1),
                                        case(draw(0, 1, 4), draw(1, 1, 2), (1,), (0,), (1,), 1)])  # fmt: skip
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
