"""Powers and roots, magnitude and sign."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..dtypes import float64
from ..errors import ArgumentError
from ..inplace import takes_out
from ..op import elementwise
from ..promotion import cast
from ..tensor import Tensor, method
from .large import FAR, LEAST, in_loops, in_shared_loops
from .zero import zero

__all__ = [
    "pow", "float_power", "square", "sqrt", "rsqrt", "reciprocal", "hypot", "abs", "absolute", "sign", "sgn",
]  # fmt: skip


@elementwise(symbol="^", dunder="pow", numpy=np.power, domain=(0.3, 2.0))
def pow(input: Any, exponent: Any, /) -> Any:
    """Power, y = input ^ exponent; either may be a number.

    >>> import autograd
    >>> autograd.tensor([1.0, 2.0, 3.0]) ** 2, 2 ** autograd.tensor([1.0, 2.0, 3.0])
    (tensor([1., 4., 9.]), tensor([2., 4., 8.]))
    """
    if exponent.__class__ in (int, float):
        return input * input * input if exponent == 3 else input**exponent  # NumPy knows the squares and roots itself
    if exponent.dtype.kind in "iu" and np.any(exponent < 0):
        return _whole_power(input, exponent)
    return input**exponent


def _whole_power(input: Any, exponent: Any) -> Any:
    """Integers to negative powers: 1/±1 stays ±1, everything else truncates to 0."""
    if exponent.ndim == 0:
        raise ArgumentError(
            f"pow: exponent={exponent}: integers to negative integer powers are fractions; write input.float() ** "
            f"{exponent}"
        )
    unit = np.where(exponent % 2 == 0, np.abs(input), input)
    return np.where(exponent < 0, np.where(np.abs(input) == 1, unit, 0), input ** np.maximum(exponent, 0))


def _power_slope(input: Any, exponent: Any) -> Any:
    """d/d(input) input^n = n · input^(n-1), which is 0 for n = 0 even where input is 0."""
    if exponent.__class__ in (int, float):
        if exponent == 2:
            return input + input
        return zero(input) if exponent == 0 else exponent * input ** (exponent - 1)
    return np.where(exponent == 0, 0, exponent * input ** (exponent - 1))


def _exponent_slope(input: Any, exponent: Any, out: Any) -> Any:
    """d/dn input^n = input^n · log(input), whose limit at input = 0 is 0 for n >= 0."""
    if input.__class__ in (int, float):
        if input <= 0:
            return np.where(exponent >= 0, 0, -math.inf) if input == 0 else out * math.nan
        return out * math.log(input)
    return np.where((input == 0) & (exponent >= 0), 0, out * np.log(input))


pow.derivative(
    input=lambda g, input, exponent: g * _power_slope(input, exponent),
    exponent=lambda g, input, exponent, out: g * _exponent_slope(input, exponent, out),
)
pow.samples(
    lambda draw, case: [
        case(draw(2, 3), 2),
        case(draw(3), 3),
        case(draw(2), 0),
        case(draw(), -1.5),
        case(2.0, draw(2, 3)),
        case(draw(2, 1), draw(3)),
        case(draw(0, 2), draw(1, 2)),
    ]
)
pow.errors(lambda draw, case: [case(draw(2), draw(3)), case(np.array([1, 2]), -1)])
_LOOPS = in_loops(pow.op.body)


def _fast_pow(input: Any, exponent: Any) -> Any:
    """Powers that are a few products or a root."""
    known = exponent.__class__ in (int, float) and exponent in (2, 3, 0.5)
    return _LOOPS(input, exponent) if known and input.size >= FAR else NotImplemented


pow.kernel(_fast_pow, opaque=False)


@takes_out
@method(inplace=True)
def float_power(input: Any, exponent: Any) -> Any:
    """Power computed in float64, y = input ^ exponent.

    >>> import autograd
    >>> autograd.float_power(autograd.tensor([2, 3]), -1)
    tensor([0.5000, 0.3333], dtype=float64)
    """
    return pow(_double(input), _double(exponent))


def _double(x: Any) -> Any:
    return cast(x, float64) if isinstance(x, Tensor) else float(x)


@elementwise(symbol="²", numpy=np.square)
def square(input: Any, /) -> Any:
    """Square, y = input².

    >>> import autograd
    >>> autograd.square(autograd.tensor([1.0, -3.0]))
    tensor([1., 9.])
    """
    return input * input


square.derivative(input=lambda g, input: g * (input + input))
square.kernel(in_shared_loops(square.op.body), opaque=False)


@elementwise(symbol="√", floats=True, numpy=np.sqrt, pure=True, domain=(0.2, 4.0))
def sqrt(input: Any, /) -> Any:
    """Square root, y = √input; NaN below 0.

    >>> import autograd
    >>> autograd.sqrt(autograd.tensor([4.0, 9.0]))
    tensor([2., 3.])
    """
    return np.sqrt(input)


sqrt.derivative(input=lambda g, out: g / (out + out))
sqrt.kernel(in_shared_loops(sqrt.op.body, LEAST), opaque=False)


@elementwise(symbol="1/√", floats=True, domain=(0.2, 4.0))
def rsqrt(input: Any, /) -> Any:
    """Reciprocal of the square root, y = 1 / √input.

    >>> import autograd
    >>> autograd.rsqrt(autograd.tensor([4.0, 0.25]))
    tensor([0.5000, 2.0000])
    """
    return 1 / np.sqrt(input)


rsqrt.derivative(input=lambda g, out: g * (-0.5 * out * out * out))
rsqrt.kernel(in_shared_loops(rsqrt.op.body, LEAST), opaque=False)


@elementwise(symbol="1/x", floats=True, numpy=np.reciprocal, domain=(0.3, 3.0))
def reciprocal(input: Any, /) -> Any:
    """Reciprocal, y = 1 / input.

    >>> import autograd
    >>> autograd.reciprocal(autograd.tensor([2.0, 4.0]))
    tensor([0.5000, 0.2500])
    """
    return 1 / input


reciprocal.derivative(input=lambda g, out: -g * out * out)
reciprocal.kernel(in_shared_loops(reciprocal.op.body), opaque=False)


@elementwise(symbol="hypot", numpy=np.hypot)
def hypot(input: Any, other: Any, /) -> Any:
    """Hypotenuse, y = √(input² + other²), without overflow on the way.

    >>> import autograd
    >>> autograd.hypot(autograd.tensor([3.0]), autograd.tensor([4.0]))
    tensor([5.])
    """
    return np.hypot(input, other)


hypot.derivative(input=lambda g, input, out: g * (input / out), other=lambda g, other, out: g * (other / out))


@elementwise(symbol="|x|", dunder="abs", numpy=np.absolute)
def abs(input: Any, /) -> Any:
    """Magnitude, y = |input|; the derivative at 0 is taken as 0.

    >>> import autograd
    >>> autograd.tensor([-1.5, 2.0]).abs()
    tensor([1.5000, 2.0000])
    """
    return np.absolute(input)


abs.derivative(input=lambda g, input: g * np.sign(input))
abs.kernel(in_shared_loops(abs.op.body), opaque=False)


@elementwise(symbol="sign", numpy=np.sign)
def sign(input: Any, /) -> Any:
    """-1, 0 or 1 by the sign of the input; its derivative is zero.

    >>> import autograd
    >>> autograd.sign(autograd.tensor([-3.0, 0.0, 2.0]))
    tensor([-1.,  0.,  1.])
    """
    return input.copy() if input.dtype.kind == "b" else np.sign(input)


sign.derivative(input=lambda g: zero(g))

absolute = method(name="absolute", inplace=True)(abs)
sgn = method(name="sgn", inplace=True)(sign)  # differs only for complex numbers, where NumPy's sign is z / |z| too
