"""What a case is: a workload, written once against PyTorch's names and handed each library that has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Step = Callable[[], Any]
TOLERANCE = (
    2e-4  # of results, relative: what rounding in float32 makes of other orders of sums, and two updates of that
)


class Seconds(float):
    """What a step returns that measures itself, because only a part of it counts."""


@dataclass(frozen=True)
class Work:
    """What a step cannot do without: operations on numbers, bytes from and to memory, calls of the library."""

    flops: float = 0.0
    bytes: float = 0.0
    calls: int = 0


@dataclass(frozen=True)
class Case:
    """A workload; the step that a builder gives returns the loss or a result, which all rivals must agree on."""

    name: str
    what: str
    table: str  # of the report: one of TABLES
    build: Callable[[Any, bool], Step] | None  # (library, toy), for each library with PyTorch's names
    own: Mapping[str, Callable[..., Step]] = field(default_factory=dict)  # (weights, toy), for rivals with other code
    work: Work = Work()
    images: bool = False  # PyTorch may lay its arrays out with the channels last
    once: bool = False  # too long to be repeated
    without: Mapping[str, str] = field(default_factory=dict)  # rivals that cannot take part, and why

    def plays(self, rival: str) -> bool:
        """Whether the rival takes part."""
        if rival in self.without:
            return False
        if rival in self.own:
            return True
        if rival == "torch.channels-last":
            return self.images
        return self.build is not None and rival in ("wengert", "wengert.compile", "torch", "torch.compile")


TABLES = {
    "training": "Training steps",
    "inference": "Inference",
    "operation": "Single operations on large arrays",
    "convolution": "Convolutions",
    "product": "Matrix products",
    "call": "The cost of a call, microseconds each",
    "start": "Before the first step",
}
SHARED = {"operation", "convolution", "product", "call"}  # tables whose cases are run one after another in one process
