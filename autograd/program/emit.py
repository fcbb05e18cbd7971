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
from .memory import Layout, Place
from .program import Equation, Program, Var, equation_text
from .scalars import code_of, literal, start_of

SERIAL = 1_000_000  # cost (`Loop.cost`) up to which a loop is not worth a second thread
PIECE = 750_000  # cost of a piece of a parallel loop, at least
PIECES = 16

imports = """import math

import numpy as np

from autograd.kernels.door import kernel_for
from autograd.kernels.gemm import into as product_into
from autograd.kernels.little import little_product
from autograd.kernels.pool import run
from autograd.kernels.vmath import verf, vexp, vlog, vmaximum, vminimum, vtanh
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


class Emitter:
    """Writes one program."""

    def __init__(self, program: Program, moving: set[Var], dynamic: bool = False) -> None:
        self.program, self.moving = program.named(), moving
        self.steps = schedule(program)
        self.layout = Layout(program, self.steps)
        self.whole = not dynamic and all(map(self._is_serial, self.steps))  # one part that knows all sizes
        self.functions: list[Any] = []
        self.objects: list[Any] = []
        self.kernels: dict[str, str] = {}  # text without its name -> name
        self.bound: list[str] = []  # lines of `bind`, done once
        self.lines: list[str] = []  # lines of `step`
        self._names: dict[Var, list[str]] = {}  # of what functions returned: all that refer to it
        passing = [v for v, place in self.layout.places.items() if place.kind == "call" and v not in self.layout.ends]
        self._last = {v: max(self.layout.used.get(v, [self.layout.made[v]])) for v in passing}
        self._known: dict[str, str] = {}  # an expression -> the name that it was given
        self._scratch = self.layout.bytes
        self._outside = {v for v, steps in self.layout.used.items() if any(i != self.layout.made.get(v) for i in steps)}
        self._outside |= self.layout.ends

    def emit(self) -> Emitted:
        part: list[Step] = []
        for v in self.program.results:
            if self.layout.places[v.root].kind == "result" and v is v.root:
                room = f"np.empty({v.shape if in_order(v) else v.size}, '{code_of(v.dtype)}')"
                self.lines.append(
                    f"{self._array(v)} = " + (room if in_order(v) else f"seen({room}, 0, {v.shape}, {v.strides})")
                )
        for i, step in enumerate(self.steps):
            serial = self._is_serial(step)
            if not serial or not (self.whole or _roots(step) & set[Var]().union(*map(_roots, part))):
                self._part(part)
                part = []
            if serial:
                part.append(step)
                continue
            if isinstance(step, Loop):
                self._loop(step)
            elif isinstance(step, Matrix):
                self._matrix(step)
            else:
                self._call(step.equation)
            self._release(i)
        self._part(part)
        self._finish()
        return self._text()

    def _release(self, done: int) -> None:
        """Let go of what functions returned and no step after `done` reads, so that its memory is used again."""
        for root in [r for r, last in self._last.items() if last <= done]:
            del self._last[root]
            names = self._names.pop(root, None)
            if names:
                self.lines.append(f"{' = '.join(names)} = None")

    def _is_serial(self, step: Step) -> bool:
        if isinstance(step, Call):
            return _small_check(step.equation)
        return isinstance(step, Product) or (isinstance(step, Loop) and step.cost <= SERIAL)

    # -- arrays --------------------------------------------------------------------------------------------------------

    def _is_static(self, root: Var) -> bool:
        place = self.layout.places[root]
        return place.kind in ("constant", "arena") or (place.kind == "input" and self._input(place) not in self.moving)

    def _input(self, place: Place) -> Var:
        return self.program.inputs[place.at]

    def _array(self, root: Var) -> str:
        """The name of a root's array."""
        place = self.layout.places[root]
        return {"input": "a", "constant": "c", "result": "r", "call": "t"}[place.kind] + str(place.at)

    def _define(self, name: str, value: str, static: bool) -> str:
        if value not in self._known:
            self._known[value] = name
            (self.bound if static else self.lines).append(f"{name} = {value}")
        return self._known[value]

    def _flat(self, root: Var) -> tuple[str, int]:
        """The name of a root's memory as one run, and where in it the root begins."""
        place = self.layout.places[root]
        if place.kind == "arena":
            code = code_of(root.dtype)
            return self._define(f"A_{code}", f"arena.view('{code}')", True), place.at // root.dtype.itemsize
        name = self._array(root)
        flat = self._define(f"{name}_", f"flat({name})", self._is_static(root))
        self._named(root, flat)
        return flat, 0

    def value(self, v: Var) -> str:
        """The name of a variable's array, for calls."""
        root = v.root
        place = self.layout.places[root]
        if v is root and place.kind != "arena":
            return self._array(root)
        if v.offset == 0 and (v.shape, v.strides) == (root.shape, root.strides) and place.kind != "arena":
            return self._array(root)
        memory, start = self._flat(root)
        name = self._define(
            f"v_{v.name}", f"seen({memory}, {start + v.offset}, {v.shape}, {v.strides})", self._is_static(root)
        )
        self._named(root, name)
        return name

    def _named(self, root: Var, name: str) -> None:
        if root in self._names and name not in self._names[root]:
            self._names[root].append(name)

    # -- steps ---------------------------------------------------------------------------------------------------------

    def _part(self, steps: list[Step]) -> None:
        """One kernel for small steps that follow each other.

        A program that is one such part knows all its places and sizes.  Where there are more, they are arguments, so
        that layers and parameters that are treated alike share a kernel.
        """
        if not steps:
            return
        arguments = _Arguments(self)
        shared = (arguments.array, arguments.number, arguments.constant)
        address, number, constant = (arguments.known, str, literal) if self.whole else shared
        body: list[str] = []
        for step in steps:
            for e in step.equations if isinstance(step, Loop) else [step.equation]:
                body.append(f"# {' '.join(equation_text(e).split())}")
            if isinstance(step, Loop):
                body += Nest(step, self._outside).lines(address, number, constant)
            elif isinstance(step, Product):
                body.append(_product(step.equation, address, str if self.whole else lambda n: f"np.int64({number(n)})"))
            elif isinstance(step, Call):
                body += _check(step.equation, address)
        checks = any(isinstance(step, Call) for step in steps)
        body += ["return False"] if checks else []
        name = self._kernel("part", arguments, body, "bool_" if checks else "void")
        call = f"{name}({', '.join(arguments.passed())})"
        self.lines += [f"if {call}:", "    raise CheckFailed"] if checks else [call]

    def _loop(self, loop: Loop) -> None:
        """A kernel of its own, in pieces on several threads."""
        nest, arguments = Nest(loop, self._outside), _Arguments(self)
        rows = nest.dims[0]
        pieces = max(1, min(PIECES, rows, int(loop.cost // PIECE)))
        size = -(-rows // pieces)
        pieces = -(-rows // size)
        partial = nest.shares_rounds and pieces > 1
        if partial:
            arguments.instead = {a.var: f"sums_{a.var.name}[i]" for _, a in nest.sums}
        body = nest.lines(arguments.array, arguments.number, arguments.constant, ("low", "high"))
        for e in loop.equations:
            self.lines.append(f"# {' '.join(equation_text(e).split())}")
        arguments.bounds = True
        kernel = self._kernel("loop", arguments, body)
        for e, a in nest.sums:
            if partial:
                self._partial(e, pieces)
            elif nest.gathers(a, nest.level(a)):
                self.lines.append(f"{self.value(a.var)}.fill({_start(e)})")
        ranges = f"i * {size}, min({rows}, i * {size} + {size})"
        self.lines.append(f"run({pieces}, lambda i: {kernel}({', '.join([*arguments.passed(), ranges])}))")
        for e, a in nest.sums:
            if partial:
                out, sums = self.value(a.var), f"sums_{a.var.name}"
                whole = f"{sums}.reshape({(pieces, *a.var.shape)})" if in_order(a.var) else sums
                self.lines.append(f"np.{e.function.ufunc.__name__}.reduce({whole}, axis=0, out={out})")

    def _matrix(self, step: Matrix) -> None:
        """Its rows or columns are divided among threads by the kernel itself."""
        e, (m, k), n = step.equation, step.left.shape, step.right.shape[1]
        none = f"no_{code_of(e.outs[0].dtype)}"
        if step.bias is None:
            self._define(none, f"np.empty(0, '{none[3:]}')", True)
        factors = [f"{self._from(v)}, {v.strides[0]}, {v.strides[1]}" for v in (step.left, step.right)]
        bias = none if step.bias is None else f"{self._from(step.bias)}[:{n}]"
        self.lines.append(f"# {' '.join(equation_text(e).split())}")
        self.lines.append(f"product_into({', '.join(factors)}, {bias}, {self._from(e.outs[0])}, {m}, {k}, {n})")

    def _from(self, v: Var) -> str:
        """The memory of a variable from its first element on."""
        memory, start = self._flat(v.root)
        start += v.offset
        if not start:
            return memory
        name = self._define(f"{memory}_{start}", f"{memory}[{start}:]", self._is_static(v.root))
        self._named(v.root, name)
        return name

    def _slice(self, root: Var) -> str:
        name, start = self._flat(root)
        if self.layout.places[root].kind != "arena":
            return name
        return self._define(f"{name}_{start}_{root.size}", f"{name}[{start}:{start + root.size}]", True)

    def _partial(self, e: Equation, pieces: int) -> None:
        """Room for the sums of each piece."""
        v = e.outs[0]
        self._define(f"sums_{v.name}", f"np.empty(({pieces}, {v.size}), '{code_of(v.dtype)}')  # {v.name}", True)
        self.lines.append(f"sums_{v.name}.fill({_start(e)})")

    def _call(self, e: Equation) -> None:
        function = self._function(e.function)
        given = [self._text_of(a) for a in e.args] + [f"{k}={self._text_of(a)}" for k, a in e.kwargs.items()]
        call = f"{function}({', '.join(given)})"
        roots = [v for v in e.outs if v.root is v]
        if not e.outs:
            self.lines.append(call)
        elif e.several:
            names = [self._array(v) if v in self.layout.places else "_" for v in e.outs]
            self._names.update({v: [self._array(v)] for v in roots if v in self._last})
            self.lines.append(f"{', '.join(names)}, = {call}  # {e.name}")
        else:
            name = self._array(e.outs[0])
            self._names.update({v: [name] for v in roots if v in self._last})
            self.lines.append(f"{name} = {f'np.asarray({call})' if not e.outs[0].shape else call}  # {e.name}")
        for v in roots:
            if v.size and not isinstance(e.function, np.ufunc):
                self.lines += [f"if {self._array(v)}.shape != {v.shape}:", "    raise CheckFailed"]

    def _function(self, f: Callable[..., Any]) -> str:
        if f not in self.functions:
            self.functions.append(f)
        return f"f{self.functions.index(f)}"

    def _text_of(self, x: Any) -> str:
        if isinstance(x, Var):
            return self.value(x)
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

    def _kernel(self, kind: str, arguments: _Arguments, body: list[str], result: str = "void") -> str:
        names, types = arguments.taken()
        text = f"({', '.join(names)}):\n" + textwrap.indent("\n".join(body), "    ")
        signature = f"{result}({', '.join(types)})"
        bare = signature + "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
        if bare not in self.kernels:
            name = f"{kind}_{hashlib.sha256(bare.encode()).hexdigest()[:16]}"
            self.kernels[bare] = f"@kernel_for({signature!r})\ndef {name}{text}\n"
        return self.kernels[bare].split("def ")[1].split("(")[0]

    # -- the end -------------------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        """Results that lie elsewhere are copied, then inputs are written."""
        targets = {target for target, _ in self.layout.copies}
        results = []
        for i, v in enumerate(self.program.results):
            kind = self.layout.places[v.root].kind
            if v is v.root and kind in ("result", "call") and v not in self.program.results[:i]:
                results.append(self._array(v))
            else:
                self.lines.append(f"o{i} = np.array({self.value(v)}, order='C')")
                results.append(f"o{i}")
        values = []
        for i, (_, v) in enumerate(self.layout.copies):
            values.append(self.value(v))
            if v.root in targets:
                self.lines.append(f"w{i} = {values[-1]}.copy()")
                values[-1] = f"w{i}"
        self.lines += [f"np.copyto({self._array(t)}, {value})" for (t, _), value in zip(self.layout.copies, values)]
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
            source, self.functions, self.objects, list(self.program.constants.values()), self._scratch, moving
        )


class _Arguments:
    """The arguments of a kernel: arrays, and sizes, strides and offsets."""

    def __init__(self, emitter: Emitter) -> None:
        self.emitter, self.bounds = emitter, False
        self.arrays: dict[Any, tuple[str, Var]] = {}  # a place -> its name, and a root that lies there
        self.names: dict[str, str] = {}  # of arrays that are known by their own names, with types
        self.numbers: dict[int, str] = {}
        self.constants: dict[tuple[float, str], str] = {}
        self.instead: dict[Var, str] = {}

    def known(self, root: Var) -> tuple[str, int]:
        name, start = self.emitter._flat(root)
        self.names[name] = TYPES[code_of(root.dtype)]
        return name, start

    def array(self, root: Var) -> tuple[str, int]:
        key = (self.emitter.layout.places[root], code_of(root.dtype)) if root not in self.instead else root
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
        names = [*self.names, *(name for name, _ in self.arrays.values()), *self.constants.values(),
                 *self.numbers.values(), *bounds]  # fmt: skip
        kinds = [*self.names.values(), *(TYPES[code_of(root.dtype)] for _, root in self.arrays.values())]
        kinds += [kind for _, kind in self.constants]
        return names, kinds + ["uint64"] * (len(self.numbers) + len(bounds))

    def passed(self) -> list[str]:
        """What the caller gives for them, but for the bounds."""
        arrays = [self.instead.get(root) or self.emitter._slice(root) for _, root in self.arrays.values()]
        numbers = [repr(value) for value, _ in self.constants] + [str(n % 2**64) for n in self.numbers]
        return [*self.names, *arrays, *numbers]


def _roots(step: Step) -> set[Var]:
    """The arrays of more than one element, and the scalars that it makes."""
    found = set()
    for e in step.equations if isinstance(step, Loop) else [step.equation]:
        found |= {v.root for v in e.inputs()} | set(e.outs)
    return found


TYPES = {code: f"{kind}[::1]" for code, kind in {
    "f4": "float32", "f8": "float64", "i8": "int64", "i4": "int32", "i2": "int16", "i1": "int8", "u8": "uint64",
    "u4": "uint32", "u2": "uint16", "u1": "uint8", "b1": "bool_",
}.items()}  # fmt: skip


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
