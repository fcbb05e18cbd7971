"""Tensors from data and from nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dtypes import as_dtype, get_default_dtype
from .errors import ArgumentError
from .tensor import Tensor, wrap

__all__ = ["from_numpy", "tensor"]


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A new tensor with a copy of `data`: numbers, nested sequences, arrays or tensors.

    Python floats take the default dtype, Python ints int64; arrays and tensors keep theirs.

    >>> import autograd
    >>> autograd.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    if isinstance(data, Tensor):
        data = data.array
    typed = isinstance(data, np.ndarray | np.generic)
    try:
        array = data.copy() if isinstance(data, np.ndarray) else np.array(data)
    except ValueError:
        raise ArgumentError("data: the nested sequences have unequal lengths, so they make no rectangle") from None
    if array.dtype == object:
        raise ArgumentError(f"data: expected numbers, nested sequences of numbers, arrays or tensors, got {data!r:.80}")
    if dtype is not None:
        array = array.astype(as_dtype(dtype), copy=False)
    elif not typed and array.dtype.kind == "f":
        array = array.astype(get_default_dtype(), copy=False)
    else:
        array = array.astype(as_dtype(array.dtype), copy=False)
    result = wrap(array)
    return result.requires_grad_() if requires_grad else result


def from_numpy(array: np.ndarray) -> Tensor:
    """A tensor that shares memory with `array`: a write into one shows in the other.

    >>> import autograd, numpy as np
    >>> a = np.zeros(2); t = autograd.from_numpy(a); a[0] = 1; t
    tensor([1., 0.], dtype=float64)
    """
    if not isinstance(array, np.ndarray):
        raise ArgumentError(f"array: expected a NumPy array, got {type(array).__name__}; use autograd.tensor(...)")
    as_dtype(array.dtype)
    return wrap(array)
