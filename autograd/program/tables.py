"""A pass for layers that take rows of a table: the table is projected, not each of its rows.

Rows x_t = E[i_t], as of an embedding, have W x_t = (E Wᵀ)[i_t]: the product is of the table alone, and the rows are
taken of it.  The transposes follow.  Σ_t d_tᵀ x_t = Sᵀ E and the cotangent of E is S W, with S the cotangents of W x_t
added up by the rows that they belong to.  Three products over all steps become three of the table's size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..ops.gru import gru_pull, gru_sequence
from ..ops.index import added_at, elements_of
from ..ops.lstm import lstm_pull, lstm_sequence
from ..ops.rnn import rnn_pull, rnn_sequence
from .fuse import in_order
from .program import Equation, Program, Var, without_dead
from .rewrite import renamed, row_after_row, with_inputs

SEQUENCES, PULLS = (lstm_sequence, gru_sequence, rnn_sequence), (lstm_pull, gru_pull, rnn_pull)
TIMES = 2  # as many rows as the table has, from which the products are shorter by more than taking rows costs
WIDTH = 64  # of a row, at least, for the same reason


@dataclass(eq=False)
class _Rows:
    """Rows of a table; `steps` are the indices by which they were taken one after the other, the last first, and the
    shapes of what they were taken of."""

    table: Var
    index: Var
    steps: tuple[tuple[Var, tuple[int, ...]], ...]

    @property
    def pays(self) -> bool:
        """Whether there are so many that the table is projected in less time."""
        (n, width), rows = self.table.shape, self.index.size
        return bool(rows >= TIMES * n and width >= WIDTH)


def with_projected_tables(program: Program) -> Program:
    """Recurrent layers given the table and the index, ``x = (table, index)``, in place of many rows."""
    taken: dict[Var, _Rows] = {}  # the memory of rows -> where they come from
    users = _users(program)
    new: dict[Var, Var] = {}
    gone: set[Var] = set()
    kept: list[Equation] = []
    for e in program.equations:
        if any(v.root in gone or v in new for v in e.outs):
            continue
        e = with_inputs(e, new)
        at = _place(e)
        x = None if at is None else e.args[at]
        if _is(e, elements_of):
            _take(e, taken, kept)
        elif at is not None and isinstance(x, Var) and _is_whole(x) and x.root in taken and taken[x.root].pays:
            e = _of_table(e, at, taken[x.root], users, new, gone)
        kept.append(e)
    return without_dead(renamed(program, kept, new))


def _users(program: Program) -> dict[Var, list[Equation | None]]:
    """What reads the memory of each variable, views aside; None is the caller."""
    users: dict[Var, list[Equation | None]] = {}
    for e in program.equations:
        for v in () if e.view else e.inputs():
            users.setdefault(v.root, []).append(e)
    for v in (*program.results, *(value for _, value in program.writes)):
        users.setdefault(v.root, []).append(None)
    return users


def _is(e: Equation, op: Any) -> bool:
    return getattr(e.function, "body", None) is op.op.body and not e.kwargs


def _is_whole(v: Var) -> bool:
    """Whether it has all elements of its memory, in order."""
    return v.size == v.root.size and in_order(v) and in_order(v.root)


def _place(e: Equation) -> int | None:
    """Which argument of a layer or of its derivative is x."""
    if any(_is(e, op) for op in SEQUENCES):
        return 0
    return 2 if e.function in PULLS and not e.kwargs else None


def _take(e: Equation, taken: dict[Var, _Rows], kept: list[Equation]) -> None:
    """Note whole rows of a table; of rows that were themselves taken of one, as packing does, an index for both."""
    table, key = e.args
    if len(table.shape) != 2 or len(key) != 1 or not isinstance(key[0], Var) or key[0].dtype.kind not in "iu":
        return
    (index,) = key
    rows = _Rows(table, index, ((index, table.shape),))
    before = taken.get(table.root) if _is_whole(table) else None
    if before is not None and table.shape[1] == before.table.shape[1]:
        first, size, view = before.index, (before.index.size,), in_order(before.index)
        flat = Var(size, first.dtype, (1,), first.root, first.offset) if view else Var(size, first.dtype, (1,))
        both = Var(index.shape, flat.dtype, row_after_row(index.shape))
        kept.append(Equation(np.ndarray.reshape, (first, size), {}, (flat,), "reshape", view=view))
        kept.append(replace(e, args=(flat, key), outs=(both,)))
        rows = _Rows(before.table, both, rows.steps + before.steps)
    taken[e.outs[0]] = rows


def _of_table(e: Equation, at: int, rows: _Rows, users: dict[Var, list[Equation | None]], new: dict[Var, Var],
              gone: set[Var]) -> Equation:  # fmt: skip
    """The layer, or its derivative, for a table: the cotangent of x becomes that of the table, if that is its use."""
    args, outs = (*e.args[:at], (rows.table, rows.index), *e.args[at + 1 :]), e.outs
    if at and e.args[-1][0]:  # the derivative, and x needs one
        found = [outs[0]]
        for index, shape in rows.steps:
            (use, *more) = users.get(found[-1], [None])
            if use is None or more or not _adds(use, index, shape):
                return e
            found.append(use.outs[0])
        outs = (Var(rows.table.shape, outs[0].dtype, row_after_row(rows.table.shape)), *outs[1:])
        new[found.pop()] = outs[0]
        gone.update(found)
    return replace(e, args=args, outs=outs)


def _adds(e: Equation, index: Var, shape: tuple[int, ...]) -> bool:
    """Whether the equation adds rows up at these places."""
    right = _is(e, added_at) and e.args[1] == shape and len(e.args[2]) == 1 and e.args[2][0] is index
    return right and _is_whole(e.args[0]) and in_order(e.outs[0])
