"""Program: what a function computed, as a list of typed equations.

::

    in    a0: f32[32,2]            x
    in    a1: f32[16,2]            weight
          t0: f32[2,16]          = transpose(a1)
          t1: f32[32,16]         = matmul(a0, t0)
          ...
    write a1                     <- t9
    out   t7

Each variable is defined once.  Writes in place are equations whose results are stored at the end, so nothing that a
program reads has changed while it runs, and a program that stops at a failing check has changed nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import TapeError
from ..quiet import silent
from .nesting import leaves, over

if TYPE_CHECKING:
    from .explain import Explanation
    from .picture import ProgramDrawing


class Var:
    """One value of a program: its type, and for a view where in its root's memory it lies (in elements)."""

    __slots__ = ("dtype", "live", "name", "offset", "root", "shape", "strides")

    def __init__(self, shape: tuple[int, ...], dtype: Any, strides: tuple[int, ...], root: Var | None = None,
                 offset: int = 0) -> None:  # fmt: skip
        self.shape, self.dtype, self.strides, self.offset = shape, dtype, strides, offset
        self.root: Var = self if root is None else root
        self.name, self.live = "?", False  # live: a constant that others hold, too, and may change

    @property
    def size(self) -> int:
        """The number of elements."""
        n = 1
        for k in self.shape:
            n *= k
        return n

    @property
    def nbytes(self) -> int:
        """What the elements take, each once."""
        return self.size * self.dtype.itemsize

    @property
    def span(self) -> tuple[int, int]:
        """The lowest and the highest place of an element, from the first."""
        ends = [(n - 1) * s for n, s in zip(self.shape, self.strides)] if self.size else []
        return sum(e for e in ends if e < 0), sum(e for e in ends if e > 0)

    @property
    def type(self) -> str:
        """``f32[2,3]``."""
        return f"{self.dtype.kind}{8 * self.dtype.itemsize}[{','.join(map(str, self.shape))}]"

    def __repr__(self) -> str:
        return self.name


@dataclass(eq=False)
class Equation:
    """``outs = function(*args, **kwargs)``; variables stand anywhere in the arguments."""

    function: Any  # a ufunc, a `Reduction`, or any other callable
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outs: tuple[Var, ...]
    name: str
    view: bool = False  # the output lies in the first argument's memory
    effect: str | None = None  # "check": the result must be what it was; "draw": takes from a random stream
    several: bool = False  # the function returns a tuple
    where: str = ""  # the user's line

    def inputs(self) -> list[Var]:
        """The variables among the arguments, each time they stand there."""
        return list(variables((self.args, self.kwargs)))


def variables(x: Any) -> Iterator[Var]:
    """The variables in a nesting of arguments."""
    return (leaf for leaf in leaves(x) if isinstance(leaf, Var))


def substitute(x: Any, value: Callable[[Var], Any]) -> Any:
    """The same nesting with ``value(v)`` for each variable v."""
    return over(x, lambda leaf: value(leaf) if isinstance(leaf, Var) else leaf)


