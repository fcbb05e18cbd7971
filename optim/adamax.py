"""Adamax: Adam with the infinity norm in place of the root mean square."""

from __future__ import annotations

from typing import Any

import numpy as np

from .checks import implementation, number
from .moments import Moments
from .optimizer import Group, Params, State
from .shared import average, counted, descent


class Adamax(Moments):
    r"""Adam under the infinity norm::

        g <- ±g + weight_decay p                            (- to maximize)
        m <- beta1 m + (1 - beta1) g
        u <- max(beta2 u, |g| + eps)
        p <- p - lr / (1 - beta1^t) m / u

    Errors: ArgumentError for a negative `lr`, `eps` or `weight_decay`, and for `betas` outside [0, 1).

    >>> import autograd
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> Adamax([w], lr=0.1).step()
    >>> w
    tensor([ 0.9000, -1.9000], requires_grad=True)

    Source: Kingma and Ba, "Adam: a method for stochastic optimization" (2015), section 7.1.
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        flags = implementation(foreach=foreach, capturable=capturable, differentiable=differentiable)
        super().__init__(
            params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize, **flags}
        )

    def init_state(self, p: np.ndarray, group: Group) -> dict[str, np.ndarray]:
        return {"step": np.zeros((), np.float32), "exp_avg": np.zeros_like(p), "exp_inf": np.zeros_like(p)}

    def update(self, param: np.ndarray, grad: np.ndarray, state: State, group: Group) -> None:
        t, (beta1, beta2), eps = counted(state), group["betas"], group["eps"]
        rate = number(group["lr"]) / (1 - beta1**t)
        arrays = param, grad, state["exp_avg"].array, state["exp_inf"].array
        self.sweep(_adamax, arrays, number(group["weight_decay"]), beta1, 1 - beta1, beta2, eps, rate,
                   maximize=group["maximize"])  # fmt: skip


def _adamax(p: Any, g: Any, m: Any, u: Any, s: Any, d: Any, decay: float, beta1: float, rest1: float, beta2: float,
            eps: float, rate: float, *, maximize: bool) -> None:  # fmt: skip
    g = descent(p, g, s, decay, maximize)
    average(m, g, beta1, rest1, d)
    np.abs(g, out=d)
    d += eps
    u *= beta2
    np.maximum(u, d, out=u)
    np.divide(m, u, out=d)
    d *= rate
    p -= d
