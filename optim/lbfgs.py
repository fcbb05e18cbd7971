"""L-BFGS: a quasi-Newton method that remembers the last few steps instead of a Hessian."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import enable_grad
from autograd.errors import ArgumentError
from autograd.quiet import silent
from autograd.tape import mark_written
from autograd.tensor import wrap

from .checks import at_least_zero, number
from .line_search import Point, strong_wolfe
from .optimizer import Closure, Group, Optimizer, Params, State


class LBFGS(Optimizer):
    r"""Limited-memory Broyden-Fletcher-Goldfarb-Shanno, for full batches::

        d <- -H g,      p <- p + t d

    H approximates the inverse Hessian from the last `history_size` pairs s = t d (the step) and y (the gradient's
    change).  t is `lr`, or found by a line search that starts there (``line_search_fn="strong_wolfe"``).  One
    `step(closure)` makes up to `max_iter` such iterations and calls `closure`, which must zero the gradients, compute
    the loss, call backward and return the loss, up to about `max_eval` times (default ``max_iter * 5 // 4``).

    Errors: ArgumentError for a negative `lr`, several groups, an unknown line search, a step without closure.

    >>> import autograd
    >>> w = autograd.tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((w - 1) * (w - 1)).sum()
    ...     loss.backward()
    ...     return loss
    >>> float(optimizer.step(closure)), round(float(closure()), 9)
    (13.0, 0.0)

    Source: Nocedal, "Updating quasi-Newton matrices with limited storage" (1980); stopping rules as in PyTorch.
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        super().__init__(params, {
            "lr": lr, "max_iter": max_iter, "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change, "history_size": history_size,
            "line_search_fn": line_search_fn,
        })  # fmt: skip

    def check(self, group: Group) -> None:
        at_least_zero(lr=group["lr"])
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise ArgumentError(f"line_search_fn: only 'strong_wolfe' or None, got {group['line_search_fn']!r}")

    def add_param_group(self, param_group: Group) -> None:
        if self.param_groups:
            raise ArgumentError("LBFGS doesn't support per-parameter options (parameter groups); pass one list")
        super().add_param_group(param_group)

    def _step(self, closure: Closure | None) -> Any:
        if closure is None:
            raise ArgumentError("LBFGS.step: expected a closure that computes loss and gradients and returns the loss")
        group = self.param_groups[0]
        memory = self.state[group["params"][0]]
        memory.setdefault("func_evals", 0)
        memory.setdefault("n_iter", 0)
        earlier, small = memory["func_evals"], group["tolerance_change"]
        result = self._evaluate(closure)
        loss, g = float(result), self._gradient()
        for remaining in reversed(range(group["max_iter"])):
            if np.abs(g).max(initial=0) <= group["tolerance_grad"]:
                break
            memory["n_iter"] += 1
            d = silent().run(_direction, memory, g, group["history_size"])
            t = number(group["lr"]) * (min(1.0, 1.0 / _length(g)) if memory["n_iter"] == 1 else 1.0)
            now = Point(0.0, loss, g, _dot(g, d))
            memory.update(d=wrap(d), t=t, prev_flat_grad=wrap(g), prev_loss=loss)
            if now.slope > -small:
                break
            if group["line_search_fn"]:
                most = group["max_eval"] - (memory["func_evals"] - earlier)
                t, loss, g, _ = self._search(closure, d, now, t, most, small)
                memory["t"] = t
                silent().run(self._move, t, d)
            else:
                silent().run(self._move, t, d)
                if remaining:  # where the last step led is not looked at: the next call starts with that
                    loss, g = float(self._evaluate(closure)), self._gradient()
            enough = memory["func_evals"] - earlier >= group["max_eval"]
            if enough or float(np.abs(d).max()) * t <= small or abs(loss - now.loss) < small:
                break
        return result

    def _search(self, closure: Closure, d: np.ndarray, now: Point, t: float, most: int, small: float) -> Point:
        start = [p.array.copy() for p in self.param_groups[0]["params"]]

        def evaluate(t: float) -> Point:
            silent().run(self._move, t, d)
            loss, g = float(self._evaluate(closure)), self._gradient()
            for p, values in zip(self.param_groups[0]["params"], start):
                p.array[...] = values
                mark_written(p.array, "LBFGS.step")
            return Point(t, loss, g, _dot(g, d))

        return strong_wolfe(evaluate, now, t, most=most, smallest=small / float(np.abs(d).max()))

    def _evaluate(self, closure: Closure) -> Any:
        self.state[self.param_groups[0]["params"][0]]["func_evals"] += 1
        with enable_grad():
            return closure()

    def _gradient(self) -> np.ndarray:
        """The gradients of all parameters in one row."""
        parameters = self.param_groups[0]["params"]
        return np.concatenate([(np.zeros(p.shape, p.dtype) if p.grad is None else p.grad.array).ravel()
                               for p in parameters])  # fmt: skip

    def _move(self, t: float, d: np.ndarray) -> None:
        """p <- p + t d."""
        start = 0
        for p in self.param_groups[0]["params"]:
            end = start + p.array.size
            p.array[...] += t * d[start:end].reshape(p.array.shape)
            mark_written(p.array, "LBFGS.step")
            start = end


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    return float(silent().run(np.dot, a, b))


def _length(g: np.ndarray) -> float:
    """|g_1| + |g_2| + ..."""
    return float(silent().run(np.sum, np.abs(g)))


def _direction(memory: State, g: np.ndarray, history_size: int) -> np.ndarray:
    """d = -H g, after the last step has been remembered; by the two-loop recursion."""
    if memory["n_iter"] == 1:
        memory.update(old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
        return -g
    changes, steps, ro = memory["old_dirs"], memory["old_stps"], memory["ro"]
    y, s = g - memory["prev_flat_grad"].array, memory["d"].array * number(memory["t"])
    ys = float(y.dot(s))
    if ys > 1e-10:  # else H would not stay positive
        for remembered, new in ((changes, wrap(y)), (steps, wrap(s)), (ro, 1.0 / ys)):
            if len(remembered) == history_size:
                remembered.pop(0)
            remembered.append(new)
        memory["H_diag"] = ys / float(y.dot(y))
    pairs = [(y.array, s.array, number(r)) for y, s, r in zip(changes, steps, ro)]
    q, weights = -g, []
    for y, s, r in reversed(pairs):
        weights.append(r * float(s.dot(q)))
        q -= weights[-1] * y
    q *= number(memory["H_diag"])
    for (y, s, r), weight in zip(pairs, reversed(weights)):
        q += (weight - r * float(y.dot(q))) * s
    return q
