"""Linear algebra under its older names, at the top level as in PyTorch; `autograd.linalg` is the place to start."""

from __future__ import annotations

from typing import Any, NamedTuple

from . import linalg
from .errors import ShapeError
from .inplace import takes_out
from .tensor import Tensor, method

__all__ = [
    "cholesky", "cholesky_inverse", "cholesky_solve", "inverse", "logdet", "matrix_power", "pinverse", "qr", "svd",
]  # fmt: skip


class USV(NamedTuple):
    """What `svd` returns: A = U diag(S) Vᵀ, with V where `linalg.svd` has its transpose."""

    U: Any
    S: Any
    V: Any


@takes_out
@method
def inverse(input: Tensor) -> Tensor:
    """A⁻¹; see `linalg.inv`."""
    return linalg.inv(input)


@takes_out
@method
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """The Moore-Penrose inverse; singular values up to `rcond` · largest count as zero; see `linalg.pinv`."""
    return linalg.pinv(input, rtol=rcond)


@takes_out
@method
def matrix_power(input: Tensor, n: int) -> Tensor:
    """Aⁿ; see `linalg.matrix_power`."""
    return linalg.matrix_power(input, n)


@takes_out
@method
def logdet(input: Tensor) -> Tensor:
    """ln det A: -inf where A is singular, NaN where the determinant is negative.

    >>> import autograd
    >>> autograd.logdet(2 * autograd.eye(2))
    tensor(1.3863)
    """
    sign, logabsdet = linalg.slogdet(input)
    return logabsdet.masked_fill(sign == -1, float("nan"))


@takes_out
@method
def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """The triangular factor of A; see `linalg.cholesky`."""
    return linalg.cholesky(input, upper=upper)


@takes_out
@method
def cholesky_solve(input: Tensor, input2: Tensor, upper: bool = False) -> Tensor:
    """X with A X = B, where B is `input` and A = L Lᵀ is given by its factor `input2` (or Uᵀ U with `upper`).

    >>> import autograd
    >>> autograd.cholesky_solve(autograd.ones(2, 1), 2 * autograd.eye(2))
    tensor([[0.2500],
            [0.2500]])
    """
    if input.array.ndim < 2:
        raise ShapeError(f"cholesky_solve: input must have at least 2 dimensions, got shape {list(input.shape)}")
    lower = input2.mT if upper else input2
    return linalg.solve_triangular(lower.mT, linalg.solve_triangular(lower, input, upper=False), upper=True)


@takes_out
@method
def cholesky_inverse(L: Tensor, upper: bool = False) -> Tensor:
    """A⁻¹ from the triangular factor of A."""
    from .factories import eye

    return cholesky_solve(eye(L.array.shape[-1], dtype=L.dtype), L, upper)


@takes_out
@method
def qr(input: Tensor, some: bool = True) -> Any:
    """A = Q R, Q with as many columns as A needs, or square with ``some=False``; see `linalg.qr`."""
    return linalg.qr(input, "reduced" if some else "complete")


@takes_out
@method
def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> USV:
    """A = U diag(S) Vᵀ; see `linalg.svd`, which returns Vᵀ.

    >>> import autograd
    >>> autograd.svd(autograd.tensor([[3.0, 0.0], [0.0, 4.0]])).S
    tensor([4., 3.])
    """
    if not compute_uv:
        from .factories import zeros

        *batch, m, n = input.shape
        none = [zeros(*batch, k, k, dtype=input.dtype) for k in (m, n)]
        return USV(none[0], linalg.svdvals(input), none[1])
    u, s, vh = linalg.svd(input, full_matrices=not some)
    return USV(u, s, vh.mT)
