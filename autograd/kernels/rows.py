"""Rows of a table, read and added at places that may occur several times: an embedding, and its gradient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .apart import apart
from .door import inlined, kernel
from .pool import share
from .spin import each
from .words import entry, kept

PIECE = 1 << 15  # elements that a piece reads or writes at least
PIECES = 16
NEAR = 1 << 16  # elements of the rows that a piece adds to, at most


@kernel
def inside(index, n):
    """Whether all indices are from -n to n - 1."""
    least, most = np.int64(0), np.int64(-1)
    for i in index:
        least, most = min(least, i), max(most, i)
    return -n <= least and most < n


@apart
def _read_piece(p, pieces, table, index, out):
    for i in range(p * len(index) // pieces, (p + 1) * len(index) // pieces):
        row = table[index[i] if index[i] >= 0 else index[i] + len(table)]
        into = out[i]
        for j in range(len(into)):
            into[j] = row[j]


@kernel
def _read(team, helpers, pieces, table, index, out):
    arguments = (pieces, table, index, out)
    each(team, helpers, pieces, entry(_read_piece, arguments), kept(arguments))


@inlined
def _row(index, i, n):
    return index[i] if index[i] >= 0 else index[i] + n


@apart
def _sort(index, n, bits, starts, order):
    """The places in `index` of each piece of 2^bits rows, in their order; those of piece p begin at starts[p]."""
    starts[:] = 0
    for i in range(len(index)):
        starts[(_row(index, i, n) >> bits) + 2] += 1
    for p in range(2, len(starts)):
        starts[p] += starts[p - 1]
    for i in range(len(index)):
        p = (_row(index, i, n) >> bits) + 1
        order[starts[p]] = i
        starts[p] += 1


@apart
def _add_piece(p, bits, rows, index, out, starts, order):
    low = p << bits
    out[low : low + (1 << bits), :] = 0
    for k in range(starts[p], starts[p + 1]):
        i = order[k]
        into, term = out[_row(index, i, len(out))], rows[i]
        for j in range(len(into)):
            into[j] += term[j]


@kernel
def _add(team, helpers, pieces, bits, rows, index, out, starts, order):
    _sort(index, len(out), bits, starts, order)
    arguments = (bits, rows, index, out, starts, order)
    each(team, helpers, pieces, entry(_add_piece, arguments), kept(arguments))


def _pieces(size: int, rows: int) -> int:
    return max(1, min(PIECES, rows, size // PIECE))


def rows_at(table: Any, index: np.ndarray) -> Any:
    """table[index], for places that `inside` has found good."""
    out = np.empty((*index.shape, *table.shape[1:]), table.dtype)
    width = math.prod(table.shape[1:])
    rows = table.reshape(-1, width), index.reshape(-1), out.reshape(-1, width)
    share(_pieces(out.size, index.size), _read, *rows)
    return out


def added_rows(input: Any, shape: tuple[int, ...], index: np.ndarray) -> np.ndarray:
    """Zeros of `shape` with the rows of `input` added at `index`.

    Each piece is some rows of the result, which stay in a core's cache, and is told which go there: none waits for
    another, and every sum has the order of its rows.
    """
    out, width = np.empty(shape, input.dtype), math.prod(shape[1:])
    rows, n = np.ascontiguousarray(input).reshape(-1, width), len(out)
    most = min(NEAR, out.size // _pieces(out.size + rows.size, n))
    bits = max(1, most // max(1, width)).bit_length() - 1
    pieces, index = (n + (1 << bits) - 1) >> bits, index.reshape(-1)
    starts, order = np.empty(pieces + 2, np.int64), np.empty(index.size, np.int64)
    share(pieces, _add, bits, rows, index, out.reshape(-1, width), starts, order)
    return out
