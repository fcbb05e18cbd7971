"""exp, log, tanh, erf and the logistic function without branches, so that LLVM vectorises the loops that call them.

Numba's own call the C library once for each element.  These are written for one element of float32 or float64, as LLVM
instructions that are not reassociated; the formulas are plain Python over `Number`, whose operators emit instructions.
Coefficients are those of Taylor's series, taken so far that the remainder is far below the last place.  The error
function has no short series; it is an interpolation, for float32.  silu and gelu are loops of these.

NaN, infinities, overflow and subnormal numbers come out as in NumPy.  The largest errors of results that are normal
numbers, which the tests measure, are `ULP` units in the last place; of gelu for x > 0, and below, where 1 + erf x is
small, units in the last place of 1.

Reduction of the arguments: Cody and Waite, "Software manual for the elementary functions" (1980); rounding by a large
constant and two-step scaling: Muller, "Elementary functions: algorithms and implementation" (3rd edition, 2016).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.polynomial import Chebyshev, Polynomial

ULP = {"exp": 1.5, "log": 1.5, "tanh": 3, "sigmoid": 3, "erf": 3, "silu": 3, "gelu": 4}  # bounds


KEEP = ("contract",)  # flags that are there keep Numba from adding those of `door.FLAGS`: nothing is reassociated


class _Format:
    """What the formulas need to know of a floating-point format."""

    def __init__(self, bits: int, digits: int, least: float, most: float, saturated: float, terms: int, odd: int):
        self.bits, self.digits = bits, digits  # digits: of the fraction, as stored
        self.real, self.whole = (ir.FloatType() if bits == 32 else ir.DoubleType()), ir.IntType(bits)
        self.round = 1.5 * 2.0**digits  # adding it leaves an integer in the last digits
        self.bias = 2 ** (bits - digits - 2) - 1
        self.least, self.most = least, most  # e^x is 0 below, infinite above
        self.saturated = saturated  # tanh x is 1 above
        self.terms, self.odd = terms, odd  # of the series of e^r - 1 and of artanh s
        # ln 2 in two parts, the first so short that its product with an exponent is exact
        self.ln2 = math.ldexp(round(math.ldexp(math.log(2), digits - 8)), 8 - digits)
        self.ln2_rest = math.log(2) - self.ln2 + 2.3190468138462996e-17  # ln 2 beyond its float64


SINGLE = _Format(32, 23, -104.0, 89.0, 9.1, 7, 4)
DOUBLE = _Format(64, 52, -746.0, 710.0, 19.1, 13, 10)


class Number:
    """A value in the LLVM function that is being written."""

    def __init__(self, builder: Any, value: Any, format: _Format) -> None:
        self.b, self.value, self.format = builder, value, format

    def like(self, x: Any) -> Any:
        """`x`, a number or a Python number, as an LLVM value of this kind."""
        return x.value if isinstance(x, Number) else ir.Constant(self.value.type, x)

    def new(self, value: Any) -> Number:
        return Number(self.b, value, self.format)

    def __add__(self, other: Any) -> Number:
        return self.new(self.b.fadd(self.value, self.like(other), flags=KEEP))

    def __sub__(self, other: Any) -> Number:
        return self.new(self.b.fsub(self.value, self.like(other), flags=KEEP))

    def __rsub__(self, other: Any) -> Number:
        return self.new(self.b.fsub(self.like(other), self.value, flags=KEEP))

    def __mul__(self, other: Any) -> Number:
        return self.new(self.b.fmul(self.value, self.like(other), flags=KEEP))

    def __truediv__(self, other: Any) -> Number:
        return self.new(self.b.fdiv(self.value, self.like(other), flags=KEEP))

    def __rtruediv__(self, other: Any) -> Number:
        return self.new(self.b.fdiv(self.like(other), self.value, flags=KEEP))

    def __neg__(self) -> Number:
        return self.new(self.b.fneg(self.value))

    __radd__, __rmul__ = __add__, __mul__

    def call(self, name: str, *arguments: Any) -> Number:
        """An intrinsic function of LLVM."""
        kind, module, full = self.format.real, self.b.module, f"llvm.{name}.f{self.format.bits}"
        given = [self.value, *map(self.like, arguments)]
        function = module.globals.get(full) or ir.Function(module, ir.FunctionType(kind, [kind] * len(given)), full)
        return self.new(self.b.call(function, given))

    def times_plus(self, factor: Any, term: Any) -> Number:
        """self · factor + term with one rounding."""
        return self.call("fma", factor, term)

    def where(self, comparison: str, limit: float, chosen: Any) -> Number:
        """`chosen` where the comparison with `limit` holds, else self; no comparison holds for NaN."""
        return self.when(self.compare(comparison, limit), chosen)

    def compare(self, comparison: str, limit: float) -> Any:
        """A condition for `when`."""
        return self.b.fcmp_ordered(comparison, self.value, self.like(limit))

    def when(self, condition: Any, chosen: Any) -> Number:
        return self.new(self.b.select(condition, self.like(chosen), self.value))

    def to_bits(self) -> Number:
        return self.new(self.b.bitcast(self.value, self.format.whole))

    def from_bits(self) -> Number:
        return self.new(self.b.bitcast(self.value, self.format.real))


def _series(x: Number, coefficients: list[float]) -> Number:
    """Σ c_k x^k by Horner's rule."""
    total: Any = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = x.times_plus(total, c)
    return total


