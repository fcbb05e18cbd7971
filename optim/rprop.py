"""Rprop: steps whose size follows only the signs of the gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.errors import ArgumentError

from .checks import at_least_zero, implementation, number
from .optimizer import Group, Optimizer, Params, State
from .shared import counted


class Rprop(Optimizer):
    r"""Resilient backpropagation, for full batches; elementwise, with g negated to maximize::

        c = sign(g g_before)
        h <- clip(h etas[1], step_sizes)                    if c > 0
        h <- clip(h etas[0], step_sizes), and g <- 0        if c < 0
        p <- p - h sign(g)                                  h = lr at first

    Errors: ArgumentError for a negative `lr`, and unless 0 < etas[0] < 1 < etas[1].

    >>> import autograd
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> Rprop([w], lr=0.1).step()
    >>> w
    tensor([ 0.9000, -1.9000], requires_grad=True)

    Source: Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning: the RPROP algorithm"
    (1993), without its weight backtracking.
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        flags = implementation(foreach=foreach, capturable=capturable, differentiable=differentiable)
        super().__init__(params, {"lr": lr, "etas": etas, "step_sizes": step_sizes, "maximize": maximize, **flags})

    def check(self, group: Group) -> None:
        at_least_zero(lr=group["lr"])
        shrink, grow = group["etas"]
        if not 0 < shrink < 1 < grow:
            raise ArgumentError(f"etas: expected 0 < etas[0] < 1 < etas[1], got {shrink}, {grow}")

    def init_state(self, p: np.ndarray, group: Group) -> dict[str, np.ndarray]:
        size = np.full_like(p, number(group["lr"]))
        return {"step": np.zeros((), np.float32), "prev": np.zeros_like(p), "step_size": size}

    def update(self, param: np.ndarray, grad: np.ndarray, state: State, group: Group) -> None:
        counted(state)
        (shrink, grow), (smallest, largest) = group["etas"], group["step_sizes"]
        arrays = param, grad, state["prev"].array, state["step_size"].array
        self.sweep(_rprop, arrays, shrink, grow, smallest, largest, maximize=group["maximize"])


def _rprop(p: Any, g: Any, before: Any, h: Any, c: Any, s: Any, shrink: float, grow: float, smallest: float,
           largest: float, *, maximize: bool) -> None:  # fmt: skip
    g = np.negative(g, out=s) if maximize else g
    np.sign(np.multiply(g, before, out=c), out=c)
    h *= np.where(c > 0, grow, np.where(c < 0, shrink, 1)).astype(h.dtype)
    np.clip(h, smallest, largest, out=h)
    np.copyto(before, np.where(c < 0, 0, g))
    np.sign(before, out=s)
    s *= h
    p -= s
