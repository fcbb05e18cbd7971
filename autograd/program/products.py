"""Passes for products of matrices: small ones as loops, transposed ones the other way round, sums of them as one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ..ops.matmul import NARROW, product
from .functions import sum_of_products
from .fuse import Matrix, in_order, matrices
from .program import Equation, Program, Var
from .rewrite import renamed, row_after_row, with_inputs
from .runtime import in_places
from .traced import get, reduction

FEW = 8192  # multiplications of each product in a batch up to which a call for each costs more than they do


def with_loops_for_products(program: Program) -> Program:
    """Batches of small products as what they are, Σ_k a_ik b_kj: a multiplication and a sum, which loops can fuse."""
    new: dict[Var, Var] = {}
    kept: list[Equation] = []
    for e in program.equations:
        e = with_inputs(e, new)
        if _is_product(e) and _is_batch_of_few(e):
            _spread_product(e, kept, new)
        else:
            kept.append(e)
    return renamed(program, kept, new)


def _spread_product(e: Equation, kept: list[Equation], new: dict[Var, Var]) -> None:
    """The dimension in which most factors lie element by element goes innermost."""
    (a, b), out = e.args, e.outs[0]
    lead = out.shape[:-2]
    sizes = {"m": a.shape[-2], "k": a.shape[-1], "n": b.shape[-1]}
    steps = {"m": (a.strides[-2], 0, out.strides[-2]), "k": (a.strides[-1], b.strides[-2], 0),
             "n": (0, b.strides[-1], out.strides[-1])}  # fmt: skip
    inner = max("nkm", key=lambda d: (sizes[d] > 1, sum(s in (0, 1) for s in steps[d])))
    order = [d for d in "mnk" if d != inner] + [inner]

    def seen(v: Var, rows: str, columns: str) -> Var:
        """`v` as a factor: its own dimensions in their places, 1 elsewhere."""
        own = {rows: (v.shape[-2], v.strides[-2]), columns: (v.shape[-1], v.strides[-1])}
        shape = v.shape[:-2] + tuple(own.get(d, (1, 0))[0] for d in order)
        strides = v.strides[:-2] + tuple(own.get(d, (1, 0))[1] for d in order)
        w = Var(shape, v.dtype, strides, v.root, v.offset)
        places = order.index(rows), order.index(columns)
        kept.append(Equation(in_places, (v, *places), {}, (w,), "in_places", view=True))
        return w

    left, right = seen(a, "m", "k"), seen(b, "k", "n")
    full = (*lead, *(sizes[d] for d in order))
    term = Var(full, out.dtype, row_after_row(full))
    kept.append(Equation(np.multiply, (left, right), {}, (term,), "multiply", where=e.where))
    rest = [d for d in order if d != "k"]
    total = out if rest == ["m", "n"] else Var((*lead, sizes["n"], sizes["m"]), out.dtype,
                                               (*out.strides[:-2], out.strides[-1], out.strides[-2]))  # fmt: skip
    kept.append(Equation(reduction(np.add), (term,), {"axis": (len(lead) + order.index("k"),), "keepdims": False},
                         (total,), "add.reduce", where=e.where))  # fmt: skip
    if total is not out:
        new[out] = Var(out.shape, out.dtype, out.strides, total, 0)
        kept.append(Equation(np.ndarray.swapaxes, (total, -1, -2), {}, (new[out],), "swapaxes", view=True))


def _is_product(e: Equation) -> bool:
    return (e.function is np.matmul or getattr(e.function, "body", None) is product.op.body) and not e.kwargs


def _is_batch_of_few(e: Equation) -> bool:
    (a, b), out = e.args, e.outs[0]
    floats = isinstance(a, Var) and isinstance(b, Var) and a.dtype == b.dtype == out.dtype and out.dtype.kind == "f"
    if not floats or len(a.shape) < 3 or len(b.shape) < 3 or not out.size or out.strides != row_after_row(out.shape):
        return False
    return (
        0 < a.shape[-2] * a.shape[-1] * b.shape[-1] <= FEW and a.shape[-1] > 0 and out.size > a.shape[-2] * b.shape[-1]
    )


def with_turned_products(program: Program) -> Program:
    """(A B)ᵀ as Bᵀ Aᵀ, where A B is seen in no other way, so that it is written as it is read."""
    seen: dict[Var, list[Var]] = {}  # the root of views -> those views
    whole = set(program.results) | {v for _, v in program.writes}
    for e in program.equations:
        if e.view:
            for v in e.outs:
                seen.setdefault(v.root, []).append(v)
        else:
            whole.update(e.inputs())
    new: dict[Var, Var] = {}
    kept: list[Equation] = []
    for e in program.equations:
        if e.view and e.outs[0] in new:
            continue
        e = with_inputs(e, new)
        views = seen.get(e.outs[0], []) if _is_product(e) and e.outs[0] not in whole else []
        if views and all(_is_transpose(v, e.outs[0]) for v in views):
            e = _turned(e, kept)
            new.update((v, e.outs[0]) for v in views)
        kept.append(e)
    return renamed(program, kept, new)


def _is_transpose(v: Var, matrix: Var) -> bool:
    return len(v.shape) == 2 and (v.shape[::-1], v.strides[::-1], v.offset) == (matrix.shape, matrix.strides, 0)


def _turned(e: Equation, kept: list[Equation]) -> Equation:
    factors = [Var(v.shape[::-1], v.dtype, v.strides[::-1], v.root, v.offset) for v in reversed(e.args)]
    for v, turned in zip(reversed(e.args), factors):
        kept.append(Equation(np.ndarray.swapaxes, (v, -1, -2), {}, (turned,), "swapaxes", view=True))
    out = Var(e.outs[0].shape[::-1], e.outs[0].dtype, row_after_row(e.outs[0].shape[::-1]))
    return Equation(e.function, tuple(factors), {}, (out,), e.name, where=e.where)


@dataclass(eq=False)
class _Sum:
    """Products of matrices, added, and a row that is added to all of their rows, if there is one."""

    factors: tuple[Var, ...]
    row: Var | None = None


def with_sums_of_products(program: Program) -> Program:
    """A B + C D + a row as one equation, where nothing else reads a part of the sum: the kernel adds as it goes."""
    uses = Counter(v for e in program.equations for v in e.inputs())
    uses.update((*program.results, *(v for _, v in program.writes)))
    viewed = {v.root for e in program.equations if e.view for v in e.outs}
    sums: dict[Var, _Sum] = {}
    new: dict[Var, Var] = {}
    kept: list[Equation] = []
    for e in program.equations:
        e = with_inputs(e, new)
        found = _as_sum(e, kept) or _added(e, sums, kept)
        if found is None or (e.outs[0] in viewed and not in_order(e.outs[0])):
            kept.append(e)
            continue
        out, once = e.outs[0], uses[e.outs[0]] == 1
        if e.function is np.add:
            if not in_order(out):  # NumPy's addition keeps the order of what it adds
                new[out] = out = Var(out.shape, out.dtype, row_after_row(out.shape))
            e = Equation(sum_of_products, (found.row, *found.factors), {}, (out,), "sum_of_products", where=e.where)
        kept.append(e)
        if once:
            sums[out] = found
    return renamed(program, kept, new)


def _as_sum(e: Equation, kept: list[Equation]) -> _Sum | None:
    """The equation as the one product that it is, if the kernel of matrices takes it."""
    step = matrices(e)
    if not isinstance(step, Matrix) or min(e.outs[0].shape) < NARROW:
        return None
    ((a, b),) = step.factors
    if b not in e.args:
        kept.append(Equation(np.ndarray.swapaxes, (e.args[1], -1, -2), {}, (b,), "swapaxes", view=True))
    return _Sum((a, b), step.bias)


def _added(e: Equation, sums: dict[Var, _Sum], kept: list[Equation]) -> _Sum | None:
    """The equation as a sum of two sums, or of one and a row."""
    if e.function is not np.add or e.kwargs or not all(isinstance(v, Var) for v in e.args):
        return None
    x, y = e.args
    if x in sums and y in sums:
        rows = [sums[v].row for v in (x, y) if sums[v].row is not None]
        return _Sum(sums[x].factors + sums[y].factors, *rows) if len(rows) < 2 else None
    for v, other in ((x, y), (y, x)):
        if v in sums and sums[v].row is None:
            row = _as_row(other, e.outs[0], kept)
            return None if row is None else _Sum(sums[v].factors, row)
    return None


def _as_row(v: Var, matrix: Var, kept: list[Equation]) -> Var | None:
    """The one row that `v` is, spread over the rows of `matrix`."""
    if v.dtype != matrix.dtype or v.strides[-1:] != (1,) or v.shape[-1] != matrix.shape[1]:
        return None
    if len(v.shape) == 2 and (v.shape[0] == 1 or v.strides[0] == 0):
        row = Var(v.shape[1:], v.dtype, (1,), v.root, v.offset)
        kept.append(Equation(get, (v, 0), {}, (row,), "get", view=True))
        return row
    return v if len(v.shape) == 1 else None
