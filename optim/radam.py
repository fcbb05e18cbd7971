"""RAdam: Adam whose adaptive rate waits until its variance is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from .checks import implementation, number
from .moments import Moments
from .optimizer import Group, Params, State
from .shared import average, counted, descent


class RAdam(Moments):
    r"""Rectified Adam::

        g <- ±g + weight_decay p                            (- to maximize; decoupled: p <- (1 - lr weight_decay) p)
        m <- beta1 m + (1 - beta1) g,                       m' = m / (1 - beta1^t)
        v <- beta2 v + (1 - beta2) g^2
        rho = R - 2 t beta2^t / (1 - beta2^t),              R = 2 / (1 - beta2) - 1
        p <- p - lr m' r sqrt(1 - beta2^t) / (sqrt(v) + eps)    if rho > 5, else p - lr m'
        r = sqrt((rho - 4) (rho - 2) R / ((R - 4) (R - 2) rho))

    rho is the length of the moving average behind v; while it is short, the step is that of SGD with momentum.

    Errors: ArgumentError for a negative `lr`, `eps` or `weight_decay`, and for `betas` outside [0, 1).

    >>> import autograd
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> RAdam([w], lr=0.1).step()
    >>> w
    tensor([ 0.8000, -1.6000], requires_grad=True)

    Source: Liu, Jiang, He, Chen, Liu, Gao, Han, "On the variance of the adaptive learning rate and beyond" (2020).
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        flags = implementation(foreach=foreach, capturable=capturable, differentiable=differentiable)
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay, **flags,
        })  # fmt: skip

    def update(self, param: np.ndarray, grad: np.ndarray, state: State, group: Group) -> None:
        t, lr, (beta1, beta2), eps = counted(state), number(group["lr"]), group["betas"], group["eps"]
        rate, decoupled = lr / (1 - beta1**t), group["decoupled_weight_decay"]
        rectified = _rectification(t, beta2)
        decay, arrays = number(group["weight_decay"]), (param, grad, state["exp_avg"].array, state["exp_avg_sq"].array)
        coupled, keep = (0.0, 1 - lr * decay) if decoupled else (decay, 1.0)
        rate = rate if rectified is None else rate * rectified
        self.sweep(_radam, arrays, coupled, keep, beta1, 1 - beta1, beta2, 1 - beta2, eps, rate,
                   maximize=group["maximize"], decoupled=decoupled, adaptive=rectified is not None)  # fmt: skip


def _radam(p: Any, g: Any, m: Any, v: Any, s: Any, d: Any, decay: float, keep: float, beta1: float,
           rest1: float, beta2: float, rest2: float, eps: float, rate: float, *, maximize: bool,
           decoupled: bool, adaptive: bool) -> None:  # fmt: skip
    g = descent(p, g, s, decay, maximize)
    if decoupled:
        p *= keep
    average(m, g, beta1, rest1, d)
    average(v, np.multiply(g, g, out=d), beta2, rest2, d)
    if adaptive:
        np.sqrt(v, out=d)
        d += eps
        np.divide(m, d, out=d)
        d *= rate
    else:
        np.multiply(m, rate, out=d)
    p -= d


def _rectification(t: float, beta2: float) -> float | None:
    """r sqrt(1 - beta2^t); None while the moving average is too short for its variance to be known."""
    longest, correction = 2 / (1 - beta2) - 1, 1 - beta2**t
    rho = longest - 2 * t * beta2**t / correction
    if rho <= 5:
        return None
    return (correction * (rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho)) ** 0.5
