"""Recorder: from one real run of a function to its `Program`.

While it watches, the bodies of ops are handed to it instead of being run at once; each becomes an equation, and so does
all NumPy between them (`traced.py`).  Values are computed as they always are, so a recorded call has its ordinary
results and effects, and whatever cannot be recorded costs nothing but the program.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .. import quiet as bodies
from ..op import declared
from .functions import Forwards, Part, called, filled, forwards, part_replaced, replaced, same_value, scattered
from .nesting import leaves, over
from .numpy_calls import follow
from .owners import Owners, owner_of, var_of
from .program import Equation, Program, Var, variables
from .traced import Step, Traced, plain

Slot = tuple[dict[str, Any], str, int | None]  # an optimiser's group, a key, and perhaps a place in the tuple there

_OURS = tuple(str(Path(__file__).parents[2] / room) + "/" for room in ("autograd", "nn", "optim"))


class Recorder:
    """Makes `Traced` arrays and collects equations."""

    kind = Traced

    def __init__(self) -> None:
        self.program, self.obstacle, self.open = Program(), "", True
        self.written: dict[int, Traced] = {}  # arrays that were written in place, by identity
        self.origins: dict[int, Var] = {}  # of inputs and constants: what they were at first
        self.hyper: list[tuple[Slot, Var]] = []  # the floats that are inputs
        self.newborn: set[Var] = set()  # constants that the function made of nothing
        self._holders: dict[int, tuple[np.ndarray, Traced]] = {}  # arrays from outside, by identity
        self._held_in: Counter[int] = Counter()  # how many of them lie in the same memory, by identity of its owner
        self._owners = Owners()
        self._names = {id(f): op.name for op in declared for f in (op.run, op.small, op.body)}
        self._thread, self._inside = threading.get_ident(), False

    # -- arrays --------------------------------------------------------------------------------------------------------

    def input(self, array: np.ndarray, label: str = "") -> Traced:
        """`array` as an input of the program; the same array twice is the same input."""
        if any(s < 0 for s in array.strides):
            self.gives_up(f"{label or 'a tensor'} lies backwards in memory; give a copy of it")

        def define(v: Var) -> None:
            self.program.inputs.append(v)
            self.program.labels[v] = label

        return self._held(array, define)

    def scalar(self, value: float, label: str) -> Traced:
        """A Python number as an input: it stays a number that adapts to the types it meets."""
        t = self.input(np.array(value, np.float64), label)
        t.weak = True
        return t

    def hyperparameters(self, group: dict[str, Any]) -> dict[str, Any]:
        """`group` with inputs for its floats."""
        made = dict(group)
        for key, value in group.items():
            if type(value) is float:
                made[key] = self._hyper(group, key, None, value)
            elif type(value) is tuple and value and all(type(x) is float for x in value):
                made[key] = tuple(self._hyper(group, key, i, x) for i, x in enumerate(value))
        return made

    def _hyper(self, group: dict[str, Any], key: str, i: int | None, value: float) -> Traced:
        t = self.scalar(value, key if i is None else f"{key}[{i}]")
        self.hyper.append(((group, key, i), t.var))
        return t

    def _constant(self, array: np.ndarray) -> Traced:
        """An array that the function brought along: the variable that stands for it."""
        dense = not array.size or all(s > 0 or n == 1 for s, n in zip(array.strides, array.shape))
        if not dense and id(array) not in self._holders:
            self._hold(array, self._constant(np.ascontiguousarray(array)))
        return self._held(array, lambda v: self.program.constants.update({v: array}))

    def born(self, array: np.ndarray) -> np.ndarray:
        """`array`, which the function has just made of nothing, followed from here on."""
        if not self.watches or isinstance(array, Traced):
            return array
        v = var_of(array)
        self.program.constants[v] = array
        self.newborn.add(v)
        return self._traced(array, v)

    def filled(self, shape: tuple[int, ...], value: Any, dtype: Any) -> np.ndarray:
        """A new array with `value` everywhere, followed from here on."""
        return self.born(filled(value, shape, dtype))

    def _held(self, array: np.ndarray, define: Callable[[Var], Any]) -> Traced:
        held = self._holders.get(id(array))
        if held is None:
            v = var_of(array)
            define(v)
            held = self._hold(array, self._traced(array, v))
            self.origins[id(held[1])] = v
        return held[1]

    def _hold(self, array: np.ndarray, traced: Traced) -> tuple[np.ndarray, Traced]:
        self._held_in[id(owner_of(array))] += 1
        held = self._holders[id(array)] = (array, traced)
        return held

    def _traced(self, array: Any, v: Var, root: Traced | None = None, steps: tuple[Step, ...] = ()) -> Traced:
        t = np.ndarray.view(np.asarray(array), self.kind)
        t.recorder, t.var, t.steps, t.above = self, v, steps, root
        t.version = 0 if root is None else root.version
        if root is None:
            self._owners.note(t, v)
        return t

    def _source(self, array: np.ndarray, first: Any = None) -> Traced | None:
        """The traced array in whose memory `array` lies, if that is one of ours: that of `first` if it may be."""
        if array.base is None:
            return None
        root = getattr(first, "root", None)
        return root if root is not None and owner_of(root) is owner_of(array) else self._whose(array)

    def _whose(self, array: np.ndarray) -> Traced | None:
        memory = self._owners.of(array)
        if memory is None:
            return None
        whole = memory.whole()
        if whole is None and array.__array_interface__ == memory.place:
            whole = self._traced(array, memory.var)
        return whole

    def variable(self, x: Any) -> Any:
        """What stands in an equation for a value: its variable, or the value itself if it is no array."""
        if isinstance(x, Traced) and not hasattr(x, "root"):
            self.gives_up("NumPy made an array in a way that is not seen")
        elif isinstance(x, np.ndarray):
            return self.read(self._followed(x))
        return x

    def _followed(self, x: Any) -> Any:
        """The traced array that stands for an ordinary one."""
        if type(x) is not np.ndarray:
            return x
        known = self._beneath(x)
        return self._constant(x) if known is None else known

    def _beneath(self, array: np.ndarray) -> Traced | None:
        """The traced array of which `array` is the ordinary one, as ``np.asarray`` makes it."""
        root, memory = self._whose(array), self._owners.of(array)
        if memory is None or array.__array_interface__ == memory.place:
            return root
        if memory.var not in self.program.constants:  # of a constant, a view is another constant
            self.gives_up("NumPy took a view in a way that is not seen")
        return None

    def read(self, t: Traced) -> Var:
        """The variable that `t` is now; a view of something that was written since is taken again."""
        if t.version != t.root.version:
            v, array = t.root.var, plain(t.root)
            for function, args, kwargs in t.steps:
                given = over((args, kwargs), plain)
                array = np.asarray(function(array, *given[0], **given[1]))
                out = var_of(array, t.root)
                self._equation(function, (v, *args), kwargs, (out,), called(function), view=True)
                v = out
            t.var, t.version = v, t.root.version
        return t.var

    # -- equations -----------------------------------------------------------------------------------------------------

    def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """A body with its operands, from an op or from a formula: what `quiet().run` is while nobody watches."""
        if isinstance(function, np.ufunc) or not self.sees(args, kwargs):
            return bodies.silent().run(function, *args, **kwargs)
        return self.call(function, args, kwargs, self._names.get(id(function), ""))

    def sees(self, *values: Any) -> bool:
        """Whether there is a traced array among `values`, or an ordinary one in the memory of such."""
        return self.watches and any(isinstance(x, Traced) or (type(x) is np.ndarray and self._whose(x) is not None)
                   for x in leaves(values))  # fmt: skip

    @property
    def watches(self) -> bool:
        """Whether what happens now belongs to the recorded call: not inside an equation, nor in another thread."""
        return self.open and not self._inside and threading.get_ident() == self._thread

    def call(self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any], name: str = "") -> Any:
        """``function(*args, **kwargs)``, computed, and an equation."""
        given = over((tuple(args), kwargs), plain)
        if not self.watches:
            return bodies.silent().run(function, *given[0], **given[1])
        self._inside = True
        try:
            out = bodies.silent().run(function, *given[0], **given[1])
        finally:
            self._inside = False
        first = self._followed(args[0]) if args else None
        args, kwargs = over((tuple(args), kwargs), self.variable)
        several = isinstance(out, tuple | list)
        parts = list(out) if several else [out]
        if not all(isinstance(part, np.ndarray | np.generic) or part is None for part in parts):
            return self._python_value(function, args, kwargs, out)
        arrays = [None if part is None else np.asarray(part) for part in parts]
        if any(a is not None and min(a.strides, default=0) < 0 and self._source(a) is None for a in arrays):
            function, arrays = Forwards(function), [None if a is None else forwards(a) for a in arrays]
        if several and any(a is not None and self._source(a) is not None for a in arrays):
            made = [self._record(Part(function, i), args, kwargs, first, [a])[0] for i, a in enumerate(arrays)]
        else:
            made = self._record(function, args, kwargs, first, arrays, name, several)
        if not several:
            return made[0]
        return type(out)(*made) if hasattr(out, "_fields") else type(out)(made)

    def _record(self, function: Any, args: Any, kwargs: Any, first: Any, arrays: Any, name: str = "",
                several: bool = False) -> list[Any]:  # fmt: skip
        made: list[Any] = []
        outs: list[Var] = []
        view = False
        for array, source in zip(arrays, [None if a is None else self._source(a, first) for a in arrays]):
            v = var_of(np.empty(0, bool) if array is None else array, source)
            if array is None:
                made.append(None)
            elif source is None:
                made.append(self._traced(array, v))
            else:
                view = True
                if any(True for _ in variables((args[1:], kwargs))) or getattr(first, "root", None) is not source:
                    self.gives_up(f"a view that {called(function)} chooses by values")
                    first = source
                made.append(self._traced(array, v, source, (*first.steps, (function, args[1:], kwargs))))
            outs.append(v)
        self._equation(function, args, kwargs, tuple(outs), name or called(function), view=view, several=several)
        return made

    def _equation(self, function: Any, args: Any, kwargs: Any, outs: Any, name: str, **more: Any) -> None:
        self.program.equations.append(Equation(function, args, kwargs, outs, name, where=self.line(), **more))

    def _python_value(self, function: Any, args: Any, kwargs: Any, out: Any) -> Any:
        """A function of arrays that returns no array: the value must be the same in every run."""
        kwargs = {"function": function, "expected": out, "args": args, "kwargs": kwargs}
        self._equation(same_value, (), kwargs, (), f"check {called(function)}", effect="check")
        return out

    def decided(self, x: Traced, kind: Callable[[Any], Any]) -> Any:
        """`x` as a Python number, which the program cannot follow: an integer or a truth value must stay what it is."""
        value = kind(plain(x))
        if not self.watches:
            return value
        if isinstance(value, bool) or (x.dtype.kind in "biu" and x.size <= 64):
            kwargs = {"function": kind, "expected": value, "args": (self.read(x),), "kwargs": {}}
            self._equation(same_value, (), kwargs, (), "check", effect="check")
        else:
            self.gives_up("a value is turned into a Python number")
        return value

    def draw(self, take: Callable[..., np.ndarray], *args: Any) -> Traced:
        """An array from a random stream."""
        if not self.watches:
            return take(*args)  # type: ignore[return-value]
        self._inside = True
        try:
            out = take(*over(args, plain))
        finally:
            self._inside = False
        v = var_of(out)
        self._equation(take, args, {}, (v,), "draw", effect="draw")
        return self._traced(out, v)

    # -- writes --------------------------------------------------------------------------------------------------------

    def write(self, target: Any, key: Any, value: Any) -> Any:
        """``target[key] = value``; an empty key means all of it."""
        t = target
        if self.watches:
            t = self._followed(target)
            held = self.program.constants.get(t.root.var)
            if held is not None:  # the program begins with what it was
                self.program.constants[t.root.var] = held.copy()
        plain(target)[over(key, plain)] = plain(value)
        if not self.watches:
            if threading.get_ident() != self._thread:
                self.fails("another thread writes into an array in place")
            return target
        key, value = over((key, value), self.variable)
        v = value if isinstance(value, Var) else None
        if key != () or v is None or (v.shape, v.dtype) != (t.shape, t.dtype):
            function = filled if key == () else replaced
            v = var_of(np.empty_like(plain(t)) if t.root is not t or function is replaced else plain(t))
            args = (value, t.shape, t.dtype) if key == () else (self.read(t), value, key)
            self._equation(function, args, {}, (v,), function.__name__)
        self._assign(t, v)
        return target

    @property
    def writes(self) -> list[tuple[Var, Var]]:
        """What inputs and constants that were written were at first, and what they are now."""
        return [(self.origins[key], root.var) for key, root in self.written.items() if key in self.origins]

    def _assign(self, t: Traced, v: Var) -> None:
        root = t.root
        if t is not root:
            t.var = v
            whole = var_of(np.empty_like(plain(root)))
            self._equation(part_replaced, (self.read(root), v, t.steps), {}, (whole,), "part_replaced")
            v = whole
        root.var, root.version = v, root.version + 1
        t.version = root.version
        memory = self._owners.of(root)
        if memory is None or memory.whole() is not root or self._held_in[id(owner_of(root))] > 1:
            self.gives_up("a write into memory that several tensors share")
        else:
            memory.var = v
        self.written[id(root)] = root

    # -- NumPy's functions and methods ---------------------------------------------------------------------------------

    def function(self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        """A NumPy function or method."""
        return follow(self, function, args, kwargs)

    def reinterpreted(self, x: Traced, dtype: Any) -> Traced:
        """The bytes of a value as elements of another type: a value of its own, though it lies in the same memory."""
        array = plain(x).view(dtype)
        v = var_of(array)
        self._equation(np.ndarray.view, (self.read(x), np.dtype(dtype)), {}, (v,), "view")
        return self._traced(array, v)

    def scatter(self, ufunc: Any, inputs: Any) -> None:
        """``ufunc.at(target, index, values)``."""
        target, key, *values = inputs
        result = self.call(scattered, (ufunc, target, key, *values), {})
        self.write(target, (), result)

    # -- giving up -----------------------------------------------------------------------------------------------------

    def fails(self, why: str) -> None:
        """The program would not be true; the run goes on as it is.  The first reason is kept."""
        self.obstacle = self.obstacle or why

    def gives_up(self, what: str) -> None:
        """The same for what the user's line does that runs now."""
        if self.open and not self.obstacle and threading.get_ident() == self._thread:
            self.fails(f"{self.line()}: {what}")

    def line(self) -> str:
        """``file:line`` of the user's code that runs now."""
        frame = sys._getframe(1)
        first = None
        while frame is not None:
            if not frame.f_code.co_filename.startswith((*_OURS, "<")) and "/numpy/" not in frame.f_code.co_filename:
                first = frame
                break
            frame = frame.f_back  # type: ignore[assignment]
        return "" if first is None else f"{first.f_code.co_filename}:{first.f_lineno}"

    @contextlib.contextmanager
    def watching(self, prints: bool = False) -> Iterator[Recorder]:
        """Bodies of ops are handed to this recorder inside; `prints`: something there may print."""
        before = sys.getprofile() if prints else self
        if before is None:  # else a profiler is at work
            sys.setprofile(self._calls)
        try:
            with bodies.watched_by(self):
                yield self
        finally:
            if before is None:
                sys.setprofile(None)
            self.open = False
            self._holders.clear()  # traced arrays hold this recorder: memory returns without the garbage collector

    def _calls(self, frame: Any, event: str, called: Any) -> None:
        """What Python tells of every call: printing is an effect that no program repeats."""
        file = frame.f_code.co_filename if called is print and event == "c_call" else "site-packages"
        if "site-packages" not in file and not file.startswith(_OURS):
            self.gives_up("print")
