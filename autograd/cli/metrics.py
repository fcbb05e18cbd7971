"""What is measured during a run: every batch's loss and rate, every epoch's scores."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from ..data import DataLoader
from ..recording import no_grad


class Metrics:
    """The record of a run."""

    HEADER = "epoch  train loss  test loss  accuracy  seconds"
    COLUMNS = ("epoch", "train_loss", "test_loss", "accuracy", "seconds")

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.rates: list[float] = []
        self.epochs: list[dict[str, float]] = []

    def step(self, loss: float, rate: float) -> None:
        """Note a batch."""
        self.losses.append(loss)
        self.rates.append(rate)

    def epoch(self, *values: float) -> None:
        """Note an epoch, in the order of `COLUMNS`."""
        self.epochs.append(dict(zip(self.COLUMNS, values)))

    def line(self) -> str:
        """The last epoch as a row of the table."""
        e = self.epochs[-1]
        return (f"{e['epoch']:5.0f}  {e['train_loss']:10.4f}  {e['test_loss']:9.4f}  {100 * e['accuracy']:7.2f}%  "
                f"{e['seconds']:7.1f}")  # fmt: skip

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"losses": self.losses, "rates": self.rates, "epochs": self.epochs}

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Metrics:
        """From a checkpoint."""
        metrics = cls()
        metrics.losses, metrics.rates, metrics.epochs = (
            list(state["losses"]),
            list(state["rates"]),
            list(state["epochs"]),
        )
        return metrics

    def save(self, folder: Path) -> None:
        """Write metrics.json and metrics.csv."""
        (folder / "metrics.json").write_text(json.dumps(self.state(), indent=1) + "\n")
        with (folder / "metrics.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, self.COLUMNS)
            writer.writeheader()
            writer.writerows(self.epochs)


def predictions(model: Any, dataset: Any) -> tuple[np.ndarray, np.ndarray]:
    """Logits and labels over a data set, in order; nothing is recorded."""
    model.eval()
    logits, labels = [], []
    with no_grad():
        for x, y in DataLoader(dataset, batch_size=256):
            logits.append(model(x).array)
            labels.append(y.array)
    return np.concatenate(logits), np.concatenate(labels)


def score(model: Any, criterion: Any, dataset: Any) -> tuple[float, float]:
    """Mean loss and accuracy (of each image, or each character)."""
    from ..create import from_numpy

    logits, labels = predictions(model, dataset)
    logits, labels = logits.reshape(-1, logits.shape[-1]), labels.reshape(-1)
    with no_grad():
        loss = float(criterion(from_numpy(logits), from_numpy(labels)).item())
    return loss, float((logits.argmax(-1) == labels).mean())
