"""One real call of a function, recorded.

While it runs, the tensors that it is given, or reaches, hold traced arrays; after it, ordinary ones again.  What a call
may leave behind is results, gradients and what it wrote in place, which the recording repeats.  Anything else is an
obstacle: there will be no program, and the function runs as it is.
"""

from __future__ import annotations

import contextlib
import gc
import random
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..engine import propagate
from ..pytree import tree_map
from ..recording import no_grad
from ..staleness import Freed
from ..tape import LEAF, Node, Tape
from ..tensor import Tensor
from ..views import View
from .extent import pinned
from .nesting import leaves
from .program import Var
from .recorder import Recorder
from .recording import (
    Argument,
    Derivative,
    Given,
    Hyper,
    Place,
    Recording,
    Result,
    Same,
    Seed,
    Source,
    numbered,
    tensors_in,
)
from .sized import SizedRecorder
from .surroundings import Surroundings
from .traced import Traced


def record(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any],
           given: list[Tensor], dynamic: bool = False) -> tuple[Any, Recording]:  # fmt: skip
    """Call the function on arguments with the tensors `given`, really, and record; `dynamic`: for all sizes."""
    around = Surroundings(function, [x for x in leaves((args, kwargs)) if not isinstance(x, Tensor)])
    recorder = SizedRecorder() if dynamic else Recorder()
    call = _Call(recorder, around, given)
    floats, streams = _floats(around), _streams()
    call.begin()
    try:
        with recorder.watching(around.prints):
            result = pinned(function(*args, **kwargs))
            recording = call.recording(result)
    finally:
        recorder.open = False
        strangers = call.end()
    if _any_left(strangers, call.accounted_for(result)):
        recorder.fails("a tensor that the function makes outlives the call, and is not returned")
    if floats != _floats(around):
        recorder.fails("a hyperparameter changes in the function; call scheduler.step() outside")
    if streams != _streams():
        recorder.fails("random numbers of Python or NumPy; those of autograd can be replayed")
    changed = around.changed() if not recorder.obstacle else ""
    if changed:
        recorder.fails(f"`{changed}` changes in the function, which a replay would not repeat")
    recording.obstacle = recorder.obstacle
    if isinstance(recorder, SizedRecorder):
        recording.sizes, recording.program = recorder.sizes, recorder.sizes.now()
    return result, recording


class _Known:
    """A tensor as it was before the call, and where a replay finds it."""

    traced: Traced

    def __init__(self, tensor: Tensor, label: str, source: Source) -> None:
        self.tensor, self.label, self.source = tensor, label, source
        self.array, self.grad = tensor.array, tensor.grad

    @property
    def name(self) -> Tensor | Given:
        """The tensor; of an argument the number, for it is another tensor in another call."""
        return Given(self.source.index) if isinstance(self.source, Argument) else self.tensor


