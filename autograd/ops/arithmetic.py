"""Sums, products and their relatives: the binary operators."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import elementwise

__all__ = ["add", "div", "mul", "neg", "sub"]


@elementwise(symbol="+", dunder="add", numpy=np.add)
def add(input: Any, other: Any, /) -> Any:
    """Sum, y = input + other, with broadcasting.

    >>> import autograd
    >>> autograd.tensor([1.0, 2.0]) + 1
    tensor([2., 3.])
    """
    return input + other


add.derivative(input=lambda g: g, other=lambda g: g)


@elementwise(symbol="−", dunder="sub", numpy=np.subtract)
def sub(input: Any, other: Any, /) -> Any:
    """Difference, y = input - other, with broadcasting.

    >>> import autograd
    >>> 1 - autograd.tensor([1.0, 2.0])
    tensor([ 0., -1.])
    """
    return input - other


sub.derivative(input=lambda g: g, other=lambda g: -g)


@elementwise(symbol="×", dunder="mul", numpy=np.multiply)
def mul(input: Any, other: Any, /) -> Any:
    """Product, y = input · other, elementwise with broadcasting.

    >>> import autograd
    >>> autograd.tensor([1.0, 2.0]) * autograd.tensor([[1.0], [10.0]])
    tensor([[ 1.,  2.],
            [10., 20.]])
    """
    return input * other


mul.derivative(input=lambda g, other: g * other, other=lambda g, input: g * input)


@elementwise(symbol="÷", dunder="truediv", floats=True, numpy=np.divide)
def div(input: Any, other: Any, /) -> Any:
    """Quotient, y = input / other; integers give floats.

    >>> import autograd
    >>> autograd.tensor([1, 2]) / 2
    tensor([0.5000, 1.0000])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.true_divide(input, other)


div.derivative(input=lambda g, other: g / other, other=lambda g, out, other: -g * out / other)


@elementwise(symbol="−", dunder="neg", numpy=np.negative)
def neg(input: Any, /) -> Any:
    """Negative, y = -input.

    >>> import autograd
    >>> -autograd.tensor([1.0, -2.0])
    tensor([-1.,  2.])
    """
    return -input


neg.derivative(input=lambda g: -g)
