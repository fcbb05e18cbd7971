"""Convolution with filters of 1 x 1: for each image a product of two matrices, of which the image is not rearranged.

    y[f, o] = b[f] + Σ_c w[f, c] x[c, o]

An image is a matrix already, channels by places, and so is the result.  A few columns of all channels stay in the first
cache while all filters pass by; to copy them there first would cost more than it saves.  The cotangent of the input is
the same with w turned.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from .apart import apart
from .conv_pieces import Pair, pieces_of, zeros_of
from .conv_tiles import narrow_shifted_tile, shifted_tile
from .door import ROWS, VECTORS, kernel
from .moves import copy_run, transpose
from .pool import share
from .spin import each
from .tile import columns_of
from .words import entry, kept

LEAST = 96  # places from which few columns of tiles are wasted
DEEP = 128  # channels from which a strip fills the first cache, so that it must not have more lines than it needs
TURN = 1 << 16  # elements of w that are turned at once
PIECES = 64  # small ones, for a thread has nothing to do while another is at the last


@apart
def strip(x, x0, x_row, w, w0, bias, b0, y, y0, k, m, places, columns, width):
    """`columns` of one image's result: y = bias + W x, where W has m rows and k columns.

    When the second filters pass by, the strip beside this one is asked for, which is wanted next: its lines are too far
    apart for the processor to foresee them.
    """
    for r in range(0, m, ROWS):
        at, rows, ahead = y0 + r * places, min(ROWS, m - r), width if r == ROWS else 0
        if columns > width // VECTORS:
            shifted_tile(w, w0 + r * k, k, x, x0, x_row, ahead, bias, b0 + r, y, at, places, k, rows, columns)
        else:
            narrow_shifted_tile(w, w0 + r * k, k, x, x0, x_row, ahead, bias, b0 + r, y, at, places, k, rows, columns)


@apart
def points_some(i, parts, x, w, bias, y, groups, k, m, places, width):
    """Part `i` of the strips of all images and groups."""
    lanes = width // VECTORS
    past = x.ctypes.data // x.itemsize % lanes if places % lanes == 0 and k > DEEP else 0
    early = lanes - past - width if past else 0  # the first strip is a short one if vectors are lines of the cache then
    count = -(-(places - early) // width)
    units = y.size // (m * places) * count
    for unit in range(i * units // parts, (i + 1) * units // parts):
        image, start = unit // count, unit % count * width + early
        first, group, x0, y0 = max(0, start), image % groups, image * k * places, image * m * places
        columns = min(start + width, places) - first
        read = width if columns > lanes else lanes  # a tile reads whole vectors
        if x0 + (k - 1) * places + first + read <= x.size:
            strip(x, x0 + first, places, w, group * m * k, bias, group * m, y, y0 + first, k, m, places, columns, width)
        else:
            copy = np.zeros(k * width, x.dtype)
            for row in range(k):
                copy_run(x, x0 + row * places + first, copy, row * width, columns, x.dtype.type(0))
            strip(copy, 0, width, w, group * m * k, bias, group * m, y, y0 + first, k, m, places, columns, width)


@kernel
def points(team, helpers, parts, x, w, bias, y, groups, k, m, places, width):
    """`points_some`, all of them."""
    arguments = (parts, x, w, bias, y, groups, k, m, places, width)
    each(team, helpers, parts, entry(points_some, arguments), kept(arguments))


@apart
def turn_some(i, parts, w, out, groups, k, m, lanes):
    """out[group, r, j] = w[group, j, r] for part `i` of the rows r < m."""
    count, zeros = -(-m // lanes), np.zeros(lanes, w.dtype)
    for unit in range(i * groups * count // parts, (i + 1) * groups * count // parts):
        group, r = unit // count, unit % count * lanes
        transpose(w, group * k * m + r, m, zeros, 0, out, (group * m + r) * k, k, k, min(lanes, m - r), lanes)


@kernel
def turned_points(team, helpers, parts, x, w, turned, none, y, groups, k, m, places, width):
    """`turn_some`, and then `points_some`, all of them."""
    turns = min(16, 1 + w.size // TURN)
    given = (turns, w, turned, groups, k, m, width // VECTORS)
    each(team, min(helpers, turns - 1), turns, entry(turn_some, given), kept(given))
    arguments = (parts, x, turned, none, y, groups, k, m, places, width)
    each(team, helpers, parts, entry(points_some, arguments), kept(arguments))


def suits(kernel: Pair, stride: Pair, padding: Pair, places: int) -> bool:
    """Whether each place of the result is one of the image's, and there are enough of them."""
    return kernel == (1, 1) and stride == (1, 1) and padding == (0, 0) and places >= LEAST


@lru_cache(maxsize=256)
def _plan(shape: tuple[int, ...], kind: Any, groups: int, m: int) -> tuple[tuple[int, ...], int, tuple[int, ...]]:
    """The shape of the result, in how many parts it is made, and the sizes that the kernel wants."""
    (n, c, *spatial), width = shape, columns_of(kind)
    places, k = math.prod(spatial), c // groups
    parts = 1 if pieces_of(n * c * m * places) == 1 else min(PIECES, n * groups * -(-places // width))
    return (n, groups * m, *spatial), parts, (groups, k, m, places, width)


def forward(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, groups: int) -> np.ndarray:
    """Convolution of (N, C, H, W) with (F, C/groups, 1, 1)."""
    shape, parts, sizes = _plan(x.shape, x.dtype, groups, len(weight) // groups)
    y = np.empty(shape, x.dtype)
    shift = zeros_of(len(weight), x.dtype) if bias is None else bias
    share(parts, points, x.reshape(-1), weight.reshape(-1), shift, y.reshape(-1), *sizes)
    return y


def input_cotangent(g: np.ndarray, weight: np.ndarray, groups: int) -> np.ndarray:
    """∂⟨g, x ∗ w⟩/∂x."""
    shape, parts, sizes = _plan(g.shape, g.dtype, groups, weight.shape[1])
    x, turned = np.empty(shape, g.dtype), np.empty(weight.size, weight.dtype)
    share(
        parts,
        turned_points,
        g.reshape(-1),
        weight.reshape(-1),
        turned,
        zeros_of(shape[1], g.dtype),
        x.reshape(-1),
        *sizes,
    )
    return x
