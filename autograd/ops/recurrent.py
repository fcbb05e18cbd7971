"""Recurrent layers over a whole sequence, in one direction: one op, where a loop over steps would record thousands.

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
from typing import Any, NamedTuple

import numpy as np

from ..engine import grad
from ..op import op
from ..tensor import Tensor
from ..twin import with_kernel
from .cells import gru_gates, lstm_gates, parts, sigmoid_to
from .index import added_at, elements_of
from .matmul import affine, product
from .unroll import State, Step, unroll

__all__: list[str] = []

Sizes = tuple[int, ...]


class Memories(NamedTuple):
    """What `lstm_sequence` returns: h of all steps, the last h and c, and what the derivative needs, as bytes because
    it is nobody else's business: [i f g o] after their activations, and [tanh(c_t) c_{t-1}]; and the kinds of the rows
    of x, as `kernels/alike.py` numbers them, or -1 where they are not known to be few."""

    y: Any
    h: Any
    c: Any
    gates: Any
    memories: Any
    kinds: Any


class States(NamedTuple):
    """What `gru_sequence` returns, as `Memories`: h of all steps, the last h, [r z n], u_n, and the kinds."""

    y: Any
    h: Any
    gates: Any
    products: Any
    kinds: Any


def in_turn(sizes: Sizes, reverse: bool, together: bool = False) -> list[slice]:
    """The rows of each step, in the order in which the steps are taken."""
    if together:
        rows = [slice(t, sizes[0] * len(sizes), len(sizes)) for t in range(len(sizes))]
    else:
        rows = [slice(end - size, end) for size, end in zip(sizes, accumulate(sizes))]
    return rows[::-1] if reverse else rows


def _before(y: np.ndarray, first: np.ndarray, rows: list[slice]) -> np.ndarray:
    """h_{t-1} for each row of `y`: that of the step before, or the first state where there was none."""
    found, last = np.empty_like(y), y[:0]
    for step in rows:
        here = found[step]
        both = min(len(here), len(last))
        here[:both], here[both:] = last[:both], first[both : len(here)]
        last = y[step]
    return found


def _unrolled(step: Step, x: Any, state: State, sizes: Sizes, reverse: bool, together: bool) -> tuple[Any, State]:
    """`unroll`, for rows in either order."""
    if not together:
        return unroll(step, x, state, sizes, reverse)
    steps, batch = len(sizes), sizes[0]
    x = x.reshape((batch, steps, x.shape[1])).swapaxes(0, 1).reshape((steps * batch, x.shape[1]))
    y, last = unroll(step, x, state, sizes, reverse)
    return y.reshape((steps, batch, y.shape[1])).swapaxes(0, 1).reshape((batch * steps, y.shape[1])), last


def _recorded(steps: Callable[..., Any], inputs: tuple[Any, ...], params: tuple[Any, ...], g: Any) -> tuple[Any, ...]:
    """The cotangents of `inputs` on the tape.  The inputs are cloned, so that these are partial derivatives even where
    one input was computed from another."""
    fresh = [None if x is None else x.clone() for x in inputs]
    pulled = [(out, part) for out, part in zip(steps(*fresh, *params), g) if part is not None]
    live = [x for x in fresh if x is not None and x.requires_grad]
    found = iter(grad([out for out, _ in pulled], live, [part for _, part in pulled], create_graph=True))
    return tuple(next(found) if x is not None and x.requires_grad else None for x in fresh)


def _on_tape(g: tuple[Any, ...]) -> bool:
    return any(isinstance(part, Tensor) for part in g)


def _suits(steps: int, weight: Any, *others: Any) -> bool:
    """Whether there are kernels for it, all of one type, and enough work: less takes a fraction of a millisecond."""
    kind = weight.dtype
    alike = all(a is None or a.dtype == kind for a in others)
    return alike and kind.char in "fd" and steps * weight.size >= 1 << 16


def _project(x: Any, weight: Any, bias: Any) -> Any:
    """W x_t + b for all steps.  For ``x = (table, index)``, rows of a table, it is the table that is projected."""
    if isinstance(x, tuple):
        table, index = x
        return elements_of(_project(table, weight, bias), (index.reshape(-1),))
    total = product(x, weight.swapaxes(0, 1))
    return total if bias is None else total + bias


def _projected(x: Any, weight: Any, bias: Any) -> tuple[Any, np.ndarray]:
    """`_project` for the kernels, as ``(table, index)`` where it is rows of a table or of few kinds; and the kinds."""
    from ..kernels.alike import kinds

    rows = x if isinstance(x, tuple) else kinds(x)
    if rows is None:
        return affine(x, weight, bias), _unknown(x)
    table, index = rows
    if not -len(table) <= index.min(initial=0) <= index.max(initial=0) < len(table):
        return _project(x, weight, bias), _unknown(x)  # which says so
    index = np.ascontiguousarray(index.reshape(-1), np.int64)
    return (affine(table, weight, bias), index), (_unknown(x) if rows is x else index)


def _unknown(x: Any) -> np.ndarray:
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


def _project_pull(d: np.ndarray, x: Any, weight: np.ndarray, kinds: np.ndarray, needs: tuple[bool, ...]) -> Any:
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


def _or_zeros(part: Any, like: np.ndarray) -> np.ndarray:
    return np.zeros_like(like) if part is None else part


# -- long short-term memory --------------------------------------------------------------------------------------------


def lstm_steps(x: Any, h0: Any, c0: Any, weight: Any, weight_hh: Any, bias: Any, sizes: Sizes, reverse: bool,
               together: bool = False, weight_hr: Any = None) -> Any:  # fmt: skip
    """`lstm_sequence` on Tensors, each step on the tape; with `weight_hr` (proj, H) a projection of each h."""
    hh, hr = weight_hh.swapaxes(0, 1), None if weight_hr is None else weight_hr.swapaxes(0, 1)

    def step(x: Any, state: Any) -> Any:
        new = lstm_gates(x + product(state[0], hh), state[1])
        return (new.h if hr is None else product(new.h, hr)), new.c

    y, (h, c) = _unrolled(step, _project(x, weight, bias), (h0, c0), sizes, reverse, together)
    return y, h, c


@op(symbol="LSTM", method=False, multiple=True)
def lstm_sequence(x: Any, h0: Any, c0: Any, weight: Any, weight_hh: Any, bias: Any, /, sizes: Sizes, reverse: bool,
                  together: bool = False) -> Any:  # fmt: skip
    """[i f g o] = W x_t + W_hh h_{t-1} + b;  c_t = σ(f) c_{t-1} + σ(i) tanh(g);  h_t = σ(o) tanh(c_t), for x (rows,
    in), h0 and c0 (B, H), W (4H, in), W_hh (4H, H), b (4H) or None (Hochreiter and Schmidhuber, 1997)."""
    size = h0.shape[1]
    gates = _project(x, weight, bias)
    y, memories = np.empty((len(gates), size), gates.dtype), np.empty((len(gates), 2 * size), gates.dtype)
    h, c, total = h0.copy(), c0.copy(), np.empty((len(h0), 4 * size), gates.dtype)
    hh = np.ascontiguousarray(weight_hh).T
    for rows in in_turn(sizes, reverse, together):
        n = len(gates[rows])
        np.dot(h[:n], hh, out=total[:n])
        total[:n] += gates[rows]
        sigmoid_to(total[:n], gates[rows])
        (i, f, g, o), (t, before), memory = parts(gates[rows], 4), parts(memories[rows], 2), c[:n]
        np.tanh(total[:n, 2 * size : 3 * size], out=g)
        before[:] = memory
        memory *= f
        memory += i * g
        np.tanh(memory, out=t)
        np.multiply(o, t, out=y[rows])
        h[:n] = y[rows]
    return Memories(y, h, c, gates.view(np.uint8), memories.view(np.uint8), _unknown(x))


@lstm_sequence.kernel
def _(x: Any, h0: Any, c0: Any, weight: Any, weight_hh: Any, bias: Any, sizes: Sizes, reverse: bool,
      together: bool) -> Any:  # fmt: skip
    if not _suits(sum(sizes), weight_hh, h0, c0, weight, bias):
        return NotImplemented
    from ..kernels import recurrent

    projected, kinds = _projected(x, weight, bias)
    gates, y, h, c, memories = recurrent.lstm(projected, h0, c0, weight_hh, in_turn(sizes, reverse, together))
    return Memories(y, h, c, gates.view(np.uint8), memories.view(np.uint8), kinds)


def _lstm_back(gy: Any, dh: Any, dc: Any, weight_hh: Any, gates: Any, memories: Any, y: Any, h0: Any,
               rows: list[slice]) -> Any:  # fmt: skip
    """The cotangent of the gates' inputs, the states before, and the sum of the former; the cotangents of the states,
    `dh` and `dc`, are taken back to the first step."""
    d_gates = np.empty_like(gates)
    for step in reversed(rows):
        (i, f, g, o), (t, before), (di, df, dg, do) = (
            parts(gates[step], 4), parts(memories[step], 2), parts(d_gates[step], 4)
        )  # fmt: skip
        d, m = dh[: len(di)], dc[: len(di)]
        d += gy[step]
        m += d * o * (1 - t * t)
        np.multiply(m * g, i * (1 - i), out=di)
        np.multiply(m * before, f * (1 - f), out=df)
        np.multiply(m * i, 1 - g * g, out=dg)
        np.multiply(d * t, o * (1 - o), out=do)
        m *= f
        np.dot(d_gates[step], weight_hh, out=d)
    return d_gates, _before(y, h0, rows), d_gates.sum(0)


def _lstm_back_kernel(gy: Any, dh: Any, dc: Any, weight_hh: Any, *saved: Any) -> Any:
    if not _suits(len(gy), weight_hh):
        return NotImplemented
    from ..kernels import recurrent

    return recurrent.lstm_back(gy, dh, dc, weight_hh, *saved)


lstm_back = with_kernel(_lstm_back, _lstm_back_kernel)


def _lstm_pull(g: Any, out: Any, x: Any, h0: Any, c0: Any, weight: Any, weight_hh: Any, bias: Any, sizes: Sizes,
               reverse: bool, together: bool, needs: tuple[bool, ...]) -> Any:  # fmt: skip
    if _on_tape(g):
        return _recorded(lstm_steps, (x, h0, c0, weight, weight_hh, bias), (sizes, reverse, together), g)
    dh, dc = (np.array(_or_zeros(part, like), order="C") for part, like in zip(g[1:3], (h0, c0)))
    gates, memories = out.gates.view(h0.dtype), out.memories.view(h0.dtype)
    gy, hh, rows = _or_zeros(g[0], out.y), np.ascontiguousarray(weight_hh), in_turn(sizes, reverse, together)
    d, before, total = lstm_back(gy, dh, dc, hh, gates, memories, out.y, h0, rows)
    dx, d_weight = _project_pull(d, x, weight, out.kinds, needs)
    return dx, dh, dc, d_weight, product(d.T, before), None if bias is None else total


lstm_sequence.derivative(_lstm_pull)
lstm_sequence.op.materialize = False
lstm_sequence.samples(
    lambda draw, case: [
        case(draw(4, 3), draw(2, 2), draw(2, 2), draw(8, 3), draw(8, 2), draw(8), (2, 1, 1), False),
        case(draw(4, 3), draw(2, 2), draw(2, 2), draw(8, 3), draw(8, 2), draw(8), (2, 2), False, True),
        case(draw(3, 1), draw(2, 1), draw(2, 1), draw(4, 1), draw(4, 1), None, (2, 1), True),
    ]
)

# -- gated recurrent units ---------------------------------------------------------------------------------------------


def gru_steps(x: Any, h0: Any, weight: Any, weight_hh: Any, bias: Any, bias_hh: Any, sizes: Sizes,
              reverse: bool, together: bool = False) -> Any:  # fmt: skip
    """`gru_sequence` on Tensors, each step on the tape."""
    hh = weight_hh.swapaxes(0, 1)

    def step(x: Any, state: Any) -> Any:
        hidden = product(state[0], hh)
        return (gru_gates(x, hidden if bias_hh is None else hidden + bias_hh, state[0]).h,)

    y, (h,) = _unrolled(step, _project(x, weight, bias), (h0,), sizes, reverse, together)
    return y, h


@op(symbol="GRU", method=False, multiple=True)
def gru_sequence(x: Any, h0: Any, weight: Any, weight_hh: Any, bias: Any, bias_hh: Any, /, sizes: Sizes,
                 reverse: bool, together: bool = False) -> Any:  # fmt: skip
    """[v_r v_z v_n] = W x_t + b;  [u_r u_z u_n] = W_hh h_{t-1} + b_hh;  r = σ(v_r + u_r);  z = σ(v_z + u_z);
    n = tanh(v_n + r u_n);  h_t = (1 - z) n + z h_{t-1}, for x (rows, in), h0 (B, H), W (3H, in), W_hh (3H, H), b and
    b_hh (3H) or None (Cho et al., 2014)."""
    size = h0.shape[1]
    gates = _project(x, weight, bias)
    y, products = np.empty((len(gates), size), gates.dtype), np.empty((len(gates), size), gates.dtype)
    h, total = h0.copy(), np.empty((len(h0), 3 * size), gates.dtype)
    hh = np.ascontiguousarray(weight_hh).T
    for rows in in_turn(sizes, reverse, together):
        n = len(gates[rows])
        np.dot(h[:n], hh, out=total[:n])
        if bias_hh is not None:
            total[:n] += bias_hh
        early, u, state = gates[rows, : 2 * size], products[rows], h[:n]
        early += total[:n, : 2 * size]
        sigmoid_to(early, early)
        r, z, new = parts(gates[rows], 3)
        u[:] = total[:n, 2 * size :]
        new += r * u
        np.tanh(new, out=new)
        state -= new
        state *= z
        state += new
        y[rows] = state
    return States(y, h, gates.view(np.uint8), products.view(np.uint8), _unknown(x))


@gru_sequence.kernel
def _(x: Any, h0: Any, weight: Any, weight_hh: Any, bias: Any, bias_hh: Any, sizes: Sizes, reverse: bool,
      together: bool) -> Any:  # fmt: skip
    if not _suits(sum(sizes), weight_hh, h0, weight, bias, bias_hh):
        return NotImplemented
    from ..kernels import recurrent

    projected, kinds = _projected(x, weight, bias)
    gates, y, h, products = recurrent.gru(projected, h0, weight_hh, bias_hh, in_turn(sizes, reverse, together))
    return States(y, h, gates.view(np.uint8), products.view(np.uint8), kinds)


def _gru_back(gy: Any, dh: Any, weight_hh: Any, gates: Any, products: Any, y: Any, h0: Any, rows: list[slice]) -> Any:
    """The cotangents of v and u, the states before, and the sums of the first two; that of the state, `dh`, is taken
    back to the first step."""
    dv, du, before = np.empty_like(gates), np.empty_like(gates), _before(y, h0, rows)
    for step in reversed(rows):
        (r, z, new), (dr, dz, dn) = parts(gates[step], 3), parts(dv[step], 3)
        d = dh[: len(dn)]
        d += gy[step]
        np.multiply(d * (1 - z), 1 - new * new, out=dn)
        np.multiply(d * (before[step] - new), z * (1 - z), out=dz)
        np.multiply(dn * products[step], r * (1 - r), out=dr)
        du[step] = dv[step]
        du[step, -r.shape[1] :] *= r
        d *= z
        d += np.dot(du[step], weight_hh)
    return dv, du, before, dv.sum(0), du.sum(0)


def _gru_back_kernel(gy: Any, dh: Any, weight_hh: Any, *saved: Any) -> Any:
    if not _suits(len(gy), weight_hh):
        return NotImplemented
    from ..kernels import recurrent

    return recurrent.gru_back(gy, dh, weight_hh, *saved)


gru_back = with_kernel(_gru_back, _gru_back_kernel)


def _gru_pull(g: Any, out: Any, x: Any, h0: Any, weight: Any, weight_hh: Any, bias: Any, bias_hh: Any, sizes: Sizes,
              reverse: bool, together: bool, needs: tuple[bool, ...]) -> Any:  # fmt: skip
    if _on_tape(g):
        return _recorded(gru_steps, (x, h0, weight, weight_hh, bias, bias_hh), (sizes, reverse, together), g)
    dh, hh = np.array(_or_zeros(g[1], h0), order="C"), np.ascontiguousarray(weight_hh)
    rows = in_turn(sizes, reverse, together)
    gates, products = out.gates.view(h0.dtype), out.products.view(h0.dtype)
    dv, du, before, *totals = gru_back(_or_zeros(g[0], out.y), dh, hh, gates, products, out.y, h0, rows)
    dx, d_weight = _project_pull(dv, x, weight, out.kinds, needs)
    d_bias, d_bias_hh = (None if b is None else total for b, total in zip((bias, bias_hh), totals))
    return dx, dh, d_weight, product(du.T, before), d_bias, d_bias_hh


gru_sequence.derivative(_gru_pull)
gru_sequence.op.materialize = False
gru_sequence.samples(
    lambda draw, case: [
        case(draw(4, 3), draw(2, 2), draw(6, 3), draw(6, 2), draw(6), draw(6), (2, 1, 1), False),
        case(draw(4, 3), draw(2, 2), draw(6, 3), draw(6, 2), draw(6), draw(6), (2, 2), False, True),
        case(draw(3, 1), draw(2, 1), draw(3, 1), draw(3, 1), None, None, (2, 1), True),
    ]
)

# -- the plain recurrence ----------------------------------------------------------------------------------------------


def rnn_steps(x: Any, h0: Any, weight: Any, weight_hh: Any, bias: Any, sizes: Sizes, reverse: bool,
              relu: bool, together: bool = False) -> Any:  # fmt: skip
    """`rnn_sequence` on Tensors, each step on the tape."""
    hh = weight_hh.swapaxes(0, 1)

    def step(x: Any, state: Any) -> Any:
        total = x + product(state[0], hh)
        return (total.relu() if relu else total.tanh(),)

    y, (h,) = _unrolled(step, _project(x, weight, bias), (h0,), sizes, reverse, together)
    return y, h


@op(symbol="RNN", method=False, multiple=True)
def rnn_sequence(x: Any, h0: Any, weight: Any, weight_hh: Any, bias: Any, /, sizes: Sizes, reverse: bool,
                 relu: bool, together: bool = False) -> Any:  # fmt: skip
    """h_t = tanh(W x_t + W_hh h_{t-1} + b), or relu, for x (rows, in), h0 (B, H), W (H, in), W_hh (H, H), b (H) or None
    (Elman, 1990)."""
    y, h = _project(x, weight, bias), h0.copy()
    hh = np.ascontiguousarray(weight_hh).T
    for rows in in_turn(sizes, reverse, together):
        new = y[rows]
        state = h[: len(new)]
        new += np.dot(state, hh)
        if relu:
            np.maximum(new, 0, out=new)
        else:
            np.tanh(new, out=new)
        state[:] = new
    return y, h, _unknown(x)


@rnn_sequence.kernel
def _(x: Any, h0: Any, weight: Any, weight_hh: Any, bias: Any, sizes: Sizes, reverse: bool, relu: bool,
      together: bool) -> Any:  # fmt: skip
    if not _suits(sum(sizes), weight_hh, h0, weight, bias):
        return NotImplemented
    from ..kernels import recurrent

    projected, kinds = _projected(x, weight, bias)
    return *recurrent.rnn(projected, h0, weight_hh, in_turn(sizes, reverse, together), relu), kinds


def _rnn_back(gy: Any, dh: Any, weight_hh: Any, y: Any, h0: Any, rows: list[slice], relu: bool) -> Any:
    """The cotangent of what enters tanh, the states before, and the sum of the former; the cotangent of the state,
    `dh`, is taken back to the first step."""
    found = np.empty_like(y)
    for step in reversed(rows):
        here = y[step]
        d = dh[: len(here)]
        d += gy[step]
        np.multiply(d, here > 0 if relu else 1 - here * here, out=found[step])
        np.dot(found[step], weight_hh, out=d)
    return found, _before(y, h0, rows), found.sum(0)


def _rnn_back_kernel(gy: Any, dh: Any, weight_hh: Any, *saved: Any) -> Any:
    if not _suits(len(gy), weight_hh):
        return NotImplemented
    from ..kernels import recurrent

    return recurrent.rnn_back(gy, dh, weight_hh, *saved)


rnn_back = with_kernel(_rnn_back, _rnn_back_kernel)


def _rnn_pull(g: Any, out: Any, x: Any, h0: Any, weight: Any, weight_hh: Any, bias: Any, sizes: Sizes, reverse: bool,
              relu: bool, together: bool, needs: tuple[bool, ...]) -> Any:  # fmt: skip
    if _on_tape(g):
        return _recorded(rnn_steps, (x, h0, weight, weight_hh, bias), (sizes, reverse, relu, together), g)
    dh, y, rows = np.array(_or_zeros(g[1], h0), order="C"), out[0], in_turn(sizes, reverse, together)
    d, before, total = rnn_back(_or_zeros(g[0], y), dh, np.ascontiguousarray(weight_hh), y, h0, rows, relu)
    dx, d_weight = _project_pull(d, x, weight, out[2], needs)
    return dx, dh, d_weight, product(d.T, before), None if bias is None else total


rnn_sequence.derivative(_rnn_pull)
rnn_sequence.op.materialize = False
rnn_sequence.samples(
    lambda draw, case: [
        case(draw(4, 3), draw(2, 2), draw(2, 3), draw(2, 2), draw(2), (2, 1, 1), False, False),
        case(draw(4, 3), draw(2, 2), draw(2, 3), draw(2, 2), draw(2), (2, 2), True, False, True),
        case(draw(3, 1), draw(2, 1), draw(1, 1), draw(1, 1), None, (2, 1), True, True),
    ]
)

PULLS = (_lstm_pull, _gru_pull, _rnn_pull)
