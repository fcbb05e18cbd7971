"""Recurrent layers over a whole sequence, in one direction: one op, where a loop over steps would record thousands.

A sequence is rows in time-major order, as in `unroll.py`: `x` holds the projected inputs of all steps, `sizes` how
many rows each step has.  The state is one array that every step overwrites as far as its rows go.  So sequences that
are over keep their last state, and, from the end backwards, those that have not begun their first: padded and packed,
forwards and in reverse are all the same loop.

The derivative is backpropagation through time.  What it finds for each step are the cotangents of the inputs of the
gates; that of the weights is then one product over all steps, dW = Σ_t d_tᵀ h_{t-1}.  A derivative that is itself to be
differentiated is taken of the sequence step by step instead.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from ..declared import with_kernel
from ..engine import grad
from ..op import op
from ..tensor import Tensor
from .cells import gru_gates, lstm_gates, parts, sigmoid_to
from .matmul import product
from .unroll import unroll

__all__: list[str] = []

Sizes = tuple[int, ...]


class Memories(NamedTuple):
    """What `lstm_sequence` returns: h of all steps, the last h and c, and the bytes of what the derivative needs."""

    y: Any
    h: Any
    c: Any
    work: Any


class States(NamedTuple):
    """What `gru_sequence` returns, as `Memories`."""

    y: Any
    h: Any
    work: Any


def in_turn(sizes: Sizes, reverse: bool) -> list[slice]:
    """The rows of each step, in the order in which the steps are taken."""
    rows = [slice(end - size, end) for size, end in zip(sizes, accumulate(sizes))]
    return rows[::-1] if reverse else rows


def _before(y: np.ndarray, first: np.ndarray, sizes: Sizes, reverse: bool) -> np.ndarray:
    """h_{t-1} for each row of `y`: that of the step before, or the first state where there was none."""
    found, last = np.empty_like(y), slice(0, 0)
    for rows in in_turn(sizes, reverse):
        n, had = rows.stop - rows.start, last.stop - last.start
        both = min(n, had)
        found[rows.start : rows.start + both] = y[last.start : last.start + both]
        found[rows.start + both : rows.stop] = first[both:n]
        last = rows
    return found


def _recorded(composite: Callable[..., Any], inputs: tuple[Any, ...], g: tuple[Any, ...]) -> tuple[Any, ...]:
    """The cotangents of `inputs` on the tape.  The inputs are cloned, so that these are partial derivatives even where
    one input was computed from another."""
    fresh = [None if x is None else x.clone() for x in inputs]
    pulled = [(out, part) for out, part in zip(composite(*fresh), g) if part is not None]
    live = [x for x in fresh if x is not None and x.requires_grad]
    found = iter(grad([out for out, _ in pulled], live, [part for _, part in pulled], create_graph=True))
    return tuple(next(found) if x is not None and x.requires_grad else None for x in fresh)


def _on_tape(g: tuple[Any, ...]) -> bool:
    return any(isinstance(part, Tensor) for part in g)


def _small(x: np.ndarray, h0: np.ndarray) -> bool:
    """Whether loading the kernels is not worth it: the products of all steps take less than a millisecond."""
    return x.size * h0.shape[1] < 1 << 18


def _or_zeros(part: Any, like: np.ndarray) -> np.ndarray:
    return np.zeros_like(like) if part is None else part


# -- long short-term memory --------------------------------------------------------------------------------------------


def lstm_steps(x: Any, h0: Any, c0: Any, weight: Any, weight_hr: Any, sizes: Sizes, reverse: bool) -> Any:
    """`lstm_sequence` on Tensors, each step on the tape; with `weight_hr` (proj, H) a projection of each h."""
    hh, hr = weight.swapaxes(0, 1), None if weight_hr is None else weight_hr.swapaxes(0, 1)

    def step(x: Any, state: Any) -> Any:
        new = lstm_gates(x + product(state[0], hh), state[1])
        return (new.h if hr is None else product(new.h, hr)), new.c

    y, (h, c) = unroll(step, x, (h0, c0), sizes, reverse)
    return y, h, c


@op(symbol="LSTM", method=False, multiple=True)
def lstm_sequence(x: Any, h0: Any, c0: Any, weight: Any, /, sizes: Sizes, reverse: bool) -> Any:
    """[i f g o] = x_t + W h_{t-1};  c_t = σ(f) c_{t-1} + σ(i) tanh(g);  h_t = σ(o) tanh(c_t), for x (rows, 4H), h0 and
    c0 (B, H), weight (4H, H) (Hochreiter and Schmidhuber, 1997)."""
    size = h0.shape[1]
    y, work = np.empty((len(x), size), x.dtype), np.empty((len(x), 6 * size), x.dtype)
    h, c, total = h0.copy(), c0.copy(), np.empty((len(h0), 4 * size), x.dtype)
    hh = np.ascontiguousarray(weight).T
    for rows in in_turn(sizes, reverse):
        n = rows.stop - rows.start
        np.dot(h[:n], hh, out=total[:n])
        total[:n] += x[rows]
        done, memory = work[rows], c[:n]
        sigmoid_to(total[:n], done[:, : 4 * size])
        np.tanh(total[:n, 2 * size : 3 * size], out=done[:, 2 * size : 3 * size])
        i, f, g, o, t, before = parts(done, 6)
        before[:] = memory
        memory *= f
        memory += i * g
        np.tanh(memory, out=t)
        np.multiply(o, t, out=y[rows])
        h[:n] = y[rows]
    return Memories(y, h, c, work.view(np.uint8))


@lstm_sequence.kernel
def _(x: Any, h0: Any, c0: Any, weight: Any, sizes: Sizes, reverse: bool) -> Any:
    if _small(x, h0):
        return NotImplemented
    from ..kernels import recurrent

    y, h, c, work = recurrent.lstm(x, h0, c0, weight, in_turn(sizes, reverse))
    return Memories(y, h, c, work.view(np.uint8))


def _lstm_back(gy: Any, dh: Any, dc: Any, weight: Any, work: Any, sizes: Sizes, reverse: bool) -> np.ndarray:
    """The cotangent of x; those of the states, `dh` and `dc`, are taken back from the last states to the first."""
    size = dh.shape[1]
    dx = np.empty((len(gy), 4 * size), gy.dtype)
    for rows in reversed(in_turn(sizes, reverse)):
        n = rows.stop - rows.start
        i, f, g, o, t, before = parts(work[rows], 6)
        d, m = dh[:n], dc[:n]
        d += gy[rows]
        m += d * o * (1 - t * t)
        di, df, dg, do = parts(dx[rows], 4)
        np.multiply(m * g, i * (1 - i), out=di)
        np.multiply(m * before, f * (1 - f), out=df)
        np.multiply(m * i, 1 - g * g, out=dg)
        np.multiply(d * t, o * (1 - o), out=do)
        m *= f
        np.dot(dx[rows], weight, out=d)
    return dx


def _lstm_back_kernel(gy: Any, dh: Any, dc: Any, weight: Any, work: Any, sizes: Sizes, reverse: bool) -> Any:
    if _small(gy, dh):
        return NotImplemented
    from ..kernels import recurrent

    return recurrent.lstm_back(gy, dh, dc, weight, work, in_turn(sizes, reverse))


lstm_back = with_kernel(_lstm_back, _lstm_back_kernel)


def _lstm_pull(g: Any, out: Any, x: Any, h0: Any, c0: Any, weight: Any, sizes: Sizes, reverse: bool) -> Any:
    if _on_tape(g):
        return _recorded(lambda x, h, c, w: lstm_steps(x, h, c, w, None, sizes, reverse), (x, h0, c0, weight), g)
    dh, dc = (np.array(_or_zeros(part, like), order="C") for part, like in zip(g[1:3], (h0, c0)))
    work = out.work.view(h0.dtype)
    dx = lstm_back(_or_zeros(g[0], out.y), dh, dc, np.ascontiguousarray(weight), work, sizes, reverse)
    return dx, dh, dc, product(dx.T, _before(out.y, h0, sizes, reverse))


lstm_sequence.derivative(_lstm_pull)
lstm_sequence.op.materialize = False
lstm_sequence.samples(
    lambda draw, case: [
        case(draw(4, 8), draw(2, 2), draw(2, 2), draw(8, 2), (2, 1, 1), False),
        case(draw(3, 4), draw(2, 1), draw(2, 1), draw(4, 1), (2, 1), True),
    ]
)

# -- gated recurrent units ---------------------------------------------------------------------------------------------


def gru_steps(x: Any, h0: Any, weight: Any, bias: Any, sizes: Sizes, reverse: bool) -> Any:
    """`gru_sequence` on Tensors, each step on the tape."""
    hh = weight.swapaxes(0, 1)

    def step(x: Any, state: Any) -> Any:
        hidden = product(state[0], hh)
        return (gru_gates(x, hidden if bias is None else hidden + bias, state[0]).h,)

    y, (h,) = unroll(step, x, (h0,), sizes, reverse)
    return y, h


@op(symbol="GRU", method=False, multiple=True)
def gru_sequence(x: Any, h0: Any, weight: Any, bias: Any, /, sizes: Sizes, reverse: bool) -> Any:
    """[u_r u_z u_n] = W h_{t-1} + b;  [r z] = σ([x_r x_z] + [u_r u_z]);  n = tanh(x_n + r u_n);
    h_t = (1 - z) n + z h_{t-1}, for x (rows, 3H), h0 (B, H), weight (3H, H), bias (3H) or None (Cho et al., 2014)."""
    size = h0.shape[1]
    y, work = np.empty((len(x), size), x.dtype), np.empty((len(x), 4 * size), x.dtype)
    h, total = h0.copy(), np.empty((len(h0), 3 * size), x.dtype)
    hh = np.ascontiguousarray(weight).T
    for rows in in_turn(sizes, reverse):
        n = rows.stop - rows.start
        np.dot(h[:n], hh, out=total[:n])
        if bias is not None:
            total[:n] += bias
        done, now = work[rows], x[rows]
        np.add(total[:n, : 2 * size], now[:, : 2 * size], out=done[:, : 2 * size])
        sigmoid_to(done[:, : 2 * size], done[:, : 2 * size])
        r, z, u, new = parts(done, 4)
        u[:] = total[:n, 2 * size :]
        np.multiply(r, u, out=new)
        new += now[:, 2 * size :]
        np.tanh(new, out=new)
        state = h[:n]
        state -= new
        state *= z
        state += new
        y[rows] = state
    return States(y, h, work.view(np.uint8))


@gru_sequence.kernel
def _(x: Any, h0: Any, weight: Any, bias: Any, sizes: Sizes, reverse: bool) -> Any:
    if _small(x, h0):
        return NotImplemented
    from ..kernels import recurrent

    y, h, work = recurrent.gru(x, h0, weight, bias, in_turn(sizes, reverse))
    return States(y, h, work.view(np.uint8))


def _gru_back(gy: Any, dh: Any, weight: Any, work: Any, before: Any, sizes: Sizes, reverse: bool) -> Any:
    """The cotangents of x and of u; `dh` is taken back from the last state to the first."""
    size = dh.shape[1]
    dx, du = np.empty((len(gy), 3 * size), gy.dtype), np.empty((len(gy), 3 * size), gy.dtype)
    for rows in reversed(in_turn(sizes, reverse)):
        n = rows.stop - rows.start
        r, z, u, new = parts(work[rows], 4)
        d = dh[:n]
        d += gy[rows]
        dr, dz, dn = parts(dx[rows], 3)
        np.multiply(d * (1 - z), 1 - new * new, out=dn)
        np.multiply(d * (before[rows] - new), z * (1 - z), out=dz)
        np.multiply(dn * u, r * (1 - r), out=dr)
        du[rows] = dx[rows]
        du[rows, 2 * size :] *= r
        d *= z
        d += np.dot(du[rows], weight)
    return dx, du


def _gru_back_kernel(gy: Any, dh: Any, weight: Any, work: Any, before: Any, sizes: Sizes, reverse: bool) -> Any:
    if _small(gy, dh):
        return NotImplemented
    from ..kernels import recurrent

    return recurrent.gru_back(gy, dh, weight, work, before, in_turn(sizes, reverse))


gru_back = with_kernel(_gru_back, _gru_back_kernel)


def _gru_pull(g: Any, out: Any, x: Any, h0: Any, weight: Any, bias: Any, sizes: Sizes, reverse: bool) -> Any:
    if _on_tape(g):
        return _recorded(lambda x, h, w, b: gru_steps(x, h, w, b, sizes, reverse), (x, h0, weight, bias), g)
    dh, before = np.array(_or_zeros(g[1], h0), order="C"), _before(out.y, h0, sizes, reverse)
    work = out.work.view(h0.dtype)
    gy = _or_zeros(g[0], out.y)
    dx, du = gru_back(gy, dh, np.ascontiguousarray(weight), work, before, sizes, reverse)
    return dx, dh, product(du.T, before), None if bias is None else du.sum(0)


gru_sequence.derivative(_gru_pull)
gru_sequence.op.materialize = False
gru_sequence.samples(
    lambda draw, case: [
        case(draw(4, 6), draw(2, 2), draw(6, 2), draw(6), (2, 1, 1), False),
        case(draw(3, 3), draw(2, 1), draw(3, 1), None, (2, 1), True),
    ]
)

# -- the plain recurrence ----------------------------------------------------------------------------------------------


def rnn_steps(x: Any, h0: Any, weight: Any, sizes: Sizes, reverse: bool, relu: bool) -> Any:
    """`rnn_sequence` on Tensors, each step on the tape."""
    hh = weight.swapaxes(0, 1)

    def step(x: Any, state: Any) -> Any:
        total = x + product(state[0], hh)
        return (total.relu() if relu else total.tanh(),)

    y, (h,) = unroll(step, x, (h0,), sizes, reverse)
    return y, h


@op(symbol="RNN", method=False, multiple=True)
def rnn_sequence(x: Any, h0: Any, weight: Any, /, sizes: Sizes, reverse: bool, relu: bool) -> Any:
    """h_t = tanh(x_t + W h_{t-1}), or relu, for x (rows, H), h0 (B, H), weight (H, H) (Elman, 1990)."""
    y, h = np.empty(x.shape, x.dtype), h0.copy()
    hh = np.ascontiguousarray(weight).T
    for rows in in_turn(sizes, reverse):
        n, new = rows.stop - rows.start, y[rows]
        np.dot(h[:n], hh, out=new)
        new += x[rows]
        if relu:
            np.maximum(new, 0, out=new)
        else:
            np.tanh(new, out=new)
        h[:n] = new
    return y, h


@rnn_sequence.kernel
def _(x: Any, h0: Any, weight: Any, sizes: Sizes, reverse: bool, relu: bool) -> Any:
    if _small(x, h0):
        return NotImplemented
    from ..kernels import recurrent

    return recurrent.rnn(x, h0, weight, in_turn(sizes, reverse), relu)


def _rnn_back(gy: Any, dh: Any, weight: Any, y: Any, sizes: Sizes, reverse: bool, relu: bool) -> np.ndarray:
    """The cotangent of x; `dh` is taken back from the last state to the first."""
    dx = np.empty_like(y)
    for rows in reversed(in_turn(sizes, reverse)):
        d, here = dh[: rows.stop - rows.start], y[rows]
        d += gy[rows]
        np.multiply(d, here > 0 if relu else 1 - here * here, out=dx[rows])
        np.dot(dx[rows], weight, out=d)
    return dx


def _rnn_back_kernel(gy: Any, dh: Any, weight: Any, y: Any, sizes: Sizes, reverse: bool, relu: bool) -> Any:
    if _small(gy, dh):
        return NotImplemented
    from ..kernels import recurrent

    return recurrent.rnn_back(gy, dh, weight, y, in_turn(sizes, reverse), relu)


rnn_back = with_kernel(_rnn_back, _rnn_back_kernel)


def _rnn_pull(g: Any, out: Any, x: Any, h0: Any, weight: Any, sizes: Sizes, reverse: bool, relu: bool) -> Any:
    if _on_tape(g):
        return _recorded(lambda x, h, w: rnn_steps(x, h, w, sizes, reverse, relu), (x, h0, weight), g)
    dh, y = np.array(_or_zeros(g[1], h0), order="C"), out[0]
    gy = _or_zeros(g[0], y)
    dx = rnn_back(gy, dh, np.ascontiguousarray(weight), y, sizes, reverse, relu)
    return dx, dh, product(dx.T, _before(y, h0, sizes, reverse))


rnn_sequence.derivative(_rnn_pull)
rnn_sequence.op.materialize = False
rnn_sequence.samples(
    lambda draw, case: [
        case(draw(4, 2), draw(2, 2), draw(2, 2), (2, 1, 1), False, False),
        case(draw(3, 1), draw(2, 1), draw(1, 1), (2, 1), True, True),
    ]
)
