"""Optimizers and schedules by the names of the command line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import optim
from optim import lr_scheduler as schedule

from .settings import Settings


def optimizer_for(settings: Settings, parameters: Iterable[Any]) -> Any:
    """The optimizer that `settings` names."""
    match settings.optimizer:
        case "sgd":
            return optim.SGD(parameters, lr=settings.lr, momentum=0.9, nesterov=True)
        case "adam":
            return optim.Adam(parameters, lr=settings.lr)
        case "adamw":
            return optim.AdamW(parameters, lr=settings.lr)
        case "rmsprop":
            return optim.RMSprop(parameters, lr=settings.lr)
        case "adagrad":
            return optim.Adagrad(parameters, lr=settings.lr)
    return optim.Adadelta(parameters, lr=settings.lr)


def schedule_for(settings: Settings, optimizer: Any, steps: int) -> Any:
    """The schedule that `settings` names, stepped once per batch for `steps` batches in all."""
    peak = settings.lr
    has_momentum = any(name in optimizer.defaults for name in ("momentum", "betas"))
    match settings.schedule:
        case "step":
            return schedule.StepLR(optimizer, step_size=max(1, steps // 3), gamma=0.3)
        case "exponential":
            return schedule.ExponentialLR(optimizer, gamma=0.01 ** (1 / steps))
        case "cosine":
            return schedule.CosineAnnealingLR(optimizer, T_max=steps)
        case "warm-restarts":
            return schedule.CosineAnnealingWarmRestarts(optimizer, T_0=max(1, steps // 7), T_mult=2)
        case "cyclic":
            half = max(1, steps // 8)
            return schedule.CyclicLR(optimizer, peak / 10, peak, step_size_up=half, cycle_momentum=False)
        case "one-cycle":
            return schedule.OneCycleLR(optimizer, max_lr=peak, total_steps=steps, cycle_momentum=has_momentum)
        case "cyclic-exponential":
            return schedule.CyclicExponentialDecayLR(
                optimizer, cycle_length=max(1, steps // 4), gamma=0.01 ** (4 / steps)
            )
    return schedule.ConstantLR(optimizer, factor=1.0)
