"""The compiled loops of `kernels.elementwise`, for arrays large enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

LEAST = 8192  # elements from which calling a loop, two microseconds, is faster than NumPy


def large(loop: Callable[[Any], Callable[..., Any]]) -> Callable[..., Any]:
    """What `Op.kernel` registers: the loop that `loop` picks from `kernels.elementwise`, for large arrays alone."""

    def run(*arrays: Any) -> Any:
        first = arrays[0]
        if type(first) is not np.ndarray or first.size < LEAST or type(arrays[-1]) is not np.ndarray:
            return NotImplemented
        from ..kernels import elementwise

        return loop(elementwise)(*arrays)

    return run
