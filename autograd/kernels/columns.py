"""What is chosen or added up along a dimension that is not the last: down the columns of tables of n rows.

NumPy turns the table over first.  Here a piece is some columns of one table, and goes down its rows, in each of which
its columns stand together.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .apart import apart
from .door import inlined, kernel
from .pool import share
from .spin import each
from .vmath import minus, vexp, vlog, vmaximum
from .words import entry, kept

WIDTH = 512  # columns of a piece at most


@inlined
def _bounds(x, p, across):
    """Table, and the first column and that after the last, of piece p."""
    low = p % across * WIDTH
    return p // across, low, min(low + WIDTH, x.shape[2])


@apart
def _best_piece(p, across, x, least, values, places):
    """The extreme of each column and where it first stands; the first NaN, if there is one."""
    a, low, high = _bounds(x, p, across)
    best, where = x[a, 0, low:high].copy(), np.zeros(high - low, np.int32)
    for i in range(1, x.shape[1]):
        row, now = x[a, i, low:high], np.int32(i)
        for j in range(len(row)):
            v, have = row[j], best[j]
            better = (v < have if least else v > have) | ((v != v) & (have == have))
            best[j] = v if better else have
            where[j] = now if better else where[j]
    values[a, low:high] = best
    for j in range(high - low):
        places[a, low + j] = where[j]


@kernel
def _best(team, helpers, pieces, across, x, least, values, places):
    arguments = (across, x, least, values, places)
    each(team, helpers, pieces, entry(_best_piece, arguments), kept(arguments))


@inlined
def _largest(x, a, low, high):
    m = x[a, 0, low:high].copy()
    for i in range(1, x.shape[1]):
        row = x[a, i, low:high]
        for j in range(len(m)):
            m[j] = vmaximum(m[j], row[j])
    return m


@apart
def _softmax_piece(p, across, x, y):
    a, low, high = _bounds(x, p, across)
    m, total = _largest(x, a, low, high), np.zeros(high - low, x.dtype)
    for i in range(x.shape[1]):
        row, out = x[a, i, low:high], y[a, i, low:high]
        for j in range(len(m)):
            e = vexp(minus(row[j], m[j]))
            out[j] = e
            total[j] += e
    share = 1 / total
    for i in range(x.shape[1]):
        out = y[a, i, low:high]
        for j in range(len(m)):
            out[j] *= share[j]


@kernel
def _softmax(team, helpers, pieces, across, x, y):
    arguments = (across, x, y)
    each(team, helpers, pieces, entry(_softmax_piece, arguments), kept(arguments))


@apart
def _softmax_pull_piece(p, across, g, y, out):
    a, low, high = _bounds(g, p, across)
    total = np.zeros(high - low, g.dtype)
    for i in range(g.shape[1]):
        gs, ys = g[a, i, low:high], y[a, i, low:high]
        for j in range(len(total)):
            total[j] += gs[j] * ys[j]
    for i in range(g.shape[1]):
        gs, ys, to = g[a, i, low:high], y[a, i, low:high], out[a, i, low:high]
        for j in range(len(total)):
            to[j] = ys[j] * minus(gs[j], total[j])


@kernel
def _softmax_pull(team, helpers, pieces, across, g, y, out):
    arguments = (across, g, y, out)
    each(team, helpers, pieces, entry(_softmax_pull_piece, arguments), kept(arguments))


@apart
def _log_sum_exp_piece(p, across, x, out):
    a, low, high = _bounds(x, p, across)
    m, total = _largest(x, a, low, high), np.zeros(high - low, x.dtype)
    for j in range(len(m)):
        m[j] = m[j] if abs(m[j]) < np.inf else x.dtype.type(0)
    for i in range(x.shape[1]):
        row = x[a, i, low:high]
        for j in range(len(m)):
            total[j] += vexp(minus(row[j], m[j]))
    for j in range(len(m)):
        out[a, low + j] = vlog(total[j]) + m[j]


@kernel
def _log_sum_exp(team, helpers, pieces, across, x, out):
    arguments = (across, x, out)
    each(team, helpers, pieces, entry(_log_sum_exp_piece, arguments), kept(arguments))


def best(x: np.ndarray, least: bool) -> tuple[Any, Any]:
    """The smallest or largest over the second of three dimensions, and where it first stands."""
    n, _, width = x.shape
    values, places, across = np.empty((n, width), x.dtype), np.empty((n, width), np.int64), -(-width // WIDTH)
    share(n * across, _best, across, x, least, values, places)
    return values, places


def _over(kernel: Any, *tables: np.ndarray) -> np.ndarray:
    """What `kernel` makes of tables, in their shape."""
    out, across = np.empty_like(tables[0]), -(-tables[0].shape[2] // WIDTH)
    share(len(out) * across, kernel, across, *tables, out)
    return out


def softmax(x: np.ndarray) -> np.ndarray:
    """e^x / Σ e^x over the second of three dimensions."""
    return _over(_softmax, x)


def softmax_pull(g: np.ndarray, y: np.ndarray) -> np.ndarray:
    """y (g - Σ g y) over the second of three dimensions, y the softmax."""
    return _over(_softmax_pull, g, y)


def log_sum_exp(x: np.ndarray) -> np.ndarray:
    """ln Σ e^x over the second of three dimensions."""
    n, _, width = x.shape
    out, across = np.empty((n, width), x.dtype), -(-width // WIDTH)
    share(n * across, _log_sum_exp, across, x, out)
    return out
