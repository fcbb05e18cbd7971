"""Matrix products by the register tile, on the threads of `pool`.

The right matrix is packed into panels as wide as a tile; DEPTH rows of one fill most of the first-level cache, and are
used for all rows of a block of the left matrix before the next.  The left matrix is read where it lies, or, if it is
transposed, copied so that a tile's rows stand together (Goto and van de Geijn, 2008).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .door import ROWS, kernel
from .pool import run
from .tile import columns_of, tile

DEPTH = 256
BLOCK = 16 * ROWS  # rows of the result that one thread works on at a time
PIECES = 4  # at least, cut from the panels too if there are few rows


@kernel
def _pack(b, b_k, b_n, packed, n, p):
    """Panel `p` of the matrix with the elements b[k b_k + j b_n], j < n."""
    _, depth, width = packed.shape
    panel, first, columns = packed[p], p * width, min(width, n - p * width)
    for k in range(depth):
        row, source = panel[k], b[k * b_k + first * b_n :]
        if b_n == 1:
            for j in range(columns):
                row[j] = source[j]
        else:
            for j in range(columns):
                row[j] = source[j * b_n]
        for j in range(columns, width):
            row[j] = 0


@kernel
def _block(a, a_row, a_k, packed, c, low, high, some, others):
    """Rows `low` to `high` of C in panels `some` to `others`, for A with the elements a[i a_row + k a_k].

    One of these distances is 1.
    """
    _, k, width = packed.shape
    n = c.shape[1]
    left = np.empty((high - low + ROWS) * min(DEPTH, k) if a_k != 1 else 0, a.dtype)
    for first in range(0, k, DEPTH):
        depth = min(DEPTH, k - first)
        if a_k != 1:
            whole = (high - low) // ROWS * ROWS
            for d in range(depth):
                source = a[(first + d) * a_k + low :]
                for i in range(0, whole, ROWS):
                    into, run_of = left[i * depth + d * ROWS :], source[i:]
                    for r in range(ROWS):
                        into[r] = run_of[r]
                for r in range(high - low - whole):
                    left[whole * depth + d * ROWS + r] = source[whole + r]
        for p in range(some, others):
            for i in range(low, high, ROWS):
                rows, columns = min(ROWS, high - i), min(width, n - p * width)
                right, to = (p * k + first) * width, i * n + p * width
                if a_k == 1:
                    tile(a, i * a_row + first, a_row, 1, packed, right, width, c, to, n, depth, rows, columns, first)
                else:
                    tile(left, (i - low) * depth, 1, ROWS, packed, right, width, c, to, n, depth, rows, columns, first)


def _laid_out(x: Any) -> tuple[np.ndarray, int, int]:
    """The elements of a matrix as they lie in memory, and the distances of rows and of columns among them."""
    if x.flags.f_contiguous and not x.flags.c_contiguous:
        return x.T.reshape(-1), 1, x.shape[0]
    return np.ascontiguousarray(x).reshape(-1), x.shape[1], 1


def panels(b: Any) -> np.ndarray:
    """The matrix `b` (k, n) in panels (n / width, k, width), the last filled with zeros."""
    (k, n), width = b.shape, columns_of(b.dtype)
    packed = np.empty((-(-n // width), k, width), b.dtype)
    right, b_k, b_n = _laid_out(b)
    run(len(packed), lambda p: _pack(right, b_k, b_n, packed, n, p))
    return packed


def product(a: Any, b: Any) -> np.ndarray:
    """a @ b for two matrices of one type."""
    m, c, packed = len(a), np.empty((len(a), b.shape[1]), a.dtype), panels(b)
    left, a_row, a_k = _laid_out(a)
    blocks = -(-m // BLOCK)
    groups = min(len(packed), -(-PIECES // blocks))

    def work(i: int) -> None:
        block, group = divmod(i, groups)
        _block(left, a_row, a_k, packed, c, block * BLOCK, min((block + 1) * BLOCK, m), group * len(packed) // groups,
               (group + 1) * len(packed) // groups)  # fmt: skip

    run(blocks * groups, work)
    return c
