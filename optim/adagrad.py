"""Adagrad: each element's rate falls with the sum of its squared gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from .checks import at_least_zero, implementation, number
from .optimizer import Group, Optimizer, Params, State
from .shared import counted, descent


class Adagrad(Optimizer):
    r"""Adaptive gradient::

        g <- ±g + weight_decay p                            (- to maximize)
        v <- v + g^2                                        (from initial_accumulator_value)
        p <- p - lr / (1 + (t - 1) lr_decay) g / (sqrt(v) + eps)

    Errors: ArgumentError for a negative hyperparameter.

    >>> import autograd
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> Adagrad([w], lr=0.1).step()
    >>> w
    tensor([ 0.9000, -1.9000], requires_grad=True)

    Source: Duchi, Hazan, Singer, "Adaptive subgradient methods for online learning and stochastic optimization" (2011).
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        flags = implementation(foreach=foreach, fused=fused, differentiable=differentiable)
        super().__init__(params, {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "maximize": maximize, **flags,
        })  # fmt: skip

    def check(self, group: Group) -> None:
        names = ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps")
        at_least_zero(**{name: group[name] for name in names})

    def init_state(self, p: np.ndarray, group: Group) -> dict[str, np.ndarray]:
        return {"step": np.zeros((), np.float32), "sum": np.full_like(p, group["initial_accumulator_value"])}

    def update(self, param: np.ndarray, grad: np.ndarray, state: State, group: Group) -> None:
        t, eps = counted(state), group["eps"]
        rate = number(group["lr"]) / (1 + (t - 1) * group["lr_decay"])
        decay, maximize = number(group["weight_decay"]), group["maximize"]
        self.sweep(_adagrad, (param, grad, state["sum"].array), decay, rate, eps, maximize=maximize)


def _adagrad(p: Any, g: Any, v: Any, s: Any, d: Any, decay: float, rate: float, eps: float, *, maximize: bool) -> None:
    g = descent(p, g, s, decay, maximize)
    v += np.multiply(g, g, out=d)
    np.sqrt(v, out=d)
    d += eps
    np.divide(g, d, out=d)
    d *= rate
    p -= d
