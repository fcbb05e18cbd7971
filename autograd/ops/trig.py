"""The circle and the hyperbola: trigonometric and hyperbolic functions with their inverses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..op import elementwise
from ..tensor import method
from .large import in_loops, looped

__all__ = [
    "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sinc",
    "deg2rad", "rad2deg", "arcsin", "arccos", "arctan", "arctan2", "arcsinh", "arccosh", "arctanh",
]  # fmt: skip


@elementwise(symbol="sin", floats=True, numpy=np.sin, pure=True)
def sin(input: Any, /) -> Any:
    """Sine of an angle in radians.

    >>> import autograd
    >>> autograd.sin(autograd.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8415])
    """
    return np.sin(input)


sin.derivative(input=lambda g, input: g * np.cos(input))


@elementwise(symbol="cos", floats=True, numpy=np.cos, pure=True)
def cos(input: Any, /) -> Any:
    """Cosine of an angle in radians.

    >>> import autograd
    >>> autograd.cos(autograd.tensor([0.0, 1.0]))
    tensor([1.0000, 0.5403])
    """
    return np.cos(input)


cos.derivative(input=lambda g, input: -g * np.sin(input))


@elementwise(symbol="tan", floats=True, numpy=np.tan, domain=(-1.2, 1.2))
def tan(input: Any, /) -> Any:
    """Tangent of an angle in radians.

    >>> import autograd
    >>> autograd.tan(autograd.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5574])
    """
    return np.tan(input)


tan.derivative(input=lambda g, out: g * (1 + out * out))


@elementwise(symbol="asin", floats=True, numpy=np.arcsin, domain=(-0.8, 0.8))
def asin(input: Any, /) -> Any:
    """Arc sine, in [-π/2, π/2]; NaN outside [-1, 1].

    >>> import autograd
    >>> autograd.asin(autograd.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5708])
    """
    return np.arcsin(input)


asin.derivative(input=lambda g, input: g / np.sqrt(1 - input * input))


@elementwise(symbol="acos", floats=True, numpy=np.arccos, domain=(-0.8, 0.8))
def acos(input: Any, /) -> Any:
    """Arc cosine, in [0, π]; NaN outside [-1, 1].

    >>> import autograd
    >>> autograd.acos(autograd.tensor([0.0, 1.0]))
    tensor([1.5708, 0.0000])
    """
    return np.arccos(input)


acos.derivative(input=lambda g, input: -g / np.sqrt(1 - input * input))


@elementwise(symbol="atan", floats=True, numpy=np.arctan)
def atan(input: Any, /) -> Any:
    """Arc tangent, in (-π/2, π/2).

    >>> import autograd
    >>> autograd.atan(autograd.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7854])
    """
    return np.arctan(input)


atan.derivative(input=lambda g, input: g / (1 + input * input))


@elementwise(symbol="atan2", floats=True, numpy=np.arctan2)
def atan2(input: Any, other: Any, /) -> Any:
    """The angle of the point (other, input) seen from the origin, in (-π, π].

    >>> import autograd
    >>> autograd.atan2(autograd.tensor([1.0, 0.0]), autograd.tensor([1.0, -1.0]))
    tensor([0.7854, 3.1416])
    """
    return np.arctan2(input, other)


def _by_radius(x: Any, input: Any, other: Any) -> Any:
    """x / (input² + other²), and 0 at the origin, where there is no angle."""
    r2 = input * input + other * other
    return np.where(r2 == 0, 0, x / r2)


atan2.derivative(
    input=lambda g, input, other: _by_radius(g * other, input, other),
    other=lambda g, input, other: _by_radius(-g * input, input, other),
)


@elementwise(symbol="sinh", floats=True, numpy=np.sinh)
def sinh(input: Any, /) -> Any:
    """Hyperbolic sine, y = (e^x - e^-x) / 2.

    >>> import autograd
    >>> autograd.sinh(autograd.tensor([0.0, 1.0]))
    tensor([0.0000, 1.1752])
    """
    return np.sinh(input)


sinh.derivative(input=lambda g, input: g * np.cosh(input))


@elementwise(symbol="cosh", floats=True, numpy=np.cosh)
def cosh(input: Any, /) -> Any:
    """Hyperbolic cosine, y = (e^x + e^-x) / 2.

    >>> import autograd
    >>> autograd.cosh(autograd.tensor([0.0, 1.0]))
    tensor([1.0000, 1.5431])
    """
    return np.cosh(input)


cosh.derivative(input=lambda g, input: g * np.sinh(input))


@elementwise(symbol="tanh", floats=True, numpy=np.tanh, pure=True)
def tanh(input: Any, /) -> Any:
    """Hyperbolic tangent, y = sinh x / cosh x, in (-1, 1).

    >>> import autograd
    >>> autograd.tanh(autograd.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """
    return np.tanh(input)


_tanh_pull = looped(lambda c, out: c * (1 - out * out))
tanh.kernel(in_loops(tanh.op.body))
tanh.derivative(input=lambda g, out: _tanh_pull(g, out))


@elementwise(symbol="asinh", floats=True, numpy=np.arcsinh)
def asinh(input: Any, /) -> Any:
    """Inverse hyperbolic sine.

    >>> import autograd
    >>> autograd.asinh(autograd.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8814])
    """
    return np.arcsinh(input)


asinh.derivative(input=lambda g, input: g / np.sqrt(input * input + 1))


@elementwise(symbol="acosh", floats=True, numpy=np.arccosh, domain=(1.2, 3.0))
def acosh(input: Any, /) -> Any:
    """Inverse hyperbolic cosine, not negative; NaN below 1.

    >>> import autograd
    >>> autograd.acosh(autograd.tensor([1.0, 2.0]))
    tensor([0.0000, 1.3170])
    """
    return np.arccosh(input)


acosh.derivative(input=lambda g, input: g / np.sqrt(input * input - 1))


@elementwise(symbol="atanh", floats=True, numpy=np.arctanh, domain=(-0.8, 0.8))
def atanh(input: Any, /) -> Any:
    """Inverse hyperbolic tangent; ±inf at ±1, NaN beyond.

    >>> import autograd
    >>> autograd.atanh(autograd.tensor([0.0, 0.5]))
    tensor([0.0000, 0.5493])
    """
    return np.arctanh(input)


atanh.derivative(input=lambda g, input: g / (1 - input * input))


@elementwise(symbol="sinc", floats=True, numpy=np.sinc)
def sinc(input: Any, /) -> Any:
    """Normalised cardinal sine, y = sin(πx) / (πx), and 1 at 0.

    >>> import autograd
    >>> autograd.sinc(autograd.tensor([0.0, 0.5]))
    tensor([1.0000, 0.6366])
    """
    return np.sinc(input)


sinc.derivative(input=lambda g, input, out: g * np.where(input == 0, 0, (np.cos(math.pi * input) - out) / input))


@elementwise(symbol="°→rad", floats=True, numpy=np.deg2rad)
def deg2rad(input: Any, /) -> Any:
    """Degrees to radians, y = input · π / 180.

    >>> import autograd
    >>> autograd.deg2rad(autograd.tensor([180.0, 90.0]))
    tensor([3.1416, 1.5708])
    """
    return np.deg2rad(input)


deg2rad.derivative(input=lambda g: g * (math.pi / 180))


@elementwise(symbol="rad→°", floats=True, numpy=np.rad2deg)
def rad2deg(input: Any, /) -> Any:
    """Radians to degrees, y = input · 180 / π.

    >>> import autograd
    >>> autograd.rad2deg(autograd.tensor([1.0]))
    tensor([57.2958])
    """
    return np.rad2deg(input)


rad2deg.derivative(input=lambda g: g * (180 / math.pi))


arcsin = method(name="arcsin", inplace=True)(asin)
arccos = method(name="arccos", inplace=True)(acos)
arctan = method(name="arctan", inplace=True)(atan)
arctan2 = method(name="arctan2", inplace=True)(atan2)
arcsinh = method(name="arcsinh", inplace=True)(asinh)
arccosh = method(name="arccosh", inplace=True)(acosh)
arctanh = method(name="arctanh", inplace=True)(atanh)
