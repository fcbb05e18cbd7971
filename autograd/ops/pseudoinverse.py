"""The Moore-Penrose inverse as one op, for its derivative exists where that of the singular vectors does not.

Source: G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose
variables separate" (1973), eq. (4.12).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import op
from .solving import matrix, square
from .spectra import eigh, singular


def cutoff(s: Any, shape: tuple[int, ...], atol: Any, rtol: Any) -> Any:
    """Singular values up to this count as zero: max(atol, rtol · largest), by default a few rounding errors."""
    if rtol is None:
        absolute = atol is not None and np.all(np.asarray(atol) > 0)
        rtol = 0.0 if absolute else max(shape[-2:]) * np.finfo(s.dtype).eps
    relative = np.asarray(rtol)[..., None] * s.max(-1, keepdims=True, initial=0)
    return np.maximum(np.asarray(0.0 if atol is None else atol)[..., None], relative)


@op(name="pinv", symbol="pinv", method=False)
def pseudoinverse(input: Any, /, atol: Any = None, rtol: Any = None, hermitian: bool = False) -> Any:
    """P with A P A = A, P A P = P, and A P and P A symmetric: the op behind `linalg.pinv`."""
    (square if hermitian else matrix)("pinv", input)
    if hermitian:
        s, u = eigh(input)
        vh = u.mT
    else:
        u, s, vh = singular(input, False)
    keep = np.abs(s) > cutoff(np.abs(s), input.shape, atol, rtol)
    inverse = np.where(keep, 1 / np.where(keep, s, 1), 0).astype(s.dtype)
    return (vh.mT * inverse[..., None, :]) @ u.mT


def _pinv_pull(g: Any, input: Any, out: Any) -> Any:
    """-Pᵀ G Pᵀ + (I - A P) Gᵀ P Pᵀ + Pᵀ P Gᵀ (I - P A), for matrices of constant rank."""
    p, pt, gt = out, out.mT, g.mT
    down, up = gt @ p @ pt, pt @ p @ gt
    return down - input @ (p @ down) + up - (up @ p) @ input - pt @ g @ pt


pseudoinverse.derivative(input=lambda g, input, out: _pinv_pull(g, input, out))
pseudoinverse.samples(
    lambda draw, case: [case(draw(2, 3)), case(draw(2, 3, 2)), case(draw(2, 0)), case(draw(2, 2) + 3 * np.eye(2))]
)
pseudoinverse.errors(lambda draw, case: [case(draw(3)), case(draw(2, 3), hermitian=True)])
