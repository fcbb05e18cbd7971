"""The models that `wengert train` offers."""

from __future__ import annotations

from collections.abc import Callable

import nn

from ..tensor import Tensor


class RowReader(nn.Module):
    """An image read row by row by a recurrent net, classified from its last output."""

    def __init__(self, cell: Callable[..., nn.RNNBase], width: int, classes: int, hidden: int = 64) -> None:
        super().__init__()
        self.rnn = cell(width, hidden, batch_first=True)
        self.head = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        rows, _ = self.rnn(x.squeeze(1))  # (N, 1, H, W) -> (N, H, hidden)
        return self.head(rows[:, -1])


class CharModel(nn.Module):
    """The next character from those before it."""

    def __init__(self, cell: Callable[..., nn.RNNBase], letters: int, hidden: int = 128) -> None:
        super().__init__()
        self.embed = nn.Embedding(letters, hidden)
        self.rnn = cell(hidden, hidden, batch_first=True)
        self.head = nn.Linear(hidden, letters)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(self.embed(x))[0])  # (N, T) -> (N, T, letters)


def _mlp(channels: int, size: tuple[int, int], classes: int) -> nn.Module:
    n = channels * size[0] * size[1]
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(n, 256),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(256, 128),
        nn.ReLU(),
        nn.Linear(128, classes),
    )


def _cnn(channels: int, size: tuple[int, int], classes: int) -> nn.Module:
    """Convolution, normalisation, ReLU, twice with a pool between; then two linear layers."""
    h, w = size[0] // 2 // 2, size[1] // 2 // 2
    return nn.Sequential(
        nn.Conv2d(channels, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * h * w, 128), nn.ReLU(), nn.Linear(128, classes),
    )  # fmt: skip


def build(name: str, sample: Tensor, classes: int) -> nn.Module:
    """Model `name` for inputs like `sample` (one image of shape (C, H, W), or a sequence of characters)."""
    if sample.ndim == 1:
        return CharModel(_cell(name), classes)
    channels, height, width = sample.shape
    if name in ("mlp", "cnn"):
        return (_cnn if name == "cnn" else _mlp)(channels, (height, width), classes)
    return RowReader(_cell(name), width, classes)


def _cell(name: str) -> Callable[..., nn.RNNBase]:
    return {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[name]
