"""Products of vectors, matrices and batches of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..dtypes import promote_types
from ..errors import ArgumentError, DTypeError, ShapeError
from ..inplace import takes_out
from ..op import op
from ..promotion import cast
from ..tensor import Tensor, attach, attach_numpy, method
from .shape import permute_to

__all__ = [
    "addbmm",
    "addmm",
    "addmv",
    "addr",
    "baddbmm",
    "bmm",
    "chain_matmul",
    "dot",
    "ger",
    "inner",
    "kron",
    "matmul",
    "mm",
    "mv",
    "outer",
    "vdot",
]


@op(name="matmul", symbol="@", method="_matmul")
def product(input: Any, other: Any, /) -> Any:
    """Matrices times matrices, the leading dimensions broadcast: the op behind all products here.

    A vector is a row on the left and a column on the right, whose one dimension of size 1 the result lacks.
    """
    if type(input) is type(other) is np.ndarray and 0 < input.ndim < 3 and 0 < other.ndim < 3:
        return input.dot(other)  # the same products by the same BLAS, called in half a microsecond less
    return np.matmul(input, other)


NARROW = 8  # rows or columns below which a product moves more than it computes, and is left to BLAS
LEAST = 1 << 20  # products of two numbers from which the kernel is faster than BLAS, while other threads work too

PAIR = 1 << 18  # and as many of each pair of a batch; BLAS takes less time to begin with smaller ones


def _large(input: Any, other: Any) -> bool:
    """Whether the kernel takes the product.

    BLAS is as fast on its own, but its threads wait for one another, and for milliseconds if one has lost its core to
    somebody else.
    """
    if input.ndim != 2 or other.ndim != 2 or input.dtype != other.dtype or input.dtype.char not in "fd":
        return False
    (m, k), n = input.shape, other.shape[1]
    dots = m < NARROW <= n and other.flags.f_contiguous  # of rows with rows
    return m * k * n >= LEAST and (dots or min(m, n) >= NARROW) and other.shape[0] == k


@product.kernel
def _(input: Any, other: Any) -> Any:
    if input.ndim > 2:
        return _of_batches(input, other)
    if not _large(input, other):
        return NotImplemented
    from ..kernels import gemm

    return gemm.product(input, other)


def _of_batches(input: Any, other: Any) -> Any:
    """Pairs of matrices that lie one after the other, for the threads to share."""
    (*lead, m, k), n, kind = input.shape, other.shape[-1], input.dtype
    if other.shape != (*lead, k, n) or other.dtype != kind or kind.char not in "fd":
        return NotImplemented
    if min(m, n) < NARROW or m * k * n < PAIR or input.size * n < LEAST:
        return NotImplemented
    from ..kernels import batch

    a, b = batch.laid_out(input), batch.laid_out(other)
    return NotImplemented if a is None or b is None else batch.products(a, b, (*lead, m, n), k)


def _transposed(x: Any) -> Any:
    return x.swapaxes(-1, -2)


def _input_cotangent(g: Any, other: Any, input_shape: tuple[int, ...]) -> Any:
    """G Bᵀ; where a matrix met a batch, all its rows at once, so that the sum over the batch is in the product."""
    if len(other.shape) == 1:
        return g.reshape((*g.shape, 1)) * other
    if len(input_shape) == 1:
        c = product(other, g.reshape((*g.shape, 1)))
        return c.reshape(c.shape[:-1])
    if len(input_shape) == 2 and len(g.shape) > 2 and len(other.shape) == len(g.shape):
        order = (len(g.shape) - 2, *range(len(g.shape) - 2), len(g.shape) - 1)
        n = math.prod(g.shape[:-2]) * g.shape[-1]
        rows = permute_to(g, order).reshape((input_shape[0], n))
        columns = _transposed(other).reshape((n, input_shape[1]))
        return product(rows, columns)
    return product(g, _transposed(other))


def _other_cotangent(g: Any, input: Any, other_shape: tuple[int, ...]) -> Any:
    """Aᵀ G; where a batch met one matrix, as one product of all rows."""
    if len(input.shape) == 1:
        return (
            input * g if len(other_shape) == 1 else input.reshape((-1, 1)) * g.reshape((*g.shape[:-1], 1, g.shape[-1]))
        )
    if len(other_shape) == 1:
        n = math.prod(input.shape[:-1])
        return product(g.reshape((n,)), input.reshape((n, *other_shape)))
    if len(other_shape) == 2 and len(g.shape) > 2 and len(input.shape) == len(g.shape):
        n = math.prod(input.shape[:-1])
        return product(_transposed(input.reshape((n, other_shape[0]))), g.reshape((n, other_shape[1])))
    return product(_transposed(input), g)


product.derivative(
    input=lambda g, other, input_shape: _input_cotangent(g, other, input_shape),
    other=lambda g, input, other_shape: _other_cotangent(g, input, other_shape),
)
product.samples(
    lambda draw, case: [
        case(draw(2, 3), draw(3, 4)),
        case(draw(2, 3), draw(3)),
        case(draw(3), draw(3, 2)),
        case(draw(3), draw(3)),
        case(draw(5, 2, 3), draw(3)),
        case(draw(3), draw(5, 3, 2)),
        case(draw(5, 2, 3), draw(3, 2)),
        case(draw(2, 3), draw(4, 3, 2)),
        case(draw(2, 1, 2, 3), draw(4, 3, 2)),
        case(draw(0, 3), draw(3, 2)),
        case(draw(2, 0), draw(0, 2)),
    ]
)
product.errors(lambda draw, case: [case(draw(2, 3), draw(4, 2)), case(draw(2, 2, 3), draw(3, 3, 2))])


@op(name="linear", symbol="x Wᵀ + b", method=False)
def affine(input: Any, weight: Any, bias: Any, /) -> Any:
    """Rows (N, in) times the transpose of (out, in), plus (out), which may be None: the op behind `F.linear`."""
    y = input @ weight.T
    if bias is not None:
        y += bias
    return y


@affine.kernel
def _(input: Any, weight: Any, bias: Any) -> Any:
    turned = weight.T
    if not _large(input, turned) or not (bias is None or (bias.dtype, bias.shape) == (input.dtype, weight.shape[:1])):
        return NotImplemented
    from ..kernels import gemm

    return gemm.product(input, turned, bias)


affine.derivative(
    input=lambda g, weight: product(g, weight),
    weight=lambda g, input: product(_transposed(g), input),
    bias=lambda g: g.sum(axis=0),
)
affine.samples(lambda draw, case: [case(draw(4, 3), draw(2, 3), draw(2)), case(draw(1, 3), draw(2, 3), None),
                                   case(draw(0, 3), draw(2, 3), draw(2))])  # fmt: skip
affine.errors(lambda draw, case: [case(draw(4, 3), draw(2, 2), None)])


def same_type(name: str, *tensors: Any) -> None:
    """Raise unless the tensors are of one element type: products do not promote."""
    for t in tensors:
        if not isinstance(t, Tensor):
            at = next(i for i, other in enumerate(tensors) if other is t)
            raise ArgumentError(f"{name}: argument {at} must be a Tensor, got {type(t).__name__}")
    first = tensors[0].array.dtype
    for t in tensors:
        if t.array.dtype != first:
            kinds = " and ".join(str(t.array.dtype) for t in tensors)
            raise DTypeError(f"{name}: the tensors must have the same dtype, got {kinds}; convert one with .to(dtype)")


def _fit(name: str, input: Tensor, other: Tensor, m: int, k: int) -> None:
    if m != k:
        raise ShapeError(
            f"{name}: input {list(input.shape)} and other {list(other.shape)} cannot be multiplied: {m} columns "
            f"against {k} rows; is one of them to be transposed (.mT)?"
        )


@takes_out
@method(numpy=np.matmul)
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """Matrix product, Σ_k a_ik b_kj; vectors are rows on the left, columns on the right; leading dimensions broadcast.

    >>> import autograd
    >>> autograd.tensor([[1, 2], [3, 4]]) @ autograd.tensor([1, 1])
    tensor([3, 7])
    """
    same_type("matmul", input, other)
    a, b = input.array.shape, other.array.shape
    if not a or not b:
        raise ShapeError(
            f"matmul: both operands need at least one dimension, got shapes {list(a)} and {list(b)}; use * for scalars"
        )
    _fit("matmul", input, other, a[-1], b[-2] if len(b) > 1 else b[0])
    return product(input, other)


attach("__matmul__", matmul, matmul)
attach("__rmatmul__", lambda self, other: matmul(other, self), matmul)


def _dims(name: str, ndims: tuple[int, ...], *tensors: Tensor) -> None:
    same_type(name, *tensors)
    if tuple(t.array.ndim for t in tensors) != ndims:
        got = " and ".join(str(list(t.shape)) for t in tensors)
        raise ShapeError(
            f"{name}: expected {' and '.join(f'{n}-d' for n in ndims)} tensors, got shapes {got}; see matmul"
        )


@takes_out
@method
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """Matrix times matrix.

    >>> import autograd
    >>> autograd.mm(autograd.eye(2), autograd.ones(2, 1))
    tensor([[1.],
            [1.]])
    """
    _dims("mm", (2, 2), input, mat2)
    _fit("mm", input, mat2, input.array.shape[1], mat2.array.shape[0])
    return product(input, mat2)


@takes_out
@method
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Matrix times matrix for each pair of two equal batches, (B, N, M) and (B, M, P)."""
    _dims("bmm", (3, 3), input, mat2)
    if input.array.shape[0] != mat2.array.shape[0]:
        raise ShapeError(
            f"bmm: batches of {input.array.shape[0]} and {mat2.array.shape[0]} matrices; they must be equal"
        )
    _fit("bmm", input, mat2, input.array.shape[2], mat2.array.shape[1])
    return product(input, mat2)


