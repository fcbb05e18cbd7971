"""A program in place of the function: inputs gathered, the program run, results put where the function puts them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import grad
from ..errors import TapeError
from ..op import outputs_of
from ..pytree import tree_map
from ..recording import ROOT
from ..recording import recording as tape_recording
from ..tape import Node
from ..tensor import Tensor, wrap
from ..where import calling_line
from ..writes import next_stamp, writes
from .build import Scratch
from .kept import Part, divided, parts_of
from .owners import owner_of
from .passes import optimised
from .program import CheckFailed, Program, Var, without_dead
from .recording import Argument, Derivative, Given, Hyper, Place, Recording, Result, Same, Seed, Source, numbered

Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]  # a function and what it is called with


class Replay:
    """Runs the program of a recording."""

    def __init__(self, recording: Recording, dynamic: bool = False) -> None:
        self.recording, self.around = recording, recording.surroundings
        program, sources = recording.program, recording.sources
        moving = {v for v in program.inputs if _moves(sources.get(v))}
        parts = parts_of(without_dead(program), recording.forward, recording.derivative is not None, moving, dynamic)
        self.inputs, self.run = Inputs(parts.forward, sources), parts.forward.run
        self.backward: Backward | None = None
        if parts.backward is not None and recording.derivative is not None:
            self.backward = Backward(parts.backward, parts.places, recording.derivative, sources, recording.structure)
        self.source = self.run.source + ("" if self.backward is None else "\n\n" + self.backward.run.source)
        self.count = recording.forward
        drawn = {e.function.__self__: None for e in program.equations if e.effect == "draw"}  # type: ignore[attr-defined]
        self.streams = list(drawn) if "raise CheckFailed" in self.run.source else []  # the plain call draws once more
        self.grads, self.bare = recording.grads, recording.bare
        self.structure: Any = recording.structure
        self.pure = not (program.writes or drawn or self.grads)
        self.alone = self.structure.index if isinstance(self.structure, Result) else None

    def share(self, forward: Scratch, backward: Scratch) -> None:
        """Work in these memories, in which programs for other sizes work, too."""
        self.run.share(forward)
        if self.backward is not None:
            self.backward.run.share(backward)

    @functools.cached_property
    def programs(self) -> tuple[Program, Program | None]:
        """The program that runs, and that of the derivative, after all passes; to look at."""
        recording = self.recording
        return divided(recording.program, recording.forward, recording.derivative is not None)[:2]

    @functools.cached_property
    def program(self) -> Program:
        """Both as one."""
        return optimised(self.recording.program)

    def __call__(self, given: list[Tensor], call: Call) -> Any:
        """What `call` would return, which has the tensors `given` among its arguments."""
        if self.around.changed():
            raise CheckFailed
        for i, fixed in self.recording.fixed:
            if given[i] is not fixed:
                raise CheckFailed
        for t in self.bare:
            if (given[t.index] if isinstance(t, Given) else t).grad is not None:
                raise CheckFailed
        arrays = self.inputs(given)
        if self.streams:
            positions = [stream.position() for stream in self.streams]
            try:
                results = self.run(arrays)
            except CheckFailed:
                for stream, position in zip(self.streams, positions):
                    stream.rewind(position)
                raise
        else:
            results = self.run(arrays)
        self.inputs.note_writes()
        for place, k in self.grads:
            whose = given[place.index] if isinstance(place, Given) else place
            whose.grad = None if k is None else wrap(results[k])
        outs: Any = results
        if self.backward is not None and tape_recording.scope is not None:
            outs = self.backward.on_tape(results, self.count, self.inputs, given, call if self.pure else None)
        if self.alone is not None:
            out = outs[self.alone]
            return out if out.__class__ is Tensor else wrap(out)
        return filled(self.structure, outs, given)


def _moves(source: Source | None) -> bool:
    """Whether the array is looked up anew in each call: it comes with it, or is copied since it cannot be written."""
    if isinstance(source, Place):
        t = source.tensor.grad if source.grad else source.tensor
        return t is not None and not t.array.flags.writeable
    return isinstance(source, Argument | Seed) or source is None


class Inputs:
    """The arrays that a program reads: those of tensors that stay, and those that come with each call."""

    def __init__(self, part: Part, sources: dict[Var, Source]) -> None:
        self.types, self.written = part.inputs, part.targets
        self.sources = [sources.get(v) for v in part.inputs]
        self.places = [(i, s) for i, s in enumerate(self.sources) if isinstance(s, Place)]
        self.arguments = [(i, s.index) for i, s in enumerate(self.sources) if isinstance(s, Argument)]
        self.hyper = [(s.group, s.key, s.index, np.empty((), np.float64)) for s in self.sources if isinstance(s, Hyper)]
        scalars = iter(self.hyper)
        self.arrays: list[Any] = [next(scalars)[3] if isinstance(s, Hyper) else None for s in self.sources]
        self.last: list[float] = []

    def __call__(self, given: list[Tensor]) -> list[Any]:
        arrays = self.arrays
        for i, source in self.places:
            t = source.tensor.grad if source.grad else source.tensor
            if t is None:
                raise CheckFailed
            if t.array is not arrays[i]:
                self._take(i, t.array)
        for i, k in self.arguments:
            a = given[k].array
            if a is not arrays[i]:
                self._take(i, a)
        if self.hyper:
            now = [g[key] if k is None else g[key][k] for g, key, k, _ in self.hyper]
            if now != self.last:
                for (_, _, _, scalar), value in zip(self.hyper, now):
                    if not isinstance(value, float | int):
                        raise CheckFailed
                    scalar[()] = value
                self.last = now
        return arrays

    def _take(self, i: int, a: np.ndarray) -> None:
        v = self.types[i]
        if a.shape != v.shape or a.dtype != v.dtype or not _lies_as(a, v):
            raise CheckFailed
        if self.written:
            self._check_memory(i, a)
        self.arrays[i] = a

    def _check_memory(self, i: int, a: np.ndarray) -> None:
        """A program that writes in place was recorded with its inputs apart."""
        owner = owner_of(a)
        for k, other in enumerate(self.arrays):
            if k != i and other is not None and (i in self.written or k in self.written) and owner_of(other) is owner:
                raise CheckFailed

    def note_writes(self) -> None:
        """Tell the tape which inputs were written in place."""
        if self.written:
            writes.note_all([self.arrays[i] for i in self.written], "compile")


def _lies_as(a: np.ndarray, v: Var) -> bool:
    size = a.itemsize
    return all(s == t * size or n == 1 for n, s, t in zip(a.shape, a.strides, v.strides))


class Backward:
    """The program of the cotangents, and the node that stands for the forward program on the tape."""

    name, symbol, view, plain, multiple, materialize, frees, linear = (
        "compiled",
        None,
        False,
        False,
        True,
        True,
        True,
        False,
    )
    elementwise = differentiable = variadic = False
    parameters: tuple[str, ...] = ()

    def __init__(self, part: Part, places: tuple[int | None, ...], derivative: Derivative, sources: dict[Var, Source],
                 structure: Any) -> None:  # fmt: skip
        self.derivative, self.kept, self.run = derivative, places, part.run
        self.sources = [sources.get(v) for v in part.inputs]
        self.pulls = _Pulls(self)
        self.recorded_pulls = _Recorded(derivative, structure)
        order = {k: n for n, k in enumerate(k for k in derivative.found if k is not None)}
        self.found = [None if k is None else order[k] for k in derivative.found]

    def input_names(self, n: int) -> tuple[str, ...]:
        """A name for each of `n` inputs."""
        return tuple(f"input{i}" for i in range(n))

    def on_tape(self, results: list[Any], count: int, inputs: Inputs, given: list[Tensor],
                call: Call | None) -> list[Any]:  # fmt: skip
        """The results, those that are to be differentiated as tensors with a node; `call`: it may be made again."""
        arrays: list[Any] = [None] * len(self.sources)
        for place, array in zip(self.kept, results[count:]):
            if place is not None:
                arrays[place] = array
        for i, source in enumerate(self.sources):
            if isinstance(source, Argument):
                arrays[i] = given[source.index].array
            elif isinstance(source, Place):
                arrays[i] = source.tensor.array
            elif isinstance(source, Hyper):
                arrays[i] = np.array(source.read(), np.float64)
        node = Node.__new__(Node)
        node.op, node.params = self, (given, call)  # type: ignore[assignment]
        node.parents = tuple(_tensor(s, given).node for s in self.derivative.towards)
        node.saved, node.stamp = (*arrays, *(inputs.arrays if call else ())), next_stamp()
        outs = tuple(results[i] for i in self.derivative.outs)
        node.shape, node.dtype, node.value = tuple(o.shape for o in outs), tuple(o.dtype for o in outs), None
        node.scope, node.where, node.hooks = tape_recording.scope or ROOT, calling_line(), None
        made = list(results[:count])
        for i, t in zip(self.derivative.outs, outputs_of(node, outs)):
            made[i] = t
        return made


def _tensor(source: Source, given: list[Tensor]) -> Tensor:
    if isinstance(source, Argument):
        return given[source.index]
    assert isinstance(source, Place)
    return source.tensor


class _Pulls:
    """The pulls of a compiled node: the first that is asked runs the backward program."""

    def __init__(self, backward: Backward) -> None:
        self._backward = backward

    def __iter__(self) -> Any:
        found: list[Any] = []
        backward = self._backward

        def pull(g: Any, node: Node, k: int | None) -> Any:
            if k is None:
                return None
            if not found:
                arrays = list(node.saved[: len(backward.sources)])
                for i, source in enumerate(backward.sources):
                    if isinstance(source, Seed):
                        seed = np.asarray(g[backward.derivative.outs.index(source.index)])
                        arrays[i] = np.ascontiguousarray(seed).reshape(seed.shape)
                found.extend(backward.run(arrays))
            return found[k]

        return iter([functools.partial(pull, k=k) for k in backward.found])


class _Recorded:
    """The pulls of a second derivative: a function that changes nothing is called again, on the tape."""

    def __init__(self, derivative: Derivative, structure: Any) -> None:
        self._derivative, self._structure = derivative, structure

    def __iter__(self) -> Any:
        found: list[Any] = []

        def pull(g: Any, node: Node, k: int) -> Any:
            if not found:
                found.extend(self._found(g, *node.params))
            return found[k]

        return iter([functools.partial(pull, k=k) for k in range(len(self._derivative.towards))])

    def _found(self, g: Any, given: list[Tensor], call: Call | None) -> Any:
        if call is None:
            raise TapeError(
                "create_graph=True: the compiled function draws random numbers or writes in place, so it cannot be "
                "called again for a second derivative. Compile the function that takes both derivatives, or call this "
                "one uncompiled"
            )
        function, args, kwargs = call
        outs = {i: t for t, i in numbered(function(*args, **kwargs), self._structure)}
        towards = [_tensor(source, given) for source in self._derivative.towards]
        return grad([outs[i] for i in self._derivative.outs], towards, g, create_graph=True, allow_unused=True)


def filled(structure: Any, outs: list[Any], given: list[Tensor]) -> Any:
    """What the function returns: its structure with tensors in the marks' places."""

    def tensor(mark: Any) -> Any:
        if isinstance(mark, Result):
            out = outs[mark.index]
            return out if isinstance(out, Tensor) else wrap(out)
        if isinstance(mark, Given):
            return given[mark.index]
        return mark.tensor if isinstance(mark, Same) else mark

    return tree_map(tensor, structure)
