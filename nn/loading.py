"""Loading a state dict: first everything is checked, then everything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from autograd import Tensor
from autograd.tensor import wrap
from autograd.writes import mark_written

from .parameter import Parameter

if TYPE_CHECKING:
    from .module import Module


def load_into(
    module: Module, state: dict[str, Any], strict: bool, assign: bool
) -> tuple[list[str], list[str], list[str]]:
    """Keys missing, keys surplus, and what is wrong; if nothing is wrong, the values have been taken over."""
    wanted: dict[str, tuple[Module, str, Tensor]] = {}
    extras: dict[str, Module] = {}
    for place, part in module.named_modules(remove_duplicate=False):
        dotted = f"{place}." if place else ""
        if part.get_extra_state() is not None:
            extras[f"{dotted}_extra_state"] = part
        for name, value in vars(part).items():
            if isinstance(value, Parameter) or (part._buffers.get(name) and value is not None):
                wanted[dotted + name] = (part, name, value)
    missing = [key for key in (*wanted, *extras) if key not in state]
    surplus = [key for key in state if key not in wanted and key not in extras]
    problems = []
    if strict and missing:
        problems.append(f"Missing key(s) in state_dict: {', '.join(map(repr, missing))}.")
    if strict and surplus:
        problems.append(f"Unexpected key(s) in state_dict: {', '.join(map(repr, surplus))}.")
    for key, (_, _, own) in wanted.items():
        if key not in state:
            continue
        given = state[key]
        if not isinstance(given, Tensor | np.ndarray):
            problems.append(f"{key}: expected a tensor, got {type(given).__name__}.")
        elif given.shape != own.array.shape:
            problems.append(
                f"size mismatch for {key}: the state dict has shape {list(given.shape)}, the module {list(own.shape)}."
            )
    if problems:
        return missing, surplus, problems
    for key, (part, name, own) in wanted.items():
        if key in state:
            _take(part, name, own, state[key], assign)
    for key, part in extras.items():
        if key in state:
            part.set_extra_state(state[key])
    return missing, surplus, []


def _take(part: Module, name: str, own: Tensor, given: Any, assign: bool) -> None:
    array = given.array if isinstance(given, Tensor) else given
    if not assign:
        own.array[...] = array
        mark_written(own.array, "load_state_dict")
    elif isinstance(own, Parameter):
        object.__setattr__(part, name, Parameter(wrap(array), own.requires_grad))
    else:
        object.__setattr__(part, name, wrap(array))
