"""Programs with other variables in the places of some: what passes are made of."""

from __future__ import annotations

from dataclasses import replace

from .program import Equation, Program, Var, substitute


def renamed(program: Program, equations: list[Equation], new: dict[Var, Var]) -> Program:
    """These equations, with the writes and results of `program` under their new names."""
    writes = [(target, new.get(v, v)) for target, v in program.writes]
    return replace(program, equations=equations, writes=writes, results=[new.get(v, v) for v in program.results])


def with_inputs(e: Equation, new: dict[Var, Var]) -> Equation:
    """The equation with other variables for its inputs; outputs that are views move with their roots."""
    if not new:
        return e
    args, kwargs = substitute((e.args, e.kwargs), lambda v: new.get(v, v))
    for v in e.outs:
        if v.root is not v and v.root in new:
            moved = new[v.root]
            v.root, v.offset = moved.root, v.offset + moved.offset
    return replace(e, args=args, kwargs=kwargs)


def row_after_row(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of an array that NumPy makes."""
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))
