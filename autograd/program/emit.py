"""Emission: a program as the text of one Python file with Numba kernels, which a reader can follow.

The file has a kernel for each stretch of small steps, one for each large loop, and `bind`, which is given the arrays
that stay and returns the function that is called at every step.
"""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .functions import same_value
from .fuse import Call, Loop, Matrix, Product, Step, in_order, schedule
from .loops import Nest
from .memory import Layout
from .program import Equation, Program, Var, equation_text
from .recompute import recomputed
from .scalars import code_of, literal, start_of
from .spelling import Arguments, Spelling

SERIAL = 1_000_000  # time (`Loop.time`) up to which a loop is not worth a second thread: some 40 µs
SHARED = SERIAL // 3  # and from which threads that multiply matrices beside it divide it: they begin in a microsecond
PIECES = 16
MANY, ALIKE = 16, 3  # a part of so many steps, of each kind so many, is not one kernel, but one for each kind

imports = """import math

import numpy as np

from autograd.kernels.door import kernel_for
from autograd.kernels.gemm import product_among
from autograd.kernels.little import little_product
from autograd.kernels.pool import run, together
from autograd.kernels.spin import each
from autograd.kernels.vmath import verf, vexp, vlog, vmaximum, vminimum, vtanh
from autograd.kernels.words import entry, kept
from autograd.program.program import CheckFailed
from autograd.program.runtime import flat, seen
"""


@dataclass(eq=False)
class Emitted:
    """The text, and what `bind` wants: functions, objects and constants."""

    source: str
    functions: list[Callable[..., Any]] = field(default_factory=list)
    objects: list[Any] = field(default_factory=list)
    constants: list[np.ndarray] = field(default_factory=list)
    arena: int = 0
    moving: list[int] = field(default_factory=list)  # inputs that come with each call


@dataclass(eq=False)
class Kernel:
    """What a kernel is given, and what it does."""

    arguments: Arguments
    lines: list[str]
    checks: bool = False  # whether it returns that a check has failed


