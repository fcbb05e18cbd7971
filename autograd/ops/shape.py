"""The same elements in another shape: reshape, permute and their kin.  Where NumPy gives a view, so do these."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import ArgumentError, DimensionError, ShapeError
from ..op import op
from ..size import Size
from ..tensor import Tensor, attach, method
from .dims import axes_of, axis_of

__all__ = [
    "adjoint",
    "broadcast_shapes",
    "broadcast_tensors",
    "expand_as",
    "flatten",
    "moveaxis",
    "movedim",
    "narrow",
    "permute",
    "ravel",
    "reshape",
    "select",
    "squeeze",
    "swapaxes",
    "swapdims",
    "t",
    "transpose",
    "unflatten",
    "unsqueeze",
]


def sizes(name: str, shape: tuple[Any, ...]) -> tuple[int, ...]:
    """``f(2, 3)`` and ``f((2, 3))`` mean the same; every size is an int."""
    if len(shape) == 1 and isinstance(shape[0], tuple | list):
        shape = tuple(shape[0])
    try:
        return tuple([n if n.__class__ is int else int(n.__index__()) for n in shape])
    except AttributeError:
        raise ArgumentError(f"{name}: expected sizes as ints, got {shape!r}") from None


@op(name="reshape", symbol="reshape", method="_reshape", view=True, numpy=np.reshape, linear=True)
def reshape_to(input: Any, /, shape: tuple[int, ...]) -> Any:
    """The same elements, in row-major order, in another shape: the op behind `reshape`, `view` and `flatten`."""
    try:
        return input.reshape(shape)
    except ValueError:
        raise ShapeError(
            f"reshape: input of shape {input.shape} has {input.size} elements, which do not fill shape {tuple(shape)}"
        ) from None


reshape_to.derivative(input=lambda g, input_shape: reshape_to(g, input_shape))
reshape_to.samples(lambda draw, case: [case(draw(2, 3), (3, 2)), case(draw(4), (2, -1)), case(draw(), (1, 1)),
                                       case(draw(0, 2), (2, 0))])  # fmt: skip
reshape_to.errors(lambda draw, case: [case(draw(2, 3), (4, 2))])


@method
def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The same elements, in row-major order, in another shape; one size may be -1.  A view where possible.

    >>> import autograd
    >>> autograd.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    return reshape_to(input, sizes("reshape", shape))


@method
def view(self: Tensor, *shape: Any) -> Tensor:
    """`reshape` that never copies: an error where the memory does not allow it."""
    if len(shape) == 1 and isinstance(shape[0], np.dtype):
        raise ArgumentError("view(dtype) is not supported; use .to(dtype) to convert, or .numpy().view(dtype)")
    result = reshape_to(self, sizes("view", shape))
    if self.array.size and not np.shares_memory(result.array, self.array):
        raise ShapeError(
            f"view: a tensor of shape {tuple(self.shape)} and strides {self.stride()} cannot be seen as "
            f"{tuple(result.shape)} without copying; use reshape(), or contiguous() first"
        )
    return result


@method
def view_as(self: Tensor, other: Tensor) -> Tensor:
    """`view` with the shape of `other`."""
    return self.view(other.array.shape)


@method
def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """`reshape` to the shape of `other`."""
    return reshape_to(self, other.array.shape)


@method
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions `start_dim` to `end_dim` as one.

    >>> import autograd
    >>> autograd.zeros(2, 3, 4).flatten(1).shape
    Size([2, 12])
    """
    shape = input.array.shape
    first, last = axis_of(start_dim, len(shape), "start_dim"), axis_of(end_dim, len(shape), "end_dim")
    if first > last:
        raise ArgumentError(f"flatten: start_dim={start_dim} comes after end_dim={end_dim}")
    return reshape_to(input, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


@method
def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension."""
    return reshape_to(input, (input.array.size,))


@method
def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """Dimension `dim` split into `sizes`; one of them may be -1."""
    shape = input.array.shape
    at = axis_of(dim, len(shape))
    if not isinstance(sizes, tuple | list):
        raise ArgumentError(f"unflatten: sizes must be a tuple of ints, got {sizes!r}")
    given, known = tuple(sizes), math.prod(n for n in sizes if n != -1)
    if (known == 0 or shape[at] % known) if -1 in given else known != shape[at]:
        raise ShapeError(f"unflatten: sizes={given} do not multiply up to size {shape[at]} of dimension {dim}")
    return reshape_to(input, (*shape[:at], *(shape[at] // known if n == -1 else n for n in given), *shape[at + 1 :]))


@op(name="permute", symbol="permute", method="_permute", view=True, linear=True)
def permute_to(input: Any, /, dims: tuple[int, ...]) -> Any:
    """Dimension ``dims[i]`` of the input becomes dimension i: the op behind `permute` and `transpose`."""
    try:
        return input.transpose(dims)
    except (ValueError, TypeError):
        axes_of(dims, input.ndim, "dims")  # says which of them is wrong
        raise ArgumentError(f"permute: dims={tuple(dims)} must name each of the {input.ndim} dimensions once") from None


permute_to.derivative(input=lambda g, dims: permute_to(g, _inverse(dims)))
permute_to.samples(lambda draw, case: [case(draw(2, 3, 4), (2, 0, 1)), case(draw(2, 3), (-1, 0)), case(draw(), ())])
permute_to.errors(lambda draw, case: [case(draw(2, 3), (0,)), case(draw(2, 3), (0, 0)), case(draw(2, 3), (0, 2))])


def _inverse(dims: tuple[int, ...]) -> tuple[int, ...]:
    n = len(dims)
    return tuple(sorted(range(n), key=lambda i: dims[i] % n))


@method
def permute(input: Tensor, *dims: Any) -> Tensor:
    """Dimension ``dims[i]`` becomes dimension i; a view.

    >>> import autograd
    >>> autograd.zeros(2, 3, 4).permute(2, 0, 1).shape
    Size([4, 2, 3])
    """
    return permute_to(input, sizes("permute", dims))


@method
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Dimensions `dim0` and `dim1` exchanged; a view."""
    n = input.array.ndim
    a, b = axis_of(dim0, n, "dim0"), axis_of(dim1, n, "dim1")
    order = list(range(n))
    if n:
        order[a], order[b] = order[b], order[a]
    return permute_to(input, tuple(order))


swapaxes = swapdims = transpose
attach("swapaxes", transpose, transpose)
attach("swapdims", transpose, transpose)


@method
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; vectors and numbers as they are."""
    if input.array.ndim > 2:
        raise ShapeError(
            f"t: expected at most 2 dimensions, got shape {tuple(input.shape)}; use transpose(dim0, dim1) or mT"
        )
    return permute_to(input, (1, 0)) if input.array.ndim == 2 else permute_to(input, tuple(range(input.array.ndim)))


@method
def adjoint(input: Tensor) -> Tensor:
    """The last two dimensions exchanged (and conjugated, were it complex)."""
    return transpose(input, -2, -1)


def _reverse(self: Tensor) -> Tensor:
    """All dimensions in reverse order."""
    return permute_to(self, tuple(reversed(range(self.array.ndim))))


def _matrix_transpose(self: Tensor) -> Tensor:
    """The last two dimensions exchanged."""
    if self.array.ndim < 2:
        raise ShapeError(f"mT: expected at least 2 dimensions, got shape {tuple(self.shape)}")
    return transpose(self, -2, -1)


attach("T", property(_reverse), _reverse)
attach("mT", property(_matrix_transpose), _matrix_transpose)
attach("H", property(_matrix_transpose), _matrix_transpose)
attach("mH", property(_matrix_transpose), _matrix_transpose)


@method
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Dimensions `source` moved to `destination`, the others in order."""
    n = input.array.ndim
    a, b = axes_of(source, n, "source"), axes_of(destination, n, "destination")
    if len(a) != len(b):
        raise ArgumentError(
            f"movedim: source={source} and destination={destination} name different numbers of dimensions"
        )
    order = [i for i in range(n) if i not in a]
    for to, at in sorted(zip(b, a)):
        order.insert(to, at)
    return permute_to(input, tuple(order))


moveaxis = movedim
attach("moveaxis", movedim, movedim)


@method
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Without dimensions of size 1 (those of `dim`, or all).

    >>> import autograd
    >>> autograd.zeros(1, 2, 1).squeeze(0).shape
    Size([2, 1])
    """
    shape = input.array.shape
    chosen = axes_of(dim, len(shape)) if dim != () else ()
    return reshape_to(input, tuple(n for i, n in enumerate(shape) if n != 1 or i not in chosen))


@method
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a dimension of size 1 at `dim`."""
    shape = input.array.shape
    at = axis_of(dim, len(shape) + 1)
    return reshape_to(input, (*shape[:at], 1, *shape[at:]))


@method
def expand(self: Tensor, *shape: Any) -> Tensor:
    """Dimensions of size 1 repeated without copying; -1 keeps a size."""
    given, own = sizes("expand", shape), self.array.shape
    lead = len(given) - len(own)
    if lead < 0 or any(n == -1 for n in given[:lead]):
        raise ShapeError(f"expand: shape {given} does not fit a tensor of shape {own}; -1 only keeps an existing size")
    return self.broadcast_to(tuple(own[i - lead] if n == -1 else n for i, n in enumerate(given)))


@method
def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """`expand` to the shape of `other`."""
    return self.broadcast_to(other.array.shape)


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that tensors of these shapes have together; an int is a shape of one dimension.

    >>> import autograd
    >>> autograd.broadcast_shapes((2, 1), (3,))
    Size([2, 3])
    """
    try:
        return Size(np.broadcast_shapes(*shapes))
    except ValueError:
        raise ShapeError(
            f"broadcast_shapes: {', '.join(map(str, shapes))} do not broadcast; sizes must be equal or 1"
        ) from None


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors expanded to their common shape.

    >>> import autograd
    >>> autograd.broadcast_tensors(autograd.ones(2, 1), autograd.tensor([1.0, 2.0]))[0]
    tensor([[1., 1.],
            [1., 1.]])
    """
    shape = broadcast_shapes(*(t.array.shape for t in tensors))
    return tuple(t.broadcast_to(shape) for t in tensors)


@method
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """Elements `start` to ``start + length`` of dimension `dim`; a view."""
    if isinstance(start, Tensor) and (start.array.ndim or start.array.dtype.kind not in "iu"):
        raise ArgumentError(
            f"narrow: start must be an int or a 0-d int tensor, got {start.dtype} of shape {tuple(start.shape)}"
        )
    at, start = axis_of(dim, input.array.ndim), int(start)
    if input.array.ndim == 0:
        raise DimensionError("narrow: a 0-d tensor has no dimension to narrow")
    n = input.array.shape[at]
    first = start + n if start < 0 else start
    if length < 0 or not 0 <= first <= n - length:
        raise ArgumentError(f"narrow: start={start} and length={length} leave dimension {dim}, of size {n}")
    return input[(slice(None),) * at + (slice(first, first + length),)]


@method
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """Element `index` of dimension `dim`, which is dropped; a view."""
    at = axis_of(dim, input.array.ndim)
    if input.array.ndim == 0 or not -input.array.shape[at] <= index < input.array.shape[at]:
        raise DimensionError(f"select: index={index} is out of range for dimension {dim} of shape {tuple(input.shape)}")
    return input[(slice(None),) * at + (int(index),)]