def _split(x: Number) -> tuple[Number, Number]:
    """e^x as 2^n (1 + s): the bits of n, an integer, and s = e^(x - n ln 2) - 1."""
    f = x.format
    shifted = x.times_plus(1 / math.log(2), f.round)
    n = shifted - f.round
    r = n.times_plus(-f.ln2_rest, n.times_plus(-f.ln2, x))
    s = (r * r).times_plus(_series(r, [1 / math.factorial(k) for k in range(2, f.terms + 1)]), r)
    bits = shifted.to_bits()
    return bits.new(x.b.sub(bits.value, _bits_of(f.round, f))), s


def _bits_of(x: float, f: _Format) -> Any:
    view = np.asarray(x, "f4" if f.bits == 32 else "f8").view(f"i{f.bits // 8}")
    return ir.Constant(f.whole, int(view))


def _power(n: Number) -> Number:
    """2^n for the bits of an exponent that is in range."""
    f = n.format
    return n.new(n.b.shl(n.b.add(n.value, n.like(f.bias)), n.like(f.digits))).from_bits()


def exp(x: Number) -> Number:
    """2^n e^r with n = round(x / ln 2) and |r| <= ln 2 / 2; multiplied in two steps, for 2^n itself may overflow."""
    f = x.format
    n, s = _split(x.where("<", f.least, f.least).where(">", f.most, f.most))
    half = n.new(n.b.ashr(n.value, n.like(1)))
    return (s + 1) * _power(half) * _power(n.new(n.b.sub(n.value, half.value)))


def sigmoid(x: Number) -> Number:
    """1 / (1 + e^-x)."""
    return 1 / (exp(-x) + 1)


def tanh(x: Number) -> Number:
    """±m / (m + 2) with m = e^(2|x|) - 1, which is 2^n s + (2^n - 1), exact near 0."""
    size = x.call("fabs")
    n, s = _split(size.where(">", x.format.saturated, x.format.saturated) * 2)
    power = _power(n)
    m = s.times_plus(power, power - 1)
    return (m / (m + 2)).call("copysign", x)


