"""The weight's cotangent of convolutions with filters of 3 x 3, no more of them than a vector has lanes.

Its vectors are full where the three taps of a filter's row lie side by side: an element of the image is multiplied with
three neighbouring places of g, each a vector of filters,

    w̄[f, c, a, b] = Σ_{i, j} x[c, i, j] g[f, i - a + p, j - b + p]

so for eleven numbers that are loaded 24 products are added up.  The image stays as it is; g has a margin of zeros, with
which x is multiplied too.  A result that is not finite is therefore made again in another way.
"""

from __future__ import annotations

import numpy as np

from .apart import apart
from .conv_pieces import Pair, pieces_of
from .door import ROWS, kernel
from .moves import FIRST, lanes_of, transpose
from .pool import share
from .spin import each
from .tile import wide_tile
from .words import entry, kept

DEPTH = 256  # places of a sum, which stay in the first cache


@apart
def narrow_some(i, x, g, total, table, length, n, c, f, size, padding, outputs, lanes):
    """Part `i` of the samples, `length` of them: total[i, a, c, 2 - b, f]."""
    (h, w), (rows, columns), wide = size, outputs, 3 * lanes
    margin, zeros = np.zeros((h + 2) * (w + 2) * lanes, x.dtype), np.zeros(columns, x.dtype)
    for sample in range(i * length, min((i + 1) * length, n)):
        for o in range(rows):
            place = ((o + 2 - padding[0]) * (w + 2) + 2 - padding[1]) * lanes
            transpose(g, (sample * f * rows + o) * columns, rows * columns, zeros, FIRST, margin, place, lanes, f,
                      columns, lanes)  # fmt: skip
        for q in range(0, h * w, DEPTH):
            depth = min(DEPTH, h * w - q)
            for a in range(3):
                for k in range(0, c, ROWS):
                    wide_tile(x, (sample * c + k) * h * w + q, h * w, 1, margin, (2 - a) * (w + 2) * lanes,
                              table[q : q + depth], total, ((i * 3 + a) * c + k) * wide, wide, depth,
                              min(ROWS, c - k), wide, sample - i * length + q)  # fmt: skip


@kernel
def narrow(team, helpers, parts, x, g, total, table, length, n, c, f, size, padding, outputs, lanes):
    """`narrow_some`, all of them."""
    arguments = (x, g, total, table, length, n, c, f, size, padding, outputs, lanes)
    each(team, helpers, parts, entry(narrow_some, arguments), kept(arguments))


def suits(kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int, channels: int, filters: int,
          lanes: int) -> bool:  # fmt: skip
    """Whether the filters are of the size and kind that is done here, and fill most of the tile."""
    plain = (kernel, stride, dilation, groups) == ((3, 3), (1, 1), (1, 1), 1) and max(padding) <= 2
    return plain and channels >= ROWS and lanes // 2 < filters <= lanes


def weight_cotangent(g: np.ndarray, x: np.ndarray, padding: Pair) -> np.ndarray | None:
    """∂⟨g, x ∗ w⟩/∂w for filters of 3 x 3; None if it is not finite.  Sums over some samples each, added in order."""
    (n, f, *outputs), (_, c, h, w), lanes = g.shape, x.shape, lanes_of(x.dtype)
    length = -(-n // min(8, pieces_of(g.size * c * 9)))
    parts = -(-n // length)
    total = np.empty((parts, 3, c, 3, lanes), x.dtype)
    table = ((np.arange(h) * (w + 2))[:, None] + np.arange(w)).reshape(-1) * lanes
    share(parts, narrow, x.reshape(-1), g.reshape(-1), total.reshape(-1), table, length, n, c, f, (h, w), padding,
          (outputs[0], outputs[1]), lanes)  # fmt: skip
    w = np.ascontiguousarray(total.sum(0)[:, :, ::-1, :f].transpose(3, 1, 0, 2))
    return w if np.isfinite(w).all() else None
