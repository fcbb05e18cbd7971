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

import numpy as np

from ..algorithms import is_winograd_enabled
from . import winograd_planes
from .conv_pieces import Pair, pieces_of, ranges
from .moves import lanes_of
from .pool import run
from .tile import columns_of
from .winograd_maps import OUTPUTS, PLACES, TAPS
from .winograd_tiles import CHUNK, filters_some, images_some, spaced, weight_some, weight_sums

TILES = 32  # of a block, about
MAPPED = 1 << 22  # elements of mapped filters at a time, at most: 16 MB
PARTS = 4  # of the filters' cotangent
CHANNELS = 32  # of such a part, at least
LEAST, LEAST_OF_WEIGHT, MOST = 8, 16, 48  # few channels and filters: at least for images, for the weight; at most


def suits(x: np.ndarray, weight: tuple[int, ...], size: Pair, stride: Pair, padding: Pair, dilation: Pair,
          groups: int, least: int = LEAST) -> bool:  # fmt: skip
    """Whether this is the way for filters of the shape `weight` and tiles over `size`: it can be, and is faster.

    `least` is the number of channels from which few of them are taken plane by plane.
    """
    f, c, *kernel = weight
    if x.dtype != np.float32 or (*kernel, *stride, *dilation, groups) != (TAPS, TAPS, 1, 1, 1, 1, 1):
        return False
    pays = _tiles_pay(len(x), f, c, size) or _planes_pay(x, f, c, size, least)
    return pays and max(padding) < TAPS and is_winograd_enabled()


def _tiles_pay(n: int, f: int, c: int, size: Pair) -> bool:
    """By measurement they do where they save half of the multiplications at least, tiles at the edges counted whole,
    for 16 channels and 32 filters or the reverse, and for a dozen tiles, which is what mapping the filters costs."""
    tiles = -(-size[0] // OUTPUTS) * -(-size[1] // OUTPUTS)
    saves = size[0] * size[1] * TAPS * TAPS >= 2 * tiles * PLACES
    return saves and min(f, c) >= 16 and f * c >= 512 and n * tiles >= 12


def _planes_pay(x: np.ndarray, f: int, c: int, size: Pair, least: int) -> bool:
    """By measurement they do for up to 48 channels where tiles fill the vectors, the more so if the others pay, too."""
    if min(f, c) < least or max(f, c) > MOST:
        return False
    return winograd_planes.filled(size, lanes_of(x.dtype)) >= (7 / 8 if _tiles_pay(len(x), f, c, size) else 3 / 4)


def _mapped(weight: np.ndarray, turned: bool, begin: int, end: int) -> np.ndarray:
    """The filters `begin` to `end` as `images_some` wants them; if `turned`, those of the input's cotangent."""
    (f, c), taps, width = weight.shape[:2], TAPS * TAPS, columns_of(weight.dtype)
    f_step, c_step, depth = (taps, c * taps, f) if turned else (c * taps, taps, c)
    count, panels = end - begin, -(-(end - begin) // width)
    u = np.empty(PLACES * spaced(panels * depth * width), weight.dtype)
    flat = weight.reshape(-1)[begin * f_step :], np.zeros(CHUNK * taps, weight.dtype), u
    parts = ranges(panels * -(-depth // CHUNK), max(1, min(16, u.size // 50_000)))
    sizes = count, depth, f_step, c_step, turned, width, lanes_of(weight.dtype)
    run(len(parts), lambda i: filters_some(*flat, *parts[i], *sizes))
    return u


def _images(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, padding: Pair, size: Pair,
            turned: bool) -> np.ndarray | None:  # fmt: skip
    """The outputs, of `size`, unless some are not finite."""
    if _planes_pay(x, len(weight), weight.shape[1], size, LEAST):
        return winograd_planes.images(x, weight, bias, padding, size, turned)
    (n, c), f, width = x.shape[:2], weight.shape[turned], columns_of(x.dtype)
    shift = np.zeros(-(-f // width) * width, x.dtype)
    if bias is not None:
        shift[:f] = bias
    y, step = np.empty((n, f, *size), x.dtype), max(1, MAPPED // (PLACES * c * width)) * width
    for begin in range(0, f, step):
        end = min(f, begin + step)
        if not _filtered(x, _mapped(weight, turned, begin, end), shift, y, begin, end, padding):
            return None
    return y


def _filtered(x: np.ndarray, u: np.ndarray, shift: np.ndarray, y: np.ndarray, begin: int, end: int,
              padding: Pair) -> bool:  # fmt: skip
    """Fill `y` for the filters `begin` to `end`; whether all is finite."""
    (n, c, h, w), (_, f, o_h, o_w) = x.shape, y.shape
    rows, across = n * -(-o_h // OUTPUTS), -(-o_w // OUTPUTS)
    block = max(1, min(TILES // across, rows))
    parts = ranges(-(-rows // block), pieces_of(n * o_h * o_w * (end - begin) * c * TAPS * TAPS))
    doubt = np.zeros((len(parts), lanes_of(x.dtype)), x.dtype)
    flat = x.reshape(-1), u, shift, y.reshape(-1)
    sizes = begin, end, block, c, h, w, f, o_h, o_w, *padding, columns_of(x.dtype), doubt.shape[1]

    def some(i: int) -> None:
        images_some(*flat, doubt[i], parts[i][0] * block, min(rows, parts[i][1] * block), *sizes)

    run(len(parts), some)
    return not doubt.any()


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
    if _planes_pay(x, f, c, (g.shape[2], g.shape[3]), LEAST_OF_WEIGHT):
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
    tiles = ranges(-(-rows // block), 1 if few else PARTS)
    channels = ranges(size, min(PARTS, size // CHANNELS) if few else 1)
    parts = [(i * block, min(rows, j * block), base + k, base + m) for i, j in tiles for k, m in channels]
    totals = np.empty((len(tiles), PLACES * spaced(size * filters)), x.dtype)
    flat, sizes = (x.reshape(-1), g.reshape(-1)), (base, size, block, c, h, w, f, o_h, o_w, *padding, width, lanes)
    run(len(parts), lambda i: weight_some(*flat, totals[i // len(channels)], *parts[i], *sizes))
    pairs = ranges(filters // width * -(-size // CHUNK), max(1, min(16, totals.size // 100_000)))
    doubt, ends = np.zeros((len(pairs), lanes), x.dtype), (base, size, c, f, width, lanes)
    zeros, into = np.zeros(filters, x.dtype), out.reshape(-1)
    run(len(pairs), lambda i: weight_sums(totals, zeros, into, doubt[i], *pairs[i], *ends))
    return not doubt.any()