class Emitter:
    """Writes one program."""

    def __init__(self, program: Program, moving: set[Var], dynamic: bool = False) -> None:
        self.program, self.moving = program.named(), moving
        self.steps = recomputed(program, schedule(program))
        self.layout = Layout(program, self.steps)
        self.spelling = Spelling(program, self.layout, moving)
        self.bound, self.lines = self.spelling.bound, self.spelling.lines
        self.whole = not dynamic and all(map(self._is_serial, self.steps))  # one part that knows all sizes
        self.functions: list[Any] = []
        self.objects: list[Any] = []
        self.kernels: dict[str, str] = {}  # name, which says what a kernel does -> text

    def emit(self) -> Emitted:
        """The text of the whole program."""
        self._rooms()
        part: list[Step] = []
        for i, step in enumerate(self.steps):
            inside = self._is_serial(step) or isinstance(step, Matrix)
            joins = self.whole or isinstance(step, Matrix) or _roots(step) & set[Var]().union(*map(_roots, part))
            if not (inside and joins):
                self._part(part)
                part = []
            if inside:
                part.append(step)
                continue
            if isinstance(step, Loop):
                self._loop(step)
            else:
                self._call(step.equation)
            self.spelling.release(i)
        self._part(part)
        self._finish()
        return self._text()

    def _rooms(self) -> None:
        """New arrays for the results that the steps write themselves."""
        for v in self.program.results:
            if self.layout.places[v.root].kind == "result" and v is v.root:
                room = f"np.empty({v.shape if in_order(v) else v.size}, '{code_of(v.dtype)}')"
                made = room if in_order(v) else f"seen({room}, 0, {v.shape}, {v.strides})"
                self.lines.append(f"{self.spelling.array(v)} = {made}")

    def _is_serial(self, step: Step) -> bool:
        if isinstance(step, Call):
            return _small_check(step.equation)
        return isinstance(step, Product) or (isinstance(step, Loop) and step.time <= SERIAL)

    # -- steps ---------------------------------------------------------------------------------------------------------

    def _part(self, steps: list[Step]) -> None:
        """One kernel for small steps, and products of matrices, that follow each other.

        A program that is one part of small steps knows all its places and sizes.  Elsewhere they are arguments, so that
        layers and parameters that are treated alike share a kernel: the steps of a long part, too, if they are alike.
        """
        if len(steps) >= MANY and not self.whole:
            alone = [self._written([step]) for step in steps]
            if ALIKE * len({_bare(kernel.lines) for kernel in alone}) <= len(steps):
                for kernel in alone:
                    self._called(kernel)
                return
        if steps:
            self._called(self._written(steps))

    def _called(self, kernel: Kernel) -> None:
        """The line that calls the kernel of a part."""
        name, given = self._name("part", kernel), ", ".join(kernel.arguments.passed())
        call = f"together({name}, {given})" if kernel.arguments.team else f"{name}({given})"
        self.lines += [f"if {call}:", "    raise CheckFailed"] if kernel.checks else [call]

    def _written(self, steps: list[Step]) -> Kernel:
        """What a kernel does for the steps, one after the other."""
        arguments = Arguments(self.spelling)
        shared = (arguments.array, arguments.number, arguments.constant)
        address, number, constant = (arguments.known, str, literal) if self.whole else shared
        lines: list[str] = []
        arguments.team = any(isinstance(step, Matrix) for step in steps)
        for step in steps:
            lines += map(_comment, step.equations)
            if isinstance(step, Loop):
                nest = Nest(step, self.layout.outside)
                if arguments.team and _shares(nest):
                    lines += self._shared(nest, arguments)
                else:
                    lines += nest.lines(address, number, constant)
            elif isinstance(step, Product):
                signed = str if self.whole else lambda n: f"np.int64({number(n)})"
                lines.append(_product(step.equation, address, signed))
            elif isinstance(step, Matrix):
                lines += _products(step, arguments)
            elif isinstance(step, Call):
                lines += _check(step.equation, address)
        checks = any(isinstance(step, Call) for step in steps)
        return Kernel(arguments, lines + ["return False"] * checks, checks)

    def _shared(self, nest: Nest, outer: Arguments) -> list[str]:
        """A loop between products, as pieces for the threads that make those."""
        own, rows = Arguments(self.spelling), nest.dims[0]
        number = own.number
        size = -(-rows // _pieces(nest, SHARED))
        body = [f"low = np.uint64(piece) * np.uint64({number(size)})",
                f"high = min(low + np.uint64({number(size)}), np.uint64({number(rows)}))",
                *nest.lines(own.array, number, own.constant, ("low", "high"))]  # fmt: skip
        own.piece = True
        given, name = outer.lent(own), self._name("piece", Kernel(own, body))
        call = f"each(team, helpers, np.int64({outer.number(-(-rows // size))}), entry({name}, given), kept(given))"
        return [f"given = ({', '.join(given)},)", call]

    def _loop(self, loop: Loop) -> None:
        """A kernel of its own, in pieces on several threads."""
        nest, arguments = Nest(loop, self.layout.outside), Arguments(self.spelling)
        rows = nest.dims[0]
        size = -(-rows // _pieces(nest, SERIAL))
        pieces = -(-rows // size)
        partial = nest.shares_rounds and pieces > 1
        if partial:
            arguments.instead = {a.var: f"sums_{a.var.name}[i]" for _, a in nest.sums}
        body = nest.lines(arguments.array, arguments.number, arguments.constant, ("low", "high"))
        self.lines += map(_comment, loop.equations)
        arguments.bounds = True
        kernel = self._name("loop", Kernel(arguments, body))
        for e, a in nest.sums:
            if partial:
                self._partial(e, pieces)
            elif nest.gathers(a, nest.level(a)):
                self.lines.append(f"{self.spelling.value(a.var)}.fill({_start(e)})")
        ranges = f"i * {size}, min({rows}, i * {size} + {size})"
        self.lines.append(f"run({pieces}, lambda i: {kernel}({', '.join([*arguments.passed(), ranges])}))")
        for e, a in nest.sums:
            if partial:
                out, sums = self.spelling.value(a.var), f"sums_{a.var.name}"
                whole = f"{sums}.reshape({(pieces, *a.var.shape)})" if in_order(a.var) else sums
                self.lines.append(f"np.{e.function.ufunc.__name__}.reduce({whole}, axis=0, out={out})")

    def _partial(self, e: Equation, pieces: int) -> None:
        """Room for the sums of each piece."""
        v = e.outs[0]
        self.spelling.define(f"sums_{v.name}", f"np.empty(({pieces}, {v.size}), '{code_of(v.dtype)}')  # {v.name}")
        self.lines.append(f"sums_{v.name}.fill({_start(e)})")

    def _call(self, e: Equation) -> None:
        function = self._function(e.function)
        given = [self._text_of(a) for a in e.args] + [f"{k}={self._text_of(a)}" for k, a in e.kwargs.items()]
        call = f"{function}({', '.join(given)})"
        roots = [v for v in e.outs if v.root is v]
        if not e.outs:
            self.lines.append(call)
        elif e.several:
            names = [self.spelling.array(v) if v in self.layout.places else "_" for v in e.outs]
            self.lines.append(f"{', '.join(names)}, = {call}  # {e.name}")
        else:
            name = self.spelling.array(e.outs[0])
            self.lines.append(f"{name} = {f'np.asarray({call})' if not e.outs[0].shape else call}  # {e.name}")
        for v in roots:
            self.spelling.returned(v, self.spelling.array(v))
            if v.size and not isinstance(e.function, np.ufunc):
                self.lines += [f"if {self.spelling.array(v)}.shape != {v.shape}:", "    raise CheckFailed"]

    def _function(self, f: Callable[..., Any]) -> str:
        if f not in self.functions:
            self.functions.append(f)
        return f"f{self.functions.index(f)}"

    def _text_of(self, x: Any) -> str:
        if isinstance(x, Var):
            return self.spelling.value(x)
        if isinstance(x, tuple) and not hasattr(x, "_fields"):
            return f"({', '.join(map(self._text_of, x))}{',' if len(x) == 1 else ''})"
        if isinstance(x, list):
            return f"[{', '.join(map(self._text_of, x))}]"
        if isinstance(x, dict):
            return f"{{{', '.join(f'{k!r}: {self._text_of(v)}' for k, v in x.items())}}}"
        if isinstance(x, slice):
            return f"slice({self._text_of(x.start)}, {self._text_of(x.stop)}, {self._text_of(x.step)})"
        if x is None or type(x) in (bool, int, str) or (type(x) is float and np.isfinite(x)):
            return repr(x)
        if isinstance(x, tuple):  # a named one
            return f"{self._object(type(x))}({', '.join(map(self._text_of, x))})"
        return self._object(x)

    def _object(self, x: Any) -> str:
        self.objects.append(x)
        return f"k{len(self.objects) - 1}"

    def _name(self, kind: str, kernel: Kernel) -> str:
        """The kernel's name, under which its text is noted unless there is one that does the same."""
        names, types = kernel.arguments.taken()
        lines = [f"({', '.join(names)}):", *(f"    {line}" for line in kernel.lines)]
        signature = f"{'bool_' if kernel.checks else 'void'}({', '.join(types)})"
        name = f"{kind}_{hashlib.sha256((signature + _bare(lines)).encode()).hexdigest()[:16]}"
        text = "\n".join(lines)
        self.kernels.setdefault(name, f"@kernel_for({signature!r})\ndef {name}{text}\n")
        return name

    # -- the end -------------------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        """Results that lie elsewhere are copied, then inputs are written."""
        targets = {target for target, _ in self.layout.copies}
        results, roots = [], [v.root for v in self.program.results]
        for i, v in enumerate(self.program.results):
            root, made = v.root, self.layout.places[v.root].kind in ("result", "call")
            if made and v is root and v not in self.program.results[:i]:
                results.append(self.spelling.array(v))
            elif made and roots.count(root) == 1 and v.size == root.size and in_order(v) and in_order(root):
                results.append(f"{self.spelling.array(root)}.reshape({v.shape})")
            else:
                self.lines.append(f"o{i} = np.array({self.spelling.value(v)}, order='C')")
                results.append(f"o{i}")
        values = []
        for i, (_, v) in enumerate(self.layout.copies):
            values.append(self.spelling.value(v))
            if v.root in targets:
                self.lines.append(f"w{i} = {values[-1]}.copy()")
                values[-1] = f"w{i}"
        self.lines += [
            f"np.copyto({self.spelling.array(t)}, {value})" for (t, _), value in zip(self.layout.copies, values)
        ]
        self.lines.append(f"return [{', '.join(results)}]")

    def _text(self) -> Emitted:
        moving = [i for i, v in enumerate(self.program.inputs) if v in self.moving]
        unpack = [f"a{i}" for i, v in enumerate(self.program.inputs) if v not in self.moving]
        start = []
        for letter, names in (("functions", [f"f{i}" for i in range(len(self.functions))]),
                              ("objects", [f"k{i}" for i in range(len(self.objects))]),
                              ("constants", [f"c{i}" for i in range(len(self.program.constants))]),
                              ("places", unpack)):  # fmt: skip
            if names:
                start.append(f"{', '.join(names)}, = {letter}")
        bind = ["def bind(functions, objects, constants, places, arena):"]
        bind += textwrap.indent("\n".join([*start, *self.bound]), "    ").splitlines()
        bind += ["", f"    def step({', '.join(f'a{i}' for i in moving)}):"]
        bind += textwrap.indent("\n".join(self.lines), "        ").splitlines()
        bind += ["", "    return step"]
        title = f"A program of {len(self.program.equations)} equations, compiled by Wengert."
        text = str(self.program).replace("\\", "\\\\").replace('"""', "'''")
        header = f'"""{title}\n\n{text}\n"""\n\n{imports}'
        source = "\n\n".join([header, *self.kernels.values(), "\n".join(bind)]) + "\n"
        return Emitted(
            source, self.functions, self.objects, list(self.program.constants.values()), self.layout.bytes, moving
        )


def _comment(e: Equation) -> str:
    return f"# {' '.join(equation_text(e).split())}"


def _bare(lines: list[str]) -> str:
    """Their text without comments."""
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))


def _roots(step: Step) -> set[Var]:
    """The arrays of more than one element, and the scalars that it makes."""
    found = set()
    for e in step.equations:
        found |= {v.root for v in e.inputs()} | set(e.outs)
    return found


def _pieces(nest: Nest, least: int) -> int:
    """2, 4, ... for 2 or 4 threads, if the loop takes `least` or longer."""
    return min(PIECES, nest.dims[0], 1 << int(2 * nest.loop.time / least).bit_length() - 1)


def _shares(nest: Nest) -> bool:
    """Whether threads divide a loop between products: it takes its time, and no two rows add to the same sum."""
    if nest.loop.time < SHARED or not nest.dims or nest.dims[0] == 1:
        return False
    return not nest.shares_rounds and not any(nest.gathers(a, nest.level(a)) for _, a in nest.sums)


def _start(e: Equation) -> str:
    """What a reduction begins with."""
    return repr(start_of(e.function.ufunc, e.outs[0].dtype)).replace("inf", "np.inf")


def _small_check(e: Equation) -> bool:
    if e.function is not same_value or e.kwargs["kwargs"] or len(e.kwargs["args"]) != 1:
        return False
    (v,) = e.kwargs["args"]
    return (isinstance(v, Var) and v.size == 1 and type(e.kwargs["expected"]) in (bool, int)
            and e.kwargs["function"] in (bool, int, np.ndarray.item))  # fmt: skip


def _check(e: Equation, address: Callable[[Var], tuple[str, int]]) -> list[str]:
    (v,) = e.kwargs["args"]
    name, start = address(v.root)
    element = f"{name}[{start + v.offset}]"
    value = f"({element} != 0)" if e.kwargs["function"] is bool else element  # 0.9 is true, and not equal to True
    return [f"if {value} != {e.kwargs['expected']}:", "    return True"]


def _product(e: Equation, address: Callable[[Var], tuple[str, int]], number: Callable[[int], str]) -> str:
    (a, b), c = e.args, e.outs[0]
    left, right, out = (address(v.root) for v in (a, b, c))
    numbers = [left[1] + a.offset, *a.strides, right[1] + b.offset, *b.strides, out[1], c.strides[0], a.shape[0],
               a.shape[1], b.shape[1]]  # fmt: skip
    texts = list(map(number, numbers))
    given = [left[0], *texts[:3], right[0], *texts[3:6], out[0], *texts[6:]]
    return f"little_product({', '.join(given)})"


def _products(step: Matrix, arguments: Arguments) -> list[str]:
    """Each product is added to those before it, and the first to the bias."""
    out = step.equation.outs[0]

    def tail(v: Var) -> str:
        name, _ = arguments.array(v.root)
        return f"{name}[{arguments.number(v.offset)}:]" if v.offset else name

    lines = []
    for i, (a, b) in enumerate(step.factors):
        sizes = [*map(arguments.number, (*a.shape, b.shape[1])), str(int(i > 0))]
        factors = [", ".join((tail(v), *map(arguments.number, v.strides))) for v in (a, b)]
        bias = f"{tail(out)}[:0]" if step.bias is None or i else tail(step.bias)
        lines.append(f"product_among(team, helpers, {', '.join([*factors, bias, tail(out), *sizes])})")
    return lines
