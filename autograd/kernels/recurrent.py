"""Recurrent sequences: all steps of some rows of the batch in one go, each a product by the tile and its gates.

Rows of a batch do not meet before the weights' gradient, so threads take some rows each through the whole sequence and
never wait for one another.  The weights are packed once into panels as wide as a tile, which then lie in the cache.
What is computed is in ops/recurrent.py: `starts` and `sizes` are the first row and the number of rows of each step, in
the order in which the steps are taken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .door import ROWS, inlined, kernel
from .pool import run
from .tile import columns_of, tile
from .vmath import vsigmoid, vtanh

DEPTH = 256  # rows of a panel that are used up together: 32 kB


def panels(matrix: np.ndarray) -> np.ndarray:
    """`matrix` (k, n) in panels (n / width, k, width), the last filled with zeros."""
    k, n = matrix.shape
    width = columns_of(matrix.dtype)
    many = -(-n // width)
    packed = np.empty((many, k, width), matrix.dtype)
    whole = n // width
    packed[:whole] = matrix[:, : whole * width].reshape(k, whole, width).swapaxes(0, 1)
    if whole < many:
        packed[whole, :, : n - whole * width] = matrix[:, whole * width :]
        packed[whole, :, n - whole * width :] = 0
    return packed


@inlined
def _product(a, a0, a_row, packed, c, c0, c_row, n, columns):
    """C = A B for `n` rows of A and B in panels."""
    many, k, width = packed.shape
    for p in range(many):
        for first in range(0, k, DEPTH):
            for i in range(0, n, ROWS):
                tile(a, a0 + i * a_row + first, a_row, 1, packed, (p * k + first) * width, width,
                     c, c0 + i * c_row + p * width, c_row, min(DEPTH, k - first), min(ROWS, n - i),
                     min(width, columns - p * width), first)  # fmt: skip


@kernel
def _lstm(x, h, c, packed, y, work, starts, sizes, low, high):
    size = h.shape[1]
    for s in range(len(starts)):
        n, at = min(high, sizes[s]) - low, starts[s] + low
        _product(h, low * size, size, packed, work, at * 6 * size, 6 * size, n, 4 * size)
        for k in range(n):
            u, w, memory = x[at + k], work[at + k], c[low + k]
            for j in range(2 * size):
                w[j] = vsigmoid(w[j] + u[j])
            for j in range(2 * size, 3 * size):
                w[j] = vtanh(w[j] + u[j])
            for j in range(3 * size, 4 * size):
                w[j] = vsigmoid(w[j] + u[j])
            i, f, g, o = w[:size], w[size : 2 * size], w[2 * size : 3 * size], w[3 * size : 4 * size]
            t, before, out, state = w[4 * size : 5 * size], w[5 * size :], y[at + k], h[low + k]
            for j in range(size):
                old = memory[j]
                new = f[j] * old + i[j] * g[j]
                before[j] = old
                memory[j] = new
                t[j] = vtanh(new)
            for j in range(size):
                out[j] = o[j] * t[j]
                state[j] = o[j] * t[j]


@kernel
def _lstm_back(gy, dh, dc, packed, work, dx, starts, sizes, low, high):
    size = dh.shape[1]
    one = dh.dtype.type(1)  # of the elements' type, or the sum is of float64
    for s in range(len(starts) - 1, -1, -1):
        n, at = min(high, sizes[s]) - low, starts[s] + low
        for k in range(n):
            w, e, g0, d, m = work[at + k], dx[at + k], gy[at + k], dh[low + k], dc[low + k]
            i, f, g, o = w[:size], w[size : 2 * size], w[2 * size : 3 * size], w[3 * size : 4 * size]
            t, before = w[4 * size : 5 * size], w[5 * size :]
            di, df, dg, do = e[:size], e[size : 2 * size], e[2 * size : 3 * size], e[3 * size :]
            for j in range(size):
                total = d[j] + g0[j]
                do[j] = total * t[j] * (o[j] * (one - o[j]))
                m[j] += total * o[j] * (one - t[j] * t[j])
            for j in range(size):
                di[j] = m[j] * g[j] * (i[j] * (one - i[j]))
                dg[j] = m[j] * i[j] * (one - g[j] * g[j])
            for j in range(size):
                df[j] = m[j] * before[j] * (f[j] * (one - f[j]))
                m[j] *= f[j]
        _product(dx, at * 4 * size, 4 * size, packed, dh, low * size, size, n, size)


@kernel
def _gru(x, h, packed, bias, y, work, starts, sizes, low, high):
    size = h.shape[1]
    for s in range(len(starts)):
        n, at = min(high, sizes[s]) - low, starts[s] + low
        _product(h, low * size, size, packed, work, at * 4 * size, 4 * size, n, 3 * size)
        for k in range(n):
            v, w, out, state = x[at + k], work[at + k], y[at + k], h[low + k]
            r, z, u, new = w[:size], w[size : 2 * size], w[2 * size : 3 * size], w[3 * size :]
            for j in range(2 * size):
                w[j] = vsigmoid(w[j] + bias[j] + v[j])
            late, b = v[2 * size :], bias[2 * size :]
            for j in range(size):
                u[j] += b[j]
                new[j] = vtanh(late[j] + r[j] * u[j])
            for j in range(size):
                value = new[j] + z[j] * (state[j] - new[j])
                out[j] = value
                state[j] = value


@kernel
def _gru_back(gy, dh, packed, work, before, dx, du, starts, sizes, low, high):
    size = dh.shape[1]
    one = dh.dtype.type(1)  # of the elements' type, or the sum is of float64
    keep = np.empty((high - low, size), dh.dtype)
    for s in range(len(starts) - 1, -1, -1):
        n, at = min(high, sizes[s]) - low, starts[s] + low
        for k in range(n):
            w, e, v, g0, d, old = work[at + k], dx[at + k], du[at + k], gy[at + k], dh[low + k], before[at + k]
            r, z, u, new = w[:size], w[size : 2 * size], w[2 * size : 3 * size], w[3 * size :]
            er, ez, en = e[:size], e[size : 2 * size], e[2 * size :]
            vr, vz, vn, kept = v[:size], v[size : 2 * size], v[2 * size :], keep[k]
            for j in range(size):
                d[j] += g0[j]
                ez[j] = vz[j] = d[j] * (old[j] - new[j]) * (z[j] * (one - z[j]))
            for j in range(size):
                en[j] = d[j] * (one - z[j]) * (one - new[j] * new[j])
                kept[j] = d[j] * z[j]
            for j in range(size):
                er[j] = vr[j] = en[j] * u[j] * (r[j] * (one - r[j]))
                vn[j] = en[j] * r[j]
        _product(du, at * 3 * size, 3 * size, packed, dh, low * size, size, n, size)
        for k in range(n):
            for j in range(size):
                dh[low + k, j] += keep[k, j]


@kernel
def _rnn(x, h, packed, y, starts, sizes, low, high, relu):
    size = h.shape[1]
    zero = h.dtype.type(0)
    for s in range(len(starts)):
        n, at = min(high, sizes[s]) - low, starts[s] + low
        _product(h, low * size, size, packed, y, at * size, size, n, size)
        for k in range(n):
            u, out, state = x[at + k], y[at + k], h[low + k]
            if relu:
                for j in range(size):
                    value = out[j] + u[j]
                    out[j] = zero if value < zero else value
            else:
                for j in range(size):
                    out[j] = vtanh(out[j] + u[j])
            for j in range(size):
                state[j] = out[j]


@kernel
def _rnn_back(gy, dh, packed, y, dx, starts, sizes, low, high, relu):
    size = dh.shape[1]
    one, zero = dh.dtype.type(1), dh.dtype.type(0)
    for s in range(len(starts) - 1, -1, -1):
        n, at = min(high, sizes[s]) - low, starts[s] + low
        for k in range(n):
            g0, out, e, d = gy[at + k], y[at + k], dx[at + k], dh[low + k]
            for j in range(size):
                slope = (one if out[j] > 0 else zero) if relu else one - out[j] * out[j]
                e[j] = (d[j] + g0[j]) * slope
        _product(dx, at * size, size, packed, dh, low * size, size, n, size)


# ----------------------------------------------------------------------------------------------------------------------


def _by_rows(batch: int, rows: list[slice], work: Callable[[Any, Any, int, int], Any]) -> None:
    """``work(starts, sizes, low, high)`` for some rows of the batch at a time: two tiles of them, or one of a few."""
    some = ROWS if batch <= 2 * ROWS else 2 * ROWS
    starts, stops = np.array([[r.start, r.stop] for r in rows], np.int64).reshape(-1, 2).T.copy()
    sizes = stops - starts
    run(-(-batch // some), lambda i: work(starts, sizes, i * some, min((i + 1) * some, batch)))


def _c(x: Any) -> np.ndarray:
    return np.ascontiguousarray(x)


def lstm(x: Any, h0: Any, c0: Any, weight: Any, rows: list[slice]) -> Any:
    """(y, h, c, work) of `lstm_sequence`."""
    x, h, c = _c(x), np.array(h0, order="C"), np.array(c0, order="C")
    y, work = np.empty((len(x), h.shape[1]), x.dtype), np.empty((len(x), 6 * h.shape[1]), x.dtype)
    packed = panels(weight.T)
    _by_rows(len(h), rows, lambda *part: _lstm(x, h, c, packed, y, work, *part))
    return y, h, c, work


def lstm_back(gy: Any, dh: Any, dc: Any, weight: Any, work: Any, rows: list[slice]) -> Any:
    """The cotangent of x; `dh` and `dc` are taken back."""
    gy, packed = _c(gy), panels(weight)
    dx = np.empty((len(gy), len(weight)), gy.dtype)
    _by_rows(len(dh), rows, lambda *part: _lstm_back(gy, dh, dc, packed, work, dx, *part))
    return dx


def gru(x: Any, h0: Any, weight: Any, bias: Any, rows: list[slice]) -> Any:
    """(y, h, work) of `gru_sequence`."""
    x, h = _c(x), np.array(h0, order="C")
    y, work = np.empty((len(x), h.shape[1]), x.dtype), np.empty((len(x), 4 * h.shape[1]), x.dtype)
    packed, bias = panels(weight.T), np.zeros(len(weight), x.dtype) if bias is None else _c(bias)
    _by_rows(len(h), rows, lambda *part: _gru(x, h, packed, bias, y, work, *part))
    return y, h, work


def gru_back(gy: Any, dh: Any, weight: Any, work: Any, before: Any, rows: list[slice]) -> Any:
    """The cotangents of x and of the products; `dh` is taken back."""
    gy, packed = _c(gy), panels(weight)
    dx, du = (np.empty((len(gy), len(weight)), gy.dtype) for _ in range(2))
    _by_rows(len(dh), rows, lambda *part: _gru_back(gy, dh, packed, work, before, dx, du, *part))
    return dx, du


def rnn(x: Any, h0: Any, weight: Any, rows: list[slice], relu: bool) -> Any:
    """(y, h) of `rnn_sequence`."""
    x, h, packed = _c(x), np.array(h0, order="C"), panels(weight.T)
    y = np.empty(x.shape, x.dtype)
    _by_rows(len(h), rows, lambda *part: _rnn(x, h, packed, y, *part, relu))
    return y, h


def rnn_back(gy: Any, dh: Any, weight: Any, y: Any, rows: list[slice], relu: bool) -> Any:
    """The cotangent of x; `dh` is taken back."""
    gy, packed = _c(gy), panels(weight)
    dx = np.empty(y.shape, y.dtype)
    _by_rows(len(dh), rows, lambda *part: _rnn_back(gy, dh, packed, y, dx, *part, relu))
    return dx
