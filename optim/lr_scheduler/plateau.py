"""A rate that falls when a metric no longer improves."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from math import inf
from typing import Any, Literal

from autograd.errors import ArgumentError

from ..checks import number
from ..optimizer import Optimizer
from .base import LRScheduler, an_optimizer, current_rates, per_group, set_rate


class ReduceLROnPlateau(LRScheduler):
    """lr <- max(lr * factor, min_lr) after more than `patience` epochs without a better metric.

    In mode "min", better means below ``best * (1 - threshold)`` ("rel") or ``best - threshold`` ("abs"); in "max",
    above ``best * (1 + threshold)`` or ``best + threshold``.  After a cut, `cooldown` epochs do not count; cuts of no
    more than `eps` are not made.

    >>> import autograd, optim
    >>> optimizer = optim.SGD([autograd.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.5, 2.5):
    ...     scheduler.step(loss)
    >>> scheduler.get_last_lr(), scheduler.preview(3), scheduler.preview(3, metrics=[2.5, 1.0, 1.0])
    ([0.5], [0.5, 0.25, 0.25], [0.5, 0.5, 0.5])
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise ArgumentError(f"factor: expected a number below 1, got {factor}")
        if mode not in ("min", "max"):
            raise ArgumentError(f"mode: expected 'min' or 'max', got {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise ArgumentError(f"threshold_mode: expected 'rel' or 'abs', got {threshold_mode!r}")
        self.optimizer = an_optimizer(optimizer)
        self.min_lrs = per_group("min_lr", optimizer, min_lr)
        self.default_min_lr = None if isinstance(min_lr, list | tuple) else min_lr
        self.mode, self.factor, self.patience, self.cooldown, self.eps = mode, factor, patience, cooldown, eps
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.last_epoch, self.best = 0, inf if mode == "min" else -inf
        self.cooldown_counter, self.num_bad_epochs = 0, 0
        self._last_lr = current_rates(optimizer)

    @property
    def in_cooldown(self) -> bool:
        """Whether epochs do not count yet after the last cut."""
        return self.cooldown_counter > 0

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Tell the schedule this epoch's metric."""
        if epoch is not None:
            warnings.warn("scheduler.step(metrics, epoch) is deprecated; call scheduler.step(metrics)", stacklevel=2)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        metric = float(number(metrics))
        if self._is_better(metric):
            self.best, self.num_bad_epochs = metric, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = current_rates(self.optimizer)

    def _is_better(self, metric: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "rel":
            return sign * metric > sign * self.best * (1 + sign * self.threshold)
        return sign * metric > sign * (self.best + sign * self.threshold)

    def _reduce(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise ArgumentError(f"min_lr: {len(self.min_lrs)} values for {len(groups)} parameter groups; set "
                                    "scheduler.min_lrs after adding a group")  # fmt: skip
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, lowest in zip(groups, self.min_lrs, strict=True):
            old = number(group["lr"])
            new = max(old * self.factor, lowest)
            if old - new > self.eps:
                set_rate(group, new)

    def preview(self, n: int, metrics: Sequence[float] | None = None) -> list[Any]:
        """The next `n` rates if the metrics are these; without `metrics`, if none of them is better."""
        worst = inf if self.mode == "min" else -inf
        given = [*(metrics or ()), *[worst] * n][:n]
        return self._preview([(metric,) for metric in given])
