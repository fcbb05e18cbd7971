"""From ops to NumPy: an op's body is a NumPy function, so running it on traced arrays says what it consists of.

`inlined` replaces the equation of an op by those of its body wherever that leads to what loops can be made of.  It is
run several times, on arbitrary numbers: what differs between the runs was decided by values, or was made out of
NumPy's sight, and such a body stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .functions import filled
from .program import Equation, Program, Var, substitute, variables, without_dead
from .recorder import Recorder
from .recording import Argument, Recording, difference
from .rewrite import renamed, with_inputs
from .runtime import seen
from .traced import Reduction, Traced, cast

RUNS = 8  # of a body that makes arrays itself: they may depend on values, and be alike by chance
SMALL = 16384  # elements up to which an op that has a kernel is taken apart all the same


def inlined(program: Program) -> Program:
    """The program with the bodies of its ops in their place."""
    templates: dict[Any, Template | None] = {}
    new: dict[Var, Var] = {}
    equations: list[Equation] = []
    constants = dict(program.constants)
    used = {v for e in program.equations for v in e.inputs()} | {v for _, v in program.writes} | set(program.results)
    for e in program.equations:
        needed = tuple(v in used for v in e.outs)
        e = with_inputs(e, new)
        template = None
        if may_be_inlined(e, needed):
            key = _key(e), needed
            if key not in templates:
                templates[key] = _template(e, needed)
            template = templates[key]
        if template is None:
            equations.append(e)
        else:
            template.place(e, equations, constants, new)
    return renamed(replace(program, constants=constants), equations, new)


def may_be_inlined(e: Equation, needed: tuple[bool, ...]) -> bool:
    """Whether the equation is an op's, with a body to look into; a kernel's only if it is small, or elementwise, or
    computes what is not `needed`."""
    f = e.function
    if e.effect or e.view or isinstance(f, np.ufunc | Reduction) or f in (cast, filled, np.where):
        return False
    if (getattr(f, "__module__", None) or "").startswith(("numpy", "autograd.program")) or not hasattr(f, "__code__"):
        return False
    if any(v.dtype.kind not in "fb" for v in e.inputs()):
        return False
    has_kernel = hasattr(f, "body")
    small = max((v.size for v in (*e.inputs(), *e.outs)), default=0) <= SMALL
    return not has_kernel or small or _by_element(e) or not all(needed)


def _by_element(e: Equation) -> bool:
    """Whether it looks like an elementwise formula: one output, as large as the largest input."""
    return len(e.outs) == 1 and not e.several and all(_fits(v.shape, e.outs[0].shape) for v in e.inputs())


def _fits(shape: tuple[int, ...], onto: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, onto) == onto
    except ValueError:
        return False


def _key(e: Equation) -> Any:
    marks: dict[Var, int] = {}
    args = substitute((e.args, e.kwargs), lambda v: ("#", marks.setdefault(v, len(marks)), v.type, v.strides))
    return e.function, repr(args)


class Template:
    """The equations of a body, for inputs that are to be put in."""

    def __init__(self, recorder: Recorder, inputs: list[Var], outs: list[Var | None]) -> None:
        self.program, self.inputs, self.outs = recorder.program, inputs, outs

    def place(
        self, e: Equation, equations: list[Equation], constants: dict[Var, np.ndarray], new: dict[Var, Var]
    ) -> None:
        """Add the equations for the inputs of `e`; its outputs have the variables in `new` from then on."""
        unique = list(dict.fromkeys(e.inputs()))
        mine: dict[Var, Var] = dict(zip(self.inputs, unique))
        for v, array in self.program.constants.items():
            mine[v] = v
            constants[v] = array
        for f in self.program.equations:
            args, kwargs = substitute((f.args, f.kwargs), mine.__getitem__)
            outs = []
            for v in f.outs:
                if v.root is v:
                    w = Var(v.shape, v.dtype, v.strides)
                else:
                    root = mine[v.root]
                    w = Var(v.shape, v.dtype, v.strides, root.root, v.offset + root.offset)
                mine[v] = w
                outs.append(w)
            equations.append(replace(f, args=args, kwargs=kwargs, outs=tuple(outs), where=e.where))
        new |= {old: mine[v] for old, v in zip(e.outs, self.outs) if v is not None}


def _template(e: Equation, needed: tuple[bool, ...]) -> Template | None:
    first = _run(e, needed, 0)
    if first is None:
        return None
    for seed in range(1, RUNS if first[0].program.constants else 2):
        again = _run(e, needed, seed)
        if again is None and seed > 1:
            continue
        if again is None or difference(*(_recording(r.program, inputs, outs) for r, inputs, outs in (first, again))):
            return None
    recorder, inputs, _ = first
    has_kernel, nested = hasattr(e.function, "body"), inlined(recorder.program)
    if any(not_lowered(f) for f in nested.equations) and (has_kernel or not _worth(nested)):
        return None
    if has_kernel and not all(_simple(f) for f in nested.equations) and max(v.size for v in e.inputs()) > SMALL:
        return None
    if [(v.type, v.strides) for v in nested.results] != [
        (v.type, v.strides) for v, keep in zip(e.outs, needed) if keep
    ]:
        return None
    recorder.program, results = nested, iter(nested.results)
    return Template(recorder, inputs, [next(results) if keep else None for keep in needed])


def _recording(program: Program, inputs: list[Var], outs: list[Var]) -> Recording:
    program.results = outs
    return Recording(program, {v: Argument(i) for i, v in enumerate(inputs)})


def _worth(program: Program) -> bool:
    """Whether a body is more than one opaque call: a product with something around it, say."""
    return sum(not e.view for e in program.equations) > 1


def _simple(e: Equation) -> bool:
    return (
        e.view
        or (isinstance(e.function, np.ufunc) and e.function is not np.matmul)
        or e.function in (np.where, cast, filled)
    )


def not_lowered(e: Equation) -> bool:
    """Whether the equation stays a call of a function that loops cannot express."""
    from .scalars import expressible

    return not (e.view or expressible(e) or e.function is np.matmul)


def _run(e: Equation, needed: tuple[bool, ...], seed: int) -> tuple[Recorder, list[Var], list[Var]] | None:
    """The body on arbitrary numbers, as far as it leads to what is needed."""
    rng, recorder = np.random.default_rng(seed), Recorder()
    traced: dict[Var, Traced] = {}
    for v in dict.fromkeys(variables((e.args, e.kwargs))):
        traced[v] = recorder.input(_arbitrary(v, rng, seed))
    inputs = [t.var for t in traced.values()]
    body: Callable[..., Any] = getattr(e.function, "body", e.function)
    args, kwargs = substitute((e.args, e.kwargs), traced.__getitem__)
    try:
        with recorder.watching():
            out = body(*args, **kwargs)
            parts = list(out) if e.several else [out]
            outs = [recorder.variable(part) for part, keep in zip(parts, needed) if keep]
    except Exception:  # the arbitrary numbers may not suit it; then it stays as it is
        return None
    if recorder.obstacle or recorder.writes or any(f.effect for f in recorder.program.equations):
        return None
    if any(not isinstance(v, Var) for v in outs):
        return None
    recorder.program.results = outs
    recorder.program = without_dead(recorder.program)
    return recorder, inputs, outs


def _arbitrary(v: Var, rng: np.random.Generator, seed: int) -> np.ndarray:
    """Numbers that lie in memory as those of `v` do: ordinary ones at first, later all alike, or negative."""
    low, high = v.span
    n = high - low + 1
    values = rng.uniform(0.1, 0.9, n).astype(v.dtype) if v.dtype.kind == "f" else rng.random(n) < 0.5
    if not v.size:
        return np.empty(v.shape, v.dtype)
    if seed in (2, 3):
        values = np.full(n, seed == 2, v.dtype)
    elif seed == 4 and v.dtype.kind == "f":
        values = np.negative(values)
    return seen(values, -low, v.shape, v.strides)
