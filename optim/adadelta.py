"""Adadelta: steps in the parameters' own units, from running means of squared gradients and squared steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from .checks import at_least_zero, fraction, implementation, number
from .optimizer import Group, Optimizer, Params, State
from .shared import average, counted, descent


class Adadelta(Optimizer):
    r"""Adadelta::

        g <- ±g + weight_decay p                            (- to maximize)
        v <- rho v + (1 - rho) g^2
        d <- g sqrt(u + eps) / sqrt(v + eps)
        u <- rho u + (1 - rho) d^2
        p <- p - lr d

    Errors: ArgumentError for a negative `lr`, `eps` or `weight_decay`, and for `rho` outside [0, 1].

    >>> import autograd
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> Adadelta([w], lr=100.0, rho=0.75).step()
    >>> w
    tensor([ 0.8000, -1.8000], requires_grad=True)

    Source: Zeiler, "ADADELTA: an adaptive learning rate method" (2012).
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        flags = implementation(foreach=foreach, capturable=capturable, differentiable=differentiable)
        super().__init__(
            params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize, **flags}
        )

    def check(self, group: Group) -> None:
        at_least_zero(lr=group["lr"], eps=group["eps"], weight_decay=group["weight_decay"])
        fraction("rho", group["rho"], closed=True)

    def init_state(self, p: np.ndarray, group: Group) -> dict[str, np.ndarray]:
        return {"step": np.zeros((), np.float32), "square_avg": np.zeros_like(p), "acc_delta": np.zeros_like(p)}

    def update(self, param: np.ndarray, grad: np.ndarray, state: State, group: Group) -> None:
        counted(state)
        lr, rho, eps = number(group["lr"]), group["rho"], group["eps"]
        arrays = param, grad, state["square_avg"].array, state["acc_delta"].array
        self.sweep(_adadelta, arrays, number(group["weight_decay"]), lr, rho, 1 - rho, eps, maximize=group["maximize"])


def _adadelta(p: Any, g: Any, v: Any, u: Any, s: Any, d: Any, decay: float, lr: float, rho: float, rest: float,
              eps: float, *, maximize: bool) -> None:  # fmt: skip
    g = descent(p, g, s, decay, maximize)
    average(v, np.multiply(g, g, out=d), rho, rest, d)
    np.add(v, eps, out=d)
    np.divide(g, np.sqrt(d, out=d), out=d)
    np.add(u, eps, out=s)  # g is no longer needed
    d *= np.sqrt(s, out=s)
    average(u, np.multiply(d, d, out=s), rho, rest, s)
    d *= lr
    p -= d
