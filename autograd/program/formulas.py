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
from ..kernels.stream import FAR, GROUP, groups_of
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

STREAMS = "from autograd.kernels.stream import room, stream"
WORK = 20  # additions' worth of an element's time with which PIECE elements are a piece


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
    least = max(PIECE // 4, int(PIECE * WORK / max(WORK, loop.cost / loop.n)))
    dtype = out.dtype

    def run(*arrays: np.ndarray) -> Any:
        made = np.empty_like(arrays[0], dtype)
        runs = flat(*arrays, made)
        if runs is None:
            return NotImplemented
        if made.nbytes < FAR:
            in_pieces(made.size, lambda low, high: near(*runs, low, high), least)
        else:
            _past(runs, near, far())
        return made

    far = functools.cache(lambda: _kernel(formula, found, loop, _far))
    return run


def _past(runs: list[np.ndarray], near: Any, far: Any) -> None:
    """The loop over large runs: `far` makes whole groups of the last, `near` what is left at either end."""
    (first, groups), size, out = groups_of(runs[-1]), GROUP // runs[-1].itemsize, runs[-1]
    near(*runs, 0, min(first, out.size))
    in_pieces(groups, lambda low, high: far(*runs, first + low * size, first + high * size), PIECE // size)
    near(*runs, first + groups * size, out.size)


def _kernel(formula: Callable[..., Any], found: Program, loop: Loop, written: Callable[..., list[str]]) -> Any:
    """The loop in a file of its own, compiled."""
    names = {v: f"p{i}" for i, v in enumerate([*found.inputs, found.results[0]])}
    comments = [f"# {' '.join(equation_text(e).split())}" for e in loop.equations]
    body = textwrap.indent("\n".join([*comments, *written(loop, found.results[0], names)]), "    ")
    text = f"({', '.join([*names.values(), 'low', 'high'])}):\n{body}"
    name = f"loop_{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    types = ", ".join([*(TYPES[code_of(v.dtype)] for v in names), "uint64", "uint64"])
    title = f'"""{getattr(formula, "__name__", "formula")}, one loop, compiled by Wengert."""\n'
    source = f'{title}\n{imports}\n{STREAMS}\n\n@kernel_for("void({types})")\ndef {name}{text}\n'
    return getattr(cache.load(source), name)


def _near(loop: Loop, out: Var, names: dict[Var, str]) -> list[str]:
    """The loop over elements low to high."""
    return list(Nest(loop, {out}).lines(lambda root: (names[root], 0), str, literal, ("low", "high")))


def _far(loop: Loop, out: Var, names: dict[Var, str]) -> list[str]:
    """The same over whole groups, each computed in registers and streamed past the caches."""
    parts, size = {v: f"part_{name}" for v, name in names.items()}, GROUP // out.dtype.itemsize
    inner = Nest(loop, {out}).lines(lambda root: (parts[root], 0), str, literal, ("0", str(size)))
    cut = [f"{parts[v]} = {names[v]}[at:at + {size}]" for v in names if v is not out]
    steps = [*cut, *inner, f"stream({parts[out]}, {names[out]}, at)"]
    return [f"{parts[out]} = room({names[out]})",
            f"for at in range(np.int64(low), np.int64(high), {size}):", *(f"    {line}" for line in steps)]  # fmt: skip


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
