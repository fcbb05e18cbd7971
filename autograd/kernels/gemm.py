"""Matrix products by the register tile, on the threads of `pool`.

A thread takes a part of the result.  DEPTH rows of its columns of the right matrix are packed into panels as wide as a
tile, which stay in the second-level cache; where they lie row after row, the first tile that reads them packs them on
its way.  The left matrix is read where it lies, or, if it is transposed and large, copied so that a tile's rows stand
together (Goto and van de Geijn, 2008).  A few rows times a layer's weights are made transposed: then the weights are
read where they lie, and the rows packed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .apart import apart
from .door import ROWS, VECTORS, kernel
from .moves import copy_run, transpose_block
from .pool import together
from .spin import each
from .thin import FEW, dots_among
from .tile import columns_of, narrow_tile, packing_tile, tile
from .turning import transpose_onto
from .words import entry, kept

DEPTH = 512
PAIR = 2 * ROWS  # rows that are copied together: a line of the cache with AVX-512
NEAR, FAR = (
    4,
    1024,
)  # panels, and elements between rows, up to which reading a transposed matrix costs less than copying
BLOCK = 16 * ROWS  # rows that are multiplied with one panel before the next
CHUNK = 1 << 10  # bytes of a row whose panels are packed together
TURNED = 1 << 17  # elements of a result that are turned round at once, while they are in the second-level cache
ALONE = 1 << 19  # products of two numbers, at least, for every part but one
LONG = 1 << 28  # such products from which a thread may be interrupted, so that the others need something to go on with
_SINGLE, _DOUBLE = columns_of(np.float32), columns_of(np.float64)


@apart
def pack(b, at, b_k, b_n, packed, depth, n, width):
    """The elements b[at + k b_k + j b_n], k < depth and j < n, as panels (panel, depth, width), the last filled with
    zeros.  One of the distances is 1."""
    lanes, zero = width // VECTORS, b.dtype.type(0)
    zeros = np.zeros(lanes, b.dtype)
    for p in range((n + width - 1) // width):
        there, start, to = min(width, n - p * width), at + p * width * b_n, p * depth * width
        if b_n == 1:
            for k in range(depth):
                copy_run(b, start + k * b_k, packed, to + k * width, there, zero)
        else:
            whole, wide = depth // lanes * lanes, there // lanes * lanes
            for j in range(0, wide, lanes):
                for k in range(0, whole, lanes):
                    transpose_block(b, start + j * b_n + k, b_n, zeros, 0, packed, to + k * width + j, width)
            for j in range(there):
                source, into = b[start + j * b_n :], packed[to + j :]
                for k in range(whole if j < wide else 0, depth):
                    into[k * width] = source[k]
        if there < width:
            for k in range(depth):
                packed[to + k * width + there : to + (k + 1) * width] = 0


@kernel
def _packed(b, b_k, b_n, packed, depth, n, width):
    pack(b, 0, b_k, b_n, packed, depth, n, width)


@kernel
def _in_line(run, lanes):
    """`run` from where a vector begins a line of the cache, if vectors are as long."""
    return run[-(run.ctypes.data // run.itemsize) % lanes :]


@apart
def _stand_together(a, at, a_k, left, depth, rows):
    """The elements a[at + i + k a_k], i < rows and k < depth, with the rows of each PAIR together."""
    whole, zero = rows // PAIR * PAIR, a.dtype.type(0)
    for d in range(depth):
        for i in range(0, whole, PAIR):
            copy_run(a, at + i + d * a_k, left, i * depth + d * PAIR, PAIR, zero)
        if whole < rows:
            copy_run(a, at + whole + d * a_k, left, whole * depth + d * PAIR, rows - whole, zero)


@apart
def _block(a, at, a_row, a_k, a_tile, a_pair, b, b0, b_k, b_n, fresh, packed, bias, c, to, c_row, depth, rows, n, width,
           panel, add):  # fmt: skip
    """`rows` rows of A, times `n` columns of B from its panels, which are made first if they are to be `fresh`; plus
    `bias`, if there is one, or with `add` plus C.  Tiles of A begin at distances `a_tile` in a pair, and pairs at
    `a_pair`.  Panels have `panel` rows; if that is 0, each takes the place of the one before."""
    for j in range(0, n, width):
        columns = min(width, n - j)
        lies = fresh and b_n == 1 and columns == width  # as a tile reads it: the first one packs it on its way
        alone = lies and rows <= ROWS  # for which there would be no use
        panels, right, b_row = (b, b0 + j, b_k) if alone else (packed, j * panel, width)
        if fresh and not lies:
            pack(b, b0 + j * b_n, b_k, b_n, packed[right:], depth, columns, width)
        if bias.size:
            for i in range(rows):
                copy_run(bias, j, c, to + i * c_row + j, columns, bias.dtype.type(0))
        for i in range(0, rows, ROWS):
            left = at + i // PAIR * a_pair + i % PAIR // ROWS * a_tile
            there, into = min(ROWS, rows - i), to + i * c_row + j
            if lies and i == 0 and not alone:
                packing_tile(a, left, a_row, a_k, b, b0 + j, b_k, c, into, c_row, depth, there, columns, add, packed,
                             right)  # fmt: skip
            elif 2 * columns > width:
                tile(a, left, a_row, a_k, panels, right, b_row, c, into, c_row, depth, there, columns, add)
            else:
                narrow_tile(a, left, a_row, a_k, panels, right, b_row, c, into, c_row, depth, there, columns, add)


@apart
def part(a, a_row, a_k, b, b_k, b_n, bias, c, c_row, k, low, high, some, others, width, more):
    """Rows `low` to `high` and columns `some` to `others` of C = A B + bias, for A with the elements a[i a_row +
    k a_k] and B with b[k b_k + j b_n]; with `more`, plus what C holds."""
    most, span = min(DEPTH, k), CHUNK // a.itemsize
    again = high - low > BLOCK  # the panels are read by another block, so all of them stay
    room = (min(others - some, span) if again else 0) + 2 * width
    packed = _in_line(np.empty(room * most, a.dtype), width // VECTORS)
    turned = a_k != 1 and (others - some > NEAR * width or a_k >= FAR)
    left = np.empty(BLOCK * most if turned else 0, a.dtype)
    for chunk in range(some, others, span):
        n = min(span, others - chunk)
        for first in range(0, k, DEPTH):
            depth, add = min(DEPTH, k - first), first + bias.size + more
            panel, begin = depth if again else 0, bias[chunk:] if first == 0 else bias[:0]
            b0 = first * b_k + chunk * b_n
            for block in range(low, high, BLOCK):
                rows, to, fresh = min(BLOCK, high - block), block * c_row + chunk, block == low
                if turned:
                    _stand_together(a, block + first * a_k, a_k, left, depth, rows)
                    _block(left, 0, 1, PAIR, ROWS, PAIR * depth, b, b0, b_k, b_n, fresh, packed, begin, c, to, c_row,
                           depth, rows, n, width, panel, add)  # fmt: skip
                else:
                    _block(a, block * a_row + first * a_k, a_row, a_k, ROWS * a_row, PAIR * a_row, b, b0, b_k, b_n,
                           fresh, packed, begin, c, to, c_row, depth, rows, n, width, panel, add)  # fmt: skip


@apart
def _one_of(i, a, a_row, a_k, b, b_k, b_n, bias, c, m, k, n, width, down, across, more):
    """Part `i`, row by row, of so many `down` and `across`."""
    y, x = i // across, i % across
    tiles, panels = (m + ROWS - 1) // ROWS, (n + width - 1) // width
    part(a, a_row, a_k, b, b_k, b_n, bias, c, n, k, y * tiles // down * ROWS, min(m, (y + 1) * tiles // down * ROWS),
          x * panels // across * width, min(n, (x + 1) * panels // across * width), width, more)  # fmt: skip


@apart
def _swapped(a, a_row, b, b_n, bias, c, c_row, k, low, high, some, others, width, more):
    """`part` of C = A Bᵀ + bias, for matrices that both lie row after row, as Cᵀ = B Aᵀ: of the two it is the one on
    the right that is packed, and here A is the smaller."""
    lanes, m = width // VECTORS, high - low
    span = (m + width - 1) // width * width
    tall = (min(max(BLOCK, TURNED // span), others - some) + lanes - 1) // lanes * lanes
    turned, zeros = np.empty(tall * span, a.dtype), np.zeros(tall, a.dtype)
    for first in range(some, others, tall):
        n = min(tall, others - first)
        part(b[first * b_n :], b_n, 1, a[low * a_row :], 1, a_row, bias[:0], turned, span, k, 0, n, 0, m, width, 0)
        for j in range(0, m, lanes):
            for i in range(0, n, lanes):
                to, rows, columns = (low + j) * c_row + first + i, min(lanes, n - i), min(lanes, m - j)
                if more:
                    transpose_onto(turned, i * span + j, span, c, to, c_row, c, to, c_row, rows, columns)
                elif bias.size:
                    transpose_onto(turned, i * span + j, span, bias, first + i, 0, c, to, c_row, rows, columns)
                else:
                    transpose_onto(turned, i * span + j, span, zeros, i, 0, c, to, c_row, rows, columns)


@apart
def _one_swapped(i, a, a_row, b, b_n, bias, c, m, k, n, width, down, across, more):
    """Part `i`: so many `down` are of the columns of C, and `across` of its rows."""
    y, x = i // across, i % across
    tiles, panels = (n + ROWS - 1) // ROWS, (m + width - 1) // width
    _swapped(a, a_row, b, b_n, bias, c, n, k, x * panels // across * width, min(m, (x + 1) * panels // across * width),
             y * tiles // down * ROWS, min(n, (y + 1) * tiles // down * ROWS), width, more)  # fmt: skip


@apart
def _cut(m, k, n, width, turned, threads):
    """Into how many parts the rows and the columns are cut, by the number of threads, for every part packs what it
    needs; the sums have the same order in any of them.

    Columns are cut, so that no panel is packed twice, if there are enough of them; but rows where `turned` ones are to
    be copied and are not fewer.
    """
    work, across = m * k * n, (n + width - 1) // width
    parts = min(threads, (work + ALONE - 1) // ALONE) if work < LONG else 2 * threads
    if m < ROWS * parts or ((across % parts == 0 or across >= 3 * parts) and not (turned and m >= n)):
        return 1, min(parts, across)
    return parts, 1


@apart
def product_among(team, helpers, a, a_row, a_k, b, b_k, b_n, bias, c, m, k, n, more):
    """`into`, on this thread and so many helpers; within a kernel that `together` in pool.py calls, as programs do."""
    if m < FEW and a_k == 1 and b_k == 1 and not more:
        dots_among(team, helpers, a, a_row, b, b_n, bias, c, m, k, n)
        return
    width = _SINGLE if a.itemsize == 4 else _DOUBLE
    if a_k == 1 and b_k == 1 and m > ROWS and (n - m) * k >= n * m:  # less to pack than then to turn round
        down, across = _cut(n, k, m, width, False, helpers + 1)
        swapped = (a, a_row, b, b_n, bias, c, m, k, n, width, down, across, more)
        each(team, min(helpers, down * across - 1), down * across, entry(_one_swapped, swapped), kept(swapped))
        return
    down, across = _cut(m, k, n, width, a_k != 1, helpers + 1)
    arguments = (a, a_row, a_k, b, b_k, b_n, bias, c, m, k, n, width, down, across, more)
    each(team, min(helpers, down * across - 1), down * across, entry(_one_of, arguments), kept(arguments))


@kernel
def _product(team, helpers, a, a_row, a_k, b, b_k, b_n, bias, c, m, k, n, more):
    product_among(team, helpers, a, a_row, a_k, b, b_k, b_n, bias, c, m, k, n, more)


def _laid_out(x: Any) -> tuple[np.ndarray, int, int]:
    """The elements of a matrix as they lie in memory, and the distances of rows and of columns among them."""
    if x.flags.f_contiguous and not x.flags.c_contiguous:
        return x.T.reshape(-1), 1, x.shape[0]
    return np.ascontiguousarray(x).reshape(-1), x.shape[1], 1


def panels(b: Any) -> np.ndarray:
    """The matrix `b` (k, n) in panels (n / width, k, width), the last filled with zeros."""
    (k, n), width = b.shape, columns_of(b.dtype)
    packed = np.empty((-(-n // width), k, width), b.dtype)
    right, b_k, b_n = _laid_out(b)
    _packed(right, b_k, b_n, packed.reshape(-1), k, n, width)
    return packed


def into(a: Any, a_row: int, a_k: int, b: Any, b_k: int, b_n: int, bias: Any, c: Any, m: int, k: int, n: int,
         more: int = 0) -> None:  # fmt: skip
    """C = A B + bias for arrays of one dimension: A (m, k) with the elements a[i a_row + j a_k], B (k, n) likewise; of
    the distances of each, one is 1.  C is filled row by row; a bias of no elements is none.  With `more` it is added to
    what C holds, and there is no bias."""
    together(_product, a, a_row, a_k, b, b_k, b_n, bias, c, m, k, n, more)


def product(a: Any, b: Any, bias: Any = None) -> np.ndarray:
    """a @ b, or a @ b + bias, for two matrices of one type."""
    (m, k), n = a.shape, b.shape[1]
    c = np.empty((m, n), a.dtype) if k else np.zeros((m, n), a.dtype) + (0 if bias is None else bias)
    if c.size and k:
        bias = np.empty(0, a.dtype) if bias is None else np.ascontiguousarray(bias)
        into(*_laid_out(a), *_laid_out(b), bias, c.reshape(-1), m, k, n)
    return c
