"""Adam and AdamW: steps scaled by running moments of the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from .checks import implementation, number, two_betas
from .moments import Moments
from .optimizer import Group, Params, State
from .shared import average, counted, descent


class Adam(Moments):
    r"""Adaptive moment estimation::

        g <- ±g + weight_decay p                            (- to maximize)
        m <- beta1 m + (1 - beta1) g
        v <- beta2 v + (1 - beta2) g^2
        p <- p - lr m' / (sqrt(v') + eps)                   m' = m / (1 - beta1^t), v' = v / (1 - beta2^t)

    With `amsgrad` the largest v so far takes the place of v.  With `decoupled_weight_decay` (`AdamW`) the decay acts on
    the parameter, p <- (1 - lr weight_decay) p, and not on g.

    Errors: ArgumentError for a negative `lr`, `eps` or `weight_decay`, and for `betas` outside [0, 1).

    >>> import autograd
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> Adam([w], lr=0.1).step()
    >>> w
    tensor([ 0.9000, -1.9000], requires_grad=True)

    Source: Kingma and Ba, "Adam: a method for stochastic optimization" (2015); amsgrad: Reddi, Kale, Kumar, "On the
    convergence of Adam and beyond" (2018), with the maximum taken before the bias is corrected, as in PyTorch.
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        two_betas(betas)
        tensors = {"lr": lr, "betas[0]": betas[0], "betas[1]": betas[1]}
        flags = implementation(
            tensors, foreach=foreach, fused=fused, capturable=capturable, differentiable=differentiable
        )
        super().__init__(params, {
            "lr": lr, "betas": (number(betas[0]), number(betas[1])), "eps": eps, "weight_decay": weight_decay,
            "amsgrad": amsgrad, "maximize": maximize, **flags, "decoupled_weight_decay": decoupled_weight_decay,
        })  # fmt: skip

    def init_state(self, p: np.ndarray, group: Group) -> dict[str, np.ndarray]:
        moments = super().init_state(p, group)
        return {**moments, "max_exp_avg_sq": np.zeros_like(p)} if group["amsgrad"] else moments

    def update(self, param: np.ndarray, grad: np.ndarray, state: State, group: Group) -> None:
        t, lr, (beta1, beta2) = counted(state), number(group["lr"]), group["betas"]
        correction = (1 - beta2**t) ** 0.5
        rate, eps = lr / (1 - beta1**t) * correction, group["eps"] * correction
        decoupled, decay, most = group["decoupled_weight_decay"], number(group["weight_decay"]), group["amsgrad"]
        coupled, keep = (0.0, 1 - lr * decay) if decoupled else (decay, 1.0)
        names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")[: 3 if most else 2]
        arrays = (param, grad, *(state[name].array for name in names))
        self.sweep(_adam_most if most else _adam, arrays, coupled, keep, beta1, 1 - beta1, beta2, 1 - beta2, eps, rate,
                   maximize=group["maximize"], decoupled=decoupled)  # fmt: skip


def _adam(p: Any, g: Any, m: Any, v: Any, s: Any, d: Any, decay: float, keep: float, beta1: float,
          rest1: float, beta2: float, rest2: float, eps: float, rate: float, *, maximize: bool,
          decoupled: bool) -> None:  # fmt: skip
    """Adam's step, with bias corrections in eps and rate: both are sqrt(1 - beta2^t) times what the formula says."""
    _moments(p, g, m, v, s, d, decay, keep, beta1, rest1, beta2, rest2, maximize, decoupled)
    _descend(p, m, v, d, eps, rate)


def _adam_most(p: Any, g: Any, m: Any, v: Any, largest: Any, s: Any, d: Any, decay: float, keep: float,
               beta1: float, rest1: float, beta2: float, rest2: float, eps: float, rate: float, *,
               maximize: bool, decoupled: bool) -> None:  # fmt: skip
    """The same with the largest v so far."""
    _moments(p, g, m, v, s, d, decay, keep, beta1, rest1, beta2, rest2, maximize, decoupled)
    _descend(p, m, np.maximum(largest, v, out=largest), d, eps, rate)


def _moments(p: Any, g: Any, m: Any, v: Any, s: Any, d: Any, decay: float, keep: float, beta1: float, rest1: float,
             beta2: float, rest2: float, maximize: bool, decoupled: bool) -> None:  # fmt: skip
    g = descent(p, g, s, decay, maximize)
    if decoupled:
        p *= keep
    average(m, g, beta1, rest1, d)
    average(v, np.multiply(g, g, out=d), beta2, rest2, d)


def _descend(p: Any, m: Any, v: Any, d: Any, eps: float, rate: float) -> None:
    np.sqrt(v, out=d)
    d += eps
    np.divide(m, d, out=d)
    d *= rate
    p -= d


class AdamW(Adam):
    r"""`Adam` with weight decay decoupled from the gradient: p <- (1 - lr weight_decay) p, then Adam's step.

    >>> import autograd
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> AdamW([w], lr=0.1, weight_decay=0.5).step()
    >>> w
    tensor([ 0.8500, -1.8000], requires_grad=True)

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization" (2019).
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize, capturable=capturable,
            differentiable=differentiable, fused=fused, decoupled_weight_decay=True,
        )  # fmt: skip
