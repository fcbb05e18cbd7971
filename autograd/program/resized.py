"""A recording for other sizes, made of one that holds for all: nothing of the function is run.

The equations are, on arrays of the new sizes, and say what shapes there are and how views lie; a guard that does not
hold, a check, or a result that lies elsewhere in memory than it did say that it has to be recorded after all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..quiet import silent
from ..tensor import Tensor
from .extent import Extent
from .nesting import over
from .owners import address, owner_of, var_of
from .program import CheckFailed, Equation, Program, Var
from .recording import Argument, Hyper, Place, Recording, Seed
from .sized import Sizes, layout_of


def resized(recording: Recording, given: list[Tensor]) -> Recording | None:
    """`recording` for the arguments `given`, or None where it is not one for their sizes."""
    if recording.sizes is None:
        return None
    with _streams_back(recording.program):
        try:
            return _Resizing(recording, recording.sizes, given).made()
        except Exception:  # whatever sizes lead to where nobody looked at them
            return None


class _Resizing:
    """The values of all variables for other sizes, and the variables that stand for those."""

    def __init__(self, recording: Recording, sizes: Sizes, given: list[Tensor]) -> None:
        self.recording, self.sizes, self.given = recording, sizes, given
        self.arrays: dict[Var, Any] = dict(sizes.program.constants)
        self.new: dict[Var, Var] = {v: v for v in sizes.program.constants}
        self.owners = {id(owner_of(array)) for array in self.arrays.values()}

    def made(self) -> Recording:
        """The recording; CheckFailed where a guard says otherwise."""
        old, new = self.sizes.program, self.new
        guards = iter(self.sizes.guards)
        following, equations = next(guards, None), []
        for i, e in enumerate([*old.equations, None]):
            while following is not None and following.before <= i:  # a kernel may trust what was checked before it
                if not following.holds(lambda v: self._array(v).shape):
                    raise CheckFailed
                following = next(guards, None)
            if e is not None:
                equations.append(self._moved(e))
        inputs = [self._new(v) for v in old.inputs]
        writes, results = [(new[t], new[v]) for t, v in old.writes], [new[v] for v in old.results]
        labels = {new[v]: label for v, label in old.labels.items()}
        program = Program(inputs, old.constants, equations, writes, results, labels)
        sources = {new[v]: source for v, source in self.recording.sources.items()}
        return replace(self.recording, program=program, sources=sources)

    def _moved(self, e: Equation) -> Equation:
        args, kwargs = over((e.args, e.kwargs), lambda x: self._now(x, self._array))
        out = silent().run(e.function, *args, **kwargs)
        parts = [None if part is None else np.asarray(part) for part in (out if e.several else (out,))]
        shared = [part is not None and id(owner_of(part)) in self.owners for part in parts]
        outs = [self._made(v, part, shares) for v, part, shares in zip(e.outs, parts, shared)]
        args, kwargs = over((e.args, e.kwargs), lambda x: self._now(x, self._new))
        return replace(e, args=args, kwargs=kwargs, outs=tuple(outs))

    def _now(self, x: Any, of: Any) -> Any:
        if type(x) is Var:
            return of(x)
        return x.among(lambda v: self._array(v).shape) if type(x) is Extent else x

    def _made(self, v: Var, array: np.ndarray | None, shares: bool) -> Var:
        """The variable for one result, which has to lie in another's memory if it did."""
        if array is None:
            return self.new.setdefault(v, v)
        root = None if v.root is v else v.root
        if shares != (root is not None) or array.dtype != v.dtype or array.ndim != len(v.shape):
            raise CheckFailed
        return self._add(v, array, root)

    def _add(self, v: Var, array: np.ndarray, root: Var | None = None) -> Var:
        w = var_of(array)
        if root is not None:
            if owner_of(array) is not owner_of(self.arrays[root]):
                raise CheckFailed
            first = self.new[root]
            w.root, w.offset = first.root, (address(array) - address(self.arrays[root])) // (array.itemsize or 1)
        self.arrays[v], self.new[v] = array, w
        self.owners.add(id(owner_of(array)))
        return w

    def _array(self, v: Var) -> np.ndarray:
        if v not in self.arrays:
            self._add(v, self._given(v))
        return self.arrays[v]

    def _new(self, v: Var) -> Var:
        self._array(v)
        return self.new[v]

    def _given(self, v: Var) -> np.ndarray:
        """The array of an input."""
        source = self.recording.sources[v]
        if isinstance(source, Argument):
            array = self.given[source.index].array
            if layout_of(array) != self.sizes.layouts[v]:
                raise CheckFailed
            return array
        if isinstance(source, Seed):
            return np.ones_like(self.arrays[self.sizes.program.results[source.index]])
        if isinstance(source, Hyper):
            return np.array(source.read(), np.float64)
        assert isinstance(source, Place)
        found = source.tensor.grad if source.grad else source.tensor
        if found is None or found.array.shape != v.shape:
            raise CheckFailed
        return found.array


@contextlib.contextmanager
def _streams_back(program: Program) -> Iterator[None]:
    """Put the random streams that equations draw from back to where they were."""
    streams: Any = list({e.function.__self__: None for e in program.equations if e.effect == "draw"})  # type: ignore[attr-defined]
    positions = [stream.position() for stream in streams]
    try:
        yield
    finally:
        for stream, position in zip(streams, positions):
            stream.rewind(position)
