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
from typing import Any, NamedTuple

import numpy as np

from .conv_pieces import Pair, pieces_of, ranges
from .door import ROWS, kernel
from .moves import copy_run, framed, lanes_of, transpose
from .pool import run
from .tile import columns_of, narrow_table_tile, table_tile

_PLACES = 1024  # of a chunk: with a tile's columns they stay in the second cache
DEPTH = 320  # of a sum: with a tile's columns they stay in the first


# ---------------------------------------------------------------------------------------------------------------------
# Kernels.


@kernel
def even(depth):
    """The length of equal parts of a sum, of DEPTH at most."""
    parts = max(1, -(-depth // DEPTH))
    return max(1, -(-depth // parts))


@kernel
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


@kernel
def gather_some(x, panels, bias, y, rows, places, taps, entries, chunks, first, last, begin, end, block, c, h, w, top,
                left, b_h, b_w, direct, groups, per_group, size, width, lanes):  # fmt: skip
    """Results of the samples `first` to `last` and the panels of columns `begin` to `end`."""
    image, count = c * b_h * b_w, -(-per_group // width)
    buffer = np.zeros(0 if direct else block * image, x.dtype)
    out = np.empty(block * chunks[0, 1] * width, x.dtype)
    for n in range(first, last, block):
        samples = min(block, last - n)
        if not direct:
            for i in range(samples):
                framed(x, (n + i) * c * h * w, c, h, w, buffer, i * image, top, left, b_h, b_w)
        for chunk in range(len(chunks)):
            place, length = chunks[chunk, 0], chunks[chunk, 1]
            for p in range(begin, end):
                group, column = p // count, p % count * width
                columns = min(width, per_group - column)
                for e in range(entries.shape[1]):
                    r0, each, t0, depth = entries[0, e, 0], entries[chunk, e, 1], entries[0, e, 2], entries[0, e, 3]
                    source = group * (image // groups) + entries[chunk, e, 4]
                    b0 = (t0 * groups * count + p * depth) * width
                    if direct:
                        tiles(x, n * image + source, rows, r0, places, taps, t0, panels, b0, out, depth,
                              samples * each, columns, width)  # fmt: skip
                    else:
                        tiles(buffer, source, rows, r0, places, taps, t0, panels, b0, out, depth,
                              samples * each, columns, width)  # fmt: skip
                for i in range(samples):
                    at = ((n + i) * groups + group) * per_group + column
                    transpose(out, i * length * width, width, bias, p * width, y, at * size + place, size, length,
                              columns, lanes)  # fmt: skip


@kernel
def pack_forward(weight, zeros, out, first, last, depth, per_group, width, lanes):
    """out[p, t, j] = weight[filter j of panel p, t] for the panels from `first` to `last`."""
    count = -(-per_group // width)
    for p in range(first, last):
        group, column = p // count, p % count * width
        transpose(weight, (group * per_group + column) * depth, depth, zeros, 0, out, p * depth * width, width,
                  min(width, per_group - column), depth, lanes)  # fmt: skip


@kernel
def pack_input(weight, zeros, out, starts, steps, first, last, f, c, taps, width, lanes):
    """out[starts[k] + (p steps[k] f + j steps[k]) width + i] = weight[j of p's group, channel i of p, k]."""
    count, turned = -(-c // width), np.empty(taps * width, weight.dtype)
    for p in range(first, last):
        group, column = p // count, p % count * width
        columns = min(width, c - column)
        for j in range(f):
            source = ((group * f + j) * c + column) * taps
            transpose(weight, source, taps, zeros, 0, turned, 0, width, columns, taps, lanes)
            for k in range(taps):
                at = starts[k] + (p * f + j) * steps[k] * width
                copy_run(turned, k * width, out, at, columns, weight.dtype.type(0))


@kernel
def sums(left, a0, taps, t_first, t_last, rows, o, right, b0, width, total, at, per_group, depth, columns, add):
    """total[t] (+)= Σ_i left[taps[t] + rows[o + i]] right[i] for `depth` places."""
    for t in range(t_first, t_last, ROWS):
        if 2 * columns > width:
            table_tile(left, a0, taps, rows, right, b0, width, total, at + t * per_group, per_group, depth,
                       min(ROWS, t_last - t), columns, add, t, o)  # fmt: skip
        else:
            narrow_table_tile(left, a0, taps, rows, right, b0, width, total, at + t * per_group, per_group,
                              depth, min(ROWS, t_last - t), columns, add, t, o)  # fmt: skip


@kernel
def weight_some(x, g, total, zeros, rows, taps, entries, chunks, first, last, begin, end, most, block, c, h,
                w, top, left, b_h, b_w, direct, groups, per_group, size, width, lanes):  # fmt: skip
    """total[group, t, f] over the samples `first` to `last`, for the taps of channels `begin` to `end` alone."""
    channel, count, each = b_h * b_w, -(-per_group // width), c // groups
    k = taps.size // each
    image = (c if direct or block > 1 else most) * channel
    buffer = np.zeros(0 if direct else block * image, x.dtype)
    right = np.empty(block * size * width, x.dtype)
    for n in range(first, last, block):
        samples = min(block, last - n)
        if not direct:
            for i in range(samples):
                framed(x, ((n + i) * c + begin) * h * w, end - begin, h, w, buffer, i * image, top, left, b_h, b_w)
        for p in range(begin // each * count, (end - 1) // each * count + count):
            group, column = p // count, p % count * width
            columns = min(width, per_group - column)
            for i in range(samples):
                at = ((n + i) * groups + group) * per_group + column
                transpose(g, at * size, size, zeros, 0, right, i * size * width, width, columns, size, lanes)
            t_first, t_last = max(0, begin - group * each) * k, min(each, end - group * each) * k
            source = n * image + group * each * channel if direct else (group * each - begin) * channel
            at = group * taps.size * per_group + column
            for chunk in range(len(chunks)):
                place, length, shift = chunks[chunk, 0], samples * chunks[chunk, 1], entries[chunk, 0, 4]
                step = even(length)
                for o in range(0, length, step):
                    depth, b0, add = min(step, length - o), (place + o) * width, n - first + place + o
                    if direct:
                        sums(x, source + shift, taps, t_first, t_last, rows, o, right, b0, width, total, at, per_group,
                             depth, columns, add)  # fmt: skip
                    else:
                        sums(buffer, source + shift, taps, t_first, t_last, rows, o, right, b0, width, total, at,
                             per_group, depth, columns, add)  # fmt: skip


@kernel
def sum_turned(totals, zeros, out, group, first, last, taps, per_group, lanes):
    """out[group, f, t] = Σ_p totals[p, group, t, f] for t from `first` to `last`, parts added in their order."""
    start, stop = (group * taps + first) * per_group, (group * taps + last) * per_group
    whole = totals[0, start:stop]
    for p in range(1, len(totals)):
        part = totals[p, start:stop]
        for i in range(part.size):
            whole[i] += part[i]
    transpose(whole, 0, per_group, zeros, 0, out, group * taps * per_group + first, taps, last - first, per_group,
              lanes)  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------------
# Tables.


class Tables(NamedTuple):
    """Where a product finds its elements, and where its results belong."""

    rows: np.ndarray  # for each place of a chunk, in each of `block` images, its position in the framed image
    places: np.ndarray  # and its row in the result
    taps: np.ndarray  # for each phase and tap of a group's filters, the distance from there
    entries: np.ndarray  # for each chunk and phase (first row, rows of an image, first tap, taps, shift of the rows)
    chunks: np.ndarray  # (first place, places): the result is made in chunks of whole rows
    frame: tuple[int, int, int, int]  # the image's place in its frame, and the frame's size
    direct: bool  # the image is its own frame
    block: int  # images that are computed together


def _block(n: int, places: int, image: int) -> int:
    """As many images as fill some tiles, if they stay in cache."""
    return max(1, min(n, 256 // places, (1 << 16) // image))


def _tables(n: int, channels: int, size: Pair, result: Pair, phases: list[Any], frame: Any, width: int) -> Tables:
    """`phases` holds for each phase of the result its rows and columns, their positions, and its taps."""
    image = channels * frame[2] * frame[3]
    every = len({tuple(phase[0][:1]) for phase in phases})  # rows after which the phases come again
    high = min(result[0], max(1, _PLACES // result[1] // every) * every)
    block = _block(n, result[0] * result[1], image) if high == result[0] else 1
    tops = range(0, result[0], high)
    entries = np.zeros((len(tops), len(phases), 5), np.int64)
    rows, places, images = [], [], np.arange(block)[:, None]
    start = tap = 0
    for k, (u, v, i, j, taps) in enumerate(phases):
        first = u < high
        rows.append((images * image + (i[first][:, None] * frame[3] + j).reshape(-1)).reshape(-1))
        places.append((images * high * result[1] + (u[first][:, None] * result[1] + v).reshape(-1)).reshape(-1) * width)
        for chunk, top in enumerate(tops):
            inside = i[(u >= top) & (u < top + high)]
            shift = (inside[0] - i[0]) * frame[3] if inside.size else 0
            entries[chunk, k] = start, inside.size * v.size, tap, taps.size, shift
        start, tap = start + rows[-1].size, tap + taps.size
    chunks = [(top * result[1], (min(top + high, result[0]) - top) * result[1]) for top in tops]
    return Tables(np.concatenate(rows).astype(np.int64), np.concatenate(places).astype(np.int64),
                  np.concatenate([phase[4] for phase in phases]).astype(np.int64), entries, np.array(chunks), frame,
                  frame == (0, 0, *size), block)  # fmt: skip


@lru_cache(maxsize=256)
def _forward_tables(n: int, c: int, groups: int, size: Pair, kernel: Pair, stride: Pair, padding: Pair,
                    dilation: Pair, outputs: Pair, width: int) -> Tables:  # fmt: skip
    rows, columns = ((o - 1) * s + (k - 1) * d + 1 for o, s, k, d in zip(outputs, stride, kernel, dilation))
    frame = (0, 0, *size) if padding == (0, 0) else (*padding, rows, columns)
    u, v = (np.arange(o) for o in outputs)
    i, j = (np.arange(k) * d for k, d in zip(kernel, dilation))
    window = (i[:, None] * frame[3] + j).reshape(-1)
    taps = (np.arange(c // groups)[:, None] * (frame[2] * frame[3]) + window).reshape(-1)
    return _tables(n, c, size, outputs, [(u, v, u * stride[0], v * stride[1], taps)], frame, width)


def _axis(size: int, outputs: int, kernel: int, stride: int, padding: int, dilation: int) -> tuple[int, int, list[Any]]:
    """Along one axis, the frame of g, its size, and for each phase: its elements of x, their positions, its taps."""
    taps = np.arange(kernel)
    lowest, u = padding // stride, np.arange(size)
    frame = (kernel - 1) * dilation // stride - lowest
    phases = []
    for a in range(stride):
        chosen, mine = taps[taps * dilation % stride == a], u[(u + padding) % stride == a]
        phases.append((mine, (mine + padding) // stride - lowest, chosen, frame + lowest - chosen * dilation // stride))
    return frame, (size - 1 + padding) // stride + frame + 1, phases


@lru_cache(maxsize=256)
def _input_tables(n: int, f: int, groups: int, panels: int, size: Pair, kernel: Pair, stride: Pair, padding: Pair,
                  dilation: Pair, outputs: Pair, width: int) -> tuple[Tables, np.ndarray, np.ndarray]:  # fmt: skip
    """The tables, and for `pack_input` where each tap's rows start, and how many taps share its phase."""
    (top, rows, down), (left, columns, across) = (
        _axis(*axis) for axis in zip(size, outputs, kernel, stride, padding, dilation)
    )
    frame, filters = (top, left, rows, columns), np.arange(f // groups)[:, None]
    if frame[:2] == (0, 0) and rows <= outputs[0] and columns <= outputs[1]:
        frame = (0, 0, *outputs)
    starts, steps = np.zeros(kernel, np.int64), np.zeros(kernel, np.int64)
    phases, start = [], 0
    for u, i, k_h, m_h in down:
        for v, j, k_w, m_w in across:
            window = (m_h[:, None] * frame[3] + m_w).reshape(-1)
            taps = (filters * (frame[2] * frame[3]) + window).reshape(-1)
            chosen = np.ix_(k_h, k_w)
            starts[chosen] = (start * panels + np.arange(window.size).reshape(len(k_h), len(k_w))) * width
            steps[chosen] = window.size
            phases.append((u, v, i, j, taps))
            start += taps.size
    return _tables(n, f, outputs, size, phases, frame, width), starts.reshape(-1), steps.reshape(-1)


# ---------------------------------------------------------------------------------------------------------------------
# From arrays to runs of memory.


def _grid(n: int, panels: int, work: int) -> list[tuple[int, int, int, int]]:
    """Samples and, where there are too few of them, panels of columns."""
    pieces = pieces_of(work)
    samples = ranges(n, pieces)
    columns = ranges(panels, -(-pieces // len(samples)) if n < 8 else 1)
    return [(*i, *j) for i in samples for j in columns]


def _gather(x: np.ndarray, panels: np.ndarray, bias: np.ndarray, y: np.ndarray, tables: Tables, groups: int,
            work: int) -> None:  # fmt: skip
    width, (n, c, h, w), size = columns_of(x.dtype), x.shape, y[0, 0].size
    per_group = y.shape[1] // groups
    flat = x.reshape(-1), panels, bias, y.reshape(-1), *tables[:5]
    sizes = (tables.block, c, h, w, *tables.frame, tables.direct, groups, per_group, size, width, lanes_of(x.dtype))
    parts = _grid(n, groups * -(-per_group // width), work)
    run(len(parts), lambda i: gather_some(*flat, *parts[i], *sizes))


def forward(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, stride: Pair, padding: Pair, dilation: Pair,
            groups: int, outputs: Pair) -> np.ndarray:  # fmt: skip
    """Convolution of (N, C, H, W) with (F, C/groups, kH, kW)."""
    (n, c, h, w), f, depth = x.shape, len(weight), weight[0].size
    width, per_group = columns_of(x.dtype), f // groups
    count = -(-per_group // width)
    tables = _forward_tables(n, c, groups, (h, w), weight.shape[2:], stride, padding, dilation, outputs, width)
    panels, shift = np.empty(groups * count * depth * width, x.dtype), np.zeros((groups, count * width), x.dtype)
    if bias is not None:
        shift[:, :per_group] = bias.reshape(groups, per_group)
    flat, sizes = (weight.reshape(-1), np.zeros(depth, x.dtype), panels), (depth, per_group, width, lanes_of(x.dtype))
    parts = ranges(groups * count, panels.size // 100_000)
    run(len(parts), lambda i: pack_forward(*flat, *parts[i], *sizes))
    y = np.empty((n, f, *outputs), x.dtype)
    _gather(x, panels, shift.reshape(-1), y, tables, groups, y.size * depth)
    return y


def input_cotangent(g: np.ndarray, weight: np.ndarray, spatial: Pair, stride: Pair, padding: Pair, dilation: Pair,
                    groups: int) -> np.ndarray:  # fmt: skip
    """∂⟨g, x ∗ w⟩/∂x for x of size `spatial`."""
    n, f, *outputs = g.shape
    c, taps, width = weight.shape[1], weight[0, 0].size, columns_of(g.dtype)
    count = groups * -(-c // width)
    tables, starts, steps = _input_tables(n, f, groups, count, spatial, weight.shape[2:], stride, padding, dilation,
                                          (outputs[0], outputs[1]), width)  # fmt: skip
    panels = np.empty(count * (f // groups) * taps * width, g.dtype)
    flat = weight.reshape(-1), np.zeros(taps, g.dtype), panels, starts, steps
    parts = ranges(count, panels.size // 50_000)
    run(len(parts), lambda i: pack_input(*flat, *parts[i], f // groups, c, taps, width, lanes_of(g.dtype)))
    x = np.empty((n, c * groups, *spatial), g.dtype)
    _gather(g, panels, np.zeros(count * width, g.dtype), x, tables, groups, g.size * weight[0].size)
    return x


def weight_cotangent(g: np.ndarray, x: np.ndarray, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair,
                     groups: int) -> np.ndarray:  # fmt: skip
    """∂⟨g, x ∗ w⟩/∂w for filters of size `kernel`; sums over few samples each, added in their order."""
    (n, f, o_h, o_w), (_, c, h, w) = g.shape, x.shape
    width, lanes, per_group = columns_of(x.dtype), lanes_of(x.dtype), f // groups
    tables = _forward_tables(n, c, groups, (h, w), kernel, stride, padding, dilation, (o_h, o_w), width)
    taps, work = tables.taps.size, g.size * tables.taps.size
    channels = ranges(c, min(pieces_of(work), taps // 256))
    samples = ranges(n, min(8, -(-pieces_of(work) // len(channels))))
    most = channels[0][1]
    totals = np.empty((len(samples), taps * f), x.dtype)
    zeros = np.zeros(max(o_h * o_w, per_group), x.dtype)
    flat = x.reshape(-1), g.reshape(-1)
    found = zeros, tables.rows, tables.taps, tables.entries, tables.chunks
    sizes = (most, tables.block, c, h, w, *tables.frame, tables.direct, groups, per_group, o_h * o_w, width, lanes)

    def some(i: int) -> None:
        part, mine = divmod(i, len(channels))
        weight_some(*flat, totals[part], *found, *samples[part], *channels[mine], *sizes)

    run(len(samples) * len(channels), some)
    out = np.empty((f, c // groups, *kernel), x.dtype)
    parts = [(k, *r) for k in range(groups) for r in ranges(taps, taps * per_group // 50_000)]
    run(len(parts), lambda i: sum_turned(totals, zeros, out.reshape(-1), *parts[i], taps, per_group, lanes))
    return out
