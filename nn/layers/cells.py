"""Recurrent cells: one step of a sequence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd
from autograd import Tensor
from autograd.errors import ArgumentError, ShapeError
from autograd.ops.cells import gru_gates, lstm_gates
from autograd.tensor import wrap

from .. import functional as F
from .. import init
from ..module import Module
from ..parameter import Parameter


class RNNCellBase(Module):
    """The weights of a cell with `num_chunks` gates, uniform on ±1/√hidden at first: weight_ih (gates · hidden, in),
    weight_hh (gates · hidden, hidden), bias_ih and bias_hh (gates · hidden)."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        gates = num_chunks * hidden_size
        self.weight_ih = Parameter(autograd.empty(gates, input_size, dtype=dtype))
        self.weight_hh = Parameter(autograd.empty(gates, hidden_size, dtype=dtype))
        self.bias_ih = Parameter(autograd.empty(gates, dtype=dtype)) if bias else None
        self.bias_hh = Parameter(autograd.empty(gates, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Fresh initial values."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}{'' if self.bias else ', bias=False'}"

    def _rows(self, input: Tensor, states: Sequence[tuple[str, Tensor]]) -> tuple[Tensor, list[Tensor]]:
        """The input and the states as (batch, features), checked; states that are not given are zeros."""
        what = type(self).__name__
        for name, t in (("input", input), *states):
            if not isinstance(t, Tensor) or t.dtype != self.weight_ih.dtype:
                kind = t.dtype if isinstance(t, Tensor) else type(t).__name__
                raise ArgumentError(
                    f"{what}: {name} must be a {self.weight_ih.dtype} Tensor, as the weights are, got {kind}"
                )
            if t.dim() not in (1, 2):
                raise ShapeError(f"{what}: {name} must have 1 or 2 dimensions, (batch, features), got {list(t.shape)}")
        if input.shape[-1] != self.input_size:
            raise ShapeError(f"{what}: input {list(input.shape)} must end with input_size={self.input_size}")
        expected = (*input.shape[:-1], self.hidden_size)
        for name, t in states:
            if tuple(t.shape) != expected:
                raise ShapeError(f"{what}: {name} must have shape {list(expected)}, as input {list(input.shape)} and "
                                 f"hidden_size={self.hidden_size} say, got {list(t.shape)}")  # fmt: skip
        single = input.dim() == 1
        return (input.unsqueeze(0) if single else input), [t.unsqueeze(0) if single else t for _, t in states]

    def _zeros(self, input: Tensor) -> Tensor:
        return wrap(np.zeros((*input.shape[:-1], self.hidden_size), input.dtype))

    def _projections(self, input: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        return F.linear(input, self.weight_ih, self.bias_ih), F.linear(hidden, self.weight_hh, self.bias_hh)


def _like(input: Tensor, rows: Tensor) -> Tensor:
    """A batch, or its only row if the input was no batch."""
    return rows.squeeze(0) if input.dim() == 1 else rows


class RNNCell(RNNCellBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu: x (B, in) or (in), h (B, hidden) or (hidden) (Elman, 1990).

    >>> import autograd
    >>> from nn.layers.cells import RNNCell
    >>> RNNCell(3, 2)(autograd.zeros(5, 3)).shape
    Size([5, 2])
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh",
                 device: Any = None, dtype: Any = None) -> None:  # fmt: skip
        super().__init__(input_size, hidden_size, bias, 1, dtype=dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        x, (h,) = self._rows(input, [("hx", self._zeros(input) if hx is None else hx)])
        if self.nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(f"RNNCell: nonlinearity must be 'tanh' or 'relu', got {self.nonlinearity!r}")
        from_input, from_hidden = self._projections(x, h)
        total = from_input + from_hidden
        new = total.tanh() if self.nonlinearity == "tanh" else total.relu()
        return _like(input, new)

    def extra_repr(self) -> str:
        return super().extra_repr() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}")


class LSTMCell(RNNCellBase):
    """(h', c') from x, h and the memory c, by input, forget and output gates (Hochreiter and Schmidhuber, 1997).

    [i f g o] = W_ih x + b_ih + W_hh h + b_hh;  c' = σ(f) c + σ(i) tanh(g);  h' = σ(o) tanh(c').

    >>> import autograd
    >>> from nn.layers.cells import LSTMCell
    >>> h, c = LSTMCell(3, 2)(autograd.zeros(5, 3))
    >>> h.shape, c.shape
    (Size([5, 2]), Size([5, 2]))
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, dtype=dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        if hx is not None and (not isinstance(hx, tuple | list) or len(hx) != 2):
            raise ArgumentError("LSTMCell: hx must be a pair of tensors, (h, c)")
        h, c = (self._zeros(input),) * 2 if hx is None else hx
        x, (h, c) = self._rows(input, [("hx[0]", h), ("hx[1]", c)])
        from_input, from_hidden = self._projections(x, h)
        new = lstm_gates(from_input + from_hidden, c)
        return _like(input, new.h), _like(input, new.c)


class GRUCell(RNNCellBase):
    """h' = (1 - z) n + z h, with reset gate r and update gate z (Cho et al., 2014).

    [r z] = σ(W_ih x + b_ih + W_hh h + b_hh);  n = tanh(W_in x + b_in + r (W_hn h + b_hn)).

    >>> import autograd
    >>> from nn.layers.cells import GRUCell
    >>> GRUCell(3, 2)(autograd.zeros(3)).shape
    Size([2])
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, dtype=dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        x, (h,) = self._rows(input, [("hx", self._zeros(input) if hx is None else hx)])
        return _like(input, gru_gates(*self._projections(x, h), h).h)
