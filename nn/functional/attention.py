"""Linear maps and attention."""

from __future__ import annotations

import math

import numpy as np

from autograd import Tensor
from autograd.errors import ArgumentError, DTypeError, ShapeError
from autograd.ops.attention import attention
from autograd.ops.einsum import bilinear as _bilinear
from autograd.ops.matmul import affine, same_type
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
    if bias is not None and bias.array.shape != (out,):
        if bias.array.shape not in ((1,), ()):
            raise ShapeError(f"linear: bias must have shape [{out}], got {list(bias.shape)}")
        bias = bias.expand(out)
    y = affine(rows, weight, bias)
    return y if len(shape) == 2 else y.reshape(*shape[:-1], out)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y_k = Σ_ij x1_i W_kij x2_j + b_k for inputs (*, I) and (*, J), weight (K, I, J)."""
    shape, ends = weight.array.shape, (input1.array.shape[-1:], input2.array.shape[-1:])
    if len(shape) != 3 or ends != (shape[1:2], shape[2:]):
        given = f"{list(input1.shape)} and {list(input2.shape)}"
        raise ShapeError(f"bilinear: weight {list(shape)} does not fit inputs {given}")
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
    if attn_mask is None and dropout_p == 0 and _alike(query, key, value):
        return attention(query, key, value, is_causal, scale)
    if is_causal:
        attn_mask = wrap(np.tri(query.array.shape[-2], key.array.shape[-2], dtype=bool))
    if attn_mask is not None and attn_mask.array.dtype.kind == "b":
        attn_mask = wrap(~attn_mask.array)
    bias = None if attn_mask is None else as_bias("attn_mask", attn_mask, query)
    return attend(query, key, value, bias, dropout_p, scale)[0]


def _alike(query: Tensor, key: Tensor, value: Tensor) -> bool:
    """Whether no dimension is broadcast, and there are numbers to attend to."""
    q, k, v = query.array, key.array, value.array
    return (q.shape[:-2], q.shape[-1]) == (k.shape[:-2], k.shape[-1]) and k.shape[:-1] == v.shape[:-1] and k.size > 0


def as_bias(name: str, mask: Tensor, query: Tensor) -> Tensor:
    """What is added to the scores: -∞ where a mask of bools is true, a mask of floats as it is."""
    if mask.array.dtype.kind == "b":
        return wrap(np.where(mask.array, -np.inf, 0).astype(query.array.dtype))
    if mask.array.dtype != query.array.dtype:
        raise DTypeError(f"{name} must be bool or {query.dtype}, as query is, got {mask.dtype}")
    return mask


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, dropout_p: float,
           scale: float | None = None) -> tuple[Tensor, Tensor]:  # fmt: skip
    """(W V, W) with W = softmax(Q Kᵀ scale + bias), rows after dropout; a row whose bias is -∞ everywhere is 0."""
    scores = (query * (1 / math.sqrt(query.array.shape[-1]) if scale is None else scale)) @ key.mT
    dead = None
    if bias is not None:
        nowhere = np.isneginf(bias.array).all(-1, keepdims=True)
        if nowhere.any():
            dead = wrap(np.asarray(nowhere))
            bias = bias.masked_fill(dead, 0.0)  # so that its softmax is a number, and has a derivative, before it is 0
        scores = scores + bias
    weights = scores.softmax(-1)
    if dead is not None:
        weights = weights.masked_fill(dead, 0.0)
    weights = dropout(weights, dropout_p)
    return weights @ value, weights
