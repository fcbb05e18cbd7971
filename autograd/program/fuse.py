"""Fusion: equations that go over the same elements become one loop.

A program is turned into steps in order: loops over elements, small products, and calls of what stays a function.  An
equation joins the latest loop over as many elements that comes after everything it needs; what it needs of that same
loop must be the element itself.  Views are no steps: loops read them where they lie (`Var.root`, strides).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..ops.matmul import NARROW, affine, product
from .functions import sum_of_products
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
    reads: set[Var] = field(default_factory=set)  # roots
    makes: set[Var] = field(default_factory=set)

    def take(self, *equations: Equation) -> None:
        """Add equations behind those that are here."""
        self.equations += equations
        for e in equations:
            self.reads |= _read(e)
            self.makes |= set(e.outs)

    @property
    def cost(self) -> float:
        """Time in additions of one element, about."""
        return float(self.n * sum(COST.get(getattr(e.function, "ufunc", e.function), 1) for e in self.equations))

    @property
    def time(self) -> float:
        """The cost, where an element that is read takes about as long as an addition."""
        return self.cost + self.n * sum(v.size >= self.n for v in self.reads)


@dataclass(eq=False)
class _One:
    """A step of one equation."""

    equation: Equation

    @property
    def equations(self) -> list[Equation]:
        """As a loop has them."""
        return [self.equation]


class Product(_One):
    """A small product of two matrices."""


@dataclass(eq=False)
class Matrix(_One):
    """Products of two matrices each, which threads divide, added; and a row that all rows get, if there is one."""

    factors: list[tuple[Var, Var]]
    bias: Var | None = None


class Call(_One):
    """A function that is called as it is."""


Step = Loop | Product | Matrix | Call


def inputs_of(step: Step, e: Equation) -> list[Var]:
    """What an equation of the step reads; in a loop, element by element."""
    return list(variables((operands(e) if isinstance(step, Loop) else e.args, e.kwargs)))


def schedule(program: Program) -> list[Step]:
    """The steps of a program, in an order in which each comes after what it needs, and checks as early as they can."""
    graph = _Graph()
    for e in program.equations:
        if e.view:
            continue
        graph.order[e] = len(graph.order)
        needs = {graph.at[v.root] for v in e.inputs() if v.root in graph.at}
        if e.effect == "draw":  # draws keep their order
            needs |= {i for i, s in enumerate(graph.steps) if isinstance(s, Call) and s.equation.effect == "draw"}
        if not expressible(e) or not e.outs[0].size:
            place = graph.add(matrices(e) or Call(e), needs)
        else:
            place = _joined(e, graph, needs)
        for v in e.outs:
            graph.at[v] = place
    return graph.ordered()


class _Graph:
    """Steps and what comes before each: `before[i]` has bit k if step k must be done before step i."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.before: list[int] = []
        self.at: dict[Var, int] = {}  # a root -> the step that makes it
        self.loops: dict[int, list[int]] = {}  # elements -> the loops over as many
        self.order: dict[Equation, int] = {}  # in the program
        self.gone: set[int] = set()  # loops that were merged into others

    def add(self, step: Step, needs: set[int]) -> int:
        """A new step behind those that it needs; its place."""
        self.steps.append(step)
        self.before.append(self._closure(needs))
        return len(self.steps) - 1

    def loop(self, place: int) -> Loop:
        """The step there, which is a loop."""
        step = self.steps[place]
        assert isinstance(step, Loop)
        return step

    def _closure(self, needs: set[int]) -> int:
        mask = 0
        for k in needs:
            mask |= self.before[k] | 1 << k
        return mask

    def may_join(self, place: int, needs: set[int]) -> bool:
        """Whether no step in `needs` comes after step `place`."""
        return not any(self.before[k] >> place & 1 for k in needs if k != place)

    def join(self, place: int, needs: set[int]) -> None:
        """The step there needs these, too, and so does whatever comes after it."""
        more = self._closure(needs - {place})
        self.before[place] |= more
        for k, mask in enumerate(self.before):
            if mask >> place & 1:
                self.before[k] |= more

    def may_merge(self, a: int, b: int) -> bool:
        """Whether two loops can be one: no step comes between them, and what one needs of the other is the element."""
        for first, second in ((a, b), (b, a)):
            between = self.before[second]
            while between:  # the steps before the second: does one of them come after the first?
                k = between.bit_length() - 1
                if self.before[k] >> first & 1:
                    return False
                between ^= 1 << k
        return all(self._elements(*pair) for pair in ((a, b), (b, a)))

    def _elements(self, maker: int, user: int) -> bool:
        made, used = self.loop(maker), self.loop(user)
        if made.makes.isdisjoint(used.reads):
            return True
        reads = [v for e in used.equations for v in operands(e) if isinstance(v, Var) and self.at.get(v.root) == maker]
        return all(_same_element(v, made) for v in reads)

    def merge(self, into: int, other: int) -> None:
        """Make the loop `other` a part of the loop `into`."""
        loop, gone = self.loop(into), self.loop(other)
        loop.take(*gone.equations)
        loop.equations.sort(key=self.order.__getitem__)
        self.before[into] = (self.before[into] | self.before[other]) & ~(1 << into | 1 << other)
        for k, mask in enumerate(self.before):
            if k != into and mask >> other & 1:
                self.before[k] = mask & ~(1 << other) | 1 << into
        for k, mask in enumerate(self.before):
            if mask >> into & 1:
                self.before[k] |= self.before[into]
        for v, place in self.at.items():
            if place == other:
                self.at[v] = into
        self.loops[gone.n].remove(other)
        self.gone.add(other)
        self.before[other] = 0

    def ordered(self) -> list[Step]:
        """Steps that lead to checks first; else as they were begun, after what they need."""
        checks = [i for i, s in enumerate(self.steps) if isinstance(s, Call) and s.equation.effect == "check"]
        urgent = self._closure(set(checks))
        order: list[Step] = []
        done = 0
        waiting = sorted(set(range(len(self.steps))) - self.gone, key=lambda i: (not urgent >> i & 1, i))
        while waiting:
            ready = next(i for i in waiting if self.before[i] & ~done == 0)
            waiting.remove(ready)
            done |= 1 << ready
            order.append(self.steps[ready])
        return order


