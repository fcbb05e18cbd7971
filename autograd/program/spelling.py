"""How the emitted text refers to values: names for arrays, for the memory they lie in, and for pieces of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .memory import Layout
from .program import Program, Var
from .scalars import code_of, literal

TYPES = {code: f"{kind}[::1]" for code, kind in {
    "f4": "float32", "f8": "float64", "i8": "int64", "i4": "int32", "i2": "int16", "i1": "int8", "u8": "uint64",
    "u4": "uint32", "u2": "uint16", "u1": "uint8", "b1": "bool_",
}.items()}  # fmt: skip


class Spelling:
    """Names, and the lines that define them: in `bound` what is known before the first call, in `lines` the rest."""

    def __init__(self, program: Program, layout: Layout, moving: set[Var]) -> None:
        self.program, self.layout, self.moving = program, layout, moving
        self.bound: list[str] = []  # lines of `bind`, done once
        self.lines: list[str] = []  # lines of `step`
        self._known: dict[str, str] = {}  # an expression -> the name that it was given
        self._referring: dict[Var, list[str]] = {}  # what functions returned -> all names that refer to it
        passing = [v for v, place in layout.places.items() if place.kind == "call" and v not in layout.ends]
        self._last = {v: max(layout.used.get(v, [layout.made[v]])) for v in passing}

    def array(self, root: Var) -> str:
        """The name of a root's array."""
        place = self.layout.places[root]
        return {"input": "a", "constant": "c", "result": "r", "call": "t"}[place.kind] + str(place.at)

    def value(self, v: Var) -> str:
        """The name of a variable's array, for calls."""
        root, place = v.root, self.layout.places[v.root]
        if place.kind != "arena" and v.offset == 0 and (v.shape, v.strides) == (root.shape, root.strides):
            return self.array(root)
        memory, start = self.flat(root)
        return self._named(root, f"v_{v.name}", f"seen({memory}, {start + v.offset}, {v.shape}, {v.strides})")

    def flat(self, root: Var) -> tuple[str, int]:
        """The name of a root's memory as one run, and where in it the root begins."""
        place = self.layout.places[root]
        if place.kind == "arena":
            code = code_of(root.dtype)
            return self.define(f"A_{code}", f"arena.view('{code}')"), place.at // root.dtype.itemsize
        name = self.array(root)
        return self._named(root, f"{name}_", f"flat({name})"), 0

    def run(self, root: Var) -> str:
        """The root's own part of its memory."""
        name, start = self.flat(root)
        if self.layout.places[root].kind != "arena":
            return name
        return self.define(f"{name}_{start}_{root.size}", f"{name}[{start}:{start + root.size}]")

    def tail(self, v: Var) -> str:
        """The memory of a variable from its first element on."""
        memory, start = self.flat(v.root)
        start += v.offset
        return self._named(v.root, f"{memory}_{start}", f"{memory}[{start}:]") if start else memory

    def define(self, name: str, value: str, static: bool = True) -> str:
        """A name for an expression: `name`, or the one that it has."""
        if value not in self._known:
            self._known[value] = name
            (self.bound if static else self.lines).append(f"{name} = {value}")
        return self._known[value]

    def _named(self, root: Var, name: str, value: str) -> str:
        name = self.define(name, value, self._is_static(root))
        if root in self._referring and name not in self._referring[root]:
            self._referring[root].append(name)
        return name

    def _is_static(self, root: Var) -> bool:
        place = self.layout.places[root]
        return place.kind in ("constant", "arena") or (
            place.kind == "input" and self.program.inputs[place.at] not in self.moving
        )

    def returned(self, root: Var, name: str) -> None:
        """A function has returned this, under this name."""
        if root in self._last:
            self._referring[root] = [name]

    def release(self, done: int) -> None:
        """Let go of what functions returned and no step after `done` reads, so that its memory is used again."""
        for root in [r for r, last in self._last.items() if last <= done]:
            del self._last[root]
            names = self._referring.pop(root, None)
            if names:
                self.lines.append(f"{' = '.join(names)} = None")


class Arguments:
    """The arguments of a kernel: arrays, and sizes, strides and offsets."""

    def __init__(self, spelling: Spelling) -> None:
        self.spelling, self.bounds = spelling, False
        self.arrays: dict[Any, tuple[str, Var]] = {}  # a place -> its name, and a root that lies there
        self.names: dict[str, str] = {}  # of arrays that are known by their own names, with types
        self.numbers: dict[int, str] = {}
        self.constants: dict[tuple[float, str], str] = {}
        self.instead: dict[Var, str] = {}
        self.team = False  # whether it divides its work among threads
        self.piece = False  # whether it is a piece of such work, and which

    def known(self, root: Var) -> tuple[str, int]:
        name, start = self.spelling.flat(root)
        self.names[name] = TYPES[code_of(root.dtype)]
        return name, start

    def array(self, root: Var) -> tuple[str, int]:
        key = (self.spelling.layout.places[root], code_of(root.dtype)) if root not in self.instead else root
        name, largest = self.arrays.get(key, (f"p{len(self.arrays)}", root))
        self.arrays[key] = (name, root if root.size > largest.size else largest)
        return name, 0

    def number(self, n: int) -> str:
        """A number as an argument; unsigned, for Numba tests whether an index that may be negative is so."""
        return self.numbers.setdefault(n, f"n{len(self.numbers)}")

    def constant(self, value: Any, dtype: Any) -> str:
        """A number in a formula; the commonest stay where they are."""
        kind = TYPES[code_of(dtype)].removesuffix("[::1]")
        if dtype.kind != "f" or not np.isfinite(value) or value in (0, 1, -1, 2, 0.5):
            return literal(value, dtype)
        return self.constants.setdefault((float(value), kind), f"k{len(self.constants)}")

    def taken(self) -> tuple[list[str], list[str]]:
        """Names and types."""
        bounds = ["low", "high"] if self.bounds else []
        own = {"piece": "int64"} if self.piece else {}
        own |= ({"team": "int64[:, ::1]", "helpers": "int64"} if self.team else {}) | self.names
        names = [*own, *(name for name, _ in self.arrays.values()), *self.constants.values(),
                 *self.numbers.values(), *bounds]  # fmt: skip
        kinds = [*own.values(), *(TYPES[code_of(root.dtype)] for _, root in self.arrays.values())]
        kinds += [kind for _, kind in self.constants]
        return names, kinds + ["uint64"] * (len(self.numbers) + len(bounds))

    def lent(self, inner: Arguments) -> list[str]:
        """What a kernel that takes `inner` is given by the one that takes these."""
        arrays = [self.array(root)[0] for _, root in inner.arrays.values()]
        constants = [self.constants.setdefault(key, f"k{len(self.constants)}") for key in inner.constants]
        return [*arrays, *constants, *map(self.number, inner.numbers)]

    def passed(self) -> list[str]:
        """What the caller gives for them, but for the bounds and the team."""
        arrays = [self.instead.get(root) or self.spelling.run(root) for _, root in self.arrays.values()]
        numbers = [repr(value) for value, _ in self.constants] + [str(n % 2**64) for n in self.numbers]
        return [*self.names, *arrays, *numbers]
