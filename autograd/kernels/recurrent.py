"""Recurrent sequences: all steps of some rows of the batch in one go, each a product by the tile and its gates.

Rows of a batch do not meet before the weights' gradient, so threads take some rows each through the whole sequence and
never wait for one another.  The weights are packed once into panels as wide as a tile, which then lie in the cache.
What is computed is in ops/lstm.py, gru.py and rnn.py: `starts` and `sizes` are the first row and the number of rows of
each step, in the order in which the steps are taken, and `apart` the distance between two rows of a step.  On the way
back each row leaves what the gradients of the weights need of it: the state before it, for one product over all steps,
and its part of the biases' sum, in `sums`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .door import ROWS, inlined, kernel
from .gemm import DEPTH, panels
from .pool import run
from .tile import tile
from .vmath import vsigmoid, vtanh


@inlined
def _product(a, a0, a_row, packed, c, c0, c_row, n, columns, add):
    """C = A B, or with `add` C += A B, for `n` rows of A and B in panels."""
    many, k, width = packed.shape
    for p in range(many):
        for first in range(0, k, DEPTH):
            for i in range(0, n, ROWS):
                tile(a, a0 + i * a_row + first, a_row, 1, packed, (p * k + first) * width, width,
                     c, c0 + i * c_row + p * width, c_row, min(DEPTH, k - first), min(ROWS, n - i),
                     min(width, columns - p * width), add + first)  # fmt: skip


@inlined
def _taken(table, index, into, at, apart, n):
    """Into `n` rows, `apart` from one another, those of a table, if there is an index."""
    if len(index):
        for row in range(at, at + n * apart, apart):
            source, here = table[index[row]], into[row]
            for j in range(len(here)):
                here[j] = source[j]


@inlined
def _previous(y, first, starts, sizes, apart, s, k):
    """The state before step `s` of row `k` of the batch: that of the step before, or the first where it had none."""
    if s > 0 and k < sizes[s - 1]:
        return y[starts[s - 1] + k * apart]
    return first[k]


@inlined
def _left(old, before, term, total):
    """What the gradients of the weights need of a row: the state before it, and its part of the biases' sum."""
    for j in range(len(old)):
        before[j] = old[j]
    for j in range(len(term)):
        total[j] += term[j]


@kernel
def _lstm(gates, table, index, h, c, packed, y, memories, starts, sizes, apart, low, high):
    size = h.shape[1]
    for s in range(len(starts)):
        n, at = min(high, sizes[s]) - low, starts[s] + low * apart
        _taken(table, index, gates, at, apart, n)
        _product(h, low * size, size, packed, gates, at * 4 * size, apart * 4 * size, n, 4 * size, 1)
        for k in range(n):
            row = at + k * apart
            w, memory, out, state = gates[row], c[low + k], y[row], h[low + k]
            i, f, g, o = w[:size], w[size : 2 * size], w[2 * size : 3 * size], w[3 * size :]
            t, before = memories[row, :size], memories[row, size:]
            for j in range(2 * size):
                w[j] = vsigmoid(w[j])
            for j in range(size):
                g[j] = vtanh(g[j])
            for j in range(size):
                o[j] = vsigmoid(o[j])
            for j in range(size):
                before[j] = memory[j]
                memory[j] = f[j] * memory[j] + i[j] * g[j]
            for j in range(size):
                t[j] = vtanh(memory[j])
            for j in range(size):
                out[j] = state[j] = o[j] * t[j]


@kernel
def _lstm_back(gy, dh, dc, packed, gates, memories, y, first, d_gates, before, sums, starts, sizes, apart, low,
               high):  # fmt: skip
    size = dh.shape[1]
    one = dh.dtype.type(1)  # of the elements' type, or the sum is of float64
    for s in range(len(starts) - 1, -1, -1):
        n, at = min(high, sizes[s]) - low, starts[s] + low * apart
        for k in range(n):
            row = at + k * apart
            w, e, g0, d, m = gates[row], d_gates[row], gy[row], dh[low + k], dc[low + k]
            i, f, g, o = w[:size], w[size : 2 * size], w[2 * size : 3 * size], w[3 * size :]
            t, memory = memories[row, :size], memories[row, size:]
            di, df, dg, do = e[:size], e[size : 2 * size], e[2 * size : 3 * size], e[3 * size :]
            for j in range(size):
                whole = d[j] + g0[j]
                do[j] = whole * t[j] * (o[j] * (one - o[j]))
                m[j] += whole * o[j] * (one - t[j] * t[j])
            for j in range(size):
                di[j] = m[j] * g[j] * (i[j] * (one - i[j]))
                dg[j] = m[j] * i[j] * (one - g[j] * g[j])
            for j in range(size):
                df[j] = m[j] * memory[j] * (f[j] * (one - f[j]))
                m[j] *= f[j]
            _left(_previous(y, first, starts, sizes, apart, s, low + k), before[row], e, sums)
        _product(d_gates, at * 4 * size, apart * 4 * size, packed, dh, low * size, size, n, size, 0)


