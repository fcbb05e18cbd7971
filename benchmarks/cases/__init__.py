"""The workloads.  Each is written once, against PyTorch's names, and handed either library; JAX gets its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import char_lstm, convnet, mlp, overhead


@dataclass(frozen=True)
class Case:
    """A workload: `build(library, toy)` and `build_jax(toy)` give a step that returns the loss."""

    name: str
    what: str
    build: Callable[..., Callable[[], Any]]
    build_jax: Callable[..., Callable[[], Any]] | None
    compiles: bool  # whether torch.compile is a rival here


CASES = [
    Case("add", overhead.ADD, overhead.build_add, None, False),
    Case("chain", overhead.CHAIN, overhead.build_chain, None, False),
    Case("mlp", mlp.WHAT, mlp.build, mlp.build_jax, True),
    Case("convnet", convnet.WHAT, convnet.build, convnet.build_jax, True),
    Case("char-lstm", char_lstm.WHAT, char_lstm.build, None, False),
]
