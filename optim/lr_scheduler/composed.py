"""Schedules made of schedules: one after another, or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from autograd.errors import ArgumentError

from ..optimizer import Optimizer
from .base import LRScheduler, current_rates, set_rate
from .plateau import ReduceLROnPlateau


class SequentialLR(LRScheduler):
    """Follow ``schedulers[i]`` from epoch ``milestones[i - 1]`` until ``milestones[i]``, each from its own beginning.

    Errors: ArgumentError unless all schedulers belong to `optimizer` and there is one milestone fewer than schedulers.

    >>> import autograd, optim
    >>> optimizer = optim.SGD([autograd.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> warm_up = optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> decay = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> SequentialLR(optimizer, [warm_up, decay], milestones=[3]).preview(5)
    [0.75, 1.0, 1.0, 0.5, 0.25]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: list[int], last_epoch: int = -1
    ) -> None:
        _check(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ArgumentError(f"milestones: expected one fewer than the {len(schedulers)} schedulers, "
                                f"got {len(milestones)}")  # fmt: skip
        self.optimizer, self._schedulers, self._milestones = optimizer, list(schedulers), list(milestones)
        self.last_epoch = last_epoch + 1
        for group in optimizer.param_groups:  # undo the first steps that the schedulers took when they were made
            set_rate(group, group["initial_lr"])
        for scheduler in _leaves(self):
            scheduler.last_epoch -= 1
        self._initial_step()

    def _initial_step(self) -> None:
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:  # type: ignore[override]
        """Go on to the next epoch."""
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[i]
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        i = bisect_right(self._milestones, self.last_epoch)
        self._schedulers[i]._update_lr(self.last_epoch - self._milestones[i - 1] if i else self.last_epoch)
        self._last_lr = current_rates(self.optimizer)


class ChainedScheduler(LRScheduler):
    """Let all of `schedulers` take each step, one on top of another: their factors multiply.

    Errors: ArgumentError unless all schedulers belong to one optimizer.

    >>> import autograd, optim
    >>> optimizer = optim.SGD([autograd.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> halved_at_first = optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=2)
    >>> decay = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> ChainedScheduler([halved_at_first, decay]).preview(3)
    [0.25, 0.25, 0.125]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        if optimizer is None and schedulers:
            optimizer = getattr(schedulers[0], "optimizer", None)
        _check(schedulers, optimizer)
        self.optimizer, self._schedulers = schedulers[0].optimizer, list(schedulers)
        self._last_lr = current_rates(self.optimizer)

    def _initial_step(self) -> None:
        for scheduler in self._schedulers:
            scheduler._initial_step()
        self._last_lr = current_rates(self.optimizer)

    def step(self) -> None:  # type: ignore[override]
        """Go on to the next epoch."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = current_rates(self.optimizer)

    def _update_lr(self, epoch: int | None = None) -> None:
        for scheduler in self._schedulers:
            scheduler._update_lr(epoch)
        self._last_lr = current_rates(self.optimizer)


def _check(schedulers: Sequence[Any], optimizer: Any) -> None:
    if not schedulers:
        raise ArgumentError("schedulers: expected at least one")
    for i, scheduler in enumerate(schedulers):
        if not isinstance(scheduler, LRScheduler):
            raise ArgumentError(f"schedulers[{i}]: expected a schedule, got {type(scheduler).__name__}")
        if isinstance(scheduler, ReduceLROnPlateau):
            raise ArgumentError(f"schedulers[{i}]: ReduceLROnPlateau needs a metric at each step, so it cannot be part "
                                "of another schedule; step it by itself")  # fmt: skip
        if scheduler.optimizer is not optimizer:
            raise ArgumentError(f"schedulers[{i}]: {type(scheduler).__name__} belongs to another optimizer")


def _leaves(scheduler: Any) -> list[LRScheduler]:
    """The schedules that are not made of others."""
    if not isinstance(scheduler, SequentialLR | ChainedScheduler):
        return [scheduler]
    return [leaf for inner in scheduler._schedulers for leaf in _leaves(inner)]
