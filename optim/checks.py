"""What every optimiser asks of its hyperparameters, and what a hyperparameter's value is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd.errors import ArgumentError
from autograd.tensor import Tensor


def number(value: Any) -> float:
    """The Python number in a hyperparameter, which may be a one-element tensor."""
    if not isinstance(value, Tensor):
        return value
    array: Any = value.array
    return array.item() if type(array) is np.ndarray else array.number()  # which a program that is recorded can follow


def at_least_zero(**values: Any) -> None:
    """Raise ArgumentError unless every named hyperparameter is a number >= 0."""
    for name, value in values.items():
        if not real(name, value) >= 0:
            raise ArgumentError(f"{name}: expected a number >= 0, got {value}")


def fraction(name: str, value: Any, *, closed: bool = False) -> None:
    """Raise ArgumentError unless 0 <= value < 1, or <= 1 if `closed`."""
    x = real(name, value)
    if not (0 <= x < 1 or (closed and x == 1)):
        raise ArgumentError(f"{name}: expected a number in [0, 1{']' if closed else ')'}, got {value}")


def two_betas(betas: Any) -> None:
    """Raise ArgumentError unless `betas` are two decay rates of the same kind, each in [0, 1)."""
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise ArgumentError(f"betas: expected a pair of numbers such as (0.9, 0.999), got {betas!r:.80}")
    fraction("betas[0]", betas[0])
    fraction("betas[1]", betas[1])
    if isinstance(betas[0], Tensor) != isinstance(betas[1], Tensor):
        raise ArgumentError("betas: expected two floats or two tensors, got one of each")


def real(name: str, value: Any) -> float:
    """The number in hyperparameter `name`; ArgumentError if it is not one."""
    if isinstance(value, Tensor):
        if value.array.size != 1:
            raise ArgumentError(f"{name}: expected a number or a one-element tensor, got shape {tuple(value.shape)}")
        return value.array.item()
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ArgumentError(f"{name}: expected a number, got {value!r:.80}") from None


def implementation(hyperparameters: Mapping[str, Any] | None = None, /, **flags: bool | None) -> dict[str, Any]:
    """The flags by which PyTorch chooses among its kernels, kept in the parameter groups for its format's sake.

    Here one implementation serves all; combinations that PyTorch refuses are refused, and `hyperparameters` that are
    tensors must be the kind that PyTorch's foreach kernels take.
    """
    foreach, fused = flags.get("foreach"), flags.get("fused")
    if flags.get("differentiable"):
        if fused:
            raise ArgumentError("`fused` does not support `differentiable`; pass at most one of them")
        raise ArgumentError(
            "differentiable=True: a step writes the parameters in place, off the tape; to differentiate through an "
            "update, write it out of place: p_new = p - lr * autograd.grad(loss, p, create_graph=True)[0]"
        )
    if fused and foreach:
        raise ArgumentError("`fused` and `foreach` cannot be `True` together; leave both out")
    if foreach and not flags.get("capturable"):
        for name, value in (hyperparameters or {}).items():
            if isinstance(value, Tensor):
                raise ArgumentError(f"{name} as a Tensor is not supported for capturable=False and foreach=True")
    return flags
