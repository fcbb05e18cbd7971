"""Programs with other variables in the places of some: what passes are made of."""

from __future__ import annotations

from collections.abc import Callable

from .program import Equation, Program, Var, substitute


def renamed(program: Program, equations: list[Equation], new: dict[Var, Var]) -> Program:
    """These equations, with the writes and results of `program` under their new names."""
    take: Callable[[Var], Var] = lambda v: new.get(v, v)
    return Program(program.inputs, program.constants, equations, [(t, take(v)) for t, v in program.writes],
                   [take(v) for v in program.results], program.labels)  # fmt: skip


def with_inputs(e: Equation, new: dict[Var, Var]) -> Equation:
    """The equation with other variables for its inputs; outputs that are views move with their roots."""
    args, kwargs = substitute((e.args, e.kwargs), lambda v: new.get(v, v))
    for v in e.outs:
        if v.root is not v and v.root in new:
            moved = new[v.root]
            v.root, v.offset = moved.root, v.offset + moved.offset
    return Equation(e.function, args, kwargs, e.outs, e.name, e.view, e.effect, e.several, e.where)


def row_after_row(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of an array that NumPy makes."""
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))
