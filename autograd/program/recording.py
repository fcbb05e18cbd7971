"""One recorded call: the program, where its inputs come from and its results go; and in what two of them differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..tensor import Tensor
from .nesting import leaves
from .program import Equation, Program, Var, substitute, without_dead
from .sized import Sizes


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
        """What it is now."""
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
    structure: Any = None  # of what the function returns, with `Result` for tensors
    surroundings: Any = None
    derivative: Derivative | None = None
    fixed: list[tuple[int, Tensor]] = field(default_factory=list)  # arguments that the function reaches by itself, too
    forward: int = 0  # results that the function itself gives; those behind are cotangents
    sizes: Sizes | None = None  # the program for all sizes, if it was recorded for those
    obstacle: str = ""


def numbered(result: Any, structure: Any) -> list[tuple[Tensor, int]]:
    """The tensors that a function returned, with the numbers of the results that they are."""
    places = [leaf for leaf in leaves(structure) if isinstance(leaf, Result | Same | Given)]
    return [(t, mark.index) for t, mark in zip(tensors_in(result), places, strict=True) if isinstance(mark, Result)]


def tensors_in(x: Any) -> list[Tensor]:
    """The tensors in a nest, in order."""
    return [leaf for leaf in leaves(x) if isinstance(leaf, Tensor)]


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
