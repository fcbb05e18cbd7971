"""One formula as one loop: the body of an elementwise op, or a derivative, compiled for large arrays.

The formula is run once on traced arrays of two elements; what it computes becomes the body of a loop over as many as
come.  So the kernels of elementwise ops have no second definition.
"""

from __future__ import annotations

import functools
import hashlib
import re
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np

from ..kernels.flat import PIECE, flat, in_pieces
from ..kernels.pool import share
from ..kernels.stream import FAR, LINE, lines_of
from ..quiet import silent
from . import cache
from .emit import imports
from .fuse import Loop, schedule
from .loops import Nest
from .lower import inlined
from .passes import simplified, with_plain_constants, without_copies, without_repeats
from .program import Equation, Program, Var, equation_text, without_dead
from .scalars import code_of, converted, literal
from .spelling import TYPES

FLOAT64 = np.dtype(np.float64)
NAME = "loop_name"  # of a kernel, until the text that it is a hash of is there
MORE = """from autograd.kernels.apart import apart
from autograd.kernels.door import kernel
from autograd.kernels.stream import streamed
"""
NEAR = 1 << 16  # elements of a piece of the loop that stays within the caches, which begins in a microsecond
WORK = 10  # additions' worth of an element's time with which so many elements are a piece; fewer if it takes longer


def loop_of(formula: Callable[..., Any], args: tuple[Any, ...], numbers: bool = False) -> Callable[..., Any] | None:
    """The function of arrays like those among `args` that applies the formula; None if it is not one loop.

    With `numbers`, it is a function of the numbers among them too, which otherwise are constants of the formula.  It
    answers NotImplemented for arrays that do not lie alike.
    """
    found = _program(formula, args, numbers)
    steps = [] if found is None else schedule(found)
    if found is None or len(steps) != 1 or not isinstance(steps[0], Loop) or found.constants:
        return None
    loop, out = steps[0], found.results[0]
    found.named()
    near = _kernel(formula, found, loop, _near)
    least = max(NEAR // 4, int(NEAR * WORK / max(WORK, loop.cost / loop.n)))
    dtype = out.dtype

    def run(*given: Any) -> Any:
        arrays = [a for a in given if isinstance(a, np.ndarray)]
        made = np.empty_like(arrays[0], dtype)
        runs = flat(made, *arrays)
        if runs is None:
            return NotImplemented
        rest = iter(runs[1:])
        held = [*(next(rest) if isinstance(a, np.ndarray) else float(a) for a in given), runs[0]]
        if made.nbytes < FAR:
            step = max(least, -(-made.size // 16))
            share(-(-made.size // step), near, step, *held)
        else:
            _past(held, near, far())
        return made

    far = functools.cache(lambda: _kernel(formula, found, loop, _far))
    return run


def _past(held: list[Any], near: Any, far: Any) -> None:
    """The loop over large runs: `far` makes whole lines of the last, `near` what is left at either end."""
    (first, lines), size, whole = lines_of(held[-1]), LINE // held[-1].itemsize, held[-1].size
    last = first + lines * size
    in_pieces(lines, lambda low, high: far(*held, first + low * size, first + high * size), PIECE // size)
    for low, high in ((0, min(first, whole)), (last, whole)):
        share(1, near, size, *[x[low:high] if isinstance(x, np.ndarray) else x for x in held])


def _kernel(formula: Callable[..., Any], found: Program, loop: Loop, written: Callable[..., str]) -> Any:
    """The loop in a file of its own, compiled."""
    names = {v: f"{'p' if v.strides == (1,) else 'k'}{i}" for i, v in enumerate([*found.inputs, found.results[0]])}
    comments = "\n".join(f"# {' '.join(equation_text(e).split())}" for e in loop.equations)
    text = f"{comments}\n{written(loop, found.results[0], names)}"
    name = f"loop_{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    title = f'"""{getattr(formula, "__name__", "formula")}, one loop, compiled by Wengert."""\n'
    return getattr(cache.load(f"{title}\n{imports}{MORE}\n\n{text.replace(NAME, name)}"), name)


def _typed(names: dict[Var, str]) -> str:
    return ", ".join(TYPES[code_of(v.dtype)] if v.strides == (1,) else "float64" for v in names)


def _lines(loop: Loop, out: Var, names: dict[Var, str]) -> tuple[str, str]:
    """What comes before the loop from `low` to `high`, where numbers take the type of the arrays; and the loop."""
    lines = Nest(loop, {out}).lines(lambda root: (names[root], 0), str, literal, ("low", "high"))
    kinds = {name: v.dtype for v, name in names.items()}
    first = next(i for i, line in enumerate(lines) if line.startswith("for "))
    before = [re.sub(r"\b(k\d+)\[0\]", lambda k: converted(k[1], FLOAT64, kinds[k[1]]), s) for s in lines[:first]]
    return "\n".join(before), "\n".join(lines[first:])


def _near(loop: Loop, out: Var, names: dict[Var, str]) -> str:
    """A piece of the loop, and all of them on the threads that are free."""
    given, types, made = ", ".join(names.values()), _typed(names), names[out]
    return f"""
@apart
def {NAME}_piece(p, step, {given}):
    low, high = np.uint64(p * step), np.uint64(min((p + 1) * step, {made}.size))
{textwrap.indent(chr(10).join(_lines(loop, out, names)), "    ")}


@kernel_for("void(int64[:, ::1], int64, int64, int64, {types})")
def {NAME}(team, helpers, pieces, step, {given}):
    arguments = (step, {given})
    each(team, helpers, pieces, entry({NAME}_piece, arguments), kept(arguments))
"""


def _far(loop: Loop, out: Var, names: dict[Var, str]) -> str:
    """The loop over whole cache lines, each computed in registers and streamed past the caches."""
    before, lines = _lines(loop, out, names)
    body = "\n".join([before, textwrap.dedent(lines.partition("\n")[2])])
    *given, made = names.values()
    return f"""
@kernel
def {NAME}_element(i0, {", ".join(names.values())}):
{textwrap.indent(body, "    ")}


@kernel_for("void({_typed(names)}, int64, int64)")
def {NAME}({", ".join(names.values())}, low, high):
    streamed({NAME}_element, {made}, low, high, ({", ".join(given)},))
"""


def _program(formula: Callable[..., Any], args: tuple[Any, ...], numbers: bool) -> Program | None:
    """What the formula computes of arrays, whose places in `args` show the types, and of numbers."""
    kind = next(a.dtype for a in args if isinstance(a, np.ndarray) and a.dtype.kind == "f")
    loose = [numbers and type(a) in (float, int) for a in args]
    given = tuple(
        Var((2,), a.dtype if isinstance(a, np.ndarray) else kind, (1,)) if isinstance(a, np.ndarray) or free else a
        for a, free in zip(args, loose)
    )
    inputs = [v for v in given if isinstance(v, Var)]
    sample = silent().run(formula, *(np.full(2, 0.5, v.dtype) if isinstance(v, Var) else v for v in given))
    if not isinstance(sample, np.ndarray) or sample.shape != (2,) or sample.dtype != kind:
        return None
    out = Var((2,), sample.dtype, (1,))
    program = Program(inputs, {}, [Equation(formula, given, {}, (out,), "formula")], [], [out])
    for step in (inlined, with_plain_constants, without_copies, simplified, without_repeats, without_dead):
        program = step(program)
    for v, free in zip(given, loose):
        if free:
            v.strides = (0,)
    alone = [v for v in program.results if v.root is v and v not in program.inputs]
    return program if alone and program.inputs == inputs else None