def log(x: Number) -> Number:
    """k ln 2 + ln(1 + f), 1 + f in [√½, √2); ln(1 + f) = f - (f²/2 - s (f²/2 + R)), s = f / (2 + f).

    R = 2 Σ s^2k / (2k + 1), k >= 1, so that s (2 + R) = 2 artanh s (Muller, section 6.3).
    """
    f, b = x.format, x.b
    small = b.fcmp_ordered("<", x.value, x.like(2.0 ** (2 - 2 ** (f.bits - f.digits - 2))))  # not normal
    bits = x.when(small, x * 2.0**f.digits).to_bits()
    root = _bits_of(math.sqrt(0.5), f)
    offset = b.sub(bits.value, root)
    whole = b.sitofp(b.ashr(offset, bits.like(f.digits)), f.real)
    k = x.new(whole) - x.new(b.select(small, x.like(float(f.digits)), x.like(0.0)))
    rest = b.add(b.and_(offset, ir.Constant(f.whole, 2**f.digits - 1)), root)
    m = bits.new(rest).from_bits() - 1
    s = m / (m + 2)
    z, half = s * s, m * m * 0.5
    series = z * _series(z, [2 / (2 * i + 1) for i in range(1, f.odd + 1)])
    low = s.times_plus(half + series, k * f.ln2_rest)
    y = k.times_plus(f.ln2, m - (half - low))
    y = y.new(b.select(b.fcmp_ordered("==", x.value, x.like(math.inf)), x.value, y.value))
    y = y.new(b.select(b.fcmp_ordered("==", x.value, x.like(0.0)), x.like(-math.inf), y.value))
    return y.new(b.select(b.fcmp_unordered("<", x.value, x.like(0.0)), x.like(math.nan), y.value))


def _interpolated(f: Callable[[float], float], low: float, high: float, degree: int) -> list[float]:
    """Coefficients of the polynomial that is f at Chebyshev's points."""
    found = Chebyshev.interpolate(lambda points: np.array([f(x) for x in points]), degree, domain=[low, high])
    return found.convert(kind=Polynomial, domain=[-1, 1]).coef.tolist()


_ERF_SIDE, _ERF_LIMIT = 1.0, 4.0  # where the two formulas meet; erf is 1 to the last place from the limit on
_ERF_NEAR = _interpolated(lambda u: math.erf(math.sqrt(u)) / math.sqrt(u), 0, _ERF_SIDE**2, 5)
_ERF_FAR = _interpolated(lambda x: math.log2(math.erfc(x)), _ERF_SIDE, _ERF_LIMIT, 7)


def erf(x: Number) -> Number:
    """2/√π ∫₀ˣ e^-t² dt for float32: x p(x²) near 0, ±(1 - 2^q(|x|)) beyond, where 2^q = 2^n (1 + s) is below 1/6."""
    f, size = x.format, x.call("fabs")
    q = _series(size.where(">", _ERF_LIMIT, _ERF_LIMIT), _ERF_FAR)
    shifted = q + f.round
    r, bits = q - (shifted - f.round), shifted.to_bits()
    power = _power(bits.new(x.b.sub(bits.value, _bits_of(f.round, f))))
    s = r * _series(r, [math.log(2) ** k / math.factorial(k) for k in range(1, f.terms)])
    far = (1 - s.times_plus(power, power)).call("copysign", x)
    return far.when(size.compare("<", _ERF_SIDE), x * _series(x * x, _ERF_NEAR))


def _function(formula: Callable[[Number], Number], kinds: tuple[Any, ...] = (types.float32, types.float64)) -> Any:
    """`formula` as a function that kernels can call."""

    def typed(context: Any, x: Any) -> Any:
        if x not in kinds:
            return None

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return formula(Number(builder, arguments[0], SINGLE if x == types.float32 else DOUBLE)).value

        return x(x), generate

    typed.__name__ = formula.__name__
    return intrinsic(typed)


vexp, vlog, vtanh, vsigmoid = map(_function, (exp, log, tanh, sigmoid))
verf = _function(erf, (types.float32,))


def _pairwise(name: str, formula: Callable[[Number, Any], Number]) -> Any:
    """`formula` of two numbers as a function that kernels can call."""

    def typed(context: Any, x: Any, y: Any) -> Any:
        if x not in (types.float32, types.float64) or y != x:
            return None

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            format = SINGLE if x == types.float32 else DOUBLE
            return formula(Number(builder, arguments[0], format), Number(builder, arguments[1], format)).value

        return x(x, y), generate

    typed.__name__ = name
    return intrinsic(typed)


vmaximum = _pairwise("maximum", lambda x, y: x.call("maximum", y))  # NaN if either is, as NumPy's
vminimum = _pairwise("minimum", lambda x, y: x.call("minimum", y))
minus = _pairwise("minus", lambda x, y: x - y)  # where (x - y) - z must not become x - (y + z)
