"""`autograd.compile`: record a function twice, and replay its program from then on."""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, CompileError
from ..recording import recording as tape_recording
from ..tensor import Tensor, wrap
from ..writes import mark_written
from .build import built
from .passes import optimised
from .program import CheckFailed, Program
from .recording import Argument, Hyper, Place, Recording, Result, Same, Source, difference, record

TRIES = 4  # recordings until two in a row agree
PROGRAMS = 16  # for one function


def compiled(function: Any = None, *, fullgraph: bool = False, dynamic: bool = False, disable: bool = False) -> Any:
    """See `autograd.compile`."""
    if function is None:
        return functools.partial(compiled, fullgraph=fullgraph, dynamic=dynamic, disable=disable)
    if not callable(function):
        raise ArgumentError(f"compile: expected a function or module, got {type(function).__name__}")
    return function if disable else Compiled(function, fullgraph, dynamic)


class Compiled:
    """What `compile` returns: call it like the function."""

    def __init__(self, function: Callable[..., Any], fullgraph: bool = False, dynamic: bool = False) -> None:
        self.function, self.fullgraph, self.dynamic = function, fullgraph, dynamic
        self.entries: dict[Any, _Entry] = {}
        self._lock = threading.Lock()
        functools.update_wrapper(self, function, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given: list[Tensor] = []
        key = _signature((args, kwargs), given)
        entry = self.entries.get(key)
        if entry is None:
            entry = self.entries[key] = _Entry(self)
        if not self._lock.acquire(blocking=False):  # another thread runs it, or it calls itself
            return self.function(*args, **kwargs)
        try:
            return entry(args, kwargs, given)
        finally:
            self._lock.release()

    @property
    def program(self) -> Program:
        """The program of the last signature that was compiled."""
        for entry in reversed(self.entries.values()):
            if entry.replay is not None:
                return entry.replay.program
        raise ArgumentError("compile: there is no program yet; it is made in the second call with the same signature")


def _signature(x: Any, given: list[Tensor]) -> Any:
    """What of the arguments a program depends on; their tensors are gathered in `given`."""
    kind = type(x)
    if isinstance(x, Tensor):
        given.append(x)
        a = x.array
        return (a.shape, a.dtype, x.node is None, tape_recording.scope is None)
    if kind is tuple or kind is list:
        return (kind, *[_signature(part, given) for part in x])
    if kind is dict:
        return (kind, *[(key, _signature(part, given)) for key, part in x.items()])
    if x is None or kind in (int, float, bool, str):
        return (kind, x)
    return id(x)


class _Entry:
    """One signature: recordings until two agree, then a program; or the reason why there is none."""

    def __init__(self, owner: Compiled) -> None:
        self.owner, self.function = owner, owner.function
        self.replay: Replay | None = None
        self.last: Recording | None = None
        self.tries, self.eager = 0, False

    def __call__(self, args: Any, kwargs: Any, given: list[Tensor]) -> Any:
        if self.replay is not None:
            try:
                return self.replay(given)
            except CheckFailed:
                self.replay, self.last = None, None
                self.tries += 1
        if self.eager or self.tries > TRIES * PROGRAMS:
            return self.function(*args, **kwargs)
        result, recording = record(self.function, args, kwargs, given)
        self._settle(recording)
        return result

    def _settle(self, recording: Recording) -> None:
        self.tries += 1
        if recording.obstacle:
            if self.last is not None:
                self._give_up(recording.obstacle)
            self.last = recording
            return
        differs = "not recorded yet" if self.last is None or self.last.obstacle else difference(self.last, recording)
        self.last = recording
        if not differs:
            self.replay, self.last = Replay(recording), None
        elif self.tries >= TRIES and self.tries % TRIES == 0:
            self._give_up(f"calls differ in {differs}")

    def _give_up(self, reason: str) -> None:
        self.eager = True
        name = getattr(self.function, "__name__", type(self.function).__name__)
        if self.owner.fullgraph:
            raise CompileError(f"compile: {name} cannot be one program: {reason}")
        warnings.warn(f"compile: {name} runs without a program: {reason}", stacklevel=5)


class Replay:
    """Runs a program in place of the function."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.program = optimised(recording.program)
        self.sources = [recording.sources[v] for v in self.program.inputs]
        self.run = built(self.program, {v for v, s in zip(self.program.inputs, self.sources) if not isinstance(s, Place)})

    def __call__(self, given: list[Tensor]) -> Any:
        r = self.recording
        if r.surroundings.changed():
            raise CheckFailed
        arrays = [_array(source, given) for source in self.sources]
        for a, v in zip(arrays, self.program.inputs):
            if a.shape != v.shape or a.dtype != v.dtype or any(s != t * a.itemsize for s, t in zip(a.strides, v.strides)):
                raise CheckFailed
        results = self.run(*arrays)
        for target, _ in self.program.writes:
            mark_written(arrays[self.program.inputs.index(target)], "compile")
        for t, i in r.grads:
            t.grad = None if i is None else wrap(results[i])
        return _filled(r.structure, results)


def _array(source: Source, given: list[Tensor]) -> np.ndarray:
    if isinstance(source, Argument):
        return given[source.index].array
    if isinstance(source, Hyper):
        return np.array(source.read(), np.float64)
    t = source.tensor.grad if source.grad else source.tensor
    if t is None:
        raise CheckFailed
    return t.array


def _filled(structure: Any, results: list[np.ndarray]) -> Any:
    if isinstance(structure, Result):
        return wrap(results[structure.index])
    if isinstance(structure, Same):
        return structure.tensor
    if isinstance(structure, tuple):
        parts = [_filled(part, results) for part in structure]
        return type(structure)(*parts) if hasattr(structure, "_fields") else tuple(parts)
    if isinstance(structure, list):
        return [_filled(part, results) for part in structure]
    if isinstance(structure, dict):
        return {key: _filled(part, results) for key, part in structure.items()}
    return structure


