"""The kernels of `winograd`: tiles of images and filters there, products, and back."""

from __future__ import annotations

import numpy as np

from .apart import apart
from .door import ROWS, kernel
from .moves import FIRST, copy_run, transpose
from .spin import each
from .tile import tile
from .winograd_maps import (
    OUTPUTS,
    PLACES,
    SIDE,
    TAPS,
    cotangent_values,
    filter_values,
    filters_of,
    image_values,
    outputs_of,
)
from .words import entry, kept

GROUP = 4  # panels of filters whose products are kept together
DEPTH = 128  # of a sum at a time, at most: longer ones gather more rounding than sums of parts
CHUNK = 16  # channels whose filters are mapped together


@kernel
def spaced(n):
    """A distance of at least `n` elements at which 36 runs do not meet in the same lines of the cache."""
    return (n + 1023) // 1024 * 1024 + 32


@apart
def strip_of(x, at, i, c, h, w, p_h, p_w, zeros, turned, strip, rows, columns, deep, fresh, lanes):
    """A row of tiles of the image at `at`: strip[r, s, k] = x[k, OUTPUTS i + r - p_h, s - p_w], zero outside of it.

    Unless it is `fresh`, the strip holds the row of tiles before, with which this one shares what they overlap.
    """
    top, kept = OUTPUTS * i - p_h, 0 if fresh else rows - OUTPUTS
    copy_run(strip, OUTPUTS * columns * deep, strip, 0, kept * columns * deep, x.dtype.type(0))
    first, last = min(max(0, top + kept), h), min(max(0, top + rows), h)
    length = (last - first) * w
    at += first * w
    whole, start = length // lanes * lanes, max(0, length - lanes)
    for k in range(0, c, lanes):  # a few channels at a time, for memory is read ahead along a few runs only
        some, source = min(lanes, c - k), at + k * h * w
        transpose(x, source, h * w, zeros, FIRST, turned, k, deep, some, whole, lanes)
        if whole < length:  # the last block may overlap the one before
            transpose(x, source + start, h * w, zeros, FIRST, turned, start * deep + k, deep, some, length - start,
                      lanes)  # fmt: skip
    there = min(w, columns - p_w) * deep
    for r in range(kept, rows):
        row = top + r
        if first <= row < last:
            copy_run(turned, (row - first) * w * deep, strip, (r * columns + p_w) * deep, there, x.dtype.type(0))
        else:
            strip[r * columns * deep : (r + 1) * columns * deep] = 0


@apart
def values_of(strip, columns, deep, v, v0, v_step, t_w, lanes):
    """Bᵀ d B for a row of tiles."""
    for j in range(t_w):
        for k in range(0, deep, lanes):
            image_values(strip, OUTPUTS * j * deep + k, columns * deep, deep, v, v0 + j * deep + k, SIDE * v_step,
                         v_step)  # fmt: skip


