"""LRScheduler: a learning rate that changes from epoch to epoch, or from step to step."""

from __future__ import annotations

import warnings
from collections import Counter
from copy import copy, deepcopy
from types import FunctionType, SimpleNamespace
from typing import Any

from autograd.errors import ArgumentError
from autograd.tensor import Tensor

from ..checks import number
from ..optimizer import Optimizer


class LRScheduler:
    """Base of all schedules.

    A schedule is one formula: `rate` gives the next rate from the current one, so that schedules compose and a rate
    changed by hand stays changed; `closed`, where there is one, gives the rate at ``self.last_epoch`` from the initial
    rate alone.  (A subclass may override `get_lr` instead, as PyTorch's do.)

    Args: `optimizer`; `last_epoch`, -1 to begin, else the epoch after which to resume (groups must have "initial_lr").

    >>> import autograd, optim
    >>> class Halving(LRScheduler):
    ...     def rate(self, lr, base):
    ...         return lr if self.last_epoch == 0 else lr / 2
    >>> optimizer = optim.SGD([autograd.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> scheduler = Halving(optimizer)
    >>> scheduler.preview(3)
    [0.5, 0.25, 0.125]
    >>> optimizer.step(); scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    optimizer: Optimizer
    last_epoch: int
    base_lrs: list[float]
    _is_initial = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = an_optimizer(optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", number(group["lr"]))
            elif "initial_lr" not in group:
                raise ArgumentError(f"last_epoch={last_epoch} resumes a schedule, but param_groups[{i}] has no "
                                    "'initial_lr'; load the optimizer's state first")  # fmt: skip
        self.base_lrs = [number(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        self.step()
        self._is_initial = False

    # -- the formula ---------------------------------------------------------------------------------------------------

    def rate(self, lr: float, base: float) -> float:
        """The rate of a group at ``self.last_epoch``, given its rate before and its initial rate."""
        raise NotImplementedError(f"{type(self).__name__}.rate")

    def closed(self, lr: float, base: float) -> float:
        """The rate at ``self.last_epoch`` from the initial rate, where the formula allows."""
        return self.rate(lr, base)

    def get_lr(self) -> list[float]:
        """The rates of all groups at ``self.last_epoch``, in the middle of a step; users want `get_last_lr`."""
        groups = self.optimizer.param_groups
        return [self.rate(number(group["lr"]), base) for group, base in zip(groups, self.base_lrs, strict=True)]

    # -- stepping ------------------------------------------------------------------------------------------------------

    def step(self, epoch: int | None = None) -> None:
        """Go on to the next epoch: call it after `optimizer.step()`."""
        if self._step_count == 1 and not _has_stepped(self.optimizer):
            warnings.warn("lr_scheduler.step() was called before optimizer.step(), so the first rate of the schedule "
                          "was never used; call optimizer.step() first", stacklevel=2)  # fmt: skip
        self._step_count += 1
        if epoch is not None:
            warnings.warn("scheduler.step(epoch) is deprecated; call scheduler.step()", stacklevel=2)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        groups = self.optimizer.param_groups
        if epoch is None or type(self).closed is LRScheduler.closed:
            rates = self.get_lr()
        else:
            rates = [self.closed(number(group["lr"]), base) for group, base in zip(groups, self.base_lrs, strict=True)]
        self._write(rates)

    def _write(self, rates: list[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_rate(group, rate)
        self._last_lr = current_rates(self.optimizer)

    def get_last_lr(self) -> list[float]:
        """The current rate of each group."""
        return self._last_lr

    def preview(self, n: int) -> list[Any]:
        """The rates after each of the next `n` steps, without taking them; lists of rates for several groups."""
        return self._preview([()] * n)

    def _preview(self, arguments: list[tuple[Any, ...]]) -> list[Any]:
        twin = deepcopy(self, {id(self.optimizer): shadow(self.optimizer)})
        rates = []
        for args in arguments:
            twin.step(*args)
            rates.append(list(twin.get_last_lr()))
        return rates if len(self.optimizer.param_groups) > 1 else [rate for (rate,) in rates]

    # -- saving --------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """All of the schedule except the optimizer; of functions, only the attributes of callable objects."""
        return {name: _saved(value) for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue where `state_dict` was taken; load the optimizer's as well."""
        for name, value in state_dict.items():
            self.__dict__[name] = _loaded(value, self.__dict__.get(name))


def an_optimizer(optimizer: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise ArgumentError(f"optimizer: expected an optim.Optimizer, got {type(optimizer).__name__}")
    return optimizer


def per_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """`value` for every group, or the values given for each."""
    count = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        return [value] * count
    if len(value) != count:
        raise ArgumentError(f"{name}: expected one value, or one for each of the {count} parameter groups, "
                            f"got {len(value)}")  # fmt: skip
    return list(value)


def current_rates(optimizer: Optimizer) -> list[float]:
    return [number(group["lr"]) for group in optimizer.param_groups]


def set_rate(group: dict[str, Any], rate: float) -> None:
    """Write a group's rate; a rate that is a tensor stays that tensor."""
    if isinstance(group["lr"], Tensor):
        group["lr"].array[...] = number(rate)
    else:
        group["lr"] = rate


def shadow(optimizer: Optimizer) -> Any:
    """What a schedule sees of an optimizer, copied: groups without their parameters."""
    groups = [{k: deepcopy(v) for k, v in group.items() if k != "params"} for group in optimizer.param_groups]
    return SimpleNamespace(param_groups=groups, defaults=optimizer.defaults, stepped=True)


def _has_stepped(optimizer: Any) -> bool:
    own_step = isinstance(optimizer, Optimizer) and type(optimizer).step is not Optimizer.step  # does not tell
    return optimizer.stepped or own_step


def _saved(value: Any) -> Any:
    if isinstance(value, LRScheduler):
        return value.state_dict()
    if isinstance(value, list | tuple):
        return [_saved(v) for v in value]
    if isinstance(value, FunctionType):
        return None
    return dict(value.__dict__) if callable(value) else copy(value)


def _loaded(saved: Any, now: Any) -> Any:
    """`saved` in the place of `now`; schedules and callables stay the objects they are, with the saved attributes."""
    if isinstance(now, LRScheduler):
        now.load_state_dict(saved)
    elif isinstance(now, list) and any(isinstance(v, LRScheduler) or callable(v) for v in now):
        return [_loaded(a, b) for a, b in zip(saved, now, strict=True)]
    elif callable(now):
        if saved is not None:
            now.__dict__.update(saved)
    elif isinstance(now, Counter):
        return Counter({int(key): count for key, count in saved.items()})  # JSON turns numbers that are keys into text
    else:
        return copy(saved)
    return now
