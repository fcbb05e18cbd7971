"""Convolution with filters of 3 x 3 by a quarter of the multiplications: Winograd's F(4 x 4, 3 x 3).

The image is cut into tiles of 6 x 6 that overlap by 2, each of which gives 4 x 4 outputs.  With the maps of
`winograd_maps`, which take and give one vector of channels or filters at a time, all that is left is a matrix product
for each of the 36 places of a tile (`winograd_tiles`):

- forward: m[tile, f] = Σ_c v[tile, c] u[c, f]   from v = Bᵀ d B and u = G w Gᵀ, to y = Aᵀ m A
- input:   the same with g in the place of x and every filter turned, its channels for filters and the reverse
- weight:  ū[c, f] = Σ_tile v[tile, c] m̄[tile, f]   from m̄ = A g Aᵀ, to w̄ = Gᵀ ū G

Tiles are taken in blocks of whole rows, for which v and m stay in the second cache.  Few channels go another way
(`winograd_planes`).
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..algorithms import is_winograd_enabled
from . import winograd_planes
from .conv_pieces import Pair, pieces_of, zeros_of
from .door import VECTOR_BYTES
from .moves import lanes_of
from .pool import share
from .tile import columns_of
from .winograd_maps import OUTPUTS, PLACES, TAPS
from .winograd_tiles import CHUNK, all_images, all_sums, all_weights, spaced

TILES = 32  # of a block, about
MAPPED = 1 << 22  # elements of mapped filters at a time, at most: 16 MB
PARTS = 4  # of the filters' cotangent
CHANNELS = 32  # of such a part, at least
NEITHER, BY_TILES, BY_PLANES = range(3)
MOST = 3 * VECTOR_BYTES // 4  # channels or filters that are few: three vectors of them
LEAST, LEAST_OF_WEIGHT = 8, min(16, MOST)  # of those, for images and for the weight


def suits(n: int, kind: Any, weight: tuple[int, ...], size: Pair, stride: Pair, padding: Pair, dilation: Pair,
          groups: int, least: int = LEAST) -> bool:  # fmt: skip
    """Whether this is the way for `n` images, filters of the shape `weight` and tiles over `size`: it can be, and is
    faster.

    `least` is the number of channels from which few of them are taken plane by plane.
    """
    f, c, *kernel = weight
    if kind != np.float32 or (*kernel, *stride, *dilation, groups) != (TAPS, TAPS, 1, 1, 1, 1, 1):
        return False
    way = _way(n, f, c, size, lanes_of(kind), least)
    return way != NEITHER and max(padding) < TAPS and is_winograd_enabled()


@functools.lru_cache(1024)
def _way(n: int, f: int, c: int, size: Pair, lanes: int, least: int) -> int:
    """Which way pays, by measurement.

    By tiles where that saves half of the multiplications at least, those at the edges counted whole, for 16 channels
    and 32 filters or the reverse, and for a dozen tiles, which is what mapping the filters costs.  By planes for few
    channels where tiles fill the vectors, the more so if the other way pays, too.
    """
    tiles = -(-size[0] // OUTPUTS) * -(-size[1] // OUTPUTS)
    saves = size[0] * size[1] * TAPS * TAPS >= 2 * tiles * PLACES
    pays = saves and min(f, c) >= 16 and f * c >= 512 and n * tiles >= 12
    there = winograd_planes.blocks_of(size, lanes)[1] * lanes
    if least <= min(f, c) and max(f, c) <= MOST and tiles >= (7 / 8 if pays else 3 / 4) * there:
        return BY_PLANES
    return BY_TILES if pays else NEITHER


@functools.lru_cache(256)
def _cut(n: int, c: int, f: int, size: Pair, width: int) -> tuple[int, int, int, int, int]:
    """How images are cut for `f` filters: the parts of the filters' maps, pairs of a panel and channels in each, the
    parts of the rows of tiles, rows in each, and rows of a block."""
    pairs = -(-f // width) * -(-c // CHUNK)
    some = -(-pairs // max(1, min(16, PLACES * pairs * CHUNK * width // 50_000)))
    rows, across = n * -(-size[0] // OUTPUTS), -(-size[1] // OUTPUTS)
    block = max(1, min(TILES // across, rows))
    blocks, pieces = -(-rows // block), pieces_of(n * size[0] * size[1] * f * c * TAPS * TAPS)
    length = -(-blocks // pieces) * block
    return -(-pairs // some), some, -(-rows // length), length, block


def _images(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, padding: Pair, size: Pair,
            turned: bool) -> np.ndarray | None:  # fmt: skip
    """The outputs, of `size`, unless some are not finite; if `turned`, of the input's cotangent."""
    (n, c, h, w), f, kind, taps = x.shape, weight.shape[turned], x.dtype, TAPS * TAPS
    width, lanes = columns_of(kind), lanes_of(kind)
    if _way(n, *weight.shape[:2], size, lanes, LEAST) == BY_PLANES:
        return winograd_planes.images(x, weight, bias, padding, size, turned)
    shift = zeros_of(-(-f // width) * width, kind)
    if bias is not None:
        shift = shift.copy()
        shift[:f] = bias
    y, step, finite = np.empty((n, f, *size), kind), max(1, MAPPED // (PLACES * c * width)) * width, np.ones(1, kind)
    f_step, c_step = (taps, f * taps) if turned else (c * taps, taps)
    filters, images, result = weight.reshape(-1), x.reshape(-1), y.reshape(-1)
    for begin in range(0, f, step):
        end = min(f, begin + step)
        maps, some, parts, length, block = _cut(n, c, end - begin, size, width)
        u = np.empty(PLACES * spaced(-(-(end - begin) // width) * c * width), kind)
        share(max(maps, parts), all_images, maps, some, filters, u, f_step, c_step, turned, parts, length, images,
              shift, result, finite, n, begin, end, block, c, h, w, f, *size, *padding, width, lanes)  # fmt: skip
    return y if finite[0] else None


def forward(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, padding: Pair,
            outputs: Pair) -> np.ndarray | None:  # fmt: skip
    """Convolution of (N, C, H, W) with (F, C, 3, 3); None if what comes out is not finite."""
    return _images(x, weight, bias, padding, outputs, False)


def input_cotangent(g: np.ndarray, weight: np.ndarray, spatial: Pair, padding: Pair) -> np.ndarray | None:
    """∂⟨g, x ∗ w⟩/∂x for x of size `spatial`; None if it is not finite."""
    return _images(g, weight, None, (TAPS - 1 - padding[0], TAPS - 1 - padding[1]), spatial, True)


def weight_cotangent(g: np.ndarray, x: np.ndarray, padding: Pair) -> np.ndarray | None:
    """∂⟨g, x ∗ w⟩/∂w for filters of 3 x 3; None if it is not finite."""
    f, c, width = g.shape[1], x.shape[1], columns_of(x.dtype)
    if _way(len(x), f, c, (g.shape[2], g.shape[3]), lanes_of(x.dtype), LEAST_OF_WEIGHT) == BY_PLANES:
        return winograd_planes.weight_cotangent(g, x, padding)
    out = np.empty((f, c, TAPS, TAPS), x.dtype)
    step = max(1, MAPPED // (PLACES * -(-f // width) * width * CHANNELS)) * CHANNELS
    finite = [_correlated(g, x, out, padding, base, min(step, c - base)) for base in range(0, c, step)]
    return out if all(finite) else None


def _correlated(g: np.ndarray, x: np.ndarray, out: np.ndarray, padding: Pair, base: int, size: int) -> bool:
    """Fill `out` for `size` channels from `base`; whether all is finite.

    Where there are few tiles for many channels, parts of the work are channels, and each maps all of g; else they are
    tiles, and their sums are added in the order of the parts.
    """
    (n, f, o_h, o_w), (_, c, h, w), width, lanes = g.shape, x.shape, columns_of(x.dtype), lanes_of(x.dtype)
    rows, across, filters = n * -(-o_h // OUTPUTS), -(-o_w // OUTPUTS), -(-f // width) * width
    block, few = max(1, min(TILES // across, rows)), rows * across < 2 * c
    blocks, most = -(-rows // block), max(1, min(PARTS, size // CHANNELS)) if few else 1
    tiles = -(-blocks // (1 if few else PARTS)) * block
    sums, channels = -(-rows // tiles), -(-size // most)
    totals = np.empty((sums, PLACES * spaced(size * filters)), x.dtype)
    chunks = filters // width * -(-size // CHUNK)
    some = -(-chunks // max(1, min(16, totals.size // 100_000)))
    doubt = np.zeros((-(-chunks // some), lanes), x.dtype)
    share(sums * -(-size // channels), all_weights, tiles, rows, channels, x.reshape(-1), g.reshape(-1), totals, base,
          size, block, c, h, w, f, o_h, o_w, *padding, width, lanes)  # fmt: skip
    share(len(doubt), all_sums, some, chunks, totals, out.reshape(-1), doubt, base, size, c, f, width, lanes)
    return not doubt.any()
