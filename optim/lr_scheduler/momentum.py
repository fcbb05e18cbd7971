"""Momentum that moves against the rate: SGD's "momentum", or the first of Adam's "betas"."""

from __future__ import annotations

from typing import Any

from autograd.errors import ArgumentError

from ..optimizer import Optimizer
from .base import per_group


def begin(optimizer: Optimizer, base_momentum: Any, max_momentum: Any, fresh: bool) -> tuple[list[float], list[float]]:
    """The lowest and highest momentum of each group, also written to the groups of a `fresh` schedule."""
    if not {"momentum", "betas"} & optimizer.defaults.keys():
        raise ArgumentError(f"cycle_momentum: {type(optimizer).__name__} has neither momentum nor betas to cycle; "
                            "pass cycle_momentum=False")  # fmt: skip
    low = per_group("base_momentum", optimizer, base_momentum)
    high = per_group("max_momentum", optimizer, max_momentum)
    if fresh:
        for group, lowest, highest in zip(optimizer.param_groups, low, high, strict=True):
            group["base_momentum"], group["max_momentum"] = lowest, highest
            set_momentum(group, highest)
    return low, high


def set_momentum(group: dict[str, Any], momentum: float) -> None:
    if "betas" in group:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum
