"""Activations made of straight pieces."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..generator import default_generator
from ..op import elementwise
from ..tensor import Tensor, method, wrap
from .activation import leaky_relu

__all__ = ["hardshrink", "prelu", "rrelu", "threshold"]  # as in torch; the others live in nn.functional


@elementwise(symbol="hardtanh", method=False)
def hardtanh(input: Any, /, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    """y = x cut off at `min_val` and `max_val`; the derivative is 1 strictly between them.

    >>> import autograd
    >>> from autograd.ops.piecewise import hardtanh
    >>> hardtanh(autograd.tensor([-2.0, 0.5, 2.0]))
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if min_val > max_val:
        raise ArgumentError(f"hardtanh: min_val={min_val} must not be greater than max_val={max_val}")
    return np.minimum(np.maximum(input, min_val), max_val).astype(input.dtype, copy=False)


hardtanh.derivative(input=lambda g, input, min_val, max_val: np.where((input > min_val) & (input < max_val), g, 0))
hardtanh.samples(lambda draw, case: [case(draw(2, 3)), case(draw(3), -0.3, 0.7), case(draw()), case(draw(0, 2))])
hardtanh.errors(lambda draw, case: [case(draw(2), 1.0, -1.0)])


@elementwise(symbol="relu6", method=False)
def relu6(input: Any, /) -> Any:
    """y = min(max(0, x), 6).

    >>> import autograd
    >>> from autograd.ops.piecewise import relu6
    >>> relu6(autograd.tensor([-1.0, 2.0, 8.0]))
    tensor([0., 2., 6.])
    """
    return np.minimum(np.maximum(input, 0), 6)


relu6.derivative(input=lambda g, input: np.where((input > 0) & (input < 6), g, 0))


@elementwise(symbol="hardsigmoid", floats=True, method=False)
def hardsigmoid(input: Any, /) -> Any:
    """y = relu6(x + 3) / 6.

    >>> import autograd
    >>> from autograd.ops.piecewise import hardsigmoid
    >>> hardsigmoid(autograd.tensor([-4.0, 0.0, 1.5]))
    tensor([0.0000, 0.5000, 0.7500])
    """
    return np.minimum(np.maximum(input + 3, 0), 6) / 6


hardsigmoid.derivative(input=lambda g, input: np.where((input > -3) & (input < 3), g / 6, 0))


@elementwise(symbol="hardswish", floats=True, method=False)
def hardswish(input: Any, /) -> Any:
    """y = x · relu6(x + 3) / 6 (Howard et al., 2019).

    >>> import autograd
    >>> from autograd.ops.piecewise import hardswish
    >>> hardswish(autograd.tensor([-4.0, 0.0, 1.5]))
    tensor([-0.0000,  0.0000,  1.1250])
    """
    return input * np.minimum(np.maximum(input + 3, 0), 6) / 6


hardswish.derivative(input=lambda g, input: g * np.where(input <= -3, 0, np.where(input < 3, input / 3 + 0.5, 1)))


@elementwise(symbol="hardshrink")
def hardshrink(input: Any, /, lambd: float = 0.5) -> Any:
    """y = 0 for |x| <= lambd, else x.

    >>> import autograd
    >>> autograd.hardshrink(autograd.tensor([-1.0, 0.2, 2.0]))
    tensor([-1.,  0.,  2.])
    """
    return np.where(np.abs(input) <= lambd, 0, input)


hardshrink.derivative(input=lambda g, input, lambd: np.where(np.abs(input) <= lambd, 0, g))
hardshrink.samples(lambda draw, case: [case(draw(2, 3)), case(draw(3), 0.2), case(draw()), case(draw(0, 2))])


@elementwise(symbol="softshrink", method=False)
def softshrink(input: Any, /, lambd: float = 0.5) -> Any:
    """y = x moved towards 0 by lambd >= 0, and 0 where it would cross.

    >>> import autograd
    >>> from autograd.ops.piecewise import softshrink
    >>> softshrink(autograd.tensor([-1.0, 0.2, 2.0]))
    tensor([-0.5000,  0.0000,  1.5000])
    """
    if lambd < 0:
        raise ArgumentError(f"softshrink: lambd must be greater or equal to 0, got {lambd}")
    return input - np.clip(input, -lambd, lambd)


softshrink.derivative(input=lambda g, input, lambd: np.where(np.abs(input) <= lambd, 0, g))
softshrink.samples(lambda draw, case: [case(draw(2, 3)), case(draw(3), 0.2), case(draw()), case(draw(0, 2))])
softshrink.errors(lambda draw, case: [case(draw(2), -0.5)])


@elementwise(symbol="threshold", method=False)
def threshold(input: Any, /, threshold: float, value: float) -> Any:
    """y = x for x > threshold, else value.

    >>> import autograd
    >>> autograd.threshold(autograd.tensor([0.1, 2.0]), 1.0, -5.0)
    tensor([-5.,  2.])
    """
    return np.where(input <= threshold, value, input).astype(input.dtype, copy=False)


threshold.derivative(input=lambda g, input, threshold: np.where(input <= threshold, 0, g))
threshold.samples(lambda draw, case: [case(draw(2, 3), 0.3, 7.0), case(draw(), 0.1, 0.0), case(draw(0, 2), 0.1, 1.0)])


# ---------------------------------------------------------------------------------------------------------------------
# With a slope of their own.


@elementwise(symbol="prelu", method=False)
def _prelu(input: Any, weight: Any, /) -> Any:
    """y = x for x > 0, else weight · x, with broadcasting."""
    return np.where(input > 0, input, weight * input)


_prelu.derivative(
    input=lambda g, input, weight: np.where(input > 0, g, g * weight),
    weight=lambda g, input: np.where(input > 0, 0, g * input),
)


@method
def prelu(input: Any, weight: Any) -> Any:
    """y = x for x > 0, else weight · x; `weight` has one element, or one per channel (C) of input (N, C, *).

    >>> import autograd
    >>> autograd.prelu(autograd.tensor([-1.0, 2.0]), autograd.tensor([0.25]))
    tensor([-0.2500,  2.0000])
    """
    for name, x in (("input", input), ("weight", weight)):
        if not isinstance(x, Tensor):
            raise ArgumentError(f"prelu: {name} must be a Tensor, got {type(x).__name__}")
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.ndim > 1 or weight.numel() not in (1, channels):
        raise ShapeError(
            f"prelu: weight must have shape (1,) or ({channels},), one slope or one per channel of input "
            f"{tuple(input.shape)}; got {tuple(weight.shape)}"
        )
    shape = (channels,) + (1,) * (input.ndim - 2) if weight.numel() > 1 else (1,) * input.ndim
    return _prelu(input, weight.reshape(shape))


def rrelu(input: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False) -> Any:
    """Randomised leaky relu: in training each negative x has its own slope, drawn from [lower, upper); else their mean.

    >>> import autograd
    >>> autograd.rrelu(autograd.tensor([-24.0, 2.0]))
    tensor([-5.5000,  2.0000])
    """
    if lower > upper:
        raise ArgumentError(f"rrelu: lower={lower} must not be greater than upper={upper}")
    if not training:
        result = leaky_relu(input, (lower + upper) / 2)
    else:
        low = input.array <= 0
        slope = np.ones_like(input.array)
        first, last = float(slope.dtype.type(lower)), float(slope.dtype.type(upper))  # rounded first, as in PyTorch
        slope[low] = default_generator.uniform(int(np.count_nonzero(low)), np.float64) * (last - first) + first
        result = input * wrap(slope)
    return input._write(result, "rrelu(inplace=True)") if inplace else result
