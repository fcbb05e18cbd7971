"""What recurrent layers over a whole sequence, in one direction, have in common: `lstm.py`, `gru.py` and `rnn.py`.

Each is one op, where a loop over steps would record thousands.

A sequence is rows in time-major order, as in `unroll.py`: `x` holds the inputs of all steps, `sizes` how many rows each
step has; or, if `together` and all steps have as many, the rows of a sequence stand together, as in a batch that comes
first.  All are projected in one product.  The state is one array that every step overwrites as far as its rows go.  So
sequences that are over keep their last state, and, from the end backwards, those that have not begun their first:
padded and packed, forwards and in reverse are all the same loop.

The derivative is backpropagation through time.  What it finds for each step are the cotangents d_t of what enters the
gates; those of the weights are then products over all steps, Σ_t d_tᵀ x_t and Σ_t d_tᵀ h_{t-1}.  A derivative that is
itself to be differentiated is taken of the sequence step by step instead.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Any

import numpy as np

from ..engine import grad
from ..tensor import Tensor
from ..twin import with_kernel
from .index import added_at, elements_of
from .matmul import affine, product
from .unroll import State, Step, unroll

__all__: list[str] = []

Sizes = tuple[int, ...]
LEAST = 1 << 16  # products of two numbers that are worth loading a kernel; fewer take a fraction of a millisecond


def in_turn(sizes: Sizes, reverse: bool, together: bool = False) -> list[slice]:
    """The rows of each step, in the order in which the steps are taken."""
    if together:
        rows = [slice(t, sizes[0] * len(sizes), len(sizes)) for t in range(len(sizes))]
    else:
        rows = [slice(end - size, end) for size, end in zip(sizes, accumulate(sizes))]
    return rows[::-1] if reverse else rows


def states_before(y: np.ndarray, first: np.ndarray, rows: list[slice]) -> np.ndarray:
    """h_{t-1} for each row of `y`: that of the step before, or the first state where there was none."""
    found, last = np.empty_like(y), y[:0]
    for step in rows:
        here = found[step]
        both = min(len(here), len(last))
        here[:both], here[both:] = last[:both], first[both : len(here)]
        last = y[step]
    return found


def unrolled(step: Step, x: Any, state: State, sizes: Sizes, reverse: bool, together: bool) -> tuple[Any, State]:
    """`unroll`, for rows in either order."""
    if not together:
        return unroll(step, x, state, sizes, reverse)
    steps, batch = len(sizes), sizes[0]
    x = x.reshape((batch, steps, x.shape[1])).swapaxes(0, 1).reshape((steps * batch, x.shape[1]))
    y, last = unroll(step, x, state, sizes, reverse)
    return y.reshape((steps, batch, y.shape[1])).swapaxes(0, 1).reshape((batch * steps, y.shape[1])), last


def recorded(steps: Callable[..., Any], inputs: tuple[Any, ...], params: tuple[Any, ...], g: Any) -> tuple[Any, ...]:
    """The cotangents of `inputs` on the tape.  The inputs are cloned, so that these are partial derivatives even where
    one input was computed from another."""
    fresh = [None if x is None else x.clone() for x in inputs]
    pulled = [(out, part) for out, part in zip(steps(*fresh, *params), g) if part is not None]
    live = [x for x in fresh if x is not None and x.requires_grad]
    found = iter(grad([out for out, _ in pulled], live, [part for _, part in pulled], create_graph=True))
    return tuple(next(found) if x is not None and x.requires_grad else None for x in fresh)


def on_tape(g: tuple[Any, ...]) -> bool:
    """Whether the derivative is itself to be differentiated."""
    return any(isinstance(part, Tensor) for part in g)


def suits(steps: int, weight: Any, *others: Any) -> bool:
    """Whether there are kernels for it, all of one type, and enough work."""
    kind = weight.dtype
    alike = all(a is None or a.dtype == kind for a in others)
    return alike and kind.char in "fd" and steps * weight.size >= LEAST


def project(x: Any, weight: Any, bias: Any) -> Any:
    """W x_t + b for all steps.  For ``x = (table, index)``, rows of a table, it is the table that is projected."""
    if isinstance(x, tuple):
        table, index = x
        return elements_of(project(table, weight, bias), (index.reshape(-1),))
    total = product(x, weight.swapaxes(0, 1))
    return total if bias is None else total + bias


def projection(x: Any, weight: Any, bias: Any) -> tuple[Any, np.ndarray]:
    """`project` for the kernels, as ``(table, index)`` where it is rows of a table or of few kinds; and the kinds."""
    from ..kernels.alike import kinds

    rows = x if isinstance(x, tuple) else kinds(x)
    if rows is None:
        return affine(x, weight, bias), unknown(x)
    table, index = rows
    if not -len(table) <= index.min(initial=0) <= index.max(initial=0) < len(table):
        return project(x, weight, bias), unknown(x)  # which says so
    index = np.ascontiguousarray(index.reshape(-1), np.int64)
    return (affine(table, weight, bias), index), (unknown(x) if rows is x else index)


def unknown(x: Any) -> np.ndarray:
    """The kinds of rows that were not compared."""
    return np.full(x[1].size if isinstance(x, tuple) else len(x), -1, np.int64)


def _sums_of_outer(d: np.ndarray, x: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Σ_t d_tᵀ x_t, the cotangent of W."""
    return product(d.T, x)


def _sums_by_kind(d: np.ndarray, x: np.ndarray, kinds: np.ndarray) -> Any:
    """The same where many rows of x are alike: what belongs to the same one is added up before it is multiplied."""
    if not kinds.size or kinds[0] < 0:
        return NotImplemented
    one = np.empty(kinds.max() + 1, np.int64)  # row of each kind
    one[kinds] = np.arange(len(kinds))
    return product(added_at(d, (len(one), d.shape[1]), (kinds,)).T, x[one])


sums_of_outer = with_kernel(_sums_of_outer, _sums_by_kind)


def project_pull(d: np.ndarray, x: Any, weight: np.ndarray, kinds: np.ndarray, needs: tuple[bool, ...]) -> Any:
    """The cotangents of x, or of its table, and of W, for `d`, that of W x + b.

    Of rows of a table, those of `d` that belong to the same one are added up before they are multiplied.  What nobody
    took stays out of it, for it may be infinite.
    """
    if not isinstance(x, tuple):
        return product(d, weight) if needs[0] else None, sums_of_outer(d, x, kinds)
    table, index = x
    total, taken = added_at(d, (len(table), d.shape[1]), (index.reshape(-1),)), np.zeros((len(table), 1), bool)
    taken[index] = True
    d_table = np.where(taken, product(total, weight), 0) if needs[0] else None
    return d_table, product(total.T, np.where(taken, table, 0))


def or_zeros(part: Any, like: np.ndarray) -> np.ndarray:
    """A cotangent, where there is one."""
    return np.zeros_like(like) if part is None else part
