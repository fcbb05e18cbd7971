"""Questions with yes or no for an answer, element by element; none is differentiable."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError
from ..op import elementwise, op
from ..tensor import Tensor, method
from .zero import zero

__all__ = [
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "not_equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "logical_and",
    "logical_or",
    "logical_xor",
    "logical_not",
    "isclose",
    "allclose",
    "equal",
    "isnan",
    "isinf",
    "isfinite",
    "isposinf",
    "isneginf",
    "isreal",
    "signbit",
    "copysign",
]


@elementwise(symbol="=", differentiable=False, numpy=np.equal)
def eq(input: Any, other: Any, /) -> Any:
    """Whether input = other, elementwise with broadcasting.

    >>> import autograd
    >>> autograd.tensor([1, 2]) == 2
    tensor([False,  True])
    """
    return np.equal(input, other)


@elementwise(symbol="≠", differentiable=False, numpy=np.not_equal)
def ne(input: Any, other: Any, /) -> Any:
    """Whether input ≠ other, elementwise with broadcasting.

    >>> import autograd
    >>> autograd.tensor([1, 2]) != 2
    tensor([ True, False])
    """
    return np.not_equal(input, other)


_COMPARABLE = (Tensor, builtins.int, builtins.float, complex, np.ndarray, np.generic)


@method(name="__eq__")
def _eq(self: Tensor, other: Any) -> Any:
    """``self == other``: elementwise for tensors and numbers, False for anything else, such as None."""
    return eq(self, other) if isinstance(other, _COMPARABLE) else NotImplemented


@method(name="__ne__")
def _ne(self: Tensor, other: Any) -> Any:
    """``self != other``: elementwise for tensors and numbers, True for anything else, such as None."""
    return ne(self, other) if isinstance(other, _COMPARABLE) else NotImplemented


@elementwise(symbol="<", dunder="lt", differentiable=False, numpy=np.less)
def lt(input: Any, other: Any, /) -> Any:
    """Whether input < other, elementwise with broadcasting.

    >>> import autograd
    >>> autograd.tensor([1, 2]) < 2
    tensor([ True, False])
    """
    return np.less(input, other)


@elementwise(symbol="≤", dunder="le", differentiable=False, numpy=np.less_equal)
def le(input: Any, other: Any, /) -> Any:
    """Whether input ≤ other, elementwise with broadcasting.

    >>> import autograd
    >>> autograd.tensor([1, 3]) <= 2
    tensor([ True, False])
    """
    return np.less_equal(input, other)


@elementwise(symbol=">", dunder="gt", differentiable=False, numpy=np.greater)
def gt(input: Any, other: Any, /) -> Any:
    """Whether input > other, elementwise with broadcasting.

    >>> import autograd
    >>> autograd.tensor([1, 3]) > 2
    tensor([False,  True])
    """
    return np.greater(input, other)


@elementwise(symbol="≥", dunder="ge", differentiable=False, numpy=np.greater_equal)
def ge(input: Any, other: Any, /) -> Any:
    """Whether input ≥ other, elementwise with broadcasting.

    >>> import autograd
    >>> autograd.tensor([1, 2]) >= 2
    tensor([False,  True])
    """
    return np.greater_equal(input, other)


not_equal = method(name="not_equal", inplace=True)(ne)
less = method(name="less", inplace=True)(lt)
less_equal = method(name="less_equal", inplace=True)(le)
greater = method(name="greater", inplace=True)(gt)
greater_equal = method(name="greater_equal", inplace=True)(ge)


# ---------------------------------------------------------------------------------------------------------------------
# Truth values: a number is true if it is not 0.


@elementwise(symbol="∧", differentiable=False, numpy=np.logical_and)
def logical_and(input: Any, other: Any, /) -> Any:
    """Whether both are true (not 0).

    >>> import autograd
    >>> autograd.logical_and(autograd.tensor([0.0, 1.0, 2.0]), autograd.tensor([1, 0, 1]))
    tensor([False, False,  True])
    """
    return np.logical_and(input, other)


@elementwise(symbol="∨", differentiable=False, numpy=np.logical_or)
def logical_or(input: Any, other: Any, /) -> Any:
    """Whether at least one is true (not 0).

    >>> import autograd
    >>> autograd.logical_or(autograd.tensor([0.0, 1.0]), autograd.tensor([0, 0]))
    tensor([False,  True])
    """
    return np.logical_or(input, other)


@elementwise(symbol="⊻", differentiable=False, numpy=np.logical_xor)
def logical_xor(input: Any, other: Any, /) -> Any:
    """Whether exactly one is true (not 0).

    >>> import autograd
    >>> autograd.logical_xor(autograd.tensor([0.0, 1.0]), autograd.tensor([2, 2]))
    tensor([ True, False])
    """
    return np.logical_xor(input, other)


@elementwise(symbol="¬", differentiable=False, numpy=np.logical_not)
def logical_not(input: Any, /) -> Any:
    """Whether it is false (0).

    >>> import autograd
    >>> autograd.logical_not(autograd.tensor([0.0, 1.0]))
    tensor([ True, False])
    """
    return np.logical_not(input)


# ---------------------------------------------------------------------------------------------------------------------
# Near, equal, special.


@op(symbol="≈", differentiable=False, numpy=np.isclose)
def isclose(input: Any, other: Any, /, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether |input - other| <= atol + rtol · |other|, elementwise.

    >>> import autograd
    >>> autograd.isclose(autograd.tensor([1.0, 2.0]), autograd.tensor([1.000001, 2.1]))
    tensor([ True, False])
    """
    if not isinstance(other, np.ndarray) or input.dtype != other.dtype:
        raise DTypeError(
            f"isclose: expected other to be a tensor of input's type, {input.dtype}, got "
            f"{getattr(other, 'dtype', type(other).__name__)}; convert it first"
        )
    if rtol < 0 or atol < 0:
        raise ArgumentError(f"isclose: rtol={rtol} and atol={atol} must not be negative")
    if input.dtype.kind == "b":
        return input == other
    close = np.abs(input - other) <= atol + np.abs(rtol * other)
    close = (input == other) | (close & np.isfinite(input) & np.isfinite(other))
    return close | (np.isnan(input) & np.isnan(other)) if equal_nan else close