@kernel
def _gru(gates, table, index, h, packed, packed_n, bias, y, products, starts, sizes, apart, low, high):
    size = h.shape[1]
    early, late = bias[: 2 * size], bias[2 * size :]
    for s in range(len(starts)):
        n, at = min(high, sizes[s]) - low, starts[s] + low * apart
        _taken(table, index, gates, at, apart, n)
        _product(h, low * size, size, packed, gates, at * 3 * size, apart * 3 * size, n, 2 * size, 1)
        _product(h, low * size, size, packed_n, products, at * size, apart * size, n, size, 0)
        for k in range(n):
            row = at + k * apart
            w, u, out, state = gates[row], products[row], y[row], h[low + k]
            r, z, new = w[:size], w[size : 2 * size], w[2 * size :]
            for j in range(2 * size):
                w[j] = vsigmoid(w[j] + early[j])
            for j in range(size):
                u[j] += late[j]
                new[j] = vtanh(new[j] + r[j] * u[j])
            for j in range(size):
                out[j] = state[j] = new[j] + z[j] * (state[j] - new[j])


@kernel
def _gru_back(gy, dh, packed, gates, products, y, first, dv, du, before, sums, starts, sizes, apart, low, high):
    size = dh.shape[1]
    one = dh.dtype.type(1)
    for s in range(len(starts) - 1, -1, -1):
        n, at = min(high, sizes[s]) - low, starts[s] + low * apart
        for k in range(n):
            row = at + k * apart
            w, u, g0, d = gates[row], products[row], gy[row], dh[low + k]
            old = _previous(y, first, starts, sizes, apart, s, low + k)
            r, z, new = w[:size], w[size : 2 * size], w[2 * size :]
            er, ez, en = dv[row, :size], dv[row, size : 2 * size], dv[row, 2 * size :]
            vr, vz, vn = du[row, :size], du[row, size : 2 * size], du[row, 2 * size :]
            for j in range(size):
                d[j] += g0[j]
                ez[j] = vz[j] = d[j] * (old[j] - new[j]) * (z[j] * (one - z[j]))
            for j in range(size):
                en[j] = d[j] * (one - z[j]) * (one - new[j] * new[j])
                d[j] *= z[j]
            for j in range(size):
                er[j] = vr[j] = en[j] * u[j] * (r[j] * (one - r[j]))
                vn[j] = en[j] * r[j]
            _left(old, before[row], dv[row], sums)
            for j in range(size):
                sums[3 * size + j] += vn[j]
        _product(du, at * 3 * size, apart * 3 * size, packed, dh, low * size, size, n, size, 1)


@kernel
def _rnn(y, table, index, h, packed, starts, sizes, apart, low, high, relu):
    size = h.shape[1]
    zero = h.dtype.type(0)
    for s in range(len(starts)):
        n, at = min(high, sizes[s]) - low, starts[s] + low * apart
        _taken(table, index, y, at, apart, n)
        _product(h, low * size, size, packed, y, at * size, apart * size, n, size, 1)
        for k in range(n):
            out, state = y[at + k * apart], h[low + k]
            if relu:
                for j in range(size):
                    out[j] = state[j] = zero if out[j] < zero else out[j]
            else:
                for j in range(size):
                    out[j] = state[j] = vtanh(out[j])


@kernel
def _rnn_back(gy, dh, packed, y, first, found, before, sums, starts, sizes, apart, low, high, relu):
    size = dh.shape[1]
    one, zero = dh.dtype.type(1), dh.dtype.type(0)
    for s in range(len(starts) - 1, -1, -1):
        n, at = min(high, sizes[s]) - low, starts[s] + low * apart
        for k in range(n):
            row = at + k * apart
            g0, out, e, d = gy[row], y[row], found[row], dh[low + k]
            for j in range(size):
                slope = (one if out[j] > zero else zero) if relu else one - out[j] * out[j]
                e[j] = (d[j] + g0[j]) * slope
            _left(_previous(y, first, starts, sizes, apart, s, low + k), before[row], e, sums)
        _product(found, at * size, apart * size, packed, dh, low * size, size, n, size, 0)


# ----------------------------------------------------------------------------------------------------------------------


