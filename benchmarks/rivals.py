"""The libraries that run the cases, each in processes of its own."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from .case import Case, Step

OURS = ("wengert", "wengert.compile")
ABSENT = "HIPS autograd: it installs a package `autograd` too, so the two cannot share an environment"
RIVALS = [*OURS, "torch", "torch.channels-last", "torch.compile", "jax", "numpy", "python"]


def available(rival: str) -> bool:
    """Whether the rival is installed here."""
    return rival in (*OURS, "python") or importlib.util.find_spec(rival.split(".")[0]) is not None


def step_of(rival: str, case: Case, toy: bool) -> Step:
    """The step of `case` for `rival`; the library is imported here, in the worker."""
    if rival in case.own:
        return case.own[rival](_weights, toy)
    assert case.build is not None
    if rival == "wengert.compile":  # the whole step: forward, backward and update
        library = _wengert()
        return library.torch.compile(case.build(library, toy))  # type: ignore[no-any-return]
    return case.build(_wengert() if rival == "wengert" else _torch(rival), toy)


def _same(value: Any) -> Any:
    return value


def _wengert() -> SimpleNamespace:
    autograd, nn, optim = (importlib.import_module(name) for name in ("autograd", "nn", "optim"))
    return SimpleNamespace(torch=autograd, nn=nn, optim=optim, grad=autograd.grad, compile=_same, laid_out=_same)


def _torch(rival: str) -> SimpleNamespace:
    """PyTorch; `laid_out` is for images, filters and whole models."""
    torch = importlib.import_module("torch")
    return SimpleNamespace(
        torch=torch, nn=torch.nn, optim=torch.optim, grad=torch.autograd.grad,
        compile=torch.compile if rival == "torch.compile" else _same,
        laid_out=(lambda x: x.to(memory_format=torch.channels_last)) if rival == "torch.channels-last" else _same,
    )  # fmt: skip


def _weights(model: Callable[[Any], Any]) -> list[Any]:
    """The initial weights that the others start from, for a rival with another initialiser."""
    library = _wengert()
    library.torch.manual_seed(0)
    return [p.detach().numpy() for p in model(library.nn).parameters()]
