"""Passes: functions from a program to a program that computes the same with less."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from .functions import filled
from .lower import inlined
from .products import with_loops_for_products, with_sums_of_products, with_turned_products
from .program import Equation, Program, Var, substitute, without_dead
from .rewrite import renamed, row_after_row, with_inputs
from .scalars import expressible
from .tables import with_projected_tables
from .traced import cast


def without_copies(program: Program) -> Program:
    """A copy of a value is the value, for none is ever changed; so is a cast to its own type, or a fill with it."""
    new: dict[Var, Var] = {}
    kept = []
    for e in program.equations:
        e = with_inputs(e, new)
        source = e.args[0] if e.args and isinstance(e.args[0], Var) else None
        out = e.outs[0] if e.outs else None
        copies = e.function in (np.ndarray.copy, np.positive) or (
            e.function in (cast, filled) and len(e.args) > 1 and source is not None
        )
        if source is not None and out is not None and copies and _same_memory(source, out):
            new[out] = source
        else:
            kept.append(e)
    return renamed(program, kept, new)


def _same_memory(v: Var, w: Var) -> bool:
    return (v.shape, v.dtype, v.strides) == (w.shape, w.dtype, w.strides)


def without_repeats(program: Program) -> Program:
    """Common subexpressions once (Cocke, 1970)."""
    new: dict[Var, Var] = {}
    seen: dict[Any, Equation] = {}
    kept = []
    for e in program.equations:
        e = with_inputs(e, new)
        key = None if e.effect == "draw" else _key(e)
        before = None if key is None else seen.get(key)
        if before is None or [_shape(v) for v in before.outs] != [_shape(v) for v in e.outs]:
            kept.append(e)
            if key is not None:
                seen[key] = e
        else:
            new.update(zip(e.outs, before.outs))
    return renamed(program, kept, new)


def _shape(v: Var) -> Any:
    return v.shape, v.dtype, v.strides


def _key(e: Equation) -> Any:
    parts: list[Any] = [e.function, e.effect]

    def walk(x: Any) -> None:
        if isinstance(x, tuple | list):
            parts.append((type(x).__name__, len(x)))
            for part in x:
                walk(part)
        elif isinstance(x, dict):
            for k, part in x.items():
                parts.append(k)
                walk(part)
        elif isinstance(x, slice):
            walk((x.start, x.stop, x.step))
        else:
            parts.append((type(x).__name__, x))

    walk((e.args, e.kwargs))
    try:
        hash(tuple(parts))
    except TypeError:
        return None
    return tuple(parts)


def is_plain(array: np.ndarray) -> bool:
    """Whether it holds one number, everywhere."""
    return bool(0 < array.size <= 1 << 16 and array.dtype.kind in "fbiu" and (array == array.flat[0]).all())


def with_plain_constants(program: Program) -> Program:
    """Constant folding: an array of one number everywhere is that number, spread."""
    equations, constants = [], {}
    for v, array in program.constants.items():
        if not v.live and is_plain(array):
            value = array.flat[0].item()
            equations.append(Equation(filled, (value, v.shape, v.dtype), {}, (v,), "filled"))
        else:
            constants[v] = array
    return replace(program, constants=constants, equations=[*equations, *program.equations])


_NEUTRAL = {np.multiply: 1, np.true_divide: 1, np.add: -0.0, np.subtract: 0.0}  # -0 + 0 is 0, -0 + -0 is -0


def simplified(program: Program) -> Program:
    """What is known of arrays that hold one number: they are worked out here, and stand as numbers in what they meet.

    x · 1, x / 1, x + -0 and x - 0 are x, where types and shapes agree; x / 2ⁿ is x · 2⁻ⁿ, which is exact.
    """
    new: dict[Var, Var] = {}
    fills: dict[Var, Any] = {}  # numbers of the arrays' types
    kept = []
    for e in program.equations:
        e = with_inputs(e, new)
        if e.view and e.args[0] in fills:
            fills[e.outs[0]] = fills[e.args[0]]
        elif e.function is filled and not isinstance(e.args[0], Var):
            fills[e.outs[0]] = e.outs[0].dtype.type(e.args[0])
        else:
            e = _with_numbers(e, fills)
            same = _neutral(e)
            if same is not None:
                new[e.outs[0]] = same
                continue
        kept.append(e)
    return renamed(program, kept, new)


def _with_numbers(e: Equation, fills: dict[Var, Any]) -> Equation:
    elementwise = isinstance(e.function, np.ufunc) and e.function.signature is None and len(e.outs) == 1
    if not (elementwise or e.function in (np.where, cast, filled)) or e.kwargs:
        return e
    out = e.outs[0]
    args: list[Any] = [fills.get(a, a) if isinstance(a, Var) else a for a in e.args]
    if not any(isinstance(a, Var) for a in args):
        value = e.function(*args) if elementwise or e.function is np.where else args[0]
        number = np.asarray(value).astype(out.dtype)[()]
        if number.dtype.kind in "fbiu" and out.size:
            fills[out] = number
            return Equation(filled, (number.item(), out.shape, out.dtype), {}, e.outs, "filled", where=e.where)
        return e
    shapes = [a.shape for a in args if isinstance(a, Var)]
    if np.broadcast_shapes(*shapes) != out.shape or e.function is filled:
        return e
    function = e.function
    if function is np.true_divide and isinstance(args[1], np.floating | float) and isinstance(args[0], Var):
        by = float(args[1])
        if by and abs(math.frexp(by)[0]) == 0.5 and 1e-30 < abs(by) < 1e30:
            function, args[1] = np.multiply, type(args[1])(1 / by)
    return replace(e, function=function, args=tuple(args), name=function.__name__)


def _neutral(e: Equation) -> Var | None:
    """The operand that the result is equal to."""
    if e.function not in _NEUTRAL or len(e.args) != 2 or e.kwargs:
        return None
    x, y = e.args
    neutral = _NEUTRAL[e.function]
    if isinstance(x, Var) and _is_number(y, neutral, x) and _same_memory(x, e.outs[0]):
        return x
    symmetric = e.function in (np.multiply, np.add)
    if symmetric and isinstance(y, Var) and _is_number(x, neutral, y) and _same_memory(y, e.outs[0]):
        return y
    return None


def _is_number(x: Any, number: float, beside: Var) -> bool:
    """Whether `x` is that number; beside floats a zero has to have its sign, too."""
    if isinstance(x, Var) or x != number:
        return False
    return bool(number) or beside.dtype.kind not in "fc" or bool(np.signbit(x) == np.signbit(number))


def with_parts_only(program: Program) -> Program:
    """What is seen only in parts, which are no more than the whole, is worked out only there.

    An elementwise function of a view stands for a view of its result, which then need not be written to memory.
    """
    seen: dict[Var, dict[Var, int]] = {}  # the root of views -> those that are used, and their sizes
    whole = {v.root for v in program.results} | {v.root for _, v in program.writes}
    for e in program.equations:
        for v in () if e.view else e.inputs():
            if v is v.root or not expressible(e):
                whole.add(v.root)
            seen.setdefault(v.root, {})[v] = v.size
    new: dict[Var, Var] = {}
    makers: dict[Var, tuple[Equation, int]] = {}  # and where what it makes was to begin in the memory of the whole
    kept: list[Equation] = []
    for e in program.equations:
        e = with_inputs(e, new)
        maker = makers.get(e.args[0]) if e.view else None
        if maker is not None:
            (v,) = e.outs
            e = _of_views(e, *maker, kept)
            new[v] = e.outs[0]
            makers[new[v]] = e, v.offset
        elif isinstance(e.function, np.ufunc) and _is_spread(e) and e.outs[0] not in whole:
            parts = seen.get(e.outs[0], {})
            if sum(parts.values()) <= e.outs[0].size:
                makers[e.outs[0]] = e, 0
        kept.append(e)
    return renamed(program, kept, new)


def _is_spread(e: Equation) -> bool:
    """Whether it goes over arrays that all lie as its result does, and numbers."""
    arrays = [a for a in e.args if isinstance(a, Var)]
    return len(e.outs) == 1 and not e.kwargs and all((a.shape, a.strides) == _shape(e.outs[0])[::2] for a in arrays)


def _of_views(view: Equation, maker: Equation, start: int, kept: list[Equation]) -> Equation:
    """The function of `maker`, whose result was to begin at `start`, of such views of its operands."""
    out = view.outs[0]
    args: list[Any] = []
    for a in maker.args:
        if isinstance(a, Var):
            shown = Var(out.shape, a.dtype, out.strides, a.root, a.offset + out.offset - start)
            kept.append(Equation(view.function, (a, *view.args[1:]), view.kwargs, (shown,), view.name, view=True))
            a = shown
        args.append(a)
    made = Var(out.shape, out.dtype, row_after_row(out.shape))
    return Equation(maker.function, tuple(args), {}, (made,), maker.name, where=maker.where)


def copied(program: Program) -> Program:
    """The program with variables of its own for what it computes: passes give views other roots, in place."""
    new: dict[Var, Var] = {v: v for v in (*program.inputs, *program.constants)}
    equations = []
    for e in program.equations:
        args, kwargs = substitute((e.args, e.kwargs), new.__getitem__)
        for v in e.outs:
            new[v] = Var(v.shape, v.dtype, v.strides, None if v.root is v else new.get(v.root, v.root), v.offset)
        outs = tuple(new[v] for v in e.outs)
        equations.append(replace(e, args=args, kwargs=kwargs, outs=outs))
    program = replace(program, inputs=list(program.inputs), constants=dict(program.constants))
    return renamed(program, equations, new)


# In the order in which each helps the next.
PASSES = (without_dead, inlined, with_loops_for_products, with_plain_constants, without_copies, simplified,
          without_repeats, without_copies, with_projected_tables, with_turned_products, with_sums_of_products,
          with_parts_only, without_repeats, without_dead)  # fmt: skip


def optimised(program: Program) -> Program:
    """The program after all passes; the given one stays as it is."""
    program = copied(program)
    for step in PASSES:
        program = step(program)
    return program.check()


def split(program: Program, forward: int) -> tuple[Program, Program, list[Var]]:
    """The part that leads to the first `forward` results and to all effects; the rest; and what the rest takes from it.

    The first part returns what the second takes after its own results.
    """
    first = without_dead(replace(program, results=program.results[:forward]))
    mine = set(first.equations)
    others = [e for e in program.equations if e not in mine]
    rest = without_dead(replace(program, equations=others, writes=[], results=program.results[forward:]))
    made = {v for e in first.equations for v in e.outs}
    used = [v for e in rest.equations for v in e.inputs()] + rest.results
    kept = list(dict.fromkeys(v.root for v in used if v.root in made))
    views = [e for e in first.equations if e.view and not made.isdisjoint(e.outs)]
    needed = {v for v in used if v in made and v.root is not v}
    again = [e for e in views if not needed.isdisjoint(e.outs) or any(w.root in kept for w in e.outs)]
    first.results = [*first.results, *kept]
    rest.inputs = [*kept, *rest.inputs]
    rest.equations = [*again, *rest.equations]
    return first, without_dead(rest), kept