isclose.samples(
    lambda draw, case: [case(draw(2, 3), draw(3)), case(np.ones(2), np.ones(2) + 1e-9, rtol=0.0, atol=1e-6)]
)
isclose.errors(
    lambda draw, case: [case(draw(2), draw(2), rtol=-1.0), case(draw(2), np.array([1, 2])), case(draw(2), 1.0)]
)


@method(numpy=np.allclose)
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether all elements are close, in the sense of `isclose`.

    >>> import autograd
    >>> autograd.allclose(autograd.tensor([1.0]), autograd.tensor([1.000001]))
    True
    """
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


@method(numpy=np.array_equal)
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether shapes and all elements are equal.

    >>> import autograd
    >>> autograd.equal(autograd.tensor([1, 2]), autograd.tensor([1, 2]))
    True
    """
    for name, x in (("input", input), ("other", other)):
        if not isinstance(x, Tensor):
            raise ArgumentError(f"equal: {name} must be a Tensor, got {type(x).__name__}")
    return np.array_equal(input.array, other.array)


@elementwise(symbol="isnan", inplace=False, differentiable=False, numpy=np.isnan)
def isnan(input: Any, /) -> Any:
    """Whether it is NaN, "not a number".

    >>> import autograd
    >>> autograd.isnan(autograd.tensor([1.0, float("nan")]))
    tensor([False,  True])
    """
    return np.isnan(input)


@elementwise(symbol="isinf", inplace=False, differentiable=False, numpy=np.isinf)
def isinf(input: Any, /) -> Any:
    """Whether it is +∞ or -∞.

    >>> import autograd
    >>> autograd.isinf(autograd.tensor([1.0, float("-inf")]))
    tensor([False,  True])
    """
    return np.isinf(input)


@elementwise(symbol="isfinite", inplace=False, differentiable=False, numpy=np.isfinite)
def isfinite(input: Any, /) -> Any:
    """Whether it is neither infinite nor NaN.

    >>> import autograd
    >>> autograd.isfinite(autograd.tensor([1.0, float("inf")]))
    tensor([ True, False])
    """
    return np.isfinite(input)


@elementwise(symbol="= ∞", inplace=False, differentiable=False)
def isposinf(input: Any, /) -> Any:
    """Whether it is +∞.

    >>> import autograd
    >>> autograd.isposinf(autograd.tensor([float("inf"), float("-inf")]))
    tensor([ True, False])
    """
    return np.isposinf(input)


@elementwise(symbol="= -∞", inplace=False, differentiable=False)
def isneginf(input: Any, /) -> Any:
    """Whether it is -∞.

    >>> import autograd
    >>> autograd.isneginf(autograd.tensor([float("inf"), float("-inf")]))
    tensor([False,  True])
    """
    return np.isneginf(input)


@elementwise(symbol="isreal", inplace=False, differentiable=False, numpy=np.isreal)
def isreal(input: Any, /) -> Any:
    """Whether the imaginary part is 0.

    >>> import autograd
    >>> autograd.isreal(autograd.tensor([1 + 1j, 2 + 0j]))
    tensor([False,  True])
    """
    return np.isreal(input)


@elementwise(symbol="signbit", inplace=False, differentiable=False, numpy=np.signbit)
def signbit(input: Any, /) -> Any:
    """Whether the sign bit is set: true for negative numbers and for -0.0.

    >>> import autograd
    >>> autograd.signbit(autograd.tensor([-1.0, -0.0, 0.0]))
    tensor([ True,  True, False])
    """
    return np.less(input, 0) if input.dtype.kind in "iub" else np.signbit(input)


@elementwise(symbol="copysign", floats=True, numpy=np.copysign)
def copysign(input: Any, other: Any, /) -> Any:
    """The magnitude of `input` with the sign of `other`.

    >>> import autograd
    >>> autograd.copysign(autograd.tensor([1.0, -2.0]), -0.5)
    tensor([-1., -2.])
    """
    return np.copysign(input, other)


copysign.derivative(input=lambda g, input, out: g * (np.sign(input) * np.sign(out)), other=lambda g: zero(g))
