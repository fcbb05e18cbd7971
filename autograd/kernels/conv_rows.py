"""Convolution row by row of the result, for filters that see few channels through a large or strided window.

Places of a row lie across the vectors of a tile and filters in its rows, so that nothing is transposed; the image is
first split into the phases of its stride (see `conv_phases`), in which neighbouring places read neighbouring elements:

    y[f, i, j] = b[f] + Σ_t w[f, t] phases[offset(t) + i q + j]

Rows are taken in blocks, for which the phases stay in the second cache, and what one row needs in the first.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .apart import apart
from .conv_phases import offsets_of, spread
from .conv_pieces import Pair, pieces_of, zeros_of
from .conv_tiles import narrow_shifted_tile, shifted_tile
from .door import ROWS, VECTORS, kernel
from .pool import share
from .spin import each
from .tile import columns_of
from .words import entry, kept

PHASES = 1 << 15  # elements of the phases for a block of rows
BLOCKS = 32  # in all, at least: so many that no thread waits long for the last
CHANNELS = 16  # of a group, up to which splitting the image takes little of the time


@apart
def rows_of(image, at, line, table, w, w0, bias, b0, y, y0, places, count, filters, o_w, width):
    """`count` rows of the result for some filters, whose planes have so many `places`."""
    depth = table.size
    for o in range(count):
        for j in range(0, o_w, width):
            columns, right, c0 = min(width, o_w - j), at + o * line + j, y0 + o * o_w + j
            if columns > width // VECTORS:
                shifted_tile(w, w0, depth, image, right, table, 0, bias, b0, y, c0, places, depth, filters, columns)
            else:
                narrow_shifted_tile(w, w0, depth, image, right, table, 0, bias, b0, y, c0, places, depth, filters,
                                    columns)  # fmt: skip


@apart
def rows_some(i, parts, x, w, bias, y, table, n, c, size, f, groups, outputs, high, phase, stride, padding, width):
    """Part `i` of the blocks of rows, `high` each, of all samples; a block's phases are of size `phase`."""
    (h, across), (o_h, o_w), (q_h, q_w), (s_h, s_w), depth = size, outputs, phase, stride, table.size
    count, per_group, channels = -(-o_h // high), f // groups, c // groups
    image = np.empty(c * s_h * s_w * q_h * q_w + 2 * width, x.dtype)
    for unit in range(i * n * count // parts, (i + 1) * n * count // parts):
        sample, top = unit // count, unit % count * high
        some = min(high, o_h - top)
        image[:] = 0
        spread(x, sample * c * h * across, h, across, image, q_h, q_w, s_h, s_w, padding[0] - s_h * top, padding[1], c)
        for k in range(0, f, per_group):
            group = k // per_group * channels * s_h * s_w * q_h * q_w
            for r in range(k, k + per_group, ROWS):
                filters, y0 = min(ROWS, k + per_group - r), ((sample * f + r) * o_h + top) * o_w
                rows_of(image, group, q_w, table, w, r * depth, bias, r, y, y0, o_h * o_w, some, filters, o_w, width)


@kernel
def by_rows(team, helpers, parts, x, w, bias, y, table, n, c, size, f, groups, outputs, high, phase, stride, padding,
            width):  # fmt: skip
    """`rows_some`, all of them."""
    arguments = (parts, x, w, bias, y, table, n, c, size, f, groups, outputs, high, phase, stride, padding, width)
    each(team, helpers, parts, entry(rows_some, arguments), kept(arguments))


def suits(weight: tuple[int, ...], outputs: Pair, groups: int, lanes: int) -> bool:
    """Whether the filters are many, see few channels, and rows of the result fill most of their vectors."""
    vectors = -(-outputs[1] // lanes)
    return weight[0] >= ROWS * groups and weight[1] <= CHANNELS and 8 * outputs[1] >= 7 * vectors * lanes >= 14 * lanes


@lru_cache(maxsize=256)
def _plan(n: int, c: int, groups: int, kernel: Pair, stride: Pair, dilation: Pair,
          outputs: Pair) -> tuple[int, Pair, np.ndarray]:  # fmt: skip
    """The rows of a block, the size of its phases, and where each tap finds its elements among them."""
    q, _ = offsets_of(kernel, stride, dilation, outputs)
    halo, line = q[0] - outputs[0], c * stride[0] * stride[1] * q[1]
    high = min(max(ROWS, min(PHASES // line - halo, outputs[0] // -(-BLOCKS // n))), outputs[0])
    phase, offsets = offsets_of(kernel, stride, dilation, (high, outputs[1]))
    channels = np.arange(c // groups)[:, None] * (stride[0] * stride[1] * phase[0] * phase[1])
    return high, phase, (channels + offsets).reshape(-1)


def forward(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, stride: Pair, padding: Pair, dilation: Pair,
            groups: int, outputs: Pair) -> np.ndarray:  # fmt: skip
    """Convolution of (N, C, H, W) with (F, C/groups, kH, kW)."""
    (n, c, h, w), f = x.shape, len(weight)
    high, phase, table = _plan(n, c, groups, weight.shape[2:], stride, dilation, outputs)
    y, shift = np.empty((n, f, *outputs), x.dtype), zeros_of(f, x.dtype) if bias is None else bias
    parts = 1 if pieces_of(y.size * table.size) == 1 else min(64, n * -(-outputs[0] // high))
    share(parts, by_rows, x.reshape(-1), weight.reshape(-1), shift, y.reshape(-1), table, n, c, (h, w), f, groups,
          outputs, high, phase, stride, padding, columns_of(x.dtype))  # fmt: skip
    return y
