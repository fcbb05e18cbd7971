"""Long short-term memory over a sequence; see `recurrence.py`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..op import op
from ..twin import with_kernel
from .cells import lstm_gates, parts, sigmoid_to
from .matmul import product
from .recurrence import (
    Sizes,
    in_turn,
    on_tape,
    or_zeros,
    project,
    project_pull,
    projection,
    recorded,
    states_before,
    suits,
    unknown,
    unrolled,
)

__all__: list[str] = []


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


def lstm_steps(x: Any, h0: Any, c0: Any, weight: Any, weight_hh: Any, bias: Any, sizes: Sizes, reverse: bool,
               together: bool = False, weight_hr: Any = None) -> Any:  # fmt: skip
    """`lstm_sequence` on Tensors, each step on the tape; with `weight_hr` (proj, H) a projection of each h."""
    hh, hr = weight_hh.swapaxes(0, 1), None if weight_hr is None else weight_hr.swapaxes(0, 1)

    def step(x: Any, state: Any) -> Any:
        new = lstm_gates(x + product(state[0], hh), state[1])
        return (new.h if hr is None else product(new.h, hr)), new.c

    y, (h, c) = unrolled(step, project(x, weight, bias), (h0, c0), sizes, reverse, together)
    return y, h, c


@op(symbol="LSTM", method=False, multiple=True)
def lstm_sequence(x: Any, h0: Any, c0: Any, weight: Any, weight_hh: Any, bias: Any, /, sizes: Sizes, reverse: bool,
                  together: bool = False) -> Any:  # fmt: skip
    """[i f g o] = W x_t + W_hh h_{t-1} + b;  c_t = σ(f) c_{t-1} + σ(i) tanh(g);  h_t = σ(o) tanh(c_t), for x (rows,
    in), h0 and c0 (B, H), W (4H, in), W_hh (4H, H), b (4H) or None (Hochreiter and Schmidhuber, 1997)."""
    size = h0.shape[1]
    gates = project(x, weight, bias)
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
    return Memories(y, h, c, gates.view(np.uint8), memories.view(np.uint8), unknown(x))


@lstm_sequence.kernel
def _(x: Any, h0: Any, c0: Any, weight: Any, weight_hh: Any, bias: Any, sizes: Sizes, reverse: bool,
      together: bool) -> Any:  # fmt: skip
    if not suits(sum(sizes), weight_hh, h0, c0, weight, bias):
        return NotImplemented
    from ..kernels import recurrent

    projected, kinds = projection(x, weight, bias)
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
    return d_gates, states_before(y, h0, rows), d_gates.sum(0)


def _lstm_back_kernel(gy: Any, dh: Any, dc: Any, weight_hh: Any, *saved: Any) -> Any:
    if not suits(len(gy), weight_hh):
        return NotImplemented
    from ..kernels import recurrent

    return recurrent.lstm_back(gy, dh, dc, weight_hh, *saved)


lstm_back = with_kernel(_lstm_back, _lstm_back_kernel)


def lstm_pull(g: Any, out: Any, x: Any, h0: Any, c0: Any, weight: Any, weight_hh: Any, bias: Any, sizes: Sizes,
               reverse: bool, together: bool, needs: tuple[bool, ...]) -> Any:  # fmt: skip
    if on_tape(g):
        return recorded(lstm_steps, (x, h0, c0, weight, weight_hh, bias), (sizes, reverse, together), g)
    dh, dc = (np.array(or_zeros(part, like), order="C") for part, like in zip(g[1:3], (h0, c0)))
    gates, memories = out.gates.view(h0.dtype), out.memories.view(h0.dtype)
    gy, hh, rows = or_zeros(g[0], out.y), np.ascontiguousarray(weight_hh), in_turn(sizes, reverse, together)
    d, before, total = lstm_back(gy, dh, dc, hh, gates, memories, out.y, h0, rows)
    dx, d_weight = project_pull(d, x, weight, out.kinds, needs)
    return dx, dh, dc, d_weight, product(d.T, before), None if bias is None else total


lstm_sequence.derivative(lstm_pull)
lstm_sequence.op.materialize = False
lstm_sequence.samples(
    lambda draw, case: [
        case(draw(4, 3), draw(2, 2), draw(2, 2), draw(8, 3), draw(8, 2), draw(8), (2, 1, 1), False),
        case(draw(4, 3), draw(2, 2), draw(2, 2), draw(8, 3), draw(8, 2), draw(8), (2, 2), False, True),
        case(draw(3, 1), draw(2, 1), draw(2, 1), draw(4, 1), draw(4, 1), None, (2, 1), True),
    ]
)
