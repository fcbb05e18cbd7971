"""Exponentials, logarithms and the logistic function."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..op import elementwise
from .large import in_loops, looped

__all__ = [
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logaddexp", "logaddexp2", "xlogy", "sigmoid", "logit",
]  # fmt: skip

LN2, LN10 = math.log(2), math.log(10)


@elementwise(symbol="exp", floats=True, numpy=np.exp, pure=True)
def exp(input: Any, /) -> Any:
    """Exponential, y = e^input.

    >>> import autograd
    >>> autograd.exp(autograd.tensor([0.0, 1.0]))
    tensor([1.0000, 2.7183])
    """
    return np.exp(input)


exp.kernel(in_loops(exp.op.body))
exp.derivative(input=lambda g, out: g * out)


@elementwise(symbol="exp2", floats=True, numpy=np.exp2)
def exp2(input: Any, /) -> Any:
    """Power of two, y = 2^input.

    >>> import autograd
    >>> autograd.exp2(autograd.tensor([-1.0, 3.0]))
    tensor([0.5000, 8.0000])
    """
    return np.exp2(input)


exp2.derivative(input=lambda g, out: g * out * LN2)


@elementwise(symbol="expm1", floats=True, numpy=np.expm1)
def expm1(input: Any, /) -> Any:
    """y = e^input - 1, exact also near 0.

    >>> import autograd
    >>> autograd.expm1(autograd.tensor([0.0, 1.0]))
    tensor([0.0000, 1.7183])
    """
    return np.expm1(input)


expm1.derivative(input=lambda g, out: g * (out + 1))


@elementwise(symbol="log", floats=True, numpy=np.log, pure=True, domain=(0.2, 3.0))
def log(input: Any, /) -> Any:
    """Natural logarithm, y = ln input; -inf at 0, NaN below.

    >>> import autograd
    >>> autograd.log(autograd.tensor([1.0, 10.0, 0.0]))
    tensor([0.0000, 2.3026,   -inf])
    """
    return np.log(input)


log.kernel(in_loops(log.op.body))
log.derivative(input=lambda g, input: g / input)


@elementwise(symbol="log2", floats=True, numpy=np.log2, domain=(0.2, 3.0))
def log2(input: Any, /) -> Any:
    """Logarithm to base 2.

    >>> import autograd
    >>> autograd.log2(autograd.tensor([1.0, 8.0]))
    tensor([0., 3.])
    """
    return np.log2(input)


log2.derivative(input=lambda g, input: g / (input * LN2))


@elementwise(symbol="log10", floats=True, numpy=np.log10, domain=(0.2, 3.0))
def log10(input: Any, /) -> Any:
    """Logarithm to base 10.

    >>> import autograd
    >>> autograd.log10(autograd.tensor([1.0, 10.0]))
    tensor([0., 1.])
    """
    return np.log10(input)


log10.derivative(input=lambda g, input: g / (input * LN10))


@elementwise(symbol="log1p", floats=True, numpy=np.log1p, domain=(-0.8, 3.0))
def log1p(input: Any, /) -> Any:
    """y = ln(1 + input), exact also near 0.

    >>> import autograd
    >>> autograd.log1p(autograd.tensor([0.0, 1.0]))
    tensor([0.0000, 0.6931])
    """
    return np.log1p(input)


log1p.derivative(input=lambda g, input: g / (input + 1))


@elementwise(symbol="logaddexp", floats=True, numpy=np.logaddexp)
def logaddexp(input: Any, other: Any, /) -> Any:
    """y = ln(e^input + e^other), without overflow on the way.

    >>> import autograd
    >>> autograd.logaddexp(autograd.tensor([0.0, 200.0]), autograd.tensor([0.0, 200.0]))
    tensor([  0.6931, 200.6931])
    """
    return np.logaddexp(input, other)


logaddexp.derivative(
    input=lambda g, input, out: g * np.exp(input - out),
    other=lambda g, other, out: g * np.exp(other - out),
)


@elementwise(symbol="logaddexp2", floats=True, numpy=np.logaddexp2)
def logaddexp2(input: Any, other: Any, /) -> Any:
    """y = log₂(2^input + 2^other), without overflow on the way.

    >>> import autograd
    >>> autograd.logaddexp2(autograd.tensor([0.0, 1000.0]), autograd.tensor([0.0, 1000.0]))
    tensor([   1., 1001.])
    """
    return np.logaddexp2(input, other)


logaddexp2.derivative(
    input=lambda g, input, out: g * np.exp2(input - out),
    other=lambda g, other, out: g * np.exp2(other - out),
)


@elementwise(symbol="x log y", floats=True, domain=(0.2, 3.0))
def xlogy(input: Any, other: Any, /) -> Any:
    """y = input · ln other, and 0 where input is 0 (unless other is NaN).

    >>> import autograd
    >>> autograd.xlogy(autograd.tensor([0.0, 2.0]), autograd.tensor([0.0, 1.0]))
    tensor([0., 0.])
    """
    return np.where((input == 0) & ~np.isnan(other), 0, input * np.log(other))


xlogy.derivative(
    input=lambda g, input, other: np.where((input == 0) & (other <= 0), 0, g * np.log(other)),
    other=lambda g, input, other: g * input / other,
)


@elementwise(symbol="σ", floats=True)
def sigmoid(input: Any, /) -> Any:
    """Logistic function, y = 1 / (1 + e^-input).

    >>> import autograd
    >>> autograd.sigmoid(autograd.tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])
    """
    return 1 / (1 + np.exp(-input))


_sigmoid_pull = looped(lambda c, out: c * (out * (1 - out)))
sigmoid.kernel(in_loops(sigmoid.op.body))
sigmoid.derivative(input=lambda g, out: _sigmoid_pull(g, out))


@elementwise(symbol="logit", floats=True, domain=(0.1, 0.9))
def logit(input: Any, /, eps: float | None = None) -> Any:
    """Inverse of the logistic function, y = ln(x / (1 - x)), with the input x first clamped to [eps, 1 - eps].

    >>> import autograd
    >>> autograd.logit(autograd.tensor([0.5, 0.8808]))
    tensor([0.0000, 2.0000])
    """
    x = input if eps is None else np.clip(input, eps, 1 - eps)
    return np.log(x / (1 - x))


def _logit_slope(input: Any, eps: float | None) -> Any:
    """1 / (x (1 - x)) inside the clamp; outside 0, or NaN where the logarithm itself is NaN."""
    low, high, outside = (0.0, 1.0, math.nan) if eps is None else (eps, 1 - eps, 0)
    return np.where((input < low) | (input > high), outside, 1 / (input * (1 - input)))


logit.derivative(input=lambda g, input, eps: g * _logit_slope(input, eps))
logit.samples(lambda draw, case: [case(draw(2, 3)), case(draw(3), eps=0.3), case(draw(), 1e-6), case(draw(0, 2))])
