"""Largest, smallest and middle elements, and where they are."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..inplace import takes_out
from ..op import op
from ..tensor import Tensor, attach_numpy, method
from .along import Selected, put_back
from .along import select as selected
from .choice import maximum, minimum
from .dims import Dims, axes_of, axis_of, count, kept
from .order import stable_order
from .rows import rows_of, shaped

__all__ = ["amax", "amin", "aminmax", "argmax", "argmin", "kthvalue", "max", "median", "min", "mode", "nanmedian"]


def _not_empty(name: str, input: Any, dim: Dims = None) -> None:
    if not input.size and not count(input.shape, axes_of(dim, input.ndim)):
        raise ShapeError(
            f"{name}: input of shape {input.shape} has no elements along dim={dim}; nothing to choose from"
        )


def _evenly(g: Any, input: Any, out: Any, dim: Dims, keepdim: bool) -> Any:
    """Elements that share the extremum share its cotangent evenly."""
    mine = (input == kept(out, input.shape, dim, keepdim)) | (input != input)  # NaN is the extremum
    many = mine.sum(axis=axes_of(dim, len(input.shape)), keepdims=True).astype(input.dtype)
    return kept(g, input.shape, dim, keepdim) / many * mine


@op(symbol="max")
def amax(input: Any, /, dim: Dims = (), keepdim: bool = False) -> Any:
    """The largest elements over `dim`; equal ones share the gradient.

    >>> import autograd
    >>> autograd.tensor([[1.0, 4.0], [3.0, 2.0]]).amax(1)
    tensor([4., 3.])
    """
    _not_empty("amax", input, dim)
    return np.maximum.reduce(input, axes_of(dim, input.ndim), keepdims=keepdim)  # type: ignore[call-overload]


amax.derivative(input=lambda g, input, out, dim, keepdim: _evenly(g, input, out, dim, keepdim))
_CASES = lambda draw, case: [case(draw(4)), case(draw(2, 3, 4), (0, 2)), case(draw(2, 3), -1, True), case(draw())]
amax.samples(_CASES)
amax.errors(lambda draw, case: [case(draw(2), 1), case(draw(0, 2), 0)])


@op(symbol="min")
def amin(input: Any, /, dim: Dims = (), keepdim: bool = False) -> Any:
    """The smallest elements over `dim`; equal ones share the gradient.

    >>> import autograd
    >>> autograd.tensor([[1.0, 4.0], [3.0, 2.0]]).amin(1)
    tensor([1., 2.])
    """
    _not_empty("amin", input, dim)
    return np.minimum.reduce(input, axes_of(dim, input.ndim), keepdims=keepdim)  # type: ignore[call-overload]


amin.derivative(input=lambda g, input, out, dim, keepdim: _evenly(g, input, out, dim, keepdim))
amin.samples(_CASES)
amin.errors(lambda draw, case: [case(draw(2), 1), case(draw(0, 2), 0)])


def _fast_extreme(least: bool) -> Any:
    def fast(input: Any, dim: Dims = (), keepdim: bool = False) -> Any:
        if dim.__class__ is int and (found := _down_columns(input, dim, keepdim, least)) is not None:
            return found.values
        rows = rows_of(input, dim)
        if not rows or (rows == 1 and input.size < 1 << 22):  # NumPy has good loops for this, and one thread
            return NotImplemented
        from ..kernels import reduce

        return shaped(reduce.extremes(input, rows, least), input, dim, keepdim)

    return fast


amax.kernel(_fast_extreme(False), opaque=False)
amin.kernel(_fast_extreme(True), opaque=False)


class MinMax(NamedTuple):
    """What `aminmax` returns."""

    min: Tensor
    max: Tensor


@takes_out
@method
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> MinMax:
    """`amin` and `amax`."""
    return MinMax(amin(input, () if dim is None else dim, keepdim), amax(input, () if dim is None else dim, keepdim))


# ---------------------------------------------------------------------------------------------------------------------
# With their indices.


@op(symbol="argmax", differentiable=False)
def argmax(input: Any, /, dim: int | None = None, keepdim: bool = False) -> Any:
    """The index of the largest element along `dim`, or among all.

    >>> import autograd
    >>> autograd.tensor([[1.0, 4.0], [3.0, 2.0]]).argmax(1)
    tensor([1, 0])
    """
    return _where_is(np.argmax, "argmax", input, dim, keepdim)


@op(symbol="argmin", differentiable=False)
def argmin(input: Any, /, dim: int | None = None, keepdim: bool = False) -> Any:
    """The index of the smallest element along `dim`, or among all.

    >>> import autograd
    >>> autograd.tensor([[1.0, 4.0], [3.0, 2.0]]).argmin(1)
    tensor([0, 1])
    """
    return _where_is(np.argmin, "argmin", input, dim, keepdim)


def _where_is(find: Any, name: str, input: Any, dim: int | None, keepdim: bool) -> Any:
    axis = None if dim is None else axis_of(dim, input.ndim)
    _not_empty(name, input, dim)
    if not input.ndim:
        return np.zeros((), np.int64)
    return np.asarray(find(input, axis=axis, keepdims=keepdim), np.int64)


LEAST, NARROW = 4096, 16  # elements, and columns, from which the kernel is faster than NumPy


def _down_columns(input: Any, dim: Any, keepdim: bool, least: bool) -> Selected | None:
    """The smallest or largest along `dim`, and where they are, by the kernel; None if it does not take the input."""
    if type(input) is not np.ndarray or input.dtype.char not in "fd" or not input.flags.c_contiguous:
        return None
    if dim is None or input.size < LEAST or (axis := axis_of(dim, input.ndim)) == input.ndim - 1:
        return None
    before, after = input.shape[:axis], input.shape[axis + 1 :]
    if math.prod(after) < NARROW:
        return None
    from ..kernels import columns

    table = input.reshape(math.prod(before), input.shape[axis], math.prod(after))
    shape = (*before, *(1,) * keepdim, *after)
    return Selected(*(found.reshape(shape) for found in columns.best(table, least)))


def _fast_place(least: bool) -> Any:
    def fast(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
        found = _down_columns(input, dim, keepdim, least)
        return NotImplemented if found is None else found.indices

    return fast


def _fast_choice(least: bool) -> Any:
    def fast(input: Any, dim: int, keepdim: bool = False) -> Any:
        found = _down_columns(input, dim, keepdim, least)
        return NotImplemented if found is None else found

    return fast


argmax.kernel(_fast_place(False))
argmin.kernel(_fast_place(True))
for _find in (argmax, argmin):
    _find.samples(lambda draw, case: [case(draw(2, 3)), case(draw(2, 3), 1, True), case(draw())])
    _find.errors(lambda draw, case: [case(draw(2), 1), case(draw(0, 2), 0)])
attach_numpy(np.argmax, argmax)
attach_numpy(np.argmin, argmin)


def _selecting(find: Any, name: str, input: Any, dim: int, keepdim: bool) -> Selected:
    axis = axis_of(dim, input.ndim)
    _not_empty(name, input, dim)
    if not input.ndim:
        return Selected(input[...].copy(), np.zeros((), np.int64))
    return selected(input, np.asarray(find(input, axis), np.int64), axis, keepdim)


@op(name="max", symbol="max", method=False, multiple=True)
def max_along(input: Any, /, dim: int, keepdim: bool = False) -> Any:
    """The largest element along `dim` and its index: the op behind ``max(dim)``."""
    return _selecting(lambda x, axis: np.argmax(x, axis, keepdims=True), "max", input, dim, keepdim)


@op(name="min", symbol="min", method=False, multiple=True)
def min_along(input: Any, /, dim: int, keepdim: bool = False) -> Any:
    """The smallest element along `dim` and its index: the op behind ``min(dim)``."""
    return _selecting(lambda x, axis: np.argmin(x, axis, keepdims=True), "min", input, dim, keepdim)


max_along.kernel(_fast_choice(False))
min_along.kernel(_fast_choice(True))


@op(name="median", symbol="median", method=False, multiple=True)
def median_along(input: Any, /, dim: int, keepdim: bool = False) -> Any:
    """The lower median along `dim` and its index; NaN if there is one: the op behind ``median(dim)``."""

    def find(x: Any, axis: int) -> Any:
        order = stable_order(x, axis)
        middle = np.take(order, [(x.shape[axis] - 1) // 2], axis)
        return np.where(np.isnan(x).any(axis, keepdims=True), np.argmax(np.isnan(x), axis, keepdims=True), middle)

    return _selecting(find, "median", input, dim, keepdim)


@op(name="nanmedian", symbol="nanmedian", method=False, multiple=True)
def nanmedian_along(input: Any, /, dim: int, keepdim: bool = False) -> Any:
    """The lower median of the elements along `dim` that are not NaN, and its index."""

    def find(x: Any, axis: int) -> Any:
        order = stable_order(x, axis)  # NaN last
        n = (~np.isnan(x)).sum(axis, keepdims=True)
        return np.take_along_axis(order, np.maximum(n - 1, 0) // 2, axis)

    return _selecting(find, "nanmedian", input, dim, keepdim)


@op(name="kthvalue", symbol="kth", method=False, multiple=True)
def kth_along(input: Any, /, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """The k-th smallest element along `dim`, counted from 1, and its index: the op behind `kthvalue`."""
    n = input.shape[axis_of(dim, input.ndim)] if input.ndim else 1
    if not 1 <= k <= n:
        raise ArgumentError(f"kthvalue: k={k} is out of range; dimension {dim} has {n} elements")
    return _selecting(lambda x, a: np.take(stable_order(x, a), [k - 1], a), "kthvalue", input, dim, keepdim)


@op(symbol="mode", multiple=True)
def mode(input: Any, /, dim: int = -1, keepdim: bool = False) -> Selected:
    """The commonest element along `dim` (the smallest of several) and the index where it last stands.

    >>> import autograd
    >>> autograd.tensor([2, 1, 2, 3]).mode().values
    tensor(2)
    """

    def find(x: Any, axis: int) -> Any:
        last = np.moveaxis(x, axis, -1)
        found = np.empty(last.shape[:-1], np.int64)
        for i in np.ndindex(found.shape):
            values, counts = np.unique(last[i], return_counts=True)
            found[i] = np.flatnonzero(last[i] == values[np.argmax(counts)])[-1]
        return np.expand_dims(found, axis)

    return _selecting(find, "mode", input, dim, keepdim)


for _choose in (max_along, min_along, median_along, nanmedian_along, mode):
    _choose.derivative(input=lambda g, out, input_shape, dim, keepdim: put_back(g, out, input_shape, dim, keepdim))
    _choose.samples(lambda draw, case: [case(draw(4), 0), case(draw(2, 3, 4), 1), case(draw(2, 3), -1, True)])
    _choose.errors(lambda draw, case: [case(draw(2), 1), case(draw(0, 2), 0)])
kth_along.derivative(input=lambda g, out, input_shape, dim, keepdim: put_back(g, out, input_shape, dim, keepdim))
kth_along.samples(lambda draw, case: [case(draw(4), 2), case(draw(2, 3, 4), 3, 1), case(draw(2, 3), 1, -1, True)])
kth_along.errors(lambda draw, case: [case(draw(2), 3), case(draw(2), 0), case(draw(2), 1, 1)])


# ---------------------------------------------------------------------------------------------------------------------
# The public forms.


def _needs_tensor(name: str, input: Any) -> None:
    if not isinstance(input, Tensor):
        raise ArgumentError(
            f"{name}: input must be a Tensor, got {type(input).__name__}; Python's own is builtins.{name}"
        )


@takes_out
@method(numpy=np.max)
def max(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None) -> Any:
    """The largest element; with `dim`, (values, indices) along it; with a tensor, the larger of each pair.

    >>> import autograd
    >>> autograd.tensor([[1.0, 4.0], [3.0, 2.0]]).max(1)
    Selected(values=tensor([4., 3.]), indices=tensor([1, 0]))
    """
    if other is not None or isinstance(dim, Tensor):
        return maximum(input, dim if other is None else other)
    _needs_tensor("max", input)
    return amax(input, (), keepdim) if dim is None else max_along(input, dim, keepdim)


@takes_out
@method(numpy=np.min)
def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None) -> Any:
    """The smallest element; with `dim`, (values, indices) along it; with a tensor, the smaller of each pair.

    >>> import autograd
    >>> autograd.tensor([[1.0, 4.0], [3.0, 2.0]]).min(1).values
    tensor([1., 2.])
    """
    if other is not None or isinstance(dim, Tensor):
        return minimum(input, dim if other is None else other)
    _needs_tensor("min", input)
    return amin(input, (), keepdim) if dim is None else min_along(input, dim, keepdim)


@method
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower median of all elements; with `dim`, (values, indices) along it.

    >>> import autograd
    >>> autograd.tensor([3.0, 1.0, 2.0, 4.0]).median()
    tensor(2.)
    """
    return median_along(input.reshape(-1), 0).values if dim is None else median_along(input, dim, keepdim)


@method
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """`median` of the elements that are not NaN."""
    return nanmedian_along(input.reshape(-1), 0).values if dim is None else nanmedian_along(input, dim, keepdim)


@takes_out
@method
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Selected:
    """(values, indices) of the k-th smallest element along `dim`, counted from 1.

    >>> import autograd
    >>> autograd.tensor([3.0, 1.0, 2.0]).kthvalue(2).values
    tensor(2.)
    """
    return kth_along(input, k, dim, keepdim)
