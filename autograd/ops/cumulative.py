"""Running sums, products and extremes along a dimension, differences and areas."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import as_dtype, int64
from ..errors import ArgumentError
from ..inplace import takes_out
from ..op import op
from ..tensor import Tensor, attach_numpy, method
from .along import Selected, put_back
from .dims import axis_of
from .join import cat
from .rearrange import flip
from .shape import narrow

__all__ = [
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "cumulative_trapezoid",
    "diff",
    "logcumsumexp",
    "trapezoid",
]


def _wide(input: Any, dtype: Any) -> Any:
    """Integers are added up as int64, as everywhere."""
    if dtype is not None:
        return input.astype(as_dtype(dtype), copy=False)
    return input.astype(int64) if input.dtype.kind in "biu" else input


@op(symbol="cumsum", inplace=True, linear=True, numpy=np.cumsum)
def cumsum(input: Any, /, dim: int, dtype: Any = None) -> Any:
    """Running sum, y_i = Σ_{j ≤ i} x_j along `dim`.

    >>> import autograd
    >>> autograd.tensor([1.0, 2.0, 3.0]).cumsum(0)
    tensor([1., 3., 6.])
    """
    axis, input = axis_of(dim, input.ndim), _wide(input, dtype)
    return np.cumsum(input, axis) if input.ndim else input.copy()


def _fast_cumsum(input: Any, dim: int, dtype: Any = None) -> Any:
    if type(input) is not np.ndarray or dtype is not None or input.size < 4096 or input.dtype.char not in "fd":
        return NotImplemented
    if not input.flags.c_contiguous or dim not in (-1, input.ndim - 1):
        return NotImplemented
    from ..kernels import scan

    return scan.running_sums(input)


cumsum.kernel(_fast_cumsum, opaque=False)
cumsum.derivative(input=lambda g, dim, input_dtype: flip(cumsum(flip(g, (dim,)), dim), (dim,)).astype(input_dtype))
_CASES = lambda draw, case: [case(draw(4), 0), case(draw(2, 3, 4), 1), case(draw(0, 2), 0), case(draw(), 0)]
cumsum.samples(_CASES)
cumsum.errors(lambda draw, case: [case(draw(2), 1)])


@op(symbol="cumprod", inplace=True, numpy=np.cumprod)
def cumprod(input: Any, /, dim: int, dtype: Any = None) -> Any:
    """Running product, y_i = Π_{j ≤ i} x_j along `dim`.

    >>> import autograd
    >>> autograd.tensor([1.0, 2.0, 3.0]).cumprod(0)
    tensor([1., 2., 6.])
    """
    axis, input = axis_of(dim, input.ndim), _wide(input, dtype)
    return np.cumprod(input, axis) if input.ndim else input.copy()


def _cumprod_pull(g: Any, input: Any, out: Any, dim: int) -> Any:
    """Σ_{i ≥ k} g_i Π_{j ≤ i, j ≠ k} x_j: by division, or, where a zero forbids it, from the n x n table of factors."""
    if not len(input.shape):
        return g
    axis, array = axis_of(dim, len(input.shape)), getattr(input, "array", input)
    if array.all():
        return flip(cumsum(flip(g * out, (axis,)), axis), (axis,)) / input
    n = input.shape[axis]
    rows = (*input.shape[:axis], 1, n, *input.shape[axis + 1 :])
    tail = (1,) * (len(rows) - axis - 2)
    own = np.eye(n, dtype=bool).reshape(n, n, *tail)
    later = np.triu(np.ones((n, n), input.dtype)).reshape(n, n, *tail)
    without = cumprod(np.where(own, np.ones((), input.dtype), input.reshape(rows)), axis + 1)
    return (without * later * g.reshape(rows)).sum(axis=axis + 1)


cumprod.derivative(input=lambda g, input, out, dim: _cumprod_pull(g, input, out, dim))
cumprod.samples(_CASES)
cumprod.samples(lambda draw, case: [case(np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 1.5]]), 1)])
cumprod.errors(lambda draw, case: [case(draw(2), 1)])


@op(symbol="logcumsumexp")
def logcumsumexp(input: Any, /, dim: int) -> Any:
    """Running log Σ exp, y_i = ln Σ_{j ≤ i} e^{x_j} along `dim`.

    >>> import autograd
    >>> autograd.tensor([0.0, 0.0]).logcumsumexp(0)
    tensor([0.0000, 0.6931])
    """
    axis = axis_of(dim, input.ndim)
    return np.logaddexp.accumulate(input, axis) if input.ndim else input.copy()


def _logcumsumexp_pull(g: Any, input: Any, dim: int) -> Any:
    """Σ_{i ≥ k} g_i w_ki, w_ki = e^{x_k} / Σ_{j ≤ i} e^{x_j}: the softmax of each beginning, in an n x n table.

    From x and its running maximum m, for the difference x_k - y_i of large numbers would have lost its digits.
    """
    if not len(input.shape):
        return g
    axis = axis_of(dim, len(input.shape))
    n = input.shape[axis]
    column = (*input.shape[:axis], n, 1, *input.shape[axis + 1 :])
    row = (*input.shape[:axis], 1, n, *input.shape[axis + 1 :])
    best = np.maximum.accumulate(np.asarray(input), axis)
    best = np.where(np.isfinite(best), best, np.zeros((), input.dtype))
    later = np.triu(np.ones((n, n), bool)).reshape(n, n, *(1,) * (len(row) - axis - 2))
    terms = np.exp(np.where(later, input.reshape(column) - best.reshape(row), np.full((), -np.inf, input.dtype)))
    return (g.reshape(row) * terms / terms.sum(axis=axis, keepdims=True)).sum(axis=axis + 1)


logcumsumexp.derivative(input=lambda g, input, dim: _logcumsumexp_pull(g, input, dim))
logcumsumexp.samples(_CASES)
logcumsumexp.errors(lambda draw, case: [case(draw(2), 1)])


def _running(input: Any, dim: int, better: Any) -> Selected:
    """The best so far along `dim`, and where it was last improved or equalled."""
    axis = axis_of(dim, input.ndim)
    if not input.ndim:
        return Selected(input[...].copy(), np.zeros((), np.int64))
    values = better.accumulate(input, axis)
    here = np.arange(input.shape[axis]).reshape((-1,) + (1,) * (input.ndim - axis - 1))
    mine = (input == values) | (np.isnan(input) if input.dtype.kind == "f" else False)
    return Selected(values, np.maximum.accumulate(np.where(mine, here, 0), axis).astype(np.int64))


@op(symbol="cummax", multiple=True)
def cummax(input: Any, /, dim: int) -> Selected:
    """The largest element so far along `dim`, and its index.

    >>> import autograd
    >>> autograd.tensor([1.0, 3.0, 2.0]).cummax(0)
    Selected(values=tensor([1., 3., 3.]), indices=tensor([0, 1, 1]))
    """
    return _running(input, dim, np.maximum)


@op(symbol="cummin", multiple=True)
def cummin(input: Any, /, dim: int) -> Selected:
    """The smallest element so far along `dim`, and its index.

    >>> import autograd
    >>> autograd.tensor([3.0, 1.0, 2.0]).cummin(0).values
    tensor([3., 1., 1.])
    """
    return _running(input, dim, np.minimum)


for _extreme in (cummax, cummin):
    _extreme.derivative(input=lambda g, out, input_shape, dim: put_back(g, out, input_shape, dim))
    _extreme.samples(_CASES)
    _extreme.errors(lambda draw, case: [case(draw(2), 1)])


# ---------------------------------------------------------------------------------------------------------------------
# Differences and areas.


@takes_out
@method
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """The n-th difference of neighbours along `dim`.

    >>> import autograd
    >>> autograd.tensor([1, 4, 9]).diff()
    tensor([3, 5])
    """
    if n < 0:
        raise ArgumentError(f"diff: n must not be negative, got {n}")
    if n == 0:
        return input.clone()
    parts = [x for x in (prepend, input, append) if x is not None]
    x = cat(parts, dim) if len(parts) > 1 else input
    axis = axis_of(dim, x.array.ndim)
    for _ in range(n):
        length = x.array.shape[axis]
        if length <= 1:
            return narrow(x, axis, 0, 0)
        high, low = narrow(x, axis, 1, length - 1), narrow(x, axis, 0, length - 1)
        x = high.logical_xor(low) if x.array.dtype.kind == "b" else high - low
    return x


def _slabs(y: Tensor, x: Tensor | None, dx: float, dim: int) -> Tensor:
    axis = axis_of(dim, y.array.ndim)
    n = y.array.shape[axis]
    mean = (narrow(y, axis, 1, max(n - 1, 0)) + narrow(y, axis, 0, max(n - 1, 0))) / 2
    if x is None:
        return mean * dx
    if x.array.ndim == 1:
        x = x.reshape((-1,) + (1,) * (y.array.ndim - axis - 1))
        return mean * diff(x, dim=0)
    return mean * diff(x, dim=dim)


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1.0, dim: int = -1) -> Tensor:
    """The area under `y` by the trapezoidal rule."""
    return _slabs(y, x, dx, dim).sum(dim)


def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1.0, dim: int = -1) -> Tensor:
    """The area under `y` so far, by the trapezoidal rule."""
    return cumsum(_slabs(y, x, dx, dim), dim)


attach_numpy(np.diff, diff)
