"""`autograd.compile`: record a function until two calls agree, and replay its program from then on."""

from __future__ import annotations

import functools
import threading
import types
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import quiet as bodies
from ..anomaly import is_anomaly_enabled
from ..dtypes import get_default_dtype
from ..errors import ArgumentError, CompileError
from ..recording import recording as tape_recording
from ..tensor import Tensor
from .build import Scratch
from .capture import record
from .program import CheckFailed, Program
from .recording import Recording, difference, mark_live
from .replay import Replay
from .resized import resized

if TYPE_CHECKING:
    from .explain import Explanation

TRIES = 4  # recordings until two in a row agree
SIGNATURES = 64  # of one function
PROGRAMS = 8  # of one signature, for different surroundings: training and evaluation, say


def compiled(function: Any = None, *, fullgraph: bool = False, dynamic: bool = False, disable: bool = False) -> Any:
    """See `autograd.compile`."""
    if function is None:
        return functools.partial(compiled, fullgraph=fullgraph, dynamic=dynamic, disable=disable)
    if not callable(function):
        raise ArgumentError(f"compile: expected a function or module, got {type(function).__name__}")
    return function if disable else Compiled(function, fullgraph, dynamic)


_recording = threading.Lock()
_PLAIN = (int, float, str, bool, complex, bytes, np.generic)


