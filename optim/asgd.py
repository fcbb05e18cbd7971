"""ASGD: stochastic gradient descent that also averages the parameters it passes through."""

from __future__ import annotations

from typing import Any

import numpy as np

from .checks import at_least_zero, implementation, number
from .optimizer import Group, Optimizer, Params, State
from .shared import counted, descent


class ASGD(Optimizer):
    r"""Averaged stochastic gradient descent::

        g   <- ±g + weight_decay p                          (- to maximize)
        p   <- (1 - lambd eta) p - eta g                    eta = lr at first
        ax  <- ax + mu (p - ax)                             mu = 1 at first
        eta <- lr / (1 + lambd lr t)^alpha,                 mu <- 1 / max(1, t - t0)

    The average is in ``optimizer.state[p]["ax"]``.

    Errors: ArgumentError for a negative `lr` or `weight_decay`.

    >>> import autograd
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> ASGD([w], lr=0.1, lambd=0.0).step()
    >>> w
    tensor([ 0.8000, -1.6000], requires_grad=True)

    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging" (1992).
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        flags = implementation(foreach=foreach, capturable=capturable, differentiable=differentiable)
        super().__init__(params, {
            "lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay, "maximize": maximize,
            **flags,
        })  # fmt: skip

    def check(self, group: Group) -> None:
        at_least_zero(lr=group["lr"], weight_decay=group["weight_decay"])

    def init_state(self, p: np.ndarray, group: Group) -> dict[str, np.ndarray]:
        scalars = {"step": 0.0, "eta": number(group["lr"]), "mu": 1.0}
        return {**{name: np.array(x, np.float32) for name, x in scalars.items()}, "ax": np.zeros_like(p)}

    def update(self, param: np.ndarray, grad: np.ndarray, state: State, group: Group) -> None:
        t, lr, lambd = counted(state), number(group["lr"]), group["lambd"]
        eta, mu = state["eta"].array, state["mu"].array
        rate, weight = number(state["eta"]), number(state["mu"])
        decay, maximize = number(group["weight_decay"]), group["maximize"]
        arrays, shrink = (param, grad, state["ax"].array), 1 - lambd * rate
        self.sweep(_asgd, arrays, decay, rate, shrink, weight, maximize=maximize)
        eta[...] = lr / (1 + lambd * lr * t) ** group["alpha"]
        mu[...] = 1 / max(1.0, t - group["t0"])


def _asgd(p: Any, g: Any, ax: Any, s: Any, d: Any, decay: float, rate: float, shrink: float, weight: float, *,
          maximize: bool) -> None:  # fmt: skip
    g = descent(p, g, s, decay, maximize)
    p *= shrink
    p -= np.multiply(g, rate, out=d)
    np.subtract(p, ax, out=d)
    d *= weight
    ax += d
