"""Optimizer: parameters in groups, state per parameter, and the one loop that every update rule runs in."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from autograd import enable_grad
from autograd import quiet as bodies
from autograd.changes import Counted, changed
from autograd.errors import ArgumentError, ShapeError
from autograd.hooks import Handle
from autograd.quiet import silent
from autograd.tape import mark_written
from autograd.tensor import Tensor, wrap
from autograd.writes import writes

from . import checkpoint, shared
from .blocks import Blocks
from .shared import Rule

Group = dict[str, Any]
State = dict[str, Any]
Params = Iterable[Tensor] | Iterable[Group] | Iterable[tuple[str, Tensor]]
Closure = Callable[[], Any]


class Optimizer(Counted):
    """Base of all optimisers.

    A rule is two methods: `init_state` makes the arrays it remembers for a parameter, `update` writes a parameter in
    place from its gradient.  (A subclass may also override `step` altogether, as PyTorch's do.)

    Args: `params`, an iterable of leaf tensors, of ``(name, tensor)`` pairs, or of groups: dicts with a key "params"
    and hyperparameters of their own; `defaults`, the hyperparameters of groups that do not give theirs.

    Errors: ArgumentError for an empty or unordered `params`, a non-tensor, a non-leaf, a parameter in two groups.

    >>> import autograd
    >>> class SignDescent(Optimizer):
    ...     def __init__(self, params, lr):
    ...         super().__init__(params, {"lr": lr})
    ...     def update(self, param, grad, state, group):
    ...         param -= group["lr"] * np.sign(grad)
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> SignDescent([w], lr=0.5).step()
    >>> w
    tensor([ 0.5000, -1.5000], requires_grad=True)
    """

    scratch = 2  # arrays of a block's shape that `update` needs beside the state

    defaults: Group
    param_groups: list[Group]
    state: defaultdict[Tensor, State]

    def __init__(self, params: Params, defaults: Group) -> None:
        if isinstance(params, Tensor):
            raise ArgumentError("params: expected an iterable of tensors or groups, got one tensor; write [tensor]")
        self.check(defaults)
        self.__setstate__({"defaults": defaults, "state": defaultdict(dict), "param_groups": []})
        entries: list[Any] = list(params)
        if not entries:
            raise ArgumentError(
                "params: the list of parameters is empty; is model.parameters() used up or a layer missing?"
            )
        groups = entries if isinstance(entries[0], dict) else [{"params": entries}]
        for group in groups:
            self.add_param_group(group)

    # -- the rule ------------------------------------------------------------------------------------------------------

    def check(self, group: Group) -> None:
        """Raise ArgumentError for hyperparameters that the rule cannot work with."""

    def init_state(self, p: np.ndarray, group: Group) -> dict[str, np.ndarray]:
        """What the rule remembers of a parameter, before its first step."""
        return {}

    def update(self, param: np.ndarray, grad: np.ndarray, state: State, group: Group) -> None:
        """Write the new values into `param`, given its gradient (which is not to be written)."""
        raise NotImplementedError(f"{type(self).__name__}.update")

    def sweep(self, rule: Rule, arrays: tuple[np.ndarray, ...], *numbers: float, **options: bool) -> None:
        """Run ``rule(*arrays, *scratch, *numbers, **options)``, which is elementwise and writes arrays in place.

        Small arrays, and all while a program is recorded, by NumPy, in `blocks`; large ones in a single loop that is
        compiled from the rule.  What the rule decides in Python it decides by `options`, and by numbers being zero.
        """
        first = arrays[0]
        if type(first) is np.ndarray and first.size >= shared.LEAST and shared.fused(
            rule, arrays, self.scratch, numbers, options
        ):  # fmt: skip
            return
        for block in self.blocks(*arrays):
            rule(*block, *numbers, **options)

    # -- the loop ------------------------------------------------------------------------------------------------------

    def step(self, closure: Closure | None = None) -> Any:
        """Update every parameter that has a gradient; `closure`, if given, computes loss and gradients first.

        Returns what `closure` returned.
        """
        args: tuple[Any, ...] = (self,) if closure is None else (self, closure)
        kwargs: dict[str, Any] = {}
        for hook in self._step_pre_hooks:
            replaced = hook(self, args, kwargs)
            if replaced is not None:
                args, kwargs = _new_arguments(replaced)
                closure = kwargs.get("closure", args[1] if len(args) > 1 else None)
        loss = self._step(closure)
        self.stepped = True
        for hook in self._step_post_hooks:
            hook(self, args, kwargs)
        return loss

    def _step(self, closure: Closure | None) -> Any:
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        silent().run(self._update_all)
        return loss

    def _update_all(self) -> None:
        by, written = f"{type(self).__name__}.step", list[np.ndarray]()
        try:
            for group in self.param_groups:
                parameters = group["params"]
                if bodies.watcher is not None:
                    group = bodies.watcher.hyperparameters(group)
                for parameter in parameters:
                    if parameter.grad is None:
                        continue
                    p, g = parameter.array, parameter.grad.array
                    if p.shape != g.shape:
                        raise ShapeError(f"{by}: a parameter of shape {p.shape} has a gradient of shape {g.shape}")
                    state = self.state[parameter]
                    if not state:
                        state.update({name: wrap(array) for name, array in self.init_state(p, group).items()})
                        changed()
                    written.append(p)
                    self.update(p, g, state, group)
        finally:
            writes.note_all(written, by)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; with ``set_to_none=False`` write zeros into them instead."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    p.grad = p.grad.detach()
                    p.grad.array.fill(0)
                    mark_written(p.grad.array, "zero_grad")

    # -- parameters ----------------------------------------------------------------------------------------------------

    def add_param_group(self, param_group: Group) -> None:
        """Optimise further parameters: a dict with "params" and any hyperparameters that differ from the defaults."""
        if not isinstance(param_group, dict):
            raise ArgumentError(f"param_group: expected a dict, got {type(param_group).__name__}")
        if "params" not in param_group:
            raise ArgumentError(f"param_group: the key 'params' is missing; got the keys {sorted(param_group)}")
        tensors, names = _in_order(param_group["params"])
        for p in tensors:
            _check_parameter(p)
        group = {**self.defaults, **param_group, "params": tensors, **({"param_names": names} if names else {})}
        self.check(group)
        if len(tensors) != len(set(tensors)):
            warnings.warn("optimizer contains a parameter group with duplicate parameters: each is updated once per "
                          "mention; list it once", stacklevel=3)  # fmt: skip
        taken = {p for other in self.param_groups for p in other["params"]}
        if not taken.isdisjoint(tensors):
            raise ArgumentError("some parameters appear in more than one parameter group; list each in one group only")
        if any(("param_names" in other) != bool(names) for other in self.param_groups):
            raise ArgumentError("all optimizer param groups should be with/without names: name the parameters of "
                                "every group, model.named_parameters(), or of none, model.parameters()")  # fmt: skip
        param_group.update(group)  # the caller's dict is the group, as in PyTorch
        self.param_groups.append(param_group)
        changed()

    # -- hooks ---------------------------------------------------------------------------------------------------------

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(optimizer, args, kwargs)`` before each step; it may return new ``(args, kwargs)``."""
        return _registered(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return _registered(self._step_post_hooks, hook)

    # -- saving --------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """``{"state": {index: state}, "param_groups": [group]}``, parameters numbered in order, in PyTorch's format."""
        return checkpoint.packed(self.state, self.param_groups)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue where `state_dict` was taken; its groups must have as many parameters as ours."""
        state, groups = checkpoint.unpacked(state_dict, self.param_groups)
        self.__setstate__({"state": state, "param_groups": groups})

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        changed()
        self.__dict__.update(state)
        if "blocks" not in self.__dict__:
            self.blocks = Blocks(self.scratch)
            self.stepped = False
            self._step_pre_hooks: list[Callable[..., Any]] = []
            self._step_post_hooks: list[Callable[..., Any]] = []

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])


def _in_order(params: Any) -> tuple[list[Any], list[str]]:
    """The tensors of one group and their names, if they come with names."""
    if isinstance(params, Tensor):
        return [params], []
    if isinstance(params, set | frozenset):
        raise ArgumentError("params: a set has no fixed order, so saved state could not be matched; pass a list")
    entries = list(params)
    names = [entry[0] for entry in entries if isinstance(entry, tuple)]
    if names and len(names) != len(entries):
        raise ArgumentError("all optimizer params should be with/without names: some of the (name, tensor) pairs "
                            "lack a name")  # fmt: skip
    return [entry[1] for entry in entries] if names else entries, names


def _check_parameter(p: Any) -> None:
    if not isinstance(p, Tensor):
        raise ArgumentError(f"params: an optimizer can only optimize tensors, got {type(p).__name__}: {p!r:.80}")
    if not p.is_leaf and not p.retains_grad:  # type: ignore[attr-defined]
        raise ArgumentError(f"params: a tensor of shape {tuple(p.shape)} was computed, and can't be "
                            "optimized; pass the leaf it came from, or its detach().requires_grad_()")  # fmt: skip
    if not p.array.flags.writeable:
        raise ArgumentError(f"params: a tensor of shape {tuple(p.shape)} lies in read-only memory; pass its clone()")


def _registered(hooks: list[Any], hook: Any) -> Handle:
    changed()
    hooks.append(hook)
    return Handle(hooks, hook)


def _new_arguments(replaced: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if not isinstance(replaced, tuple) or len(replaced) != 2:
        raise ArgumentError(f"a step pre-hook returns None or (new_args, new_kwargs), this one {replaced!r:.80}")
    return replaced