class Compiled:
    """What `compile` returns: call it like the function."""

    def __init__(self, function: Callable[..., Any], fullgraph: bool = False, dynamic: bool = False) -> None:
        self.function, self.fullgraph, self.dynamic = function, fullgraph, dynamic
        self.entries: dict[Any, Entry] = {}
        self.families: dict[Any, Family] = {}
        self.overflowed = False
        self._lock = threading.Lock()
        functools.update_wrapper(self, function, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if bodies.watcher is not None or is_anomaly_enabled():  # it is recorded with what calls it, or watched
            return self.function(*args, **kwargs)
        given: list[Tensor] = []
        key: Any = (tape_recording.scope is None, get_default_dtype(), _signature(args, given))
        if kwargs:
            key = (key, _signature(kwargs, given))
        entry = self.entries.get(key)
        if entry is None:
            if len(self.entries) >= SIGNATURES:
                if not self.dynamic or not self._family(key).trusted:
                    return self._plainly(args, kwargs)
                self.entries.pop(next(iter(self.entries)))
            entry = self.entries[key] = Entry(self, self._family(key) if self.dynamic else None)
        if not self._lock.acquire(blocking=False):  # another thread runs it, or it calls itself
            return self.function(*args, **kwargs)
        try:
            return entry(args, kwargs, given)
        finally:
            self._lock.release()

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method, the instance comes as the first argument."""
        return self if instance is None else types.MethodType(self, instance)

    def __reduce__(self) -> Any:
        """A copy has no programs yet."""
        return Compiled, (self.function, self.fullgraph, self.dynamic)

    def _family(self, key: Any) -> Family:
        key, full = _without_sizes(key), len(self.families) >= SIGNATURES
        return self.families.get(key, Family()) if full else self.families.setdefault(key, Family())

    def _plainly(self, args: Any, kwargs: Any) -> Any:
        """A number or a size that is another at every call would be recorded at every call."""
        if not self.overflowed:
            self.overflowed = True
            warnings.warn(f"compile: after {SIGNATURES} signatures new ones run without a program; pass a number that "
                          "changes from call to call as a tensor, and pad sizes to a few", stacklevel=3)  # fmt: skip
        return self.function(*args, **kwargs)

    @property
    def program(self) -> Program:
        """The program of the last signature that was compiled."""
        return self._last().program

    @property
    def source(self) -> str:
        """The text that was emitted for it."""
        return self._last().source

    def explain(self, limits: Any = None) -> Explanation:
        """Passes, steps with their work and traffic, memory and the least time here; print it.

        `limits` are a machine's (`program.limits.Limits`); by default this one's are measured.
        """
        from .explain import explained_replay

        return explained_replay(self._last(), getattr(self.function, "__name__", type(self.function).__name__), limits)

    def __getattr__(self, name: str) -> Any:
        """Of a module, its parameters and whatever else it has."""
        if name.startswith("__") or "function" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.function, name)

    def _last(self) -> Replay:
        for entry in reversed(self.entries.values()):
            if entry.replay is not None:
                return entry.replay
        raise ArgumentError("compile: there is no program yet; it is made in the second call with the same signature")


def _signature(x: Any, given: list[Tensor]) -> Any:
    """What of the arguments a program depends on; their tensors are gathered in `given`."""
    kind = type(x)
    if isinstance(x, Tensor):
        for i, other in enumerate(given):
            if other is x:
                return i
        given.append(x)
        a = x.array
        return (a.shape, a.dtype, x.node is None)
    if x is None or isinstance(x, _PLAIN):
        return (kind, x)
    if isinstance(x, tuple | list):
        return (kind, *[_signature(part, given) for part in x])
    if isinstance(x, dict):
        return (kind, *[(key, _signature(part, given)) for key, part in x.items()])
    if kind is slice:
        return (kind, _signature((x.start, x.stop, x.step), given))
    return id(x)  # the recording keeps it, and guards what it holds (`surroundings.py`)


def _without_sizes(key: Any) -> Any:
    """A signature but for sizes above 1: what 0 and 1 mean differs from what others do."""
    if isinstance(key, tuple):
        sizes = key and all(type(n) is int for n in key)
        return tuple([min(n, 2) for n in key] if sizes else map(_without_sizes, key))
    return key


class Family:
    """Signatures that differ in sizes alone.

    A program for another size is made of the first's recording (`resized.py`), and once held against a recording of the
    function itself.  Where they differ, its sizes have gone ways that are not seen: every size is recorded.
    """

    def __init__(self) -> None:
        self.first: Recording | None = None
        self.trusted: bool | None = None
        self.scratch = Scratch(), Scratch()

    def resized(self, given: list[Tensor]) -> Recording | None:
        """The recording for these arguments, if it can do without one of the function."""
        return resized(self.first, given) if self.first is not None and self.trusted else None

    def agrees(self, recording: Recording, given: list[Tensor]) -> bool:
        """Whether `recording`, just made, is what would have been made of the first."""
        if recording.obstacle or self.first is None or self.trusted is False:
            return False
        made = resized(self.first, given)
        if made is not None:
            self.trusted = not difference(made, recording)
            mark_live(self.first, recording)
        return bool(made is not None and self.trusted)


class Entry:
    """One signature: recordings until two agree, then a program; others where what it took for granted differs."""

    def __init__(self, owner: Compiled, family: Family | None = None) -> None:
        self.owner, self.function, self.family = owner, owner.function, family
        self.replays: list[Replay] = []
        self.last: Recording | None = None
        self.tries, self.eager = 0, False

    def __call__(self, args: Any, kwargs: Any, given: list[Tensor]) -> Any:
        for i, replay in enumerate(self.replays):
            try:
                result = replay(given, (self.function, args, kwargs))
            except CheckFailed:
                continue
            if i:  # the one that fits comes first
                self.replays.insert(0, self.replays.pop(i))
            return result
        if self.eager:
            return self.function(*args, **kwargs)
        if self.family is not None and not self.replays and (made := self.family.resized(given)) is not None:
            self._add(made)
            return self(args, kwargs, given)
        if not _recording.acquire(blocking=False):  # another thread records: bodies can be handed to one only
            return self.function(*args, **kwargs)
        try:
            result, recording = record(self.function, args, kwargs, given, self.family is not None)
        finally:
            _recording.release()
        self._settle(recording, self.family is not None and self.family.agrees(recording, given))
        return result

    def _add(self, recording: Recording) -> None:
        self.replays.insert(0, Replay(recording, self.family is not None))
        if self.family is not None:
            self.replays[0].share(*self.family.scratch)

    @property
    def replay(self) -> Replay | None:
        """The program that was used last."""
        return self.replays[0] if self.replays else None

    def _settle(self, recording: Recording, known: bool) -> None:
        self.tries += 1
        before, self.last = self.last, recording
        if recording.obstacle:
            if before is not None:  # the first call may have something to set up
                self._give_up(recording.obstacle)
            return
        differs = "what has been set up" if before is None or before.obstacle else difference(before, recording)
        if known or not differs:
            if before is not None:
                mark_live(before, recording)
            if self.family is not None and self.family.first is None:
                self.family.first = recording
            self._add(recording)
            self.last, self.tries = None, 0
            if len(self.replays) > PROGRAMS:
                self._give_up("what it depends on keeps changing: a number or a branch that differs from call to call")
        elif self.tries == TRIES:
            self._give_up(f"calls differ in {differs}")

    def _give_up(self, reason: str) -> None:
        self.eager, self.last = True, None
        name = getattr(self.function, "__name__", type(self.function).__name__)
        if self.owner.fullgraph:
            raise CompileError(f"compile: {name} cannot be one program: {reason}")
        warnings.warn(f"compile: {name} runs without a program: {reason}", stacklevel=5)
