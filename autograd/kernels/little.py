"""Small products of matrices, within generated programs."""

from __future__ import annotations

import numpy as np

from .door import kernel
from .tile import ROWS, columns_of, narrow_tile

_SINGLE, _DOUBLE = columns_of(np.float32) // 2, columns_of(np.float64) // 2


@kernel
def little_product(a, a0, a_row, a_k, b, b0, b_k, b_n, c, c0, c_row, m, k, n):
    """C[c0 + i c_row + j] = Σ_k A[a0 + i a_row + k a_k] B[b0 + k b_k + j b_n] for i < m, j < n."""
    width = _SINGLE if a.itemsize == 4 else _DOUBLE
    panel = np.empty(k * width, b.dtype)
    for first in range(0, n, width):
        columns = min(width, n - first)
        for p in range(k):
            source, to = b0 + p * b_k + first * b_n, p * width
            for j in range(columns):
                panel[to + j] = b[source + j * b_n]
            for j in range(columns, width):
                panel[to + j] = 0
        for i in range(0, m, ROWS):
            narrow_tile(a, a0 + i * a_row, a_row, a_k, panel, 0, width, c, c0 + i * c_row + first, c_row, k,
                        min(ROWS, m - i), columns, 0)  # fmt: skip
