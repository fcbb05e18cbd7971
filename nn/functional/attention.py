"""Linear maps and attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd import Tensor
from autograd.errors import ArgumentError, DTypeError, ShapeError
from autograd.ops.einsum import bilinear as _bilinear
from autograd.ops.matmul import product, same_type
from autograd.tensor import wrap

from .dropout import dropout


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y = x Wᵀ + b for input (*, in), weight (out, in), bias (out).

    >>> import autograd, nn.functional as F
    >>> F.linear(autograd.tensor([1.0, 2.0]), autograd.tensor([[3.0, 4.0]]), autograd.tensor([0.5]))
    tensor([11.5000])
    """
    same_type("linear", input, weight)
    shape = input.array.shape
    if weight.array.ndim not in (1, 2):
        raise ShapeError(f"linear: weight must be (out_features, in_features), got shape {list(weight.shape)}")
    if not shape or shape[-1] != weight.array.shape[-1]:
        raise ShapeError(f"linear: input {list(shape)} must end with in_features={weight.array.shape[-1]}, as weight "
                         f"{list(weight.shape)} says; flatten it first?")  # fmt: skip
    if weight.array.ndim == 1:
        y = input @ weight
        return y if bias is None else y + bias
    out = weight.array.shape[0]
    rows = input if len(shape) == 2 else input.reshape(math.prod(shape[:-1]), shape[-1])
    y = product(rows, weight.t())
    if bias is not None:
        if bias.array.shape not in ((out,), (1,), ()):
            raise ShapeError(f"linear: bias must have shape [{out}], got {list(bias.shape)}")
        y = y + bias
    return y if len(shape) == 2 else y.reshape(*shape[:-1], out)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y_k = Σ_ij x1_i W_kij x2_j + b_k for inputs (*, I) and (*, J), weight (K, I, J)."""
    if weight.array.ndim != 3 or (input1.array.shape[-1:], input2.array.shape[-1:]) != (weight.array.shape[1:2], weight.array.shape[2:]):
        raise ShapeError(f"bilinear: weight {list(weight.shape)} does not fit inputs {list(input1.shape)} and {list(input2.shape)}")
    return _bilinear(input1, input2, weight, bias)


def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None,
                                 dropout_p: float = 0.0, is_causal: bool = False, scale: float | None = None,
                                 enable_gqa: bool = False) -> Tensor:  # fmt: skip
    """softmax(Q Kᵀ scale + mask) V for (..., L, E), (..., S, E), (..., S, Ev) (Vaswani et al., 2017).

    `attn_mask`: bools that are true where attention may go, or floats that are added; `scale`: 1/√E unless given.
    """
    for name, t in (("query", query), ("key", key), ("value", value)):
        if t.array.ndim < 2:
            raise ShapeError(f"scaled_dot_product_attention: {name} must be at least 2-d, got shape {list(t.shape)}")
    same_type("scaled_dot_product_attention", query, key, value)
    if is_causal and attn_mask is not None:
        raise ArgumentError("scaled_dot_product_attention: give attn_mask or is_causal=True, not both")
    if enable_gqa and query.array.ndim > 2:
        groups = query.array.shape[-3] // key.array.shape[-3]
        key, value = key.repeat_interleave(groups, -3), value.repeat_interleave(groups, -3)
    scale = 1 / math.sqrt(query.array.shape[-1]) if scale is None else scale
    scores = (query * math.sqrt(scale)) @ (key * math.sqrt(scale)).mT if scale > 0 else (query @ key.mT) * scale
    if is_causal:
        attn_mask = wrap(np.tri(query.array.shape[-2], key.array.shape[-2], dtype=bool))
    if attn_mask is not None:
        scores = scores + _as_bias(attn_mask, query)
    weights = scores.softmax(-1)
    if attn_mask is not None and attn_mask.array.dtype.kind == "b":
        weights = weights.masked_fill(wrap(np.asarray(~attn_mask.array.any(-1, keepdims=True))), 0.0)  # a row that may look nowhere
    return dropout(weights, dropout_p) @ value


def _as_bias(mask: Tensor, query: Tensor) -> Tensor:
    if mask.array.dtype.kind == "b":
        dead = ~mask.array.any(-1, keepdims=True)
        return wrap(np.where(mask.array | dead, 0, -np.inf).astype(query.array.dtype))
    if mask.array.dtype != query.array.dtype:
        raise DTypeError(f"attn_mask must be bool or {query.dtype}, as query is, got {mask.dtype}")
    return mask


def merged_masks(attn_mask: Tensor | None, key_padding_mask: Tensor | None, heads: int, batch: int, kind: Any) -> Tensor | None:
    """Both masks of `multi_head_attention_forward`, true (or -inf) where attention may not go, as one float mask."""

    def additive(mask: Tensor) -> Tensor:
        return wrap(np.where(mask.array, -np.inf, 0).astype(kind)) if mask.array.dtype.kind == "b" else mask

    total = None
    if attn_mask is not None:
        total = additive(attn_mask)
        if total.array.ndim == 3:
            total = total.reshape(batch, heads, *total.array.shape[1:])
    if key_padding_mask is not None:
        padding = additive(key_padding_mask).reshape(batch, 1, 1, -1)
        total = padding if total is None else total + padding
    return total


def multi_head_attention(query: Tensor, key: Tensor, value: Tensor, heads: int, mask: Tensor | None, dropout_p: float,
                         need_weights: bool, average: bool) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """Attention of (B, L, E), (B, S, E), (B, S, E) already projected, the features cut into `heads`."""
    batch, length, features = query.array.shape

    def split(x: Tensor) -> Tensor:
        return x.reshape(batch, x.array.shape[1], heads, features // heads).transpose(1, 2)

    q, k, v = split(query), split(key), split(value)
    if not need_weights:
        out, weights = scaled_dot_product_attention(q, k, v, mask, dropout_p), None
    else:
        scores = (q * math.sqrt(1 / (features // heads))) @ k.mT
        weights = (scores if mask is None else scores + mask).softmax(-1)
        weights = dropout(weights, dropout_p)
        out = weights @ v
        weights = weights.mean(1) if average else weights
    return out.transpose(1, 2).reshape(batch, length, features), weights


