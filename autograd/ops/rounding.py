"""Rounding, clamping, and numbers in place of NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..inplace import takes_out
from ..op import elementwise
from ..tensor import method
from .large import LEAST, in_shared_loops
from .zero import zero

__all__ = [
    "floor", "ceil", "trunc", "fix", "round", "frac", "clamp", "clamp_min", "clamp_max", "clip", "nan_to_num",
]  # fmt: skip


def _rounded(function: Any, input: Any) -> Any:
    return input.copy() if input.dtype.kind in "iu" else function(input)


@elementwise(symbol="⌊x⌋", numpy=np.floor)
def floor(input: Any, /) -> Any:
    """The largest integer that is not larger, as the same type; its derivative is zero.

    >>> import autograd
    >>> autograd.floor(autograd.tensor([-1.5, 1.5]))
    tensor([-2.,  1.])
    """
    return _rounded(np.floor, input)


@elementwise(symbol="⌈x⌉", numpy=np.ceil)
def ceil(input: Any, /) -> Any:
    """The smallest integer that is not smaller, as the same type; its derivative is zero.

    >>> import autograd
    >>> autograd.ceil(autograd.tensor([-1.5, 1.5]))
    tensor([-1.,  2.])
    """
    return _rounded(np.ceil, input)


@elementwise(symbol="trunc", numpy=(np.trunc, np.fix))
def trunc(input: Any, /) -> Any:
    """The integer part, rounded towards zero; its derivative is zero.

    >>> import autograd
    >>> autograd.trunc(autograd.tensor([-1.5, 1.5]))
    tensor([-1.,  1.])
    """
    return _rounded(np.trunc, input)


for _op in (floor, ceil, trunc):
    _op.derivative(input=lambda g: zero(g))


@elementwise(symbol="round", numpy=np.round)
def round(input: Any, /, decimals: int = 0) -> Any:
    """To the nearest integer, or to `decimals` places; halves go to the even neighbour.  Its derivative is zero.

    >>> import autograd
    >>> autograd.round(autograd.tensor([0.5, 1.5, 2.5])), autograd.round(autograd.tensor([3.14159]), decimals=2)
    (tensor([0., 2., 2.]), tensor([3.1400]))
    """
    if decimals == 0:
        return _rounded(np.rint, input)
    if input.dtype.kind in "iu":
        raise ArgumentError(f"round: decimals={decimals} needs a floating-point input, got {input.dtype}")
    scale = 10.0 ** abs(decimals)
    return np.rint(input * scale) / scale if decimals > 0 else np.rint(input / scale) * scale


round.derivative(input=lambda g: zero(g))
round.samples(
    lambda draw, case: [case(draw(2, 3)), case(draw(3) / 100, decimals=2), case(draw(2) * 100, -2), case(draw(0))]
)
round.errors(lambda draw, case: [case(np.array([1, 2]), decimals=1)])


@elementwise(symbol="frac")
def frac(input: Any, /) -> Any:
    """The part behind the point, y = input - trunc(input), with the input's sign.

    >>> import autograd
    >>> autograd.frac(autograd.tensor([1.5, -2.25]))
    tensor([ 0.5000, -0.2500])
    """
    return input - np.trunc(input)


frac.derivative(input=lambda g: g)


# ---------------------------------------------------------------------------------------------------------------------


@elementwise(symbol="clamp", numpy=np.clip)
def clamp(input: Any, min: Any = None, max: Any = None, /) -> Any:
    """Into [min, max], y = minimum(maximum(input, min), max); the bounds are numbers, tensors or None for no bound.

    >>> import autograd
    >>> autograd.clamp(autograd.tensor([-2.0, 0.5, 2.0]), -1, 1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if min is None and max is None:
        raise ArgumentError("clamp: at least one of min and max must be given")
    if min is None:
        return np.minimum(input, max)
    return np.maximum(input, min) if max is None else np.minimum(np.maximum(input, min), max)


def _inside(input: Any, min: Any, max: Any) -> Any:
    """Where the input passes unchanged."""
    if min is None:
        return input <= max
    return input >= min if max is None else (input >= min) & (input <= max)


def _at_low(input: Any, min: Any, max: Any) -> Any:
    return input < min if max is None else (input < min) & (min < max)


def _at_high(input: Any, min: Any, max: Any) -> Any:
    return input > max if min is None else (input > max) | (max < min)


clamp.derivative(
    input=lambda g, input, min, max: np.where(_inside(input, min, max), g, 0),
    min=lambda g, input, min, max: np.where(_at_low(input, min, max), g, 0),
    max=lambda g, input, min, max: np.where(_at_high(input, min, max), g, 0),
)
clamp.kernel(in_shared_loops(clamp.op.body, LEAST), opaque=False)
clamp.samples(lambda draw, case: [case(draw(2, 3), -0.7, 0.8), case(draw(3), min=0.2), case(draw(), None, 0.1),
                                  case(draw(2, 3), draw(3), draw(2, 1)), case(draw(2, 3), None, draw(3)),
                                  case(draw(0, 3), -1, 1)])  # fmt: skip
clamp.errors(lambda draw, case: [case(draw(3)), case(draw(3), draw(2))])


@takes_out
@method(inplace=True)
def clamp_min(input: Any, min: Any) -> Any:
    """Not below `min`, a number or tensor: `clamp` with one bound.

    >>> import autograd
    >>> autograd.clamp_min(autograd.tensor([-2.0, 2.0]), 0)
    tensor([0., 2.])
    """
    return clamp(input, min)


@takes_out
@method(inplace=True)
def clamp_max(input: Any, max: Any) -> Any:
    """Not above `max`, a number or tensor: `clamp` with one bound.

    >>> import autograd
    >>> autograd.clamp_max(autograd.tensor([-2.0, 2.0]), 0)
    tensor([-2.,  0.])
    """
    return clamp(input, None, max)


fix = method(name="fix", inplace=True)(trunc)
clip = method(name="clip", inplace=True)(clamp)


@elementwise(symbol="nan→0", numpy=np.nan_to_num)
def nan_to_num(input: Any, /, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Any:
    """NaN, +∞ and -∞ replaced by `nan`, `posinf` and `neginf` (None: the type's largest and smallest number).

    >>> import autograd
    >>> autograd.nan_to_num(autograd.tensor([1.0, float("nan"), float("inf")]), posinf=9.0)
    tensor([1., 0., 9.])
    """
    return np.nan_to_num(input, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)


nan_to_num.derivative(input=lambda g, input: np.where(np.isfinite(input), g, 0))
nan_to_num.samples(lambda draw, case: [case(draw(2, 3)), case(draw(3), nan=1.0, posinf=2.0), case(draw(0, 3))])
