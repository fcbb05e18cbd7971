"""Attention by several heads, as a layer."""

from __future__ import annotations

from typing import Any

import autograd
from autograd import Tensor
from autograd.errors import ArgumentError

from .. import functional as F
from .. import init
from ..module import Module
from ..parameter import Parameter
from .linear import Linear


class MultiheadAttention(Module):
    """[head_1 ... head_h] W_oᵀ + b_o, head_i = softmax(Q_i K_iᵀ / √d) V_i, d = embed_dim / h (Vaswani et al., 2017).

    Called with `query` (L, B, E), `key` (S, B, kdim) and `value` (S, B, vdim), or with B in front if `batch_first`, or
    all without B; returns the output, as `query`, and the weights (B, L, S), or None if they are not needed. For the
    masks see `F.multi_head_attention_forward`. `add_bias_kv`: a learnt key and value besides those given;
    `add_zero_attn`: one of zeros; `dropout`: of the weights, in training.

    >>> import autograd
    >>> from nn.layers.attention import MultiheadAttention
    >>> x = autograd.ones(5, 2, 8)
    >>> output, weights = MultiheadAttention(8, num_heads=4)(x, x, x)
    >>> output.shape, weights.shape
    (Size([5, 2, 8]), Size([2, 5, 5]))
    """

    def __init__(self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True,
                 add_bias_kv: bool = False, add_zero_attn: bool = False, kdim: int | None = None,
                 vdim: int | None = None, batch_first: bool = False, device: Any = None,
                 dtype: Any = None) -> None:  # fmt: skip
        super().__init__()
        if embed_dim <= 0 or num_heads <= 0 or embed_dim % num_heads:
            raise ArgumentError(f"MultiheadAttention: embed_dim={embed_dim} and num_heads={num_heads} must be "
                                "positive, and num_heads must divide embed_dim")  # fmt: skip
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim, self.vdim = embed_dim if kdim is None else kdim, embed_dim if vdim is None else vdim
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn

        def fresh(*shape: int) -> Parameter:
            return Parameter(autograd.empty(*shape, dtype=dtype))

        one = self.kdim == self.vdim == embed_dim  # then the three projections are one matrix
        self.in_proj_weight = fresh(3 * embed_dim, embed_dim) if one else None
        self.q_proj_weight = None if one else fresh(embed_dim, embed_dim)
        self.k_proj_weight = None if one else fresh(embed_dim, self.kdim)
        self.v_proj_weight = None if one else fresh(embed_dim, self.vdim)
        self.in_proj_bias = fresh(3 * embed_dim) if bias else None
        self.bias_k = fresh(1, 1, embed_dim) if add_bias_kv else None
        self.bias_v = fresh(1, 1, embed_dim) if add_bias_kv else None
        self.out_proj = Linear(embed_dim, embed_dim, bias=bias, dtype=dtype)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Fresh initial values: weights by Glorot and Bengio (2010), biases 0."""
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        for zero in (self.in_proj_bias, self.out_proj.bias):
            if zero is not None:
                init.zeros_(zero)
        for row in (self.bias_k, self.bias_v):
            if row is not None:
                init.xavier_normal_(row)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None = None,
                need_weights: bool = True, attn_mask: Tensor | None = None, average_attn_weights: bool = True,
                is_causal: bool = False) -> tuple[Tensor, Tensor | None]:  # fmt: skip
        return F.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight, self.in_proj_bias, self.bias_k,
            self.bias_v, self.add_zero_attn, self.dropout, self.out_proj.weight, self.out_proj.bias, self.training,
            key_padding_mask, need_weights, attn_mask, self.in_proj_weight is None, self.q_proj_weight,
            self.k_proj_weight, self.v_proj_weight, average_attn_weights=average_attn_weights, is_causal=is_causal,
            batch_first=self.batch_first,
        )  # fmt: skip