@apart
def products(v, v_step, deep, u, u_step, m, m_step, most, tiles, panel, panels, depth, width):
    """m[place, p, t] = Σ_c v[place, t, c] u[place, panel + p, c], for `panels` panels of filters."""
    step = -(-depth // -(-depth // DEPTH))
    for e in range(PLACES):
        for p in range(panels):
            for k in range(0, depth, step):
                right = e * u_step + ((panel + p) * depth + k) * width
                for t in range(0, tiles, ROWS):
                    tile(v, e * v_step + t * deep + k, deep, 1, u, right, width, m, e * m_step + (p * most + t) * width,
                         width, min(step, depth - k), min(ROWS, tiles - t), width, k)  # fmt: skip


@apart
def images_some(i, length, all_rows, x, u, bias, y, doubts, begin, end, block, c, h, w, f, o_h, o_w, p_h, p_w, width,
                lanes):  # fmt: skip
    """Outputs of the filters `begin` to `end` in part `i` of the rows of tiles, `length` of them, counted through all
    samples."""
    first, last, doubt = i * length, min((i + 1) * length, all_rows), doubts[i]
    t_h, t_w, deep, panels = -(-o_h // OUTPUTS), -(-o_w // OUTPUTS), -(-c // lanes) * lanes, -(-(end - begin) // width)
    columns, most, group = OUTPUTS * t_w + SIDE - OUTPUTS, block * t_w, min(GROUP, panels)
    zeros, strip = np.zeros(SIDE * w, x.dtype), np.zeros(SIDE * columns * deep, x.dtype)
    turned = np.zeros(SIDE * w * deep, x.dtype)
    u_step, v_step, m_step = spaced(panels * c * width), spaced(most * deep), spaced(group * most * width)
    v, m = np.empty(PLACES * v_step, x.dtype), np.empty(PLACES * m_step, x.dtype)
    out = np.empty(OUTPUTS * (o_w + OUTPUTS) * width, x.dtype)
    for start in range(first, last, block):
        count = min(block, last - start)
        for r in range(count):
            n, t = divmod(start + r, t_h)
            strip_of(x, n * c * h * w, t, c, h, w, p_h, p_w, zeros, turned, strip, SIDE, columns, deep,
                     t == 0 or start + r == first, lanes)  # fmt: skip
            values_of(strip, columns, deep, v, r * t_w * deep, v_step, t_w, lanes)
        for panel in range(0, panels, group):
            some = min(group, panels - panel)
            products(v, v_step, deep, u, u_step, m, m_step, most, count * t_w, panel, some, c, width)
            for p in range(some):
                column = begin + (panel + p) * width
                for r in range(count):
                    n, t = divmod(start + r, t_h)
                    for j in range(t_w - 1, -1, -1):  # what a tile has beyond the row is overwritten by the next row's
                        for k in range(0, width, lanes):
                            outputs_of(m, (p * most + r * t_w + j) * width + k, SIDE * m_step, m_step, out,
                                       OUTPUTS * j * width + k, o_w * width, width, doubt)  # fmt: skip
                    to = (n * f + column) * o_h * o_w + OUTPUTS * t * o_w
                    transpose(out, FIRST, width, bias, column, y, to, o_h * o_w, min(OUTPUTS, o_h - OUTPUTS * t) * o_w,
                              min(width, end - column), lanes)  # fmt: skip


@apart
def filters_some(i, length, pairs, weight, u, f, c, f_step, c_step, turned, width, lanes):
    """u[place, p, k] = G w Gᵀ of the filters of panel p and channel k, for part `i` of the pairs of a panel and CHUNK
    channels, `length` of them.

    The taps of filter i and channel k begin at i f_step + k c_step; with `turned` they are in the reverse order.
    """
    taps, chunks, panels = TAPS * TAPS, -(-c // CHUNK), -(-f // width)
    step, sign = spaced(panels * c * width), -1 if turned else 1
    found, zeros = np.zeros((CHUNK * taps - 1) * width + width, weight.dtype), np.zeros(CHUNK * taps, weight.dtype)
    for pair in range(i * length, min((i + 1) * length, pairs)):
        p, begin = pair // chunks, pair % chunks * CHUNK
        end, there = min(c, begin + CHUNK), min(width, f - p * width)
        if there < width:
            found[:] = 0
        run = end - begin if c_step == taps else 1  # channels whose taps are one run
        for k in range(begin, end, run):
            transpose(weight, p * width * f_step + k * c_step, f_step, zeros, FIRST, found, (k - begin) * taps * width,
                      width, there, run * taps, lanes)  # fmt: skip
        for k in range(begin, end):
            corner = (k - begin) * taps * width + (taps - 1 if turned else 0) * width
            for j in range(0, width, lanes):
                filter_values(found, corner + j, sign * TAPS * width, sign * width, u, (p * c + k) * width + j,
                              SIDE * step, step)  # fmt: skip


@kernel
def all_images(team, helpers, pieces, maps, some, weight, u, f_step, c_step, turned, parts, length, x, bias, y, finite,
               n, begin, end, block, c, h, w, f, o_h, o_w, p_h, p_w, width, lanes):  # fmt: skip
    """`filters_some` and then `images_some`, all of them; finite[0] is 0 if some outputs are not."""
    count, rows = end - begin, n * -(-o_h // OUTPUTS)
    panels, doubts = -(-count // width), np.zeros((parts, lanes), x.dtype)
    pairs, chosen = panels * -(-c // CHUNK), weight[begin * f_step :]
    mapped = (some, pairs, chosen, u, count, c, f_step, c_step, turned, width, lanes)
    each(team, min(helpers, maps - 1), maps, entry(filters_some, mapped), kept(mapped))
    arguments = (length, rows, x, u, bias, y, doubts, begin, end, block, c, h, w, f, o_h, o_w, p_h, p_w, width, lanes)
    each(team, min(helpers, parts - 1), parts, entry(images_some, arguments), kept(arguments))
    for i in range(parts):
        for j in range(lanes):
            if doubts[i, j] != 0:
                finite[0] = 0


@apart
def weight_some(i, tiles, rows, channels, x, g, totals, base, size, block, c, h, w, f, o_h, o_w, p_h, p_w, width,
                lanes):  # fmt: skip
    """totals[part, place, k, f] = Σ v m̄ over a part of the rows of tiles, `tiles` of them, for some of `size` channels
    from `base`, `channels` of them."""
    part, some = divmod(i, -(-size // channels))
    first, last, total = part * tiles, min((part + 1) * tiles, rows), totals[part]
    begin, end = base + some * channels, base + min((some + 1) * channels, size)
    t_h, t_w, own, panels = -(-o_h // OUTPUTS), -(-o_w // OUTPUTS), end - begin, -(-f // width)
    columns, most, deep = OUTPUTS * t_w + SIDE - OUTPUTS, block * t_w, -(-own // lanes) * lanes
    filters, zeros = panels * width, np.zeros(SIDE * max(w, o_w), x.dtype)
    turned, shifted = np.zeros(SIDE * w * deep, x.dtype), np.zeros(OUTPUTS * o_w * filters, x.dtype)
    strip, spread = np.zeros(SIDE * columns * deep, x.dtype), np.zeros(OUTPUTS * columns * filters, x.dtype)
    v_step, m_step, step = spaced(most * deep), spaced(most * filters), spaced(size * filters)
    v, m = np.empty(PLACES * v_step, x.dtype), np.empty(PLACES * m_step, x.dtype)
    for start in range(first, last, block):
        count = min(block, last - start)
        for r in range(count):
            n, t = divmod(start + r, t_h)
            strip_of(x, (n * c + begin) * h * w, t, own, h, w, p_h, p_w, zeros, turned, strip, SIDE, columns, deep,
                     t == 0 or start + r == first, lanes)  # fmt: skip
            values_of(strip, columns, deep, v, r * t_w * deep, v_step, t_w, lanes)
            strip_of(g, n * f * o_h * o_w, t, f, o_h, o_w, 0, 0, zeros, shifted, spread, OUTPUTS, columns, filters,
                     True, lanes)  # fmt: skip
            for j in range(t_w):
                for k in range(0, filters, lanes):
                    cotangent_values(spread, OUTPUTS * j * filters + k, columns * filters, filters, m,
                                     (k // width * most + r * t_w + j) * width + k % width, SIDE * m_step,
                                     m_step)  # fmt: skip
        for e in range(PLACES):
            for p in range(panels):
                for k in range(0, own, ROWS):
                    tile(v, e * v_step + k, 1, deep, m, e * m_step + p * most * width, width, total,
                         e * step + ((begin - base + k) * panels + p) * width, filters, count * t_w,
                         min(ROWS, own - k), width, start - first)  # fmt: skip


@kernel
def all_weights(team, helpers, parts, tiles, rows, channels, x, g, totals, base, size, block, c, h, w, f, o_h, o_w, p_h,
                p_w, width, lanes):  # fmt: skip
    """`weight_some`, all of them."""
    arguments = (tiles, rows, channels, x, g, totals, base, size, block, c, h, w, f, o_h, o_w, p_h, p_w, width, lanes)
    each(team, helpers, parts, entry(weight_some, arguments), kept(arguments))


@apart
def weight_sums(i, length, pairs, totals, out, doubts, base, size, c, f, width, lanes):
    """Gᵀ (Σ totals) G, the parts added in their order, for part `i` of the pairs of a panel of filters and CHUNK
    channels, `length` of them."""
    taps, chunks, filters = TAPS * TAPS, -(-size // CHUNK), -(-f // width) * width
    step, found = spaced(size * filters), np.empty(CHUNK * taps * width, totals.dtype)
    whole, doubt, zeros = totals[0], doubts[i], np.zeros(width, totals.dtype)
    for pair in range(i * length, min((i + 1) * length, pairs)):
        p, begin = pair // chunks, pair % chunks * CHUNK
        end = min(size, begin + CHUNK)
        for k in range(begin, end):
            at = k * filters + p * width
            for part in range(1, len(totals)):
                for e in range(PLACES):
                    into, added = whole[e * step + at :], totals[part, e * step + at :]
                    for j in range(width):
                        into[j] += added[j]
            for j in range(0, width, lanes):
                filters_of(whole, at + j, SIDE * step, step, found, (k - begin) * taps * width + j, TAPS * width, width,
                           doubt)  # fmt: skip
        transpose(found, FIRST, width, zeros, FIRST, out, (p * width * c + base + begin) * taps, c * taps,
                  (end - begin) * taps, min(width, f - p * width), lanes)  # fmt: skip


@kernel
def all_sums(team, helpers, parts, length, pairs, totals, out, doubts, base, size, c, f, width, lanes):
    """`weight_sums`, all of them."""
    arguments = (length, pairs, totals, out, doubts, base, size, c, f, width, lanes)
    each(team, helpers, parts, entry(weight_sums, arguments), kept(arguments))
