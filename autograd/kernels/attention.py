"""Scaled dot-product attention, some query rows at a time: a table of all weights is never made.

Threads take heads.  Of one head's keys and values panels are packed, which stay in the cache; for BLOCK query rows the
tile multiplies them into scores, softmax overwrites these, and the tile multiplies the weights with the values.  What
lies above the diagonal of a causal head is skipped.  The derivative makes each block's weights again rather than keep
them, after Dao et al., "FlashAttention" (2022); but a block holds whole rows of weights, so that nothing has to be
rescaled, and neither maxima nor sums are kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..threads import get_num_threads
from .apart import apart
from .door import ROWS, kernel
from .gemm import pack
from .pool import share
from .softmax import largest
from .spin import each
from .tile import columns_of, tile
from .vmath import minus, vexp
from .words import entry, kept

BLOCK = 4 * ROWS  # query rows whose weights are made together
ALONE = 1 << 21  # products of two numbers, at least, for every piece but one


@apart
def _times(a, a0, a_row, a_k, packed, most, depth, c, c0, c_row, rows, columns, width, add):
    """C (+)= A B for the first `depth` of `most` rows of the panels B."""
    for j in range(0, columns, width):
        for i in range(0, rows, ROWS):
            tile(a, a0 + i * a_row, a_row, a_k, packed, j * most, width, c, c0 + i * c_row + j, c_row, depth,
                 min(ROWS, rows - i), min(width, columns - j), add)  # fmt: skip


@apart
def _weights(scores, shares, rows, seen, diagonal, factor, width):
    """Of rows of scores s, times `factor`, rows of e^(s - max s), which times `shares` are softmax(s).  Row i of a
    causal head sees keys up to `diagonal` + i.  Loops go over whole vectors, at a row's end over its first score again:
    -∞ would become subnormal numbers on its way to 0, which are slow."""
    zero = scores.dtype.type(0)
    for i in range(rows):
        n = min(seen, diagonal + i + 1)
        whole = (n + width - 1) // width * width
        x = scores[i, :whole]
        some = x[0] * factor
        for j in range(whole):
            x[j] = x[j] * factor if j < n else some
        m, total = largest(x), zero
        for j in range(whole):
            e = vexp(minus(x[j], m))
            e = e if j < n else zero
            x[j] = e
            total += e
        shares[i] = 1 / total
        scores[i, whole:seen] = 0


@apart
def _forward(i, pieces, q, k, v, out, places, sizes, factor, causal, width):
    batch, heads, length, many, size, depth = sizes
    first, last = i * batch * heads // pieces, (i + 1) * batch * heads // pieces
    wide = -(-many // width) * width
    keys, values = np.empty(wide * size, q.dtype), np.empty((depth + width) * many, q.dtype)
    table, shares = np.empty((BLOCK, wide), q.dtype), np.empty(BLOCK, q.dtype)
    scores, row = table.reshape(-1), places[:, 2]
    for n in range(first, last):
        at = places[:, 0] * (n // heads) + places[:, 1] * (n % heads)
        pack(k, at[1], 1, row[1], keys, size, many, width)
        pack(v, at[2], row[2], 1, values, many, depth, width)
        for low in range(0, length, BLOCK):
            rows, to = min(BLOCK, length - low), at[3] + low * row[3]
            seen = min(many, low + rows) if causal else many
            _times(q, at[0] + low * row[0], row[0], 1, keys, size, size, scores, 0, wide, rows, seen, width, 0)
            _weights(table, shares, rows, seen, low if causal else many, factor, width)
            _times(scores, 0, wide, 1, values, many, seen, out, to, row[3], rows, depth, width, 0)
            for r in range(rows):
                y, share = out[to + r * row[3] : to + r * row[3] + depth], shares[r]
                for j in range(depth):
                    y[j] *= share


@kernel
def _forwards(team, helpers, pieces, q, k, v, out, places, sizes, factor, causal, width):
    arguments = (pieces, q, k, v, out, places, sizes, factor, causal, width)
    each(team, helpers, pieces, entry(_forward, arguments), kept(arguments))


@apart
def _pull_scores(scores, shares, pulls, rows, seen, factor):
    """The weights P, in place of `scores`, and P (G - Σ G P) for their cotangents G, in place of these, times
    `factor`."""
    for i in range(rows):
        p, g, share, total = scores[i, :seen], pulls[i, :seen], shares[i], pulls.dtype.type(0)
        for j in range(seen):
            p[j] *= share
            total += p[j] * g[j]
        for j in range(seen):
            g[j] = p[j] * minus(g[j], total) * factor


@apart
def _backward(i, pieces, q, k, v, c, dq, dk, dv, places, sizes, factor, causal, width):
    batch, heads, length, many, size, depth = sizes
    first, last = i * batch * heads // pieces, (i + 1) * batch * heads // pieces
    wide = -(-many // width) * width
    keys, values = np.empty(wide * size, q.dtype), np.empty(wide * depth, q.dtype)
    key_rows, query_rows = np.empty((size + width) * many, q.dtype), np.empty((size + width) * BLOCK, q.dtype)
    c_rows, shares = np.empty((depth + width) * BLOCK, q.dtype), np.empty(BLOCK, q.dtype)
    table, pulls = np.empty((BLOCK, wide), q.dtype), np.empty((BLOCK, wide), q.dtype)
    scores, slopes, row = table.reshape(-1), pulls.reshape(-1), places[:, 2]
    for n in range(first, last):
        at = places[:, 0] * (n // heads) + places[:, 1] * (n % heads)
        pack(k, at[1], 1, row[1], keys, size, many, width)
        pack(v, at[2], 1, row[2], values, depth, many, width)
        pack(k, at[1], row[1], 1, key_rows, many, size, width)
        for j in range(many):
            dk[at[5] + j * row[5] : at[5] + j * row[5] + size] = 0
            dv[at[6] + j * row[6] : at[6] + j * row[6] + depth] = 0
        for low in range(0, length, BLOCK):
            rows, query, cotangent = min(BLOCK, length - low), at[0] + low * row[0], at[3] + low * row[3]
            seen = min(many, low + rows) if causal else many
            pack(q, query, row[0], 1, query_rows, rows, size, width)
            pack(c, cotangent, row[3], 1, c_rows, rows, depth, width)
            _times(q, query, row[0], 1, keys, size, size, scores, 0, wide, rows, seen, width, 0)
            _times(c, cotangent, row[3], 1, values, depth, depth, slopes, 0, wide, rows, seen, width, 0)
            _weights(table, shares, rows, seen, low if causal else many, factor, width)
            _pull_scores(table, shares, pulls, rows, seen, factor)
            _times(slopes, 0, wide, 1, key_rows, many, seen, dq, at[4] + low * row[4], row[4], rows, size, width, 0)
            _times(slopes, 0, 1, wide, query_rows, rows, rows, dk, at[5], row[5], seen, size, width, 1)
            _times(scores, 0, 1, wide, c_rows, rows, rows, dv, at[6], row[6], seen, depth, width, 1)


@kernel
def _backwards(team, helpers, pieces, q, k, v, c, dq, dk, dv, places, sizes, factor, causal, width):
    arguments = (pieces, q, k, v, c, dq, dk, dv, places, sizes, factor, causal, width)
    each(team, helpers, pieces, entry(_backward, arguments), kept(arguments))


# ----------------------------------------------------------------------------------------------------------------------


def fits(*arrays: np.ndarray) -> bool:
    """Whether the kernels can read these arrays (B, heads, rows, columns): whole rows, forwards, none empty."""
    return all(a.size and a.strides[3] == a.itemsize and min(a.strides) >= 0 for a in arrays)


def _run(kernel: Any, arrays: tuple[np.ndarray, ...], factor: float, causal: bool) -> None:
    """`kernel` on the memory of `arrays`: one type for any strides, so that it is compiled once.  Heads do not depend
    on each other, so how many pieces there are changes no bit."""
    q, _, v = arrays[:3]
    many, step = v.shape[2], q.itemsize
    batch, heads, length, size = q.shape
    flat = [as_strided(a, (1 + sum((n - 1) * s for n, s in zip(a.shape, a.strides)) // step,), (step,)) for a in arrays]
    places = np.array([a.strides[:3] for a in arrays]) // step
    sizes = batch, heads, length, many, size, v.shape[3]
    n = batch * heads
    work = n * length * many * (size + v.shape[3])
    pieces = min(n, 2 * get_num_threads(), -(-work // ALONE))
    share(pieces, kernel, *flat, places, sizes, q.dtype.type(factor), causal, columns_of(q.dtype))


def _as(x: np.ndarray, columns: int) -> np.ndarray:
    """An array for rows of so many columns that lie in the order of those of `x`."""
    y = np.empty_like(x, shape=(*x.shape[:3], columns))
    return y if fits(y) else np.empty(y.shape, y.dtype)


def attention(q: np.ndarray, k: np.ndarray, v: np.ndarray, causal: bool, scale: float) -> np.ndarray:
    """softmax(scale Q Kᵀ) V for (B, heads, L, E), (B, heads, S, E) and (B, heads, S, Ev), ordered in memory as Q."""
    out = _as(q, v.shape[3])
    _run(_forwards, (q, k, v, out), scale, causal)
    return out


def pull(c: np.ndarray, q: np.ndarray, k: np.ndarray, v: np.ndarray, causal: bool, scale: float) -> Any:
    """The cotangents of Q, K and V for that of `attention`, c."""
    found = _as(q, q.shape[3]), _as(k, k.shape[3]), _as(v, v.shape[3])
    _run(_backwards, (q, k, v, c, *found), scale, causal)
    return found