class _Call:
    """A call that is being recorded."""

    def __init__(self, recorder: Recorder, around: Surroundings, given: list[Tensor]) -> None:
        self.recorder, self.around, self.given = recorder, around, given
        self.tensors: dict[int, _Known] = {}  # by identity
        for i, t in enumerate(given):
            self.tensors.setdefault(id(t), _Known(t, f"args[{i}]", Argument(i)))
        for t, label in around.tensors.values():
            self.tensors.setdefault(id(t), _Known(t, label, Place(t)))
        grads: dict[int, _Known] = {}
        for known in self.tensors.values():
            g = known.grad
            if g is not None and id(g) not in self.tensors:
                grads.setdefault(id(g), _Known(g, f"{known.label}.grad", Place(known.tensor, grad=True)))
        self.all = [*self.tensors.values(), *grads.values()]
        self.sources: dict[Var, Source] = {}

    def begin(self) -> None:
        """Give what is known traced arrays, the inputs of the program."""
        for known in self.all:
            known.tensor.array = known.traced = self.recorder.input(known.array, known.label)
            self.sources.setdefault(known.traced.var, known.source)
            if isinstance(self.recorder, SizedRecorder) and isinstance(known.source, Argument):
                self.recorder.argument(known.traced)

    def end(self) -> list[weakref.ref[Tensor]]:
        """Give all tensors ordinary arrays again; those that were not there before."""
        for known in self.all:
            if known.tensor.array is known.traced:
                known.tensor.array = known.array
            elif isinstance(known.tensor.array, Traced):
                self.recorder.fails("the .data of a tensor is replaced")
        return _made_plain(self.recorder, [known.tensor for known in self.all])

    def accounted_for(self, result: Any) -> set[int]:
        """What a replay makes, too, by identity: results, gradients, and bases of results that are views."""
        found = tensors_in(result)
        grads = [known.tensor.grad for known in self.tensors.values()]
        return {id(t) for t in (*found, *grads, *(t.family.base for t in found if isinstance(t.family, View)))}

    # -- what it came to -----------------------------------------------------------------------------------------------

    def recording(self, result: Any) -> Recording:
        """What the function did, up to here."""
        recorder, program = self.recorder, self.recorder.program
        found = Recording(program, self.sources, surroundings=self.around)
        for known in self.tensors.values():
            t = known.tensor
            if t.grad is not known.grad:
                found.grads.append((known.name, None if t.grad is None else self._result(t.grad.array)))
            if known.grad is None and t.requires_grad:
                found.bare.append(known.name)
        found.structure = tree_map(lambda leaf: self._mark(leaf) if isinstance(leaf, Tensor) else leaf, result)
        found.fixed = [(i, t) for i, t in enumerate(self.given) if id(t) in self.around.tensors]
        self.sources |= {v: Hyper(group, key, i) for (group, key, i), v in recorder.hyper}
        if any(v in program.constants and v not in recorder.newborn for v in program.results):
            recorder.fails("a result is made in a way that the program does not follow")
        for v in program.results:
            if v in program.constants:  # what is returned now is the caller's
                program.constants[v] = program.constants[v].copy()
        program.writes = recorder.writes
        for target, _ in program.writes:
            if target not in program.inputs:  # an array that the function found on its own: a place, too
                program.inputs.append(target)
                recorder.fails("an array that is no tensor is written in place")
        found.forward = len(program.results)
        found.derivative = self._derivative(result, found.structure)
        return found

    def _result(self, array: Any) -> int:
        """The number of a new result of the program."""
        results = self.recorder.program.results
        results.append(self.recorder.variable(array))
        return len(results) - 1

    def _mark(self, t: Tensor) -> Result | Given | Same:
        """What stands for a tensor that is returned."""
        known = self.tensors.get(id(t))
        if known is not None:
            return known.name if isinstance(known.name, Given) else Same(t)
        mark, program = Result(self._result(t.array)), self.recorder.program
        if program.results[mark.index].root in (*program.inputs, *(value for _, value in self.recorder.writes)):
            self.recorder.gives_up("a view of a tensor that was there before is returned")
        return mark

    # -- its derivative ------------------------------------------------------------------------------------------------

    def _derivative(self, result: Any, structure: Any) -> Derivative | None:
        """Differentiate the results that are on the tape by the known tensors behind them, which is recorded, too."""
        outs = [(t, i) for t, i in numbered(result, structure) if t.node is not None]
        ends = {known.tensor.node: known.source for known in self.tensors.values() if known.tensor.node is not None}
        tape = _between([t.node for t, _ in outs], ends)
        if not tape or any(node.saved.__class__ is Freed for node in tape):
            return None
        towards = [node for node in tape if node in ends]
        if any(node not in ends for node in tape if node.op is LEAF):
            self.recorder.gives_up("a tensor that requires grad is out of sight")
        if any(parent in ends for node in towards for parent in node.parents):
            self.recorder.gives_up("an argument was computed from another")
        if self.recorder.obstacle:
            return None
        cotangents = self._seeds(outs)
        with _without_hooks(towards), no_grad(), np.errstate(all="ignore"):
            propagate(Tape(tape), cotangents, set(towards), record=False, retain=True)
        found: list[int | None] = []
        for node in towards:
            g = cotangents.get(node)
            found.append(None if g is None else self._result(np.asanyarray(g).astype(node.dtype, copy=False)))
        return Derivative([i for _, i in outs], [ends[node] for node in towards], found)

    def _seeds(self, outs: list[tuple[Tensor, int]]) -> dict[Node, Any]:
        """Inputs for the cotangents of results, added up where two are one value."""
        cotangents: dict[Node, Any] = {}
        for t, i in outs:
            assert t.node is not None
            seed = self.recorder.input(np.ones(t.array.shape, t.array.dtype), f"the cotangent of result {i}")
            self.sources[seed.var] = Seed(i)
            have = cotangents.get(t.node)
            cotangents[t.node] = seed if have is None else have + seed
        return cotangents


def _between(outs: list[Any], ends: dict[Node, Source]) -> list[Node]:
    """The nodes from `outs` back to `ends`, oldest first."""
    seen, todo = set(outs), list(outs)
    while todo:
        node = todo.pop()
        if node in ends:
            continue
        for parent in node.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                todo.append(parent)
    return sorted(seen, key=lambda node: node.stamp)


@contextlib.contextmanager
def _without_hooks(nodes: Sequence[Node]) -> Iterator[None]:
    """Hooks of known tensors run where the program's cotangents arrive, in each call."""
    hooks = [node.hooks for node in nodes]
    try:
        for node in nodes:
            node.hooks = None
        yield
    finally:
        for node, own in zip(nodes, hooks):
            node.hooks = own


# ---------------------------------------------------------------------------------------------------------------------


def _floats(around: Surroundings) -> list[list[Any]]:
    """The hyperparameters of all optimisers."""
    return [[v for v in group.values() if type(v) in (float, tuple)] for group in around.groups]


def _streams() -> Any:
    """Where Python's and NumPy's global random streams are: equal draws in two recordings would prove nothing."""
    legacy: Any = np.random.get_state()
    return random.getstate(), legacy[1].tobytes(), legacy[2:]


def _any_left(strangers: list[weakref.ref[Tensor]], explained: set[int]) -> bool:
    """Whether a tensor lives on that nobody is known to hold; what hangs in a cycle alone is let go of first."""
    left = [ref for ref in strangers if (t := ref()) is not None and id(t) not in explained]
    t = None
    if left:
        gc.collect()
    return any(ref() is not None for ref in left)


def _made_plain(recorder: Recorder, known: list[Tensor]) -> list[weakref.ref[Tensor]]:
    """Give every tensor that is left with a traced array the ordinary one; those that were not there before."""
    ours, kinds = {id(t) for t in known}, _kinds(Tensor)
    strangers = []
    # A quarter of the time that gc.get_referrers would take.
    for holder in [x for x in gc.get_objects() if type(x) in kinds]:
        if getattr(getattr(holder, "array", None), "recorder", None) is recorder:
            holder.array = holder.array.base
            if id(holder) not in ours:
                strangers.append(weakref.ref(holder))
    return strangers


def _kinds(kind: type) -> set[type]:
    """A class with all that are derived from it."""
    return {kind}.union(*map(_kinds, kind.__subclasses__()))
