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

from .door import ROWS, kernel
from .pool import run
from .softmax import largest
from .tile import columns_of, tile
from .vmath import minus, vexp

BLOCK = 4 * ROWS  # query rows whose weights are made together
PIECES = 16  # for the threads, at most


@kernel
def _panels(x, at, row, n, columns, factor, packed):
    """`n` rows at `at`, times `factor`, as panels (panel, n, width) of their columns, the last filled with zeros."""
    many, _, width = packed.shape
    for p in range(many):
        for i in range(n):
            start, there = at + i * row + p * width, min(width, columns - p * width)
            source, into = x[start : start + there], packed[p, i]
            for j in range(there):
                into[j] = source[j] * factor
            into[there:] = 0


@kernel
def _turned(x, at, row, n, factor, packed):
    """`n` rows at `at`, times `factor`, as panels (panel, size, width) of the transpose; the last filled with zeros."""
    many, size, width = packed.shape
    for p in range(many):
        for j in range(width):
            if p * width + j < n:
                source, into = x[at + (p * width + j) * row :], packed[p, :, j]
                for e in range(size):
                    into[e] = source[e] * factor
            else:
                packed[p, :, j] = 0


@kernel
def _times(a, a0, a_row, a_k, packed, depth, c, c0, c_row, rows, columns, add):
    """C (+)= A B for `depth` rows of the panels B."""
    _, most, width = packed.shape
    for p in range((columns + width - 1) // width):
        for i in range(0, rows, ROWS):
            tile(a, a0 + i * a_row, a_row, a_k, packed, p * most * width, width, c, c0 + i * c_row + p * width, c_row,
                 depth, min(ROWS, rows - i), min(width, columns - p * width), add)  # fmt: skip


@kernel
def _weights(q, at, row, keys, scores, shares, rows, seen, diagonal):
    """Rows of e^(s - max s), which times `shares` are softmax(s), for scores s of `seen` keys; row i of a causal head
    sees keys up to `diagonal` + i."""
    _times(q, at, row, 1, keys, keys.shape[1], scores, 0, scores.shape[1], rows, seen, 0)
    for i in range(rows):
        whole = scores[i, :seen]
        x = whole[: min(seen, diagonal + i + 1)]
        m, total = largest(x), x.dtype.type(0)
        for j in range(x.size):
            e = vexp(minus(x[j], m))
            x[j] = e
            total += e
        shares[i] = 1 / total
        whole[x.size :] = 0


@kernel
def _forward(q, k, v, out, places, sizes, factor, causal, width, first, last):
    heads, length, many, size, depth = sizes
    keys = np.empty((-(-many // width), size, width), q.dtype)
    values = np.empty((-(-depth // width), many, width), q.dtype)
    scores, shares = np.empty((BLOCK, len(keys) * width), q.dtype), np.empty(BLOCK, q.dtype)
    one = q.dtype.type(1)
    for n in range(first, last):
        at = places[:, 0] * (n // heads) + places[:, 1] * (n % heads)
        row = places[:, 2]
        _turned(k, at[1], row[1], many, factor, keys)
        _panels(v, at[2], row[2], many, depth, one, values)
        for low in range(0, length, BLOCK):
            rows = min(BLOCK, length - low)
            seen = min(many, low + rows) if causal else many
            _weights(q, at[0] + low * row[0], row[0], keys, scores, shares, rows, seen, low if causal else many)
            to = at[3] + low * row[3]
            _times(scores, 0, scores.shape[1], 1, values, seen, out, to, row[3], rows, depth, 0)
            for i in range(rows):
                y, share = out[to + i * row[3] : to + i * row[3] + depth], shares[i]
                for j in range(depth):
                    y[j] *= share


@kernel
def _pull_scores(scores, shares, pulls, rows, seen):
    """The weights P, in place of `scores`, and P (G - Σ G P) for their cotangents G, in place of these."""
    for i in range(rows):
        p, g, share, total = scores[i, :seen], pulls[i, :seen], shares[i], pulls.dtype.type(0)
        for j in range(seen):
            p[j] *= share
            total += p[j] * g[j]
        for j in range(seen):
            g[j] = p[j] * minus(g[j], total)


@kernel
def _backward(q, k, v, c, dq, dk, dv, places, sizes, factor, causal, width, first, last):
    heads, length, many, size, depth = sizes
    key_panels = -(-many // width)
    keys, values = np.empty((key_panels, size, width), q.dtype), np.empty((key_panels, depth, width), q.dtype)
    key_rows = np.empty((-(-size // width), many, width), q.dtype)
    query_rows = np.empty((-(-size // width), BLOCK, width), q.dtype)
    c_rows = np.empty((-(-depth // width), BLOCK, width), q.dtype)
    scores, shares = np.empty((BLOCK, key_panels * width), q.dtype), np.empty(BLOCK, q.dtype)
    pulls, wide, one = np.empty_like(scores), scores.shape[1], q.dtype.type(1)
    for n in range(first, last):
        at = places[:, 0] * (n // heads) + places[:, 1] * (n % heads)
        row = places[:, 2]
        _turned(k, at[1], row[1], many, factor, keys)
        _turned(v, at[2], row[2], many, one, values)
        _panels(k, at[1], row[1], many, size, factor, key_rows)
        for j in range(many):
            dk[at[5] + j * row[5] : at[5] + j * row[5] + size] = 0
            dv[at[6] + j * row[6] : at[6] + j * row[6] + depth] = 0
        for low in range(0, length, BLOCK):
            rows = min(BLOCK, length - low)
            seen = min(many, low + rows) if causal else many
            query, cotangent = at[0] + low * row[0], at[3] + low * row[3]
            _panels(q, query, row[0], rows, size, factor, query_rows)
            _panels(c, cotangent, row[3], rows, depth, one, c_rows)
            _weights(q, query, row[0], keys, scores, shares, rows, seen, low if causal else many)
            _times(c, cotangent, row[3], 1, values, depth, pulls, 0, wide, rows, seen, 0)
            _pull_scores(scores, shares, pulls, rows, seen)
            _times(pulls, 0, wide, 1, key_rows, seen, dq, at[4] + low * row[4], row[4], rows, size, 0)
            _times(pulls, 0, 1, wide, query_rows, rows, dk, at[5], row[5], seen, size, 1)
            _times(scores, 0, 1, wide, c_rows, rows, dv, at[6], row[6], seen, depth, 1)


# ----------------------------------------------------------------------------------------------------------------------


def fits(*arrays: np.ndarray) -> bool:
    """Whether the kernels can read these arrays (B, heads, rows, columns): whole rows, forwards, none empty."""
    return all(a.size and a.strides[3] == a.itemsize and min(a.strides) >= 0 for a in arrays)


def _run(kernel: Any, arrays: tuple[np.ndarray, ...], factor: float, causal: bool) -> None:
    """`kernel` on the memory of `arrays`, heads in pieces: one type for any strides, so that it is compiled once."""
    q, _, v = arrays[:3]
    many, step = v.shape[2], q.itemsize
    batch, heads, length, size = q.shape
    flat = [as_strided(a, (1 + sum((n - 1) * s for n, s in zip(a.shape, a.strides)) // step,), (step,)) for a in arrays]
    places = np.array([a.strides[:3] for a in arrays]) // step
    sizes = heads, length, many, size, v.shape[3]
    n = batch * heads
    pieces = min(PIECES, n)
    given = *flat, places, sizes, q.dtype.type(factor), causal, columns_of(q.dtype)
    run(pieces, lambda i: kernel(*given, i * n // pieces, (i + 1) * n // pieces))


def _as(x: np.ndarray, columns: int) -> np.ndarray:
    """An array for rows of so many columns that lie in the order of those of `x`."""
    y = np.empty_like(x, shape=(*x.shape[:3], columns))
    return y if fits(y) else np.empty(y.shape, y.dtype)


def attention(q: np.ndarray, k: np.ndarray, v: np.ndarray, causal: bool, scale: float) -> np.ndarray:
    """softmax(scale Q Kᵀ) V for (B, heads, L, E), (B, heads, S, E) and (B, heads, S, Ev), ordered in memory as Q."""
    out = _as(q, v.shape[3])
    _run(_forward, (q, k, v, out), scale, causal)
    return out


def pull(c: np.ndarray, q: np.ndarray, k: np.ndarray, v: np.ndarray, causal: bool, scale: float) -> Any:
    """The cotangents of Q, K and V for that of `attention`, c."""
    found = _as(q, q.shape[3]), _as(k, k.shape[3]), _as(v, v.shape[3])
    _run(_backward, (q, k, v, c, *found), scale, causal)
    return found
