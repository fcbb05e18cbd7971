"""Scaled dot-product attention as one op, with a kernel that makes no table of all weights.

The cotangents are an op too, with a kernel of its own; its formula is in ops that have derivatives, so that those of
any order follow.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..op import op
from .softmax import _softmax, _softmax_pull

__all__: list[str] = []

LEAST = 1024  # elements of the query from which a kernel is faster than NumPy


class Cotangents(NamedTuple):
    """What `_attention_pull` returns."""

    query: Any
    key: Any
    value: Any


def _turned(x: Any) -> Any:
    return x.swapaxes(-1, -2)


def _weights(query: Any, key: Any, causal: bool, scale: float) -> Any:
    """softmax(scale Q Kᵀ); in a causal head row i sees keys 0 to i."""
    scores = (query * scale) @ _turned(key)
    if causal:
        seen = np.tri(*scores.shape[-2:])
        scores = scores + np.where(seen == 1, 0, -np.inf).astype(scores.dtype)
    return _softmax(scores, -1)


def _fits(query: Any, *others: Any) -> bool:
    return query.size >= LEAST and query.ndim <= 4 and all(
        type(x) is np.ndarray and x.ndim == query.ndim and x.dtype == query.dtype and x.dtype.char in "fd"
        for x in (query, *others)
    )  # fmt: skip


def _as_heads(*arrays: np.ndarray) -> Any:
    """(B, heads, rows, columns) of arrays with as many dimensions or fewer."""
    return [x.reshape((1,) * (4 - x.ndim) + x.shape) for x in arrays]


@op(name="attention", symbol="softmax(Q Kᵀ) V", method=False)
def attention(query: Any, key: Any, value: Any, /, causal: bool, scale: float) -> Any:
    """softmax(scale Q Kᵀ) V for (..., L, E), (..., S, E) and (..., S, Ev) with the same dimensions in front: the op
    behind `F.scaled_dot_product_attention` (Vaswani et al., 2017)."""
    return _weights(query, key, causal, scale) @ value


@attention.kernel
def _(query: Any, key: Any, value: Any, causal: bool, scale: float) -> Any:
    if not _fits(query, key, value):
        return NotImplemented
    from ..kernels import attention

    q, k, v = _as_heads(query, key, value)
    if not attention.fits(q, k, v):
        return NotImplemented
    return attention.attention(q, k, v, causal, scale).reshape((*query.shape[:-1], value.shape[-1]))


@op(name="attention_pull", symbol="attention'", method=False, multiple=True)
def _attention_pull(c: Any, query: Any, key: Any, value: Any, /, causal: bool, scale: float) -> Any:
    """The cotangents of Q, K and V for that of the result, C: with weights P and D = P (C Vᵀ - Σ P C Vᵀ), these are
    scale D K, scale Dᵀ Q and Pᵀ C."""
    p = _weights(query, key, causal, scale)
    d = _softmax_pull(c @ _turned(value), p, -1) * scale
    return Cotangents(d @ key, _turned(d) @ query, _turned(p) @ c)


@_attention_pull.kernel
def _(c: Any, query: Any, key: Any, value: Any, causal: bool, scale: float) -> Any:
    if not _fits(query, key, value, c):
        return NotImplemented
    from ..kernels import attention

    g, q, k, v = _as_heads(c, query, key, value)
    if not attention.fits(g, q, k, v):
        return NotImplemented
    found = attention.pull(g, q, k, v, causal, scale)
    return Cotangents(*(x.reshape(like.shape) for x, like in zip(found, (query, key, value))))


def _second(g: Any, c: Any, query: Any, key: Any, value: Any, causal: bool, scale: float) -> tuple[Any, ...]:
    """The derivative of `_attention_pull`, from φ = ⟨U, D⟩ + ⟨P, C c̄ᵀ⟩ with U = scale (q̄ Kᵀ + Q k̄ᵀ) for cotangents
    q̄, k̄, v̄ = c̄ of its results: C and V see D's linear part, the scores P's."""
    g_query, g_key, g_value = g
    p, dp = _weights(query, key, causal, scale), c @ _turned(value)
    d, u = _softmax_pull(dp, p, -1), (g_query @ _turned(key) + query @ _turned(g_key)) * scale
    w = _softmax_pull(u, p, -1)
    by_p = u * (dp - (dp * p).sum(-1, keepdims=True)) - dp * (u * p).sum(-1, keepdims=True) + c @ _turned(g_value)
    t, d = _softmax_pull(by_p, p, -1) * scale, d * scale
    by_query, by_key = t @ key + d @ g_key, _turned(t) @ query + _turned(d) @ g_query
    return w @ value + p @ g_value, by_query, by_key, _turned(w) @ c


attention.derivative(
    lambda g, query, key, value, causal, scale: tuple(_attention_pull(g, query, key, value, causal, scale))
)
_attention_pull.derivative(
    lambda g, c, query, key, value, causal, scale: _second(g, c, query, key, value, causal, scale)
)
attention.samples(
    lambda draw, case: [case(draw(2, 3), draw(4, 3), draw(4, 2), False, 0.7),
                        case(draw(2, 1, 3, 2), draw(2, 1, 2, 2), draw(2, 1, 2, 3), True, -0.6)]
)  # fmt: skip
attention.errors(lambda draw, case: [case(draw(2, 3), draw(4, 2), draw(4, 2), False, 1.0)])
_attention_pull.samples(lambda draw, case: [case(draw(3, 1), draw(3, 2), draw(2, 2), draw(2, 1), True, 0.8)])
