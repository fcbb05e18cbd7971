"""RMSprop: the gradient divided by a running root mean square of itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from .checks import at_least_zero, implementation, number
from .optimizer import Group, Optimizer, Params, State
from .shared import average, counted, descent


class RMSprop(Optimizer):
    r"""Root mean square propagation::

        g <- ±g + weight_decay p                            (- to maximize)
        v <- alpha v + (1 - alpha) g^2
        d <- g / (sqrt(v) + eps)                            (v - a^2 for v if centered, a the running mean of g)
        p <- p - lr d                                       (b for d with momentum: b <- momentum b + d)

    Errors: ArgumentError for a negative hyperparameter.

    >>> import autograd
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> RMSprop([w], lr=0.1, alpha=0.75).step()
    >>> w
    tensor([ 0.8000, -1.8000], requires_grad=True)

    Source: Tieleman and Hinton, "Lecture 6.5: RMSprop", Coursera (2012); centered: Graves, "Generating sequences with
    recurrent neural networks" (2013).
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        flags = implementation(foreach=foreach, capturable=capturable, differentiable=differentiable)
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "maximize": maximize, **flags,
        })  # fmt: skip

    def check(self, group: Group) -> None:
        at_least_zero(**{name: group[name] for name in ("lr", "eps", "momentum", "weight_decay", "alpha")})

    def init_state(self, p: np.ndarray, group: Group) -> dict[str, np.ndarray]:
        state = {"step": np.zeros((), np.float32), "square_avg": np.zeros_like(p)}
        if group["momentum"] > 0:
            state["momentum_buffer"] = np.zeros_like(p)
        if group["centered"]:
            state["grad_avg"] = np.zeros_like(p)
        return state

    def update(self, param: np.ndarray, grad: np.ndarray, state: State, group: Group) -> None:
        counted(state)
        lr, alpha, eps, momentum = number(group["lr"]), group["alpha"], group["eps"], group["momentum"]
        centered, rolls = group["centered"], bool(momentum > 0)
        names = ["square_avg", *["grad_avg"] * centered, *["momentum_buffer"] * rolls]
        arrays = (param, grad, *(state[name].array for name in names))
        self.sweep(_rmsprop, arrays, number(group["weight_decay"]), lr, alpha, 1 - alpha, eps, momentum,
                   maximize=group["maximize"], centered=centered, rolls=rolls)  # fmt: skip


def _rmsprop(p: Any, g: Any, v: Any, *given: Any, maximize: bool, centered: bool, rolls: bool) -> None:
    """`given`: the mean of g if `centered`, the velocity if it `rolls`, scratch, and numbers."""
    *more, s, d, decay, lr, alpha, rest, eps, momentum = given
    g = descent(p, g, s, decay, maximize)
    average(v, np.multiply(g, g, out=d), alpha, rest, d)
    if centered:
        a = more[0]
        average(a, g, alpha, rest, d)
        np.multiply(a, a, out=d)
        np.subtract(v, d, out=d)
        np.sqrt(d, out=d)
    else:
        np.sqrt(v, out=d)
    d += eps
    np.divide(g, d, out=d)
    if rolls:
        b = more[-1]
        b *= momentum
        b += d
        np.multiply(b, lr, out=d)
    else:
        d *= lr
    p -= d
