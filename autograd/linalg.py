"""Linear algebra, with the names of ``torch.linalg``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .dtypes import as_dtype, int32
from .errors import ArgumentError, ShapeError
from .inplace import takes_out
from .ops.diagonal import diagonal
from .ops.dims import axes_of, axis_of
from .ops.einsum import cross as _cross
from .ops.extrema import amax, amin
from .ops.matmul import matmul, product
from .ops.norms import vector_norm as vector_norm
from .ops.pseudoinverse import cutoff, pseudoinverse
from .ops.solving import LinAlgError as LinAlgError
from .ops.solving import check_solve, lower_factor, solved, solved_triangular
from .ops.solving import det as det
from .ops.solving import inv as inv
from .ops.solving import matrix as _matrix
from .ops.solving import slogdet as slogdet
from .ops.spectra import SVD, singular
from .ops.spectra import eigh as eigh
from .ops.spectra import qr as qr
from .tensor import Tensor, plain, wrap


@takes_out
def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """X with A X = B (or X A = B with ``left=False``); B is a matrix, a vector, or a batch of either.

    >>> import autograd
    >>> autograd.linalg.solve(autograd.tensor([[2.0, 0.0], [0.0, 4.0]]), autograd.tensor([2.0, 2.0]))
    tensor([1.0000, 0.5000])
    """
    check_solve("solve", A, B)
    vector = B.array.ndim == 1 or (B.array.ndim == A.array.ndim - 1 and B.array.shape == A.array.shape[:-1])
    if B.array.shape[-1 if vector or not left else -2] != A.array.shape[-1]:
        raise ShapeError(f"solve: A of shape {list(A.shape)} does not fit B of shape {list(B.shape)}")
    if not left:
        return solve(A.mT, B if vector else B.mT) if vector else solve(A.mT, B.mT).mT
    return solved(A, B.unsqueeze(-1)).squeeze(-1) if vector else solved(A, B)


@takes_out
def solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """X with A X = B (or X A = B) for triangular A, of which only that triangle is read."""
    check_solve("solve_triangular", A, B)
    if not left:
        return solve_triangular(A.mT, B.mT, upper=not upper, unitriangular=unitriangular).mT
    if B.array.ndim < 2 or B.array.shape[-2] != A.array.shape[-1]:
        raise ShapeError(f"solve_triangular: A of shape {list(A.shape)} does not fit B of shape {list(B.shape)}")
    return solved_triangular(A, B, upper, unitriangular)


@takes_out
def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """The lower triangular L with L Lᵀ = A (or the upper one) for symmetric positive-definite A.

    >>> import autograd
    >>> autograd.linalg.cholesky(autograd.tensor([[4.0, 0.0], [0.0, 9.0]]))
    tensor([[2., 0.],
            [0., 3.]])
    """
    return lower_factor(A).mT if upper else lower_factor(A)


class WithInfo(NamedTuple):
    """What `inv_ex` and `cholesky_ex` return."""

    result: Tensor
    info: Tensor


@takes_out
def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False) -> WithInfo:
    """`cholesky`, and zeros: a matrix without a factor raises."""
    return WithInfo(cholesky(A, upper=upper), wrap(np.zeros(A.array.shape[:-2], int32)))


@takes_out
def inv_ex(A: Tensor, *, check_errors: bool = False) -> WithInfo:
    """`inv`, and zeros: a singular matrix raises."""
    return WithInfo(inv(A), wrap(np.zeros(A.array.shape[:-2], int32)))


@takes_out
def svd(A: Tensor, full_matrices: bool = True) -> SVD:
    """A = U diag(S) Vh, with the singular values S in descending order.

    Gradients through U and Vh are unique only up to their signs and need distinct singular values.

    >>> import autograd
    >>> autograd.linalg.svd(autograd.tensor([[3.0, 0.0], [0.0, 4.0]])).S
    tensor([4., 3.])
    """
    return singular(A, full_matrices)


@takes_out
def svdvals(A: Tensor) -> Tensor:
    """The singular values in descending order."""
    return singular(A, False).S


@takes_out
def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of symmetric matrices in ascending order."""
    return eigh(A, UPLO).eigenvalues


