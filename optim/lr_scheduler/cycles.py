"""Schedules that come back again and again: up and down, or down and restarted."""

from __future__ import annotations

from collections.abc import Callable
from math import floor
from typing import Any, Literal

from autograd.errors import ArgumentError

from ..checks import at_least_zero
from ..optimizer import Optimizer
from .base import LRScheduler, an_optimizer, per_group, set_rate
from .momentum import begin, set_momentum


class CyclicLR(LRScheduler):
    """lr = base_lr + (max_lr - base_lr) h s, where h rises from 0 to 1 and falls back to 0 in each cycle.

    `mode` sets how s shrinks, over cycles c = 1, 2, ... or steps t: "triangular" s = 1, "triangular2" s = 2^-(c - 1),
    "exp_range" s = gamma^t; or `scale_fn` gives s of c or of t as `scale_mode` ("cycle", "iterations") says.  With
    `cycle_momentum` the momentum runs the other way, max_momentum - (max_momentum - base_momentum) h s.

    Errors: ArgumentError for an unknown mode, an optimizer without momentum, lists that do not fit the groups.

    >>> import autograd, optim
    >>> optimizer = optim.SGD([autograd.tensor([1.0], requires_grad=True)], lr=1.0, momentum=0.9)
    >>> CyclicLR(optimizer, base_lr=0.0, max_lr=1.0, step_size_up=2, mode="triangular2").preview(7)
    [0.5, 1.0, 0.5, 0.0, 0.25, 0.5, 0.25]

    Source: Smith, "Cyclical learning rates for training neural networks" (2017).
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: Literal["cycle", "iterations"] = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        base_lrs = per_group("base_lr", an_optimizer(optimizer), base_lr)
        self.max_lrs = per_group("max_lr", optimizer, max_lr)
        up, down = float(step_size_up), float(step_size_up if step_size_down is None else step_size_down)
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ArgumentError(
                f"mode: expected 'triangular', 'triangular2' or 'exp_range', or a scale_fn, got {mode!r}"
            )
        if up <= 0 or down <= 0:
            raise ArgumentError(f"step_size_up, step_size_down: expected at least one step each, got {up:g}, {down:g}")
        self.total_size, self.step_ratio = up + down, up / (up + down)
        self.mode, self.gamma, self._scale_fn_custom, self.scale_mode = mode, gamma, scale_fn, scale_mode
        if scale_fn is None:
            self.scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            momenta = begin(optimizer, base_momentum, max_momentum, last_epoch == -1)
            self.base_momentums, self.max_momentums = momenta
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, base_lrs, strict=True):
                set_rate(group, lr)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """s, of the cycle or of the step."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        return 0.5 ** (x - 1) if self.mode == "triangular2" else self.gamma**x

    def get_lr(self) -> list[float]:
        cycle = floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            momenta = zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True)
            for group, low, high in momenta:
                set_momentum(group, high - (high - low) * height)
        return [low + (high - low) * height for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]


class CyclicExponentialDecayLR(LRScheduler):
    """lr = max(min_lr, base * peak_decay^c * gamma^t) at epoch t of cycle c, both from 0.

    Each cycle of `cycle_length` epochs begins at a peak, the initial rate and then `peak_decay` of the peak before, and
    decays by `gamma` an epoch.  The rate is a function of the epoch alone.

    Errors: ArgumentError unless cycle_length >= 1, 0 < gamma <= 1, 0 < peak_decay <= 1 and min_lr >= 0.

    >>> import autograd, optim
    >>> optimizer = optim.SGD([autograd.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> CyclicExponentialDecayLR(optimizer, cycle_length=3, gamma=0.5, peak_decay=0.75).preview(6)
    [0.5, 0.25, 0.75, 0.375, 0.1875, 0.5625]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        cycle_length: int,
        gamma: float,
        peak_decay: float = 1.0,
        min_lr: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(cycle_length, int) or cycle_length < 1:
            raise ArgumentError(f"cycle_length: expected an integer >= 1, got {cycle_length!r}")
        for name, factor in (("gamma", gamma), ("peak_decay", peak_decay)):
            if not 0 < factor <= 1:
                raise ArgumentError(f"{name}: expected a number greater than 0 and at most 1, got {factor}")
        at_least_zero(min_lr=min_lr)
        self.cycle_length, self.gamma, self.peak_decay, self.min_lr = cycle_length, gamma, peak_decay, min_lr
        super().__init__(optimizer, last_epoch)

    def rate(self, lr: float, base: float) -> float:
        return self.closed(lr, base)

    def closed(self, lr: Any, base: float) -> float:
        c, t = divmod(self.last_epoch, self.cycle_length)
        return max(self.min_lr, base * self.peak_decay**c * self.gamma**t)