def _joined(e: Equation, graph: _Graph, needs: set[int]) -> int:
    """Put `e` into the latest loop that it fits, and earlier ones that can be one with that, or into one of its own."""
    shape = iteration(e)
    n = int(np.prod(shape, dtype=np.int64))
    near = [place for place in graph.loops.get(n, [])[::-1] if _related(e, graph.loop(place))]
    at = next((place for place in near if _fits(e, place, graph, needs)), None)
    if at is None:
        alone = Loop(n, tuple(k for k in shape if k != 1) or (1,))
        alone.take(e)
        at = graph.add(alone, needs)
        graph.loops.setdefault(n, []).append(at)
        return at
    mine = graph.loop(at)
    mine.dims = refined(mine.dims, shape) or mine.dims
    mine.take(e)
    graph.join(at, needs)
    for place in near[near.index(at) + 1 :]:
        dims = refined(graph.loop(place).dims, mine.dims)
        if dims is not None and graph.may_merge(at, place) and _arrays(graph.loop(place), mine) <= ARRAYS:
            mine.dims = dims
            graph.merge(at, place)
    return at


def _fits(e: Equation, place: int, graph: _Graph, needs: set[int]) -> bool:
    """Whether the loop can take `e`: their shapes divide each other, and what it needs of the loop is the element."""
    loop = graph.loop(place)
    inside = [v for v in operands(e) if isinstance(v, Var) and graph.at.get(v.root) == place]
    return (refined(loop.dims, iteration(e)) is not None and _arrays(loop, e) <= ARRAYS
            and all(_same_element(v, loop) for v in inside) and graph.may_join(place, needs))  # fmt: skip


def _read(e: Equation) -> set[Var]:
    return {v.root for v in operands(e) if isinstance(v, Var)}


def _related(e: Equation, loop: Loop) -> bool:
    """Whether one of them reads what the other reads or makes; else they gain nothing from being one.

    What is shorter than the loop is in the caches anyhow.  Two parameters' updates have their rates in common: as one
    loop they would read more arrays than one may, and be cut where that ends, in the midst of an update.
    """
    return any((v in loop.reads and v.size >= loop.n) or v in loop.makes for v in _read(e))


def _arrays(*parts: Loop | Equation) -> int:
    """The arrays that a loop of these parts reads and writes, about."""
    reads: set[Var] = set().union(*(p.reads if isinstance(p, Loop) else _read(p) for p in parts))
    makes: set[Var] = set().union(*(p.makes if isinstance(p, Loop) else p.outs for p in parts))
    return len(reads - makes) + len(makes) // 2


def _same_element(v: Var, loop: Loop) -> bool:
    """Whether `v` is, element for element, what the loop computes for its root."""
    maker = next((e for e in loop.equations if e.outs[0] is v.root), None) if v.root in loop.makes else None
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


def matrices(e: Equation) -> Product | Matrix | None:
    """The equation as a product of two matrices, or a sum of such, if that is what it is."""
    body, bias = getattr(e.function, "body", e.function), None
    if body in (np.matmul, product.op.body):
        factors = [e.args]
    elif body is affine.op.body:
        a, b, bias = e.args
        factors = [(a, Var(b.shape[::-1], b.dtype, b.strides[::-1], b.root, b.offset))]
    elif body is sum_of_products:
        bias, *rest = e.args
        factors = list(zip(rest[::2], rest[1::2]))
    else:
        return None
    c, given = e.outs[0], [v for pair in factors for v in pair] + [bias] * (bias is not None)
    if e.kwargs or not all(isinstance(v, Var) and v.dtype == c.dtype for v in given) or c.dtype.char not in "fd":
        return None
    if not all(len(v.shape) == 2 and v.size for pair in factors for v in (*pair, c)):
        return None
    if body not in (affine.op.body, sum_of_products) and c.size * e.args[0].shape[1] <= LITTLE:
        return Product(e)
    runs = all(1 in v.strides for v in given) and all(s > 0 for v in given for s in v.strides) and in_order(c)
    return Matrix(e, factors, bias) if runs and all(_pays(*pair) for pair in factors) else None


def _pays(a: Var, b: Var) -> bool:
    """Whether the kernel is not slower than BLAS: a few rows are dots, and no work for tiles."""
    (m, k), n = a.shape, b.shape[1]
    dots = m < NARROW <= n and a.strides[1] == b.strides[0] == 1
    return m * k * n > LITTLE and (dots or min(m, n) >= NARROW)
