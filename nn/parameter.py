"""Parameters: tensors that a module owns and an optimiser changes."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import Tensor
from autograd.changes import Counted, changed
from autograd.dtypes import is_floating
from autograd.errors import ArgumentError


class Parameter(Tensor, Counted):
    """A leaf tensor that a `Module` lists among its parameters when it is set as an attribute.

    >>> import autograd, nn
    >>> nn.Parameter(autograd.zeros(2))
    Parameter containing:
    tensor([0., 0.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        if data is not None and not isinstance(data, Tensor):
            raise ArgumentError(
                f"Parameter: data must be a Tensor, got {type(data).__name__}; write autograd.tensor(...)"
            )
        if data is not None and not data.is_leaf:
            data = data.detach()
        self.array = np.empty(0, np.float32) if data is None else data.array
        self.grad, self.node, self.family = None, None, None
        if requires_grad and is_floating(self.array.dtype):
            self.requires_grad_()
        elif requires_grad:
            raise ArgumentError(f"Parameter: only floating-point tensors can require grad, not {self.dtype}; "
                                "give requires_grad=False")  # fmt: skip

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Start (or stop) wanting a gradient: to train this parameter, or freeze it."""
        changed()
        return super().requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"
