"""Modules that hold others."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, overload

from autograd import Tensor
from autograd.errors import ArgumentError, DimensionError

from .module import Module
from .parameter import Parameter


class _Sequence(Module):
    """Modules under the names "0", "1", ...: what `Sequential` and `ModuleList` share."""

    def _own(self) -> list[Module]:
        return [m for m in vars(self).values() if isinstance(m, Module)]

    def _at(self, index: Any) -> str:
        names, i = [n for n, m in vars(self).items() if isinstance(m, Module)], operator.index(index)
        if not -len(names) <= i < len(names):
            raise DimensionError(f"index {i} is out of range for {len(names)} modules")
        return names[i]

    def _replace(self, modules: Iterable[Module]) -> None:
        for name in [n for n, m in vars(self).items() if isinstance(m, Module)]:
            delattr(self, name)
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def __len__(self) -> int:
        return len(self._own())

    def __iter__(self) -> Iterator[Module]:
        return iter(self._own())

    @overload
    def __getitem__(self, index: slice) -> Self: ...
    @overload
    def __getitem__(self, index: int) -> Any: ...
    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, slice):
            return getattr(self, self._at(index))
        part = type(self).__new__(type(self))
        Module.__init__(part)
        for name, module in [(n, m) for n, m in vars(self).items() if isinstance(m, Module)][index]:
            part.add_module(name, module)
        return part

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._at(index), module)

    def __delitem__(self, index: Any) -> None:
        kept = self._own()
        del kept[index]
        self._replace(kept)

    def append(self, module: Module) -> Self:
        """Add one at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add several at the end."""
        for module in modules:
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Add one before `index`."""
        own = self._own()
        own.insert(index, module)
        self._replace(own)
        return self

    def pop(self, index: int = -1) -> Module:
        """Take one out."""
        module = self[index]
        del self[index]
        return module

    def __add__(self, other: Iterable[Module]) -> Self:
        result = type(self).__new__(type(self))
        Module.__init__(result)
        for i, module in enumerate([*self, *other]):
            result.add_module(str(i), module)
        return result

    def __iadd__(self, other: Iterable[Module]) -> Self:
        return self.extend(other)


class Sequential(_Sequence):
    """Modules run one after the other, given as arguments or as an OrderedDict of names.

    >>> import autograd, nn
    >>> nn.Sequential(nn.Flatten(), nn.Identity())(autograd.zeros(2, 3, 4)).shape
    Size([2, 12])
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(args):
                self.add_module(str(i), module)

    def forward(self, input: Any) -> Any:
        for module in self._own():
            input = module(input)
        return input


class ModuleList(_Sequence):
    """A list of modules whose parameters are found."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(modules or ())


class _Names(Module):
    """Attributes of one kind under chosen names: what `ModuleDict` and `ParameterDict` share."""

    _kind: type

    def _own(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if isinstance(value, self._kind)}

    def __getitem__(self, key: str) -> Any:
        return self._own()[key]

    def __delitem__(self, key: str) -> None:
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._own())

    def __iter__(self) -> Iterator[str]:
        return iter(self._own())

    def __contains__(self, key: str) -> bool:
        return key in self._own()

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._own().keys()

    def values(self) -> Iterable[Any]:
        """What they name."""
        return self._own().values()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Both."""
        return self._own().items()

    def pop(self, key: str) -> Any:
        """Take one out."""
        value = self[key]
        del self[key]
        return value

    def clear(self) -> None:
        """Take all out."""
        for name in list(self._own()):
            del self[name]


class ModuleDict(_Names):
    """A dict of modules whose parameters are found."""

    _kind = Module

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        self.update(modules or {})

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Take over several."""
        for name, module in modules.items() if isinstance(modules, Mapping) else modules:
            self[name] = module


class ParameterList(Module):
    """A list of parameters that are found."""

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self.extend(values or ())

    def _own(self) -> list[Any]:
        return [v for n, v in vars(self).items() if n.isdigit()]

    def __len__(self) -> int:
        return len(self._own())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._own())

    def __getitem__(self, index: Any) -> Any:
        return self._own()[index]

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, str(operator.index(index) % len(self)), _parameter(value))

    def append(self, value: Any) -> Self:
        """Add one at the end."""
        setattr(self, str(len(self)), _parameter(value))
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add several at the end."""
        for value in values:
            self.append(value)
        return self


class ParameterDict(_Names):
    """A dict of parameters that are found."""

    _kind = Parameter

    def __init__(self, parameters: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.update(parameters or {})

    def __setitem__(self, key: str, value: Any) -> None:
        self.register_parameter(key, _parameter(value))

    def update(self, parameters: Mapping[str, Any]) -> None:
        """Take over several."""
        for name, value in parameters.items():
            self[name] = value


def _parameter(value: Any) -> Any:
    if isinstance(value, Tensor) and not isinstance(value, Parameter):
        return Parameter(value)
    if not isinstance(value, Parameter):
        raise ArgumentError(f"expected a Tensor or Parameter, got {type(value).__name__}")
    return value
