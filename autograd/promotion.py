"""Operands of one type: PyTorch's promotion, done with casts that are themselves on the tape."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dtypes import category, get_default_dtype, result_type, scalar_dtype
from .errors import ArgumentError
from .op import op
from .tensor import Tensor


@op(method=False, linear=True)
def cast(input: Any, /, dtype: Any) -> Any:
    """``input`` with elements of type `dtype`: how promotion appears on the tape."""
    return input.astype(dtype)


cast.derivative(input=lambda g, input_dtype: cast(g, input_dtype))
cast.samples(lambda draw, case: [case(draw(2, 3), np.dtype("float64")), case(draw(2), np.dtype("int64"))])


def promote(operands: tuple[Any, ...], floats: bool = False, name: str = "") -> tuple[Any, ...]:
    """Cast the operands to their common type; the casts are themselves on the tape.  Numbers stay numbers."""
    plain = [x.array if isinstance(x, Tensor) else x.item() if isinstance(x, np.generic) else x for x in operands]
    typed = [x for x in plain if isinstance(x, np.ndarray | bool | float | int | complex)]
    if not any(isinstance(x, np.ndarray) for x in typed):
        numbers = [x for x in operands if isinstance(x, bool | int | float | complex) and not isinstance(x, np.generic)]
        if name and numbers and len(numbers) == sum(x is not None for x in operands):
            raise ArgumentError(
                f"{name}{operands}: expected a Tensor, got numbers only; write autograd.tensor({operands[0]})"
            )
        return operands
    operands = tuple(x.item() if isinstance(x, np.generic) else x for x in operands)
    dtype = result_type(*typed)
    if floats and category(dtype) < 2:
        dtype = get_default_dtype()
    return tuple(_cast_to(dtype, x) for x in operands)


def _cast_to(dtype: Any, x: Any) -> Any:
    if isinstance(x, Tensor):
        return x if x.array.dtype == dtype else cast(x, dtype)
    if isinstance(x, np.ndarray):
        return x.astype(dtype, copy=False)
    if isinstance(x, int) and (category(scalar_dtype(x)) < category(dtype) or dtype.kind in "iu"):
        return np.array(x).astype(dtype) if dtype.kind in "iu" else float(x)
    return x
