"""What a run is told: one frozen record, written into the run folder and read back by ``--resume``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from ..errors import ArgumentError, CheckpointError
from ..io import write_atomically

MODELS = ("mlp", "cnn", "rnn", "lstm", "gru")
OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta")
SCHEDULES = ("constant", "step", "exponential", "cosine", "warm-restarts", "cyclic", "one-cycle", "cyclic-exponential")
RATES = {"sgd": 0.05, "adam": 2e-3, "adamw": 2e-3, "rmsprop": 1e-3, "adagrad": 1e-2, "adadelta": 1.0}
EPOCHS = {"digits": 20, "fashion-mnist": 5, "mnist": 3, "text": 3}


@dataclass(frozen=True)
class Settings:
    """The settings of a run, defaults filled in by `completed`."""

    data: str = "digits"
    model: str = ""
    optimizer: str = "adamw"
    schedule: str = "one-cycle"
    epochs: int = 0
    batch_size: int = 64
    lr: float = 0.0
    seed: int = 0
    workers: int = 0
    limit: int = 0

    def completed(self) -> Settings:
        """The same with the defaults that depend on other settings."""
        model = self.model or ("lstm" if self.data == "text" else "cnn")
        if self.data == "text" and model in ("mlp", "cnn"):
            raise ArgumentError(f"--model {model} reads images; for --data text choose rnn, lstm or gru")
        if self.lr < 0:
            raise ArgumentError(f"--lr: expected a positive learning rate, got {self.lr}")
        return replace(
            self, model=model, epochs=self.epochs or EPOCHS.get(self.data, 10), lr=self.lr or RATES[self.optimizer]
        )

    def save(self, path: Path) -> None:
        """Write as JSON."""
        text = json.dumps(asdict(self), indent=2) + "\n"
        write_atomically(path, lambda file: file.write(text.encode()))

    @classmethod
    def load(cls, path: Path) -> Settings:
        """Read what `save` wrote."""
        try:
            values: dict[str, Any] = json.loads(path.read_text())
            return cls(**{field.name: values[field.name] for field in fields(cls)})
        except FileNotFoundError:
            raise CheckpointError(f"{path.parent} is not a run folder: it has no {path.name}") from None
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"{path} is damaged: {error}") from None
