"""Softmax over the last dimension, its logarithm, the cross-entropy with classes, and their derivatives.

Every kernel takes some rows of a table and passes over each row two or three times while it is in the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .door import inlined, kernel
from .flat import in_pieces
from .vmath import minus, vexp, vlog, vmaximum

WORK = 131072  # elements of a piece at least


@inlined
def largest(x):
    """The maximum, NaN if there is one."""
    m = x[0]
    for j in range(x.size):
        m = vmaximum(m, x[j])
    return m


@inlined
def _sum_of_exp(x, m):
    total = x.dtype.type(0)
    for j in range(x.size):
        total += vexp(minus(x[j], m))
    return total


@kernel
def _softmax(x, y, first, last):
    for i in range(first, last):
        row, out = x[i], y[i]
        m, total = largest(row), x.dtype.type(0)
        for j in range(row.size):
            e = vexp(minus(row[j], m))
            out[j] = e
            total += e
        share = 1 / total
        for j in range(row.size):
            out[j] *= share


@kernel
def _log_softmax(x, y, first, last):
    peaks, logs = np.empty(last - first, x.dtype), np.empty(last - first, x.dtype)
    for i in range(last - first):
        peaks[i] = m = largest(x[first + i])
        logs[i] = _sum_of_exp(x[first + i], m)
    for i in range(last - first):  # together: one logarithm takes as long as a vector of them
        logs[i] = vlog(logs[i])
    for i in range(last - first):
        row, out, m, log = x[first + i], y[first + i], peaks[i], logs[i]
        for j in range(row.size):
            out[j] = minus(minus(row[j], m), log)


@kernel
def _softmax_pull(g, y, out, first, last):
    for i in range(first, last):
        gs, ys, to, total = g[i], y[i], out[i], g.dtype.type(0)
        for j in range(gs.size):
            total += gs[j] * ys[j]
        for j in range(gs.size):
            to[j] = ys[j] * minus(gs[j], total)


@kernel
def _log_softmax_pull(g, y, out, first, last):
    for i in range(first, last):
        gs, ys, to, total = g[i], y[i], out[i], g.dtype.type(0)
        for j in range(gs.size):
            total += gs[j]
        for j in range(gs.size):
            to[j] = gs[j] - vexp(ys[j]) * total


@kernel
def _log_sum_exp(x, out, s, first, last):
    """Of runs of `s` elements."""
    peaks = np.empty(last - first, x.dtype)
    for i in range(last - first):
        row = x[(first + i) * s : (first + i + 1) * s]
        m = largest(row)
        peaks[i] = m = m if abs(m) < np.inf else x.dtype.type(0)
        out[first + i] = _sum_of_exp(row, m)
    for i in range(last - first):
        out[first + i] = vlog(out[first + i]) + peaks[i]


@kernel
def _cross_entropy(x, classes, out, first, last):
    chosen = np.zeros(last - first, x.dtype)
    for i in range(last - first):
        row, c = x[first + i], classes[first + i]
        out[first + i] = 1
        if c >= 0:
            m = largest(row)
            chosen[i] = minus(row[c], m)
            out[first + i] = _sum_of_exp(row, m)
    for i in range(last - first):  # together: one logarithm takes as long as a vector of them
        out[first + i] = minus(vlog(out[first + i]), chosen[i])


@kernel
def _cross_entropy_pull(g, x, classes, out, first, last):
    for i in range(first, last):
        row, to, c = x[i], out[i], classes[i]
        if c < 0:
            to[:] = 0
            continue
        m, total = largest(row), x.dtype.type(0)
        for j in range(row.size):
            e = vexp(minus(row[j], m))
            to[j] = e
            total += e
        share = g[i] / total
        for j in range(row.size):
            to[j] *= share
        to[c] -= g[i]


def _rows(kernel: Callable[..., None], n: int, length: int, *arguments: Any) -> None:
    in_pieces(n, lambda first, last: kernel(*arguments, first, last), max(1, WORK // length))


def _over_rows(kernel: Callable[..., None], *arrays: np.ndarray) -> np.ndarray:
    """What `kernel` makes of rows of the arrays' last dimension, in their shape."""
    length = arrays[0].shape[-1]
    out = np.empty_like(arrays[0])
    tables = [a.reshape(-1, length) for a in (*arrays, out)]
    _rows(kernel, len(tables[0]), length, *tables)
    return out


def softmax(x: np.ndarray) -> np.ndarray:
    """e^(x - max x) / Σ e^(x - max x)."""
    return _over_rows(_softmax, x)


def log_softmax(x: np.ndarray) -> np.ndarray:
    """(x - max x) - ln Σ e^(x - max x)."""
    return _over_rows(_log_softmax, x)


def softmax_pull(g: np.ndarray, y: np.ndarray) -> np.ndarray:
    """y (g - Σ g y), y the softmax."""
    return _over_rows(_softmax_pull, g, y)


def log_softmax_pull(g: np.ndarray, y: np.ndarray) -> np.ndarray:
    """g - e^y Σ g, y the logarithm of the softmax."""
    return _over_rows(_log_softmax_pull, g, y)


def log_sum_exp(x: np.ndarray, rows: int) -> np.ndarray:
    """ln Σ e^x for each row; of a single one, for each of its pieces."""
    s = x.size // rows if rows > 1 else max(WORK, -(-x.size // 16))
    out = np.empty(-(-x.size // s), x.dtype)
    _rows(_log_sum_exp, len(out), s, x.reshape(-1), out, s)
    return out


def cross_entropy(x: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """ln Σ_c e^(x_c) - x_class for each row, 0 where the class is negative."""
    out = np.empty(len(x), x.dtype)
    _rows(_cross_entropy, *x.shape, x, np.ascontiguousarray(classes, np.int64), out)
    return out


def cross_entropy_pull(g: np.ndarray, x: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """g (softmax x - one-hot) for each row, 0 where the class is negative."""
    out = np.empty_like(x)
    _rows(_cross_entropy_pull, *x.shape, np.ascontiguousarray(g), x, np.ascontiguousarray(classes, np.int64), out)
    return out
