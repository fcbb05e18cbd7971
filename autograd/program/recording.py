"""One recorded call: the program, where its inputs come from, and where its results go."""

from __future__ import annotations

import gc
import random
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
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
from .program import Equation, Program, Var, substitute, without_dead
from .recorder import Recorder
from .sized import SizedRecorder, Sizes
from .surroundings import Surroundings
from .traced import Traced


@dataclass(frozen=True)
class Result:
    """Stands in the structure of what a function returned for its result number `index`."""

    index: int


@dataclass(frozen=True, eq=False)
class Same:
    """Stands there for a tensor that was there before."""

    tensor: Tensor

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Same) and self.tensor is other.tensor


@dataclass(frozen=True)
class Given:
    """Stands there for the tensor number `index` among the arguments."""

    index: int


@dataclass(frozen=True)
class Argument:
    """Where an input comes from: the tensor number `index` among the arguments."""

    index: int


@dataclass(frozen=True, eq=False)
class Place:
    """A tensor that the function reaches, or its ``.grad``."""

    tensor: Tensor
    grad: bool = False

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Place) and self.tensor is other.tensor and self.grad == other.grad


@dataclass(frozen=True, eq=False)
class Hyper:
    """A float in an optimiser's parameter group, or in a tuple there."""

    group: dict[str, Any]
    key: str
    index: int | None

    def __eq__(self, other: Any) -> bool:
        return (isinstance(other, Hyper) and self.group is other.group
                and (self.key, self.index) == (other.key, other.index))  # fmt: skip

    def read(self) -> float:
        value = self.group[self.key]
        return value if self.index is None else value[self.index]


@dataclass(frozen=True)
class Seed:
    """The cotangent of result number `index`, which the backward program starts from."""

    index: int


Source = Argument | Place | Hyper | Seed


@dataclass(eq=False)
class Derivative:
    """How results that are on the tape are differentiated: cotangents in, cotangents out."""

    outs: list[int]  # the results that are on the tape
    towards: list[Source]  # the tensors that they are differentiated by
    found: list[int | None]  # for each its cotangent, as a result of the program; None if it has none


@dataclass(eq=False)
class Recording:
    """A program and its surroundings."""

    program: Program
    sources: dict[Var, Source] = field(default_factory=dict)  # of the program's inputs
    grads: list[tuple[Tensor | Given, int | None]] = field(default_factory=list)  # a new .grad: this result, or None
    bare: list[Tensor | Given] = field(default_factory=list)  # what had no .grad, which the function may look at
    given: list[Tensor] = field(default_factory=list)  # while it is being recorded: the tensors among the arguments
    structure: Any = None  # of what the function returns, with `Result` for tensors
    surroundings: Any = None
    derivative: Derivative | None = None
    fixed: list[tuple[int, Tensor]] = field(default_factory=list)  # arguments that the function reaches by itself, too
    reached: list[tuple[Tensor, Source]] = field(default_factory=list)  # while it is being recorded
    forward: int = 0  # results that the function itself gives; those behind are cotangents
    sizes: Sizes | None = None  # the program for all sizes, if it was recorded for those
    obstacle: str = ""


def record(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any],
           given: list[Tensor], dynamic: bool = False) -> tuple[Any, Recording]:  # fmt: skip
    """Call the function on arguments with the tensors `given`, really, and record; `dynamic`: for all sizes."""
    around = Surroundings(function, [x for x in leaves((args, kwargs)) if not isinstance(x, Tensor)])
    recorder = SizedRecorder() if dynamic else Recorder()
    known: dict[int, tuple[Tensor, str]] = {id(t): (t, f"args[{i}]") for i, t in enumerate(given)}
    known |= {key: pair for key, pair in around.tensors.items() if key not in known}
    tensors = [t for t, _ in known.values()]
    before = {id(t): t.grad for t in tensors}
    old = {id(t.grad): (t.grad, f"{label}.grad") for t, label in known.values() if t.grad is not None}
    old = {key: pair for key, pair in old.items() if key not in known}
    floats = [_floats(group) for group in around.groups]
    plain = {id(t): t.array for t, _ in (*known.values(), *old.values())}
    sources: dict[Var, Source] = {}
    places: list[Source] = [*(Argument(i) for i in range(len(given))), *(Place(t) for t in tensors[len(given) :])]
    places += [Place(t, grad=True) for t in tensors if t.grad is not None and id(t.grad) in old]
    for (t, label), source in zip((*known.values(), *old.values()), places, strict=True):
        t.array = recorder.input(t.array, label)
        sources.setdefault(t.array.var, source)
        if isinstance(recorder, SizedRecorder) and isinstance(source, Argument):
            recorder.argument(t.array)
    swapped = {id(t): t.array for t, _ in (*known.values(), *old.values())}
    streams = _streams()
    try:
        with recorder.watching(around.prints):
            result = pinned(function(*args, **kwargs))
            recording = _finish(recorder, around, known, before, result, sources, given)
            recording.reached = list(zip(tensors, places))
            recording.derivative = _derivative(recorder, recording, result)
            recording.reached, recording.given = [], []
            recording.fixed = [(i, t) for i, t in enumerate(given) if id(t) in around.tensors]
    finally:
        recorder.open = False
        for t, _ in (*known.values(), *old.values()):
            if t.array is swapped[id(t)]:
                t.array = plain[id(t)]
            elif isinstance(t.array, Traced):
                recorder.obstacle = recorder.obstacle or "the .data of a tensor is replaced"
        strangers = _made_plain(recorder, [t for t, _ in (*known.values(), *old.values())])
    found = _tensors(result)
    explained = {id(t) for t in found} | {id(t.grad) for t in tensors if t.grad is not None}
    explained |= {id(t.family.base) for t in found if isinstance(t.family, View)}
    if _any_left(strangers, explained):
        recorder.obstacle = (
            recorder.obstacle or "a tensor that the function makes outlives the call, and is not returned"
        )
    if floats != [_floats(group) for group in around.groups]:
        recorder.obstacle = (
            recorder.obstacle or "a hyperparameter changes in the function; call scheduler.step() outside"
        )
    if streams != _streams():
        recorder.obstacle = recorder.obstacle or "random numbers of Python or NumPy; those of autograd can be replayed"
    changed = around.changed() if not recorder.obstacle else ""
    if changed:
        recorder.obstacle = f"`{changed}` changes in the function, which a replay would not repeat"
    recording.obstacle = recorder.obstacle
    if isinstance(recorder, SizedRecorder):
        recording.sizes, recording.program = recorder.sizes, recorder.sizes.now()
    return result, recording


