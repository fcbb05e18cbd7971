"""The error function and the gamma function, with their relatives.  SciPy has the values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..inplace import takes_out
from ..op import elementwise, op
from ..promotion import promote
from ..tensor import Tensor, attach, method
from .large import in_loops

__all__ = ["erf", "erfc", "erfinv", "lgamma", "digamma", "polygamma", "mvlgamma"]

_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)


@elementwise(symbol="erf", floats=True)
def erf(input: Any, /) -> Any:
    """Error function, y = 2/√π · ∫₀ˣ e^(-t²) dt.

    >>> import autograd
    >>> autograd.erf(autograd.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8427])
    """
    from scipy import special

    return special.erf(input)


erf.kernel(in_loops(erf.op.body, "f"))
erf.derivative(input=lambda g, input: g * (_TWO_OVER_ROOT_PI * np.exp(-input * input)))


@elementwise(symbol="erfc", floats=True)
def erfc(input: Any, /) -> Any:
    """Complement of the error function, y = 1 - erf x, exact also where erf x is near 1.

    >>> import autograd
    >>> autograd.erfc(autograd.tensor([0.0, 1.0]))
    tensor([1.0000, 0.1573])
    """
    from scipy import special

    return special.erfc(input)


erfc.derivative(input=lambda g, input: g * (-_TWO_OVER_ROOT_PI * np.exp(-input * input)))


@elementwise(symbol="erf⁻¹", floats=True, domain=(-0.8, 0.8))
def erfinv(input: Any, /) -> Any:
    """Inverse of the error function; ±inf at ±1, NaN beyond.

    >>> import autograd
    >>> autograd.erfinv(autograd.tensor([0.0, 0.5]))
    tensor([0.0000, 0.4769])
    """
    from scipy import special

    return special.erfinv(input)


erfinv.derivative(input=lambda g, out: g * (np.exp(out * out) / _TWO_OVER_ROOT_PI))


@elementwise(symbol="ln|Γ|", floats=True, domain=(0.3, 4.0))
def lgamma(input: Any, /) -> Any:
    """Logarithm of the gamma function's magnitude, y = ln |Γ(x)|; Γ(n) = (n - 1)!.

    >>> import autograd
    >>> autograd.lgamma(autograd.tensor([1.0, 5.0]))
    tensor([0.0000, 3.1781])
    """
    from scipy import special

    return special.gammaln(input)


@elementwise(symbol="ψ", floats=True, domain=(0.3, 4.0))
def digamma(input: Any, /) -> Any:
    """Derivative of `lgamma`, y = Γ'(x) / Γ(x); -inf at 0, NaN at the negative integers.

    >>> import autograd
    >>> autograd.digamma(autograd.tensor([1.0, 0.5]))
    tensor([-0.5772, -1.9635])
    """
    from scipy import special

    return np.where(input == 0, np.copysign(np.inf, -input), special.psi(input)).astype(input.dtype, copy=False)


@op(symbol="ψ⁽ⁿ⁾", method=False)
def _polygamma(input: Any, /, n: int) -> Any:
    """`polygamma` with the tensor first."""
    from scipy import special

    return special.polygamma(n, input).astype(input.dtype, copy=False)


lgamma.derivative(input=lambda g, input: g * digamma(input))
digamma.derivative(input=lambda g, input: g * _polygamma(input, 1))
_polygamma.derivative(input=lambda g, input, n: g * _polygamma(input, n + 1))
_polygamma.samples(lambda draw, case: [case(np.abs(draw(2, 3)) + 0.5, n) for n in (0, 1, 2)] + [case(draw(0), 1)])


@takes_out
def polygamma(n: int, input: Any) -> Any:
    """n-th derivative of `digamma`, for n >= 0.

    >>> import autograd
    >>> autograd.polygamma(1, autograd.tensor([1.0]))
    tensor([1.6449])
    """
    if not isinstance(n, int) or n < 0:
        raise ArgumentError(f"polygamma: n must be an int >= 0, got {n!r}")
    return _polygamma(*promote((input,), floats=True), n)


@method(name="polygamma")
def _polygamma_of(self: Tensor, n: int) -> Tensor:
    """`polygamma` of order `n`."""
    return polygamma(n, self)


@takes_out
def mvlgamma(input: Any, p: int) -> Any:
    """Logarithm of the multivariate gamma function, y = p(p-1)/4 · ln π + Σⱼ lgamma(x - j/2), j = 0 ... p-1.

    >>> import autograd
    >>> autograd.mvlgamma(autograd.tensor([3.0]), 2)
    tensor([1.5502])
    """
    if p < 1:
        raise ArgumentError(f"mvlgamma: p must be at least 1, got {p}")
    if isinstance(input, Tensor) and np.any(input.array <= (p - 1) / 2):
        raise ArgumentError(f"mvlgamma: all elements of input must be greater than (p - 1) / 2 = {(p - 1) / 2}")
    total = lgamma(input)
    for j in range(1, p):
        total = total + lgamma(input - j / 2)
    return total + p * (p - 1) / 4 * math.log(math.pi)


attach("mvlgamma", mvlgamma, mvlgamma, inplace=True)
