"""One loop over an array, or over two alike, for every elementwise formula.

A formula is written for one element, over the `Number`s of vmath.py, and emits LLVM instructions; `unary` and `binary`
make the function that runs it over whole arrays, in pieces on several threads.  What that function cannot take (other
dtypes, gaps between elements, shapes that differ) it answers with NotImplemented, and NumPy computes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from . import vmath
from .door import kernel
from .flat import PIECE, flat, in_pieces
from .vmath import DOUBLE, SINGLE, Number

_formulas: list[Callable[..., Number]] = []


def _emits(x: Any, which: Any) -> Any:
    """What `intrinsic` wants of the formula with the number `which`, for elements of type `x`."""
    formula = _formulas[which.literal_value]

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        format = SINGLE if x == types.float32 else DOUBLE
        return formula(*[Number(builder, a, format) for a in arguments[1:]]).value

    return generate


def _typed_one(context: Any, which: Any, x: Any) -> Any:
    return x(which, x), _emits(x, which)


def _typed_two(context: Any, which: Any, x: Any, y: Any) -> Any:
    return x(which, x, y), _emits(x, which)


_of_one: Any = intrinsic(prefer_literal=True)(_typed_one)
_of_two: Any = intrinsic(prefer_literal=True)(_typed_two)


# A loop is told its formula by a number: Numba keeps compiled closures on disk by the values that they close over.


def unary(formula: Callable[[Number], Number], least: int = PIECE, kinds: str = "fd") -> Callable[[np.ndarray], Any]:
    """The function f(array) that applies `formula` to each element of float32 ("f") or float64 ("d")."""
    which = len(_formulas)
    _formulas.append(formula)

    @kernel
    def loop(x, out, start, stop):
        x, out = x[start:stop], out[start:stop]
        for i in range(out.size):
            out[i] = _of_one(which, x[i])

    def run(x: np.ndarray) -> Any:
        if x.dtype.char not in kinds:
            return NotImplemented
        out = np.empty_like(x)
        if (runs := flat(x, out)) is None:
            return NotImplemented
        in_pieces(x.size, lambda start, stop: loop(*runs, start, stop), least)
        return out

    return run


def binary(
    formula: Callable[[Number, Number], Number], least: int = PIECE, kinds: str = "fd"
) -> Callable[[np.ndarray, np.ndarray], Any]:
    """The function f(array, array) that applies `formula` to each pair of elements of arrays of one shape."""
    which = len(_formulas)
    _formulas.append(formula)

    @kernel
    def loop(x, y, out, start, stop):
        x, y, out = x[start:stop], y[start:stop], out[start:stop]
        for i in range(out.size):
            out[i] = _of_two(which, x[i], y[i])

    def run(x: np.ndarray, y: np.ndarray) -> Any:
        if x.dtype.char not in kinds:
            return NotImplemented
        out = np.empty_like(x)
        if (runs := flat(x, y, out)) is None:
            return NotImplemented
        in_pieces(x.size, lambda start, stop: loop(*runs, start, stop), least)
        return out

    return run


# ---------------------------------------------------------------------------------------------------------------------
# The formulas, and the derivatives given the cotangent c and what the op has kept.

COSTLY = 65536  # elements of a piece where each costs some thirty operations


def _gelu_bend(x: Number) -> Number:
    """√(2/π) (x + 0.044715 x³)."""
    root = math.sqrt(2 / math.pi)
    return x * (x * x * (0.044715 * root) + root)


def _gelu(x: Number) -> Number:
    return (vmath.tanh(_gelu_bend(x)) + 1) * x * 0.5


def _gelu_pull(c: Number, x: Number) -> Number:
    t, root = vmath.tanh(_gelu_bend(x)), math.sqrt(2 / math.pi)
    return c * ((t + 1) * 0.5 + x * 0.5 * (1 - t * t) * (x * x * (3 * 0.044715 * root) + root))


def _gelu_exact_pull(c: Number, x: Number) -> Number:
    density = vmath.exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))
    return c * (vmath.normal_cdf(x) + x * density)


def _silu_pull(c: Number, x: Number) -> Number:
    s = vmath.sigmoid(x)
    return c * s * (x * (1 - s) + 1)


relu = unary(lambda x: x.call("maximum", 0.0))
relu_pull = binary(lambda c, out: c * out.new(out.like(0.0)).when(out.compare(">", 0.0), 1.0))
exp = unary(vmath.exp, COSTLY)
log = unary(vmath.log, COSTLY)
tanh = unary(vmath.tanh, COSTLY)
tanh_pull = binary(lambda c, out: c * (1 - out * out))
sigmoid = unary(vmath.sigmoid, COSTLY)
sigmoid_pull = binary(lambda c, out: c * (out * (1 - out)))
silu = unary(lambda x: x / (vmath.exp(-x) + 1), COSTLY)
silu_pull = binary(_silu_pull, COSTLY)
erf = unary(vmath.erf, COSTLY, "f")
gelu = unary(lambda x: x * vmath.normal_cdf(x), COSTLY, "f")
gelu_pull = binary(_gelu_exact_pull, COSTLY, "f")
gelu_tanh = unary(_gelu, COSTLY)
gelu_tanh_pull = binary(_gelu_pull, COSTLY)
