"""QR, eigenvalues of symmetric matrices, and singular values.  LAPACK gives the values, the derivatives are ours.

Sources of the derivatives: Giles (2008); Walter and Lehmann, "Algorithmic differentiation of linear algebra functions"
(2010); Wan and Zhang, "Automatic differentiation for complex valued SVD" (2019).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, TapeError
from ..op import op
from .diagonal import on_diagonal, tril
from .solving import LinAlgError, matrix, solved_triangular, square


class QR(NamedTuple):
    """What `qr` returns: A = Q R."""

    Q: Any
    R: Any


class Eigen(NamedTuple):
    """What `eigh` returns: A = Q diag(L) Qᵀ."""

    eigenvalues: Any
    eigenvectors: Any


class SVD(NamedTuple):
    """What `svd` returns: A = U diag(S) Vh."""

    U: Any
    S: Any
    Vh: Any


def _eye(n: int, x: Any) -> Any:
    return np.eye(n, dtype=x.dtype)


def _diag(x: Any) -> Any:
    """Vectors as diagonal matrices."""
    n = x.shape[-1]
    return on_diagonal(x, (*x.shape, n), 0, len(x.shape) - 1, len(x.shape))


# ---------------------------------------------------------------------------------------------------------------------
# QR.


@op(symbol="qr", method=False, multiple=True)
def qr(A: Any, /, mode: Any = "reduced") -> Any:
    """A = Q R with orthonormal columns of Q and upper triangular R.

    `mode`: ``"reduced"``, ``"complete"`` (Q square) or ``"r"`` (R alone, Q empty).

    >>> import autograd
    >>> autograd.linalg.qr(autograd.tensor([[3.0], [4.0]])).R
    tensor([[-5.]])
    """
    matrix("qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise ArgumentError(f"qr: mode must be 'reduced', 'complete' or 'r', got {mode!r}")
    if mode == "r":
        return QR(np.zeros((0,), A.dtype), np.linalg.qr(A, "r"))
    return QR(*np.linalg.qr(A, mode))


def _qr_pull(g: Any, out: Any, A_shape: tuple[int, ...], mode: str) -> Any:
    """(Q̄ + Q M̂) R⁻ᵀ with M = R R̄ᵀ - Q̄ᵀ Q and M̂ its lower triangle, mirrored; wide matrices in two parts."""
    rows, columns = A_shape[-2:]
    if mode == "r" or (mode == "complete" and rows > columns):
        raise TapeError(f"qr: mode={mode!r} of a {rows} x {columns} matrix has no derivative; use mode='reduced'")
    q, r = out
    gq, gr = g
    if rows >= columns:
        return _tall(gq, gr, q, r)
    left, right = gr[..., :, :rows], gr[..., :, rows:]
    right_a = q @ r[..., :, rows:]
    first = _tall(gq + right_a @ right.mT, left, q, r[..., :, :rows])
    return _beside(first, q @ right)


def _tall(gq: Any, gr: Any, q: Any, r: Any) -> Any:
    m = r @ gr.mT - gq.mT @ q
    mirrored = tril(m) + tril(m, -1).mT
    return solved_triangular(r, (gq + q @ mirrored).mT, True).mT


def _beside(a: Any, b: Any) -> Any:
    from .join import join

    return join(a, b, dim=-1)


qr.derivative(A=lambda g, out, A_shape, mode: _qr_pull(g, out, A_shape, mode))
qr.samples(lambda draw, case: [case(draw(3, 3) + 3 * np.eye(3)), case(draw(2, 4, 2)), case(draw(2, 3))])
qr.errors(lambda draw, case: [case(draw(3)), case(draw(2, 2), mode="full")])


# ---------------------------------------------------------------------------------------------------------------------
# Symmetric eigenvalues.


@op(symbol="eigh", method=False, multiple=True)
def eigh(A: Any, /, UPLO: str = "L") -> Any:
    """Eigenvalues, in ascending order, and eigenvectors of symmetric matrices, of which one triangle is read.

    >>> import autograd
    >>> autograd.linalg.eigh(autograd.tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    tensor([1., 2.])
    """
    square("eigh", A)
    if UPLO.upper() not in ("L", "U"):
        raise ArgumentError(f"eigh: UPLO must be 'L' or 'U', got {UPLO!r}")
    try:
        return Eigen(*np.linalg.eigh(A, "L" if UPLO.upper() == "L" else "U"))
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"eigh: {error}; does A hold NaN or infinity?") from None


def _gaps(x: Any) -> Any:
    """1 / (x_j - x_i), with zeros on the diagonal."""
    n = x.shape[-1]
    return (1 - _eye(n, x)) / (x[..., None, :] - x[..., :, None] + _eye(n, x))


def _eigh_pull(g: Any, out: Any) -> Any:
    """V (diag(λ̄) + skew(Vᵀ V̄) ∘ 1/(λ_j - λ_i)) Vᵀ, symmetric as A is; equal eigenvalues matter only to V̄."""
    values, vectors = out
    inner = _diag(values * 0 if g[0] is None else g[0])
    if g[1] is not None:
        turn = vectors.mT @ g[1]
        inner = inner + (turn - turn.mT) * 0.5 * _gaps(values)
    return vectors @ inner @ vectors.mT


eigh.derivative(A=lambda g, out: _eigh_pull(g, out))
eigh.op.materialize = False  # a missing cotangent of V is no zero to be divided by a gap of zero
eigh.samples(lambda draw, case: [case(np.array([[2.0, 0.3], [0.3, -1.0]])), case(np.diag([3.0, 1.0, -2.0]) + 0.1)])
eigh.errors(lambda draw, case: [case(draw(3)), case(draw(2, 3)), case(draw(2, 2), UPLO="X")])


# ---------------------------------------------------------------------------------------------------------------------
# Singular values.


@op(name="svd", symbol="svd", method=False, multiple=True)
def singular(A: Any, /, full_matrices: bool = True) -> Any:
    """A = U diag(S) Vh, the singular values in descending order: the op behind `linalg.svd`."""
    matrix("svd", A)
    try:
        return SVD(*np.linalg.svd(A, full_matrices))
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"svd: {error}; does A hold NaN or infinity?") from None


def _svd_pull(g: Any, out: Any) -> Any:
    """U ((skew(Uᵀ Ū) ∘ E) S + S (skew(Vᵀ V̄) ∘ E) + diag(S̄)) Vᵀ and the parts outside the two spaces."""
    k = out[1].shape[-1]
    u, s, vh = out[0][..., :, :k], out[1], out[2][..., :k, :]
    gs = s * 0 if g[1] is None else g[1]
    if g[0] is None and g[2] is None:  # no gaps between the singular values are needed
        return (u * gs[..., None, :]) @ vh
    gu = u * 0 if g[0] is None else g[0][..., :, :k]
    gvh = vh * 0 if g[2] is None else g[2][..., :k, :]
    e = _gaps(s * s)
    uu, vv = u.mT @ gu, vh @ gvh.mT
    inner = ((uu - uu.mT) * e) * s[..., None, :] + s[..., :, None] * ((vv - vv.mT) * e) + _diag(gs)
    total = u @ inner @ vh
    if u.shape[-2] > k:
        total = total + ((gu - u @ uu) / s[..., None, :]) @ vh
    if vh.shape[-1] > k:
        total = total + u @ ((gvh - vv.mT @ vh) / s[..., :, None])
    return total


singular.derivative(A=lambda g, out: _svd_pull(g, out))
singular.op.materialize = False
singular.samples(lambda draw, case: [case(draw(2, 3), False), case(draw(3, 2), False), case(draw(2, 2, 2))])
singular.errors(lambda draw, case: [case(draw(3))])
