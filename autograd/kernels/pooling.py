"""Max pooling over planes: each window's largest element and its place, and the way back."""

from __future__ import annotations

import numpy as np

from .door import kernel
from .pool import run

Sizes = tuple[int, ...]


@kernel
def largest_some(x, values, places, first, last, h, w, o_h, o_w, k_h, k_w, t_h, t_w, p_h, p_w, d_h, d_w):
    """Planes `first` to `last`: the first of equal elements wins, and a NaN over everything."""
    for n in range(first, last):
        for i in range(o_h):
            top = i * t_h - p_h
            for j in range(o_w):
                left, found, best = j * t_w - p_w, -1, x.dtype.type(0)
                for a in range(k_h):
                    u = top + a * d_h
                    if 0 <= u < h:
                        for b in range(k_w):
                            v = left + b * d_w
                            if 0 <= v < w:
                                here = x[(n * h + u) * w + v]
                                if found < 0 or here > best or here != here:
                                    found, best = u * w + v, here
                values[(n * o_h + i) * o_w + j] = best
                places[(n * o_h + i) * o_w + j] = found


@kernel
def largest_of_fours(x, values, places, first, last, h, w, o_h, o_w):
    """As above for windows of 2 x 2 side by side, the commonest; without branches, and with codes as wide as elements
    instead of places, so that they vectorise."""
    codes = np.empty(o_w, np.int32)
    for n in range(first, last):
        for i in range(o_h):
            row = (n * h + 2 * i) * w
            upper, lower = x[row : row + 2 * o_w], x[row + w : row + w + 2 * o_w]
            out = (n * o_h + i) * o_w
            best_of, place_of = values[out : out + o_w], places[out : out + o_w]
            for j in range(o_w):
                a, b, c, d = upper[2 * j], upper[2 * j + 1], lower[2 * j], lower[2 * j + 1]
                best, code = a, np.int32(0)
                more = (b > best) | (b != b)
                best, code = b if more else best, np.int32(1) if more else code
                more = (c > best) | (c != c)
                best, code = c if more else best, np.int32(2) if more else code
                more = (d > best) | (d != d)
                best, code = d if more else best, np.int32(3) if more else code
                best_of[j], codes[j] = best, code
            for j in range(o_w):
                place_of[j] = np.int64(2 * i * w + 2 * j) + (codes[j] & 1) + (codes[j] >> 1) * w


@kernel
def added_some(values, places, out, first, last, each, size):
    """out[n, places[n, i]] += values[n, i] for the rows `first` to `last` of zeros."""
    for n in range(first, last):
        row = out[n * size : (n + 1) * size]
        for i in range(size):
            row[i] = 0
        for i in range(n * each, (n + 1) * each):
            row[places[i]] += values[i]


def _parts(n: int, work: int) -> list[tuple[int, int]]:
    """`n` rows in pieces of some 100,000 elements of work each."""
    step = max(1, n * 100_000 // max(work, 1))
    return [(i, min(i + step, n)) for i in range(0, n, step)]


def largest(x: np.ndarray, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes,
            outputs: Sizes) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """(values, places) of the windows over the last two dimensions of contiguous `x`."""
    h, w = x.shape[-2:]
    values = np.empty((*x.shape[:-2], *outputs), x.dtype)
    places = np.empty(values.shape, np.int64)
    parts = _parts(x.size // max(1, h * w), x.size)
    flat = x.reshape(-1), values.reshape(-1), places.reshape(-1)
    if kernel == stride == (2, 2) and padding == (0, 0) and 2 * outputs[0] <= h and 2 * outputs[1] <= w:
        run(len(parts), lambda i: largest_of_fours(*flat, *parts[i], h, w, *outputs))
    else:
        sizes = h, w, *outputs, *kernel, *stride, *padding, *dilation
        run(len(parts), lambda i: largest_some(*flat, *parts[i], *sizes))
    return values, places


def added(values: np.ndarray, places: np.ndarray, size: int) -> np.ndarray:
    """Zeros (..., size) with each of `values` (..., n) added at its place."""
    out = np.empty((*values.shape[:-1], size), values.dtype)
    rows = values.size // max(1, values.shape[-1])
    parts = _parts(rows, out.size + values.size)
    flat = values.reshape(-1), places.reshape(-1), out.reshape(-1)
    run(len(parts), lambda i: added_some(*flat, *parts[i], values.shape[-1], size))
    return out
