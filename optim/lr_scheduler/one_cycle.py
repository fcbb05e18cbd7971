"""One cycle: warm up to a high rate, anneal to almost none."""

from __future__ import annotations

from math import cos, pi
from typing import Any, Literal

from autograd.errors import ArgumentError

from ..optimizer import Optimizer
from .base import LRScheduler, an_optimizer, per_group
from .momentum import begin, set_momentum


class OneCycleLR(LRScheduler):
    """From max_lr / div_factor up to max_lr in the first `pct_start` of all steps, then down to 1 / final_div_factor of
    the initial rate; with `three_phase`, first back to the initial rate in the same number of steps.

    Between two rates a and b the schedule follows b + (a - b) (1 + cos(pi x)) / 2, or a + (b - a) x if
    ``anneal_strategy="linear"``, as x goes from 0 to 1.  With `cycle_momentum` the momentum runs the other way, from
    max_momentum to base_momentum and back.  Call `step` after each batch, not each epoch.

    Args: the number of steps is `total_steps`, or `epochs` * `steps_per_epoch`.

    Errors: ArgumentError if the number of steps is not given, or exceeded; for fractions outside [0, 1].

    >>> import autograd, optim
    >>> optimizer = optim.SGD([autograd.tensor([1.0], requires_grad=True)], lr=1.0, momentum=0.9)
    >>> [round(lr, 3) for lr in OneCycleLR(optimizer, max_lr=1.0, total_steps=6, pct_start=0.5).preview(5)]
    [0.52, 1.0, 0.75, 0.25, 0.0]

    Source: Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates"
    (2018).
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        self.total_steps = _total(total_steps, epochs, steps_per_epoch)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ArgumentError(f"pct_start: expected a float between 0 and 1, got {pct_start!r}")
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(f"anneal_strategy: expected 'cos' or 'linear', got {anneal_strategy!r}")
        self._anneal_func_type, self.cycle_momentum = anneal_strategy, cycle_momentum
        self._phases = _phases(self.total_steps, pct_start, three_phase)
        highest = per_group("max_lr", an_optimizer(optimizer), max_lr)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, highest, strict=True):
                group["max_lr"], group["initial_lr"] = lr, lr / div_factor
                group["min_lr"] = group["initial_lr"] / final_div_factor
        if cycle_momentum:
            begin(optimizer, base_momentum, max_momentum, last_epoch == -1)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        t = self.last_epoch
        if t > self.total_steps:
            raise ArgumentError(f"this schedule ends after {self.total_steps} steps, and this is step {t}; give "
                                "total_steps (or epochs and steps_per_epoch) of the whole run")  # fmt: skip
        i = next((i for i, phase in enumerate(self._phases) if t <= phase[0]), len(self._phases) - 1)
        end, rates, momenta = self._phases[i]
        start = self._phases[i - 1][0] if i else 0.0
        x = (t - start) / (end - start) if end > start else 1.0
        groups = self.optimizer.param_groups
        if self.cycle_momentum:
            for group in groups:
                set_momentum(group, self._between(group, momenta, x))
        return [self._between(group, rates, x) for group in groups]

    def _between(self, group: dict[str, Any], ends: tuple[str, str], x: float) -> float:
        a, b = group[ends[0]], group[ends[1]]
        return b + (a - b) / 2.0 * (1 + cos(pi * x)) if self._anneal_func_type == "cos" else a + (b - a) * x


def _total(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    """The number of steps of the whole schedule."""
    if total_steps is None and (epochs is None or steps_per_epoch is None):
        raise ArgumentError("give total_steps, or both epochs and steps_per_epoch")
    given = {"total_steps": total_steps} if total_steps is not None else {
        "epochs": epochs, "steps_per_epoch": steps_per_epoch,
    }  # fmt: skip
    total = 1
    for name, count in given.items():
        if not isinstance(count, int) or count <= 0:
            raise ArgumentError(f"{name}: expected a positive integer, got {count!r}")
        total *= count
    return total


def _phases(total: int, pct_start: float, three: bool) -> list[tuple[float, tuple[str, str], tuple[str, str]]]:
    """Last step, rates and momenta (keys of the group) of each phase."""
    up, down, rest = ("initial_lr", "max_lr"), ("max_lr", "initial_lr"), ("initial_lr", "min_lr")
    fall, rise, still = ("max_momentum", "base_momentum"), ("base_momentum", "max_momentum"), ("max_momentum",) * 2
    first = (pct_start * total - 1, up, fall)
    if three:
        return [first, (2 * pct_start * total - 2, down, rise), (total - 1, rest, still)]
    return [first, (total - 1, ("max_lr", "min_lr"), rise)]
