"""A few rows times the transpose of a matrix, as a layer has it for a few samples: as many dots as there are results.

It reads far more than it computes, so no tile pays, and nothing is packed.
"""

from __future__ import annotations

from .apart import apart
from .spin import each
from .words import entry, kept

FEW = 8  # rows from which tiles are faster
PIECE = 1 << 17  # elements that a piece reads


@apart
def _dots(p, pieces, a, a_row, b, b_row, bias, c, m, k, n):
    for j in range(p * n // pieces, (p + 1) * n // pieces):
        column = b[j * b_row : j * b_row + k]
        for i in range(m):
            row, total = a[i * a_row : i * a_row + k], a.dtype.type(0)
            for d in range(k):
                total += row[d] * column[d]
            c[i * n + j] = total + bias[j] if bias.size else total


@apart
def dots_among(team, helpers, a, a_row, b, b_row, bias, c, m, k, n):
    """C = A Bᵀ + bias for arrays of one dimension, with the rows of A (m, k) and B (n, k) at these distances."""
    pieces = max(1, min(16, n, k * n // PIECE))
    arguments = (pieces, a, a_row, b, b_row, bias, c, m, k, n)
    each(team, min(helpers, pieces - 1), pieces, entry(_dots, arguments), kept(arguments))
