"""Recurrent layers over whole sequences, padded or packed."""

from __future__ import annotations

from typing import Any

from autograd import Tensor
from autograd.errors import ArgumentError
from autograd.ops.gru import gru_sequence
from autograd.ops.lstm import lstm_sequence, lstm_steps
from autograd.ops.rnn import rnn_sequence

from .rnn_base import RNNBase, State, Weights


class RNN(RNNBase):
    """h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh), or relu, layer upon layer (Elman, 1990).

    `input`: (T, B, in), (B, T, in) if `batch_first`, (T, in), or a PackedSequence; `hx`: (layers · directions, B,
    hidden), zeros unless given. Returns the last layer's h of all steps, in the form of the input, and the last h of
    all layers. `dropout` acts between layers, in training.

    >>> import autograd
    >>> from nn.layers.rnn import RNN
    >>> output, h = RNN(3, 4, num_layers=2)(autograd.zeros(7, 5, 3))
    >>> output.shape, h.shape
    (Size([7, 5, 4]), Size([2, 5, 4]))
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh",
                 bias: bool = True, batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False,
                 device: Any = None, dtype: Any = None) -> None:  # fmt: skip
        if nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(f"nonlinearity: expected 'tanh' or 'relu', got {nonlinearity!r}")
        super().__init__(f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, bias, batch_first, dropout,
                         bidirectional, dtype=dtype)  # fmt: skip
        self.nonlinearity = nonlinearity

    def _sequence(self, x: Tensor, state: State, w: Weights, sizes: tuple[int, ...], reverse: bool,
                  together: bool) -> Any:  # fmt: skip
        y, h, _ = rnn_sequence(x, *state, w.ih, w.hh, w.bias, sizes, reverse, self.nonlinearity == "relu", together)
        return y, (h,)


class LSTM(RNNBase):
    """Long short-term memory: each step a `LSTMCell`, layer upon layer (Hochreiter and Schmidhuber, 1997).

    [i f g o] = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh;  c_t = σ(f) c_{t-1} + σ(i) tanh(g);  h_t = σ(o) tanh(c_t), and
    with `proj_size` W_hr times that (Sak et al., 2014). Used as `RNN`, with the pair (h, c) in the place of h.

    >>> import autograd
    >>> from nn.layers.rnn import LSTM
    >>> output, (h, c) = LSTM(3, 4, bidirectional=True, batch_first=True)(autograd.zeros(5, 7, 3))
    >>> output.shape, h.shape, c.shape
    (Size([5, 7, 8]), Size([2, 5, 4]), Size([2, 5, 4]))
    """

    gates = 4

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
                 batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0,
                 device: Any = None, dtype: Any = None) -> None:  # fmt: skip
        super().__init__("LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
                         proj_size, dtype=dtype)  # fmt: skip

    def _sequence(self, x: Tensor, state: State, w: Weights, sizes: tuple[int, ...], reverse: bool,
                  together: bool) -> Any:  # fmt: skip
        h, c = state
        if w.hr is not None:
            y, h, c = lstm_steps(x, h, c, w.ih, w.hh, w.bias, sizes, reverse, together, w.hr)
        else:
            y, h, c, *_ = lstm_sequence(x, h, c, w.ih, w.hh, w.bias, sizes, reverse, together)
        return y, (h, c)

    def _states(self) -> dict[str, int]:
        return {"hx[0]": self.proj_size or self.hidden_size, "hx[1]": self.hidden_size}

    def _pair(self, state: State) -> Any:
        return state

    def _unpair(self, hx: Any) -> State:
        if not isinstance(hx, tuple | list) or len(hx) != 2 or not all(isinstance(t, Tensor) for t in hx):
            raise ArgumentError("LSTM: hx must be a pair of tensors, (h, c)")
        return tuple(hx)


class GRU(RNNBase):
    """Gated recurrent units: each step a `GRUCell`, layer upon layer (Cho et al., 2014). Used as `RNN`.

    [r z] = σ(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh);  n = tanh(W_in x_t + b_in + r (W_hn h_{t-1} + b_hn));
    h_t = (1 - z) n + z h_{t-1}.

    >>> import autograd
    >>> from nn.layers.rnn import GRU
    >>> output, h = GRU(3, 4)(autograd.zeros(7, 3))
    >>> output.shape, h.shape
    (Size([7, 4]), Size([1, 4]))
    """

    gates = 3

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
                 batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, device: Any = None,
                 dtype: Any = None) -> None:  # fmt: skip
        super().__init__("GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
                         dtype=dtype)  # fmt: skip

    def _sequence(self, x: Tensor, state: State, w: Weights, sizes: tuple[int, ...], reverse: bool,
                  together: bool) -> Any:  # fmt: skip
        y, h, *_ = gru_sequence(x, *state, w.ih, w.hh, w.bias_ih, w.bias_hh, sizes, reverse, together)
        return y, (h,)
