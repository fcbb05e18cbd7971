"""Products of many pairs of matrices: threads take some of the pairs each, and a pair is a part of `gemm`'s."""

from __future__ import annotations

from typing import Any

import numpy as np

from .apart import apart
from .door import kernel
from .gemm import part
from .pool import share
from .spin import each
from .tile import columns_of
from .words import entry, kept

PIECE = 1 << 19  # products of two numbers in a piece, at least
PIECES = 16


@apart
def _some(i, pieces, a, a_row, a_k, b, b_k, b_n, c, count, m, k, n, width):
    for j in range(i * count // pieces, (i + 1) * count // pieces):
        left, right, out = a[j * m * k :], b[j * k * n :], c[j * m * n :]
        part(left, a_row, a_k, right, b_k, b_n, a[:0], out, n, k, 0, m, 0, n, width, 0)


@kernel
def _products(team, helpers, pieces, a, a_row, a_k, b, b_k, b_n, c, count, m, k, n, width):
    arguments = (pieces, a, a_row, a_k, b, b_k, b_n, c, count, m, k, n, width)
    each(team, helpers, pieces, entry(_some, arguments), kept(arguments))


def laid_out(x: np.ndarray) -> tuple[np.ndarray, int, int] | None:
    """The elements of a stack of matrices as they lie in memory, one matrix after the other, and the distances of rows
    and of columns in each; None if they do not lie so."""
    if x.flags.c_contiguous:
        return x.reshape(-1), x.shape[-1], 1
    turned = x.swapaxes(-1, -2)
    return (turned.reshape(-1), 1, turned.shape[-1]) if turned.flags.c_contiguous else None


def products(a: tuple[np.ndarray, int, int], b: tuple[np.ndarray, int, int], shape: tuple[int, ...], k: int) -> Any:
    """Σ_k a_imk b_ikn for all i, of this shape, for stacks as `laid_out` gives them."""
    *_, m, n = shape
    c = np.empty(shape, a[0].dtype)
    count = c.size // (m * n)
    pieces = max(1, min(PIECES, count, count * m * k * n // PIECE))
    share(pieces, _products, *a, *b, c.reshape(-1), count, m, k, n, columns_of(c.dtype))
    return c
