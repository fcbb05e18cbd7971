"""Lengths of vectors and matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..dtypes import as_dtype
from ..errors import ArgumentError, DTypeError, ShapeError
from ..inplace import takes_out
from ..op import op
from ..tensor import Tensor, method
from .dims import Dims, axes_of, axis_of, count, kept
from .rows import rows_of, shaped
from .zero import zero

__all__ = ["dist", "norm", "pdist", "renorm", "vector_norm"]


@op(name="norm", symbol="‖·‖", method=False)
def length(input: Any, /, ord: float = 2.0, dim: Dims = None, keepdim: bool = False) -> Any:
    """(Σ |x|^ord)^(1/ord), with the limits max |x| (inf), min |x| (-inf), and the count of nonzero elements (0)."""
    axes = axes_of(dim, input.ndim)
    if input.dtype.kind not in "fc":
        raise DTypeError(f"norm: input must be floating point, got {input.dtype}; use .float()")
    if not count(input.shape, axes) and (ord < 0 or ord == math.inf):
        raise ShapeError(f"norm: input of shape {input.shape} has no elements along dim={dim}, and ord={ord} needs one")
    if ord == 2 and input.dtype.kind == "f":
        return np.sqrt(np.square(input).sum(axis=axes, keepdims=keepdim))
    size = np.abs(input)
    if ord == math.inf:
        return size.max(axis=axes, keepdims=keepdim)
    if ord == -math.inf:
        return size.min(axis=axes, keepdims=keepdim)
    if ord == 0:
        return (size != 0).sum(axis=axes, keepdims=keepdim).astype(size.dtype)
    if ord == 1:
        return size.sum(axis=axes, keepdims=keepdim)
    return np.power(np.power(size, ord).sum(axis=axes, keepdims=keepdim), size.dtype.type(1 / ord))


def _pull(g: Any, input: Any, out: Any, ord: float, dim: Dims, keepdim: bool) -> Any:
    """g sgn(x) (|x| / ‖x‖)^(ord-1); at the origin, where there is no derivative, 0."""
    g, out = kept(g, input.shape, dim, keepdim), kept(out, input.shape, dim, keepdim)
    nothing, one = np.zeros((), input.dtype), np.ones((), input.dtype)
    if ord == 0:
        return zero(np.broadcast_to(g, input.shape))
    if ord == 1:
        return g * np.sign(input)
    if abs(ord) == math.inf:
        mine = np.abs(input) == out
        mine = np.asanyarray(mine.array if isinstance(mine, Tensor) else mine).astype(input.dtype)
        shared = mine / mine.sum(axis=axes_of(dim, len(input.shape)), keepdims=True)
        return g * np.sign(input) * shared
    safe = np.where(out == 0, one, out)
    if ord == 2:
        return np.where(out == 0, nothing, g / safe) * input
    size = np.where(input == 0, one, np.abs(input))
    slope = np.where(input == 0, nothing, np.sign(input) * np.power(size / safe, ord - 1))
    return np.where(out == 0, nothing, g) * slope


length.derivative(input=lambda g, input, out, ord, dim, keepdim: _pull(g, input, out, ord, dim, keepdim))


def _fast_length(input: Any, ord: float = 2, dim: Dims = None, keepdim: bool = False) -> Any:
    if ord != 2 or not (rows := rows_of(input, dim)):
        return NotImplemented
    from ..kernels import reduce

    squares = reduce.squares(input, np.zeros(1, input.dtype), rows)
    return shaped(np.sqrt(squares), input, dim, keepdim)


length.kernel(_fast_length, opaque=False)
length.samples(
    lambda draw, case: [
        case(draw(4)),
        case(draw(2, 3), 1, 1),
        case(draw(2, 3), math.inf, 0, True),
        case(draw(4), 3),
        case(draw(4), -math.inf),
        case(draw(2, 3), 2.5, (0, 1)),
        case(draw(4), 0),
        case(draw(0)),
    ]
)
length.errors(lambda draw, case: [case(draw(2), 2, 1), case(np.ones(2, np.int64)), case(draw(0), math.inf)])


@takes_out
def vector_norm(x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """(Σ |x|^ord)^(1/ord) over `dim`, or over all elements.

    >>> import autograd
    >>> autograd.linalg.vector_norm(autograd.tensor([3.0, 4.0]))
    tensor(5.)
    """
    if dtype is not None:
        x = x.to(as_dtype(dtype))
    if isinstance(dim, list | tuple) and not len(dim):
        dim = None
    return length(x, ord, tuple(dim) if isinstance(dim, list) else dim, keepdim)


@takes_out
@method
def norm(input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """Norm of order `p` over `dim`: of a vector, or of all elements taken as one; ``"nuc"`` of matrices.

    >>> import autograd
    >>> autograd.tensor([[3.0, 0.0], [0.0, 4.0]]).norm()
    tensor(5.)
    """
    if p == "nuc":
        from ..linalg import matrix_norm

        return matrix_norm(input, "nuc", (-2, -1) if dim is None else dim, keepdim)
    if p == "fro" or p is None:
        p = 2
    if not isinstance(p, int | float):
        raise ArgumentError(f"norm: p must be a number, 'fro' or 'nuc', got {p!r}")
    return vector_norm(input, p, dim, keepdim, dtype=dtype)


@method
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of input - other."""
    return vector_norm(input - other, p)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """p-norm distances between all pairs of rows of an (N, M) matrix, in the order (0, 1), (0, 2), ..."""
    if input.array.ndim != 2:
        raise ShapeError(f"pdist: input must be a matrix, got shape {list(input.shape)}")
    i, j = np.triu_indices(input.array.shape[0], 1)
    return vector_norm(input[i] - input[j], p, 1)


@takes_out
@method(inplace=True)
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """`input` with each slice along `dim` whose p-norm exceeds `maxnorm` scaled down to it."""
    if p <= 0 or maxnorm < 0:
        raise ArgumentError(f"renorm: p must be positive and maxnorm not negative, got p={p} and maxnorm={maxnorm}")
    if input.array.ndim < 2:
        raise ShapeError(f"renorm: input must have at least 2 dimensions, got shape {tuple(input.shape)}")
    axis = axis_of(dim, input.array.ndim)
    sizes = vector_norm(input, p, tuple(i for i in range(input.array.ndim) if i != axis), True)
    return input * (maxnorm / (sizes + 1e-7)).masked_fill(sizes <= maxnorm, 1.0)
