"""What a ufunc is for one element, as a Numba expression, with types made explicit: Numba's rules are not NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .functions import filled
from .program import Equation, Var
from .traced import Reduction, cast

_INFIX = {
    np.add: "+", np.subtract: "-", np.multiply: "*", np.true_divide: "/", np.less: "<", np.less_equal: "<=",
    np.greater: ">", np.greater_equal: ">=", np.equal: "==", np.not_equal: "!=",
}  # fmt: skip
_LOGIC = {np.logical_and: "{0} and {1}", np.logical_or: "{0} or {1}", np.logical_not: "not {0}"}
_BITS = {np.bitwise_and: "{0} & {1}", np.bitwise_or: "{0} | {1}", np.bitwise_xor: "{0} ^ {1}", np.invert: "~{0}",
         np.left_shift: "{0} << {1}", np.right_shift: "{0} >> {1}"}  # fmt: skip
_CALLS = {
    np.negative: "-{0}", np.positive: "{0}", np.square: "{0} * {0}", np.sqrt: "math.sqrt({0})", np.exp: "vexp({0})",
    np.log: "vlog({0})", np.tanh: "vtanh({0})", np.maximum: "vmaximum({0}, {1})", np.minimum: "vminimum({0}, {1})",
    np.absolute: "abs({0})", np.sin: "math.sin({0})", np.cos: "math.cos({0})", np.log1p: "math.log1p({0})",
    np.expm1: "math.expm1({0})", np.isnan: "{0} != {0}", np.floor: "np.floor({0})", np.ceil: "np.ceil({0})",
    np.sign: "np.sign({0})",
}  # fmt: skip
_WHOLE = {np.maximum: "max({0}, {1})", np.minimum: "min({0}, {1})", np.absolute: "abs({0})", np.square: "{0} * {0}"}
_FLOAT_ONLY = {np.sqrt, np.exp, np.log, np.tanh, np.sin, np.cos, np.log1p,
               np.expm1, np.isnan, np.floor, np.ceil, np.sign, np.true_divide, np.negative}  # fmt: skip
_POWERS = {2.0: "{0} * {0}", 3.0: "{0} * {0} * {0}", 4.0: "({0} * {0}) * ({0} * {0})", 1.0: "{0}",
           0.5: "math.sqrt({0})", -1.0: "{one} / {0}", -2.0: "{one} / ({0} * {0})",
           -0.5: "{one} / math.sqrt({0})"}  # fmt: skip
_KINDS = {"f4": "np.float32", "f8": "np.float64", "i8": "np.int64", "i4": "np.int32", "u4": "np.uint32",
          "u8": "np.uint64", "b1": "np.bool_", "i2": "np.int16", "u1": "np.uint8", "i1": "np.int8"}  # fmt: skip
_TRUTHS = {
    np.bitwise_and: "{0} and {1}",
    np.bitwise_or: "{0} or {1}",
    np.bitwise_xor: "{0} != {1}",
    np.invert: "not {0}",
}  # fmt: skip  of truth values
ACCUMULATE = {np.add: "{0} + {1}", np.multiply: "{0} * {1}", np.maximum: "vmaximum({0}, {1})",
              np.minimum: "vminimum({0}, {1})", np.logical_and: "{0} and {1}", np.logical_or: "{0} or {1}"}  # fmt: skip
START = {np.add: 0, np.multiply: 1, np.maximum: -np.inf, np.minimum: np.inf, np.logical_and: True, np.logical_or: False}
COST = {
    np.exp: 10,
    np.log: 12,
    np.tanh: 14,
    np.power: 30,
    np.sqrt: 3,
    np.true_divide: 3,
    np.sin: 30,
    np.cos: 30,
    np.log1p: 40,
    np.expm1: 40,
}  # fmt: skip  additions' worth of time, about


def code_of(dtype: Any) -> str:
    """``f4``, ``i8``, ``b1``."""
    return f"{dtype.kind}{dtype.itemsize}"


def literal(value: Any, dtype: Any) -> str:
    """A number as a constant of its type."""
    kind = code_of(dtype)
    if kind == "b1":
        return repr(bool(value))
    value = float(value) if dtype.kind == "f" else int(value)
    shown = f"np.{value}".replace("-inf", "NINF") if value != value else repr(value)
    if value in (float("inf"), float("-inf")):
        shown = "-np.inf" if value < 0 else "np.inf"
    elif value != value:
        shown = "np.nan"
    return f"{_KINDS[kind]}({shown})"


def converted(text: str, dtype: Any, to: Any) -> str:
    """`text`, of type `dtype`, as type `to`."""
    if dtype == to:
        return text
    return f"({text} != 0)" if code_of(to) == "b1" else f"{_KINDS[code_of(to)]}({text})"


def _erf() -> Any:
    try:
        from scipy.special import erf
    except ImportError:
        return None
    return erf


def _is_erf(ufunc: Any) -> bool:
    return getattr(ufunc, "__name__", "") == "erf" and ufunc is _erf()


def expressible(e: Equation) -> bool:
    """Whether a loop over elements can compute the equation."""
    f = e.function
    if e.effect or len(e.outs) != 1 or any(code_of(v.dtype) not in _KINDS for v in (*e.inputs(), *e.outs)):
        return False
    if any(not isinstance(a, Var | bool | int | float | np.generic) for a in e.args[: _operands(f)]):
        return False
    if isinstance(f, Reduction):
        ok = set(e.kwargs) <= {"axis", "keepdims", "dtype"} and isinstance(e.args[0], Var) and len(e.args) == 1
        truths = f.ufunc not in (np.maximum, np.minimum) or e.args[0].dtype.kind in "fiu"
        return ok and f.ufunc in START and truths and e.args[0].size > 0
    if f in (cast, filled, np.where):
        return not e.kwargs
    if not isinstance(f, np.ufunc) or e.kwargs or e.outs[0].dtype.kind == "c":
        return False
    if f is np.power:
        return e.outs[0].dtype.kind == "f"
    known = f in _INFIX or f in _LOGIC or f in _CALLS or (_is_erf(f) and e.outs[0].dtype == np.float32)
    kind = _types(e)[0].kind
    if f in _LOGIC:
        return kind == "b"
    if f in _BITS:
        return (
            kind == "u" or (kind == "i" and f not in (np.left_shift, np.right_shift)) or (kind == "b" and f in _TRUTHS)
        )
    if f in _WHOLE:
        return kind in "fiu"
    return known and (f not in _FLOAT_ONLY or kind == "f" or (f is np.negative and kind == "i"))


def _operands(f: Any) -> int:
    return (
        1
        if isinstance(f, Reduction) or f in (cast, filled)
        else 3
        if f is np.where
        else f.nin
        if isinstance(f, np.ufunc)
        else 99
    )


def operands(e: Equation) -> tuple[Any, ...]:
    """The arguments that are elements."""
    return e.args[: _operands(e.function)]


def _types(e: Equation) -> tuple[Any, ...]:
    """The types that the ufunc works in: of its operands, and of the result."""
    given = tuple(a.dtype if isinstance(a, Var | np.generic) else type(a) for a in e.args)
    given = tuple(np.dtype(bool) if g is bool else g for g in given)
    return e.function.resolve_dtypes((*given, None))


def _power(e: Equation) -> str | None:
    exponent = e.args[1]
    if isinstance(exponent, Var) or e.outs[0].dtype.kind != "f" or not isinstance(e.args[0], Var):
        return None
    return _POWERS.get(float(exponent))


def _form(f: Any, kind: str) -> str:
    """How the ufunc is written for operands of a kind."""
    if kind == "b" and f in _TRUTHS:
        return _TRUTHS[f]
    if kind != "f" and f in _WHOLE:
        return _WHOLE[f]
    return _LOGIC.get(f) or _BITS.get(f) or _CALLS[f]


def accumulated(ufunc: Any, dtype: Any, total: str, term: str) -> str:
    """``total`` after another term of a reduction."""
    form = _WHOLE[ufunc] if dtype.kind in "iu" and ufunc in _WHOLE else ACCUMULATE[ufunc]
    return form.format(total, term)


def start_of(ufunc: Any, dtype: Any) -> Any:
    """What a reduction begins with."""
    if dtype.kind in "iu" and ufunc in (np.maximum, np.minimum):
        return np.iinfo(dtype).min if ufunc is np.maximum else np.iinfo(dtype).max
    return START[ufunc]


def expression(e: Equation, names: list[str], constant: Callable[[Any, Any], str] = literal) -> str:
    """The equation for one element, given the names of its operands' elements (or "" for numbers).

    `constant` writes the numbers that stand in it.
    """
    f, to = e.function, e.outs[0].dtype
    values = operands(e)

    def operand(i: int, kind: Any) -> str:
        value = values[i]
        return converted(names[i], value.dtype, kind) if isinstance(value, Var) else constant(value, kind)

    if f in (cast, filled):
        return operand(0, to)
    if f is np.where:
        return f"({operand(1, to)} if {operand(0, np.dtype(bool))} else {operand(2, to)})"
    types = _types(e)
    texts = [operand(i, kind) for i, kind in enumerate(types[: f.nin])]
    if f is np.power:
        text = (_power(e) or "{0} ** {1}").format(*texts, one=literal(1, types[0]))
    elif f in _INFIX:
        text = f"{texts[0]} {_INFIX[f]} {texts[1]}"
    elif _is_erf(f):
        text = f"verf({texts[0]})"
    else:
        text = _form(f, types[0].kind).format(*texts)
    return converted(f"({text})", types[f.nin], to)
