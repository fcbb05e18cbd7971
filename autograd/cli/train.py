"""The training loop of `wengert train`, its checkpoints and its run folder."""

from __future__ import annotations

import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import nn

from .. import io
from ..data import DataLoader
from ..errors import ArgumentError, CheckpointError
from ..random import default_generator, manual_seed
from ..recording import no_grad
from ..tensor import Tensor
from .metrics import Metrics, score
from .models import build
from .report import write_report
from .schedules import optimizer_for, schedule_for
from .sets import Sets, load
from .settings import Settings


class Run:
    """Everything that a checkpoint must hold for training to go on to the same bits."""

    def __init__(self, settings: Settings, folder: Path, sets: Sets) -> None:
        manual_seed(settings.seed)
        self.settings, self.folder, self.sets = settings, folder, sets
        self.loader = DataLoader(
            sets.train,
            settings.batch_size,
            shuffle=True,
            num_workers=settings.workers,
            drop_last=len(sets.train) > settings.batch_size,
        )
        self.model = build(settings.model, sets.train[0][0], len(sets.classes))
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = optimizer_for(settings, self.model.parameters())
        self.schedule = schedule_for(settings, self.optimizer, settings.epochs * len(self.loader))
        self.metrics = Metrics()
        self.epoch = 0

    def loss_of(self, x: Tensor, y: Tensor) -> Tensor:
        """Mean cross-entropy over images, or over all characters of all sequences."""
        logits = self.model(x)
        return self.criterion(logits.reshape(-1, logits.shape[-1]), y.reshape(-1))

    def train_epoch(self, progress: Any) -> None:
        """One pass over the training set."""
        self.model.train()
        start, total, count = time.perf_counter(), 0.0, 0
        for x, y in progress(self.loader, f"epoch {self.epoch + 1}/{self.settings.epochs}"):
            loss = self.loss_of(x, y)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
            self.optimizer.step()
            self.metrics.step(float(loss.item()), float(self.schedule.get_last_lr()[0]))
            self.schedule.step()
            total, count = total + loss.item() * len(x), count + len(x)
        self.epoch += 1
        test_loss, accuracy = score(self.model, self.criterion, self.sets.test)
        self.metrics.epoch(self.epoch, total / count, test_loss, accuracy, time.perf_counter() - start)

    # -- checkpoints ---------------------------------------------------------------------------------------------------

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.safetensors"

    def save(self) -> None:
        """Write the checkpoint; the old one stays whole until the new one is."""
        state = {
            "settings": asdict(self.settings), "epoch": self.epoch, "metrics": self.metrics.state(),
            "model": dict(self.model.state_dict()), "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(), "generator": default_generator.get_state(),
        }  # fmt: skip
        io.save(state, self.checkpoint)

    def restore(self) -> None:
        """Read the checkpoint back."""
        state = io.load(self.checkpoint)
        try:
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.schedule.load_state_dict(state["schedule"])
            default_generator.set_state(state["generator"])
            self.metrics = Metrics.restored(state["metrics"])
            self.epoch = state["epoch"]
        except (KeyError, TypeError) as error:
            raise CheckpointError(f"{self.checkpoint} is not a checkpoint of this run: {error!r}") from None


def train(given: dict[str, Any], out: Path | None = None, resume: Path | None = None, quiet: bool = False) -> Run:
    """Train by the `given` settings in a new folder, or go on with the run in `resume`."""
    if resume is not None:
        stored = Settings.load(resume / "settings.json")
        settings = Settings(**{**asdict(stored), **({"epochs": given["epochs"]} if "epochs" in given else {})})
        folder = resume
    else:
        settings = Settings(**given).completed()
        folder = out or Path("runs") / f"{Path(settings.data).name}-{settings.model}"
        _prepare(folder)
    run = Run(settings, folder, load(settings))
    if resume is not None and run.checkpoint.exists():
        run.restore()
    settings.save(folder / "settings.json")
    if run.epoch == 0:
        run.save()
    parameters = sum(p.numel() for p in run.model.parameters())
    print(
        f"{settings.data}: {len(run.sets.train)} training and {len(run.sets.test)} test samples; {settings.model} with "
        f"{parameters:,} parameters; {settings.optimizer}, {settings.schedule} schedule, seed {settings.seed}"
    )
    print(Metrics.HEADER)
    try:
        while run.epoch < settings.epochs:
            run.train_epoch(_plain if quiet else _bar)
            run.save()
            print(run.metrics.line(), flush=True)
    except KeyboardInterrupt:
        print(f"\ninterrupted after epoch {run.epoch}, which is saved; go on with: wengert train --resume {folder}")
        raise
    with no_grad():
        io.save(dict(run.model.state_dict()), folder / "weights.safetensors")
    write_report(run)
    print(f"written to {folder}: {', '.join(sorted(p.name for p in folder.iterdir()))}")
    return run


def _prepare(folder: Path) -> None:
    """Make the run folder; refuse one that holds another run."""
    if (folder / "checkpoint.safetensors").exists() and not _finished(folder):
        raise ArgumentError(
            f"--out: {folder} holds an unfinished run; go on with --resume {folder}, or choose another --out"
        )
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise ArgumentError(f"--out: {folder} is not writable")
    for old in ("checkpoint.safetensors", "settings.json"):
        (folder / old).unlink(missing_ok=True)


def _finished(folder: Path) -> bool:
    return (folder / "report.html").exists()


def _plain(batches: Any, label: str) -> Any:
    return batches


def _bar(batches: Any, label: str) -> Any:
    from tqdm import tqdm

    return tqdm(batches, desc=label, leave=False, unit="batch")
