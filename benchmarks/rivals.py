"""The libraries that run the cases, each in a process of its own."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from .cases import CASES, Case

RIVALS = ["wengert", "torch", "torch.compile", "jax"]


def available(rival: str) -> bool:
    """Whether the rival is installed here."""
    return rival == "wengert" or importlib.util.find_spec(rival.split(".")[0]) is not None


def plays(rival: str, case: Case) -> bool:
    """Whether the rival takes part in the case."""
    if rival == "jax":
        return case.build_jax is not None
    return rival != "torch.compile" or case.compiles


def step_of(rival: str, name: str, toy: bool) -> Callable[[], Any]:
    """The step of case `name` for `rival`; the library is imported here, in the worker."""
    case = next(case for case in CASES if case.name == name)
    if rival == "jax":
        assert case.build_jax is not None
        return case.build_jax(_weights, toy)
    library = _wengert() if rival == "wengert" else _torch(rival)
    return case.build(library, toy)


def _wengert() -> SimpleNamespace:
    autograd, nn, optim = (importlib.import_module(name) for name in ("autograd", "nn", "optim"))
    return SimpleNamespace(torch=autograd, nn=nn, optim=optim, grad=autograd.grad, compile=lambda f: f)


def _torch(rival: str) -> SimpleNamespace:
    torch = importlib.import_module("torch")
    compile_ = torch.compile if rival == "torch.compile" else (lambda f: f)
    return SimpleNamespace(torch=torch, nn=torch.nn, optim=torch.optim, grad=torch.autograd.grad, compile=compile_)


def _weights(model: Callable[[Any], Any]) -> list[Any]:
    """The initial weights that the others start from, for a rival with another initialiser."""
    library = _wengert()
    library.torch.manual_seed(0)
    return [p.detach().numpy() for p in model(library.nn).parameters()]
