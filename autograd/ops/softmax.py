"""Softmax, its logarithm, and the cross-entropy of its logarithm with classes, each with a kernel for larger inputs.

The cotangents are ops too: they have kernels of their own, and derivatives for what is differentiated twice.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..dtypes import as_dtype
from ..inplace import takes_out
from ..op import op
from ..tensor import Tensor, method
from .dims import axis_of

__all__ = ["log_softmax", "softmax"]

LEAST = 1024  # elements from which a kernel is faster than NumPy
NARROW = 16  # columns from which one that goes down them is


def _alike(*arrays: np.ndarray) -> bool:
    """Whether kernels take these arrays: floats, row after row, of one shape."""
    first = arrays[0]
    return (
        first.size >= LEAST
        and first.dtype.char in "fd"
        and all(a.flags.c_contiguous and a.dtype == first.dtype and a.shape == first.shape for a in arrays)
    )


def _fits(dim: int, *arrays: np.ndarray) -> bool:
    """Whether the kernels for rows do: `dim` is the last dimension."""
    return dim in (-1, arrays[0].ndim - 1) and _alike(*arrays)


def _down_columns(dim: int, *arrays: np.ndarray) -> list[np.ndarray] | None:
    """The arrays as tables in whose columns `dim` runs, if the kernels for these take them."""
    axis, shape = axis_of(dim, arrays[0].ndim), arrays[0].shape
    if math.prod(shape[axis + 1 :]) < NARROW or not _alike(*arrays):
        return None
    return [a.reshape(math.prod(shape[:axis]), shape[axis], -1) for a in arrays]


def _total(x: Any, dim: int) -> Any:
    return x.sum(axis=dim, keepdims=True) if len(x.shape) else x


_CASES = lambda draw, case: [case(draw(4), 0), case(draw(2, 3, 4), 1), case(draw(0, 2), 0), case(draw(), 0)]
_PAIRS = lambda draw, case: [case(draw(4), draw(4), 0), case(draw(2, 3), draw(2, 3), 1), case(draw(), draw(), 0)]


# ---------------------------------------------------------------------------------------------------------------------
# Softmax.


@op(symbol="softmax", method=False)
def _softmax(input: Any, /, dim: int) -> Any:
    """e^x / Σ e^x along `dim`: the op behind `softmax`."""
    axis = axis_of(dim, input.ndim)
    if not input.size:
        return input.copy()
    several = input.ndim > 1  # of a single row, plain numbers do, with which NumPy takes half as long
    e = np.exp(input - np.maximum.reduce(input, axis, keepdims=several))
    return e / np.add.reduce(e, axis, keepdims=several)


@_softmax.kernel
def _(input: np.ndarray, dim: int) -> Any:
    if not _fits(dim, input):
        if (tables := _down_columns(dim, input)) is None:
            return NotImplemented
        from ..kernels import columns

        return columns.softmax(*tables).reshape(input.shape)
    from ..kernels import softmax

    return softmax.softmax(input)


@op(symbol="softmax'", method=False)
def _softmax_pull(c: Any, y: Any, /, dim: int) -> Any:
    """y (c - Σ c y): what a cotangent c of y = softmax(x) is for x; symmetric, so also its own derivative by c."""
    return y * (c - _total(c * y, dim))


@_softmax_pull.kernel
def _(c: np.ndarray, y: np.ndarray, dim: int) -> Any:
    if not _fits(dim, y, c):
        if (tables := _down_columns(dim, c, y)) is None:
            return NotImplemented
        from ..kernels import columns

        return columns.softmax_pull(*tables).reshape(y.shape)
    from ..kernels import softmax

    return softmax.softmax_pull(c, y)


_softmax.derivative(input=lambda g, out, dim: _softmax_pull(g, out, dim))
_softmax.samples(_CASES)
_softmax.errors(lambda draw, case: [case(draw(2), 1)])
_softmax_pull.derivative(
    c=lambda g, y, dim: _softmax_pull(g, y, dim),
    y=lambda g, c, y, dim: g * (c - _total(c * y, dim)) - c * _total(g * y, dim),
)
_softmax_pull.samples(_PAIRS)


@op(symbol="log softmax", method=False)
def _log_softmax(input: Any, /, dim: int) -> Any:
    """x - ln Σ e^x along `dim`: the op behind `log_softmax`."""
    axis = axis_of(dim, input.ndim)
    if not input.size:
        return input.copy()
    shifted = input - (input.max(axis, keepdims=True) if input.ndim else input)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True)) if input.ndim else shifted


@_log_softmax.kernel
def _(input: np.ndarray, dim: int) -> Any:
    if not _fits(dim, input):
        return NotImplemented
    from ..kernels import softmax

    return softmax.log_softmax(input)


@op(symbol="log softmax'", method=False)
def _log_softmax_pull(c: Any, y: Any, /, dim: int) -> Any:
    """c - e^y Σ c: what a cotangent c of y = log softmax(x) is for x."""
    return c - np.exp(y) * _total(c, dim)


@_log_softmax_pull.kernel
def _(c: np.ndarray, y: np.ndarray, dim: int) -> Any:
    if not _fits(dim, y, c):
        return NotImplemented
    from ..kernels import softmax

    return softmax.log_softmax_pull(c, y)


_log_softmax.derivative(input=lambda g, out, dim: _log_softmax_pull(g, out, dim))
_log_softmax.samples(_CASES)
_log_softmax.errors(lambda draw, case: [case(draw(2), 1)])
_log_softmax_pull.derivative(
    c=lambda g, y, dim: g - _total(g * np.exp(y), dim),
    y=lambda g, c, y, dim: -g * np.exp(y) * _total(c, dim),
)
_log_softmax_pull.samples(_PAIRS)


def floats(input: Tensor, dtype: Any) -> Tensor:
    """`input` in `dtype`; by default, integers as floats."""
    if dtype is not None:
        return input.to(dtype)
    return input.to(as_dtype(float)) if input.array.dtype.kind in "iub" else input


@takes_out
@method
def softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """Softmax, y_i = e^{x_i} / Σ_j e^{x_j} along `dim`: positive, with sum 1.

    >>> import autograd
    >>> autograd.tensor([0.0, 0.0]).softmax(0)
    tensor([0.5000, 0.5000])
    """
    return _softmax(floats(input, dtype), dim)


@takes_out
@method
def log_softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """Logarithm of softmax, y_i = x_i - ln Σ_j e^{x_j} along `dim`, without overflow.

    >>> import autograd
    >>> autograd.tensor([0.0, 0.0]).log_softmax(0)
    tensor([-0.6931, -0.6931])
    """
    return _log_softmax(floats(input, dtype), dim)


# ---------------------------------------------------------------------------------------------------------------------
# Cross-entropy with classes: no table of logarithms is kept, only the input.


@op(symbol="cross entropy", method=False)
def class_cross_entropy(input: Any, classes: Any, /) -> Any:
    """ln Σ_c e^{x_c} - x_class for each row of (N, C), and 0 for rows whose class is -1."""
    logs = _log_softmax.op.body(input, 1)
    return np.where(classes < 0, input.dtype.type(0), -logs[np.arange(len(logs)), classes])


@class_cross_entropy.kernel
def _(input: np.ndarray, classes: np.ndarray) -> Any:
    if not _fits(1, input):
        return NotImplemented
    from ..kernels import softmax

    return softmax.cross_entropy(input, classes)


@op(symbol="cross entropy'", method=False)
def _cross_entropy_pull(c: Any, input: Any, classes: Any, /) -> Any:
    """c_i (softmax(x_i) - one-hot) for each row, and 0 for rows whose class is -1."""
    y = _softmax.op.body(input, 1)
    y[np.arange(len(y)), classes] -= 1
    return y * np.where(classes < 0, c.dtype.type(0), c)[:, None]


@_cross_entropy_pull.kernel
def _(c: np.ndarray, input: np.ndarray, classes: np.ndarray) -> Any:
    if not _fits(1, input) or c.dtype != input.dtype:
        return NotImplemented
    from ..kernels import softmax

    return softmax.cross_entropy_pull(c, input, classes)


def _by_cotangent(g: Any, rows: tuple[int, ...], input: Any, classes: Any) -> Any:
    return (g * _cross_entropy_pull(np.ones(rows, input.dtype), input, classes)).sum(1)


def _by_input(g: Any, c: Any, input: Any, classes: Any) -> Any:
    return _softmax_pull(g, _softmax(input, 1), 1) * (c * (classes >= 0)).reshape((-1, 1))


class_cross_entropy.derivative(input=lambda g, input, classes: _cross_entropy_pull(g, input, classes))
_cross_entropy_pull.derivative(
    c=lambda g, c_shape, input, classes: _by_cotangent(g, c_shape, input, classes),
    input=lambda g, c, input, classes: _by_input(g, c, input, classes),
)
_CLASSES = np.array([2, -1, 0, 2])
class_cross_entropy.samples(lambda draw, case: [case(draw(4, 3), _CLASSES), case(draw(0, 3), _CLASSES[:0])])
_cross_entropy_pull.samples(lambda draw, case: [case(draw(4), draw(4, 3), _CLASSES)])
