"""Elements repeated, turned round and shifted: arrangements for which there are no views."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, DimensionError, ShapeError
from ..op import op
from ..tensor import Tensor, method, wrap
from .dims import axes_of, axis_of
from .shape import ravel, reshape_to, sizes, transpose

__all__ = ["flip", "fliplr", "flipud", "repeat_interleave", "roll", "rot90", "tile"]


@method
def repeat(self: Tensor, *repeats: Any) -> Tensor:
    """Copies along each dimension; more numbers than dimensions add new ones in front."""
    times = sizes("repeat", repeats)
    lead = len(times) - self.array.ndim
    if lead < 0:
        raise ArgumentError(
            f"repeat: {len(times)} numbers for {self.array.ndim} dimensions; give at least one for each"
        )
    if any(n < 0 for n in times):
        raise ArgumentError(f"repeat: repeats={times} must not be negative")
    shape = (1,) * lead + self.array.shape
    pairs = tuple(n for size in shape for n in (1, size))
    wide = tuple(n for k, size in zip(times, shape) for n in (k, size))
    return reshape_to(reshape_to(self, pairs).broadcast_to(wide), tuple(k * n for k, n in zip(times, shape)))


@method
def tile(input: Tensor, *dims: Any) -> Tensor:
    """`repeat` with missing numbers taken as 1."""
    times = sizes("tile", dims)
    return input.repeat((1,) * (input.array.ndim - len(times)) + times)


@method
def repeat_interleave(input: Tensor, repeats: Any, dim: int | None = None, *, output_size: int | None = None) -> Tensor:
    """Each element repeated in place: [1, 2] twice is [1, 1, 2, 2]."""
    if dim is None:
        input, dim = ravel(input), 0
    n = input.array.shape[axis_of(dim, input.array.ndim)] if input.array.ndim else 1
    counts = np.broadcast_to(repeats.array if isinstance(repeats, Tensor) else np.asarray(repeats), (n,))
    if (counts < 0).any():
        raise ArgumentError("repeat_interleave: repeats must not be negative")
    return (input if input.array.ndim else ravel(input)).index_select(dim, wrap(np.repeat(np.arange(n), counts)))


@op(symbol="flip", numpy=np.flip, linear=True)
def flip(input: Any, /, dims: Any) -> Any:
    """The order of elements along `dims` reversed.

    >>> import autograd
    >>> autograd.tensor([1, 2, 3]).flip(0)
    tensor([3, 2, 1])
    """
    return np.ascontiguousarray(np.flip(input, axes_of(dims, input.ndim, "dims") if dims not in ((), []) else ()))


flip.derivative(input=lambda g, dims: flip(g, dims))
flip.samples(lambda draw, case: [case(draw(2, 3), (0,)), case(draw(2, 3), (0, -1)), case(draw(3), 0)])
flip.errors(lambda draw, case: [case(draw(2, 3), (2,)), case(draw(2, 3), (0, 0))])


@method
def fliplr(input: Tensor) -> Tensor:
    """Columns in reverse order."""
    return flip(input, (1,))


@method
def flipud(input: Tensor) -> Tensor:
    """Rows in reverse order."""
    if input.array.ndim == 0:
        raise ShapeError("flipud: a 0-d tensor has no rows")
    return flip(input, (0,))


@op(symbol="roll", numpy=np.roll, linear=True)
def roll(input: Any, /, shifts: Any, dims: Any = None) -> Any:
    """Elements shifted along `dims`, those that leave coming in at the other end.

    >>> import autograd
    >>> autograd.tensor([1, 2, 3]).roll(1)
    tensor([3, 1, 2])
    """
    several = shifts if isinstance(shifts, tuple | list) else (shifts,)
    axes = None if dims is None or dims in ((), []) else axes_of(dims, input.ndim, "dims")
    if len(several) != (1 if axes is None else len(axes)):
        raise ArgumentError(f"roll: shifts={shifts} and dims={dims} must go together, one shift for each dimension")
    if input.ndim == 0 and axes:
        raise DimensionError(f"roll: dims={dims} of a 0-d tensor, which has no dimensions")
    return np.roll(input, shifts, axes)


roll.derivative(input=lambda g, shifts, dims: roll(g, _negative(shifts), dims))
roll.samples(lambda draw, case: [case(draw(4), 1), case(draw(2, 3), (1, -1), (0, 1)), case(draw(2, 3), 2)])
roll.errors(lambda draw, case: [case(draw(2, 3), (1, 2), 0), case(draw(2), 1, 1)])


def _negative(shifts: Any) -> Any:
    return tuple(-s for s in shifts) if isinstance(shifts, tuple | list) else -shifts


@method
def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """The plane of `dims` turned by k quarter turns, from the first of them towards the second."""
    if len(dims) != 2 or len(set(axes_of(tuple(dims), input.array.ndim, "dims"))) != 2:
        raise ArgumentError(f"rot90: dims={dims} must name two different dimensions")
    a, b = dims
    turned = {0: lambda: input.clone(), 1: lambda: transpose(flip(input, (b,)), a, b), 2: lambda: flip(input, (a, b)),
              3: lambda: flip(transpose(input, a, b), (b,))}  # fmt: skip
    return turned[k % 4]()
