"""Element types and PyTorch's promotion rules.

A dtype is a NumPy dtype; the names are PyTorch's.  Promotion follows PyTorch, not NumPy: a float tensor keeps its width
whatever integers it meets, and a 0-d tensor or a Python number lifts the result only into a higher *category*
(bool < integer < float < complex).  Source: the definition of ``torch.result_type``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import DTypeError

float16 = half = np.dtype("float16")
float32 = np.dtype("float32")
float64 = double = np.dtype("float64")
int8 = np.dtype("int8")
int16 = short = np.dtype("int16")
int32 = np.dtype("int32")
int64 = long = np.dtype("int64")
uint8 = np.dtype("uint8")
bool_ = np.dtype("bool")
complex64 = cfloat = np.dtype("complex64")
complex128 = cdouble = np.dtype("complex128")

_CATEGORY = {"b": 0, "i": 1, "u": 1, "f": 2, "V": 2, "c": 3}  # "V" is how ml_dtypes' bfloat16 shows itself
_KNOWN = {float16, float32, float64, int8, int16, int32, int64, uint8, bool_, complex64, complex128}
_default = float32


def bfloat16() -> np.dtype[Any]:
    """The bfloat16 dtype, from the optional package ml_dtypes."""
    try:
        import ml_dtypes
    except ImportError:
        raise DTypeError("bfloat16 needs the package ml_dtypes: pip install ml_dtypes") from None
    return np.dtype(ml_dtypes.bfloat16)


def as_dtype(dtype: Any) -> np.dtype[Any]:
    """Any spelling of an element type (ours, NumPy's, ``float``, ``int``, ``bool``) as one of ours."""
    if dtype is float:
        return _default
    if dtype is complex:
        return complex_of(_default)
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise DTypeError(f"dtype: expected an element type such as autograd.float32, got {dtype!r}") from None
    if found in _KNOWN or (is_floating(found) and found.kind == "V"):
        return found
    raise DTypeError(f"dtype: {found} is not supported; choose one of {', '.join(sorted(map(str, _KNOWN)))}")


def get_default_dtype() -> np.dtype[Any]:
    """The float dtype of new tensors: float32 unless `set_default_dtype` said otherwise."""
    return _default


def set_default_dtype(dtype: Any) -> None:
    """Choose the float dtype of new tensors.

    >>> import autograd
    >>> autograd.set_default_dtype(autograd.float64); autograd.tensor(1.0).dtype
    dtype('float64')
    >>> autograd.set_default_dtype(autograd.float32)
    """
    global _default
    dtype = as_dtype(dtype)
    if not is_floating(dtype):
        raise DTypeError(f"dtype: the default must be a floating-point type, got {dtype}")
    _default = dtype


def category(dtype: np.dtype[Any]) -> int:
    """0 bool, 1 integer, 2 floating, 3 complex."""
    return _CATEGORY[dtype.kind]


def is_floating(dtype: np.dtype[Any]) -> bool:
    """Whether `dtype` is a real floating-point type (bfloat16 included)."""
    return dtype.kind == "f" or (dtype.kind == "V" and dtype.name == "bfloat16")


def is_differentiable(dtype: np.dtype[Any]) -> bool:
    """Whether tensors of `dtype` can carry a cotangent."""
    return dtype.kind in "fcV"


def complex_of(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The complex type whose parts are `dtype`."""
    return complex128 if dtype == float64 else complex64


def scalar_dtype(value: Any) -> np.dtype[Any]:
    """The dtype that a Python number has as a tensor."""
    if isinstance(value, bool):
        return bool_
    if isinstance(value, int):
        return int64
    return complex_of(_default) if isinstance(value, complex) else _default


def promote_types(a: np.dtype[Any], b: np.dtype[Any]) -> np.dtype[Any]:
    """The smallest type that holds both, in PyTorch's lattice: int64 with float32 is float32."""
    a, b = as_dtype(a), as_dtype(b)
    if a == b:
        return a
    low, high = sorted((a, b), key=category)
    if category(low) == category(high):
        return float32 if "V" in (a.kind, b.kind) and float16 in (a, b) else np.promote_types(a, b)
    return np.promote_types(a, b) if category(low) == 2 and low.kind == "f" else high


def result_type(*operands: Any) -> np.dtype[Any]:
    """The dtype of an elementwise operation on arrays and Python numbers.

    Arrays with dimensions decide; 0-d arrays, then Python numbers, only lift the category.
    """
    ranked: list[np.dtype[Any] | None] = [None, None, None]
    for x in operands:
        is_array = isinstance(x, np.ndarray)
        rank = (0 if x.ndim else 1) if is_array else 2
        dtype, have = x.dtype if is_array else scalar_dtype(x), ranked[rank]
        ranked[rank] = dtype if have is None else promote_types(have, dtype)
    result = None
    for dtype in ranked:
        if dtype is None:
            continue
        if result is None:
            result = dtype
        elif category(dtype) > category(result):
            lifts_to_complex = category(dtype) == 3 and category(result) == 2
            result = complex_of(result) if lifts_to_complex else promote_types(result, dtype)
    assert result is not None, "result_type needs an operand"
    return result
