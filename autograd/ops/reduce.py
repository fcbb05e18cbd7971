"""Means, variances, products: one number for many, over all dimensions or some."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..dtypes import as_dtype, int64, is_floating
from ..errors import ArgumentError, DTypeError
from ..inplace import takes_out
from ..op import op
from ..promotion import cast
from ..tensor import Tensor, attach_numpy, method
from .dims import Dims, axes_of, axis_of, count, kept
from .expand import spread, sum
from .rows import rows_of, shaped
from .softmax import LEAST as EXPONENTIALS
from .softmax import NARROW

__all__ = [
    "all",
    "any",
    "count_nonzero",
    "logsumexp",
    "mean",
    "nanmean",
    "nansum",
    "prod",
    "std",
    "std_mean",
    "var",
    "var_mean",
]


def floats_only(name: str, input: Any) -> None:
    """Raise unless the elements are floats, which this function's result needs."""
    if input.dtype.kind in "iub":
        raise DTypeError(f"{name}: input must be floating point, got {input.dtype}; convert it first: input.float()")


@op(symbol="mean", numpy=np.mean)
def mean(input: Any, /, dim: Dims = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """Arithmetic mean over `dim`, (1/n) Σ x.

    >>> import autograd
    >>> autograd.tensor([[1.0, 2.0], [3.0, 6.0]]).mean(1)
    tensor([1.5000, 4.5000])
    """
    input = input if dtype is None else input.astype(as_dtype(dtype), copy=False)
    floats_only("mean", input)
    axes = axes_of(dim, input.ndim)
    total = input.sum(axis=axes, keepdims=keepdim)
    n = count(input.shape, axes)
    return total / total.dtype.type(n)


mean.derivative(
    input=lambda g, input_shape, input_dtype, dim, keepdim: (
        spread(g, input_shape, input_dtype, dim, keepdim) / max(1, count(input_shape, axes_of(dim, len(input_shape))))
    )
)


def _fast_mean(input: Any, dim: Dims = None, keepdim: bool = False, dtype: Any = None) -> Any:
    if dtype is not None or not (rows := rows_of(input, dim)):
        return NotImplemented
    from ..kernels import reduce

    return shaped(reduce.sums(input, rows) / (input.size // rows), input, dim, keepdim)


mean.kernel(_fast_mean, opaque=False)
mean.samples(
    lambda draw, case: [case(draw()), case(draw(3)), case(draw(2, 3, 4), dim=1), case(draw(2, 3), (0, -1), True)]
)
mean.errors(lambda draw, case: [case(draw(2), 1), case(np.ones(2, np.int64))])


# ---------------------------------------------------------------------------------------------------------------------
# Variance.


def _deviation(input: Any, dim: Dims) -> Any:
    return input - mean(input, dim, True)


def _freedom(shape: tuple[int, ...], dim: Dims, correction: float) -> float:
    return max(0.0, count(shape, axes_of(dim, len(shape))) - correction)


@op(name="var", symbol="var", method=False)
def variance(input: Any, /, dim: Dims = None, correction: float = 1, keepdim: bool = False) -> Any:
    """Σ (x - mean)² / (n - correction): the op behind `var`."""
    floats_only("var", input)
    axes = axes_of(dim, input.ndim)
    deviation = input - input.mean(axis=axes, keepdims=True)
    freedom = input.dtype.type(_freedom(input.shape, dim, correction))
    return np.square(deviation).sum(axis=axes, keepdims=keepdim) / freedom


variance.derivative(
    input=lambda g, input, dim, correction, keepdim: (
        kept(g, input.shape, dim, keepdim) * _deviation(input, dim) * _over(2, _freedom(input.shape, dim, correction))
    )
)


def _fast_variance(input: Any, dim: Dims = None, correction: float = 1, keepdim: bool = False) -> Any:
    if not (rows := rows_of(input, dim)):
        return NotImplemented
    from ..kernels import reduce

    means = (reduce.sums(input, rows) / (input.size // rows)).astype(input.dtype)
    squares = reduce.squares(input, means, rows)
    return shaped(squares / np.float64(_freedom(input.shape, dim, correction)), input, dim, keepdim)


variance.kernel(_fast_variance, opaque=False)
_CASES = lambda draw, case: [case(draw(4)), case(draw(2, 3, 4), 1), case(draw(2, 3), (0, 1), 0, True)]
variance.samples(_CASES)
variance.errors(lambda draw, case: [case(draw(2), 1), case(np.ones(2, np.int64))])


def _over(a: float, b: float) -> float:
    return a / b if b else float("nan")


@op(name="std", symbol="std", method=False)
def deviation(input: Any, /, dim: Dims = None, correction: float = 1, keepdim: bool = False) -> Any:
    """√ var: the op behind `std`.  Where all elements are equal the gradient is taken as 0."""
    floats_only("std", input)
    return np.sqrt(variance.op.body(input, dim, correction, keepdim))


def _fast_deviation(input: Any, dim: Dims = None, correction: float = 1, keepdim: bool = False) -> Any:
    found = _fast_variance(input, dim, correction, keepdim)
    return found if found is NotImplemented else np.sqrt(found)


deviation.kernel(_fast_deviation, opaque=False)


def _std_slope(g: Any, input: Any, out: Any, dim: Dims, correction: float, keepdim: bool) -> Any:
    out = kept(out, input.shape, dim, keepdim)
    scaled = kept(g, input.shape, dim, keepdim) / np.where(out == 0, np.ones((), out.dtype), out)
    slope = np.where(out == 0, np.zeros((), out.dtype), scaled) * _over(1, _freedom(input.shape, dim, correction))
    return slope * _deviation(input, dim)


deviation.derivative(
    input=lambda g, input, out, dim, correction, keepdim: _std_slope(g, input, out, dim, correction, keepdim)
)
deviation.samples(_CASES)
deviation.errors(lambda draw, case: [case(draw(2), 1)])


def _corrected(dim: Any, unbiased: Any, correction: Any) -> tuple[Dims, float]:
    """PyTorch's two spellings: ``unbiased=False`` is ``correction=0``, and it may stand in the place of `dim`."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise ArgumentError("unbiased and correction say the same thing; give one of them")
    return dim, (1 if unbiased in (None, True) else 0) if correction is None else correction


@takes_out
@method(numpy=np.var)
def var(input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
        correction: float | None = None) -> Tensor:  # fmt: skip
    """Variance, Σ (x - mean)² / (n - correction); the correction is 1 (Bessel's) unless it is given.

    >>> import autograd
    >>> autograd.tensor([1.0, 2.0, 3.0]).var()
    tensor(1.)
    """
    return variance(input, *_corrected(dim, unbiased, correction), keepdim)


@takes_out
@method(numpy=np.std)
def std(input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
        correction: float | None = None) -> Tensor:  # fmt: skip
    """Standard deviation, the root of `var`.

    >>> import autograd
    >>> autograd.tensor([1.0, 2.0, 3.0]).std()
    tensor(1.)
    """
    return deviation(input, *_corrected(dim, unbiased, correction), keepdim)


class VarMean(NamedTuple):
    """What `var_mean` returns."""

    var: Tensor
    mean: Tensor


class StdMean(NamedTuple):
    """What `std_mean` returns."""

    std: Tensor
    mean: Tensor


def var_mean(input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
             correction: float | None = None) -> VarMean:  # fmt: skip
    """`var` and `mean`."""
    dim, degrees = _corrected(dim, unbiased, correction)
    return VarMean(variance(input, dim, degrees, keepdim), mean(input, dim, keepdim))


def std_mean(input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
             correction: float | None = None) -> StdMean:  # fmt: skip
    """`std` and `mean`."""
    dim, degrees = _corrected(dim, unbiased, correction)
    return StdMean(deviation(input, dim, degrees, keepdim), mean(input, dim, keepdim))


# ---------------------------------------------------------------------------------------------------------------------
# Products.


@op(name="prod", symbol="Π", method=False)
def product(input: Any, /, dim: int | None = None, keepdim: bool = False) -> Any:
    """Product over one dimension, or over all: the op behind `prod`."""
    kind = int64 if input.dtype.kind in "biu" else None
    return input.prod(axis=axes_of(dim, input.ndim), dtype=kind, keepdims=keepdim)


def _others(input: Any, out: Any, dim: int | None, keepdim: bool) -> Any:
    """For each element the product of the others: out / x, or, where x has zeros, from the n x n table of factors."""
    plain = getattr(input, "array", input)
    if plain.all():
        return kept(out, input.shape, dim, keepdim) / input
    if dim is None:
        return _others(input.reshape((-1,)), None, 0, False).reshape(input.shape)
    axis = axis_of(dim, len(input.shape))
    n = input.shape[axis] if input.shape else 1
    rows = (*input.shape[:axis], 1, n, *input.shape[axis + 1 :])
    own = np.eye(n, dtype=bool).reshape(n, n, *(1,) * (len(rows) - axis - 2))
    return product(np.where(own, np.ones((), input.dtype), input.reshape(rows)), axis + 1)


product.derivative(
    input=lambda g, input, out, dim, keepdim: kept(g, input.shape, dim, keepdim) * _others(input, out, dim, keepdim)
)


def _fast_product(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    if not (rows := rows_of(input, dim, 4096)):
        return NotImplemented
    from ..kernels import reduce

    return shaped(reduce.products(input, rows), input, dim, keepdim)


product.kernel(_fast_product, opaque=False)
product.samples(
    lambda draw, case: [
        case(draw(4)),
        case(draw(2, 3, 4), 1),
        case(draw(2, 3), -1, True),
        case(draw(0, 2), 0),
        case(np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 1.5]]), 1),
    ]
)
product.errors(lambda draw, case: [case(draw(2), 1)])


@method(numpy=np.prod)
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Product of the elements.

    >>> import autograd
    >>> autograd.tensor([[1.0, 2.0], [3.0, 4.0]]).prod(1)
    tensor([ 2., 12.])
    """
    return product(input if dtype is None else cast(input, as_dtype(dtype)), dim, keepdim)


# ---------------------------------------------------------------------------------------------------------------------
# log Σ exp, and sums that pass over NaN.


@op(name="logsumexp", symbol="log Σ exp", method=False)
def log_sum_exp(input: Any, /, dim: Dims, keepdim: bool = False) -> Any:
    """ln Σ e^x, with the maximum taken out so that nothing overflows: the op behind `logsumexp`."""
    axes = axes_of(dim, input.ndim)
    if not count(input.shape, axes):
        return np.log(np.exp(input).sum(axis=axes, keepdims=keepdim))
    top = input.max(axis=axes, keepdims=True)
    shift = np.where(np.isfinite(top), top, 0)
    out = np.log(np.exp(input - shift).sum(axis=axes, keepdims=True)) + shift
    return out if keepdim else out.reshape(tuple(n for i, n in enumerate(input.shape) if i not in axes))


def _fast_log_sum_exp(input: Any, dim: Dims, keepdim: bool = False) -> Any:
    if rows := rows_of(input, dim, EXPONENTIALS):
        from ..kernels import softmax

        found = softmax.log_sum_exp(input, rows)
        return shaped(found if rows > 1 else log_sum_exp.op.body(found, 0, True), input, dim, keepdim)
    axes = axes_of(dim, input.ndim)
    if len(axes) != 1 or type(input) is not np.ndarray or input.dtype.char not in "fd" or input.size < EXPONENTIALS:
        return NotImplemented
    (axis,), shape = axes, input.shape
    before, after = shape[:axis], shape[axis + 1 :]
    if math.prod(after) < NARROW or not input.flags.c_contiguous:
        return NotImplemented
    from ..kernels import columns

    found = columns.log_sum_exp(input.reshape(math.prod(before), shape[axis], -1))
    return found.reshape((*before, *(1,) * keepdim, *after))


log_sum_exp.kernel(_fast_log_sum_exp, opaque=False)


def _shares(input: Any, out: Any, dim: Dims, keepdim: bool) -> Any:
    out = kept(out, input.shape, dim, keepdim)
    return np.exp(input - np.where(np.isinf(out), np.zeros((), out.dtype), out))


log_sum_exp.derivative(
    input=lambda g, input, out, dim, keepdim: kept(g, input.shape, dim, keepdim) * _shares(input, out, dim, keepdim)
)
log_sum_exp.samples(lambda draw, case: [case(draw(4), 0), case(draw(2, 3, 4), (0, 2)), case(draw(2, 3), -1, True)])
log_sum_exp.errors(lambda draw, case: [case(draw(2), 1)])


@takes_out
@method
def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """ln Σ e^x over `dim`, without overflow.

    >>> import autograd
    >>> autograd.tensor([1000.0, 1000.0]).logsumexp(0)
    tensor(1000.6932)
    """
    if not is_floating(input.dtype):
        input = cast(input, as_dtype(float))
    return log_sum_exp(input, tuple(dim) if isinstance(dim, list | tuple) else dim, keepdim)


@takes_out
@method
def nansum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Sum of the elements that are not NaN."""
    return sum(input.masked_fill(input.isnan(), 0), dim, keepdim, dtype)


@takes_out
@method
def nanmean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Mean of the elements that are not NaN."""
    floats_only("nanmean", input)
    return nansum(input, dim, keepdim, dtype=dtype) / sum(input.isnan().logical_not(), dim, keepdim)


# ---------------------------------------------------------------------------------------------------------------------
# Truth.


def _truth(input: Any, how: Any, dim: Dims, keepdim: bool) -> Any:
    result = np.asanyarray(how(input, axis=axes_of(dim, input.ndim), keepdims=keepdim))
    return result.astype(np.uint8 if input.dtype == np.uint8 else bool)


@op(symbol="all", differentiable=False)
def all(input: Any, /, dim: Dims = None, keepdim: bool = False) -> Any:
    """Whether all elements are true (not 0).

    >>> import autograd
    >>> autograd.tensor([True, False]).all()
    tensor(False)
    """
    return _truth(input, np.all, dim, keepdim)


all.samples(lambda draw, case: [case(draw(2, 3)), case(draw(2, 3), 1, True), case(draw(0))])
all.errors(lambda draw, case: [case(draw(2), 1)])


@op(symbol="any", differentiable=False)
def any(input: Any, /, dim: Dims = None, keepdim: bool = False) -> Any:
    """Whether an element is true (not 0).

    >>> import autograd
    >>> autograd.tensor([True, False]).any()
    tensor(True)
    """
    return _truth(input, np.any, dim, keepdim)


any.samples(lambda draw, case: [case(draw(2, 3)), case(draw(2, 3), 1, True), case(draw(0))])
any.errors(lambda draw, case: [case(draw(2), 1)])


@op(symbol="count", differentiable=False, numpy=np.count_nonzero)
def count_nonzero(input: Any, /, dim: Dims = None) -> Any:
    """How many elements are not 0.

    >>> import autograd
    >>> autograd.tensor([3, 0, 1]).count_nonzero()
    tensor(2)
    """
    return np.asarray(np.count_nonzero(input, axis=axes_of(dim, input.ndim)), np.int64)


count_nonzero.samples(lambda draw, case: [case(draw(2, 3)), case(draw(2, 3), 1)])
count_nonzero.errors(lambda draw, case: [case(draw(2), 1)])

attach_numpy(np.all, all)
attach_numpy(np.any, any)
