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
from .flat import in_pieces
from .pool import share
from .spin import each
from .vmath import minus
from .words import entry, kept

WORK, SHARED = 131072, 32768  # elements of a piece at least: of columns, and of rows or groups
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


@kernel
def _columns(x, y, w, b, means, scales, eps, first, last):
    n, zero, size = len(x), x.dtype.type(0), last - first
    total, part, mean, scale = np.zeros(size), np.zeros(size, x.dtype), means[first:last], scales[first:last]
    for which in range(2):
        for block in range(0, n, BLOCK):
            part[:] = zero
            for i in range(block, min(block + BLOCK, n)):
                row = x[i, first:last]
                if which == 0:
                    for j in range(size):
                        part[j] += row[j]
                else:
                    for j in range(size):
                        d = minus(row[j], mean[j])
                        part[j] += d * d
            for j in range(size):
                total[j] += part[j]
        for j in range(size):
            if which == 0:
                mean[j] = total[j] / n
                total[j] = 0
            else:
                scale[j] = 1 / math.sqrt(total[j] / n + eps)
    slope, shift = w[first:last] * scale, b[first:last]
    for i in range(n):
        row, out = x[i, first:last], y[i, first:last]
        for j in range(size):
            out[j] = minus(row[j], mean[j]) * slope[j] + shift[j]


@kernel
def _columns_pull(g, x, w, means, scales, out, by_bias, by_weight, first, last):
    n, size, T = len(x), last - first, x.dtype.type
    total, weighted = np.zeros(size), np.zeros(size)
    part, product, mean, scale = np.zeros(size, x.dtype), np.zeros(size, x.dtype), means[first:last], scales[first:last]
    for block in range(0, n, BLOCK):
        part[:] = T(0)
        product[:] = T(0)
        for i in range(block, min(block + BLOCK, n)):
            gs, xs = g[i, first:last], x[i, first:last]
            for j in range(size):
                part[j] += gs[j]
                product[j] += gs[j] * minus(xs[j], mean[j])
        for j in range(size):
            total[j] += part[j]
            weighted[j] += product[j]
    for j in range(size):
        by_bias[first + j], by_weight[first + j] = total[j], weighted[j] * scale[j]
        rise = w[first + j] * scale[j]
        part[j], product[j] = rise * total[j] / n, rise * scale[j] * scale[j] * weighted[j] / n
    rise = w[first:last] * scale
    for i in range(n):
        gs, xs, to = g[i, first:last], x[i, first:last], out[i, first:last]
        for j in range(size):
            to[j] = rise[j] * gs[j] - product[j] * minus(xs[j], mean[j]) - part[j]


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


def forward(x: np.ndarray, weight: np.ndarray | None, bias: np.ndarray | None, lies: Layout, eps: float,
            centred: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """(x - μ) r w + b, μ and r = 1 / √(σ² + eps); μ is 0 unless `centred`."""
    y, (w, b) = np.empty_like(x), _weights(x, lies, weight, bias)
    groups = lies.c if isinstance(lies, Columns) else lies[0]
    means, scales = np.empty(groups, x.dtype), np.empty(groups, x.dtype)
    if isinstance(lies, Columns):
        tables = x.reshape(lies), y.reshape(lies), w, b, means, scales
        in_pieces(groups, lambda i, j: _columns(*tables, float(eps), i, j), max(16, WORK // lies.n))
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
        tables = g.reshape(lies), x.reshape(lies), w, means, scales, out.reshape(lies), by_bias, by_weight
        in_pieces(lies.c, lambda i, j: _columns_pull(*tables, i, j), max(16, WORK // lies.n))
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