def _by_rows(batch: int, rows: list[slice], work: Callable[..., Any]) -> None:
    """``work(starts, sizes, apart, low, high)`` for the rows of each piece."""
    apart = (rows[0].step or 1) if rows else 1
    ends = np.array([[r.start, max(r.start, r.stop)] for r in rows], np.int64).reshape(-1, 2).T
    starts, sizes = ends[0].copy(), -((ends[0] - ends[1]) // apart)
    some = _some(batch)
    run(-(-batch // some), lambda i: work(starts, sizes, apart, i * some, min((i + 1) * some, batch)))


def _some(batch: int) -> int:
    """Rows of a piece: two tiles of them, or one of a few."""
    return ROWS if batch <= 2 * ROWS else 2 * ROWS


class _Back:
    """What the way back leaves for the gradients of the weights: the state before each row, and sums of rows."""

    def __init__(self, y: np.ndarray, batch: int, width: int) -> None:
        self.some, self.before = _some(batch), np.empty_like(y)
        self.sums = np.zeros((-(-batch // self.some), width), y.dtype)  # of each piece, so that threads change no bit

    def of(self, low: int) -> tuple[np.ndarray, np.ndarray]:
        return self.before, self.sums[low // self.some]


def _room(projected: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where W x_t + b is and what comes of it will be; and, if that is yet to be taken of a table, this and the
    index."""
    if not isinstance(projected, tuple):
        return projected, projected[:0], np.empty(0, np.int64)
    table, index = projected
    return np.empty((len(index), table.shape[1]), table.dtype), table, index


def lstm(projected: Any, h0: Any, c0: Any, weight: Any, rows: list[slice]) -> Any:
    """(gates, y, h, c, memories) of `lstm_sequence`, for W x_t + b, or ``(table, index)`` of it, which is kept."""
    (gates, table, index), h, c = _room(projected), np.array(h0, order="C"), np.array(c0, order="C")
    y, memories = (np.empty((len(gates), n * h.shape[1]), h.dtype) for n in (1, 2))
    packed = panels(weight.T)
    _by_rows(len(h), rows, lambda *part: _lstm(gates, table, index, h, c, packed, y, memories, *part))
    return gates, y, h, c, memories


def lstm_back(gy: Any, dh: Any, dc: Any, weight: Any, gates: Any, memories: Any, y: Any, h0: Any,
              rows: list[slice]) -> Any:  # fmt: skip
    """The cotangent of the gates' inputs, the states before, and the sum of the first; `dh` and `dc` are taken back."""
    packed, found, left = panels(weight), np.empty_like(gates), _Back(y, len(dh), gates.shape[1])
    gy, first = np.ascontiguousarray(gy), np.ascontiguousarray(h0)
    _by_rows(len(dh), rows, lambda *part: _lstm_back(gy, dh, dc, packed, gates, memories, y, first, found,
                                                     *left.of(part[-2]), *part))  # fmt: skip
    return found, left.before, left.sums.sum(0)


def gru(projected: Any, h0: Any, weight: Any, bias: Any, rows: list[slice]) -> Any:
    """(gates, y, h, products) of `gru_sequence`, for W x_t + b, or ``(table, index)`` of it, which is kept."""
    (gates, table, index), h, late = _room(projected), np.array(h0, order="C"), 2 * h0.shape[1]
    y, products = (np.empty((len(gates), h.shape[1]), h.dtype) for _ in range(2))
    bias = np.zeros(len(weight), weight.dtype) if bias is None else np.ascontiguousarray(bias)
    early, packed = panels(weight[:late].T), panels(weight[late:].T)
    _by_rows(len(h), rows, lambda *part: _gru(gates, table, index, h, early, packed, bias, y, products, *part))
    return gates, y, h, products


def gru_back(gy: Any, dh: Any, weight: Any, gates: Any, products: Any, y: Any, h0: Any, rows: list[slice]) -> Any:
    """The cotangents of W x_t + b and of the products, the states before, and the sums of the first two; `dh` is taken
    back."""
    width, late = gates.shape[1], 2 * dh.shape[1]
    packed, dv, du = panels(weight), np.empty_like(gates), np.empty_like(gates)
    left, gy, first = _Back(y, len(dh), 2 * width - late), np.ascontiguousarray(gy), np.ascontiguousarray(h0)
    _by_rows(len(dh), rows, lambda *part: _gru_back(gy, dh, packed, gates, products, y, first, dv, du,
                                                    *left.of(part[-2]), *part))  # fmt: skip
    total = left.sums.sum(0)
    return dv, du, left.before, total[:width].copy(), np.concatenate((total[:late], total[width:]))


def rnn(projected: Any, h0: Any, weight: Any, rows: list[slice], relu: bool) -> Any:
    """(y, h) of `rnn_sequence`, for W x_t + b, or ``(table, index)`` of it, which is kept."""
    (y, table, index), h, packed = _room(projected), np.array(h0, order="C"), panels(weight.T)
    _by_rows(len(h), rows, lambda *part: _rnn(y, table, index, h, packed, *part, relu))
    return y, h


def rnn_back(gy: Any, dh: Any, weight: Any, y: Any, h0: Any, rows: list[slice], relu: bool) -> Any:
    """The cotangent of what enters tanh, the states before, and the sum of the former; `dh` is taken back."""
    packed, found, left = panels(weight), np.empty_like(y), _Back(y, len(dh), y.shape[1])
    gy, first = np.ascontiguousarray(gy), np.ascontiguousarray(h0)
    _by_rows(len(dh), rows, lambda *part: _rnn_back(gy, dh, packed, y, first, found, *left.of(part[-2]), *part, relu))
    return found, left.before, left.sums.sum(0)
