"""Rows added at places that may occur several times: an embedding's gradient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .door import kernel
from .pool import run

PIECE = 1 << 16  # elements that one thread adds at least


@kernel
def _add(out, index, rows, low, high):
    for i in range(len(index)):
        into, row = out[index[i], low:high], rows[i, low:high]
        for j in range(high - low):
            into[j] += row[j]


def added_rows(input: Any, shape: tuple[int, ...], index: np.ndarray) -> np.ndarray:
    """Zeros of `shape` with the rows of `input` added at `index`.

    Threads take some columns each, so that none waits for another and every sum has the order of its rows.
    """
    out, width = np.zeros(shape, input.dtype), math.prod(shape[1:])
    rows, into = np.ascontiguousarray(input).reshape(-1, width), out.reshape(-1, width)
    index = np.where(index < 0, index + len(out), index).reshape(-1)
    pieces = max(1, min(16, input.size // PIECE, width // 64))
    run(pieces, lambda i: _add(into, index, rows, i * width // pieces, (i + 1) * width // pieces))
    return out
