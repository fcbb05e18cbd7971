"""Normalisation with what follows it, and the derivative, while what is normalised together is in the cache.

y = (x - μ) r w + b.  Where the sums go and how w lies make three cases:

- *groups*: runs of elements with one w each; a group is some runs, one after another or a stride apart.  Batch
  normalisation (a group is a channel), group and instance normalisation.
- *rows*: a group is a row, with one w for each of its places.  Layer and root-mean-square normalisation.
- *columns*: a group is a column.  Batch normalisation of (N, C).

Sums over a run are of the array's type, in many lanes, and of `LONG` elements at most where means and variances are
made of them; these sums are added up in float64.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from .apart import apart
from .door import inlined, kernel
from .pool import share
from .spin import each
from .vmath import minus
from .words import entry, kept

SHARED = 32768  # elements of a piece at least
LONG = 4096  # elements of a run that are added up in the array's type
SHORTEST = 8  # elements of a run, for which the loops are made
BLOCK = 256  # rows of a column that are added up in the array's type


class Groups(NamedTuple):
    """Group i has runs k = 0 ... inner - 1 of s elements from i · far + k · near; their w is (i · by + k) mod c."""

    outer: int
    inner: int
    s: int
    far: int
    near: int
    by: int  # weights from one group to the next; 0: there is one for the whole group, w_i
    c: int


class Rows(NamedTuple):
    """n rows of s elements, with a w for each place in a row."""

    n: int
    s: int


class Columns(NamedTuple):
    """n rows of c elements, with a w for each place in a row, and a group for each too."""

    n: int
    c: int


Layout = Groups | Rows | Columns


@functools.lru_cache(1024)
def layout(
    shape: tuple[int, ...], axes: tuple[int, ...], given: tuple[int, ...] | None, centred: bool
) -> Layout | None:
    """How an array of `shape` is normalised over `axes`, with weights of shape `given`; None if no kernel does."""
    d, k = len(shape), min(axes, default=0)
    tail = math.prod(shape[d - len(axes) :])
    if 0 < k == d - len(axes) and (given is None or given == shape[k:]):
        return Rows(math.prod(shape[:k]), tail) if tail >= SHORTEST else None
    if axes == (2, 3) and d == 4 and given == (1, *shape[1:3], 1):
        g, inner, s = shape[1:]
        return Groups(shape[0] * g, inner, s, inner * s, s, inner, g * inner) if s >= SHORTEST else None
    if axes != (0, *range(2, d)) or given not in (None, (1, shape[1], *(1,) * (d - 2))):
        return None
    n, c, s = shape[0], shape[1], math.prod(shape[2:])
    if s == 1:
        return Columns(n, c) if centred else None
    return Groups(c, n, s, s, c * s, 0, c) if s >= SHORTEST else None


# ---------------------------------------------------------------------------------------------------------------------
# Groups.


@inlined
def _sum_of(row):
    total = 0.0
    for start in range(0, row.size, LONG):
        block, part = row[start : start + LONG], row.dtype.type(0)
        for j in range(block.size):
            part += block[j]
        total += part
    return total


@inlined
def _deviations_of(row, centre):
    """Σ (x - c) and Σ (x - c)²."""
    total, squares = 0.0, 0.0
    for start in range(0, row.size, LONG):
        block, part, square = row[start : start + LONG], row.dtype.type(0), row.dtype.type(0)
        for j in range(block.size):
            d = minus(block[j], centre)
            part += d
            square += d * d
        total += part
        squares += square
    return total, squares


@inlined
def _centre_of(x, start, step, count, s, centred):
    """The mean, or 0, and the mean square of the deviations from it (Chan, Golub and LeVeque, 1983).

    By the corrected two-pass algorithm: of the first pass's mean, the deviations tell how far it is off.  Runs are put
    together as in their (2.1).
    """
    total, mean, squares = 0.0, 0.0, 0.0
    for k in range(count):
        row = x[start + k * step : start + k * step + s]
        near = x.dtype.type(_sum_of(row) / s) if centred else x.dtype.type(0)
        rest, square = _deviations_of(row, near)
        squares += square
        if centred:
            rest = rest if abs(rest) < np.inf else 0.0  # of an infinite mean
            away = near + rest / s - mean
            squares += away * away * (k * s / (k + 1)) - rest * rest / s
            total += near * s + rest
            mean = total / ((k + 1) * s)
    return x.dtype.type(mean), (0.0 if squares < 0 else squares) / (count * s)  # of equal numbers, rounding is left


@apart
def _groups_piece(p, step, x, y, w, b, means, scales, sizes, eps, centred):
    inner, s, far, near, by, c = sizes
    for i in range(p * step, min((p + 1) * step, means.size)):
        mean, square = _centre_of(x, i * far, near, inner, s, centred)
        scale = x.dtype.type(1 / math.sqrt(square + eps))
        means[i], scales[i] = mean, scale
        for k in range(inner):
            at = (i * by + k) % c if by else i
            slope, shift, start = scale * w[at], b[at], i * far + k * near
            row, out = x[start : start + s], y[start : start + s]
            for j in range(s):
                out[j] = minus(row[j], mean) * slope + shift


@kernel
def _groups(team, helpers, pieces, step, x, y, w, b, means, scales, sizes, eps, centred):
    arguments = (step, x, y, w, b, means, scales, sizes, eps, centred)
    each(team, helpers, pieces, entry(_groups_piece, arguments), kept(arguments))


@apart
def _groups_pull_piece(p, step, g, x, w, means, scales, out, by_bias, by_weight, sizes, centred):
    T, (inner, s, far, near, by, c) = x.dtype.type, sizes
    for i in range(p * step, min((p + 1) * step, means.size)):
        mean, scale, total, weighted = means[i], scales[i], 0.0, 0.0
        for k in range(inner):
            at = (i * by + k) % c if by else i
            start, part, product = i * far + k * near, T(0), T(0)
            gs, xs = g[start : start + s], x[start : start + s]
            for j in range(s):
                part += gs[j]
                product += gs[j] * minus(xs[j], mean)
            total += w[at] * part
            weighted += w[at] * product
            by_bias[i, k], by_weight[i, k] = part, product * scale
        n = inner * s
        shift = T(scale * total / n) if centred else T(0)
        slope = T(scale * scale * scale * weighted / n)
        for k in range(inner):
            start, rise = i * far + k * near, scale * w[(i * by + k) % c if by else i]
            gs, xs, to = g[start : start + s], x[start : start + s], out[start : start + s]
            for j in range(s):
                to[j] = rise * gs[j] - slope * minus(xs[j], mean) - shift


@kernel
def _groups_pull(team, helpers, pieces, step, g, x, w, means, scales, out, by_bias, by_weight, sizes, centred):
    arguments = (step, g, x, w, means, scales, out, by_bias, by_weight, sizes, centred)
    each(team, helpers, pieces, entry(_groups_pull_piece, arguments), kept(arguments))


# ---------------------------------------------------------------------------------------------------------------------
# Rows.


@apart
def _rows_piece(p, step, x, y, w, b, means, scales, eps, centred):
    s = w.size
    for i in range(p * step, min((p + 1) * step, means.size)):
        mean, square = _centre_of(x, i * s, 0, 1, s, centred)
        scale = x.dtype.type(1 / math.sqrt(square + eps))
        means[i], scales[i] = mean, scale
        row, out = x[i * s : (i + 1) * s], y[i * s : (i + 1) * s]
        for j in range(s):
            out[j] = minus(row[j], mean) * scale * w[j] + b[j]


@kernel
def _rows(team, helpers, pieces, step, x, y, w, b, means, scales, eps, centred):
    arguments = (step, x, y, w, b, means, scales, eps, centred)
    each(team, helpers, pieces, entry(_rows_piece, arguments), kept(arguments))


@apart
def _rows_pull_piece(p, step, g, x, w, means, scales, out, parts, centred):
    """Each piece of `step` rows has sums for b and w of its own, so that threads need not share one."""
    T, s, by_bias, by_weight = x.dtype.type, w.size, parts[0, p], parts[1, p]
    by_bias[:] = T(0)
    by_weight[:] = T(0)
    for i in range(p * step, min((p + 1) * step, means.size)):
        gs, xs, to = g[i * s : (i + 1) * s], x[i * s : (i + 1) * s], out[i * s : (i + 1) * s]
        mean, scale, total, weighted = means[i], scales[i], T(0), T(0)
        for j in range(s):
            part = gs[j] * w[j]
            total += part
            weighted += part * minus(xs[j], mean)
        shift = T(scale * total / s) if centred else T(0)
        slope = T(scale * scale * scale * weighted / s)
        for j in range(s):
            d = minus(xs[j], mean)
            to[j] = scale * w[j] * gs[j] - slope * d - shift
            by_bias[j] += gs[j]
            by_weight[j] += gs[j] * (d * scale)


@kernel
def _rows_pull(team, helpers, pieces, step, g, x, w, means, scales, out, parts, by_bias, by_weight, centred):
    arguments = (step, g, x, w, means, scales, out, parts, centred)
    each(team, helpers, pieces, entry(_rows_pull_piece, arguments), kept(arguments))
    by_bias[:], by_weight[:] = parts[0, 0], parts[1, 0]
    for p in range(1, pieces):
        for j in range(w.size):
            by_bias[j] += parts[0, p, j]
            by_weight[j] += parts[1, p, j]


# ---------------------------------------------------------------------------------------------------------------------
# Columns.


@apart
def _columns_sums(p, step, x, parts):
    """Of each column Σ x; four rows at a time, for the sums of so many columns do not lie in registers."""
    T, n, c, total = x.dtype.type, min((p + 1) * step, len(x)), x.shape[1], parts[0, p]
    part = np.empty(c, x.dtype)
    total[:] = 0
    for block in range(p * step, n, BLOCK):
        part[:] = T(0)
        stop = min(block + BLOCK, n)
        for i in range(block, stop - 3, 4):
            for j in range(c):
                part[j] += (x[i, j] + x[i + 1, j]) + (x[i + 2, j] + x[i + 3, j])
        for i in range(stop - (stop - block) % 4, stop):
            for j in range(c):
                part[j] += x[i, j]
        for j in range(c):
            total[j] += part[j]


@apart
def _columns_deviations(p, step, g, x, means, parts, given):
    """Of each column Σ d and Σ d², d = x - μ, or, if g is `given`, Σ g and Σ g d."""
    T, n, c, total, weighted = x.dtype.type, min((p + 1) * step, len(x)), x.shape[1], parts[0, p], parts[1, p]
    part, product = np.empty(c, x.dtype), np.empty(c, x.dtype)
    total[:] = 0
    weighted[:] = 0
    for block in range(p * step, n, BLOCK):
        part[:] = T(0)
        product[:] = T(0)
        stop = min(block + BLOCK, n)
        for i in range(block, stop - 1, 2):
            for j in range(c):
                d, e = minus(x[i, j], means[j]), minus(x[i + 1, j], means[j])
                a, b = (g[i, j], g[i + 1, j]) if given else (d, e)
                part[j] += a + b
                product[j] += a * d + b * e
        for i in range(stop - (stop - block) % 2, stop):
            for j in range(c):
                d = minus(x[i, j], means[j])
                a = g[i, j] if given else d
                part[j] += a
                product[j] += a * d
        for j in range(c):
            total[j] += part[j]
            weighted[j] += product[j]


@apart
def _columns_scaled(p, step, x, y, means, slope, b):
    for i in range(p * step, min((p + 1) * step, len(x))):
        for j in range(slope.size):
            y[i, j] = minus(x[i, j], means[j]) * slope[j] + b[j]


@kernel
def _columns(team, helpers, pieces, step, x, y, w, b, means, scales, slope, parts, eps):
    """As `_centre_of` has it, over all columns at once; each piece has some rows, and sums of its own."""
    n, T = len(x), x.dtype.type
    summed, centred, scaled = (step, x, parts), (step, x, x, means, parts, False), (step, x, y, means, slope, b)
    each(team, helpers, pieces, entry(_columns_sums, summed), kept(summed))
    for j in range(slope.size):
        means[j] = parts[0, :, j].sum() / n
    each(team, helpers, pieces, entry(_columns_deviations, centred), kept(centred))
    for j in range(slope.size):
        rest, squares = parts[0, :, j].sum(), parts[1, :, j].sum()
        rest = rest if abs(rest) < np.inf else 0.0  # of an infinite mean
        means[j] += T(rest / n)
        scales[j] = 1 / math.sqrt(max(squares - rest * rest / n, 0.0) / n + eps)
        slope[j] = w[j] * scales[j]
    each(team, helpers, pieces, entry(_columns_scaled, scaled), kept(scaled))


@apart
def _columns_pulled(p, step, g, x, means, rise, slope, shift, out):
    for i in range(p * step, min((p + 1) * step, len(x))):
        for j in range(rise.size):
            out[i, j] = rise[j] * g[i, j] - slope[j] * minus(x[i, j], means[j]) - shift[j]


@kernel
def _columns_pull(team, helpers, pieces, step, g, x, w, means, scales, out, by_bias, by_weight, factors, parts):
    n, rise, slope, shift = len(x), factors[0], factors[1], factors[2]
    summed, pulled = (step, g, x, means, parts, True), (step, g, x, means, rise, slope, shift, out)
    each(team, helpers, pieces, entry(_columns_deviations, summed), kept(summed))
    for j in range(means.size):
        total, weighted, scale = parts[0, :, j].sum(), parts[1, :, j].sum(), scales[j]
        by_bias[j], by_weight[j], rise[j] = total, weighted * scale, w[j] * scale
        slope[j], shift[j] = rise[j] * scale * scale * weighted / n, rise[j] * total / n
    each(team, helpers, pieces, entry(_columns_pulled, pulled), kept(pulled))


# ---------------------------------------------------------------------------------------------------------------------
# All of them.


def _weights(x: np.ndarray, lies: Layout, *given: np.ndarray | None) -> list[np.ndarray]:
    """The weights and the shifts, each as one run; where there are none, ones and zeros."""
    size = lies.s if isinstance(lies, Rows) else lies.c
    return [np.full(size, 1 - i, x.dtype) if a is None else a.reshape(-1) for i, a in enumerate(given)]


def _over(kernel: Any, groups: int, size: int, *arguments: Any) -> None:
    step = max(1, SHARED // size, -(-groups // 16))
    share(-(-groups // step), kernel, step, *arguments)


def _step(lies: Rows) -> int:
    """Rows of a piece."""
    return max(1, SHARED // lies.s, -(-lies.n // 16))


def _sums(lies: Columns) -> tuple[int, int, np.ndarray]:
    """How many pieces of how many rows, and room for the two sums of each of their columns."""
    step = max(4, SHARED // lies.c, -(-lies.n // 8))
    pieces = -(-lies.n // step)
    return pieces, step, np.empty((2, pieces, lies.c))


def forward(x: np.ndarray, weight: np.ndarray | None, bias: np.ndarray | None, lies: Layout, eps: float,
            centred: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """(x - μ) r w + b, μ and r = 1 / √(σ² + eps); μ is 0 unless `centred`."""
    y, (w, b) = np.empty_like(x), _weights(x, lies, weight, bias)
    groups = lies.c if isinstance(lies, Columns) else lies[0]
    means, scales = np.empty(groups, x.dtype), np.empty(groups, x.dtype)
    if isinstance(lies, Columns):
        pieces, step, parts = _sums(lies)
        tables, slope = (x.reshape(lies), y.reshape(lies)), np.empty(groups, x.dtype)
        share(pieces, _columns, step, *tables, w, b, means, scales, slope, parts, float(eps))
    elif isinstance(lies, Rows):
        step = _step(lies)
        share(-(-lies.n // step), _rows, step, x.reshape(-1), y.reshape(-1), w, b, means, scales, float(eps), centred)
    else:
        _over(_groups, groups, lies.inner * lies.s, x.reshape(-1), y.reshape(-1), w, b, means, scales, lies[1:],
              float(eps), centred)  # fmt: skip
    return y, means, scales


def pull(g: np.ndarray, x: np.ndarray, weight: np.ndarray | None, means: np.ndarray, scales: np.ndarray, lies: Layout,
         centred: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """The cotangents of x, w and b, those of the last two without the dimensions of size 1."""
    out, (w,) = np.empty_like(x), _weights(x, lies, weight)
    means, scales = means.reshape(-1), scales.reshape(-1)
    if isinstance(lies, Columns):
        by_bias, by_weight = np.empty((2, lies.c), x.dtype)
        pieces, step, parts = _sums(lies)
        gs, xs, to, factors = g.reshape(lies), x.reshape(lies), out.reshape(lies), np.empty((3, lies.c), x.dtype)
        share(pieces, _columns_pull, step, gs, xs, w, means, scales, to, by_bias, by_weight, factors, parts)
        return out, by_weight, by_bias
    runs = g.reshape(-1), x.reshape(-1), w, means, scales, out.reshape(-1)
    if isinstance(lies, Rows):
        step = _step(lies)
        pieces, by_bias, by_weight = -(-lies.n // step), np.empty(lies.s, x.dtype), np.empty(lies.s, x.dtype)
        share(pieces, _rows_pull, step, *runs, np.empty((2, pieces, lies.s), x.dtype), by_bias, by_weight, centred)
        return out, by_weight, by_bias
    parts = np.empty((2, lies.outer, lies.inner), x.dtype)
    _over(_groups_pull, lies.outer, lies.inner * lies.s, *runs, *parts, lies[1:], centred)
    by_bias, by_weight = parts.reshape(2, -1, lies.c).sum(1) if lies.by else parts.sum(2)
    return out, by_weight, by_bias


# ---------------------------------------------------------------------------------------------------------------------
# With statistics that are given: y = x w + b, one w and b for each channel.


@apart
def _scale_piece(p, step, x, w, b, out, s):
    for i in range(p * step, min((p + 1) * step, x.size // s)):
        slope, shift, row, to = w[i % w.size], b[i % w.size], x[i * s : (i + 1) * s], out[i * s : (i + 1) * s]
        for j in range(s):
            to[j] = row[j] * slope + shift


@kernel
def _scale(team, helpers, pieces, step, x, w, b, out, s):
    arguments = (step, x, w, b, out, s)
    each(team, helpers, pieces, entry(_scale_piece, arguments), kept(arguments))


@apart
def _scale_pull_piece(p, step, g, x, w, out, by_bias, by_weight, s):
    for i in range(p * step, min((p + 1) * step, x.size // s)):
        slope, gs, xs, to = w[i % w.size], g[i * s : (i + 1) * s], x[i * s : (i + 1) * s], out[i * s : (i + 1) * s]
        part = product = x.dtype.type(0)
        for j in range(s):
            part += gs[j]
            product += gs[j] * xs[j]
        for j in range(s):
            to[j] = slope * gs[j]
        by_bias[i], by_weight[i] = part, product


@kernel
def _scale_pull(team, helpers, pieces, step, g, x, w, out, by_bias, by_weight, s):
    arguments = (step, g, x, w, out, by_bias, by_weight, s)
    each(team, helpers, pieces, entry(_scale_pull_piece, arguments), kept(arguments))


def run_length(shape: tuple[int, ...], given: tuple[int, ...]) -> int:
    """How many elements in a row share a channel of weights of shape `given`; 0 if no kernel takes them."""
    s = math.prod(shape[2:])
    return s if len(shape) > 2 and given == (1, shape[1], *(1,) * (len(shape) - 2)) and s >= SHORTEST else 0


def scale(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, s: int) -> np.ndarray:
    """x w + b."""
    out = np.empty_like(x)
    _over(_scale, x.size // s, s, x.reshape(-1), weight.reshape(-1), bias.reshape(-1), out.reshape(-1), s)
    return out


def scale_pull(g: np.ndarray, x: np.ndarray, weight: np.ndarray, s: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """g w, and for each channel Σ g x and Σ g."""
    out, parts = np.empty_like(x), np.empty((2, x.size // s), x.dtype)
    _over(_scale_pull, x.size // s, s, g.reshape(-1), x.reshape(-1), weight.reshape(-1), out.reshape(-1), *parts, s)
    by_bias, by_weight = parts.reshape(2, -1, weight.size).sum(1)
    return out, by_weight.reshape(weight.shape), by_bias.reshape(weight.shape)
