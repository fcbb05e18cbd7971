"""One of two values, by a condition or by size."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import result_type
from ..errors import ArgumentError, DTypeError, ShapeError
from ..inplace import takes_out
from ..op import elementwise, op
from ..promotion import promote
from ..tensor import Tensor, attach_numpy, method, wrap
from .large import LEAST, in_shared_loops

__all__ = ["where", "masked_fill", "maximum", "minimum", "fmax", "fmin", "heaviside"]


@op(symbol="where", method=False)
def _where(condition: Any, input: Any, other: Any, /) -> Any:
    """`where` of operands of one type."""
    return np.where(condition, input, other)


_where.derivative(
    condition=None,
    input=lambda g, condition: np.where(condition, g, 0),
    other=lambda g, condition: np.where(condition, 0, g),
)
_MASK = np.array([[True, False, True], [False, False, True]])
_where.samples(
    lambda draw, case: [
        case(_MASK, draw(2, 3), draw(3)),
        case(_MASK, draw(2, 1), 1.0),
        case(_MASK, 0, draw()),
        case(np.array(True), draw(2), draw(2)),
        case(_MASK[:0], draw(0, 3), draw(1, 3)),
    ]
)
_where.errors(lambda draw, case: [case(_MASK, draw(2), draw(3))])
_where.kernel(in_shared_loops(_where.op.body, LEAST), opaque=False)


@takes_out
def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """`input` where `condition` holds, else `other`; all three broadcast, and input and other may be numbers.

    The gradient goes to the side that was taken.  With `condition` alone: the indices where it holds, one tensor a
    dimension.

    >>> import autograd
    >>> x = autograd.tensor([-1.0, 2.0])
    >>> autograd.where(x > 0, x, 0.0)
    tensor([0., 2.])
    >>> autograd.where(x > 0)
    (tensor([1]),)
    """
    mask = condition.array if isinstance(condition, Tensor) else condition
    if not isinstance(mask, np.ndarray | np.generic):
        raise ArgumentError(f"where: condition must be a tensor of bools, got {type(condition).__name__}")
    if input is None and other is None:
        return tuple(wrap(indices) for indices in np.atleast_1d(mask).nonzero())
    if mask.dtype.kind != "b" and mask.dtype != np.uint8:
        raise DTypeError(f"where: condition must be a tensor of bools, got {mask.dtype}; write condition != 0")
    if input is None or other is None:
        raise ArgumentError("where: give both input and other, or neither")
    input, other = promote((input, other))
    if not hasattr(input, "dtype") and not hasattr(other, "dtype"):
        input, other = (np.array(x, result_type(input, other)) for x in (input, other))
    return _where(condition, input, other)


@method(name="where")
def _where_else(self: Tensor, condition: Tensor, other: Tensor | float) -> Tensor:
    """Elements of this tensor where `condition` holds, of `other` elsewhere."""
    return where(condition, self, other)


attach_numpy(np.where, where)


@op(symbol="masked fill", inplace=True)
def masked_fill(input: Any, mask: Any, value: Any, /) -> Any:
    """`input` with `value` (a number or a 0-d tensor) where `mask`, of bools, holds; the shapes broadcast.

    >>> import autograd
    >>> autograd.tensor([1.0, 2.0]).masked_fill(autograd.tensor([True, False]), -1.0)
    tensor([-1.,  2.])
    """
    if not isinstance(mask, np.ndarray) or mask.dtype.kind != "b":
        raise DTypeError(
            f"masked_fill: mask must be a tensor of bools, got {getattr(mask, 'dtype', type(mask).__name__)}"
        )
    if np.ndim(value):
        raise ShapeError(
            f"masked_fill: value must be a number or a 0-d tensor, got shape {np.shape(value)}; see where()"
        )
    if (np.result_type(value).kind == "c" and input.dtype.kind != "c") or (
        input.dtype.kind in "iub" and isinstance(value, float)
    ):
        raise DTypeError(f"masked_fill: value={value!r} cannot be stored in input, which is {input.dtype}")
    return np.where(mask, np.asanyarray(value).astype(input.dtype), input)


masked_fill.derivative(
    input=lambda g, mask: np.where(mask, 0, g),
    mask=None,
    value=lambda g, mask: np.where(mask, g, 0),
)
masked_fill.samples(
    lambda draw, case: [
        case(draw(2, 3), _MASK, 1.5),
        case(draw(3), _MASK, draw()),
        case(draw(), np.array(True), 0.0),
        case(draw(0, 3), _MASK[:0], 1.0),
    ]
)
masked_fill.errors(lambda draw, case: [case(draw(2, 3), draw(2, 3), 1.0), case(draw(2, 3), _MASK, draw(2))])


# ---------------------------------------------------------------------------------------------------------------------
# The larger and the smaller of two.


def _taken(g: Any, mine: Any, theirs: Any) -> Any:
    """`g` where mine > theirs, half of it where they are equal."""
    return g * (mine > theirs) + (g * 0.5) * (mine == theirs)


@elementwise(symbol="max", numpy=np.maximum)
def maximum(input: Any, other: Any, /) -> Any:
    """The larger of the two; NaN if either is.  Equal elements share the gradient.

    >>> import autograd
    >>> autograd.maximum(autograd.tensor([1.0, 4.0]), autograd.tensor([3.0, 2.0]))
    tensor([3., 4.])
    """
    return np.maximum(input, other)


maximum.derivative(
    input=lambda g, input, other: _taken(g, input, other), other=lambda g, input, other: _taken(g, other, input)
)
maximum.kernel(in_shared_loops(maximum.op.body, LEAST), opaque=False)


@elementwise(symbol="min", numpy=np.minimum)
def minimum(input: Any, other: Any, /) -> Any:
    """The smaller of the two; NaN if either is.  Equal elements share the gradient.

    >>> import autograd
    >>> autograd.minimum(autograd.tensor([1.0, 4.0]), autograd.tensor([3.0, 2.0]))
    tensor([1., 2.])
    """
    return np.minimum(input, other)


minimum.derivative(
    input=lambda g, input, other: _taken(g, other, input), other=lambda g, input, other: _taken(g, input, other)
)
minimum.kernel(in_shared_loops(minimum.op.body, LEAST), opaque=False)


@elementwise(symbol="fmax", inplace=False, numpy=np.fmax)
def fmax(input: Any, other: Any, /) -> Any:
    """The larger of the two; a number wins over NaN.  Between equals the gradient goes to `input`.

    >>> import autograd
    >>> autograd.fmax(autograd.tensor([1.0, float("nan")]), autograd.tensor([3.0, 2.0]))
    tensor([3., 2.])
    """
    return np.fmax(input, other)


fmax.derivative(
    input=lambda g, input, other: np.where((input >= other) | np.isnan(other), g, 0),
    other=lambda g, input, other: np.where((input >= other) | np.isnan(other), 0, g),
)


@elementwise(symbol="fmin", inplace=False, numpy=np.fmin)
def fmin(input: Any, other: Any, /) -> Any:
    """The smaller of the two; a number wins over NaN.  Between equals the gradient goes to `input`.

    >>> import autograd
    >>> autograd.fmin(autograd.tensor([1.0, float("nan")]), autograd.tensor([3.0, 2.0]))
    tensor([1., 2.])
    """
    return np.fmin(input, other)


fmin.derivative(
    input=lambda g, input, other: np.where((input <= other) | np.isnan(other), g, 0),
    other=lambda g, input, other: np.where((input <= other) | np.isnan(other), 0, g),
)


@op(symbol="heaviside", inplace=True, differentiable=False, numpy=np.heaviside)
def heaviside(input: Any, values: Any, /) -> Any:
    """0 where input < 0, 1 where input > 0, and `values` where it is 0.

    >>> import autograd
    >>> autograd.heaviside(autograd.tensor([-1.0, 0.0, 2.0]), autograd.tensor(0.5))
    tensor([0.0000, 0.5000, 1.0000])
    """
    if not isinstance(values, np.ndarray) or input.dtype != values.dtype:
        raise DTypeError(
            f"heaviside: values must be a tensor of input's type, {input.dtype}, got "
            f"{getattr(values, 'dtype', type(values).__name__)}; convert it first"
        )
    return np.where(input == 0, values, (input > 0).astype(input.dtype))


heaviside.samples(lambda draw, case: [case(draw(2, 3), draw(3)), case(np.zeros(2), draw()), case(draw(0), draw(1))])
heaviside.errors(lambda draw, case: [case(draw(2), np.ones(2, np.int64)), case(draw(2), draw(3))])
