"""What Adam and its relatives share: running first and second moments of the gradient."""

from __future__ import annotations

import numpy as np

from .checks import at_least_zero, two_betas
from .optimizer import Group, Optimizer


class Moments(Optimizer):
    """An optimiser that remembers m, the running mean of g ("exp_avg"), and v, that of g^2 ("exp_avg_sq")."""

    def check(self, group: Group) -> None:
        at_least_zero(lr=group["lr"], eps=group["eps"], weight_decay=group["weight_decay"])
        two_betas(group["betas"])

    def init_state(self, p: np.ndarray, group: Group) -> dict[str, np.ndarray]:
        return {"step": np.zeros((), np.float32), "exp_avg": np.zeros_like(p), "exp_avg_sq": np.zeros_like(p)}
