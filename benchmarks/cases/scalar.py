"""A graph of scalars, as those who write their first autograd engine have it: a small perceptron, number by number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..case import Case, Work

INPUTS, HIDDEN = 3, 8


class Value:
    """The rival: a number that remembers what it was made of, in pure Python."""

    __slots__ = ("data", "grad", "parents")

    def __init__(self, data: float, parents: tuple[tuple[Value, float], ...] = ()) -> None:
        self.data, self.grad, self.parents = data, 0.0, parents  # each parent with the derivative by it

    def __add__(self, other: Value) -> Value:
        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other: Value) -> Value:
        return Value(self.data * other.data, ((self, other.data), (other, self.data)))

    def tanh(self) -> Value:
        t = math.tanh(self.data)
        return Value(t, ((self, 1 - t * t),))

    def backward(self) -> None:
        """Add the derivative by each ancestor to its `grad`, each once all that use it are done."""
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            value, ready = stack.pop()
            if ready:
                order.append(value)
            elif id(value) not in seen:
                seen.add(id(value))
                stack.append((value, True))
                stack.extend((parent, False) for parent, _ in value.parents)
        self.grad = 1.0
        for value in reversed(order):
            for parent, slope in value.parents:
                parent.grad += slope * value.grad


def _numbers() -> list[float]:
    count = INPUTS + HIDDEN * (INPUTS + 2)
    return [float(v) for v in np.random.default_rng(0).standard_normal(count).astype(np.float32)]


def _perceptron(values: list[Any]) -> Any:
    """Σ_j v_j tanh(Σ_i w_ji x_i + b_j)."""
    x, rest, total = values[:INPUTS], iter(values[INPUTS:]), None
    for _ in range(HIDDEN):
        h = next(rest)
        for each in x:
            h = h + next(rest) * each
        h = h.tanh() * next(rest)
        total = h if total is None else total + h
    return total


_CALLS = HIDDEN * (2 * INPUTS + 2) + HIDDEN - 1


def _step(values: list[Any], start: Any) -> Callable[[], Any]:
    def step() -> Any:
        for value in values:
            value.grad = start
        loss = _perceptron(values)
        loss.backward()
        return loss

    return step


def build(library: Any, toy: bool) -> Callable[[], Any]:
    """Tensors without dimensions."""
    return _step([library.torch.tensor(v, requires_grad=True) for v in _numbers()], None)


def build_python(weights: Any, toy: bool) -> Callable[[], Any]:
    """The rival's step."""
    step = _step([Value(v) for v in _numbers()], 0.0)
    return lambda: step().data


CASES = [
    Case("scalar", "an operation in a graph of scalars, forward and backward", "call", build, {"python": build_python},
         Work(calls=_CALLS), without={"torch.compile": "its users would not compile scalars"})
]  # fmt: skip
