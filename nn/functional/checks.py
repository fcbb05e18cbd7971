"""The check that every function of tensors begins with."""

from __future__ import annotations

from typing import Any

from autograd import Tensor
from autograd.errors import ArgumentError


def tensors(name: str, **given: Any) -> None:
    """Raise unless all that is given to the function `name` are Tensors."""
    for what, value in given.items():
        if not isinstance(value, Tensor):
            raise ArgumentError(
                f"{name}: {what} must be a Tensor, got {type(value).__name__}; write autograd.tensor(...) around it"
            )
