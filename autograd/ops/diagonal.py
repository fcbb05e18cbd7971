"""Diagonals and triangles."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError
from ..inplace import takes_out
from ..op import op
from ..tensor import Tensor, attach_numpy, method, wrap
from .dims import axis_of

__all__ = [
    "diag",
    "diag_embed",
    "diagflat",
    "diagonal",
    "diagonal_scatter",
    "one_hot",
    "trace",
    "tril",
    "triu",
    "vander",
]


def _triangle(name: str, cut: Any, input: Any, diagonal: int) -> Any:
    if input.ndim < 2:
        raise ShapeError(f"{name}: input must have at least 2 dimensions, got shape {input.shape}")
    return cut(input, diagonal)


@op(symbol="tril", inplace=True, linear=True, numpy=np.tril)
def tril(input: Any, /, diagonal: int = 0) -> Any:
    """The lower triangle of each matrix, up to the given diagonal; zeros above.

    >>> import autograd
    >>> autograd.ones(2, 2).tril()
    tensor([[1., 0.],
            [1., 1.]])
    """
    return _triangle("tril", np.tril, input, diagonal)


@op(symbol="triu", inplace=True, linear=True, numpy=np.triu)
def triu(input: Any, /, diagonal: int = 0) -> Any:
    """The upper triangle of each matrix, from the given diagonal on; zeros below.

    >>> import autograd
    >>> autograd.ones(2, 2).triu()
    tensor([[1., 1.],
            [0., 1.]])
    """
    return _triangle("triu", np.triu, input, diagonal)


tril.derivative(input=lambda g, diagonal: tril(g, diagonal))
triu.derivative(input=lambda g, diagonal: triu(g, diagonal))
for _op in (tril, triu):
    _op.samples(lambda draw, case: [case(draw(3, 3)), case(draw(2, 3, 4), 1), case(draw(3, 2), -1), case(draw(0, 2))])
    _op.errors(lambda draw, case: [case(draw(3))])


def _two_axes(name: str, ndim: int, dim1: int, dim2: int) -> tuple[int, int]:
    if ndim < 2:
        raise ShapeError(f"{name}: input must have at least 2 dimensions, got {ndim}")
    a, b = axis_of(dim1, ndim, "dim1"), axis_of(dim2, ndim, "dim2")
    if a == b:
        raise ArgumentError(f"{name}: dim1={dim1} and dim2={dim2} are the same dimension")
    return a, b


@op(symbol="diagonal", view=True, linear=True, numpy=np.diagonal)
def diagonal(input: Any, /, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """The diagonal of the planes of `dim1` and `dim2`, as a last dimension; a view.

    >>> import autograd
    >>> autograd.arange(4).reshape(2, 2).diagonal()
    tensor([0, 3])
    """
    a, b = _two_axes("diagonal", input.ndim, dim1, dim2)
    view = input.diagonal(offset, a, b)
    if input.flags.writeable:
        view.flags.writeable = True  # NumPy hands its diagonals out locked; this one is a view like any other
    return view


diagonal.samples(
    lambda draw, case: [case(draw(3, 3)), case(draw(2, 3, 4), 1, 0, -1), case(draw(2, 3), -1), case(draw(2, 2), 5)]
)
diagonal.errors(lambda draw, case: [case(draw(3)), case(draw(2, 2), 0, 1, -1), case(draw(2, 2), 0, 0, 2)])


@op(symbol="on diagonal", method=False, linear=True)
def on_diagonal(input: Any, /, shape: tuple[int, ...], offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """Zeros of `shape` with `input` on a diagonal: the transpose of `diagonal`."""
    out = np.zeros(shape, input.dtype)
    a, b = _two_axes("diagonal", len(shape), dim1, dim2)
    place = out.diagonal(offset, a, b)
    place.flags.writeable = True
    place[...] = input
    return out


diagonal.derivative(input=lambda g, input_shape, offset, dim1, dim2: on_diagonal(g, input_shape, offset, dim1, dim2))
on_diagonal.derivative(input=lambda g, offset, dim1, dim2: diagonal(g, offset, dim1, dim2))
on_diagonal.samples(lambda draw, case: [case(draw(2), (2, 2)), case(draw(4, 2), (2, 4, 3), 1, 0, 2)])


@takes_out
@method
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """Of a matrix its diagonal; of a vector the matrix that has it on the diagonal.

    >>> import autograd
    >>> autograd.diag(autograd.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    if input.array.ndim not in (1, 2):
        raise ShapeError(
            f"diag: input must be a vector or a matrix, got shape {tuple(input.shape)}; see diagonal, diag_embed"
        )
    return diag_embed(input, diagonal) if input.array.ndim == 1 else _diagonal(input, diagonal).clone()


_diagonal = diagonal


@method
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The last dimension on the diagonal of new planes.

    >>> import autograd
    >>> autograd.diag_embed(autograd.ones(2, 3)).shape
    Size([2, 3, 3])
    """
    ndim = input.array.ndim + 1
    a, b = _two_axes("diag_embed", ndim, dim1, dim2)
    n = (input.array.shape[-1] if input.array.ndim else 1) + abs(offset)
    rest = list(input.array.shape[:-1])
    for axis in sorted((a, b)):
        rest.insert(axis, n)
    return on_diagonal(input, tuple(rest), offset if a < b else -offset, *sorted((a, b)))


@method
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """The matrix with the elements of `input` on the diagonal."""
    return diag_embed(input.reshape(-1), offset)


@method
def trace(input: Tensor) -> Tensor:
    """Σ x_ii of a matrix.

    >>> import autograd
    >>> autograd.eye(3).trace()
    tensor(3.)
    """
    if input.array.ndim != 2:
        raise ShapeError(f"trace: input must be a matrix, got shape {tuple(input.shape)}")
    return _diagonal(input).sum()


attach_numpy(np.trace, trace)


@method
def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy of `input` with `src` on the diagonal."""
    old = _diagonal(input, offset, dim1, dim2)
    if old.array.shape != src.array.shape:
        raise ShapeError(f"diagonal_scatter: src must have shape {tuple(old.shape)}, got {tuple(src.shape)}")
    return input + on_diagonal(src - old, input.array.shape, offset, dim1, dim2)


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The Vandermonde matrix: powers of `x` in columns."""
    n = x.array.shape[-1] if N is None else N
    powers = np.arange(n) if increasing else np.arange(n)[::-1].copy()
    return x.unsqueeze(-1) ** wrap(powers)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """For each class number a vector with 1 in its place and 0 elsewhere.

    >>> import autograd
    >>> autograd.one_hot(autograd.tensor([0, 2]), 3)
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    classes = tensor.array
    if classes.dtype != np.int64:
        raise DTypeError(f"one_hot: tensor must be int64, got {classes.dtype}; use .long()")
    if classes.size == 0 and num_classes <= 0:
        raise ArgumentError("one_hot: of an empty tensor the number of classes is unknown; give num_classes")
    n = int(classes.max()) + 1 if num_classes == -1 else num_classes
    if n < 1 or (classes.size and not 0 <= classes.min() <= classes.max() < n):
        raise ArgumentError(f"one_hot: class values must lie in 0..{n - 1}, got {classes.min()}..{classes.max()}")
    return tensor.unsqueeze(-1).eq(wrap(np.arange(n))).long()
