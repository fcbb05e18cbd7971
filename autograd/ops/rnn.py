"""The plain recurrence over a sequence; see `recurrence.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import op
from ..twin import with_kernel
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


def rnn_steps(x: Any, h0: Any, weight: Any, weight_hh: Any, bias: Any, sizes: Sizes, reverse: bool,
              relu: bool, together: bool = False) -> Any:  # fmt: skip
    """`rnn_sequence` on Tensors, each step on the tape."""
    hh = weight_hh.swapaxes(0, 1)

    def step(x: Any, state: Any) -> Any:
        total = x + product(state[0], hh)
        return (total.relu() if relu else total.tanh(),)

    y, (h,) = unrolled(step, project(x, weight, bias), (h0,), sizes, reverse, together)
    return y, h


@op(symbol="RNN", method=False, multiple=True)
def rnn_sequence(x: Any, h0: Any, weight: Any, weight_hh: Any, bias: Any, /, sizes: Sizes, reverse: bool,
                 relu: bool, together: bool = False) -> Any:  # fmt: skip
    """h_t = tanh(W x_t + W_hh h_{t-1} + b), or relu, for x (rows, in), h0 (B, H), W (H, in), W_hh (H, H), b (H) or None
    (Elman, 1990)."""
    y, h = project(x, weight, bias), h0.copy()
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
    return y, h, unknown(x)


@rnn_sequence.kernel
def _(x: Any, h0: Any, weight: Any, weight_hh: Any, bias: Any, sizes: Sizes, reverse: bool, relu: bool,
      together: bool) -> Any:  # fmt: skip
    if not suits(sum(sizes), weight_hh, h0, weight, bias):
        return NotImplemented
    from ..kernels import recurrent

    projected, kinds = projection(x, weight, bias)
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
    return found, states_before(y, h0, rows), found.sum(0)


def _rnn_back_kernel(gy: Any, dh: Any, weight_hh: Any, *saved: Any) -> Any:
    if not suits(len(gy), weight_hh):
        return NotImplemented
    from ..kernels import recurrent

    return recurrent.rnn_back(gy, dh, weight_hh, *saved)


rnn_back = with_kernel(_rnn_back, _rnn_back_kernel)


def rnn_pull(g: Any, out: Any, x: Any, h0: Any, weight: Any, weight_hh: Any, bias: Any, sizes: Sizes, reverse: bool,
              relu: bool, together: bool, needs: tuple[bool, ...]) -> Any:  # fmt: skip
    if on_tape(g):
        return recorded(rnn_steps, (x, h0, weight, weight_hh, bias), (sizes, reverse, relu, together), g)
    dh, y, rows = np.array(or_zeros(g[1], h0), order="C"), out[0], in_turn(sizes, reverse, together)
    d, before, total = rnn_back(or_zeros(g[0], y), dh, np.ascontiguousarray(weight_hh), y, h0, rows, relu)
    dx, d_weight = project_pull(d, x, weight, out[2], needs)
    return dx, dh, d_weight, product(d.T, before), None if bias is None else total


rnn_sequence.derivative(rnn_pull)
rnn_sequence.op.materialize = False
rnn_sequence.samples(
    lambda draw, case: [
        case(draw(4, 3), draw(2, 2), draw(2, 3), draw(2, 2), draw(2), (2, 1, 1), False, False),
        case(draw(4, 3), draw(2, 2), draw(2, 3), draw(2, 2), draw(2), (2, 2), True, False, True),
        case(draw(3, 1), draw(2, 1), draw(1, 1), draw(1, 1), None, (2, 1), True, True),
    ]
)
