"""Attention by several heads, each with its share of the features."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import Tensor
from autograd.errors import ArgumentError, ShapeError
from autograd.ops.join import join
from autograd.tensor import wrap

from .attention import as_bias, attend, linear

_NAME = "multi_head_attention_forward"


def multi_head_attention_forward(
    query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int,
    in_proj_weight: Tensor | None, in_proj_bias: Tensor | None, bias_k: Tensor | None, bias_v: Tensor | None,
    add_zero_attn: bool, dropout_p: float, out_proj_weight: Tensor, out_proj_bias: Tensor | None, training: bool = True,
    key_padding_mask: Tensor | None = None, need_weights: bool = True, attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False, q_proj_weight: Tensor | None = None, k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None, static_k: Tensor | None = None, static_v: Tensor | None = None,
    average_attn_weights: bool = True, is_causal: bool = False, *, batch_first: bool = False,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """[head_1 ... head_h] W_oᵀ + b_o, head_i = softmax(Q_i K_iᵀ / √d) V_i of projected Q, K, V (Vaswani et al., 2017).

    `query` (L, B, E), `key` (S, B, K) and `value` (S, B, V), or all without B, or with B in front if `batch_first`,
    which PyTorch's function lacks. Returns as `query`, and the weights, (B, L, S) or, unless averaged, (B, heads, L,
    S). The masks, `attn_mask` (L, S) or (B · heads, L, S) and `key_padding_mask` (B, S), are true where attention may
    not go, or are added; a row that may look nowhere is 0. `is_causal` only says that `attn_mask` is causal.
    """
    _check(query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight)
    if is_causal and attn_mask is None:
        raise ArgumentError(f"{_NAME}: is_causal is a hint about attn_mask, which is missing; make it by "
                            "Transformer.generate_square_subsequent_mask(length)")  # fmt: skip
    single = query.dim() == 2
    if single:
        batch_first = False
        query, key, value = _as_batch(query, key, value)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    time = int(batch_first)
    scores = (query.shape[1 - time], num_heads, query.shape[time], key.shape[time])
    bias = _merged(attn_mask, key_padding_mask, query, scores)
    weights = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else (in_proj_weight,)
    q, k, v = _projected(query, key, value, weights, in_proj_bias, num_heads, batch_first)
    k = k if static_k is None else _static("static_k", static_k, k)
    v = v if static_v is None else _static("static_v", static_v, v)
    more = _more_rows(k, bias_k, bias_v, add_zero_attn)
    if more:
        k, v = join(k, *(row for row, _ in more), dim=2), join(v, *(row for _, row in more), dim=2)
        if bias is not None:  # everyone may look at them
            bias = join(bias, wrap(np.zeros((*bias.shape[:3], len(more)), bias.dtype)), dim=3)
    heads, attention = attend(q, k, v, bias, dropout_p if training else 0.0)
    rows = heads.permute(2, 0, 1, 3).reshape(scores[2], scores[0], embed_dim_to_check)
    out = linear(rows, out_proj_weight, out_proj_bias)  # in memory always (L, B, E), which a dropout after it sees
    out = out.transpose(0, 1) if batch_first else out.squeeze(1) if single else out
    if not need_weights:
        return out, None
    attention = attention.mean(1) if average_attn_weights else attention
    return out, attention.squeeze(0) if single else attention


def _check(query: Tensor, key: Tensor, value: Tensor, features: int, heads: int, separate: bool) -> None:
    shapes = f"got query {list(query.shape)}, key {list(key.shape)}, value {list(value.shape)}"
    if query.dim() not in (2, 3) or not query.dim() == key.dim() == value.dim():
        raise ShapeError(f"{_NAME}: query, key and value must all have 3 dimensions, or 2 without a batch; {shapes}")
    if query.shape[-1] != features:
        raise ShapeError(f"{_NAME}: query must end with embed_dim={features}; {shapes}")
    if features % heads:
        raise ArgumentError(f"{_NAME}: num_heads={heads} must divide embed_dim={features}")
    if key.shape[:-1] != value.shape[:-1] or not (separate or key.shape == value.shape):
        what = "lengths" if separate else "shape"
        raise ShapeError(f"{_NAME}: key and value must have the same {what}; {shapes}")


def _as_batch(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A batch of one; what was one tensor stays one."""
    q = query.unsqueeze(1)
    k = q if key is query else key.unsqueeze(1)
    return q, k, k if value is key else value.unsqueeze(1)