@dataclass(eq=False)
class Program:
    """Inputs, constants, equations, writes and results; see the module's text.

    >>> x, y = Var((2,), np.dtype("f4"), (1,)), Var((2,), np.dtype("f4"), (1,))
    >>> print(Program([x], equations=[Equation(np.tanh, (x,), {}, (y,), "tanh")], results=[y]))
    in    a0: f32[2]
          t0: f32[2]             = tanh(a0)
    out   t0
    """

    inputs: list[Var] = field(default_factory=list)
    constants: dict[Var, np.ndarray] = field(default_factory=dict)
    equations: list[Equation] = field(default_factory=list)
    writes: list[tuple[Var, Var]] = field(default_factory=list)  # into the memory of this input, this value
    results: list[Var] = field(default_factory=list)
    labels: dict[Var, str] = field(default_factory=dict)

    # -- reading -------------------------------------------------------------------------------------------------------

    def named(self) -> Program:
        """Give every variable a name: a for inputs, c for constants, t for the others, in order."""
        for i, v in enumerate(self.inputs):
            v.name = f"a{i}"
        for i, v in enumerate(self.constants):
            v.name = f"c{i}"
        n = 0
        for equation in self.equations:
            for v in equation.outs:
                v.name, n = f"t{n}", n + 1
        return self

    def __str__(self) -> str:
        self.named()
        lines = [f"in    {v.name}: {v.type:<16} {self.labels.get(v, '')}".rstrip() for v in self.inputs]
        for v, array in self.constants.items():
            shown = repr(array.tolist()) if array.size <= 4 else "..."
            lines.append(f"const {v.name}: {v.type:<16} {shown}")
        lines += [f"      {equation_text(e)}" for e in self.equations]
        lines += [f"write {target.name} <- {value.name}" for target, value in self.writes]
        if self.results:
            lines.append("out   " + ", ".join(v.name for v in self.results))
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Program: {len(self.inputs)} inputs, {len(self.equations)} equations, {len(self.writes)} writes>"

    def explain(self, limits: Any = None) -> Explanation:
        """What the passes make of it, its steps with work and traffic, and the least time on this machine; print it."""
        from .explain import explained

        return explained(self, limits)

    def draw(self, direction: str | None = None, max_nodes: int = 500) -> ProgramDrawing:
        """The program as a picture: a box for each equation, a frame around each loop, types on the edges.

        Print it, show it in a notebook, or ``.save("program.svg")``; `direction` and `max_nodes` as in `autograd.draw`.
        """
        from .picture import draw_program

        return draw_program(self, direction, max_nodes)

    # -- leaving the process -------------------------------------------------------------------------------------------

    def to_json(self) -> str:
        """The program as a JSON document; TapeError names an equation whose function no other process could find."""
        from .document import to_json

        return to_json(self)

    @staticmethod
    def from_json(text: str) -> Program:
        """The program in a document that `to_json` wrote; CheckpointError says what is wrong with any other."""
        from .document import from_json

        return from_json(text)

    # -- checking ------------------------------------------------------------------------------------------------------

    def check(self) -> Program:
        """Raise TapeError unless each variable is defined once and before it is used."""
        known = set(self.inputs) | set(self.constants)
        for i, equation in enumerate(self.equations):
            for v in equation.inputs():
                if v not in known:
                    raise TapeError(f"program: equation {i} ({equation.name}) uses {v} before it is defined")
            for v in equation.outs:
                if v in known:
                    raise TapeError(f"program: equation {i} ({equation.name}) defines {v} a second time")
                known.add(v)
        for v in [v for pair in self.writes for v in pair] + self.results:
            if v not in known:
                raise TapeError(f"program: {v} is a result, but nothing defines it")
        for target, value in self.writes:
            if target not in self.inputs or target.shape != value.shape or target.dtype != value.dtype:
                raise TapeError(f"program: {value} ({value.type}) cannot be written into {target} ({target.type})")
        return self

    # -- running -------------------------------------------------------------------------------------------------------

    def interpret(self, *arrays: np.ndarray) -> list[np.ndarray]:
        """Run the equations one by one with NumPy, write, and return the results: the definition of a program.

        Raises `CheckFailed`, with nothing written, if a check does not hold; TapeError for another number of arrays.
        """
        if len(arrays) != len(self.inputs):
            raise TapeError(f"program: expected {len(self.inputs)} arrays, got {len(arrays)}")
        values: dict[Var, Any] = {**dict(zip(self.inputs, arrays)), **self.constants}
        for equation in self.equations:
            args, kwargs = substitute((equation.args, equation.kwargs), values.__getitem__)
            out = silent().run(equation.function, *args, **kwargs)
            for v, part in zip(equation.outs, out if equation.several else (out,)):
                values[v] = np.asarray(part)
                if part is not None and values[v].shape != v.shape:
                    raise CheckFailed
        results = [values[v] for v in self.results]
        fresh = [values[value].copy() for _, value in self.writes]
        for (target, _), value in zip(self.writes, fresh):
            values[target][...] = value
        return results


class CheckFailed(Exception):
    """A decision that was taken on values while recording would be another one now."""


def equation_text(equation: Equation) -> str:
    """``t1: f32[3] = name(arguments)``."""
    outs = ", ".join(f"{v.name}: {v.type}" for v in equation.outs)
    given = [shown(a) for a in equation.args] + [f"{k}={shown(a)}" for k, a in equation.kwargs.items()]
    return f"{outs:<22} = {equation.name}({', '.join(given)})" if outs else f"{equation.name}({', '.join(given)})"


def shown(x: Any) -> str:
    """An argument as it stands in a program's text."""
    if isinstance(x, Var):
        return x.name
    if isinstance(x, tuple):
        return f"({', '.join(map(shown, x))}{',' if len(x) == 1 else ''})"
    if isinstance(x, list):
        return f"[{', '.join(map(shown, x))}]"
    if isinstance(x, slice):
        return ":".join(
            "" if p is None else shown(p) for p in ((x.start, x.stop) if x.step is None else (x.start, x.stop, x.step))
        )
    if isinstance(x, np.dtype):
        return str(x)
    if x is Ellipsis:
        return "..."
    return getattr(x, "__name__", None) or repr(x)


def without_dead(program: Program) -> Program:
    """Dead code elimination: only what leads to a result, a write, a check or a draw stays; of inputs, what is read."""
    needed: set[Var] = {w for v in program.results for w in (v, v.root)}
    needed |= {w for pair in program.writes for v in pair for w in (v, v.root)}
    kept = []
    for equation in reversed(program.equations):
        if equation.effect or not needed.isdisjoint(equation.outs):
            needed.update(w for v in equation.inputs() for w in (v, v.root))
            kept.append(equation)
    constants = {v: array for v, array in program.constants.items() if v in needed}
    inputs = [v for v in program.inputs if v in needed]
    return Program(inputs, constants, kept[::-1], program.writes, program.results, program.labels)
