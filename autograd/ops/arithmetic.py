"""The four operations and what PyTorch builds from them.

The binary operators are the commonest calls of all, so their ops take no parameters and keep the short path of
`autograd/hot.py`.  The public functions with keywords (``add(alpha=)``, ``div(rounding_mode=)``) are composites over
them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError
from ..inplace import takes_out
from ..op import elementwise
from ..promotion import promote
from ..tensor import method
from .integer import floor_divide, trunc_divide
from .large import in_shared_loops

__all__ = [
    "add", "sub", "mul", "div", "neg", "positive", "subtract", "multiply", "divide", "true_divide", "negative", "rsub",
    "addcmul", "addcdiv", "lerp",
]  # fmt: skip


@elementwise(symbol="+", dunder="add", numpy=np.add, pure=True)
def _add(input: Any, other: Any, /) -> Any:
    """Sum of two tensors: what ``input + other`` runs."""
    return input + other


_add.derivative(input=lambda g: g, other=lambda g: g)
_add.kernel(in_shared_loops(_add.op.body))


@elementwise(symbol="−", dunder="sub", numpy=np.subtract, pure=True)
def _sub(input: Any, other: Any, /) -> Any:
    """Difference of two tensors: what ``input - other`` runs."""
    return input - other


_sub.derivative(input=lambda g: g, other=lambda g: -g)
_sub.kernel(in_shared_loops(_sub.op.body))


@elementwise(symbol="×", dunder="mul", numpy=np.multiply, pure=True)
def mul(input: Any, other: Any, /) -> Any:
    """Product, y = input · other, elementwise with broadcasting.

    >>> import autograd
    >>> autograd.tensor([1.0, 2.0]) * autograd.tensor([[1.0], [10.0]])
    tensor([[ 1.,  2.],
            [10., 20.]])
    """
    return input * other


mul.derivative(input=lambda g, other: g * other, other=lambda g, input: g * input)
mul.kernel(in_shared_loops(mul.op.body))


@elementwise(symbol="÷", dunder="truediv", floats=True, numpy=np.divide, pure=True)
def _div(input: Any, other: Any, /) -> Any:
    """Quotient of two tensors: what ``input / other`` runs."""
    return np.true_divide(input, other)


_div.derivative(input=lambda g, other: g / other, other=lambda g, out, other: -g * out / other)
_div.kernel(in_shared_loops(_div.op.body))


@elementwise(symbol="−", dunder="neg", numpy=np.negative, pure=True)
def neg(input: Any, /) -> Any:
    """Negative, y = -input.

    >>> import autograd
    >>> -autograd.tensor([1.0, -2.0])
    tensor([-1.,  2.])
    """
    return -input


neg.derivative(input=lambda g: -g)
neg.kernel(in_shared_loops(neg.op.body), opaque=False)


@elementwise(symbol="+", dunder="pos", inplace=False, numpy=np.positive)
def positive(input: Any, /) -> Any:
    """The same values, y = +input; booleans have no sign.

    >>> import autograd
    >>> +autograd.tensor([1.0, -2.0])
    tensor([ 1., -2.])
    """
    if input.dtype.kind == "b":
        raise DTypeError("positive: input is bool, which has no sign; convert it first: input.int()")
    return +input


positive.derivative(input=lambda g: g)


# ---------------------------------------------------------------------------------------------------------------------
# The public forms with keywords.


@takes_out
@method(inplace=True)
def add(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """Sum, y = input + alpha · other, with broadcasting.

    >>> import autograd
    >>> autograd.tensor([1.0, 2.0]) + 1
    tensor([2., 3.])
    >>> autograd.add(autograd.tensor([1.0, 2.0]), autograd.tensor([10.0, 20.0]), alpha=0.1)
    tensor([2., 4.])
    """
    return _add(input, other) if alpha == 1 else _add(*_scaled("add", input, other, alpha))


@takes_out
@method(inplace=True)
def sub(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """Difference, y = input - alpha · other, with broadcasting.

    >>> import autograd
    >>> 1 - autograd.tensor([1.0, 2.0])
    tensor([ 0., -1.])
    """
    return _sub(input, other) if alpha == 1 else _sub(*_scaled("sub", input, other, alpha))


@method
def rsub(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """Reversed difference, y = other - alpha · input.

    >>> import autograd
    >>> autograd.rsub(autograd.tensor([1.0, 2.0]), 3)
    tensor([2., 1.])
    """
    return sub(other, input, alpha=alpha)


def _scaled(name: str, input: Any, other: Any, alpha: float) -> tuple[Any, Any]:
    """`input` and alpha · `other`, of their common type."""
    input, other = promote((input, other))
    kind = getattr(other if hasattr(other, "dtype") else input, "dtype", np.dtype(float)).kind
    if (kind in "iu" and not isinstance(alpha, int)) or (kind != "b" and isinstance(alpha, bool)):
        raise ArgumentError(
            f"{name}: alpha={alpha!r} does not suit tensors of type {input.dtype}; use a number of that kind"
        )
    return input, mul(other, alpha)


@takes_out
@method(inplace=True)
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """Quotient, y = input / other; integers give floats unless rounded.

    `rounding_mode`: None, ``"trunc"`` (towards zero, as C) or ``"floor"`` (downwards, as Python's ``//``).

    >>> import autograd
    >>> autograd.tensor([1, 2]) / 2
    tensor([0.5000, 1.0000])
    >>> autograd.div(autograd.tensor([-7, 7]), 2, rounding_mode="trunc")
    tensor([-3,  3])
    """
    if rounding_mode is None:
        return _div(input, other)
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if rounding_mode == "trunc":
        return trunc_divide(input, other)
    raise ArgumentError(f"div: rounding_mode is None, 'trunc' or 'floor', not {rounding_mode!r}")


subtract = method(name="subtract", inplace=True)(sub)
multiply = method(name="multiply", inplace=True)(mul)
divide = method(name="divide", inplace=True)(div)
true_divide = method(name="true_divide", inplace=True)(div)
negative = method(name="negative", inplace=True)(neg)


# ---------------------------------------------------------------------------------------------------------------------
# Several operations in one.


@elementwise(symbol="addcmul")
def addcmul(input: Any, tensor1: Any, tensor2: Any, /, value: float = 1) -> Any:
    """y = input + value · tensor1 · tensor2, with broadcasting.

    >>> import autograd
    >>> x = autograd.tensor([1.0, 2.0])
    >>> autograd.addcmul(x, x, x, value=0.5)
    tensor([1.5000, 4.0000])
    """
    _whole_value("addcmul", input, value)
    return input + value * tensor1 * tensor2


addcmul.derivative(
    input=lambda g: g,
    tensor1=lambda g, tensor2, value: g * tensor2 * value,
    tensor2=lambda g, tensor1, value: g * tensor1 * value,
)
addcmul.samples(lambda draw, case: [case(draw(2, 3), draw(3), draw(2, 1), value=0.5), case(draw(), draw(), draw())])
addcmul.errors(lambda draw, case: [case(draw(2, 3), draw(4), draw(2, 1))])


def _whole_value(name: str, input: Any, value: float) -> None:
    if input.dtype.kind in "iu" and not isinstance(value, int):
        raise ArgumentError(f"{name}: value={value!r} must be an int when the tensors are {input.dtype}")


@elementwise(symbol="addcdiv", domain=(0.5, 2.0))
def addcdiv(input: Any, tensor1: Any, tensor2: Any, /, value: float = 1) -> Any:
    """y = input + value · tensor1 / tensor2, with broadcasting; for integers write the division that you mean.

    >>> import autograd
    >>> x = autograd.tensor([1.0, 2.0])
    >>> autograd.addcdiv(x, x, x, value=0.5)
    tensor([1.5000, 2.5000])
    """
    if input.dtype.kind in "iub":
        raise DTypeError(
            f"addcdiv: expected floating-point tensors, got {input.dtype}; write input + value * (tensor1 / tensor2), "
            "or // "
            "in place of /"
        )
    return input + value * (tensor1 / tensor2)


addcdiv.derivative(
    input=lambda g: g,
    tensor1=lambda g, tensor2, value: g * value / tensor2,
    tensor2=lambda g, tensor1, tensor2, value: -g * value * tensor1 / (tensor2 * tensor2),
)
addcdiv.samples(lambda draw, case: [case(draw(2, 3), draw(3), draw(2, 1), value=0.5), case(draw(), draw(), draw())])
addcdiv.errors(lambda draw, case: [case(draw(2, 3), draw(4), draw(2, 1)), case(*[np.ones(2, np.int64)] * 3)])


@elementwise(symbol="lerp")
def lerp(input: Any, end: Any, weight: Any, /) -> Any:
    """Linear interpolation, y = input + weight · (end - input); `weight` is a tensor or a number.

    >>> import autograd
    >>> autograd.lerp(autograd.tensor([0.0, 10.0]), autograd.tensor([1.0, 20.0]), 0.5)
    tensor([ 0.5000, 15.0000])
    """
    return input + weight * (end - input)


lerp.derivative(
    input=lambda g, weight: g * (1 - weight),
    end=lambda g, weight: g * weight,
    weight=lambda g, input, end: g * (end - input),
)
