"""Sums, products, extremes and squares of long rows: in blocks that vectorise, whose results meet in float64.

Rows lie one after another.  A single one is cut into pieces whose results the caller joins, so that threads have
something to share.  A block's sum has as many lanes as the processor likes, each of few terms, so a sum is no less
exact than NumPy's pairwise one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .apart import apart
from .door import kernel
from .flat import in_pieces
from .pool import share
from .spin import each
from .vmath import minus, vmaximum, vminimum
from .words import entry, kept

WORK = 262144  # elements of a piece at least
BLOCK = 1024  # elements that are added up in the array's type


@apart
def _sums_piece(p, step, x, out, s):
    for i in range(p * step, min((p + 1) * step, out.size)):
        row, total = x[i * s : (i + 1) * s], 0.0
        for start in range(0, row.size, BLOCK):
            block, part = row[start : start + BLOCK], x.dtype.type(0)
            for j in range(block.size):
                part += block[j]
            total += part
        out[i] = total


@kernel
def _sums(team, helpers, pieces, step, x, out, s):
    arguments = (step, x, out, s)
    each(team, helpers, pieces, entry(_sums_piece, arguments), kept(arguments))


@kernel
def _squares(x, centres, out, s, first, last):
    """Σ (x - c)², with one c for each row, or one for all."""
    for i in range(first, last):
        row, total, c = x[i * s : (i + 1) * s], 0.0, centres[i % centres.size]
        for start in range(0, row.size, BLOCK):
            block, part = row[start : start + BLOCK], x.dtype.type(0)
            for j in range(block.size):
                d = minus(block[j], c)
                part += d * d
            total += part
        out[i] = total


@kernel
def _products(x, out, s, first, last):
    """In float64 throughout: partial products need room."""
    for i in range(first, last):
        row, total = x[i * s : (i + 1) * s], 1.0
        for j in range(row.size):
            total *= row[j]
        out[i] = total


@kernel
def _extremes(x, least, out, s, first, last):
    """Four at a time, for each comparison waits for the one before."""
    for i in range(first, last):
        row = x[i * s : (i + 1) * s]
        n = row.size // 4
        r0, r1, r2, r3 = row[:n], row[n : 2 * n], row[2 * n : 3 * n], row[3 * n : 4 * n]
        m0 = m1 = m2 = m3 = row[row.size - 1]
        if least:
            for j in range(n):
                m0, m1, m2, m3 = vminimum(m0, r0[j]), vminimum(m1, r1[j]), vminimum(m2, r2[j]), vminimum(m3, r3[j])
            for j in range(4 * n, row.size):
                m0 = vminimum(m0, row[j])
            out[i] = vminimum(vminimum(m0, m1), vminimum(m2, m3))
        else:
            for j in range(n):
                m0, m1, m2, m3 = vmaximum(m0, r0[j]), vmaximum(m1, r1[j]), vmaximum(m2, r2[j]), vmaximum(m3, r3[j])
            for j in range(4 * n, row.size):
                m0 = vmaximum(m0, row[j])
            out[i] = vmaximum(vmaximum(m0, m1), vmaximum(m2, m3))


@kernel
def _column_sums(x, out, first, last):
    """Σ over the second of three dimensions."""
    n, s = x.shape[1], x.shape[2]
    part, total = np.empty(s, x.dtype), np.empty(s)
    for a in range(first, last):
        for j in range(s):
            total[j] = 0
        for block in range(0, n, 256):
            for j in range(s):
                part[j] = 0
            for i in range(block, min(block + 256, n)):
                row = x[a, i]
                for j in range(s):
                    part[j] += row[j]
            for j in range(s):
                total[j] += part[j]
        for j in range(s):
            out[a, j] = total[j]


def _length(x: np.ndarray, rows: int) -> int:
    """Elements of a row; of a single one, of one of its pieces."""
    return x.size // rows if rows > 1 else max(WORK, -(-x.size // 16 // BLOCK) * BLOCK)


def _over_rows(kernel: Any, x: np.ndarray, rows: int, kind: Any, *given: Any) -> np.ndarray:
    """A number for each row; of a single one, for each of its pieces."""
    s = _length(x, rows)
    out = np.empty(-(-x.size // s), kind)
    in_pieces(out.size, lambda first, last: kernel(x.reshape(-1), *given, out, s, first, last), max(1, WORK // s))
    return out


def sums(x: np.ndarray, rows: int) -> np.ndarray:
    """Σ x for each row, in float64."""
    s = _length(x, rows)
    parts = np.empty(-(-x.size // s))
    step = max(1, WORK // 4 // s, -(-parts.size // 16))
    share(-(-parts.size // step), _sums, step, x.reshape(-1), parts, s)
    return parts if rows > 1 else parts.sum(keepdims=True)


def squares(x: np.ndarray, centres: np.ndarray, rows: int) -> np.ndarray:
    """Σ (x - c)² for each row, in float64; `centres` has one number for each."""
    parts = _over_rows(_squares, x, rows, np.float64, centres)
    return parts if rows > 1 else parts.sum(keepdims=True)


def products(x: np.ndarray, rows: int) -> np.ndarray:
    """Π x for each row, in float64."""
    parts = _over_rows(_products, x, rows, np.float64)
    return parts if rows > 1 else parts.prod(keepdims=True)


def extremes(x: np.ndarray, rows: int, least: bool) -> np.ndarray:
    """The largest or smallest of each row, NaN if there is one."""
    parts = _over_rows(_extremes, x, rows, x.dtype, least)
    return parts if rows > 1 else (parts.min(keepdims=True) if least else parts.max(keepdims=True))


def column_sums(x: np.ndarray) -> np.ndarray:
    """Σ over the second of three dimensions."""
    out = np.empty((x.shape[0], x.shape[2]), x.dtype)
    in_pieces(len(x), lambda first, last: _column_sums(x, out, first, last), max(1, WORK // x[0].size))
    return out
