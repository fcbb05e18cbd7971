"""NAdam: Adam with Nesterov's look-ahead."""

from __future__ import annotations

from typing import Any

import numpy as np

from .checks import at_least_zero, implementation, number
from .moments import Moments
from .optimizer import Group, Params, State
from .shared import average, counted, descent


class NAdam(Moments):
    r"""Adam with Nesterov momentum::

        g  <- ±g + weight_decay p                           (- to maximize; decoupled: p <- (1 - lr weight_decay) p)
        mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2),     M_t = mu_1 mu_2 ... mu_t
        m  <- beta1 m + (1 - beta1) g
        v  <- beta2 v + (1 - beta2) g^2
        p  <- p - lr ((1 - mu_t) g / (1 - M_t) + mu_{t+1} m / (1 - M_{t+1})) / (sqrt(v / (1 - beta2^t)) + eps)

    Errors: ArgumentError for a negative `lr`, `eps`, `weight_decay`, `momentum_decay`, and for `betas` outside [0, 1).

    >>> import autograd
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> NAdam([w], lr=0.1).step()
    >>> w
    tensor([ 0.8944, -1.8944], requires_grad=True)

    Source: Dozat, "Incorporating Nesterov momentum into Adam" (2016).
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        flags = implementation(foreach=foreach, capturable=capturable, differentiable=differentiable)
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize, **flags,
        })  # fmt: skip

    def check(self, group: Group) -> None:
        super().check(group)
        at_least_zero(momentum_decay=group["momentum_decay"])

    def init_state(self, p: np.ndarray, group: Group) -> dict[str, np.ndarray]:
        return {**super().init_state(p, group), "mu_product": np.ones((), np.float32)}

    def update(self, param: np.ndarray, grad: np.ndarray, state: State, group: Group) -> None:
        t, lr, (beta1, beta2), eps = counted(state), number(group["lr"]), group["betas"], group["eps"]
        mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (i * group["momentum_decay"])) for i in (t, t + 1))
        product = state["mu_product"].array
        product *= mu
        so_far = number(state["mu_product"])
        rate_g, rate_m = lr * (1 - mu) / (1 - so_far), lr * mu_next / (1 - so_far * mu_next)
        correction, decoupled = (1 - beta2**t) ** 0.5, group["decoupled_weight_decay"]
        decay, arrays = number(group["weight_decay"]), (param, grad, state["exp_avg"].array, state["exp_avg_sq"].array)
        coupled, keep = (0.0, 1 - lr * decay) if decoupled else (decay, 1.0)
        self.sweep(_nadam, arrays, coupled, keep, beta1, 1 - beta1, beta2, 1 - beta2, eps, rate_g, rate_m, correction,
                   maximize=group["maximize"], decoupled=decoupled)  # fmt: skip


def _nadam(p: Any, g: Any, m: Any, v: Any, s: Any, d: Any, decay: float, keep: float, beta1: float, rest1: float,
           beta2: float, rest2: float, eps: float, rate_g: float, rate_m: float, correction: float, *, maximize: bool,
           decoupled: bool) -> None:  # fmt: skip
    g = descent(p, g, s, decay, maximize)
    if decoupled:
        p *= keep
    average(m, g, beta1, rest1, d)
    average(v, np.multiply(g, g, out=d), beta2, rest2, d)
    np.multiply(g, rate_g, out=s)
    s += np.multiply(m, rate_m, out=d)
    np.sqrt(v, out=d)
    d /= correction
    d += eps
    s /= d
    p -= s