@takes_out
@method
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """Matrix times vector."""
    _dims("mv", (2, 1), input, vec)
    _fit("mv", input, vec, input.array.shape[1], vec.array.shape[0])
    return matmul(input, vec)


@takes_out
@method(numpy=np.dot)
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """Σ a_i b_i of two vectors.

    >>> import autograd
    >>> autograd.dot(autograd.tensor([1, 2]), autograd.tensor([3, 4]))
    tensor(11)
    """
    _dims("dot", (1, 1), input, tensor)
    _fit("dot", input, tensor, input.array.shape[0], tensor.array.shape[0])
    return matmul(input, tensor)


@takes_out
@method
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """Σ a_i b_i of two real vectors, as `dot`."""
    return dot(input, other)


@takes_out
@method(numpy=np.inner)
def inner(input: Tensor, other: Tensor) -> Tensor:
    """Sums of products over the last dimension of both."""
    same_type("inner", input, other)
    a, b = input.array.shape, other.array.shape
    if not a or not b:
        return input * other
    _fit("inner", input, other, a[-1], b[-1])
    rows, columns = input.reshape(-1, a[-1]) if a[-1] else input.reshape(int(np.prod(a[:-1])), 0), other
    columns = other.reshape(-1, b[-1]) if b[-1] else other.reshape(int(np.prod(b[:-1])), 0)
    return product(rows, columns.mT).reshape(a[:-1] + b[:-1])


