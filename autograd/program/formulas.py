"""One formula as one loop: the body of an elementwise op, or a derivative, compiled for large arrays.

The formula is run once on traced arrays of two elements; what it computes becomes the body of a loop over as many as
come.  So the kernels of elementwise ops have no second definition.
"""

from __future__ import annotations

import functools
import hashlib
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
from .scalars import code_of, literal
from .spelling import TYPES

NAME = "loop_name"  # of a kernel, until the text that it is a hash of is there
MORE = """from autograd.kernels.apart import apart
from autograd.kernels.door import kernel
from autograd.kernels.spin import each
from autograd.kernels.stream import streamed
from autograd.kernels.words import entry, kept
"""
NEAR = 1 << 16  # elements of a piece of the loop that stays within the caches, which begins in a microsecond
WORK = 10  # additions' worth of an element's time with which so many elements are a piece; fewer if it takes longer


def loop_of(formula: Callable[..., Any], args: tuple[Any, ...]) -> Callable[..., Any] | None:
    """The function of arrays like those among `args` that applies the formula; None if it is not one loop.

    That function answers NotImplemented for arrays that do not lie alike.
    """
    found = _program(formula, args)
    steps = [] if found is None else schedule(found)
    if found is None or len(steps) != 1 or not isinstance(steps[0], Loop) or found.constants:
        return None
    loop, out = steps[0], found.results[0]
    found.named()
    near = _kernel(formula, found, loop, _near)
    least = max(NEAR // 4, int(NEAR * WORK / max(WORK, loop.cost / loop.n)))
    dtype = out.dtype

    def run(*arrays: np.ndarray) -> Any:
        made = np.empty_like(arrays[0], dtype)
        runs = flat(*arrays, made)
        if runs is None:
            return NotImplemented
        if made.nbytes < FAR:
            step = max(least, -(-made.size // 16))
            share(-(-made.size // step), near, step, *runs)
        else:
            _past(runs, near, far())
        return made

    far = functools.cache(lambda: _kernel(formula, found, loop, _far))
    return run


def _past(runs: list[np.ndarray], near: Any, far: Any) -> None:
    """The loop over large runs: `far` makes whole lines of the last, `near` what is left at either end."""
    (first, lines), size, whole = lines_of(runs[-1]), LINE // runs[-1].itemsize, runs[-1].size
    last = first + lines * size
    in_pieces(lines, lambda low, high: far(*runs, first + low * size, first + high * size), PIECE // size)
    for low, high in ((0, min(first, whole)), (last, whole)):
        share(1, near, size, *[run[low:high] for run in runs])


def _kernel(formula: Callable[..., Any], found: Program, loop: Loop, written: Callable[..., str]) -> Any:
    """The loop in a file of its own, compiled."""
    names = {v: f"p{i}" for i, v in enumerate([*found.inputs, found.results[0]])}
    comments = "\n".join(f"# {' '.join(equation_text(e).split())}" for e in loop.equations)
    text = f"{comments}\n{written(loop, found.results[0], names)}"
    name = f"loop_{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    title = f'"""{getattr(formula, "__name__", "formula")}, one loop, compiled by Wengert."""\n'
    return getattr(cache.load(f"{title}\n{imports}{MORE}\n\n{text.replace(NAME, name)}"), name)


def _typed(names: dict[Var, str]) -> str:
    return ", ".join(TYPES[code_of(v.dtype)] for v in names)


def _near(loop: Loop, out: Var, names: dict[Var, str]) -> str:
    """A piece of the loop, and all of them on the threads that are free."""
    given, types, made = ", ".join(names.values()), _typed(names), names[out]
    lines = Nest(loop, {out}).lines(lambda root: (names[root], 0), str, literal, ("low", "high"))
    return f"""
@apart
def {NAME}_piece(p, step, {given}):
    low, high = np.uint64(p * step), np.uint64(min((p + 1) * step, {made}.size))
{textwrap.indent(chr(10).join(lines), "    ")}


@kernel_for("void(int64[:, ::1], int64, int64, int64, {types})")
def {NAME}(team, helpers, pieces, step, {given}):
    arguments = (step, {given})
    each(team, helpers, pieces, entry({NAME}_piece, arguments), kept(arguments))
"""


def _far(loop: Loop, out: Var, names: dict[Var, str]) -> str:
    """The loop over whole cache lines, each computed in registers and streamed past the caches."""
    _, *body = Nest(loop, {out}).lines(lambda root: (names[root], 0), str, literal)
    *given, made = names.values()
    return f"""
@kernel
def {NAME}_element(i0, {", ".join(names.values())}):
{chr(10).join(body)}


@kernel_for("void({_typed(names)}, int64, int64)")
def {NAME}({", ".join(names.values())}, low, high):
    streamed({NAME}_element, {made}, low, high, ({", ".join(given)},))
"""


def _program(formula: Callable[..., Any], args: tuple[Any, ...]) -> Program | None:
    """What the formula computes of arrays, whose places in `args` show the types."""
    given = tuple(Var((2,), a.dtype, (1,)) if isinstance(a, np.ndarray) else a for a in args)
    inputs = [v for v in given if isinstance(v, Var)]
    sample = silent().run(formula, *(np.full(2, 0.5, v.dtype) if isinstance(v, Var) else v for v in given))
    if not isinstance(sample, np.ndarray) or sample.shape != (2,) or sample.dtype != inputs[0].dtype:
        return None
    out = Var((2,), sample.dtype, (1,))
    program = Program(inputs, {}, [Equation(formula, given, {}, (out,), "formula")], [], [out])
    for step in (inlined, with_plain_constants, without_copies, simplified, without_repeats, without_dead):
        program = step(program)
    alone = [v for v in program.results if v.root is v and v not in program.inputs]
    return program if alone and program.inputs == inputs else None
