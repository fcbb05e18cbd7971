"""Activation functions: the bend between two linear layers.  Names and defaults are PyTorch's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..op import elementwise
from .exponential import sigmoid
from .large import in_loops, looped
from .special import erf

__all__ = ["relu", "celu", "selu"]  # as in torch; the others live in nn.functional


@elementwise(symbol="relu")
def relu(input: Any, /) -> Any:
    """Rectified linear unit, y = max(0, x); the derivative at 0 is taken as 0.

    >>> import autograd
    >>> autograd.relu(autograd.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return np.maximum(input, np.zeros((), input.dtype))  # NumPy takes as long to make an array of a 0 as for the rest


_relu_pull = looped(lambda c, out: c * (out > np.zeros((), out.dtype)))
relu.kernel(in_loops(relu.op.body))
relu.derivative(input=lambda g, out: _relu_pull(g, out))


@elementwise(symbol="leaky relu", method=False)
def leaky_relu(input: Any, /, negative_slope: float = 0.01) -> Any:
    """y = x for x > 0, else negative_slope · x.

    >>> import autograd
    >>> from autograd.ops.activation import leaky_relu
    >>> leaky_relu(autograd.tensor([-1.0, 2.0]))
    tensor([-0.0100,  2.0000])
    """
    if negative_slope > 1:
        return np.where(input > 0, input, input * negative_slope)
    return np.maximum(input, input * negative_slope)  # a pass less over the memory


_leaky_pull = looped(lambda c, x, slope: np.where(x > 0, c, c * slope))
leaky_relu.kernel(in_loops(leaky_relu.op.body))
leaky_relu.derivative(input=lambda g, input, negative_slope: _leaky_pull(g, input, negative_slope))
leaky_relu.samples(lambda draw, case: [case(draw(2, 3)), case(draw(3), 0.2), case(draw()), case(draw(0, 2))])


@elementwise(symbol="elu", floats=True, method=False)
def elu(input: Any, /, alpha: float = 1.0) -> Any:
    """Exponential linear unit, y = x for x > 0, else α (e^x - 1) (Clevert et al., 2016).

    >>> import autograd
    >>> from autograd.ops.activation import elu
    >>> elu(autograd.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    return np.where(input > 0, input, alpha * np.expm1(input))


elu.derivative(input=lambda g, input, out, alpha: g * np.where(input > 0, 1, out + alpha))
elu.samples(lambda draw, case: [case(draw(2, 3)), case(draw(3), 0.5), case(draw()), case(draw(0, 2))])


_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


@elementwise(symbol="selu", floats=True, method=False)
def selu(input: Any, /) -> Any:
    """Self-normalising unit, y = λ · elu(x, α) with λ = 1.0507, α = 1.6733 (Klambauer et al., 2017).

    >>> import autograd
    >>> autograd.selu(autograd.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """
    return _SELU_SCALE * np.where(input > 0, input, _SELU_ALPHA * np.expm1(input))


selu.derivative(input=lambda g, input, out: g * np.where(input > 0, _SELU_SCALE, out + _SELU_SCALE * _SELU_ALPHA))


@elementwise(symbol="celu", floats=True, method=False)
def celu(input: Any, /, alpha: float = 1.0) -> Any:
    """Continuously differentiable elu, y = x for x > 0, else α (e^(x/α) - 1) (Barron, 2017).

    >>> import autograd
    >>> autograd.celu(autograd.tensor([-1.0, 2.0]), alpha=2.0)
    tensor([-0.7869,  2.0000])
    """
    if alpha == 0:
        raise ArgumentError("celu: ZeroDivisionError: alpha must not be 0")
    return np.where(input > 0, input, alpha * np.expm1(input / alpha))


celu.derivative(input=lambda g, input, out, alpha: g * np.where(input > 0, 1, out / alpha + 1))
celu.samples(lambda draw, case: [case(draw(2, 3)), case(draw(3), 0.5), case(draw()), case(draw(0, 2))])
celu.errors(lambda draw, case: [case(draw(2), 0.0)])


# ---------------------------------------------------------------------------------------------------------------------
# Smooth ones.


@elementwise(symbol="gelu", floats=True, method=False)
def gelu(input: Any, /, approximate: str = "none") -> Any:
    """Gaussian error linear unit, y = x Φ(x), Φ the normal distribution's cumulative (Hendrycks and Gimpel, 2016).

    `approximate`: ``"none"``, or ``"tanh"`` for y = x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))).

    >>> import autograd
    >>> from autograd.ops.activation import gelu
    >>> gelu(autograd.tensor([-1.0, 2.0]))
    tensor([-0.1587,  1.9545])
    """
    if approximate == "none":
        return input * _normal_cdf(input)
    if approximate == "tanh":
        return 0.5 * input * (1 + np.tanh(_gelu_inner(input)))
    raise ArgumentError(f"gelu: approximate is 'none' or 'tanh', not {approximate!r}")


def _normal_cdf(x: Any) -> Any:
    return 0.5 * (1 + erf(x * math.sqrt(0.5)))


_BETA, _KAPPA = math.sqrt(2 / math.pi), 0.044715


def _gelu_inner(x: Any) -> Any:
    return x * (_BETA + _BETA * _KAPPA * (x * x))


def _gelu_slope(x: Any, approximate: str) -> Any:
    if approximate == "none":
        return _normal_cdf(x) + x * (np.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi)))
    t = np.tanh(_gelu_inner(x))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * (_BETA + 3 * _BETA * _KAPPA * (x * x))


_gelu_pull = looped(lambda c, x, approximate: c * _gelu_slope(x, approximate))
gelu.kernel(in_loops(gelu.op.body))
gelu.derivative(input=lambda g, input, approximate: _gelu_pull(g, input, approximate))
gelu.samples(lambda draw, case: [case(draw(2, 3)), case(draw(3), "tanh"), case(draw()), case(draw(0, 2))])
gelu.errors(lambda draw, case: [case(draw(2), approximate="sigmoid")])


@elementwise(symbol="silu", floats=True, method=False)
def silu(input: Any, /) -> Any:
    """Sigmoid linear unit (swish), y = x · σ(x) (Elfwing et al., 2018).

    >>> import autograd
    >>> from autograd.ops.activation import silu
    >>> silu(autograd.tensor([-1.0, 2.0]))
    tensor([-0.2689,  1.7616])
    """
    return input / (1 + np.exp(-input))


def _silu_slope(x: Any) -> Any:
    s = sigmoid(x)
    return s * (1 + x * (1 - s))


_silu_pull = looped(lambda c, x: c * _silu_slope(x))
silu.kernel(in_loops(silu.op.body))
silu.derivative(input=lambda g, input: _silu_pull(g, input))


@elementwise(symbol="softplus", floats=True, method=False)
def softplus(input: Any, /, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """Smooth relu, y = ln(1 + e^(βx)) / β; y = x once βx > threshold, where the two agree to rounding.

    >>> import autograd
    >>> from autograd.ops.activation import softplus
    >>> softplus(autograd.tensor([-1.0, 2.0]))
    tensor([0.3133, 2.1269])
    """
    z = input * beta
    return np.where(z > threshold, input, np.log1p(np.exp(z)) / beta)


softplus.derivative(
    input=lambda g, input, beta, threshold: np.where(input * beta > threshold, g, g * sigmoid(input * beta))
)
softplus.samples(lambda draw, case: [case(draw(2, 3)), case(draw(3), 2.0, 1.0), case(draw()), case(draw(0, 2))])


@elementwise(symbol="mish", floats=True, method=False)
def mish(input: Any, /) -> Any:
    """y = x · tanh(softplus(x)) (Misra, 2019).

    >>> import autograd
    >>> from autograd.ops.activation import mish
    >>> mish(autograd.tensor([-1.0, 2.0]))
    tensor([-0.3034,  1.9440])
    """
    return input * np.tanh(np.logaddexp(input, 0))


def _mish_slope(x: Any) -> Any:
    t = np.tanh(softplus(x))
    return t + x * sigmoid(x) * (1 - t * t)


mish.derivative(input=lambda g, input: g * _mish_slope(input))


@elementwise(symbol="log σ", floats=True, method=False)
def logsigmoid(input: Any, /) -> Any:
    """Logarithm of the logistic function, y = -ln(1 + e^-x), without overflow on the way.

    >>> import autograd
    >>> from autograd.ops.activation import logsigmoid
    >>> logsigmoid(autograd.tensor([-200.0, 0.0]))
    tensor([-200.0000,   -0.6931])
    """
    return np.minimum(input, 0) - np.log1p(np.exp(-np.abs(input)))


logsigmoid.derivative(input=lambda g, input: g * sigmoid(-input))


@elementwise(symbol="softsign", floats=True, method=False)
def softsign(input: Any, /) -> Any:
    """y = x / (1 + |x|), in (-1, 1).

    >>> import autograd
    >>> from autograd.ops.activation import softsign
    >>> softsign(autograd.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """
    return input / (1 + np.abs(input))


softsign.derivative(input=lambda g, input: g / np.square(1 + np.abs(input)))


@elementwise(symbol="tanhshrink", floats=True, method=False)
def tanhshrink(input: Any, /) -> Any:
    """y = x - tanh x.

    >>> import autograd
    >>> from autograd.ops.activation import tanhshrink
    >>> tanhshrink(autograd.tensor([-1.0, 2.0]))
    tensor([-0.2384,  1.0360])
    """
    return input - np.tanh(input)


tanhshrink.derivative(input=lambda g, input, out: g * np.square(input - out))
