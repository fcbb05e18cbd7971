"""Dimensions: checked, and as NumPy's axes."""

from __future__ import annotations

import math
import operator
from typing import Any

from ..errors import ArgumentError, DimensionError

Dims = int | tuple[int, ...] | list[int] | None
_SEVERAL = (tuple, list)
_ALL = [tuple(range(ndim)) for ndim in range(65)]  # NumPy allows no more


def axis_of(dim: Any, ndim: int, name: str = "dim") -> int:
    """`dim` as an axis of an `ndim`-dimensional array, counted from the front; a 0-d array has one, as in PyTorch."""
    if dim.__class__ is int and 0 <= dim < ndim:
        return dim
    try:
        axis = operator.index(dim)
    except TypeError:
        raise ArgumentError(f"{name}: expected an int, got {dim!r}") from None
    limit = max(ndim, 1)
    if not -limit <= axis < limit:
        raise DimensionError(f"{name}={axis} is out of range: {ndim} dimensions take {-limit} to {limit - 1}")
    return axis % limit


def axes_of(dim: Dims, ndim: int, name: str = "dim") -> tuple[int, ...]:
    """`dim` (None for all, an int, or several) as a tuple of axes for NumPy."""
    if dim is None or (isinstance(dim, _SEVERAL) and not dim):
        return _ALL[ndim]
    dims = dim if isinstance(dim, _SEVERAL) else (dim,)
    axes = tuple([axis_of(d, ndim, name) for d in dims])
    if len(set(axes)) != len(axes):
        raise ArgumentError(f"{name}={tuple(dims)} names a dimension twice")
    return axes if ndim else ()


def kept(x: Any, shape: tuple[int, ...], dim: Dims, keepdim: bool) -> Any:
    """`x`, a tensor of `shape` reduced over `dim`, with the reduced dimensions as ones, so that it broadcasts again."""
    if keepdim:
        return x
    axes = axes_of(dim, len(shape))
    return x.reshape(tuple(1 if i in axes else n for i, n in enumerate(shape)))


def count(shape: tuple[int, ...], axes: tuple[int, ...]) -> int:
    """How many elements a reduction over `axes` takes together."""
    return math.prod(shape[axis] for axis in axes)
