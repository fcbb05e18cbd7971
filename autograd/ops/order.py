"""Elements in order: sorting, the largest few, the distinct ones, and where a value would go."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..dtypes import int32, int64
from ..errors import ArgumentError, ShapeError
from ..inplace import takes_out
from ..op import op
from ..tensor import Tensor, method, wrap
from ..twin import as_one
from .along import Selected, put_back
from .dims import axis_of

__all__ = [
    "argsort",
    "bincount",
    "bucketize",
    "histc",
    "isin",
    "msort",
    "searchsorted",
    "sort",
    "topk",
    "unique",
    "unique_consecutive",
]


FEW = 32  # of the largest elements, for which insertion is faster than a sort
LARGE = 2048  # elements from which sorting keys is faster than sorting indices


def _keys(x: np.ndarray, bits: int) -> np.ndarray | None:
    """Numbers of at most `bits` bits in the order of x, as uint64; None if it needs more."""
    if x.dtype == np.float32:
        raw = (x + 0).view(np.uint32)  # -0 is 0
        keys = np.where(raw >> 31, ~raw, raw | np.uint32(1 << 31)).astype(np.uint64)
        keys[np.isnan(x)] = (1 << 32) - 1
        return keys if bits >= 32 else None
    if x.dtype.kind in "iu":
        low = x.min()
        return (x.astype(np.uint64) - low.astype(np.uint64)) if int(x.max()) - int(low) < 1 << bits else None
    return None


@as_one
def stable_order(x: np.ndarray, axis: int, descending: bool = False) -> np.ndarray:
    """The stable sorting permutation; NaN counts as the largest.

    Of a large array, keys of the elements with their places below are sorted, as integers of 64 bits: NumPy does that
    eight at a time where the processor can, and places part what is equal.
    """
    n = x.shape[axis]
    digits = max(1, (n - 1).bit_length())
    if x.size >= LARGE and (keys := _keys(x, 64 - digits)) is not None:
        keys = ~keys if descending else keys
        places = np.arange(n, dtype=np.uint64).reshape((-1,) + (1,) * (x.ndim - axis - 1))
        table = np.sort((keys << np.uint64(digits)) | places, axis)
        return (table & np.uint64((1 << digits) - 1)).astype(np.int64)
    if not descending:
        return np.argsort(x, axis, kind="stable")
    backwards = np.flip(np.argsort(np.flip(x, axis), axis, kind="stable"), axis)
    return x.shape[axis] - 1 - backwards


@op(name="sort", symbol="sort", method=False, multiple=True)
def sorted_along(input: Any, /, dim: int = -1, descending: bool = False) -> Any:
    """Elements along `dim` in order, and where they stood: the op behind `sort`."""
    axis = axis_of(dim, input.ndim)
    if not input.ndim:
        return Selected(input[...].copy(), np.zeros((), np.int64))
    order = stable_order(input, axis, descending)
    return Selected(np.take_along_axis(input, order, axis), order)


sorted_along.derivative(input=lambda g, out, input_shape, dim: put_back(g, out, input_shape, dim))
sorted_along.samples(
    lambda draw, case: [case(draw(4)), case(draw(2, 3, 4), 1, True), case(draw(), 0), case(draw(0, 2), 0)]
)
sorted_along.errors(lambda draw, case: [case(draw(2), 1)])


@takes_out
@method
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Selected:
    """(values, indices): the elements along `dim` in order, equal ones in the order they had.

    >>> import autograd
    >>> autograd.tensor([3.0, 1.0, 2.0]).sort()
    Selected(values=tensor([1., 2., 3.]), indices=tensor([1, 2, 0]))
    """
    return sorted_along(input, dim, descending)


@method
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The indices that put the elements along `dim` in order."""
    return sorted_along(input.detach(), dim, descending).indices


@takes_out
@method
def msort(input: Tensor) -> Tensor:
    """`sort` along the first dimension, the values alone."""
    return sorted_along(input, 0).values


