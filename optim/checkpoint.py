"""An optimiser's memory as a plain dict, and back: PyTorch's format, in which parameters are numbers."""

from __future__ import annotations

from collections import defaultdict
from copy import deepcopy
from typing import Any

import numpy as np

from autograd.dtypes import is_floating
from autograd.errors import ArgumentError
from autograd.tensor import Tensor, wrap

Group = dict[str, Any]
SCALARS = {"step", "mu_product", "eta", "mu"}  # kept in a dtype of their own, whatever the parameter's


def packed(state: dict[Tensor, Any], groups: list[Group]) -> dict[str, Any]:
    """State and groups with parameters replaced by their position; the tensors in it are the live ones."""
    number: dict[Tensor, int] = {}
    for group in groups:
        for p in group["params"]:
            number.setdefault(p, len(number))
    return {
        "state": {number[p]: dict(memory) for p, memory in state.items() if memory},
        "param_groups": [{**group, "params": [number[p] for p in group["params"]]} for group in groups],
    }


def unpacked(saved: dict[str, Any], groups: list[Group]) -> tuple[defaultdict[Tensor, Any], list[Group]]:
    """The state and the groups in `saved`, copied, for the parameters in `groups`."""
    if not isinstance(saved, dict) or not {"state", "param_groups"} <= saved.keys():
        raise ArgumentError(
            "state_dict: expected a dict with the keys 'state' and 'param_groups', as state_dict() gives"
        )
    ours, theirs = [len(g["params"]) for g in groups], [len(g["params"]) for g in saved["param_groups"]]
    if len(ours) != len(theirs):
        raise ArgumentError(f"loaded state dict has a different number of parameter groups: {len(theirs)}, the "
                            f"optimizer has {len(ours)}")  # fmt: skip
    if ours != theirs:
        raise ArgumentError(f"loaded state dict contains a parameter group that doesn't match the size of optimizer's "
                            f"group: {theirs} parameters, the optimizer has {ours}")  # fmt: skip
    parameter = {
        number: p
        for group, old in zip(groups, saved["param_groups"])
        for number, p in zip(old["params"], group["params"])
    }
    state: defaultdict[Any, Any] = defaultdict(dict)
    for number, memory in saved["state"].items():
        p = parameter.get(number)
        state[number if p is None else p] = memory if p is None else _fitted(memory, p)
    names = [{"param_names": g["param_names"]} if "param_names" in g else {} for g in groups]
    loaded = [
        {**name, **deepcopy({k: v for k, v in old.items() if k != "params"}), "params": group["params"]}
        for name, old, group in zip(names, saved["param_groups"], groups)
    ]
    return state, loaded


def _fitted(value: Any, p: Tensor, key: Any = None) -> Any:
    """A copy of `value` in which arrays have the dtype of their parameter."""
    if isinstance(value, dict):
        return {k: _fitted(v, p, k) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_fitted(v, p) for v in value)
    if key in SCALARS and isinstance(value, int | float):
        return wrap(np.array(value, np.float32))
    if not isinstance(value, Tensor | np.ndarray):
        return value
    array = value.array if isinstance(value, Tensor) else value
    return wrap(np.array(array, None if key in SCALARS or not is_floating(p.dtype) else p.dtype))
