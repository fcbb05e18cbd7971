"""Winograd's algorithm (`winograd`) for few channels: tiles lie across the vector, and images stay as they are.

With few channels the maps are most of the work, and to bring channels side by side costs as much as they do.  So the
products are u of the filters, one number at a time, with vectors of tiles (`winograd_blocks`):

- forward: m[f, tile] = Σ_c u[c, f] v[c, tile], from v = Bᵀ d B and u = G w Gᵀ, to y = Aᵀ m A
- input:   the same with g in the place of x and every filter turned
- weight:  ū[c, f] = Σ_tile v[c, tile] m̄[tile, f] from m̄ = A g Aᵀ, for which alone g has its channels side by side

Blocks are taken in twos, whose v and m stay in the second cache: m of a place is written over v of the place before.
"""

from __future__ import annotations

import functools

import numpy as np

from .apart import apart
from .conv_pieces import Pair, pieces_of, zeros_of
from .door import ROWS, kernel
from .moves import FIRST, lanes_of, transpose
from .pool import share
from .spin import each
from .stream import LINE, fetch, fetch_to_write
from .tile import tall_tile, tile
from .winograd_blocks import SQUARE, WIDE, square_outputs, square_values, wide_outputs, wide_values
from .winograd_maps import OUTPUTS, PLACES, SIDE, TAPS, cotangent_values
from .winograd_tiles import CHUNK, filters_some, spaced, weight_sums
from .words import entry, kept

TOGETHER = 2  # blocks
ELEMENTS = LINE // 4  # float32 in a line of the cache
PARTS = 4  # of the filters' cotangent


@apart
def values_of(x, at, h, w, top, left, zeros, c, v, v0, width, step, rows):
    """Bᵀ d B of a block for each of the channels that begin at `at`."""
    for k in range(c):
        if rows == WIDE:
            wide_values(x, at + k * h * w, h, w, top, left, zeros, v, v0 + k * width, step)
        else:
            square_values(x, at + k * h * w, h, w, top, left, zeros, v, v0 + k * width, step)


@kernel
def corner_of(block, down, across, tall, broad):
    """Of a block, counted through all samples: its sample, and the first row and column of its outputs."""
    n, place = divmod(block, down * across)
    return n, place // across * tall, place % across * broad