def _finish(recorder: Recorder, around: Surroundings, known: dict[int, tuple[Tensor, str]], before: Any, result: Any,
            sources: dict[Var, Source], given: list[Tensor]) -> Recording:  # fmt: skip
    program, results = recorder.program, recorder.program.results
    recording = Recording(program, sources, surroundings=around, given=given)

    def result_of(t: Tensor) -> int:
        results.append(recorder.variable(t.array))
        return len(results) - 1

    def returned(t: Tensor) -> Any:
        mark = _same(t, recording, known) or Result(result_of(t))
        if isinstance(mark, Result) and results[-1].root in (*program.inputs, *origins):
            recorder.gives_up("a view of a tensor that was there before is returned")
        return mark

    origins = {root.var for key, root in recorder.written.items() if key in recorder.origins}
    for t, _ in list(known.values()):
        was = before[id(t)]
        if t.grad is not was:
            recording.grads.append((_named(t, given), None if t.grad is None else result_of(t.grad)))
        if was is None and t.requires_grad:
            recording.bare.append(_named(t, given))
    recording.structure = tree_map(lambda leaf: returned(leaf) if isinstance(leaf, Tensor) else leaf, result)
    for (group, key, i), v in recorder.hyper:
        sources[v] = Hyper(group, key, i)
    if any(v in program.constants and v not in recorder.newborn for v in results):
        recorder.obstacle = recorder.obstacle or "a result is made in a way that the program does not follow"
    for v in results:
        if v in program.constants:  # what is returned now is the caller's
            program.constants[v] = program.constants[v].copy()
    program.writes = [
        (recorder.origins[key], root.var) for key, root in recorder.written.items() if key in recorder.origins
    ]
    for target, _ in program.writes:
        if target not in program.inputs:  # an array that the function found on its own: a place, too
            program.inputs.append(target)
            recorder.obstacle = recorder.obstacle or "an array that is no tensor is written in place"
    return recording


def _same(t: Tensor, recording: Recording, known: dict[int, tuple[Tensor, str]]) -> Any:
    """The mark for a tensor that was there before, or None."""
    named = _named(t, recording.given)
    return named if isinstance(named, Given) else Same(t) if id(t) in known else None


def _named(t: Tensor, given: list[Tensor]) -> Tensor | Given:
    """An argument by its number, for it is another tensor in another call."""
    return next((Given(i) for i, other in enumerate(given) if other is t), t)


