"""Convolution plane by plane, for filters of 3 x 3 in groups of few channels, as depthwise convolutions have.

There is no matrix here to fill a tile with, so the sums are taken where the image lies.  The rows of the image pass by
once, some vectors of columns at a time (see `conv_passes`), and go into the three rows of the result that they belong
to, which wait in registers:

- forward: y[o, j] = Σ_{a, b} w[a, b] x[o + a d - p, j + b - p]
- input:   the same with g in the place of x and the filter turned
- weight:  w̄[a, b] = Σ_{o, j} g[o, j] x[o + a d - p, j + b - p], with rows of x waiting for a row of g

A dilation d of rows takes them in d turns.  Columns are not dilated, and strides are 1.
"""

from __future__ import annotations

import numpy as np

from .apart import apart
from .conv_passes import TAPS, correlate, pass_by
from .conv_pieces import Pair, pieces_of, zeros_of
from .door import inlined, kernel
from .moves import lanes_of
from .pool import share
from .spin import each
from .words import entry, kept

# ---------------------------------------------------------------------------------------------------------------------
# Kernels.  `step` is the dilation of rows.  What is done for a plane is written into its caller: for a call, references
# to arrays are counted, by all threads in the same words of memory, which takes as long as the plane itself.


@inlined
def plane(x, x0, size, zeros, padding, step, w, w0, w_step, start, y, y0, outputs, add, lanes):
    """Y (+)= start + X ∗ W for one plane of each."""
    height, width = outputs
    for j in range(0, width, 2 * lanes):
        for turn in range(min(step, height)):
            rows = height if step == 1 else -(-(height - turn) // step)
            pass_by(x, x0, zeros, 0, w, w0, y, y0 + turn * width + j, size, (turn - padding[0], j - padding[1]), step,
                    w_step, start, step * width, rows, width - j, add)  # fmt: skip


@apart
def planes_some(i, x, w, bias, y, length, sources, results, of_result, of_source, turned, size, padding, step, outputs,
                lanes):  # fmt: skip
    """Part `i` of y, of `length` planes.

    Of each group, `results` planes of y are made from `sources` planes of x; the filter for result r from source s is
    number r of_result + s of_source in its group.
    """
    area, places, zeros = size[0] * size[1], outputs[0] * outputs[1], np.zeros(size[1], x.dtype)
    first, last = i * length, min((i + 1) * length, y.size // places)
    f, r, source = first % bias.size, first % results, first // results * sources
    for k in range(first, last):
        for s in range(sources):
            number = (f - r) * sources + r * of_result + s * of_source
            w0, w_step = (number * TAPS + TAPS - 1, -1) if turned else (number * TAPS, 1)
            plane(x, (source + s) * area, size, zeros, padding, step, w, w0, w_step,
                  bias[f] if s == 0 else x.dtype.type(0), y, k * places, outputs, s, lanes)  # fmt: skip
        f, r = f + 1, r + 1
        if r == results:
            r, source = 0, source + sources
        if f == bias.size:
            f = 0


@kernel
def planes(team, helpers, parts, x, w, bias, y, length, sources, results, of_result, of_source, turned, size, padding,
           step, outputs, lanes):  # fmt: skip
    """`planes_some`, all of them."""
    arguments = (x, w, bias, y, length, sources, results, of_result, of_source, turned, size, padding, step, outputs,
                 lanes)  # fmt: skip
    each(team, helpers, parts, entry(planes_some, arguments), kept(arguments))


@inlined
def plane_weight(x, x0, size, zeros, padding, step, g, g0, outputs, total, to, lanes):
    """T += the nine sums for one plane of X and of G, each in `lanes` parts."""
    height, width = outputs
    for j in range(0, width, 2 * lanes):
        for turn in range(min(step, height)):
            rows = height if step == 1 else -(-(height - turn) // step)
            correlate(x, x0, zeros, 0, g, g0 + turn * width + j, total, to, size, (turn - padding[0], j - padding[1]),
                      step, step * width, rows, width - j)  # fmt: skip


@apart
def weight_some(i, x, g, out, length, n, c, f, channels, per_group, size, padding, step, outputs, lanes):
    """out[f, c, t] for part `i` of the filters, of `length`, in groups of `per_group`, which see so many `channels`."""
    first, last = i * length, min((i + 1) * length, f)
    area, places, zeros = size[0] * size[1], outputs[0] * outputs[1], np.zeros(size[1], x.dtype)
    total = np.zeros((last - first) * channels * TAPS * lanes, x.dtype)
    for sample in range(n):
        for k in range(first, last):
            for j in range(channels):
                plane_weight(x, (sample * c + k // per_group * channels + j) * area, size, zeros, padding, step, g,
                             (sample * f + k) * places, outputs, total, ((k - first) * channels + j) * TAPS * lanes,
                             lanes)  # fmt: skip
    for t in range(total.size // lanes):
        whole = x.dtype.type(0)
        for i in range(t * lanes, (t + 1) * lanes):
            whole += total[i]
        out[first * channels * TAPS + t] = whole


@kernel
def weights(team, helpers, parts, x, g, out, length, n, c, f, channels, per_group, size, padding, step, outputs, lanes):
    """`weight_some`, all of them."""
    arguments = (x, g, out, length, n, c, f, channels, per_group, size, padding, step, outputs, lanes)
    each(team, helpers, parts, entry(weight_some, arguments), kept(arguments))


# ---------------------------------------------------------------------------------------------------------------------
# From arrays to runs of memory.


def suits(kernel: Pair, stride: Pair, dilation: Pair, filters: int, most: int) -> bool:
    """Whether the filters are of the size and kind that is done here, and a group has `most` planes of them or less."""
    return kernel == (3, 3) and stride == (1, 1) and dilation[1] == 1 and filters <= most


def _length(count: int, work: int) -> int:
    """How many of `count` planes are a part."""
    return -(-count // pieces_of(work))


def forward(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, padding: Pair, dilation: Pair, groups: int,
            outputs: Pair) -> np.ndarray:  # fmt: skip
    """Convolution of (N, C, H, W) with (F, C/groups, 3, 3)."""
    (n, _, h, w), (f, channels) = x.shape, weight.shape[:2]
    shift, y = zeros_of(f, x.dtype) if bias is None else bias, np.empty((n, f, *outputs), x.dtype)
    length = _length(n * f, y.size * channels * TAPS)
    share(-(-n * f // length), planes, x.reshape(-1), weight.reshape(-1), shift, y.reshape(-1), length, channels,
          f // groups, channels, 1, False, (h, w), padding, dilation[0], outputs, lanes_of(x.dtype))  # fmt: skip
    return y


def input_cotangent(g: np.ndarray, weight: np.ndarray, spatial: Pair, padding: Pair, dilation: Pair,
                    groups: int) -> np.ndarray:  # fmt: skip
    """∂⟨g, x ∗ w⟩/∂x for x of size `spatial`."""
    (n, f, h, w), channels = g.shape, weight.shape[1]
    c, per_group = channels * groups, f // groups
    x, margin = np.empty((n, c, *spatial), g.dtype), (2 * dilation[0] - padding[0], 2 - padding[1])
    length = _length(n * c, x.size * per_group * TAPS)
    share(-(-n * c // length), planes, g.reshape(-1), weight.reshape(-1), zeros_of(c, g.dtype), x.reshape(-1), length,
          per_group, channels, 1, channels, True, (h, w), margin, dilation[0], spatial, lanes_of(g.dtype))  # fmt: skip
    return x


def weight_cotangent(g: np.ndarray, x: np.ndarray, padding: Pair, dilation: Pair, groups: int) -> np.ndarray:
    """∂⟨g, x ∗ w⟩/∂w for filters of 3 x 3."""
    (n, f, *outputs), (_, c, *size) = g.shape, x.shape
    channels = c // groups
    out, length = np.empty((f, channels, 3, 3), x.dtype), _length(f, g.size * channels * TAPS)
    share(-(-f // length), weights, x.reshape(-1), g.reshape(-1), out.reshape(-1), length, n, c, f, channels,
          f // groups, (size[0], size[1]), padding, dilation[0], (outputs[0], outputs[1]),
          lanes_of(x.dtype))  # fmt: skip
    return out
