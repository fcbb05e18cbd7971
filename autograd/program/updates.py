"""The update rule of an optimiser as one loop, made of the rule itself.

A rule is a NumPy function that writes arrays in place (`optim/optimizer.py`).  It is run once on traced arrays of two
elements and on traced numbers; what it computes becomes the body of a loop over as many elements as come.  It does a
dozen operations on each element that it reads, so its time is that of memory, which is then passed once.
"""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np

from ..kernels.flat import flat, in_pieces
from . import cache
from .emit import imports
from .functions import filled
from .fuse import Loop
from .loops import Nest
from .passes import simplified, with_plain_constants, without_copies, without_repeats
from .program import Program, equation_text, without_dead
from .recorder import Recorder
from .scalars import code_of, expressible, literal
from .spelling import TYPES


def update_of(rule: Callable[..., Any], arrays: tuple[np.ndarray, ...], scratch: int, numbers: tuple[float, ...],
              options: dict[str, Any]) -> Callable[..., bool] | None:  # fmt: skip
    """``rule(*arrays, *scratch, *numbers, **options)``, which writes arrays in place, as a function of both.

    That function answers False for arrays that do not lie alike; it holds for numbers that are zero where these are.
    None if the rule is not one loop.
    """
    found = _rule(rule, arrays[0].dtype, len(arrays), scratch, numbers, options)
    if found is None or found.constants or not all(expressible(e) for e in found.equations):
        return None
    loop = Loop(2, (2,))
    loop.take(*found.equations)
    held = [f"p{i}" for i in range(len(arrays))]
    given = [f"k{i}" for i in range(len(numbers))]
    names = dict(zip(found.inputs, held + given)) | {v: held[found.inputs.index(t)] for t, v in found.writes}
    lines = Nest(loop, {v for _, v in found.writes}).lines(lambda v: (names[v], 0), str, literal, ("low", "high"))
    lines = [re.sub(r"\b(k\d+)\[0\]", r"\1", line) for line in lines]  # numbers are arguments themselves
    types = [TYPES[code_of(arrays[0].dtype)]] * len(arrays) + ["float64"] * len(numbers)
    kernel = _kernel(rule.__name__.strip("_"), found, lines, held + given, types)

    def run(arrays: tuple[np.ndarray, ...], numbers: tuple[float, ...]) -> bool:
        runs = flat(*arrays) if all(a.flags.writeable for a in arrays) else None
        if runs is None:
            return False
        in_pieces(arrays[0].size, lambda low, high: kernel(*runs, *numbers, low, high))
        return True

    return run


def _kernel(title: str, program: Program, lines: list[str], names: list[str], types: list[str]) -> Any:
    """The loop with these lines, compiled."""
    program.named()
    comments = [f"# {' '.join(equation_text(e).split())}" for e in program.equations]
    body = textwrap.indent("\n".join([*comments, *lines]), "    ")
    text = f"({', '.join([*names, 'low', 'high'])}):\n{body}"
    name = f"loop_{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    signature = f"void({', '.join([*types, 'uint64', 'uint64'])})"
    title = f'"""{title}, one loop, compiled by Wengert."""\n'
    source = f'{title}\n{imports}\n\n@kernel_for("{signature}")\ndef {name}{text}\n'
    return getattr(cache.load(source), name)


def _rule(rule: Callable[..., Any], dtype: Any, arrays: int, scratch: int, numbers: tuple[float, ...],
          options: dict[str, Any]) -> Program | None:  # fmt: skip
    """What the rule computes: arrays and numbers in, and what is written into the arrays."""
    recorder = Recorder()
    program = recorder.program
    held = [recorder.input(np.full(2, 0.25, dtype)) for _ in range(arrays)]
    scalars = [recorder.scalar(float(x), "") for x in numbers]
    inputs = list(program.inputs)
    with recorder.watching():
        rule(*held, *(np.empty_like(held[0]) for _ in range(scratch)), *scalars, **options)
    whether = [e for e in program.equations if e.effect and e.kwargs.get("function") is bool]  # numbers are zero
    if recorder.obstacle or any(e.effect and e not in whether for e in program.equations):
        return None
    written = [t for t in held if id(t) in recorder.written]
    program.writes = [(recorder.origins[id(t)], t.var) for t in written]
    program.equations = [e for e in program.equations if e not in whether]
    for v in [*inputs, *program.constants, *(v for e in program.equations for v in e.outs)]:
        if v.shape == ():  # a number is another array that the loop goes over, without moving
            v.shape, v.strides = (2,), (0,) if v in inputs else (1,)
    for e in program.equations:
        if e.function is filled and e.args[1] == ():
            e.args = (e.args[0], (2,), *e.args[2:])
    for step in (with_plain_constants, without_copies, simplified, without_repeats, without_dead):
        program = step(program)
    program.inputs = inputs
    values = [v for _, v in program.writes]
    return program if len(set(values)) == len(values) and not set(values) & set(inputs) else None