def _derivative(recorder: Recorder, recording: Recording, result: Any) -> Derivative | None:
    """Differentiate the results that are on the tape by the known tensors behind them, which is recorded as well."""
    recording.forward = len(recording.program.results)
    outs = [(t, i) for t, i in numbered(result, recording.structure) if t.node is not None]
    ends = {t.node: source for t, source in recording.reached if t.node is not None}
    tape = _between([t.node for t, _ in outs], ends)
    if not tape or any(node.saved.__class__ is Freed for node in tape):
        return None
    leaves = [node for node in tape if node in ends]
    if any(node not in ends for node in tape if node.op is LEAF):
        recorder.gives_up("a tensor that requires grad is out of sight")
    if any(parent in ends for node in leaves for parent in node.parents):
        recorder.gives_up("an argument was computed from another")
    if recorder.obstacle:
        return None
    cotangents: dict[Node, Any] = {}
    for t, i in outs:
        seed = recorder.input(np.ones(t.array.shape, t.array.dtype), f"the cotangent of result {i}")
        recording.sources[seed.var] = Seed(i)
        assert t.node is not None
        have = cotangents.get(t.node)
        cotangents[t.node] = seed if have is None else have + seed
    hooks = [node.hooks for node in leaves]  # run where the program's cotangents arrive, in each call
    try:
        for node in leaves:
            node.hooks = None
        with no_grad(), np.errstate(all="ignore"):
            propagate(Tape(tape), cotangents, set(leaves), record=False, retain=True)
    finally:
        for node, own in zip(leaves, hooks):
            node.hooks = own
    found: list[int | None] = []
    for node in leaves:
        g = cotangents.get(node)
        if g is None:
            found.append(None)
            continue
        recording.program.results.append(recorder.variable(np.asanyarray(g).astype(node.dtype, copy=False)))
        found.append(len(recording.program.results) - 1)
    return Derivative([i for _, i in outs], [ends[node] for node in leaves], found)


def numbered(result: Any, structure: Any) -> list[tuple[Tensor, int]]:
    """The tensors that a function returned, with the numbers of the results that they are."""
    places = [leaf for leaf in leaves(structure) if isinstance(leaf, Result | Same | Given)]
    return [(t, mark.index) for t, mark in zip(_tensors(result), places, strict=True) if isinstance(mark, Result)]


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


def _floats(group: dict[str, Any]) -> list[Any]:
    return [v for v in group.values() if type(v) in (float, tuple)]


def _tensors(x: Any) -> list[Tensor]:
    return [leaf for leaf in leaves(x) if isinstance(leaf, Tensor)]


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


def _streams() -> Any:
    """Where Python's and NumPy's global random streams are: equal draws in two recordings would prove nothing."""
    legacy: Any = np.random.get_state()
    return random.getstate(), legacy[1].tobytes(), legacy[2:]


# ---------------------------------------------------------------------------------------------------------------------


def difference(a: Recording, b: Recording) -> str:
    """In what two recordings differ, or "": a program is used when two calls in a row gave the same."""
    p, q = without_dead(a.program), without_dead(b.program)
    same: dict[Var, Var] = {}
    if [a.sources[v] for v in p.inputs] != [b.sources[v] for v in q.inputs]:
        return "the tensors that the function reaches"
    if len(p.inputs) != len(q.inputs) or len(p.equations) != len(q.equations):
        return "what is computed"
    same.update(zip(p.inputs, q.inputs))
    if len(p.constants) != len(q.constants):
        return "what is computed"
    for (v, x), (w, y) in zip(p.constants.items(), q.constants.items()):
        if x is not y and (x.shape != y.shape or x.dtype != y.dtype or x.tobytes() != y.tobytes()):
            user = next((e for e in q.equations if w in e.inputs()), None)
            return f"an array that is made inside in a way that is not seen ({user and (user.where or user.name)})"
        same[v] = w
    for e, f in zip(p.equations, q.equations):
        if not _alike(e, f, same):
            return f"what is computed ({f.where or f.name})"
        same.update(zip(e.outs, f.outs))
    if [same[v] for v in p.results] != q.results or [(same[v], same[w]) for v, w in p.writes] != q.writes:
        return "what is returned or written"
    if not _alike_structures(a.structure, b.structure):
        return "what is returned"
    if a.derivative is not None and b.derivative is not None and a.derivative.found != b.derivative.found:
        return "what is differentiated"
    if (a.derivative is None) != (b.derivative is None) or not _same_grads(a.grads, b.grads):
        return "the gradients that are set"
    return ""


def mark_live(a: Recording, b: Recording) -> None:
    """An array that two calls found at the same place is not made inside, and may be changed between calls."""
    mine = {id(array) for array in a.program.constants.values()}
    for v, array in b.program.constants.items():
        v.live = id(array) in mine


def _same_grads(x: list[tuple[Tensor | Given, int | None]], y: list[tuple[Tensor | Given, int | None]]) -> bool:
    same = (i == j and (t is u or (isinstance(t, Given) and t == u)) for (t, i), (u, j) in zip(x, y))
    return len(x) == len(y) and all(same)


def _alike_structures(x: Any, y: Any) -> bool:
    if type(x) is not type(y):
        return False
    if isinstance(x, tuple | list):
        return len(x) == len(y) and all(map(_alike_structures, x, y))
    if isinstance(x, dict):
        return x.keys() == y.keys() and all(_alike_structures(x[key], y[key]) for key in x)
    return bool(x is y or (not isinstance(x, np.ndarray) and x == y))


def _alike(e: Equation, f: Equation, same: dict[Var, Var]) -> bool:
    if not (e.function is f.function or e.function == f.function) or [v.type for v in e.outs] != [
        v.type for v in f.outs
    ]:
        return False
    args, kwargs = substitute((e.args, e.kwargs), same.__getitem__)
    try:
        return bool(args == f.args and kwargs == f.kwargs)
    except ValueError:  # arrays among the arguments
        return False
