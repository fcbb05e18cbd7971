"""Products of a few rows with a matrix, which read more than they compute: no tile pays, and nothing is packed."""

from __future__ import annotations

from typing import Any

from .door import kernel
from .pool import share
from .spin import each
from .words import entry, kept

FEW = 8  # rows or columns, below which a product is thin
ALONE = 1 << 17  # elements that one thread reads before another is called


@kernel
def _piece(p, pieces, a, a_row, a_k, b, b_k, b_n, bias, c, c_row, c_n, m, k, n):
    """Some columns: by dots of rows where B lies column by column, by sums of its rows where it lies row by row."""
    low, high = p * n // pieces, (p + 1) * n // pieces
    if b_k == 1:
        for j in range(low, high):
            column = b[j * b_n : j * b_n + k]
            for i in range(m):
                total = a.dtype.type(0)
                if a_k == 1:
                    row = a[i * a_row : i * a_row + k]
                    for d in range(k):
                        total += row[d] * column[d]
                else:
                    for d in range(k):
                        total += a[i * a_row + d * a_k] * column[d]
                c[i * c_row + j * c_n] = total + bias[j] if bias.size else total
        return
    for i in range(m):
        into = c[i * c_row + low * c_n :]
        for j in range(high - low):
            into[j * c_n] = bias[low + j] if bias.size else a.dtype.type(0)
        for d in range(k):
            x, row = a[i * a_row + d * a_k], b[d * b_k + low : d * b_k + high]
            if c_n == 1:
                for j in range(len(row)):
                    into[j] += x * row[j]
            else:
                for j in range(len(row)):
                    into[j * c_n] += x * row[j]


@kernel
def _pieces_of(team, helpers, pieces, a, a_row, a_k, b, b_k, b_n, bias, c, c_row, c_n, m, k, n):
    arguments = (pieces, a, a_row, a_k, b, b_k, b_n, bias, c, c_row, c_n, m, k, n)
    each(team, helpers, pieces, entry(_piece, arguments), kept(arguments))


def thin_into(
    a: Any,
    a_row: int,
    a_k: int,
    b: Any,
    b_k: int,
    b_n: int,
    bias: Any,
    c: Any,
    c_row: int,
    c_n: int,
    m: int,
    k: int,
    n: int,
) -> None:
    """As `into` in gemm.py, for few rows; C has the elements c[i c_row + j c_n]."""
    pieces = max(1, min(16, n // 8, k * n // ALONE))
    share(pieces, _pieces_of, a, a_row, a_k, b, b_k, b_n, bias, c, c_row, c_n, m, k, n)
