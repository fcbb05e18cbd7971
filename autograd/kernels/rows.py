"""Rows of a table, read and added at places that may occur several times: an embedding, and its gradient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .apart import apart
from .door import kernel
from .pool import share
from .spin import each
from .words import entry, kept

PIECE = 1 << 15  # elements that a piece reads or writes at least
PIECES = 16


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


@apart
def _add_piece(p, pieces, rows, index, out):
    low, high = p * len(out) // pieces, (p + 1) * len(out) // pieces
    out[low:high, :] = 0
    for i in range(len(index)):
        row = index[i] if index[i] >= 0 else index[i] + len(out)
        if low <= row < high:
            into, term = out[row], rows[i]
            for j in range(len(into)):
                into[j] += term[j]


@kernel
def _add(team, helpers, pieces, rows, index, out):
    arguments = (pieces, rows, index, out)
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

    Each piece is some rows of the result, and looks for those that go there: none waits for another, and every sum has
    the order of its rows.
    """
    out, width = np.empty(shape, input.dtype), math.prod(shape[1:])
    rows = np.ascontiguousarray(input).reshape(-1, width)
    share(_pieces(out.size, len(out)), _add, rows, index.reshape(-1), out.reshape(-1, width))
    return out
