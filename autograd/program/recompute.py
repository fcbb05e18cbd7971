"""Recomputation: what a later loop would read from memory, and can make of what it reads anyhow, is made there again.

Fusion ends at a sum over other dimensions: x - μ is made with the sum of its squares, and is wanted once more after it.
Stored, it is written and read; made again, neither.  That pays for cheap functions whose operands are no more bytes
than are saved.
"""

from __future__ import annotations

from dataclasses import replace

from .fuse import ARRAYS, Loop, Step, in_order, inputs_of, iteration
from .program import Equation, Program, Var, substitute
from .scalars import COST, operands
from .traced import Reduction

CHEAP = 3  # additions' worth of time (`scalars.COST`)


def recomputed(program: Program, steps: list[Step]) -> list[Step]:
    """The steps, with equations repeated in the loops that want their values, where that saves traffic."""
    ends = {v.root for v in program.results} | {v.root for _, v in program.writes}
    changing = {target for target, _ in program.writes}  # in place, if nobody reads them later
    users: dict[Var, set[int]] = {}  # a root -> the steps that read it
    for i, step in enumerate(steps):
        for e in step.equations:
            for v in inputs_of(step, e):
                users.setdefault(v.root, set()).add(i)
    for i, step in enumerate(steps):
        if not isinstance(step, Loop):
            continue
        for e in reversed(step.equations):
            v = e.outs[0]
            later = [steps[k] for k in users.get(v, set()) - {i}]
            loops = [loop for loop in later if isinstance(loop, Loop)]
            if v in ends or not loops or len(loops) < len(later) or not _pays(e, step, loops, changing):
                continue
            for k in users[v] - {i}:
                for u in inputs_of(step, e):
                    users[u.root].add(k)
            users[v] &= {i}
            for loop in loops:
                _repeat(e, loop)
            if not users[v]:
                step.equations = [other for other in step.equations if other is not e]
    return steps


def _pays(e: Equation, maker: Loop, later: list[Loop], changing: set[Var]) -> bool:
    """Whether each of the later loops can make the value, and all of them read less for it than they did."""
    v, function = e.outs[0], getattr(e.function, "ufunc", e.function)
    given = [u for u in operands(e) if isinstance(u, Var)]
    # An operand that only this loop knows would have to be written instead.
    if isinstance(e.function, Reduction) or COST.get(function, 1) > CHEAP or any(u.root in maker.makes for u in given):
        return False
    saved = v.nbytes  # written
    for loop in later:
        more = {u.root: u for u in given if u.root not in loop.reads and u.root not in loop.makes}
        if not _as_elements(v, loop) or not changing.isdisjoint(more) or len(loop.reads) + len(more) > ARRAYS:
            return False
        saved += v.nbytes - sum(u.nbytes for u in more.values())
    return saved > 0


def _as_elements(v: Var, loop: Loop) -> bool:
    """Whether the loop reads of the array of `v` only the value itself, element by element."""
    reads = [(e, u) for e in loop.equations for u in operands(e) if isinstance(u, Var) and u.root is v]
    return in_order(v) and all(u is v and iteration(e) == v.shape for e, u in reads)


def _repeat(e: Equation, loop: Loop) -> None:
    """Make the value in the loop, too, for those of its equations that read it."""
    old = e.outs[0]
    again = Var(old.shape, old.dtype, old.strides)
    again.name = old.name
    users = loop.equations
    loop.equations, loop.reads = [], loop.reads - {old}
    loop.take(replace(e, outs=(again,)))
    for user in users:
        args, kwargs = substitute((user.args, user.kwargs), lambda v: again if v is old else v)
        loop.take(replace(user, args=args, kwargs=kwargs))