@apart
def fetch_share(e, x, at, h, w, tall, broad, c, to_write):
    """Have a share, one of PLACES, of a block in the `c` planes that begin at `at` brought while products are formed.

    What comes from memory is too little of a plane for the processor to see that more of it will be wanted.
    """
    for k in range(e * c // PLACES, (e + 1) * c // PLACES):
        for row in range(tall):
            for j in range(0, broad, ELEMENTS):
                if to_write:
                    fetch_to_write(x, at + (k * h + row) * w + j)
                else:
                    fetch(x, at + (k * h + row) * w + j)


@apart
def planes_some(i, x, u, bias, y, doubt, length, blocks, rows, c, h, w, f, o_h, o_w, p_h, p_w, filters, lanes):
    """Part `i` of the blocks, `length` of them."""
    tall, broad = OUTPUTS * rows, OUTPUTS * lanes // rows
    down, across = -(-o_h // tall), -(-o_w // broad)
    width, u_step = TOGETHER * lanes, spaced(c * filters)
    step, last = max(c, f) * width + lanes, min((i + 1) * length, blocks)
    zeros, waste = np.zeros(w, x.dtype), np.empty(2 * lanes, x.dtype)
    v, sums = np.zeros((PLACES + 1) * step, x.dtype), doubt[i]
    x_next, y_now = np.empty(TOGETHER, np.int64), np.empty(TOGETHER, np.int64)
    for start in range(i * length, last, TOGETHER):
        count = min(TOGETHER, last - start)
        for b in range(count):
            n, top, left = corner_of(start + b, down, across, tall, broad)
            values_of(x, n * c * h * w, h, w, top - p_h, left - p_w, zeros, c, v, step + b * lanes, width, step, rows)
        for b in range(TOGETHER):
            n, top, left = corner_of(start + TOGETHER + b, down, across, tall, broad)
            x_next[b] = n * c * h * w + top * w + left
            n, top, left = corner_of(start + b, down, across, tall, broad)
            y_now[b] = n * f * o_h * o_w + top * o_w + left
        for e in range(PLACES):
            for b in range(TOGETHER):
                fetch_share(e, x, x_next[b], h, w, tall, broad, c, False)
                fetch_share(e, y, y_now[b], o_h, o_w, tall, broad, f, True)
            for k in range(0, f, ROWS):
                tile(u, e * u_step + k, 1, filters, v, (e + 1) * step, width, v, e * step + k * width, width, c,
                     min(ROWS, f - k), width, 0)  # fmt: skip
        for b in range(count):
            n, top, left = corner_of(start + b, down, across, tall, broad)
            for k in range(f):
                to, at = (n * f + k) * o_h * o_w, k * width + b * lanes
                if rows == WIDE:
                    wide_outputs(v, at, step, y, to, o_h, o_w, top, left, bias[k], waste, sums)
                else:
                    square_outputs(v, at, step, y, to, o_h, o_w, top, left, bias[k], waste, sums)


@kernel
def planes(team, helpers, parts, weight, turned, x, u, bias, y, doubt, length, blocks, rows, c, h, w, f, o_h, o_w, p_h,
           p_w, filters, lanes):  # fmt: skip
    """`planes_some`, all of them, after the filters have been mapped; doubt[0, 0] is 0 if all is finite."""
    taps = TAPS * TAPS
    f_step, c_step = (taps, f * taps) if turned else (c * taps, taps)
    chunks = -(-c // CHUNK)
    filters_some(FIRST, chunks, chunks, weight, u, f, c, f_step, c_step, turned, filters, lanes)
    arguments = (x, u, bias, y, doubt, length, blocks, rows, c, h, w, f, o_h, o_w, p_h, p_w, filters, lanes)
    each(team, helpers, parts, entry(planes_some, arguments), kept(arguments))
    for i in range(parts):
        for j in range(lanes):
            if doubt[i, j] != 0:
                doubt[0, 0] = 1


@apart
def cotangents_of(g, at, f, o_h, o_w, top, left, rows, zeros, strip, m, m0, step, filters, lanes):
    """A g Aᵀ of a block, the filters side by side: place e of its tile t at M[m0 + e step + t filters]."""
    broad = OUTPUTS * lanes // rows
    there = min(broad, o_w - left)
    for row in range(rows):
        for r in range(OUTPUTS):
            to, line = r * broad * filters, top + OUTPUTS * row + r
            inside = there if line < o_h else 0
            if inside:
                transpose(g, at + line * o_w + left, o_h * o_w, zeros, FIRST, strip, to, filters, f, inside, lanes)
            strip[to + inside * filters : to + broad * filters] = 0
        for t in range(broad // OUTPUTS):
            for k in range(0, filters, lanes):
                cotangent_values(strip, OUTPUTS * t * filters + k, broad * filters, filters, m,
                                 m0 + (row * broad // OUTPUTS + t) * filters + k, SIDE * step, step)  # fmt: skip


@apart
def weight_some(i, x, g, totals, length, blocks, rows, c, h, w, f, o_h, o_w, p_h, p_w, filters, lanes):
    """Σ v m̄ over part `i` of the blocks, `length` of them: totals[i, place, c, f]."""
    tall, broad = OUTPUTS * rows, OUTPUTS * lanes // rows
    down, across = -(-o_h // tall), -(-o_w // broad)
    width, last, total = TOGETHER * lanes, min((i + 1) * length, blocks), totals[i]
    v_step, m_step, step = c * width + lanes, width * filters + lanes, spaced(c * filters)
    zeros, strip = np.zeros(max(w, o_w), x.dtype), np.zeros(OUTPUTS * broad * filters, x.dtype)
    v, m = np.empty(PLACES * v_step, x.dtype), np.empty(PLACES * m_step, x.dtype)
    x_next, g_next = np.empty(TOGETHER, np.int64), np.empty(TOGETHER, np.int64)
    for start in range(i * length, last, TOGETHER):
        count = min(TOGETHER, last - start)
        for b in range(count):
            n, top, left = corner_of(start + b, down, across, tall, broad)
            values_of(x, n * c * h * w, h, w, top - p_h, left - p_w, zeros, c, v, b * lanes, width, v_step, rows)
            cotangents_of(g, n * f * o_h * o_w, f, o_h, o_w, top, left, rows, zeros, strip, m, b * lanes * filters,
                          m_step, filters, lanes)  # fmt: skip
        for b in range(TOGETHER):
            n, top, left = corner_of(start + TOGETHER + b, down, across, tall, broad)
            x_next[b], g_next[b] = n * c * h * w + top * w + left, n * f * o_h * o_w + top * o_w + left
        for e in range(PLACES):
            for b in range(TOGETHER):
                fetch_share(e, x, x_next[b], h, w, tall, broad, c, False)
                fetch_share(e, g, g_next[b], o_h, o_w, tall, broad, f, False)
            for k in range(0, filters, lanes):
                for q in range(0, c, 2 * ROWS):
                    tall_tile(v, e * v_step + q * width, width, 1, m, e * m_step + k, filters, total,
                              e * step + q * filters + k, filters, count * lanes, min(2 * ROWS, c - q), lanes,
                              start - i * length)  # fmt: skip


@kernel
def weights(team, helpers, parts, x, g, totals, out, doubt, length, blocks, rows, c, h, w, f, o_h, o_w, p_h, p_w,
            filters, lanes):  # fmt: skip
    """`weight_some`, all of them, and the filters of their sum."""
    arguments = (x, g, totals, length, blocks, rows, c, h, w, f, o_h, o_w, p_h, p_w, filters, lanes)
    each(team, helpers, parts, entry(weight_some, arguments), kept(arguments))
    for part in range(1, parts):
        for e in range(PLACES):
            start = e * spaced(c * filters)
            into, added = totals[0, start : start + c * filters], totals[part, start : start + c * filters]
            for j in range(into.size):
                into[j] += added[j]
    chunks = -(-c // CHUNK)
    weight_sums(FIRST, chunks, chunks, totals[:1], out, doubt, FIRST, c, c, f, filters, lanes)


# ---------------------------------------------------------------------------------------------------------------------


@functools.lru_cache(1024)
def blocks_of(size: Pair, lanes: int) -> Pair:
    """The rows of tiles of such blocks as waste fewer lanes on an image of `size`, and how many blocks it has."""
    (h, w), pixels = size, OUTPUTS * lanes
    counts = {rows: -(-h // (OUTPUTS * rows)) * -(-w // (pixels // rows)) for rows in (WIDE, SQUARE)}
    return min(counts.items(), key=lambda pair: pair[1])


def images(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, padding: Pair, size: Pair,
           turned: bool) -> np.ndarray | None:  # fmt: skip
    """The outputs, of `size`, with filters turned or not; None if they are not finite."""
    (n, c, h, w), f, lanes = x.shape, weight.shape[turned], lanes_of(x.dtype)
    filters, (rows, blocks) = -(-f // lanes) * lanes, blocks_of(size, lanes)
    y, u = np.empty((n, f, *size), x.dtype), np.empty(PLACES * spaced(c * filters), x.dtype)
    length, parts = _parts(n * blocks, pieces_of(y.size * c * TAPS * TAPS))
    shift, doubt = zeros_of(f, x.dtype) if bias is None else bias, np.zeros((parts, lanes), x.dtype)
    share(parts, planes, weight.reshape(-1), turned, x.reshape(-1), u, shift, y.reshape(-1), doubt, length, n * blocks,
          rows, c, h, w, f, *size, *padding, filters, lanes)  # fmt: skip
    return None if doubt[0, 0] else y


def weight_cotangent(g: np.ndarray, x: np.ndarray, padding: Pair) -> np.ndarray | None:
    """∂⟨g, x ∗ w⟩/∂w for filters of 3 x 3; None if it is not finite.  Sums over parts are added in their order."""
    (n, f, o_h, o_w), (_, c, h, w), lanes = g.shape, x.shape, lanes_of(x.dtype)
    filters, (rows, blocks) = -(-f // lanes) * lanes, blocks_of((o_h, o_w), lanes)
    length, parts = _parts(n * blocks, PARTS)
    totals, out = np.empty((parts, PLACES * spaced(c * filters)), x.dtype), np.empty((f, c, TAPS, TAPS), x.dtype)
    doubt = np.zeros((1, lanes), x.dtype)
    share(parts, weights, x.reshape(-1), g.reshape(-1), totals, out.reshape(-1), doubt, length, n * blocks, rows, c, h,
          w, f, o_h, o_w, *padding, filters, lanes)  # fmt: skip
    return None if doubt.any() else out


def _parts(blocks: int, pieces: int) -> Pair:
    """The length of a part, of whole groups of blocks, and their number."""
    length = -(-blocks // (pieces * TOGETHER)) * TOGETHER
    return length, -(-blocks // length)
