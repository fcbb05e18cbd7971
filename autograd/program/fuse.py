"""Fusion: equations that go over the same elements become one loop.

A program is turned into steps in order: loops over elements, small products, and calls of what stays a function.  An
equation joins the latest loop over as many elements that comes after everything it needs; what it needs of that same
loop must be the element itself.  Views are no steps: loops read them where they lie (`Var.root`, strides).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .program import Equation, Program, Var, variables
from .scalars import COST, expressible, operands
from .traced import Reduction

ARRAYS = 20  # that one loop reads and writes at most
LITTLE = 40_000  # multiplications of a product that is worked out within a part


@dataclass(eq=False)
class Loop:
    """Equations over the same elements; `dims` is the finest way in which their shapes divide these."""

    n: int
    dims: tuple[int, ...]
    equations: list[Equation] = field(default_factory=list)

    @property
    def cost(self) -> float:
        """Time in additions of one element, about."""
        return self.n * sum(COST.get(getattr(e.function, "ufunc", e.function), 1) for e in self.equations)


@dataclass(eq=False)
class Product:
    """A small product of two matrices."""

    equation: Equation


@dataclass(eq=False)
class Call:
    """A function that is called as it is."""

    equation: Equation


Step = Loop | Product | Call


def schedule(program: Program) -> list[Step]:
    """The steps of a program, in order."""
    steps: list[Step] = []
    at: dict[Var, int] = {}  # a root -> the step that makes it
    loops: dict[int, list[int]] = {}  # elements -> the loops over as many
    for e in program.equations:
        if e.view:
            continue
        if not expressible(e) or not e.outs[0].size:
            place = len(steps)
            steps.append(Product(e) if _little(e) else Call(e))
        else:
            place = _place(e, steps, at, loops)
        for v in e.outs:
            at[v] = place
    return steps


def _place(e: Equation, steps: list[Step], at: dict[Var, int], loops: dict[int, list[int]]) -> int:
    shape = iteration(e)
    n = int(np.prod(shape, dtype=np.int64))
    needs = [v for v in operands(e) if isinstance(v, Var)]
    earliest = max((at.get(v.root, -1) for v in needs), default=-1)
    for place in reversed(loops.get(n, ())):
        loop = steps[place]
        assert isinstance(loop, Loop)
        if place < earliest:
            break
        dims = refined(loop.dims, shape)
        if dims is None or _arrays([*loop.equations, e]) > ARRAYS or not _related(e, loop):
            continue
        if place == earliest and not all(at.get(v.root, -1) < place or _same_element(v, loop) for v in needs):
            continue
        loop.dims = dims
        loop.equations.append(e)
        return place
    steps.append(Loop(n, tuple(k for k in shape if k != 1) or (1,), [e]))
    loops.setdefault(n, []).append(len(steps) - 1)
    return len(steps) - 1


def _related(e: Equation, loop: Loop) -> bool:
    """Whether one of them reads what the other reads or makes; else they gain nothing from being one."""
    theirs = {v.root for f in loop.equations for v in (*variables(operands(f)), f.outs[0])}
    return any(v.root in theirs for v in variables(operands(e)))


def _arrays(equations: list[Equation]) -> int:
    made = {e.outs[0] for e in equations}
    return len({v.root for e in equations for v in variables(operands(e))} - made) + len(made) // 2


def _same_element(v: Var, loop: Loop) -> bool:
    """Whether `v` is, element for element, what the loop computes for its root."""
    maker = next((e for e in loop.equations if e.outs[0] is v.root), None)
    if maker is None or isinstance(maker.function, Reduction) or v.size != loop.n:
        return False
    return v is v.root or (v.offset == 0 and in_order(v) and in_order(v.root))


def in_order(v: Var) -> bool:
    """Whether the elements lie row after row without gaps."""
    expected = 1
    for n, stride in zip(reversed(v.shape), reversed(v.strides)):
        if n != 1 and stride != expected:
            return False
        expected *= n
    return True


def iteration(e: Equation) -> tuple[int, ...]:
    """The shape that a loop for the equation goes over."""
    return e.args[0].shape if isinstance(e.function, Reduction) else e.outs[0].shape


def refined(dims: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The coarsest dimensions of which those of both are products; None if there are none."""
    ends = sorted(_ends(dims) | _ends(shape))
    parts, before = [], 1
    for end in ends:
        if end % before:
            return None
        parts.append(end // before)
        before = end
    return tuple(k for k in reversed(parts) if k != 1) or (1,)


def _ends(shape: tuple[int, ...]) -> set[int]:
    """The products of the last dimension, the last two, ..."""
    ends, n = set(), 1
    for k in reversed(shape):
        n *= k
        ends.add(n)
    return ends


def _little(e: Equation) -> bool:
    if e.function is not np.matmul or e.kwargs or not all(isinstance(a, Var) and len(a.shape) == 2 for a in e.args):
        return False
    a, b = e.args
    alike = a.dtype == b.dtype == e.outs[0].dtype and a.dtype.kind == "f" and a.dtype.itemsize in (4, 8)
    return alike and 0 < a.shape[0] * a.shape[1] * b.shape[1] <= LITTLE

