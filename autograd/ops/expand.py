"""Broadcasting and its transpose, summation: the pair through which every gradient passes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..dtypes import as_dtype, int64
from ..errors import ShapeError
from ..op import op
from .dims import Dims, axes_of, kept
from .rows import rows_of, shaped

__all__ = ["broadcast_to", "sum"]
FEW = 4096


@op(symbol="Σ", numpy=np.sum, linear=True)
def sum(input: Any, /, dim: Dims = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """Sum over `dim` (an int, several, or all when None); integers sum as int64.

    >>> import autograd
    >>> autograd.tensor([[1.0, 2.0], [3.0, 4.0]]).sum(dim=0)
    tensor([4., 6.])
    """
    kind = as_dtype(dtype) if dtype is not None else int64 if input.dtype.kind in "iub" else None
    axes = None if dim is None else axes_of(dim, input.ndim)
    return np.add.reduce(input, axes, kind, keepdims=keepdim)  # type: ignore[call-overload]


def spread(g: Any, shape: tuple[int, ...], dtype: Any, dim: Dims, keepdim: bool) -> Any:
    """The transpose of a sum: the cotangent of each sum goes to every term."""
    g = kept(g, shape, dim, keepdim) if len(g.shape) else g
    g = g if g.dtype == dtype else g.astype(dtype)
    if type(g) is not np.ndarray or math.prod(shape) > FEW:
        return np.broadcast_to(g, shape)
    terms = np.empty(shape, dtype)  # of a few numbers a copy takes a tenth of the time that a view of them does
    terms[...] = g
    return terms


sum.derivative(
    input=lambda g, input_shape, input_dtype, dim, keepdim: spread(g, input_shape, input_dtype, dim, keepdim)
)


def _fast_sum(input: Any, dim: Dims = None, keepdim: bool = False, dtype: Any = None) -> Any:
    rows, columns = rows_of(input, dim), dim in (1, -2) and len(input.shape) == 3 and rows_of(input, -1)
    if dtype is not None or not (rows or columns):
        return NotImplemented
    from ..kernels import reduce

    if rows:
        return shaped(reduce.sums(input, rows), input, dim, keepdim)
    return reduce.column_sums(input).reshape(input.shape[0], *(1,) * keepdim, input.shape[2])


sum.kernel(_fast_sum, opaque=False)
sum.samples(
    lambda draw, case: [
        case(draw()),
        case(draw(3)),
        case(draw(2, 3, 4), dim=1),
        case(draw(2, 3, 4), (0, -1), True),
        case(draw(0, 3), dim=0),
    ]
)
sum.errors(lambda draw, case: [case(draw(2, 3), dim=2), case(draw(2, 3), dim=(0, 0))])


@op(symbol="expand", view=True, numpy=np.broadcast_to, linear=True)
def broadcast_to(input: Any, /, shape: tuple[int, ...]) -> Any:
    """Repeat along new dimensions and dimensions of size 1, without copying.

    >>> import autograd
    >>> autograd.tensor([[1.0], [2.0]]).broadcast_to((2, 3))
    tensor([[1., 1., 1.],
            [2., 2., 2.]])
    """
    try:
        return np.broadcast_to(input, shape)
    except ValueError:
        raise ShapeError(
            f"broadcast_to: input of shape {input.shape} does not fit {tuple(shape)}: from the right, each size must "
            "be equal or 1"
        ) from None


broadcast_to.derivative(input=lambda g: g)  # the engine sums over what was repeated
broadcast_to.samples(lambda draw, case: [case(draw(3, 1), (2, 3, 4)), case(draw(), (2,)), case(draw(1, 2), (0, 2))])
broadcast_to.errors(lambda draw, case: [case(draw(3), (2,)), case(draw(2, 3), (3,))])
