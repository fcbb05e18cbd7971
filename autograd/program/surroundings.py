"""What a function sees besides its arguments: closures, globals, attributes; the tensors in them, and what to guard.

A program is true as long as everything that the function reads in Python is what it was.  `Surroundings` walks from the
function through closures, the globals that its code names, bound objects, containers and attributes.  Tensors become
inputs of the program; every number, string and object on the way is compared before each later call.  Objects that
count their own changes (`autograd/changes.py`) are compared only when the count has moved.
"""

from __future__ import annotations

import dis
import functools
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..changes import Counted, changes
from ..tensor import Tensor

_PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic, np.dtype)
_LONG = 256  # elements of a list or dict that are looked at one by one
_SKIPPED = (types.ModuleType, types.BuiltinFunctionType, np.ufunc, np.ndarray)
_OURS = ("autograd", "nn", "optim")
_LIBRARIES = ("numpy", "scipy", *sys.stdlib_module_names)  # whose attributes are taken to stay
_OWN = {"_buffers", "_hooks", "state", "param_groups", "defaults", "blocks", "_step_pre_hooks", "_step_post_hooks"}

Guard = tuple[Callable[[], Any], Any, bool, str]  # read, expected, compared by identity, what it is


class Surroundings:
    """The tensors that `function` reaches, by itself or through what it is `given`; names, and guards of the way."""

    def __init__(self, function: Any, given: Sequence[Any] = ()) -> None:
        self.tensors: dict[int, tuple[Tensor, str]] = {}
        self.prints = False  # whether a function on the way names `print`
        self.groups: list[dict[str, Any]] = []  # an optimiser's, whose floats are inputs
        self.always: list[Guard] = []
        self.counted: list[Guard] = []
        self._seen: set[int] = set()
        self._walked: set[int] = set()  # classes
        self._kept: list[Any] = list(given)  # identities stay taken
        todo: list[tuple[Any, str, bool]] = [*((x, type(x).__name__, False) for x in given), (function, "", False)]
        self._later: list[tuple[dict[Any, Any], str, bool]] = []  # groups: a parameter is called as in its module
        while todo or self._later:
            found = self._visit(*todo.pop()) if todo else self._dict(*self._later.pop())
            todo += reversed(list(found))  # in the order of the code, in every process
        self.count = changes.count

    def changed(self) -> str:
        """What is not as it was, or ""."""
        for read, expected, same, what in self.always:
            now = read()
            if now is not expected and (same or now != expected or type(now) is not type(expected)):
                return what
        if changes.count != self.count:
            count = changes.count
            for read, expected, same, what in self.counted:
                now = read()
                if now is not expected and (same or now != expected or type(now) is not type(expected)):
                    return what
            self.count = count
        return ""

    def _visit(self, x: Any, name: str, counted: bool) -> Iterator[tuple[Any, str, bool]]:
        self.prints |= x is print
        if isinstance(x, (*_PLAIN, *_SKIPPED)) or id(x) in self._seen:
            return
        self._seen.add(id(x))
        self._kept.append(x)
        if isinstance(x, Tensor):
            self.tensors[id(x)] = (x, name)
            self._guard(functools.partial(_wants, x), _wants(x), f"{name}.requires_grad", isinstance(x, Counted))
            self._guard(functools.partial(_hooks, x), _hooks(x), f"the hooks of {name}", True)
            yield _hooks(x), f"the hooks of {name}", False
            yield getattr(x.node, "after", None), f"the hooks of {name}", False
        elif isinstance(x, types.FunctionType):
            yield from self._function(x, name)
        elif isinstance(x, type):
            yield from self._classes(x)
        elif isinstance(x, types.MethodType):
            yield from ((x.__self__, name, counted), (x.__func__, name, counted))
        elif isinstance(x, functools.partial):
            yield from ((part, name, counted) for part in (x.func, *x.args, *x.keywords.values()))
        elif isinstance(x, dict) and "params" in x and "lr" in x:
            self._later.append((x, name, counted))
        elif isinstance(x, dict):
            yield from self._dict(x, name, counted)
        elif isinstance(x, list | tuple | set | frozenset):
            yield from self._sequence(x, name, counted)
        elif type(x).__module__.startswith("autograd.program"):  # a compiled function: what it compiles
            yield getattr(x, "__wrapped__", None), name, counted
        elif hasattr(x, "__dict__") and not type(x).__module__.startswith(("numpy", "builtins", "threading")):
            inside = isinstance(x, Counted)
            for key, (value, inner, _) in zip(list(vars(x)), self._dict(vars(x), name, counted or inside)):
                if inside and key == "state":  # an optimiser's, which anybody may clear
                    self._guard(functools.partial(len, value), len(value), f"the size of {inner}", False)
                yield value, inner, counted or (inside and key in _OWN)
            yield from self._classes(type(x))
        elif hasattr(type(x), "__slots__") and not type(x).__module__.startswith(("numpy", "builtins")):
            yield from self._attributes(x, type(x).__slots__, name, counted)

    def _attributes(self, x: Any, keys: Any, name: str, counted: bool) -> Iterator[tuple[Any, str, bool]]:
        for key in keys:
            value = getattr(x, key, None)
            inner = f"{name}.{key}" if name else key
            if not isinstance(value, types.ModuleType | types.BuiltinFunctionType | type):
                self._guard(functools.partial(getattr, x, key, None), value, inner, counted)
            yield value, inner, counted

    def _classes(self, kind: type) -> Iterator[tuple[Any, str, bool]]:
        """What the methods of a class of the user's see, and its attributes."""
        for one in kind.__mro__:
            if one.__module__.split(".")[0] in (*_OURS, *_LIBRARIES) or id(one) in self._walked:
                continue
            self._walked.add(id(one))
            for key, value in list(vars(one).items()):
                if isinstance(value, types.FunctionType | staticmethod | classmethod | property):
                    now = getattr(one, key, None)
                    self._guard(functools.partial(getattr, one, key, None), now, f"{one.__name__}.{key}", False)
                    functions = (value.fget, value.fset) if isinstance(value, property) else (value,)
                    yield from ((getattr(f, "__func__", f), "", False) for f in functions)
                elif not key.startswith("__"):
                    yield from self._attributes(one, (key,), one.__name__, False)

    def _function(self, f: types.FunctionType, name: str) -> Iterator[tuple[Any, str, bool]]:
        if (f.__module__ or "").split(".")[0] in _OURS:
            return
        for variable, cell in zip(f.__code__.co_freevars, f.__closure__ or ()):
            try:
                value = cell.cell_contents
            except ValueError:  # not assigned yet
                continue
            self._guard(functools.partial(getattr, cell, "cell_contents", None), value, variable, False)
            yield value, variable, False
        for variable in _names(f.__code__):
            self.prints |= variable == "print"
            if variable in f.__globals__:
                value = f.__globals__[variable]
                if not isinstance(value, types.ModuleType | types.BuiltinFunctionType | type):
                    self._guard(functools.partial(f.__globals__.get, variable), value, variable, False)
                yield value, variable, False
        for variable, *path, key in _dotted(f.__code__):
            owner = f.__globals__.get(variable)
            for between in path:  # modules in modules
                owner = getattr(owner, between, None) if isinstance(owner, types.ModuleType) else None
            if not isinstance(owner, types.ModuleType | type) or not hasattr(owner, key):
                continue
            if (getattr(owner, "__module__", None) or owner.__name__).split(".")[0] not in (*_OURS, *_LIBRARIES):
                yield from self._attributes(owner, (key,), ".".join((variable, *path)), False)
        yield from ((value, name, False) for value in (*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()))
        if hasattr(f, "__wrapped__"):
            yield f.__wrapped__, name, False

    def _dict(self, d: dict[Any, Any], name: str, counted: bool) -> Iterator[tuple[Any, str, bool]]:
        group = "params" in d and "lr" in d  # which anybody may write into
        if group:
            self.groups.append(d)
        self._guard(functools.partial(len, d), len(d), f"the size of {name}", counted)
        for key, value in list(d.items())[:_LONG]:
            inner = f"{name}.{key}" if name and isinstance(key, str) else str(key) if isinstance(key, str) else name
            if not (group and type(value) is float):
                option = group and isinstance(value, _PLAIN)
                self._guard(functools.partial(d.get, key), value, inner, counted and not option)
            yield value, inner, counted

    def _sequence(self, x: Any, name: str, counted: bool) -> Iterator[tuple[Any, str, bool]]:
        if not isinstance(x, tuple):
            self._guard(functools.partial(len, x), len(x), f"the length of {name}", counted)
        for i, value in enumerate(list(x)[:_LONG]):
            if isinstance(x, list):
                self._guard(functools.partial(_element, x, i), value, f"{name}[{i}]", counted)
            yield value, f"{name}[{i}]", counted

    def _guard(self, read: Callable[[], Any], expected: Any, what: str, counted: bool) -> None:
        same = not isinstance(expected, (*_PLAIN, types.MethodType))  # a method is bound anew each time it is looked up
        (self.counted if counted else self.always).append((read, expected, same, what))


def _element(x: list[Any], i: int) -> Any:
    return x[i] if i < len(x) else None


def _wants(x: Tensor) -> bool:
    return x.node is not None


def _hooks(x: Tensor) -> list[Any] | None:
    return None if x.node is None else x.node.hooks


def _names(code: types.CodeType) -> dict[str, None]:
    """Global names in `code` and in the functions that it defines, in order; `co_names` holds attributes, too."""
    names = {i.argval: None for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            names |= _names(inner)
    return names


def _dotted(code: types.CodeType) -> dict[tuple[str, ...], None]:
    """The attributes of globals, and theirs, that `code` and the functions that it defines read, in order."""
    found: dict[tuple[str, ...], None] = {}
    path: tuple[str, ...] = ()
    for i in dis.get_instructions(code):
        if i.opname in ("LOAD_ATTR", "LOAD_METHOD") and path:
            path = (*path, i.argval)
            found[path] = None
        else:
            path = (i.argval,) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME") else ()
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            found |= _dotted(inner)
    return found
