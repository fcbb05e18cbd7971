"""Training with Winograd's algorithm: the losses are PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("numba")

import autograd
import nn
import optim
from autograd.kernels import winograd
from autograd.tensor import wrap


def test_first_hundred_losses(monkeypatch):
    """As in test_seeds, with convolutions that are wide enough for it: within 1e-4, relative.

    Without kinks: a ReLU's input within rounding of 0 falls on either side, in any algorithm, PyTorch's included.
    """
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(16, 3, 8, 8)).astype(np.float32), rng.integers(0, 4, 16)
    used = []
    for name in ("forward", "input_cotangent", "weight_cotangent"):
        plain = getattr(winograd, name)
        monkeypatch.setattr(winograd, name, lambda *args, name=name, plain=plain: used.append(name) or plain(*args))

    def losses(library, optimisers, seed, of):
        seed(7)
        model = library.Sequential(
            library.Conv2d(3, 32, 3, padding=1), library.Tanh(), library.Conv2d(32, 32, 3, padding=1), library.Tanh(),
            library.Conv2d(32, 64, 3), library.Tanh(), library.Flatten(), library.Linear(64 * 36, 4),
        )  # fmt: skip
        optimiser = optimisers.SGD(model.parameters(), lr=0.01, momentum=0.9)
        found = []
        for _ in range(100):
            optimiser.zero_grad()
            loss = library.functional.cross_entropy(model(of(x)), of(y))
            loss.backward()
            optimiser.step()
            found.append(loss.item())
        return found

    theirs = losses(torch.nn, torch.optim, torch.manual_seed, torch.from_numpy)
    ours = losses(nn, optim, autograd.manual_seed, lambda a: wrap(a.copy()))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    assert {used.count(name) for name in set(used)} == {200}
    assert len(set(used)) == 3
    assert theirs[0] > 1 > 0.1 > theirs[-1]  # it has learnt
