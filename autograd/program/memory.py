"""Where each value of a program lies: in an input, in a constant, in the arena, in a fresh result, or with a function.

Values that loops and small products make share one block of memory, the arena, in which two may have the same place if
one is dead before the other is made.  What is written into an input goes there at once if nothing reads its old value
later and no check comes after it.
"""

from __future__ import annotations

from dataclasses import dataclass

from .fuse import Call, Loop, Step, inputs_of, iteration
from .loops import spread
from .program import Program, Var
from .scalars import operands
from .traced import Reduction

ALIGNED = 64  # bytes


@dataclass(frozen=True)
class Place:
    """`kind` is "input", "constant", "arena", "register", "result" or "call"; `at` its number, or its byte there."""

    kind: str
    at: int = 0


class Layout:
    """The places of all roots, and what is left to be copied at the end."""

    def __init__(self, program: Program, steps: list[Step]) -> None:
        self.program, self.steps = program, steps
        self.made: dict[Var, int] = {}  # a root -> the step that makes it
        self.used: dict[Var, list[int]] = {}  # a root -> the steps that read it
        for i, step in enumerate(steps):
            for e in step.equations:
                for v in e.outs:
                    self.made[v] = i
                for v in inputs_of(step, e):
                    self.used.setdefault(v.root, []).append(i)
        self.places: dict[Var, Place] = {v: Place("input", i) for i, v in enumerate(program.inputs)}
        self.places |= {v: Place("constant", i) for i, v in enumerate(program.constants)}
        self.copies: list[tuple[Var, Var]] = []  # at the end: into this input, this value
        # What leaves the program, and what leaves the step that makes it.
        self.ends = {v.root for v in program.results} | {v.root for _, v in program.writes}
        self.outside = self.ends | {v for v, steps in self.used.items() if any(i != self.made.get(v) for i in steps)}
        self._calls()
        self._in_place()
        self._results()
        self._registers()
        self.bytes = self._arena()

    def _calls(self) -> None:
        calls = (v for step in self.steps if isinstance(step, Call) for v in step.equation.outs if v.root is v)
        self.places |= {v: Place("call", i) for i, v in enumerate(calls)}

    def _in_place(self) -> None:
        checks = [i for i, s in enumerate(self.steps) if isinstance(s, Call) and s.equation.effect == "check"]
        last = checks[-1] if checks else -1
        results = {v.root for v in self.program.results}
        taken: set[Var] = set()
        for target, value in self.program.writes:
            at = self.made.get(value, -1)
            alone = value is value.root and value not in self.places and value not in taken
            if (alone and at > last and target not in results and value.strides == target.strides
                    and all(i < at or self._same_element(target, value, i) for i in self.used.get(target, ()))
                    and not any(v.root is target for _, v in self.program.writes)):  # fmt: skip
                self.places[value] = self.places[target]
                taken.add(value)
            else:
                self.copies.append((target, value))

    def _same_element(self, target: Var, value: Var, i: int) -> bool:
        """Whether step `i` makes `value` and reads of `target` only the element that it writes."""
        step = self.steps[i]
        if i != self.made[value] or not isinstance(step, Loop):
            return False
        goal = spread(value.strides, value.shape, step.dims)
        for e in step.equations:
            for v in operands(e):
                if not isinstance(v, Var) or v.root is not target:
                    continue
                if v.shape != iteration(e) or v.offset or spread(v.strides, v.shape, step.dims) != goal:
                    return False
        return True

    def _results(self) -> None:
        n = 0
        for v in self.program.results:
            if v is v.root and v not in self.places and dense(v):
                self.places[v] = Place("result", n)
                n += 1

    def _registers(self) -> None:
        """What only the loop that computes it uses, element by element, lies nowhere."""
        for step in self.steps:
            for e in step.equations if isinstance(step, Loop) else ():
                v = e.outs[0]
                if v not in self.outside and v not in self.places and not isinstance(e.function, Reduction):
                    self.places[v] = Place("register")

    def _arena(self) -> int:
        """First fit, the largest first (Pisarchyk and Lee, 2020)."""
        waiting = []
        end = len(self.steps)
        for v, start in self.made.items():
            if v is v.root and v not in self.places:
                stop = end if v in self.ends else max(self.used.get(v, [start]))
                size = -(-v.nbytes // ALIGNED) * ALIGNED
                waiting.append((size, start, max(stop, start), v))
        placed: list[tuple[int, int, int, int]] = []  # offset, size, start, stop
        total = 0
        for size, start, stop, v in sorted(waiting, key=lambda entry: (-entry[0], entry[1])):
            offset = 0
            for at, length, _, _ in sorted(p for p in placed if p[2] <= stop and start <= p[3]):
                if offset + size <= at:
                    break
                offset = max(offset, at + length)
            placed.append((offset, size, start, stop))
            self.places[v] = Place("arena", offset)
            total = max(total, offset + size)
        return total


def dense(v: Var) -> bool:
    """Whether the elements fill a run of memory, in whatever order of dimensions."""
    expected = 1
    for n, stride in sorted(zip(v.shape, v.strides), key=lambda pair: pair[1]):
        if n != 1 and stride != expected:
            return False
        expected *= n
    return True