def _merged(attn_mask: Tensor | None, key_padding_mask: Tensor | None, query: Tensor,
            scores: tuple[int, ...]) -> Tensor | None:  # fmt: skip
    """Both masks as one, to be added to the scores (B, heads, L, S)."""
    batch, heads, length, source = scores
    total = None
    if attn_mask is not None:
        flat = attn_mask.dim() == 2
        _check_mask("attn_mask", attn_mask, (length, source) if flat else (batch * heads, length, source))
        total = as_bias("attn_mask", attn_mask, query).reshape(*((1, 1) if flat else (batch, heads)), length, source)
    if key_padding_mask is not None:
        _check_mask("key_padding_mask", key_padding_mask, (batch, source))
        padding = as_bias("key_padding_mask", key_padding_mask, query).reshape(batch, 1, 1, source)
        total = padding if total is None else total + padding
    return total


def _check_mask(name: str, mask: Tensor, expected: tuple[int, ...]) -> None:
    if tuple(mask.shape) != expected:
        raise ShapeError(f"{_NAME}: {name} must have shape {list(expected)} here, got {list(mask.shape)}")


def _projected(query: Tensor, key: Tensor, value: Tensor, weights: Any, bias: Tensor | None, heads: int,
               batch_first: bool) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Q, K and V, (B, heads, T, E / heads) each; what has one input is one product."""
    features = query.shape[-1]
    whole = len(weights) == 1
    if any(w is None for w in weights):
        raise ArgumentError(f"{_NAME}: {'in_proj_weight is' if whole else 'q_, k_ and v_proj_weight are'} missing")
    if whole and query is key is value:
        q, k, v = _heads(linear(query, weights[0], bias), 3, heads, batch_first)
        return q, k, v
    sizes = [features, 2 * features] if whole and key is value else [features] * 3
    parts = weights[0].split(sizes) if whole else weights
    biases = (None,) * 3 if bias is None else bias.split(sizes)
    found: list[Tensor] = []
    for x, w, b in zip((query, key, value), parts, biases):
        found += _heads(linear(x, w, b), w.shape[0] // features, heads, batch_first)
    q, k, v = found
    return q, k, v


def _heads(x: Tensor, many: int, heads: int, batch_first: bool) -> list[Tensor]:
    """(T, B, many · E), or (B, T, many · E), as `many` tensors (B, heads, T, E / heads)."""
    a, b, width = x.shape
    cut = x.reshape(a, b, many, heads, width // (many * heads))
    cut = cut.permute(2, *((0, 3, 1, 4) if batch_first else (1, 3, 0, 4)))
    return list(cut.unbind(0))


def _static(name: str, given: Tensor, x: Tensor) -> Tensor:
    """A key or value (B · heads, S, E / heads) that is given as it is, instead of `x`."""
    batch, heads, _, features = x.shape
    if given.dim() != 3 or (given.shape[0], given.shape[2]) != (batch * heads, features):
        raise ShapeError(f"{_NAME}: {name} must have shape [{batch * heads}, S, {features}], got {list(given.shape)}")
    return given.reshape(batch, heads, given.shape[1], features)


def _more_rows(k: Tensor, bias_k: Tensor | None, bias_v: Tensor | None, zero: bool) -> list[tuple[Tensor, Tensor]]:
    """What keys and values are to have besides: a learnt row, a row of zeros."""
    batch, heads, _, features = k.shape
    rows: list[tuple[Tensor, Tensor]] = []
    if bias_k is not None and bias_v is not None:
        learnt = [b.reshape(1, heads, 1, features).expand(batch, -1, -1, -1) for b in (bias_k, bias_v)]
        rows.append((learnt[0], learnt[1]))
    elif bias_k is not None or bias_v is not None:
        raise ArgumentError(f"{_NAME}: give bias_k and bias_v both or neither")
    if zero:
        zeros = wrap(np.zeros((batch, heads, 1, features), k.dtype))
        rows.append((zeros, zeros))
    return rows
