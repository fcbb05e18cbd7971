"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.errors import ArgumentError
from autograd.tensor import wrap

from .checks import at_least_zero, implementation, number
from .optimizer import Group, Optimizer, Params, State
from .shared import descent


class SGD(Optimizer):
    r"""Stochastic gradient descent::

        g <- ±g + weight_decay p                            (- to maximize)
        b <- g at first, then momentum b + (1 - dampening) g
        p <- p - lr b                                       (lr (g + momentum b) for nesterov)

    Without momentum, b is g.

    Errors: ArgumentError for a negative `lr`, `momentum` or `weight_decay`, and for `nesterov` without momentum or
    with dampening.

    >>> import autograd
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = SGD([w], lr=0.1, momentum=0.9)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (w * w).sum().backward()
    ...     optimizer.step()
    >>> w
    tensor([ 0.4600, -0.9200], requires_grad=True)

    Source: Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep learning"
    (2013), in PyTorch's form, in which lr scales the velocity rather than the gradient.
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: Any = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        flags = implementation(foreach=foreach, fused=fused, differentiable=differentiable)
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
            "nesterov": nesterov, "maximize": maximize, **flags,
        })  # fmt: skip

    def check(self, group: Group) -> None:
        at_least_zero(lr=group["lr"], momentum=group["momentum"], weight_decay=group["weight_decay"])
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ArgumentError("nesterov: Nesterov momentum requires a momentum and zero dampening, got momentum="
                                f"{group['momentum']}, dampening={group['dampening']}")  # fmt: skip

    def update(self, param: np.ndarray, grad: np.ndarray, state: State, group: Group) -> None:
        lr, momentum, dampening = number(group["lr"]), group["momentum"], group["dampening"]
        decay, maximize = number(group["weight_decay"]), group["maximize"]
        if not momentum:
            self.sweep(_descend, (param, grad), decay, lr, maximize=maximize)
            return
        first = state.get("momentum_buffer") is None
        if first:
            state["momentum_buffer"] = wrap(np.zeros_like(param))
        fresh = 1.0 if first else 1 - dampening
        self.sweep(_roll, (param, grad, state["momentum_buffer"].array), decay, lr, momentum, fresh, maximize=maximize,
                   damped=bool(dampening), nesterov=group["nesterov"])  # fmt: skip


def _descend(p: Any, g: Any, s: Any, t: Any, decay: float, lr: float, *, maximize: bool) -> None:
    p -= np.multiply(descent(p, g, s, decay, maximize), lr, out=t)


def _roll(p: Any, g: Any, b: Any, s: Any, t: Any, decay: float, lr: float, momentum: float, fresh: float, *,
          maximize: bool, damped: bool, nesterov: bool) -> None:  # fmt: skip
    g = descent(p, g, s, decay, maximize)
    b *= momentum  # at first it is 0
    b += np.multiply(g, fresh, out=t) if damped else g
    if nesterov:
        np.multiply(b, momentum, out=t)
        t += g
        t *= lr
    else:
        np.multiply(b, lr, out=t)
    p -= t