@op(symbol="top k", multiple=True)
def topk(input: Any, /, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Selected:
    """(values, indices) of the k largest (or smallest) elements along `dim`, in order.

    >>> import autograd
    >>> autograd.tensor([3.0, 1.0, 2.0]).topk(2)
    Selected(values=tensor([3., 2.]), indices=tensor([0, 2]))
    """
    axis = axis_of(dim, input.ndim)
    n = input.shape[axis] if input.ndim else 1
    if not 0 <= k <= n:
        raise ArgumentError(f"topk: k={k} is out of range; dimension {dim} has {n} elements")
    if not input.ndim:
        return Selected(input[...].copy(), np.zeros((), np.int64))
    order = np.take(stable_order(input, axis, largest), np.arange(k), axis)
    return Selected(np.take_along_axis(input, order, axis), order)


@topk.kernel
def _(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    if type(input) is not np.ndarray or input.size < 1024 or input.dtype.char not in "fdl":
        return NotImplemented
    if not input.flags.c_contiguous or dim not in (-1, input.ndim - 1) or not 0 < k <= min(FEW, input.shape[-1]):
        return NotImplemented
    from ..kernels import scan

    return Selected(*scan.best(input, k, bool(largest)))


topk.derivative(input=lambda g, out, input_shape, dim: put_back(g, out, input_shape, dim))
topk.samples(lambda draw, case: [case(draw(4), 2), case(draw(2, 3, 4), 1, 1, False), case(draw(2, 3), 3)])
topk.errors(lambda draw, case: [case(draw(2), 3), case(draw(2), 1, 1)])


# ---------------------------------------------------------------------------------------------------------------------
# Distinct elements.


@method
def unique(input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,
           dim: int | None = None) -> Any:  # fmt: skip
    """The distinct elements (or slices along `dim`), in order; with inverse indices and counts if asked for.

    >>> import autograd
    >>> autograd.tensor([3, 1, 3]).unique(return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    x, axis = input.array, None if dim is None else axis_of(dim, input.array.ndim)
    values, inverse, counts = np.unique(x, return_inverse=True, return_counts=True, axis=axis, equal_nan=False)
    inverse = inverse.reshape(x.shape if axis is None else -1)
    return _answers(values, inverse if return_inverse else None, counts if return_counts else None)


@method
def unique_consecutive(input: Tensor, return_inverse: bool = False, return_counts: bool = False,
                       dim: int | None = None) -> Any:  # fmt: skip
    """The elements without those that equal the one before.

    >>> import autograd
    >>> autograd.tensor([1, 1, 2, 1]).unique_consecutive()
    tensor([1, 2, 1])
    """
    axis = 0 if dim is None else axis_of(dim, input.array.ndim)
    x = input.array.reshape(-1) if dim is None else input.array
    n = x.shape[axis] if x.ndim else 1
    rows = np.moveaxis(np.atleast_1d(x), axis, 0).reshape(n, math.prod(x.shape) // n if n else 0)
    starts = np.ones(n, bool)
    starts[1:] = (rows[1:] != rows[:-1]).any(1)
    inverse = np.cumsum(starts) - 1
    counts = np.bincount(inverse, minlength=0) if n else np.zeros(0, np.int64)
    values = np.compress(starts, np.atleast_1d(x), axis)
    shaped = inverse.reshape(input.array.shape) if dim is None else inverse
    return _answers(values, shaped if return_inverse else None, counts if return_counts else None)


def _answers(values: np.ndarray, *more: np.ndarray | None) -> Any:
    rest = tuple(wrap(x.astype(np.int64)) for x in more if x is not None)
    return (wrap(values), *rest) if rest else wrap(values)


# ---------------------------------------------------------------------------------------------------------------------
# Counting and searching.


@method
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, 2, ... occurs, or the sum of their weights.

    >>> import autograd
    >>> autograd.tensor([0, 2, 2]).bincount()
    tensor([1, 0, 2])
    """
    if not isinstance(input, Tensor):
        raise ArgumentError(f"bincount: input must be a Tensor, got {type(input).__name__}; write autograd.tensor(...)")
    x = input.array
    if x.ndim != 1 or x.dtype.kind not in "iu" or (x.size and x.min() < 0):
        raise ArgumentError(f"bincount: input must be a vector of non-negative integers, got {x.dtype}{list(x.shape)}")
    if weights is not None and weights.array.shape != x.shape:
        raise ShapeError(f"bincount: weights must have the shape of input, {x.shape}, got {tuple(weights.shape)}")
    counts = np.bincount(x, None if weights is None else weights.array, minlength)
    kind = np.int64 if weights is None else np.float32 if weights.dtype == np.float32 else np.float64
    return wrap(counts.astype(kind))


@takes_out
@method
def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements fall into each of `bins` equal intervals from `min` to `max`; both 0 mean the data's own."""
    x = input.array
    if bins <= 0:
        raise ArgumentError(f"bins: expected a positive int, got {bins}")
    low, high = (x.min(), x.max()) if min == max and x.size else (min, max)
    if not (np.isfinite(low) and np.isfinite(high) and low <= high):
        raise ArgumentError(f"histc: expected finite min <= max, got min={low} and max={high}")
    if low == high:
        low, high = low - 1, high + 1
    return wrap(np.histogram(x, bins, (float(low), float(high)))[0].astype(x.dtype))


@takes_out
@method
def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """For each element whether it is among `test_elements`."""
    x, y = (z.array if isinstance(z, Tensor) else np.asarray(z) for z in (elements, test_elements))
    return wrap(np.asarray(np.isin(x, y, assume_unique=assume_unique, invert=invert)))


@takes_out
def searchsorted(sorted_sequence: Tensor, input: Any, *, out_int32: bool = False, right: bool = False,
                 side: str | None = None, sorter: Tensor | None = None) -> Tensor:  # fmt: skip
    """Where in the rows of `sorted_sequence` the values of `input` would go.

    >>> import autograd
    >>> autograd.searchsorted(autograd.tensor([1, 3, 5]), autograd.tensor([3, 4]))
    tensor([1, 2])
    """
    if side not in (None, "left", "right") or (side == "left" and right):
        raise ArgumentError(
            f"searchsorted: side={side!r} and right={right} do not go together; side is 'left' or 'right'"
        )
    place: Any = "right" if right or side == "right" else "left"
    rows, values = sorted_sequence.array, input.array if isinstance(input, Tensor) else np.asarray(input)
    if sorter is not None:
        if sorter.array.shape != rows.shape or sorter.array.dtype != np.int64:
            raise ShapeError(
                f"searchsorted: sorter must be int64 of shape {rows.shape}, got {sorter.dtype}{sorter.shape}"
            )
        if sorter.array.size and not 0 <= sorter.array.min() <= sorter.array.max() < rows.shape[-1]:
            raise ArgumentError("searchsorted: sorter has indices out of range")
        rows = np.take_along_axis(rows, sorter.array, -1)
    if rows.ndim == 0 or (rows.ndim > 1 and rows.shape[:-1] != values.shape[:-1]):
        raise ShapeError(f"searchsorted: rows of shape {rows.shape} do not match input of shape {values.shape}")
    return wrap(_places(rows, values, place).astype(int32 if out_int32 else int64))


@as_one
def _places(rows: np.ndarray, values: np.ndarray, side: Any) -> np.ndarray:
    if rows.ndim == 1:
        return np.asarray(np.searchsorted(rows, values, side))
    found = np.empty(values.shape, np.int64)
    for at in np.ndindex(rows.shape[:-1]):
        found[at] = np.searchsorted(rows[at], values[at], side)
    return found


@takes_out
def bucketize(input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """The number of the interval between `boundaries` that each value falls into."""
    if boundaries.array.ndim != 1:
        raise ShapeError(f"bucketize: boundaries must be a vector, got shape {tuple(boundaries.shape)}")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)
