"""Running sums, and the few best of a row: loops over rows that NumPy walks one element, or one sort, at a time."""

from __future__ import annotations

import numpy as np

from .door import kernel
from .flat import in_pieces

WORK = 131072  # elements of a piece at least


@kernel
def _running_sums(x, y, first, last):
    """Four at a time: one sum waits for the one before, not four."""
    for i in range(first, last):
        row, out, total = x[i], y[i], x.dtype.type(0)
        whole = row.size // 4 * 4
        for j in range(0, whole, 4):
            a, b = row[j], row[j] + row[j + 1]
            c = b + row[j + 2]
            d = c + row[j + 3]
            out[j], out[j + 1], out[j + 2] = total + a, total + b, total + c
            total += d
            out[j + 3] = total
        for j in range(whole, row.size):
            total += row[j]
            out[j] = total


@kernel
def _best(x, values, places, largest, first, last):
    """In order as they are found: insertion among the k best so far; of equal ones the first stays in front."""
    k = values.shape[1]
    for i in range(first, last):
        row, mine, where, have = x[i], values[i], places[i], 0
        for j in range(row.size):
            v = row[j]
            if have == k:
                worst = mine[k - 1]
                better = v > worst if largest else v < worst
                if not better and (v == v) == (worst == worst):
                    continue
                if not better and (v == v) == largest:  # NaN counts as the largest
                    continue
            p = have if have < k else k - 1
            while p > 0:
                w = mine[p - 1]
                ahead = v > w if largest else v < w
                if not ahead and ((v == v) == (w == w) or (v == v) == largest):
                    break
                mine[p], where[p] = w, where[p - 1]
                p -= 1
            mine[p], where[p] = v, j
            have = min(have + 1, k)


def running_sums(x: np.ndarray) -> np.ndarray:
    """Σ_{j ≤ i} x_j along the last dimension."""
    y = np.empty_like(x)
    tables = x.reshape(-1, x.shape[-1]), y.reshape(-1, x.shape[-1])
    in_pieces(len(tables[0]), lambda i, j: _running_sums(*tables, i, j), max(1, WORK // x.shape[-1]))
    return y


def best(x: np.ndarray, k: int, largest: bool) -> tuple[np.ndarray, np.ndarray]:
    """The `k` largest or smallest along the last dimension, in order, and where they stood."""
    values, places = np.empty((*x.shape[:-1], k), x.dtype), np.empty((*x.shape[:-1], k), np.int64)
    tables = x.reshape(-1, x.shape[-1]), values.reshape(-1, k), places.reshape(-1, k)
    in_pieces(len(tables[0]), lambda i, j: _best(*tables, largest, i, j), max(1, WORK // x.shape[-1]))
    return values, places
