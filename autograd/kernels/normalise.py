"""Mean 0 and variance 1, and the derivative, in two or three passes over what is normalised while it is in the cache.

The arrays have three dimensions (a, b, s), and the sums go over the first and the last: batch normalisation as it
stands, layer and group normalisation with one a.  Sums over s are of the array's type, in many lanes; those sums are
added up in float64.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .door import inlined, kernel
from .flat import in_pieces
from .vmath import minus

WORK = 131072  # elements of a piece at least
SHORTEST = 8  # elements of s, for which the loops are made


@kernel
def _standardise(x, y, means, scales, eps, first, last):
    zero, n = x.dtype.type(0), x.shape[0] * x.shape[2]
    for b in range(first, last):
        total = 0.0
        for a in range(x.shape[0]):
            row, part = x[a, b], zero
            for s in range(row.size):
                part += row[s]
            total += part
        means[b] = mean = x.dtype.type(total / n)
        total = 0.0
        for a in range(x.shape[0]):
            row, part = x[a, b], zero
            for s in range(row.size):
                d = minus(row[s], mean)
                part += d * d
            total += part
        scales[b] = scale = x.dtype.type(1 / math.sqrt(total / n + eps))
        for a in range(x.shape[0]):
            row, out = x[a, b], y[a, b]
            for s in range(row.size):
                out[s] = minus(row[s], mean) * scale


@inlined
def _sums(g, y, b):
    """Σ g and Σ g y."""
    total, weighted, zero = 0.0, 0.0, g.dtype.type(0)
    for a in range(g.shape[0]):
        gs, ys, part, product = g[a, b], y[a, b], zero, zero
        for s in range(gs.size):
            part += gs[s]
            product += gs[s] * ys[s]
        total += part
        weighted += product
    return total, weighted


@kernel
def _pull(g, y, scales, g_mean, g_scale, out, first, last):
    T, n = g.dtype.type, g.shape[0] * g.shape[2]
    for b in range(first, last):
        scale = scales[b]
        total, weighted = _sums(g, y, b)
        slope = T(scale * ((weighted + g_scale[b] * scale) / n))
        shift = T((scale * total - g_mean[b]) / n)
        for a in range(g.shape[0]):
            gs, ys, to = g[a, b], y[a, b], out[a, b]
            for s in range(gs.size):
                to[s] = scale * gs[s] - slope * ys[s] - shift


def table(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, int, int] | None:
    """`shape` as (a, b, s) with the sums over a and s; None if the axes do not lie so."""
    d, k = len(shape), min(axes, default=0)
    if axes == tuple(range(k, d)) and k:
        sizes = 1, math.prod(shape[:k]), math.prod(shape[k:])
    elif axes == (0, *range(2, d)):
        sizes = shape[0], shape[1], math.prod(shape[2:])
    else:
        return None
    return sizes if sizes[2] >= SHORTEST else None


def _over(kernel: Any, sizes: tuple[int, int, int], *arguments: Any) -> None:
    a, b, s = sizes
    in_pieces(b, lambda first, last: kernel(*arguments, first, last), max(1, WORK // (a * s)))


def standardise(x: np.ndarray, sizes: tuple[int, int, int], eps: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(x - μ) r, μ and r = 1 / √(σ² + eps)."""
    y, means, scales = np.empty_like(x), np.empty(sizes[1], x.dtype), np.empty(sizes[1], x.dtype)
    _over(_standardise, sizes, x.reshape(sizes), y.reshape(sizes), means, scales, float(eps))
    return y, means, scales


def pull(g: np.ndarray, y: np.ndarray, scales: np.ndarray, g_mean: np.ndarray, g_scale: np.ndarray,
         sizes: tuple[int, int, int]) -> np.ndarray:  # fmt: skip
    """r (g - Σ g / n - y (Σ g y + g_r r) / n) + g_μ / n."""
    out, small = np.empty_like(y), [np.ascontiguousarray(v).reshape(-1) for v in (scales, g_mean, g_scale)]
    _over(_pull, sizes, g.reshape(sizes), y.reshape(sizes), *small, out.reshape(sizes))
    return out


# ---------------------------------------------------------------------------------------------------------------------
# What follows normalisation: y w + b, with one w for each b of the table (a channel) or each s (a feature).


@kernel
def _scale_channels(y, weight, bias, out, first, last):
    for i in range(first, last):
        w, c = weight[i], bias[i]
        for a in range(y.shape[0]):
            row, to = y[a, i], out[a, i]
            for s in range(row.size):
                to[s] = row[s] * w + c


@kernel
def _scale_features(y, weight, bias, out, first, last):
    for i in range(first, last):
        row, to = y[0, i], out[0, i]
        for s in range(row.size):
            to[s] = row[s] * weight[s] + bias[s]


@kernel
def _channel_sums(g, y, weigh, out, first, last):
    for b in range(first, last):
        total = 0.0
        for a in range(g.shape[0]):
            gs, ys, part = g[a, b], y[a, b], g.dtype.type(0)
            if weigh:
                for s in range(gs.size):
                    part += gs[s] * ys[s]
            else:
                for s in range(gs.size):
                    part += gs[s]
            total += part
        out[b] = total


@kernel
def _feature_sums(g, y, weigh, parts, step, first, last):
    """Each piece of `step` rows has a sum of its own, so that threads need not share one."""
    for piece in range(first, last):
        to = parts[piece]
        for i in range(piece * step, min((piece + 1) * step, g.shape[1])):
            gs, ys = g[0, i], y[0, i]
            if weigh:
                for s in range(gs.size):
                    to[s] += gs[s] * ys[s]
            else:
                for s in range(gs.size):
                    to[s] += gs[s]


def shared(shape: tuple[int, ...], given: tuple[int, ...]) -> tuple[int, int, int] | None:
    """The table for numbers of shape `given`, one for each channel, (1, C, 1, ...), or feature, the last dimensions."""
    d = len(shape)
    if len(given) == d > 2 and given == tuple(n if i == 1 else 1 for i, n in enumerate(shape)):
        return table(shape, (0, *range(2, d)))
    return table(shape, tuple(range(d - len(given), d))) if shape[d - len(given) :] == given else None


def scale(y: np.ndarray, weight: np.ndarray, bias: np.ndarray, sizes: tuple[int, int, int]) -> np.ndarray:
    """y w + b."""
    out, by_channel = np.empty_like(y), weight.ndim == y.ndim > 2
    _over(_scale_channels if by_channel else _scale_features, sizes, y.reshape(sizes), weight.reshape(-1),
          bias.reshape(-1), out.reshape(sizes))  # fmt: skip
    return out


def gathered(g: np.ndarray, y: np.ndarray | None, given: tuple[int, ...], sizes: tuple[int, int, int]) -> np.ndarray:
    """Σ g y, or Σ g without y, over the elements that share a number of an array of shape `given`."""
    tables = g.reshape(sizes), (g if y is None else y).reshape(sizes), y is not None
    if len(given) == g.ndim > 2:
        out = np.empty(sizes[1], g.dtype)
        _over(_channel_sums, sizes, *tables, out)
        return out.reshape(given)
    step = max(1, WORK // sizes[2], -(-sizes[1] // 16))
    parts = np.zeros((-(-sizes[1] // step), sizes[2]), g.dtype)
    in_pieces(len(parts), lambda first, last: _feature_sums(*tables, parts, step, first, last), 1)
    return parts.sum(0).reshape(given)
