"""Hooks of modules: a user's word before and after forward, on the way back, and around state dicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autograd import Tensor
from autograd.changes import changed
from autograd.errors import ArgumentError
from autograd.function import Function
from autograd.hooks import Handle

if TYPE_CHECKING:
    from .module import Module


class Hooks:
    """The hooks of one module; made when the first is registered."""

    __slots__ = ("after", "backward", "backward_pre", "before", "loaded", "saved")

    def __init__(self) -> None:
        self.before: list[tuple[Any, bool]] = []
        self.after: list[tuple[Any, bool, bool]] = []
        self.backward_pre: list[Any] = []
        self.backward: list[Any] = []
        self.saved: list[Any] = []
        self.loaded: list[Any] = []


def _of(module: Module) -> Hooks:
    if module._hooks is None:
        object.__setattr__(module, "_hooks", Hooks())
    return module._hooks


def _add(hooks: list[Any], entry: Any, prepend: bool = False) -> Handle:
    changed()
    hooks.insert(0 if prepend else len(hooks), entry)
    return Handle(hooks, entry)


def register_forward_pre_hook(self: Module, hook: Callable[..., Any], *, prepend: bool = False,
                              with_kwargs: bool = False) -> Handle:  # fmt: skip
    """Call ``hook(module, args)`` before `forward`; what it returns takes the place of the arguments."""
    return _add(_of(self).before, (hook, with_kwargs), prepend)


def register_forward_hook(self: Module, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False,
                          always_call: bool = False) -> Handle:  # fmt: skip
    """Call ``hook(module, args, output)`` after `forward`; what it returns takes the place of the output."""
    return _add(_of(self).after, (hook, with_kwargs, always_call), prepend)


def register_full_backward_pre_hook(self: Module, hook: Callable[..., Any], prepend: bool = False) -> Handle:
    """Call ``hook(module, grad_output)`` when the output's cotangents are known; it may return others."""
    return _add(_of(self).backward_pre, hook, prepend)


def register_full_backward_hook(self: Module, hook: Callable[..., Any], prepend: bool = False) -> Handle:
    """Call ``hook(module, grad_input, grad_output)`` when the input's cotangents are known; it may return others."""
    return _add(_of(self).backward, hook, prepend)


def register_state_dict_post_hook(self: Module, hook: Callable[..., Any]) -> Handle:
    """Call ``hook(module, state_dict, prefix, local_metadata)`` after `state_dict`."""
    return _add(_of(self).saved, hook)


def register_load_state_dict_post_hook(self: Module, hook: Callable[..., Any]) -> Handle:
    """Call ``hook(module, incompatible_keys)`` after `load_state_dict`."""
    return _add(_of(self).loaded, hook)


def after_state_dict(module: Module, state: Any, prefix: str) -> None:
    """Run the hooks after `state_dict`."""
    for hook in module._hooks.saved if module._hooks else ():
        hook(module, state, prefix, {})


def after_load(module: Module, result: Any) -> None:
    """Run the hooks after `load_state_dict`."""
    for hook in module._hooks.loaded if module._hooks else ():
        hook(module, result)


# ---------------------------------------------------------------------------------------------------------------------


def call(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`forward` with the hooks around it."""
    own = module._hooks
    for hook, with_kwargs in list(own.before):
        args, kwargs = _new_arguments(
            hook(module, args, kwargs) if with_kwargs else hook(module, args), args, kwargs, with_kwargs
        )
    watch = _Watch(module, args) if own.backward or own.backward_pre else None
    done = False
    try:
        output = module.forward(*(watch.args if watch else args), **kwargs)
        for hook, with_kwargs, _ in list(own.after):
            result = hook(module, args, kwargs, output) if with_kwargs else hook(module, args, output)
            output = output if result is None else result
        done = True
    finally:
        if not done:
            for hook, with_kwargs, always in list(own.after):
                if always:
                    hook(module, args, kwargs, None) if with_kwargs else hook(module, args, None)
    return watch.outputs(output) if watch else output


def _new_arguments(result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], both: bool) -> tuple[Any, Any]:
    if result is None:
        return args, kwargs
    if both:
        if not isinstance(result, tuple) or len(result) != 2:
            raise ArgumentError("a forward pre-hook with kwargs must return None or (args, kwargs)")
        return result
    return result if isinstance(result, tuple) else (result,), kwargs


class _Gate(Function):
    """The identity, whose backward pass shows all cotangents to `see` and passes on what that returns."""

    @staticmethod
    def forward(ctx: Any, see: Callable[..., Any], *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.see = see
        return tensors

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> tuple[Any, ...]:
        return (None, *ctx.see(cotangents))


class _Watch:
    """Stands at a module's inputs and outputs on the tape, to call its backward hooks."""

    def __init__(self, module: Module, args: tuple[Any, ...]) -> None:
        self.module = module
        self.grad_output: tuple[Any, ...] | None = None
        self.places = [i for i, x in enumerate(args) if isinstance(x, Tensor) and x.requires_grad]
        self.count, values = len(args), list(args)
        if self.places:
            for i, t in zip(self.places, _Gate.apply(self._inputs, *(args[i] for i in self.places))):
                values[i] = t
        self.args = tuple(values)

    def outputs(self, output: Any) -> Any:
        several = isinstance(output, tuple)
        values = list(output) if several else [output]
        places = [i for i, x in enumerate(values) if isinstance(x, Tensor) and x.requires_grad]
        if places:
            for i, t in zip(places, _Gate.apply(self._outputs, *(values[i] for i in places))):
                values[i] = t
        return tuple(values) if several else values[0]

    def _outputs(self, cotangents: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in list(self.module._hooks.backward_pre):
            cotangents = _tuple(hook(self.module, cotangents), cotangents)
        self.grad_output = cotangents
        if not self.places:
            for hook in list(self.module._hooks.backward):
                hook(self.module, (None,) * self.count, cotangents)
        return cotangents

    def _inputs(self, cotangents: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in list(self.module._hooks.backward):
            full: list[Any] = [None] * self.count
            for i, g in zip(self.places, cotangents):
                full[i] = g
            given = _tuple(hook(self.module, tuple(full), self.grad_output), tuple(full))
            cotangents = tuple(given[i] for i in self.places)
        return cotangents


def _tuple(result: Any, otherwise: tuple[Any, ...]) -> tuple[Any, ...]:
    if result is None:
        return otherwise
    return result if isinstance(result, tuple) else (result,)