@takes_out
@method(numpy=np.outer)
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """The products a_i b_j of two vectors.

    >>> import autograd
    >>> autograd.outer(autograd.tensor([1, 2]), autograd.tensor([3, 4]))
    tensor([[3, 4],
            [6, 8]])
    """
    if not isinstance(vec2, Tensor):
        raise ArgumentError(f"outer: vec2 must be a Tensor, got {type(vec2).__name__}; write autograd.tensor(...)")
    if input.array.ndim != 1 or vec2.array.ndim != 1:
        raise ShapeError(f"outer: expected two vectors, got shapes {list(input.shape)} and {list(vec2.shape)}")
    return input.unsqueeze(1) * vec2


ger = outer
attach("ger", outer, outer)


@takes_out
@method(numpy=np.kron)
def kron(input: Tensor, other: Tensor) -> Tensor:
    """The Kronecker product: each element of `input` times all of `other`."""
    n = max(input.array.ndim, other.array.ndim)
    a = (1,) * (n - input.array.ndim) + input.array.shape
    b = (1,) * (n - other.array.ndim) + other.array.shape
    wide = input.reshape(tuple(s for size in a for s in (size, 1)))
    tall = other.reshape(tuple(s for size in b for s in (1, size)))
    return (wide * tall).reshape(tuple(x * y for x, y in zip(a, b)))


def chain_matmul(*matrices: Tensor) -> Tensor:
    """The product of several matrices, from left to right."""
    result = matrices[0]
    for m in matrices[1:]:
        result = mm(result, m)
    return result


# ---------------------------------------------------------------------------------------------------------------------
# With something added: beta · input + alpha · (product).


def _plus(name: str, input: Tensor, result: Tensor, beta: float, alpha: float) -> Tensor:
    kind = promote_types(input.array.dtype, result.array.dtype)
    if kind != result.array.dtype:
        raise DTypeError(
            f"{name}: input is {input.array.dtype} and the product {result.array.dtype}; convert one of them"
        )
    for scale, what in ((beta, "beta"), (alpha, "alpha")):
        if kind.kind in "iu" and not isinstance(scale, int):
            raise ArgumentError(f"{name}: {what}={scale!r} must be an int when the tensors are {kind}")
    try:
        fits = np.broadcast_shapes(input.array.shape, result.array.shape) == result.array.shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(
            f"{name}: input of shape {list(input.shape)} does not broadcast to the product's {list(result.shape)}"
        )
    scaled = result if alpha == 1 else result * alpha
    if beta == 0:  # what input holds, NaN too, has no part in it
        return scaled if alpha != 1 else scaled + 0
    return (cast(input, kind) if input.array.dtype != kind else input) * beta + scaled if beta != 1 else input + scaled


@takes_out
@method(inplace=True)
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · (mat1 @ mat2).

    >>> import autograd
    >>> autograd.addmm(autograd.ones(2), autograd.eye(2), autograd.eye(2))
    tensor([[2., 1.],
            [1., 2.]])
    """
    return _plus("addmm", input, mm(mat1, mat2), beta, alpha)


@takes_out
@method(inplace=True)
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · (mat @ vec)."""
    return _plus("addmv", input, mv(mat, vec), beta, alpha)


@takes_out
@method(inplace=True)
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · (batch1 @ batch2), a product for each pair."""
    return _plus("baddbmm", input, bmm(batch1, batch2), beta, alpha)


@takes_out
@method(inplace=True)
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · Σ_b (batch1_b @ batch2_b)."""
    return _plus("addbmm", input, bmm(batch1, batch2).sum(0), beta, alpha)


@takes_out
@method(inplace=True)
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · outer(vec1, vec2)."""
    return _plus("addr", input, outer(vec1, vec2), beta, alpha)


attach_numpy(np.vdot, vdot)
