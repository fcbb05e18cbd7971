"""What became of a function, in words and numbers: passes, steps, work, traffic, memory, time.

Work is counted in FLOP, where an addition or a multiplication is one, and a function such as exp as many as it takes
the time of (`scalars.COST`).  What a call does inside is found by running its body on arrays that note what happens.
Traffic is what a step reads of arrays that it does not make and writes for others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .build import Timing
from .fuse import Loop, Matrix, Product, Step, schedule
from .limits import Limits, measured
from .loops import Nest
from .memory import Layout
from .passes import PASSES, copied
from .program import Program, Var
from .recompute import recomputed
from .units import quantity, seconds, size
from .work import bytes_of, flops_of, why_a_call

if TYPE_CHECKING:
    from .replay import Replay

IN_CACHE = 1 << 20  # bytes of a program's arrays that stay near a core from one step to the next


@dataclass(frozen=True)
class Row:
    """One step: what it is, and what it takes.  `flops` is None if nobody knows."""

    kind: str
    what: str
    elements: int
    flops: float | None
    read: int
    written: int
    seconds: float
    why: str = ""  # it is a call and no loop


@dataclass(frozen=True)
class Explanation:
    """Print it, or take the numbers."""

    title: str
    stages: list[tuple[str, Program]]  # after each pass; the first is what was given
    rows: list[Row]
    arena: int  # bytes
    apart: int  # bytes that the values of the arena would take side by side
    alone: int  # bytes that would move if each equation were a step
    limits: Limits
    timing: Timing | str | None = None
    then: Explanation | None = None  # of the derivative

    @property
    def flops(self) -> float:
        """Of all steps that are known."""
        return sum(row.flops or 0 for row in self.rows)

    @property
    def moved(self) -> int:
        """Bytes read and written by all steps."""
        return sum(row.read + row.written for row in self.rows)

    @property
    def seconds(self) -> float:
        """The least time of all steps on this machine."""
        return sum(row.seconds for row in self.rows)

    def __str__(self) -> str:
        then = [] if self.then is None else ["", str(self.then)]
        return "\n".join([self.title, *self._passes(), "", *self._steps(), "", *self._summary(), *self._calls(), *then])

    def _passes(self) -> Iterator[str]:
        if not self.stages:
            return
        yield ""
        yield f"  {'pass':<26}{'equations':>10}{'views':>8}  constants"
        for name, program in self.stages:
            views = sum(e.view for e in program.equations)
            yield f"  {name:<26}{len(program.equations):>10}{views:>8}{len(program.constants):>11}"

    def _steps(self) -> Iterator[str]:
        yield f"  {'':>3} {'step':<8}{'what':<44}{'elements':>10}{'FLOP':>9}{'read':>9}{'written':>9}{'at least':>10}"
        for i, row in enumerate(self.rows):
            flops = "?" if row.flops is None else quantity(row.flops)
            yield (f"  {i:>3} {row.kind:<8}{_cut(row.what, 43):<44}{row.elements:>10}{flops:>9}"
                   f"{size(row.read):>9}{size(row.written):>9}{seconds(row.seconds):>10}")  # fmt: skip
        more = "+" * any(row.flops is None for row in self.rows)
        read, written = size(sum(row.read for row in self.rows)), size(sum(row.written for row in self.rows))
        yield f"  {'':>3} {'all':<62}{quantity(self.flops) + more:>9}{read:>9}{written:>9}{seconds(self.seconds):>10}"

    def _summary(self) -> Iterator[str]:
        side = f"an arena of {size(self.arena)} for values that would take {size(self.apart)} side by side"
        yield f"  memory    {side if self.arena else 'none between the steps'}"
        yield f"  traffic   {size(self.moved)}; with every equation on its own {size(self.alone)}"
        yield f"  time      at least {seconds(self.seconds)}, without the Python between the steps"
        yield f"  machine   {self.limits}"
        if self.timing is not None:
            yield f"  program   {self.timing}"

    def _calls(self) -> Iterator[str]:
        calls = [(i, row) for i, row in enumerate(self.rows) if row.why]
        if calls:
            yield "\n  what stays a call, and why it is no loop:"
        for i, row in calls:
            yield f"  {i:>3} {_cut(row.what, 28):<29}{row.why}"


def explained(program: Program, limits: Limits | None = None) -> Explanation:
    """The explanation of a program as it would be compiled, after all passes."""
    stages = stages_of(program)
    return _explanation("program", stages, stages[-1][1], limits)


def explained_replay(replay: Replay, name: str, limits: Limits | None = None) -> Explanation:
    """The explanation of a compiled function, and of its derivative if that is a program of its own."""
    stages, (forward, derivative), backward = stages_of(replay.recording.program), replay.programs, replay.backward
    if backward is None or derivative is None:
        return _explanation(name, stages, forward, limits, replay.run.timing)
    then = _explanation(f"{name}: its derivative", [], derivative, limits, backward.run.timing)
    return _explanation(f"{name}, with what its derivative takes", stages, forward, limits, replay.run.timing, then)


def _explanation(title: str, stages: list[tuple[str, Program]], program: Program, limits: Limits | None,
                 timing: Timing | str | None = None, then: Explanation | None = None) -> Explanation:  # fmt: skip
    limits = measured() if limits is None else limits
    steps = recomputed(program, schedule(program.named()))
    layout = Layout(program, steps)
    apart = sum(v.nbytes for v, place in layout.places.items() if place.kind == "arena")
    kept = sum(v.nbytes for v, place in layout.places.items() if place.kind not in ("arena", "register"))
    rows = [_row(step, layout.outside, limits, kept + layout.bytes <= IN_CACHE) for step in steps]
    alone = sum(sum(bytes_of(e)) for e in program.equations if not e.view and not e.effect)
    return Explanation(title, stages, rows, layout.bytes, apart, alone, limits, timing, then)


def stages_of(program: Program) -> list[tuple[str, Program]]:
    """The program as it was given, and after each pass."""
    stages = [("recorded", copied(program))]
    for step in PASSES:
        stages.append((step.__name__.replace("_", " "), copied(step(copied(stages[-1][1])))))
    return stages


def _row(step: Step, outside: set[Var], limits: Limits, in_cache: bool) -> Row:
    if isinstance(step, Loop):
        work = [flops_of(e) for e in step.equations]
        read, written = _traffic(Nest(step, outside))
        names = ", ".join(e.name for e in step.equations)
        row = Row("loop", names, step.n, None if None in work else sum(w for w in work if w), read, written, 0.0)
    else:
        e = step.equation
        row = Row("call", e.name, max((v.size for v in e.outs), default=1), flops_of(e), *bytes_of(e), 0.0)
        if isinstance(step, Product | Matrix):
            pairs = [e.args] if isinstance(step, Product) else step.factors
            terms = [f"{a.type} @ {b.type}" for a, b in pairs]
            terms += ["bias"] * (isinstance(step, Matrix) and step.bias is not None)
            row = replace(row, kind="product", what=" + ".join(terms))
        elif e.effect == "check":
            row = replace(row, kind="check")
        else:
            row = replace(row, why=why_a_call(e))
    return replace(row, seconds=limits.seconds(row.flops or 0, row.read + row.written, in_cache))


def _traffic(nest: Nest) -> tuple[int, int]:
    """Bytes of different elements that a loop reads and writes."""

    def touched(a: Any) -> int:
        n = 1
        for k, stride in zip(nest.dims, a.strides):
            n *= k if stride else 1
        return n * a.var.dtype.itemsize

    read: dict[Var, int] = {}
    for a in nest.reads.values():
        read[a.var.root] = min(a.var.root.nbytes, read.get(a.var.root, 0) + touched(a))
    return sum(read.values()), sum(map(touched, (*nest.writes.values(), *(a for _, a in nest.sums))))


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
