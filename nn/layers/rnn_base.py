"""What the recurrent layers share: sequences, padded or packed, through layers and directions.

Whatever comes in, the work is done on rows: all rows of step 0, then those of step 1, ..., and how many each step has.
A rectangle (T, B, F) has B rows at every step, a packed sequence fewer and fewer; of (B, T, F) the rows stay where they
are, those of each sequence `together`.  The inputs of
all steps are projected in one product; what is left for a step is one product with the state, and one cell, and all
steps are one op.
"""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

import autograd
from autograd import Tensor
from autograd.errors import ArgumentError, ShapeError
from autograd.ops.join import join, stack

from .. import functional as F
from .. import init
from ..module import Module
from ..parameter import Parameter
from ..utils.rnn import PackedSequence

State = tuple[Tensor, ...]  # (h,), or (h, c)


class Weights(NamedTuple):
    """The parameters of one layer in one direction."""

    ih: Tensor
    hh: Tensor
    bias_ih: Tensor | None
    bias_hh: Tensor | None
    hr: Tensor | None

    @property
    def bias(self) -> Tensor | None:
        """Both biases, for cells in which they only ever occur together."""
        return None if self.bias_ih is None or self.bias_hh is None else self.bias_ih + self.bias_hh


class RNNBase(Module):
    """What the recurrent layers share: their parameters, their inputs of all forms, layers and directions.

    For layer k and direction d ("" or "_reverse") these are weight_ih_lkd (gates · hidden, in), weight_hh_lkd (gates ·
    hidden, out), bias_ih_lkd and bias_hh_lkd (gates · hidden) and, for a projection, weight_hr_lkd (proj, hidden), all
    uniform on ±1/√hidden at first.
    """

    gates = 1  # how many times hidden_size values the products give

    def __init__(self, mode: str, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
                 batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0,
                 device: Any = None, dtype: Any = None) -> None:  # fmt: skip
        super().__init__()
        _check_sizes(input_size, hidden_size, num_layers, proj_size)
        _check_options(bias, batch_first, dropout, num_layers)
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        self._directions = ("", "_reverse") if bidirectional else ("",)
        rows, out = self.gates * hidden_size, proj_size or hidden_size
        for layer in range(num_layers):
            width = input_size if layer == 0 else out * len(self._directions)
            shapes = {"weight_ih": (rows, width), "weight_hh": (rows, out), "bias_ih": (rows,), "bias_hh": (rows,),
                      "weight_hr": (proj_size, hidden_size)}  # fmt: skip
            for direction in self._directions:
                for name in self._names():
                    setattr(self, f"{name}_l{layer}{direction}", Parameter(autograd.empty(*shapes[name], dtype=dtype)))
        self.reset_parameters()

    def _names(self) -> list[str]:
        names = ["weight_ih", "weight_hh"] + (["bias_ih", "bias_hh"] if self.bias else [])
        return names + (["weight_hr"] if self.proj_size else [])

    def reset_parameters(self) -> None:
        """Fresh initial values."""
        bound = 1 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, one list for each layer and direction."""
        return [[getattr(self, f"{name}_l{layer}{direction}") for name in self._names()]
                for layer in range(self.num_layers) for direction in self._directions]  # fmt: skip

    def flatten_parameters(self) -> None:
        """Nothing: on a CPU the parameters may lie where they are."""

    def extra_repr(self) -> str:
        usual = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0}
        usual["bidirectional"] = False
        unusual = [f"{name}={vars(self)[name]}" for name, value in usual.items() if vars(self)[name] != value]
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *unusual])

    # -- the layers ------------------------------------------------------------------------------------------------

    def _sequence(self, x: Tensor, state: State, w: Weights, sizes: tuple[int, ...], reverse: bool,
                  together: bool) -> Any:  # fmt: skip
        """One layer in one direction over the inputs of all steps: its rows, and its last state."""
        raise NotImplementedError

    def _weights(self, layer: int, direction: str) -> Weights:
        own, end = vars(self), f"_l{layer}{direction}"
        biases = own.get("bias_ih" + end), own.get("bias_hh" + end)
        return Weights(own["weight_ih" + end], own["weight_hh" + end], *biases, own.get("weight_hr" + end))

    def _run(self, rows: Tensor, sizes: tuple[int, ...], initial: State,
             together: bool = False) -> tuple[Tensor, State]:  # fmt: skip
        """All layers over `rows`, `sizes` of them at each step: the last layer's rows, and the last states of all."""
        last: list[State] = []
        for layer in range(self.num_layers):
            if layer and self.dropout and self.training:
                rows = F.dropout(rows, self.dropout)
            found = []
            for direction in self._directions:
                w = self._weights(layer, direction)
                first = tuple(s[len(last)] for s in initial)
                y, state = self._sequence(rows, first, w, sizes, direction != "", together)
                found.append(y)
                last.append(state)
            rows = found[0] if len(found) == 1 else join(*found, dim=1)
        return rows, tuple(stack(states) for states in zip(*last))

    # -- inputs and outputs in their forms -------------------------------------------------------------------------

    def _states(self) -> dict[str, int]:
        """The states by the name that messages give them, with the sizes of their last dimension."""
        return {"hx": self.hidden_size}

    def _pair(self, state: State) -> Any:
        """The states as the caller wants them."""
        return state[0]

    def _unpair(self, hx: Any) -> State:
        """The states as the caller gave them."""
        if not isinstance(hx, Tensor):
            raise ArgumentError(f"{type(self).__name__}: hx must be a Tensor, got {type(hx).__name__}")
        return (hx,)

    def forward(self, input: Tensor | PackedSequence, hx: Any = None) -> Any:
        if isinstance(input, PackedSequence):
            return self._packed(input, hx)
        if input.dim() not in (2, 3):
            form = "(B, T, features)" if self.batch_first else "(T, B, features)"
            raise ShapeError(f"{type(self).__name__}: input must be {form} or (T, features), got {list(input.shape)}")
        single, together = input.dim() == 2, self.batch_first and input.dim() == 3
        x = input.unsqueeze(1) if single else input
        batch, steps = x.shape[:2] if together else x.shape[1::-1]
        self._check_input(input)
        if steps == 0:
            raise ShapeError(f"{type(self).__name__}: input must have at least one time step, got {list(input.shape)}")
        state = self._initial(hx, x, batch, single)
        y, state = self._run(x.reshape(steps * batch, self.input_size), (batch,) * steps, state, together)
        if single:
            return y, self._pair(tuple(s.squeeze(1) for s in state))
        return y.reshape(*x.shape[:2], y.shape[-1]), self._pair(state)

    def _packed(self, input: PackedSequence, hx: Any) -> tuple[PackedSequence, Any]:
        if input.data.dim() != 2:
            what = type(self).__name__
            raise ShapeError(f"{what}: input.data must be 2-d, (rows, features), got {list(input.data.shape)}")
        self._check_input(input.data)
        sizes = tuple(input.batch_sizes.tolist())
        state = self._initial(hx, input.data, sizes[0], single=False)
        if hx is not None and input.sorted_indices is not None:
            state = tuple(s.index_select(1, input.sorted_indices) for s in state)
        y, state = self._run(input.data, sizes, state)
        if input.unsorted_indices is not None:
            state = tuple(s.index_select(1, input.unsorted_indices) for s in state)
        return input._replace(data=y), self._pair(state)

    def _check_input(self, input: Tensor) -> None:
        what, kind = type(self).__name__, vars(self)["weight_ih_l0"].dtype
        if input.dtype != kind:
            raise ArgumentError(f"{what}: input is {input.dtype} and the weights are {kind}; convert the input, "
                                f"input.to(autograd.{kind}), or the module, .to(autograd.{input.dtype})")  # fmt: skip
        if input.shape[-1] != self.input_size:
            raise ShapeError(f"{what}: input {list(input.shape)} must end with input_size={self.input_size}")

    def _initial(self, hx: Any, x: Tensor, batch: int, single: bool) -> State:
        """The first states, (layers · directions, batch, size): those given, checked, or zeros."""
        what, many = type(self).__name__, self.num_layers * len(self._directions)
        if hx is None:
            return tuple(autograd.zeros(many, batch, size, dtype=x.dtype) for size in self._states().values())
        given = self._unpair(hx)
        for t, (name, size) in zip(given, self._states().items()):
            expected = (many, size) if single else (many, batch, size)
            if t.array.shape != expected:
                form = "(layers · directions, size)" if single else "(layers · directions, batch, size)"
                raise ShapeError(f"{what}: {name} must be {form} = {list(expected)} here, got {list(t.shape)}")
            if t.dtype != x.dtype:
                raise ArgumentError(f"{what}: {name} is {t.dtype} and input {x.dtype}; convert one with .to(dtype)")
        return tuple(t.unsqueeze(1) for t in given) if single else given


def _check_sizes(input_size: Any, hidden_size: Any, num_layers: int, proj_size: int) -> None:
    for name, size in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
        if not isinstance(size, int) or size <= 0:
            raise ArgumentError(f"{name}: expected an int greater than zero, got {size!r}")
    if not 0 <= proj_size < hidden_size:
        raise ArgumentError(f"proj_size: expected 0 (none) to hidden_size - 1 = {hidden_size - 1}, got {proj_size}")


def _check_options(bias: Any, batch_first: Any, dropout: Any, num_layers: int) -> None:
    for name, flag in (("bias", bias), ("batch_first", batch_first)):
        if not isinstance(flag, bool):
            raise ArgumentError(f"{name}: expected a bool, got {flag!r}")
    if isinstance(dropout, bool) or not isinstance(dropout, int | float) or not 0 <= dropout <= 1:
        raise ArgumentError(f"dropout: must be a probability between 0 and 1, got {dropout!r}")
    if dropout and num_layers == 1:
        warnings.warn(f"dropout={dropout} acts between layers, and num_layers=1 is only one", stacklevel=4)
