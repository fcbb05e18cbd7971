"""The data of a run: training and test set, and what the model must know of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import data
from ..errors import DataError
from ..random import Generator
from .settings import Settings


@dataclass(frozen=True)
class Sets:
    """Data for a run; `classes` names the outputs, `text` is the text set if it is one."""

    train: Any
    test: Any
    classes: list[str]
    text: Any = None


def load(settings: Settings) -> Sets:
    """The sets that ``--data`` names."""
    name = settings.data
    text: data.CharText | None = None
    train: Any
    test: Any
    if name == "text":
        text = data.CharText()
        train, test = text.split()
        classes = list(text.vocabulary)
    elif name in ("digits", "fashion-mnist", "mnist"):
        source: Any = {"digits": data.digits, "fashion-mnist": data.fashion_mnist, "mnist": data.mnist}[name]
        train, test = source(train=True), source(train=False)
        classes = [str(c) for c in train.classes]
    elif Path(name).is_dir():
        folder = data.FolderDataset(name)
        train, test = data.random_split(folder, [0.8, 0.2], generator=Generator().manual_seed(settings.seed))
        classes = [str(c) for c in folder.classes]
    else:
        raise DataError(f"--data: expected digits, fashion-mnist, mnist, text or an existing folder, got {name!r}")
    if settings.limit:
        train = data.Subset(train, range(min(settings.limit, len(train))))
    return Sets(train, test, classes, text)