@takes_out
def matrix_norm(
    A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """Norm of matrices: ``"fro"``, ``"nuc"``, inf, -inf, 1, -1, 2 or -2.

    >>> import autograd
    >>> autograd.linalg.matrix_norm(autograd.tensor([[3.0, 0.0], [0.0, 4.0]]), "nuc")
    tensor(7.)
    """
    if dtype is not None:
        A = A.to(as_dtype(dtype))
    _matrix("matrix_norm", A.array)
    axes = axes_of(tuple(dim), A.array.ndim)
    if len(axes) != 2:
        raise ArgumentError(f"matrix_norm: dim={dim} must name two dimensions")
    if ord == "fro":
        return vector_norm(A, 2, axes, keepdim)
    choose = amin if isinstance(ord, int | float) and ord < 0 else amax
    if ord in (1, -1, float("inf"), float("-inf")):
        summed, other = axes if abs(ord) == 1 else axes[::-1]
        result = choose(vector_norm(A, 1, summed, True), other, True)
    elif ord in (2, -2, "nuc"):
        values = svdvals(A.movedim(axes, (-2, -1)))
        result = values.sum(-1) if ord == "nuc" else choose(values, -1)
        shape = tuple(1 if i in axes else n for i, n in enumerate(A.array.shape))
        return result.reshape(shape) if keepdim else result
    else:
        raise ArgumentError(f"matrix_norm: ord must be 'fro', 'nuc', inf, -inf, 1, -1, 2 or -2, got {ord!r}")
    return result if keepdim else result.squeeze(axes)


@takes_out
def norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Vector norm, or matrix norm where `ord` or two dimensions say so.

    >>> import autograd
    >>> autograd.linalg.norm(autograd.tensor([3.0, 4.0]))
    tensor(5.)
    """
    if dtype is not None:
        A = A.to(as_dtype(dtype))
    dims = (dim,) if isinstance(dim, int) else dim
    if ord is None:
        return vector_norm(A, 2, dims, keepdim)
    if (dims is not None and len(dims) == 2) or (dims is None and (isinstance(ord, str) or A.array.ndim == 2)):
        return matrix_norm(A, ord, (-2, -1) if dims is None else dims, keepdim)
    if isinstance(ord, str) or (dims is None and A.array.ndim > 2):
        raise ArgumentError(f"norm: ord={ord!r} of a tensor of shape {list(A.shape)} needs dim to name the dimensions")
    return vector_norm(A, ord, dims, keepdim)


@takes_out
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Σ x_i y_i along `dim`."""
    return (x * y).sum(dim)


@takes_out
def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The vector product of vectors of three along `dim`."""
    if input.array.ndim != other.array.ndim:
        raise ShapeError(f"cross: inputs must have as many dimensions, got {list(input.shape)} and {list(other.shape)}")
    axis = axis_of(dim, input.array.ndim)
    if input.array.shape[axis] != 3 or other.array.shape[axis] != 3:
        raise ShapeError(f"cross: dimension {dim} must have size 3, got {list(input.shape)} and {list(other.shape)}")
    return _cross(input, other, dim)


@takes_out
def matrix_power(A: Tensor, n: int) -> Tensor:
    """A multiplied by itself n times, by repeated squaring; negative powers are of the inverse."""
    _matrix("matrix_power", A.array)
    if A.array.shape[-1] != A.array.shape[-2]:
        raise ShapeError(f"matrix_power: A must be square, got shape {list(A.shape)}")
    if n < 0:
        return matrix_power(inv(A), -n)
    result, square = None, A
    while n:
        if n & 1:
            result = square if result is None else product(result, square)
        n >>= 1
        square = product(square, square) if n else square
    identity = np.broadcast_to(np.eye(A.array.shape[-1], dtype=A.array.dtype), A.array.shape)
    return wrap(identity.copy()) if result is None else result.clone() if result is A else result


@takes_out
def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """The product of several matrices; the first and the last may be vectors."""
    if len(tensors) < 2:
        raise ArgumentError(f"multi_dot: expected at least two tensors, got {len(tensors)}")
    result = tensors[0]
    for t in tensors[1:]:
        result = matmul(result, t)
    return result


@takes_out
def pinv(A: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Tensor:
    """The Moore-Penrose inverse, from the singular values above max(atol, rtol · largest); `rcond` is the old `rtol`.

    `hermitian`: A is symmetric, and only its lower triangle is read.

    >>> import autograd
    >>> autograd.linalg.pinv(autograd.tensor([[2.0, 0.0], [0.0, 0.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.0000]])
    """
    return pseudoinverse(A, plain(atol), plain(rcond if rtol is None else rtol), hermitian)


@takes_out
def matrix_rank(A: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Tensor:
    """How many singular values exceed max(atol, rtol · largest); `tol` is the old `atol`.

    >>> import autograd
    >>> autograd.linalg.matrix_rank(autograd.eye(3))
    tensor(3)
    """
    A = A.detach()
    s = np.abs(eigh(A).eigenvalues.array) if hermitian else singular(A, False).S.array
    above = s > cutoff(s, A.array.shape, plain(tol if atol is None else atol), plain(rtol))
    return wrap(np.asarray(above.sum(-1)))


@takes_out
def cond(A: Tensor, p: Any = None) -> Tensor:
    """The condition number, ‖A‖ ‖A⁻¹‖; by default the ratio of the extreme singular values."""
    if p in (None, 2, -2):
        s = svdvals(A)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return matrix_norm(A, p) * matrix_norm(inv(A), p)


__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "inv_ex",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "vecdot",
    "vector_norm",
]
