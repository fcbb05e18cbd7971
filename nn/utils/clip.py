"""Gradients kept from becoming too large."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd import Tensor
from autograd.errors import TapeError
from autograd.tensor import wrap
from autograd.writes import mark_written


def _gradients(parameters: Any) -> list[np.ndarray]:
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [p.grad.array for p in given if p.grad is not None]


def _total(arrays: list[np.ndarray], norm_type: float) -> Any:
    """The norm of all elements taken as one vector."""
    if not arrays:
        return np.zeros((), np.float32)
    if norm_type == math.inf:
        return functools.reduce(np.maximum, [np.abs(a).max() for a in arrays if a.size])
    if norm_type == 2:
        return np.sqrt(sum(np.vdot(a, a) for a in arrays))
    return sum((np.abs(a) ** norm_type).sum() for a in arrays) ** (1 / norm_type)


def get_total_norm(tensors: Iterable[Tensor], norm_type: float = 2.0, error_if_nonfinite: bool = False,
                   foreach: bool | None = None) -> Tensor:  # fmt: skip
    """The norm of all tensors' elements taken as one vector."""
    return _finite(_total([t.array for t in tensors], float(norm_type)), error_if_nonfinite)


def _finite(total: Any, wanted: bool) -> Tensor:
    if wanted and not np.isfinite(total):
        raise TapeError(
            f"the total norm of the gradients is {total}, so they cannot be clipped; find what made them so, "
            "or give error_if_nonfinite=False"
        )
    return wrap(np.asanyarray(total))


def clip_grad_norm_(parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False,
                    foreach: bool | None = None) -> Tensor:  # fmt: skip
    """Scale all gradients by min(1, max_norm / (norm + 1e-6)), in place; returns that norm (Pascanu et al., 2013).

    >>> import autograd, nn
    >>> p = nn.Parameter(autograd.zeros(2)); p.grad = autograd.tensor([3.0, 4.0])
    >>> nn.utils.clip_grad_norm_([p], 1.0)
    tensor(5.)
    """
    arrays = _gradients(parameters)
    total = _finite(_total(arrays, float(norm_type)), error_if_nonfinite)
    scale = np.minimum(float(max_norm) / (total.array + 1e-6), 1)  # NaN if the norm is
    for a in arrays:
        a *= scale.astype(a.dtype)
        mark_written(a, "clip_grad_norm_")
    return total


def clip_grad_value_(parameters: Any, clip_value: float, foreach: bool | None = None) -> None:
    """Cut each element of the gradients off at ±clip_value, in place."""
    for a in _gradients(parameters):
        np.clip(a, -clip_value, clip_value, out=a)
        mark_written(a, "clip_grad_value_")
