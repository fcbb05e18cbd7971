"""One seed, one run: initial weights, masks, shuffles and the first hundred losses equal PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import autograd
import nn
import optim
from autograd.tensor import wrap

MAKERS = {
    "Linear": lambda n: n.Linear(7, 5),
    "Conv2d": lambda n: n.Conv2d(3, 8, 3),
    "ConvTranspose2d": lambda n: n.ConvTranspose2d(3, 4, 2),
    "Embedding": lambda n: n.Embedding(11, 6),
    "LSTM": lambda n: n.LSTM(5, 6, num_layers=2, bidirectional=True),
    "GRU": lambda n: n.GRU(5, 6),
    "MultiheadAttention": lambda n: n.MultiheadAttention(8, 2),
}


@pytest.mark.parametrize("name", MAKERS)
def test_initial_weights(name):
    torch.manual_seed(3)
    theirs = MAKERS[name](torch.nn).state_dict()
    autograd.manual_seed(3)
    ours = MAKERS[name](nn).state_dict()
    assert list(ours) == list(theirs)
    for key, value in ours.items():
        np.testing.assert_allclose(value.numpy(), theirs[key].numpy(), rtol=1e-6, atol=1e-7, err_msg=key)


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_dropout_masks(p):
    torch.manual_seed(5)
    theirs = torch.nn.functional.dropout(torch.ones(1001), p).numpy()
    autograd.manual_seed(5)
    np.testing.assert_array_equal(nn.functional.dropout(autograd.ones(1001), p).numpy(), theirs)


class _Last:
    """An LSTM that classifies by its last output, in either library."""

    def __init__(self, library):
        self.lstm, self.head = library.LSTM(6, 16, batch_first=True), library.Linear(16, 4)

    def parameters(self):
        return [*self.lstm.parameters(), *self.head.parameters()]

    def __call__(self, x):
        return self.head(self.lstm(x)[0][:, -1])


MODELS = {
    "mlp": (lambda n: n.Sequential(n.Linear(20, 32), n.Tanh(), n.Linear(32, 4)), (32, 20)),
    "cnn": (
        lambda n: n.Sequential(
            n.Conv2d(1, 6, 3), n.ReLU(), n.MaxPool2d(2), n.Flatten(), n.Dropout(0.2), n.Linear(54, 4)
        ),
        (32, 1, 8, 8),
    ),
    "lstm": (_Last, (16, 9, 6)),
}


@pytest.mark.parametrize("name", MODELS)
def test_first_hundred_losses(name):
    """Same seed, same data: losses within 1e-4 of PyTorch's, relative, although rounding differs."""
    make, shape = MODELS[name]
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=shape).astype(np.float32), rng.integers(0, 4, shape[0])

    def losses(library, optimisers, functional, seed, of):
        seed(7)
        model = make(library)
        optimiser = optimisers.SGD(model.parameters(), lr=0.05, momentum=0.9)
        found = []
        for _ in range(100):
            optimiser.zero_grad()
            loss = functional.cross_entropy(model(of(x)), of(y))
            loss.backward()
            optimiser.step()
            found.append(loss.item())
        return found

    theirs = losses(torch.nn, torch.optim, torch.nn.functional, torch.manual_seed, torch.from_numpy)
    ours = losses(nn, optim, nn.functional, autograd.manual_seed, lambda a: wrap(a.copy()))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
