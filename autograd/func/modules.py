"""Modules as functions of their parameters."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..changes import changed
from ..errors import ArgumentError
from ..ops.join import stack
from ..tensor import Tensor

Tensors = Mapping[str, Tensor]


def functional_call(module: Any, parameter_and_buffer_dicts: Tensors | Sequence[Tensors], args: Any = None,
                    kwargs: dict[str, Any] | None = None, *, tie_weights: bool = True,
                    strict: bool = False) -> Any:  # fmt: skip
    """``module(*args, **kwargs)`` with other parameters and buffers in place of its own, by their dotted names.

    What is not named keeps the module's values; with `strict` everything must be named, and nothing else.  `args` is a
    tuple, or the only argument.  A parameter under several names is replaced under all of them if one is given, unless
    `tie_weights` is False.  Where the module assigns a buffer, the new value is not kept.

    >>> import autograd, nn
    >>> from autograd.func import functional_call, grad
    >>> layer = nn.Linear(2, 1)
    >>> weights = {"weight": autograd.ones(1, 2), "bias": autograd.zeros(1)}
    >>> functional_call(layer, weights, (autograd.tensor([[1.0, 2.0]]),))
    tensor([[3.]])
    >>> x = autograd.tensor([[1.0, 2.0]])
    >>> grad(lambda w: functional_call(layer, w, (x,)).sum())(weights)
    {'weight': tensor([[1., 2.]]), 'bias': tensor([1.])}
    """
    values = _merged(parameter_and_buffer_dicts)
    own = _places(module)
    if strict and set(values) != set(own):
        raise ArgumentError(
            f"functional_call: strict=True, but missing are {sorted(set(own) - set(values))} and "
            f"unexpected {sorted(set(values) - set(own))}"
        )
    values = {name: value for name, value in values.items() if name in own}
    if tie_weights:
        values = _tied(own, values)
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    with _replaced({own[name][:2]: value for name, value in values.items()}):
        return module(*arguments, **(kwargs or {}))


def _merged(dicts: Any) -> dict[str, Tensor]:
    every = [dicts] if isinstance(dicts, Mapping) else dicts
    if not isinstance(every, list | tuple) or not all(isinstance(d, Mapping) for d in every):
        raise ArgumentError(
            f"parameter_and_buffer_dicts: expected a dict or a sequence of dicts, got {type(dicts).__name__}"
        )
    merged: dict[str, Tensor] = {}
    for values in every:
        for name, value in values.items():
            if name in merged:
                raise ArgumentError(f"parameter_and_buffer_dicts: {name!r} is in several of the dicts")
            if not isinstance(value, Tensor):
                raise ArgumentError(
                    f"parameter_and_buffer_dicts: {name!r} must be a Tensor, got {type(value).__name__}"
                )
            merged[name] = value
    return merged


def _places(module: Any) -> dict[str, tuple[Any, str, Tensor]]:
    """Each parameter and buffer by its dotted names: where it lives, and what it is."""
    if not hasattr(module, "named_modules"):
        raise ArgumentError(f"functional_call: module must be an nn.Module, got {type(module).__name__}")
    found = {}
    for place, inner in module.named_modules(remove_duplicate=False):
        names = [name for kind in ("parameters", "buffers")
                 for name, _ in getattr(inner, f"named_{kind}")(recurse=False, remove_duplicate=False)]  # fmt: skip
        for name in names:
            found[f"{place}.{name}" if place else name] = (inner, name, getattr(inner, name))
    return found


def _tied(own: dict[str, tuple[Any, str, Tensor]], values: dict[str, Tensor]) -> dict[str, Tensor]:
    """`values` with one for every name of the same tensor."""
    names: dict[int, list[str]] = {}
    for name, (_, _, tensor) in own.items():
        names.setdefault(id(tensor), []).append(name)
    result = dict(values)
    for same in names.values():
        given = [name for name in same if name in values]
        if len({id(values[name]) for name in given}) > 1:
            raise ArgumentError(
                f"functional_call: {given} are one parameter, but were given several values; give one, or pass "
                "tie_weights=False"
            )
        result |= {name: values[given[0]] for name in same if given}
    return result


@contextlib.contextmanager
def _replaced(values: dict[tuple[Any, str], Tensor]) -> Iterator[None]:
    """Inside, attributes of modules have other values."""
    before = {(module, name): vars(module)[name] for module, name in values}
    try:
        for (module, name), value in values.items():
            vars(module)[name] = value
        changed()
        yield
    finally:
        for (module, name), value in before.items():
            vars(module)[name] = value
        changed()


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The parameters and the buffers of alike modules, stacked along a new first dimension: an ensemble for `vmap`.

    >>> import autograd, nn
    >>> from autograd.func import functional_call, stack_module_state, vmap
    >>> models = [nn.Linear(2, 1) for _ in range(3)]
    >>> parameters, buffers = stack_module_state(models)
    >>> x = autograd.ones(4, 2)
    >>> vmap(lambda p, b: functional_call(models[0], (p, b), (x,)))(parameters, buffers).shape
    Size([3, 4, 1])
    """
    if not models:
        raise ArgumentError("stack_module_state: expected at least one module")
    if len({type(model) for model in models}) > 1:
        raise ArgumentError("stack_module_state: the modules must be of one class")
    if len({model.training for model in models}) > 1:
        raise ArgumentError("stack_module_state: the modules must all be in training mode, or all not")
    parameters = _stacked([dict(model.named_parameters()) for model in models])
    for name, p in models[0].named_parameters():
        parameters[name] = parameters[name].detach().requires_grad_(p.requires_grad)
    return parameters, _stacked([dict(model.named_buffers()) for model in models])


def _stacked(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: stack([state[name] for state in states]) for name in states[0]}


def replace_all_batch_norm_modules_(root: Any) -> Any:
    """Take the running statistics out of every batch norm in `root`, so that no call writes into a buffer.

    >>> import nn
    >>> from autograd.func import replace_all_batch_norm_modules_
    >>> list(replace_all_batch_norm_modules_(nn.Sequential(nn.BatchNorm1d(3))).buffers())
    []
    """
    for module in root.modules():
        if any(kind.__name__ == "_BatchNorm" for kind in type(module).__mro__) and module.track_running_stats:
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root
