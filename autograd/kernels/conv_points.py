"""Convolution with filters of 1 x 1: for each image a product of two matrices, of which nothing is rearranged.

    y[f, o] = b[f] + Σ_c w[f, c] x[c, o]

An image is a matrix already, channels by places, and so is the result.  A few columns of the image at a time are copied
to be in the first cache for all filters.  The cotangent of the input is the same with w turned.
"""

from __future__ import annotations

import numpy as np

from .conv_pieces import Pair, pieces_of
from .door import ROWS, kernel
from .moves import copy_run
from .pool import share
from .spin import each
from .tile import columns_of, narrow_tile, tile
from .words import entry, kept

DEPTH = 128  # channels up to which the image's rows, which lie far apart, are copied in less time than it saves
LEAST = 96  # places from which few columns of tiles are wasted


@kernel
def points_some(i, x, w, bias, y, length, groups, k, m, w_group, w_row, w_k, places, width):
    """Part `i` of the columns of all images, of `length` panels: y = bias + W x, where W has m rows and k columns."""
    count, none, panel = -(-places // width), np.zeros(width, x.dtype), np.zeros(k * width, x.dtype)
    for unit in range(i * length, min((i + 1) * length, y.size // (m * places) * count)):
        image, first = unit // count, unit % count * width
        columns, group, y0 = min(width, places - first), image % groups, image * m * places + first
        for row in range(k):
            copy_run(x, (image * k + row) * places + first, panel, row * width, columns, x.dtype.type(0))
        if bias.size:
            for r in range(m):
                copy_run(none, 0, y, y0 + r * places, columns, bias[group * m + r])
        for r in range(0, m, ROWS):
            w0, at, rows = group * w_group + r * w_row, y0 + r * places, min(ROWS, m - r)
            if 2 * columns > width:
                tile(w, w0, w_row, w_k, panel, 0, width, y, at, places, k, rows, columns, bias.size)
            else:
                narrow_tile(w, w0, w_row, w_k, panel, 0, width, y, at, places, k, rows, columns, bias.size)


@kernel
def points(team, helpers, parts, x, w, bias, y, length, groups, k, m, w_group, w_row, w_k, places, width):
    """`points_some`, all of them."""
    arguments = (x, w, bias, y, length, groups, k, m, w_group, w_row, w_k, places, width)
    each(team, helpers, parts, entry(points_some, arguments), kept(arguments))


def suits(kernel: Pair, stride: Pair, padding: Pair, places: int, depth: int) -> bool:
    """Whether each place of the result is one of the image's, and there are enough of them for a sum of that depth."""
    return kernel == (1, 1) and stride == (1, 1) and padding == (0, 0) and places >= LEAST and depth <= DEPTH


def _product(x: np.ndarray, w: np.ndarray, bias: np.ndarray, groups: int, m: int, w_row: int, w_k: int) -> np.ndarray:
    """y[n, g m + r] = bias + Σ_k w[g, r w_row + k w_k] x[n, g K + k]."""
    (n, c, *spatial), width = x.shape, columns_of(x.dtype)
    y = np.empty((n, groups * m, *spatial), x.dtype)
    places, k = y[0, 0].size, c // groups
    units = n * groups * -(-places // width)
    length = -(-units // pieces_of(y.size * k))
    share(-(-units // length), points, x.reshape(-1), w.reshape(-1), bias, y.reshape(-1), length, groups, k, m, m * k,
          w_row, w_k, places, width)  # fmt: skip
    return y


def forward(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, groups: int) -> np.ndarray:
    """Convolution of (N, C, H, W) with (F, C/groups, 1, 1)."""
    f, c = weight.shape[:2]
    return _product(x, weight, np.empty(0, x.dtype) if bias is None else bias, groups, f // groups, c, 1)


def input_cotangent(g: np.ndarray, weight: np.ndarray, groups: int) -> np.ndarray:
    """∂⟨g, x ∗ w⟩/∂x."""
    c = weight.shape[1]
    return _product(g, weight, np.empty(0, g.dtype), groups, c, 1, c)
