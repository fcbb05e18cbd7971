"""A character-level LSTM, hidden size 256, 64 time steps, batch 32, Adam, gradient norm clipped at 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

WHAT = "char-LSTM 256, T=64, batch 32, Adam, clip 1.0: a training step"


def build(library: Any, toy: bool) -> Callable[[], Any]:
    """The step, for a library with PyTorch's names."""
    torch, nn, optim = library.torch, library.nn, library.optim
    letters, hidden, steps, batch = (7, 8, 5, 2) if toy else (96, 256, 64, 32)

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(letters, hidden)
            self.lstm = nn.LSTM(hidden, hidden, batch_first=True)
            self.head = nn.Linear(hidden, letters)

        def forward(self, x: Any) -> Any:
            return self.head(self.lstm(self.embed(x))[0])

    torch.manual_seed(0)
    net = Model()
    optimizer = optim.Adam(net.parameters(), lr=1e-3)
    text = torch.from_numpy(np.random.default_rng(0).integers(0, letters, (batch, steps + 1)))
    x, y = text[:, :-1], text[:, 1:].reshape(-1)
    criterion = nn.CrossEntropyLoss()

    def step() -> Any:
        optimizer.zero_grad()
        loss = criterion(net(x).reshape(-1, letters), y)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        return loss

    return step
