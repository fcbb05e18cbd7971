"""Convolution in two dimensions for few filters: places of the result across the vector, filters in the tile's rows.

A stride s splits the padded image into s x s *phases*, u = s q + a.  Inside a phase neighbouring outputs read
neighbouring elements, so for each tap (c, k) of the filter the elements that all outputs need are one run of memory, at
an offset that depends on the tap alone.  A row of outputs is a row of the tile, and the sum over taps its inner loop.

- forward: y[f, o] = Σ_t w[f, t] x[offset(t) + o]
- input:   the same with g in the place of x, for each phase of the result with the taps that reach it

Outputs are numbered with the width of the phase, so a few at the end of each image row are computed and not used.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .apart import apart
from .conv_pieces import Pair, pieces_of, zeros_of
from .door import ROWS, VECTORS, kernel
from .moves import copy_every_second, copy_run, copy_to_every_second, framed
from .pool import share
from .spin import each
from .tile import LONG, columns_of, narrow_tile, row_tile, tile
from .words import entry, kept


@apart
def spread(x, x0, h, w, out, rows, columns, s_h, s_w, p_h, p_w, channels):
    """The phases of `channels` zero-padded images: out[c, a, b, i, j] = x[c, s_h i + a - p_h, s_w j + b - p_w].

    What is outside the image is left as it is.
    """
    at = 0
    for c in range(channels):
        for a in range(s_h):
            top, bottom = max(0, -((a - p_h) // s_h)), min(rows, (h - 1 - a + p_h) // s_h + 1)
            for b in range(s_w):
                first, last = max(0, -((b - p_w) // s_w)), min(columns, (w - 1 - b + p_w) // s_w + 1)
                for i in range(top, bottom):
                    row, to = x0 + (c * h + s_h * i + a - p_h) * w + s_w * first + b - p_w, at + i * columns + first
                    if s_w == 1:
                        copy_run(x, row, out, to, max(0, last - first), x.dtype.type(0))
                    elif s_w == 2:
                        copy_every_second(x, row, out, to, last - first)
                    else:
                        for j in range(last - first):
                            out[to + j] = x[row + s_w * j]
                at += rows * columns


@apart
def products(left, image, i0, group_size, table, out, length, groups, rows, width):
    """out[g, r, o] = Σ_t left[g, r, t] image[i0 + g group_size + table[t] + o]."""
    depth, long = table.size, LONG * width // VECTORS
    for g in range(groups):
        left0, right0, at = g * rows * depth, i0 + g * group_size, g * rows * length
        for o in range(0, length, long if rows == 1 else width):
            if rows == 1:
                row_tile(left, left0, depth, 1, image, right0 + o, table, out, at + o, length, depth, 1,
                         min(long, length - o), 0)  # fmt: skip
                continue
            for r in range(0, rows, ROWS):
                if 2 * (length - o) > width:
                    tile(left, left0 + r * depth, depth, 1, image, right0 + o, table, out, at + r * length + o, length,
                         depth, min(ROWS, rows - r), min(width, length - o), 0)  # fmt: skip
                else:
                    narrow_tile(left, left0 + r * depth, depth, 1, image, right0 + o, table, out, at + r * length + o,
                                length, depth, min(ROWS, rows - r), length - o, 0)  # fmt: skip


@apart
def forward_some(i, x, weight, bias, y, table, length, samples, c, h, w, f, groups, o_h, o_w, q_h, q_w, s_h, s_w,
                 p_h, p_w, width):  # fmt: skip
    """The outputs of part `i` of the samples, `length` of them."""
    size, run = c * s_h * s_w * q_h * q_w, o_h * q_w
    image, out = np.zeros(size + 4 * width, x.dtype), np.empty(f * run + 4 * width, x.dtype)
    plain = s_h == 1 and s_w == 1 and p_h == 0 and p_w == 0
    for n in range(i * length, min((i + 1) * length, samples)):
        if plain and (samples - n - 1) * size >= LONG * width:  # the tile may read past the image's end
            products(weight, x, n * size, size // groups, table, out, run, groups, f // groups, width)
        else:
            spread(x, n * c * h * w, h, w, image, q_h, q_w, s_h, s_w, p_h, p_w, c)
            products(weight, image, 0, size // groups, table, out, run, groups, f // groups, width)
        for k in range(f):
            shift = bias[k] if bias.size else x.dtype.type(0)
            for o in range(o_h):
                copy_run(out, k * run + o * q_w, y, ((n * f + k) * o_h + o) * o_w, o_w, shift)


@kernel
def forward_all(team, helpers, parts, x, weight, bias, y, table, length, samples, c, h, w, f, groups, o_h, o_w, q_h,
                q_w, s_h, s_w, p_h, p_w, width):  # fmt: skip
    """`forward_some`, all of them."""
    arguments = (x, weight, bias, y, table, length, samples, c, h, w, f, groups, o_h, o_w, q_h, q_w, s_h, s_w, p_h, p_w,
                 width)  # fmt: skip
    each(team, helpers, parts, entry(forward_some, arguments), kept(arguments))


@apart
def turned_some(i, weight, out, chosen, starts, length, c, f, channels, taps):
    """out[phase, k, j, t] = weight[j of k's group, k, chosen[t]] for part `i` of all `c` channels k, `length` of them,
    in groups of `channels` that see `f` filters."""
    per_channel = f // (c // channels)
    for k in range(i * length, min((i + 1) * length, c)):
        g, own = k // channels, k % channels
        first = 0
        for phase in range(starts.size - 1):
            count = (starts[phase + 1] - starts[phase]) // per_channel
            at = (first * c + k * count) * per_channel
            for j in range(per_channel):
                source = ((g * per_channel + j) * channels + own) * taps
                for t in range(first, first + count):
                    out[at] = weight[source + chosen[t]]
                    at += 1
            first += count


@apart
def input_some(part, g, weight, x, table, starts, length, samples, c, h, w, f, groups, o_h, o_w, q_h, q_w, rows,
               columns, top, left, s_h, s_w, p_h, p_w, width):  # fmt: skip
    """The input's cotangent for a part of the samples, `length` of them; g in its frame has rows x columns for every
    phase."""
    size, run = f * rows * columns, q_h * columns
    image, out = np.zeros(size + 4 * width, g.dtype), np.empty(c * run + 4 * width, g.dtype)
    for n in range(part * length, min((part + 1) * length, samples)):
        framed(g, n * f * o_h * o_w, f, o_h, o_w, image, 0, top, left, rows, columns)
        for phase in range(s_h * s_w):
            a, b = phase // s_w, phase % s_w
            start, stop = max(0, -((b - p_w) // s_w)), min(q_w, (w - 1 - b + p_w) // s_w + 1)
            taps, filters = table[starts[phase] : starts[phase + 1]], weight[c * starts[phase] :]
            products(filters, image, 0, size // groups, taps, out, run, groups, c // groups, width)
            for k in range(c):
                for i in range(q_h):
                    u = s_h * i + a - p_h
                    if 0 <= u < h:
                        to, source = ((n * c + k) * h + u) * w + s_w * start + b - p_w, k * run + i * columns + start
                        if s_w == 1:
                            copy_run(out, source, x, to, max(0, stop - start), x.dtype.type(0))
                        elif s_w == 2:
                            copy_to_every_second(out, source, x, to, stop - start)
                        else:
                            for j in range(stop - start):
                                x[to + s_w * j] = out[source + j]


@kernel
def input_all(team, helpers, pieces, g, weight, turned, x, chosen, table, starts, rows, length, samples, c, h, w, f,
              groups, o_h, o_w, q_h, q_w, frame_h, frame_w, top, left, s_h, s_w, p_h, p_w, width):  # fmt: skip
    """`turned_some` and then `input_some`, all of them."""
    parts = -(-c // rows)
    given = (weight, turned, chosen, starts, rows, c, f, c // groups, weight.size // (f * (c // groups)))
    each(team, min(helpers, parts - 1), parts, entry(turned_some, given), kept(given))
    parts = -(-samples // length)
    arguments = (g, turned, x, table, starts, length, samples, c, h, w, f, groups, o_h, o_w, q_h, q_w, frame_h, frame_w,
                 top, left, s_h, s_w, p_h, p_w, width)  # fmt: skip
    each(team, min(helpers, parts - 1), parts, entry(input_some, arguments), kept(arguments))


# ---------------------------------------------------------------------------------------------------------------------
# From arrays to runs of memory.


def offsets_of(kernel: Pair, stride: Pair, dilation: Pair, outputs: Pair) -> tuple[Pair, np.ndarray]:
    """The size of a phase, and for each tap of the filter its offset among the phases of one channel."""
    q = tuple(o + (k - 1) * d // s for o, k, s, d in zip(outputs, kernel, stride, dilation))
    i, j = (np.arange(k) * d for k, d in zip(kernel, dilation))
    rows = ((i % stride[0]) * stride[1])[:, None] + (j % stride[1])[None]
    offsets = (rows * q[0] + (i // stride[0])[:, None]) * q[1] + (j // stride[1])[None]
    return (q[0], q[1]), offsets.reshape(-1).astype(np.int64)


@lru_cache(maxsize=256)
def _forward_table(c: int, groups: int, kernel: Pair, stride: Pair, dilation: Pair,
                   outputs: Pair) -> tuple[Pair, np.ndarray]:  # fmt: skip
    """The size of a phase, and for each tap its offset among those of a group's channels."""
    q, offsets = offsets_of(kernel, stride, dilation, outputs)
    channel = stride[0] * stride[1] * q[0] * q[1]
    return q, (np.arange(c // groups)[:, None] * channel + offsets).reshape(-1)


def forward(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, stride: Pair, padding: Pair, dilation: Pair,
            groups: int, outputs: Pair) -> np.ndarray:  # fmt: skip
    """Convolution of (N, C, H, W) with (F, C/groups, kH, kW)."""
    (n, c, h, w), f, kind = x.shape, len(weight), x.dtype
    q, table = _forward_table(c, groups, weight.shape[2:], stride, dilation, outputs)
    y, shift = np.empty((n, f, *outputs), kind), zeros_of(0, kind) if bias is None else bias
    length = -(-n // pieces_of(y.size * table.size))
    share(-(-n // length), forward_all, x.reshape(-1), weight.reshape(-1), shift, y.reshape(-1), table, length, n, c, h,
          w, f, groups, *outputs, *q, *stride, *padding, columns_of(kind))  # fmt: skip
    return y


@lru_cache(maxsize=256)
def _input_tables(per_group: int, taps: Pair, spatial: Pair, stride: Pair, padding: Pair,
                  dilation: Pair) -> tuple[list[np.ndarray], Pair, tuple[int, int, int, int], Pair]:  # fmt: skip
    """For all phases together: which taps they have, where these find their elements, and where each phase begins; the
    size of a phase, the frame of g, and what is left of the padding."""
    low, rest = zip(*(divmod(p, s) for p, s in zip(padding, stride)), strict=True)  # phases begin before the image
    q_h, q_w = ((size - 1 + r) // s + 1 for size, r, s in zip(spatial, rest, stride))
    m_h, m_w = ((k - 1) * d // s for k, d, s in zip(taps, dilation, stride))
    frame = q_h + m_h, q_w + m_w, m_h - low[0], m_w - low[1]
    rows, columns, filters = np.arange(taps[0]), np.arange(taps[1]), np.arange(per_group)[:, None]
    chosen, tables = [], []
    for a in range(stride[0]):
        for b in range(stride[1]):
            i = rows[rows * dilation[0] % stride[0] == a][:, None]
            j = columns[columns * dilation[1] % stride[1] == b]
            places = (m_h - i * dilation[0] // stride[0]) * frame[1] + m_w - j * dilation[1] // stride[1]
            tables.append((filters * (frame[0] * frame[1]) + places.reshape(-1)).reshape(-1))
            chosen.append((i * taps[1] + j).reshape(-1))
    starts = np.cumsum([0, *map(len, tables)])
    return [*map(np.concatenate, (chosen, tables)), starts], (q_h, q_w), frame, (rest[0], rest[1])


def input_cotangent(g: np.ndarray, weight: np.ndarray, spatial: Pair, stride: Pair, padding: Pair, dilation: Pair,
                    groups: int) -> np.ndarray:  # fmt: skip
    """∂⟨g, x ∗ w⟩/∂x for x of size `spatial`."""
    (n, f, *outputs), (_, channels, *taps), kind = g.shape, weight.shape, g.dtype
    c, per_group = channels * groups, f // groups
    tables, q, frame, rest = _input_tables(per_group, (taps[0], taps[1]), spatial, stride, padding, dilation)
    x, turned = np.empty((n, c, *spatial), kind), np.empty(weight.size, kind)
    length, rows = -(-n // pieces_of(g.size * weight[0].size)), -(-c // max(1, min(16, weight.size // 50_000)))
    share(max(-(-n // length), -(-c // rows)), input_all, g.reshape(-1), weight.reshape(-1), turned, x.reshape(-1),
          *tables, rows, length, n, c, *spatial, f, groups, *outputs, *q, *frame, *stride, *rest,
          columns_of(kind))  # fmt: skip
    return x
