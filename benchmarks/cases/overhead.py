"""What one operation costs when there is nothing to compute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

ADD = "1000 additions of two 8-element tensors, recorded"
CHAIN = "a chain of 100 operations on 8 elements, forward and backward"


def build_add(library: Any, toy: bool) -> Callable[[], Any]:
    """1000 times ``a + b``."""
    a, b = (library.torch.ones(8).requires_grad_() for _ in range(2))
    repeats = range(10 if toy else 1000)

    def step() -> Any:
        for _ in repeats:
            c = a + b
        return c.sum()

    return step


def build_chain(library: Any, toy: bool) -> Callable[[], Any]:
    """x <- x * b + a, fifty times, and back."""
    a, b = (library.torch.full((8,), value).requires_grad_() for value in (0.25, 0.5))

    def step() -> Any:
        x = a
        for _ in range(5 if toy else 50):
            x = x * b + a
        loss = x.sum()
        loss.backward()
        a.grad = b.grad = None
        return loss

    return step
