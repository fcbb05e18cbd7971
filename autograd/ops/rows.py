"""Reductions of long rows: which inputs their kernels take, and the result in its shape.

In a compiled program it is the NumPy body that is seen, for loops around a reduction can be one with it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .dims import Dims, axes_of

LEAST = 1 << 15  # elements from which a kernel is faster than NumPy's sum
SHORTEST = 16  # elements of a row for which it is


def rows_of(x: Any, dim: Dims, least: int = LEAST) -> int:
    """How many rows a reduction over `dim` makes one number each of; 0 if the kernels do not take the input."""
    if type(x) is not np.ndarray or x.size < least or x.dtype.char not in "fd" or not x.flags.c_contiguous:
        return 0
    axes = axes_of(dim, x.ndim)
    lead = x.ndim - len(axes)
    if sorted(axes) != list(range(lead, x.ndim)):
        return 0
    rows = math.prod(x.shape[:lead])
    return rows if rows * SHORTEST <= x.size else 0


def shaped(values: np.ndarray, x: np.ndarray, dim: Dims, keepdim: bool) -> np.ndarray:
    """The numbers of the rows as NumPy returns them."""
    n = len(axes_of(dim, x.ndim))
    lead = x.shape[: x.ndim - n]
    return values.astype(x.dtype, copy=False).reshape(lead + (1,) * n if keepdim else lead)
