"""Division with a remainder, and arithmetic on bits.

For floats and integers alike, input = other · q + r: with q rounded down, r has the sign of `other` (``//`` and
``%``, as in Python); with q rounded towards zero, r has the sign of `input` (`trunc_divide` and `fmod`, as in C).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError
from ..op import elementwise
from .zero import zero

__all__ = [
    "floor_divide", "remainder", "fmod", "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not",
    "bitwise_left_shift", "bitwise_right_shift", "gcd", "lcm",
]  # fmt: skip


def _not_by_zero(name: str, input: Any, other: Any) -> None:
    """Integers have no infinity to answer with."""
    if np.result_type(input, other).kind in "iub" and not np.all(other):
        raise ArgumentError(f"{name}: ZeroDivisionError: other contains 0, and integers cannot be divided by zero")


_BY_ZERO = np.array([1, 2]), np.array([1, 0])


@elementwise(symbol="//", dunder="floordiv", numpy=np.floor_divide)
def floor_divide(input: Any, other: Any, /) -> Any:
    """Quotient rounded down, y = ⌊input / other⌋; integers stay integers.  Its derivative is zero.

    >>> import autograd
    >>> autograd.tensor([-7, 7]) // 2
    tensor([-4,  3])
    """
    _not_by_zero("floor_divide", input, other)
    return np.floor_divide(input, other)


floor_divide.derivative(input=lambda g: zero(g), other=lambda g: zero(g))
floor_divide.samples(
    lambda draw, case: [case(draw(2, 3), draw(3)), case(draw(2), 0.7), case(np.arange(3), np.array(2))]
)
floor_divide.errors(lambda draw, case: [case(*_BY_ZERO), case(draw(2), draw(3))])


@elementwise(symbol="trunc ÷", method=False)
def trunc_divide(input: Any, other: Any, /) -> Any:
    """Quotient rounded towards zero: ``div(input, other, rounding_mode="trunc")``."""
    _not_by_zero("div", input, other)
    if np.result_type(input, other).kind in "iub":
        return np.floor_divide(input - np.fmod(input, other), other)
    return np.trunc(np.true_divide(input, other))


trunc_divide.derivative(input=lambda g: zero(g), other=lambda g: zero(g))
trunc_divide.samples(
    lambda draw, case: [case(draw(2, 3), draw(3)), case(draw(2), 0.7), case(np.arange(3), np.array(2))]
)


@elementwise(symbol="%", dunder="mod", numpy=np.remainder)
def remainder(input: Any, other: Any, /) -> Any:
    """What ``//`` leaves, y = input - other · ⌊input / other⌋, with the sign of `other`.

    >>> import autograd
    >>> autograd.tensor([-7.0, 7.0]) % 3
    tensor([2., 1.])
    """
    _not_by_zero("remainder", input, other)
    return np.remainder(input, other)


remainder.derivative(input=lambda g: g, other=lambda g, input, other: -g * np.floor_divide(input, other))
remainder.errors(lambda draw, case: [case(*_BY_ZERO), case(draw(2), draw(3))])


@elementwise(symbol="fmod", numpy=np.fmod)
def fmod(input: Any, other: Any, /) -> Any:
    """What truncated division leaves, y = input - other · trunc(input / other), with the sign of `input`.

    >>> import autograd
    >>> autograd.fmod(autograd.tensor([-7.0, 7.0]), 3)
    tensor([-1.,  1.])
    """
    _not_by_zero("fmod", input, other)
    return np.fmod(input, other)


fmod.derivative(input=lambda g: g, other=lambda g, input, other: -g * trunc_divide(input, other))
fmod.samples(
    lambda draw, case: [case(draw(3, 1), np.array([0.77, 1.3, -0.6])), case(draw(2), 0.7), case(draw(0), draw(1))]
)
fmod.errors(lambda draw, case: [case(*_BY_ZERO), case(draw(2), draw(3))])


# ---------------------------------------------------------------------------------------------------------------------
# Bits.


def _whole(name: str, input: Any, other: Any = 0, kinds: str = "iub") -> None:
    dtype = np.result_type(input, other)
    if dtype.kind not in kinds:
        raise DTypeError(f"{name}: expected tensors of integers{' or bools' if 'b' in kinds else ''}, got {dtype}")


_BITS = np.array([1, 2, 12]), np.array([3, 1, 2])


@elementwise(symbol="&", dunder="and", differentiable=False, numpy=np.bitwise_and)
def bitwise_and(input: Any, other: Any, /) -> Any:
    """And of each bit, y = input & other; of integers or bools.

    >>> import autograd
    >>> autograd.tensor([12, 10]) & 6
    tensor([4, 2])
    """
    _whole("bitwise_and", input, other)
    return np.bitwise_and(input, other)


@elementwise(symbol="|", dunder="or", differentiable=False, numpy=np.bitwise_or)
def bitwise_or(input: Any, other: Any, /) -> Any:
    """Or of each bit, y = input | other; of integers or bools.

    >>> import autograd
    >>> autograd.tensor([12, 10]) | 6
    tensor([14, 14])
    """
    _whole("bitwise_or", input, other)
    return np.bitwise_or(input, other)


@elementwise(symbol="^", dunder="xor", differentiable=False, numpy=np.bitwise_xor)
def bitwise_xor(input: Any, other: Any, /) -> Any:
    """Exclusive or of each bit, y = input ^ other; of integers or bools.

    >>> import autograd
    >>> autograd.tensor([12, 10]) ^ 6
    tensor([10, 12])
    """
    _whole("bitwise_xor", input, other)
    return np.bitwise_xor(input, other)


@elementwise(symbol="~", dunder="invert", differentiable=False, numpy=np.bitwise_not)
def bitwise_not(input: Any, /) -> Any:
    """Every bit turned over, y = ~input; of integers or bools, where it is "not".

    >>> import autograd
    >>> ~autograd.tensor([0, 5]), ~autograd.tensor([True, False])
    (tensor([-1, -6]), tensor([False,  True]))
    """
    _whole("bitwise_not", input)
    return np.bitwise_not(input)


bitwise_not.samples(lambda draw, case: [case(_BITS[0]), case(np.array([True, False]))])
bitwise_not.errors(lambda draw, case: [case(draw(2))])


@elementwise(symbol="<<", dunder="lshift", differentiable=False, numpy=np.left_shift)
def bitwise_left_shift(input: Any, other: Any, /) -> Any:
    """Bits moved up, y = input · 2^other.

    >>> import autograd
    >>> autograd.tensor([1, 3]) << 2
    tensor([ 4, 12])
    """
    _whole("bitwise_left_shift", input, other, "iu")
    return np.left_shift(input, other)


@elementwise(symbol=">>", dunder="rshift", differentiable=False, numpy=np.right_shift)
def bitwise_right_shift(input: Any, other: Any, /) -> Any:
    """Bits moved down, y = ⌊input / 2^other⌋.

    >>> import autograd
    >>> autograd.tensor([4, 13]) >> 2
    tensor([1, 3])
    """
    _whole("bitwise_right_shift", input, other, "iu")
    return np.right_shift(input, other)


@elementwise(symbol="gcd", differentiable=False, numpy=np.gcd)
def gcd(input: Any, other: Any, /) -> Any:
    """Greatest common divisor of integers.

    >>> import autograd
    >>> autograd.gcd(autograd.tensor([12, 10]), autograd.tensor([18, 7]))
    tensor([6, 1])
    """
    _whole("gcd", input, other, "iu")
    return np.gcd(input, other)


@elementwise(symbol="lcm", differentiable=False, numpy=np.lcm)
def lcm(input: Any, other: Any, /) -> Any:
    """Least common multiple of integers.

    >>> import autograd
    >>> autograd.lcm(autograd.tensor([4, 10]), autograd.tensor([6, 7]))
    tensor([12, 70])
    """
    _whole("lcm", input, other, "iu")
    return np.lcm(input, other)


for _op in (bitwise_and, bitwise_or, bitwise_xor, bitwise_left_shift, bitwise_right_shift, gcd, lcm):
    _op.samples(lambda draw, case: [case(*_BITS), case(_BITS[0], 3)])
    _op.errors(lambda draw, case: [case(draw(2), draw(2))])
