"""Convolution in two dimensions as a product whose left matrix is read through tables.

A row of the tile is a place of the result, its columns are filters.  The element that place o needs for tap t of the
filter is at rows[o] + taps[t] in the zero-framed image: any stride, padding and dilation is a matter of the two tables,
and places of several small images fill a tile as well as those of one.

- forward: y[o, f] = Σ_t x[rows(o) + taps(t)] w[t, f]
- input:   the same with g in the place of x and, for each *phase* u mod s of the result, the taps that reach it
- weight:  w̄[t, f] = Σ_o x[taps(t) + rows(o)] g[o, f]

The results are transposed, block by block in registers, to rows along the image.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .apart import apart
from .conv_pieces import Pair, pieces_of, ranges, zeros_of
from .conv_tables import forward_tables, input_tables
from .door import ROWS, kernel
from .moves import copy_run, framed, lanes_of, transpose
from .pool import share
from .spin import each
from .stream import LINE, fetch
from .tile import columns_of, narrow_table_tile, table_tile
from .words import entry, kept

DEPTH = 320  # of a sum: with a tile's columns they stay in the first


# ---------------------------------------------------------------------------------------------------------------------
# Kernels.


@kernel
def even(depth):
    """The length of equal parts of a sum, of DEPTH at most."""
    parts = max(1, -(-depth // DEPTH))
    return max(1, -(-depth // parts))


@apart
def tiles(left, a0, rows, r0, places, taps, t0, right, b0, out, depth, count, columns, width):
    """out[places[r]] = Σ_t left[rows[r] + taps[t]] right[t] for `count` rows from `r0`, `depth` taps from `t0`."""
    step = even(depth)
    for t in range(0, max(depth, 1), step):
        some = min(step, depth - t)
        for r in range(0, count, ROWS):
            if 2 * columns > width:
                table_tile(left, a0, rows, taps, right, b0 + t * width, width, out, 0, places, some,
                           min(ROWS, count - r), columns, t, r0 + r, t0 + t)  # fmt: skip
            else:
                narrow_table_tile(left, a0, rows, taps, right, b0 + t * width, width, out, 0, places, some,
                                  min(ROWS, count - r), columns, t, r0 + r, t0 + t)  # fmt: skip


@apart
def gather_some(i, parts, x, panels, bias, y, rows, places, taps, entries, chunks, block, c, h, w, top, left, b_h, b_w,
                direct, groups, per_group, size, width, lanes):  # fmt: skip
    """Results for part `i`: of the samples `first` to `last` and the panels of columns `begin` to `end`."""
    first, last, begin, end = parts[i, 0], parts[i, 1], parts[i, 2], parts[i, 3]
    image, count = c * b_h * b_w, -(-per_group // width)
    buffer = np.zeros(0 if direct else block * image, x.dtype)
    out = np.empty(block * chunks[0, 1] * width, x.dtype)
    for n in range(first, last, block):
        samples = min(block, last - n)
        if not direct:
            for v in range(samples):
                framed(x, (n + v) * c * h * w, c, h, w, buffer, v * image, top, left, b_h, b_w)
        for chunk in range(len(chunks)):
            place, length = chunks[chunk, 0], chunks[chunk, 1]
            for p in range(begin, end):
                group, column = p // count, p % count * width
                columns = min(width, per_group - column)
                for e in range(entries.shape[1]):
                    r0, high, t0, depth = entries[0, e, 0], entries[chunk, e, 1], entries[0, e, 2], entries[0, e, 3]
                    source = group * (image // groups) + entries[chunk, e, 4]
                    b0 = (t0 * groups * count + p * depth) * width
                    if direct:
                        tiles(x, n * image + source, rows, r0, places, taps, t0, panels, b0, out, depth,
                              samples * high, columns, width)  # fmt: skip
                    else:
                        tiles(buffer, source, rows, r0, places, taps, t0, panels, b0, out, depth,
                              samples * high, columns, width)  # fmt: skip
                for v in range(samples):
                    at = ((n + v) * groups + group) * per_group + column
                    transpose(out, v * length * width, width, bias, p * width, y, at * size + place, size, length,
                              columns, lanes)  # fmt: skip


@apart
def pack_some(i, parts, weight, zeros, out, panels, depth, per_group, width, lanes):
    """out[p, t, j] = weight[filter j of panel p, t] for part `i` of the panels."""
    count = -(-per_group // width)
    for p in range(i * panels // parts, (i + 1) * panels // parts):
        group, column = p // count, p % count * width
        transpose(weight, (group * per_group + column) * depth, depth, zeros, 0, out, p * depth * width, width,
                  min(width, per_group - column), depth, lanes)  # fmt: skip


@kernel
def forward_all(team, helpers, pieces, weight, packs, depth, count, parts, x, panels, bias, y, rows, places, taps,
                entries, chunks, block, c, h, w, top, left, b_h, b_w, direct, groups, per_group, size, width,
                lanes):  # fmt: skip
    """`pack_some` and then `gather_some`, all of them."""
    packed = (packs, weight, np.zeros(depth, x.dtype), panels, groups * -(-per_group // width), depth, per_group, width,
              lanes)  # fmt: skip
    each(team, min(helpers, packs - 1), packs, entry(pack_some, packed), kept(packed))
    arguments = (parts, x, panels, bias, y, rows, places, taps, entries, chunks, block, c, h, w, top, left, b_h, b_w,
                 direct, groups, per_group, size, width, lanes)  # fmt: skip
    each(team, min(helpers, count - 1), count, entry(gather_some, arguments), kept(arguments))


@apart
def turn_some(i, parts, weight, zeros, out, starts, steps, panels, f, c, taps, width, lanes):
    """out[starts[k] + (p steps[k] f + j steps[k]) width + i] = weight[j of p's group, channel i of p, k], part `i`."""
    count, turned, zero = -(-c // width), np.empty(taps * width, weight.dtype), weight.dtype.type(0)
    together = steps[0] == taps  # all taps are of one phase, in their order
    line, far = LINE // weight.itemsize, 2 * c * taps
    for p in range(i * panels // parts, (i + 1) * panels // parts):
        group, column = p // count, p % count * width
        columns = min(width, c - column)
        for j in range(f):
            source, at = ((group * f + j) * c + column) * taps, (p * f + j) * taps * width
            for k in range(0, columns * taps, line):
                fetch(weight, source + far + k)  # runs too short for the processor to foresee the next
            if taps == 1:
                copy_run(weight, source, out, at, columns, zero)
            elif together:
                transpose(weight, source, taps, zeros, 0, out, at, width, columns, taps, lanes)
            else:
                transpose(weight, source, taps, zeros, 0, turned, 0, width, columns, taps, lanes)
                for k in range(taps):
                    at = starts[k] + (p * f + j) * steps[k] * width
                    copy_run(turned, k * width, out, at, columns, zero)


@kernel
def input_all(team, helpers, pieces, weight, packs, starts, steps, f, count, parts, x, panels, bias, y, rows, places,
              taps, entries, chunks, block, c, h, w, top, left, b_h, b_w, direct, groups, per_group, size, width,
              lanes):  # fmt: skip
    """`turn_some` and then `gather_some`, all of them."""
    turned = (packs, weight, np.zeros(starts.size, x.dtype), panels, starts, steps, groups * -(-per_group // width), f,
              per_group, starts.size, width, lanes)  # fmt: skip
    each(team, min(helpers, packs - 1), packs, entry(turn_some, turned), kept(turned))
    arguments = (parts, x, panels, bias, y, rows, places, taps, entries, chunks, block, c, h, w, top, left, b_h, b_w,
                 direct, groups, per_group, size, width, lanes)  # fmt: skip
    each(team, min(helpers, count - 1), count, entry(gather_some, arguments), kept(arguments))


@apart
def sums(left, a0, taps, t_first, t_last, rows, right, b0, width, total, at, per_group, depth, columns, add):
    """total[t] (+)= Σ_i left[taps[t] + rows[i]] right[i] for `depth` places."""
    for t in range(t_first, t_last, ROWS):
        if 2 * columns > width:
            table_tile(left, a0, taps, rows, right, b0, width, total, at + t * per_group, per_group, depth,
                       min(ROWS, t_last - t), columns, add, t, 0)  # fmt: skip
        else:
            narrow_table_tile(left, a0, taps, rows, right, b0, width, total, at + t * per_group, per_group,
                              depth, min(ROWS, t_last - t), columns, add, t, 0)  # fmt: skip


@apart
def weight_some(i, parts, x, g, totals, zeros, rows, taps, entries, chunks, most, block, c, h, w, top, left, b_h, b_w,
                direct, groups, per_group, size, width, lanes):  # fmt: skip
    """Part `i`: totals[k, group, t, f] over samples `first` to `last`, for the taps of channels `begin` to `end`."""
    total, first, last, begin, end = totals[parts[i, 0]], parts[i, 1], parts[i, 2], parts[i, 3], parts[i, 4]
    channel, count, own = b_h * b_w, -(-per_group // width), c // groups
    k = taps.size // own
    image = (c if direct or block > 1 else most) * channel
    buffer = np.zeros(0 if direct else block * image, x.dtype)
    right = np.empty(block * size * width, x.dtype)
    for n in range(first, last, block):
        samples = min(block, last - n)
        if not direct:
            for v in range(samples):
                framed(x, ((n + v) * c + begin) * h * w, end - begin, h, w, buffer, v * image, top, left, b_h, b_w)
        for p in range(begin // own * count, (end - 1) // own * count + count):
            group, column = p // count, p % count * width
            columns = min(width, per_group - column)
            for v in range(samples):
                for j in range(0, columns, lanes):  # of more planes at a time, which lie far apart, less stays in cache
                    at = ((n + v) * groups + group) * per_group + column + j
                    transpose(g, at * size, size, zeros, 0, right, v * size * width + j, width, min(lanes, columns - j),
                              size, lanes)  # fmt: skip
            t_first, t_last = max(0, begin - group * own) * k, min(own, end - group * own) * k
            source = n * image + group * own * channel if direct else (group * own - begin) * channel
            at = group * taps.size * per_group + column
            for chunk in range(len(chunks)):
                place, length, shift = chunks[chunk, 0], samples * chunks[chunk, 1], entries[chunk, 0, 4]
                b0, add = place * width, n - first + place
                if direct:
                    sums(x, source + shift, taps, t_first, t_last, rows, right, b0, width, total, at, per_group, length,
                         columns, add)  # fmt: skip
                else:
                    sums(buffer, source + shift, taps, t_first, t_last, rows, right, b0, width, total, at, per_group,
                         length, columns, add)  # fmt: skip


@apart
def sum_some(i, parts, totals, zeros, out, taps, per_group, lanes):
    """out[group, f, t] = Σ_p totals[p, group, t, f] for part `i` of the taps of each group, added in the order of p."""
    first, last = i * taps // parts, (i + 1) * taps // parts
    for group in range(out.size // (taps * per_group)):
        start, stop = (group * taps + first) * per_group, (group * taps + last) * per_group
        whole = totals[0, start:stop]
        for p in range(1, len(totals)):
            part = totals[p, start:stop]
            for j in range(part.size):
                whole[j] += part[j]
        transpose(whole, 0, per_group, zeros, 0, out, group * taps * per_group + first, taps, last - first, per_group,
                  lanes)  # fmt: skip


@kernel
def weights(team, helpers, count, parts, x, g, totals, out, further, zeros, rows, taps, entries, chunks, most, block, c,
            h, w, top, left, b_h, b_w, direct, groups, per_group, size, width, lanes):  # fmt: skip
    """`weight_some` and then `sum_some`, all of them."""
    arguments = (parts, x, g, totals, zeros, rows, taps, entries, chunks, most, block, c, h, w, top, left, b_h, b_w,
                 direct, groups, per_group, size, width, lanes)  # fmt: skip
    each(team, helpers, count, entry(weight_some, arguments), kept(arguments))
    rest = (further, totals, zeros, out, taps.size, per_group, lanes)
    each(team, helpers, further, entry(sum_some, rest), kept(rest))


# ---------------------------------------------------------------------------------------------------------------------
# From arrays to runs of memory.


@lru_cache(maxsize=256)
def _grid(n: int, panels: int, work: int) -> np.ndarray:
    """Samples and, where there are too few of them, panels of columns."""
    pieces = pieces_of(work)
    samples = ranges(n, pieces)
    columns = ranges(panels, -(-pieces // len(samples)) if n < 8 else 1)
    return np.array([(*i, *j) for i in samples for j in columns])


@lru_cache(maxsize=256)
def _weight_grid(n: int, c: int, taps: int, work: int) -> np.ndarray:
    """Samples, of which each part has sums of its own, and channels: (number of those sums, samples, channels)."""
    channels = ranges(c, min(pieces_of(work), taps // 256))
    samples = ranges(n, min(8, -(-pieces_of(work) // len(channels))))
    return np.array([(k, *i, *j) for k, i in enumerate(samples) for j in channels])


def forward(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, stride: Pair, padding: Pair, dilation: Pair,
            groups: int, outputs: Pair) -> np.ndarray:  # fmt: skip
    """Convolution of (N, C, H, W) with (F, C/groups, kH, kW)."""
    (n, c, h, w), (f, channels, *kernel), kind = x.shape, weight.shape, x.dtype
    width, per_group, depth = columns_of(kind), f // groups, channels * kernel[0] * kernel[1]
    count = groups * -(-per_group // width)
    tables = forward_tables(n, c, groups, (h, w), weight.shape[2:], stride, padding, dilation, outputs, width)
    panels, shift, y = (
        np.empty(count * depth * width, kind),
        zeros_of(count * width, kind),
        np.empty((n, f, *outputs), kind),
    )
    if bias is not None:
        shift = shift.copy()
        shift.reshape(groups, -1)[:, :per_group] = bias.reshape(groups, per_group)
    packs, parts = max(1, min(count, panels.size // 100_000)), _grid(n, count, y.size * depth)
    share(max(packs, len(parts)), forward_all, weight.reshape(-1), packs, depth, len(parts), parts, x.reshape(-1),
          panels, shift, y.reshape(-1), *tables[:5], tables.block, c, h, w, *tables.frame, tables.direct, groups,
          per_group, outputs[0] * outputs[1], width, lanes_of(kind))  # fmt: skip
    return y


def input_cotangent(g: np.ndarray, weight: np.ndarray, spatial: Pair, stride: Pair, padding: Pair, dilation: Pair,
                    groups: int) -> np.ndarray:  # fmt: skip
    """∂⟨g, x ∗ w⟩/∂x for x of size `spatial`."""
    (n, f, h, w), (_, c, *kernel), kind = g.shape, weight.shape, g.dtype
    width, taps = columns_of(kind), kernel[0] * kernel[1]
    count = groups * -(-c // width)
    tables, starts, steps = input_tables(n, f, groups, count, spatial, weight.shape[2:], stride, padding, dilation,
                                          (h, w), width)  # fmt: skip
    panels, x = np.empty(count * (f // groups) * taps * width, kind), np.empty((n, c * groups, *spatial), kind)
    packs, parts = max(1, min(count, panels.size // 50_000)), _grid(n, count, g.size * c * taps)
    share(max(packs, len(parts)), input_all, weight.reshape(-1), packs, starts, steps, f // groups, len(parts), parts,
          g.reshape(-1), panels, zeros_of(count * width, kind), x.reshape(-1), *tables[:5], tables.block, f, h, w,
          *tables.frame, tables.direct, groups, c, spatial[0] * spatial[1], width, lanes_of(kind))  # fmt: skip
    return x


def weight_cotangent(g: np.ndarray, x: np.ndarray, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair,
                     groups: int) -> np.ndarray:  # fmt: skip
    """∂⟨g, x ∗ w⟩/∂w for filters of size `kernel`; sums over few samples each, added in their order."""
    (n, f, o_h, o_w), (_, c, h, w) = g.shape, x.shape
    width, lanes, per_group = columns_of(x.dtype), lanes_of(x.dtype), f // groups
    tables = forward_tables(n, c, groups, (h, w), kernel, stride, padding, dilation, (o_h, o_w), width)
    taps, work = tables.taps.size, g.size * tables.taps.size
    parts = _weight_grid(n, c, taps, work)
    totals, out = np.empty((parts[-1, 0] + 1, taps * f), x.dtype), np.empty((f, c // groups, *kernel), x.dtype)
    share(len(parts), weights, parts, x.reshape(-1), g.reshape(-1), totals, out.reshape(-1),
          max(1, taps * per_group // 50_000), zeros_of(max(o_h * o_w, per_group), x.dtype), tables.rows, tables.taps,
          tables.entries, tables.chunks, parts[0, 4], tables.block, c, h, w, *tables.frame, tables.direct, groups,
          per_group, o_h * o_w, width, lanes)  # fmt: skip
    return out
