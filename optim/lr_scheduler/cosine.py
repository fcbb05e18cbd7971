"""Schedules that follow half a cosine, once or again and again."""

from __future__ import annotations

from math import cos, floor, log, pi

from autograd.errors import ArgumentError

from ..optimizer import Optimizer
from .base import LRScheduler


class CosineAnnealingLR(LRScheduler):
    """lr = eta_min + (base - eta_min) (1 + cos(pi t / T_max)) / 2.

    >>> import autograd, optim
    >>> optimizer = optim.SGD([autograd.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> [round(lr, 4) for lr in CosineAnnealingLR(optimizer, T_max=4).preview(5)]
    [0.8536, 0.5, 0.1464, 0.0, 0.1464]

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017), without restarts.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        if T_max < 1:
            raise ArgumentError(f"T_max: expected at least 1 epoch, got {T_max}")
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def rate(self, lr: float, base: float) -> float:
        t, T, low = self.last_epoch, self.T_max, self.eta_min
        if self._is_initial:
            return lr
        if self._step_count == 1 and t > 0:
            return self.closed(lr, base)
        if (t - 1 - T) % (2 * T) == 0:  # the cosine was -1: there is nothing to scale
            return lr + (base - low) * (1 - cos(pi / T)) / 2
        return (1 + cos(pi * t / T)) / (1 + cos(pi * (t - 1) / T)) * (lr - low) + low

    def closed(self, lr: float, base: float) -> float:
        return self.eta_min + (base - self.eta_min) * (1 + cos(pi * self.last_epoch / self.T_max)) / 2


class CosineAnnealingWarmRestarts(LRScheduler):
    """lr = eta_min + (base - eta_min) (1 + cos(pi T_cur / T_i)) / 2, T_cur epochs after the last restart.

    The first cycle lasts T_i = T_0 epochs, each later one `T_mult` times as long as the one before.  `step` may be
    given a fractional epoch, to move within one.

    >>> import autograd, optim
    >>> optimizer = optim.SGD([autograd.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> [round(lr, 4) for lr in CosineAnnealingWarmRestarts(optimizer, T_0=2, T_mult=2).preview(6)]
    [0.5, 1.0, 0.8536, 0.5, 0.1464, 1.0]

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017).
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        if not isinstance(T_0, int) or T_0 <= 0:
            raise ArgumentError(f"T_0: expected a positive integer, got {T_0}")
        if not isinstance(T_mult, int) or T_mult < 1:
            raise ArgumentError(f"T_mult: expected an integer >= 1, got {T_mult}")
        if not isinstance(eta_min, float | int):
            raise ArgumentError(f"eta_min: expected a float or int, got {type(eta_min).__name__}")
        self.T_0, self.T_i, self.T_mult, self.eta_min = T_0, T_0, T_mult, eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def rate(self, lr: float, base: float) -> float:
        return self.eta_min + (base - self.eta_min) * (1 + cos(pi * self.T_cur / self.T_i)) / 2

    def step(self, epoch: float | None = None) -> None:
        """Go on by one epoch, or to `epoch`."""
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        elif epoch < 0:
            raise ArgumentError(f"epoch: expected a number >= 0, got {epoch}")
        else:
            self._seek(epoch)
        self.last_epoch = floor(epoch)
        self._write(self.get_lr())

    def _seek(self, epoch: float) -> None:
        """Set T_cur and T_i for any epoch: cycle n starts after T_0 (1 + T_mult + ... + T_mult^(n-1)) epochs."""
        if epoch < self.T_0:
            self.T_cur, self.T_i = epoch, self.T_0
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:
            n = int(log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**n
