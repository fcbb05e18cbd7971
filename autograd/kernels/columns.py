"""What is chosen or added up along a dimension that is not the last: down the columns of tables of n rows.

NumPy turns the table over first.  Here a piece is some columns of one table, and goes down its rows, in each of which
its columns stand together.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .door import kernel
from .pool import share
from .spin import each
from .words import entry, kept

WIDTH = 512  # columns of a piece at most


@kernel
def _best_piece(p, across, x, least, values, places):
    """The extreme of each column and where it first stands; the first NaN, if there is one."""
    a, low = p // across, p % across * WIDTH
    high = min(low + WIDTH, x.shape[2])
    best, where = x[a, 0, low:high].copy(), np.zeros(high - low, np.int32)
    for i in range(1, x.shape[1]):
        row, now = x[a, i, low:high], np.int32(i)
        for j in range(len(row)):
            v, have = row[j], best[j]
            better = (v < have if least else v > have) | ((v != v) & (have == have))
            best[j] = v if better else have
            where[j] = now if better else where[j]
    values[a, low:high] = best
    for j in range(high - low):
        places[a, low + j] = where[j]


@kernel
def _best(team, helpers, pieces, across, x, least, values, places):
    arguments = (across, x, least, values, places)
    each(team, helpers, pieces, entry(_best_piece, arguments), kept(arguments))


def best(x: np.ndarray, least: bool) -> tuple[Any, Any]:
    """The smallest or largest over the second of three dimensions, and where it first stands."""
    n, _, width = x.shape
    values, places, across = np.empty((n, width), x.dtype), np.empty((n, width), np.int64), -(-width // WIDTH)
    share(n * across, _best, across, x, least, values, places)
    return values, places
