"""Module: what has parameters, submodules and a forward computation.

A module's parameters, buffers and submodules are ordinary attributes, found by looking through them; nothing is kept
twice.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Self

from autograd import Tensor
from autograd.changes import Counted, changed
from autograd.compiling import compile as compiled
from autograd.dtypes import as_dtype, is_floating
from autograd.errors import ArgumentError, CheckpointError
from autograd.ops.casting import check_device
from autograd.recording import Scope, recording
from autograd.tensor import wrap

from . import hooks
from .loading import load_into
from .parameter import Parameter


class Incompatible(NamedTuple):
    """What `load_state_dict` found: keys that the module has and the dict lacks, and the reverse."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not any(self):
            return "<All keys matched successfully>"
        return f"Incompatible(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class Module(Counted):
    """Base of all layers and models: set parameters and submodules as attributes, write `forward`.

    >>> import autograd, nn
    >>> class Scale(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = nn.Parameter(autograd.ones(1))
    ...     def forward(self, x):
    ...         return self.factor * x
    >>> Scale()(autograd.tensor([2.0]))
    tensor([2.], grad_fn=<mul>)
    """

    training: bool
    _name: str  # what the module that holds this one calls it
    _buffers: dict[str, bool]  # name -> whether it is part of the state dict
    _hooks: Any  # see nn/hooks.py
    _compiled: Any = None  # what calls go to, see `compile`

    def __init__(self) -> None:
        put = object.__setattr__
        put(self, "training", True)
        put(self, "_name", "")
        put(self, "_buffers", {})
        put(self, "_hooks", None)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The computation; a subclass writes it, and callers call the module itself."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(); write one")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return (self._called if self._compiled is None else self._compiled)(*args, **kwargs)

    def compile(self, *, fullgraph: bool = False, dynamic: bool = False) -> None:
        """Compile the calls of this module, which stays what it is; see `autograd.compile`.

        >>> import autograd, nn
        >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
        >>> model[0].compile()
        >>> [list(model(autograd.ones(2, 4)).shape) for _ in range(3)][-1]
        [2, 8]
        """
        self._compiled = compiled(self._called, fullgraph=fullgraph, dynamic=dynamic)

    def _called(self, *args: Any, **kwargs: Any) -> Any:
        outer = recording.scope
        if outer is not None:
            recording.scope = Scope(f"{self._name} {type(self).__name__}".lstrip(), outer)
        try:
            if self._hooks is None:
                return self.forward(*args, **kwargs)
            return hooks.call(self, args, kwargs)
        finally:
            if outer is not None:
                recording.scope = outer

    # -- attributes ----------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        value = _in_place(value)
        if isinstance(value, Module):
            self._ready(name)
            object.__setattr__(value, "_name", name)
        elif isinstance(value, Parameter):
            self._ready(name)
            self._buffers.pop(name, None)
        elif isinstance(value, Tensor) or value is not None:
            old = self.__dict__.get(name)
            if isinstance(old, Parameter):
                raise ArgumentError(
                    f"cannot assign {type(value).__name__} as parameter {name!r}; write nn.Parameter(...), or None"
                )
            if isinstance(old, Module):
                raise ArgumentError(
                    f"cannot assign {type(value).__name__} as module {name!r}; expected an nn.Module or None"
                )
        _put(self, name, value)

    def _ready(self, name: str) -> None:
        if "_buffers" not in self.__dict__:
            raise ArgumentError(
                f"cannot assign {name!r} before super().__init__() was called in {type(self).__name__}.__init__"
            )

    def __delattr__(self, name: str) -> None:
        changed()
        object.__delattr__(self, name)
        self._buffers.pop(name, None)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is state but no parameter; part of the state dict if `persistent`."""
        self._fresh(name, tensor, Tensor)
        _put(self, name, tensor)
        self._buffers[name] = persistent

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under a computed name."""
        self._fresh(name, param, Parameter)
        _put(self, name, param)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a submodule under a computed name."""
        module = _in_place(module)
        self._fresh(name, module, Module)
        setattr(self, name, module)

    register_module = add_module

    def _fresh(self, name: Any, value: Any, kind: type) -> None:
        self._ready(str(name))
        if not isinstance(name, str) or not name or "." in name:
            raise ArgumentError(f"name: expected a non-empty string without dots, got {name!r}")
        if hasattr(type(self), name) or (name in self.__dict__ and not isinstance(self.__dict__[name], kind | None)):
            raise ArgumentError(f"attribute {name!r} already exists in {type(self).__name__}")
        if value is not None and not isinstance(value, kind):
            raise ArgumentError(f"{name}: expected a {kind.__name__} or None, got {type(value).__name__}")

    # -- what there is -------------------------------------------------------------------------------------------------

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The submodules of this module itself, each once."""
        seen: set[int] = set()
        for name, value in vars(self).items():
            if isinstance(value, Module) and id(value) not in seen:
                seen.add(id(value))
                yield name, value

    def children(self) -> Iterator[Module]:
        """The submodules of this module itself."""
        return (module for _, module in self.named_children())

    def named_modules(self, memo: set[int] | None = None, prefix: str = "",
                      remove_duplicate: bool = True) -> Iterator[tuple[str, Module]]:  # fmt: skip
        """This module and all within, with dotted names."""
        memo = set() if memo is None else memo
        if remove_duplicate and id(self) in memo:
            return
        memo.add(id(self))
        yield prefix, self
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield from value.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all within."""
        return (module for _, module in self.named_modules())

    def _tensors(self, kind: str, prefix: str, recurse: bool, once: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        found = self.named_modules(prefix=prefix, remove_duplicate=once) if recurse else [(prefix, self)]
        for place, module in found:
            own = vars(module)
            pairs = ([(n, own[n]) for n in module._buffers] if kind == "buffer"
                     else [(n, v) for n, v in own.items() if isinstance(v, Parameter)])  # fmt: skip
            for name, value in pairs:
                if value is None or (once and id(value) in seen):
                    continue
                seen.add(id(value))
                yield f"{place}.{name}" if place else name, value

    def named_parameters(self, prefix: str = "", recurse: bool = True,
                         remove_duplicate: bool = True) -> Iterator[tuple[str, Parameter]]:  # fmt: skip
        """The parameters, with dotted names."""
        return self._tensors("parameter", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters: what an optimiser takes."""
        return (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True,
                      remove_duplicate: bool = True) -> Iterator[tuple[str, Tensor]]:  # fmt: skip
        """The buffers, with dotted names."""
        return self._tensors("buffer", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers."""
        return (b for _, b in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module of a dotted name."""
        module: Any = self
        for part in target.split(".") if target else ():
            module = getattr(module, part, None)
            if not isinstance(module, Module):
                raise AttributeError(
                    f"{type(self).__name__} has no submodule {target!r}; it has "
                    f"{', '.join(name for name, _ in self.named_modules() if name) or 'none'}"
                )
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of a dotted name."""
        place, _, name = target.rpartition(".")
        found = getattr(self.get_submodule(place), name, None)
        if not isinstance(found, Parameter):
            raise AttributeError(f"{type(self).__name__} has no parameter {target!r}")
        return found

    def get_buffer(self, target: str) -> Tensor:
        """The buffer of a dotted name."""
        place, _, name = target.rpartition(".")
        module = self.get_submodule(place)
        if name not in module._buffers:
            raise AttributeError(f"{type(self).__name__} has no buffer {target!r}")
        return getattr(module, name)

    # -- changes to all of it ------------------------------------------------------------------------------------------

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn` on every module, children first."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def _convert(self, change: Callable[[Tensor], Tensor]) -> Self:
        """Replace every parameter, gradient and buffer by its image under `change`; parameters keep their identity."""
        for module in self.modules():
            for value in vars(module).values():
                if isinstance(value, Parameter):
                    value.data = change(value.data)
                    if value.grad is not None:
                        value.grad = change(value.grad)
            for name in module._buffers:
                if (buffer := getattr(module, name)) is not None:
                    _put(module, name, change(buffer))
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Parameters and buffers in another floating-point type; the device is always the CPU."""
        given = [a for a in (*args, kwargs.get("dtype")) if a is not None and not isinstance(a, str | bool)]
        for device in [a for a in (*args, kwargs.get("device")) if isinstance(a, str)]:
            check_device(device)
        if not given:
            return self
        kind = given[0].dtype if isinstance(given[0], Tensor) else as_dtype(given[0])
        if not is_floating(kind):
            raise ArgumentError(f"to: parameters must stay floating point, got {kind}")
        return self._convert(lambda t: t.to(kind) if is_floating(t.dtype) else t)

    def float(self) -> Self:
        """Parameters and buffers in float32."""
        return self._convert(lambda t: t.float() if is_floating(t.dtype) else t)

    def double(self) -> Self:
        """Parameters and buffers in float64."""
        return self._convert(lambda t: t.double() if is_floating(t.dtype) else t)

    def half(self) -> Self:
        """Parameters and buffers in float16."""
        return self._convert(lambda t: t.half() if is_floating(t.dtype) else t)

    def type(self, dst_type: Any) -> Self:
        """All parameters and buffers in another type."""
        return self._convert(lambda t: t.to(dst_type))

    def cpu(self) -> Self:
        """This module, which is on the CPU."""
        return self

    def share_memory(self) -> Self:
        """This module; forked workers see its memory as it is."""
        return self

    def train(self, mode: bool = True) -> Self:
        """Training mode on or off, for dropout and batch normalisation."""
        if not isinstance(mode, bool):
            raise ArgumentError(f"mode: expected True or False, got {mode!r}")
        for module in self.modules():
            _put(module, "training", mode)
        return self

    def eval(self) -> Self:
        """Training mode off."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Whether the parameters want gradients."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or fill them with zeros."""
        for p in self.parameters():
            if p.grad is not None:
                p.grad = None if set_to_none else wrap(p.grad.array * 0)

    # -- state ---------------------------------------------------------------------------------------------------------

    def get_extra_state(self) -> Any:
        """What a subclass wants in the state dict besides tensors; None for nothing."""
        return None

    def set_extra_state(self, state: Any) -> None:
        """Take back what `get_extra_state` gave."""
        raise NotImplementedError(f"{type(self).__name__} has get_extra_state() but no set_extra_state()")

    def state_dict(
        self, *, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> OrderedDict[str, Any]:
        """Parameters and persistent buffers by dotted name, sharing memory.

        >>> import nn
        >>> list(nn.Linear(2, 1).state_dict())
        ['weight', 'bias']
        """
        state = OrderedDict() if destination is None else destination
        for place, module in self.named_modules(prefix=prefix.removesuffix("."), remove_duplicate=False):
            dotted = f"{place}." if place else ""
            own = vars(module)
            kept = [n for n, v in own.items() if isinstance(v, Parameter)]
            kept += [n for n, persistent in module._buffers.items() if persistent and own[n] is not None]
            for name in kept:
                state[dotted + name] = own[name] if keep_vars else own[name].detach()
            if (extra := module.get_extra_state()) is not None:
                state[dotted + "_extra_state"] = extra
        hooks.after_state_dict(self, state, prefix)
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Incompatible:
        """Take over the values of a state dict; nothing is changed unless all of it fits.

        Raises CheckpointError that lists the keys missing, surplus (both only if `strict`) and misshapen.
        """
        if not isinstance(state_dict, Mapping):
            raise ArgumentError(f"state_dict: expected a dict, got {type(state_dict).__name__}")
        missing, unexpected, problems = load_into(self, dict(state_dict), strict, assign)
        if problems:
            lines = "\n    ".join(problems)
            raise CheckpointError(f"Error(s) in loading state_dict for {type(self).__name__}:\n    {lines}")
        result = Incompatible(missing, unexpected)
        hooks.after_load(self, result)
        return result

    # -- hooks ---------------------------------------------------------------------------------------------------------

    register_forward_pre_hook = hooks.register_forward_pre_hook
    register_forward_hook = hooks.register_forward_hook
    register_full_backward_pre_hook = hooks.register_full_backward_pre_hook
    register_full_backward_hook = hooks.register_full_backward_hook
    register_state_dict_post_hook = hooks.register_state_dict_post_hook
    register_load_state_dict_post_hook = hooks.register_load_state_dict_post_hook

    # -- description ---------------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What stands between the parentheses of the repr."""
        return ""

    def __repr__(self) -> str:
        lines = self.extra_repr().split("\n") if self.extra_repr() else []
        children = [
            f"({name}): {repr(child).replace(chr(10), chr(10) + '  ')}" for name, child in self.named_children()
        ]
        if not children and len(lines) <= 1:
            return f"{type(self).__name__}({''.join(lines)})"
        return f"{type(self).__name__}(\n" + "".join(f"  {line}\n" for line in lines + children) + ")"


def _in_place(value: Any) -> Any:
    """The module of what `autograd.compile` made of one, compiled in place: as a child it is a module like others."""
    whole = getattr(value, "function", None)
    if isinstance(value, Module) or not isinstance(whole, Module):
        return value
    whole.compile(fullgraph=value.fullgraph, dynamic=value.dynamic)
    return whole


def _put(module: Module, name: str, value: Any) -> None:
    """Set an attribute, and count it: compiled functions look at the count instead of at all attributes."""
    changed()
    object.__setattr__(module, name, value)
