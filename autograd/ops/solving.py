"""Inverses, linear systems, determinants and Cholesky factors.  The values are NumPy's and SciPy's.

Sources of the derivatives: M. Giles, "An extended collection of matrix derivative results" (2008); I. Murray,
"Differentiation of the Cholesky decomposition" (2016).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError
from ..op import op
from ..tensor import Tensor, plain
from .diagonal import diagonal, on_diagonal, tril
from .matmul import same_type


class LinAlgError(ArgumentError):
    """A matrix is singular, or not positive-definite, or an iteration did not converge."""


class SignLog(NamedTuple):
    """What `slogdet` returns: the determinant is sign · e^logabsdet."""

    sign: Any
    logabsdet: Any


def square(name: str, input: Any) -> None:
    """Raise unless `input` is a square matrix of floats, or a batch of such."""
    matrix(name, input)
    if input.shape[-1] != input.shape[-2]:
        raise ShapeError(f"{name}: input must be a batch of square matrices, got shape {tuple(input.shape)}")


def matrix(name: str, input: Any) -> None:
    """Raise unless `input` is a matrix of floats, or a batch of such."""
    if input.ndim < 2:
        raise ShapeError(f"{name}: input must have at least 2 dimensions, got shape {tuple(input.shape)}")
    if input.dtype.kind not in "fc" or input.dtype == np.float16:
        raise DTypeError(f"{name}: input must be float32 or float64, got {input.dtype}; convert it first")


def _solved(name: str, function: Any, *arrays: Any) -> Any:
    try:
        return function(*arrays)
    except np.linalg.LinAlgError as error:
        what = "input is singular, so it has no inverse" if "ingular" in str(error) else str(error)
        raise LinAlgError(f"{name}: {what}") from None


def _well(draw: Any, *shape: int) -> Any:
    """A matrix far from singular."""
    return draw(*shape) + 4 * np.eye(shape[-1])


def _definite(draw: Any, *shape: int) -> Any:
    x = draw(*shape)
    return x @ x.swapaxes(-1, -2) + np.eye(shape[-1])


@op(symbol="inv", method=False)
def inv(input: Any, /) -> Any:
    """The inverse of square matrices, A⁻¹ A = I.

    >>> import autograd
    >>> autograd.linalg.inv(autograd.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    square("inv", input)
    return _solved("inv", np.linalg.inv, input)


inv.derivative(input=lambda g, out: -(out.mT @ g @ out.mT))
inv.samples(lambda draw, case: [case(_well(draw, 3, 3)), case(_well(draw, 2, 2, 2)), case(np.zeros((0, 0)))])
inv.errors(lambda draw, case: [case(draw(3)), case(draw(2, 3)), case(np.zeros((2, 2)))])


@op(name="solve", symbol="solve", method=False)
def solved(input: Any, other: Any, /) -> Any:
    """X with A X = B, for matrices A and B or batches of them: the op behind `linalg.solve`."""
    square("solve", input)
    return _solved("solve", np.linalg.solve, input, other)


solved.derivative(
    input=lambda g, input, out: -(solved(input.mT, g) @ out.mT),
    other=lambda g, input: solved(input.mT, g),
)
solved.samples(lambda draw, case: [case(_well(draw, 3, 3), draw(3, 2)), case(_well(draw, 2, 2, 2), draw(2, 1))])
solved.errors(lambda draw, case: [case(draw(2, 3), draw(2, 2)), case(np.zeros((2, 2)), draw(2, 2))])


@op(name="solve_triangular", symbol="solve △", method=False)
def solved_triangular(input: Any, other: Any, /, upper: bool, unitriangular: bool = False) -> Any:
    """X with A X = B, where only one triangle of A is read: the op behind `linalg.solve_triangular`."""
    square("solve_triangular", input)
    a = np.triu(input) if upper else np.tril(input)
    if unitriangular:
        n = a.shape[-1]
        a = a * (1 - np.eye(n, dtype=a.dtype)) + np.eye(n, dtype=a.dtype)
    return _solved("solve_triangular", np.linalg.solve, a, other)


def _triangle_cotangent(x: Any, upper: bool, unitriangular: bool) -> Any:
    k = 1 if unitriangular else 0
    return tril(x.mT, -k).mT if upper else tril(x, -k)


solved_triangular.derivative(
    input=lambda g, input, out, upper, unitriangular: _triangle_cotangent(
        -(solved_triangular(input.mT, g, not upper, unitriangular) @ out.mT), upper, unitriangular
    ),
    other=lambda g, input, upper, unitriangular: solved_triangular(input.mT, g, not upper, unitriangular),
)
solved_triangular.samples(
    lambda draw, case: [case(_well(draw, 3, 3), draw(3, 2), True), case(_well(draw, 2, 2), draw(2, 2), False, True)]
)
solved_triangular.errors(lambda draw, case: [case(draw(2, 3), draw(2, 2), True)])


@op(symbol="det", method=True)
def det(input: Any, /) -> Any:
    """The determinant of square matrices.

    >>> import autograd
    >>> autograd.det(autograd.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(-2.)
    """
    square("det", input)
    return np.asarray(np.linalg.det(input))


def _cofactors(input: Any, out: Any) -> Any:
    """∂det/∂A, det(A) A⁻ᵀ; for singular matrices from A = U S Vᵀ, as det(U V) U diag(Π_{j ≠ i} s_j) Vᵀ."""
    if np.abs(np.asanyarray(plain(out))).min(initial=np.inf) > 0:
        return out[..., None, None] * inv(input).mT
    u, s, vh = np.linalg.svd(np.asanyarray(plain(input)))
    n = s.shape[-1]
    rest = np.where(np.eye(n, dtype=bool), 1, s[..., None, :]).prod(-1)
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return sign[..., None, None] * ((u * rest[..., None, :]) @ vh)


det.derivative(input=lambda g, input, out: g[..., None, None] * _cofactors(input, out))
det.samples(lambda draw, case: [case(_well(draw, 3, 3)), case(draw(2, 2, 2))])
det.errors(lambda draw, case: [case(draw(3)), case(draw(2, 3))])


@op(symbol="log|det|", multiple=True)
def slogdet(input: Any, /) -> SignLog:
    """(sign, ln |det|) of square matrices, without overflow.

    >>> import autograd
    >>> autograd.slogdet(autograd.tensor([[1.0, 0.0], [0.0, -1.0]])).sign
    tensor(-1.)
    """
    square("slogdet", input)
    return SignLog(*map(np.asarray, np.linalg.slogdet(input)))


slogdet.derivative(input=lambda g, input: g[1][..., None, None] * inv(input).mT)
slogdet.samples(lambda draw, case: [case(_well(draw, 3, 3)), case(_well(draw, 2, 2, 2))])
slogdet.errors(lambda draw, case: [case(draw(3)), case(draw(2, 3))])


@op(name="cholesky", symbol="chol", method=False)
def lower_factor(input: Any, /) -> Any:
    """The lower triangular L with L Lᵀ = A: the op behind `cholesky`."""
    square("cholesky", input)
    try:
        return np.linalg.cholesky(input)
    except np.linalg.LinAlgError:
        raise LinAlgError("cholesky: input is not positive-definite, so it has no Cholesky factor") from None


def _half_diagonal(x: Any) -> Any:
    """The lower triangle with half the diagonal: Φ in Murray's eq. (10)."""
    half = diagonal(x, 0, len(x.shape) - 2, len(x.shape) - 1) * 0.5
    return tril(x) - on_diagonal(half, tuple(x.shape), 0, len(x.shape) - 2, len(x.shape) - 1)


def _cholesky_pull(g: Any, out: Any) -> Any:
    """½ (S + Sᵀ) with S = L⁻ᵀ Φ(Lᵀ Ḡ) L⁻¹."""
    half = solved(out.mT, _half_diagonal(out.mT @ tril(g)))
    s = solved(out.mT, half.mT)
    return (s + s.mT) * 0.5


lower_factor.derivative(input=lambda g, out: _cholesky_pull(g, out))
lower_factor.samples(lambda draw, case: [case(_definite(draw, 3, 3)), case(_definite(draw, 2, 2, 2))])
lower_factor.errors(lambda draw, case: [case(draw(3)), case(draw(2, 3)), case(-np.eye(2))])


def check_solve(name: str, a: Tensor, b: Tensor) -> None:
    """Raise unless A X = B makes sense."""
    same_type(name, a, b)
    square(name, a.array)
