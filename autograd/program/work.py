"""What an equation computes and moves, and why it may be a call."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .functions import filled, replaced
from .fuse import LITTLE
from .program import Equation, Var, substitute, variables
from .recorder import Recorder
from .scalars import ACCUMULATE, COST, code_of, expressible
from .traced import Reduction, Traced, cast, get

DEEP = 4
_NO_WORK = (cast, filled, get, replaced, np.where, np.copyto, np.concatenate, np.stack, np.take, np.pad)


def bytes_of(e: Equation) -> tuple[int, int]:
    """What it reads and writes when it runs on its own; of a view, the elements that it shows, once."""
    read = sum(min(v.nbytes, v.root.nbytes) for v in dict.fromkeys(e.inputs()))
    return read, sum(v.nbytes for v in e.outs)


def flops_of(e: Equation, depth: int = 0) -> float | None:
    """Additions, or as many as take the same time; None if that is not known, or lies `DEEP` bodies in each other."""
    f = e.function
    if e.view or e.effect or f in _NO_WORK or not e.outs:
        return 0.0
    if f is np.matmul:
        return 2.0 * e.outs[0].size * e.args[0].shape[-1]
    if isinstance(f, Reduction):
        return float(e.args[0].size * COST.get(f.ufunc, 1))
    if isinstance(f, np.ufunc):
        return float(e.outs[0].size * COST.get(f, 1))
    if getattr(f, "__objclass__", None) is np.ndarray or (getattr(f, "__module__", None) or "").startswith("numpy"):
        moves = f in (np.ndarray.copy, np.ndarray.take, np.ndarray.repeat)
        return 0.0 if moves or e.outs[0].dtype.kind != "f" else None
    return _inside(_Form(e), depth) if depth < DEEP else None


class _Form:
    """An equation up to the names of its variables."""

    def __init__(self, e: Equation) -> None:
        marks: dict[Var, int] = {}
        self.e = e
        form = substitute((e.args, e.kwargs), lambda v: ("#", marks.setdefault(v, len(marks)), v.type))
        self.key = (e.function, repr(form))

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, _Form) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@functools.lru_cache(maxsize=256)
def _inside(form: _Form, depth: int) -> float | None:
    """The work of a function's NumPy body, which is run once for it on ones and zeros."""
    e, recorder = form.e, Recorder()
    traced: dict[Var, Traced] = {}
    for v in dict.fromkeys(variables((e.args, e.kwargs))):
        array = np.ones(v.shape, v.dtype) if v.dtype.kind == "f" else np.zeros(v.shape, v.dtype)
        traced[v] = recorder.input(array)
    args, kwargs = substitute((e.args, e.kwargs), traced.__getitem__)
    try:
        with recorder.watching():
            getattr(e.function, "body", e.function)(*args, **kwargs)
    except Exception:  # these numbers do not suit it
        return None
    inner = [f for f in recorder.program.equations if f.function is not e.function]
    if recorder.obstacle or len(inner) < len(recorder.program.equations):
        return None
    work = [flops_of(f, depth + 1) for f in inner]
    return None if None in work else sum(w for w in work if w is not None)


def why_a_call(e: Equation) -> str:
    """Why no loop computes the equation."""
    f, types = e.function, {v.dtype for v in (*e.inputs(), *e.outs)}
    if e.effect == "draw":
        return "draws from a random stream, in the order of the plain function"
    if f is np.matmul:
        return _why_a_product(e)
    if hasattr(f, "body"):
        return "has a kernel of its own, which is faster on so many elements or cannot be taken apart"
    if expressible(e):
        return "has no elements"
    odd = sorted(str(t) for t in types if t.kind not in "fiub")
    if odd:
        return f"elements of type {', '.join(odd)}, which loops do not have"
    if isinstance(f, Reduction):
        if f.ufunc not in ACCUMULATE:
            return f"no loop gathers with {f.ufunc.__name__}"
        return "a reduction of nothing, of integers to an extreme, or with a start of its own"
    if isinstance(f, np.ufunc):
        return f"np.{f.__name__} of {', '.join(code_of(v.dtype) for v in e.inputs())} has no form for a single element"
    if getattr(f, "__objclass__", None) is np.ndarray or (getattr(f, "__module__", None) or "").startswith("numpy"):
        return f"NumPy's {e.name} is no rule for a single element"
    if flops_of(e) == 0:
        return "moves elements, and computes nothing"
    return "its body chooses by values, or is not made of what loops have"


def _why_a_product(e: Equation) -> str:
    shapes = [a.shape if isinstance(a, Var) else np.shape(a) for a in e.args]
    if any(len(s) != 2 for s in shapes):
        return f"a product of {' and '.join(str(len(s)) for s in shapes)} dimensions"
    n = shapes[0][0] * shapes[0][1] * shapes[1][1]
    if n > LITTLE:
        return f"{n} multiplications: from {LITTLE} on, a product that packs its operands is faster"
    return "a product of different types, or of numbers that are not float32 or float64"
