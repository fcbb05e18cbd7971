"""One step of the gated recurrent cells, after their matrix products.

Each cell is one op, because its elements all move together: nothing in between is of interest to the tape, and a
sequence has many steps.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..op import op
from .exponential import sigmoid
from .join import join


class State(NamedTuple):
    """What `lstm_gates` returns: output and memory, and the gates that made them, which the derivative needs."""

    h: Any
    c: Any
    gates: Any


def _parts(x: Any, n: int) -> list[Any]:
    size = x.shape[-1] // n
    return [x[..., k * size : (k + 1) * size] for k in range(n)]


@op(name="lstm_cell", symbol="LSTM", method=False, multiple=True)
def lstm_gates(gates: Any, c: Any, /) -> Any:
    """c' = σ(f) c + σ(i) tanh(g), h = σ(o) tanh(c'), for gates [i f g o] (Hochreiter and Schmidhuber, 1997)."""
    size = c.shape[-1]
    activated = np.empty_like(gates)
    np.tanh(gates * gates.dtype.type(0.5), out=activated)  # σ(x) = (1 + tanh(x/2)) / 2, which cannot overflow
    activated *= gates.dtype.type(0.5)
    activated += gates.dtype.type(0.5)
    np.tanh(gates[..., 2 * size : 3 * size], out=activated[..., 2 * size : 3 * size])
    i, f, g, o = _parts(activated, 4)
    new = f * c
    new += i * g
    return State(o * np.tanh(new), new, activated)


def _lstm_common(grad: Any, out: Any) -> tuple[Any, Any]:
    """tanh c' and the whole cotangent of c'."""
    t = np.tanh(out[1])
    o = _parts(out[2], 4)[3]
    return t, grad[1] + grad[0] * o * (1 - t * t)


def _lstm_gates_pull(grad: Any, out: Any, c: Any) -> Any:
    i, f, g, o = _parts(out[2], 4)
    t, dc = _lstm_common(grad, out)
    gi, gf, gg, go = _parts(grad[2], 4)
    return join(
        (dc * g + gi) * i * (1 - i),
        (dc * c + gf) * f * (1 - f),
        (dc * i + gg) * (1 - g * g),
        (grad[0] * t + go) * o * (1 - o),
        dim=-1,
    )


lstm_gates.derivative(
    gates=lambda g, out, c: _lstm_gates_pull(g, out, c), c=lambda g, out: _lstm_common(g, out)[1] * _parts(out[2], 4)[1]
)
lstm_gates.samples(lambda draw, case: [case(draw(2, 8), draw(2, 2)), case(draw(4), draw(1))])


@op(name="gru_cell", symbol="GRU", method=False)
def gru_gates(inputs: Any, hidden: Any, h: Any, /) -> Any:
    """h' = (1 - z) n + z h, r = σ(x_r + h_r), z = σ(x_z + h_z), n = tanh(x_n + r h_n), for inputs [x_r x_z x_n] and
    hidden [h_r h_z h_n] (Cho et al., 2014)."""
    _, z, n = _gru_parts(inputs, hidden)
    return n + z * (h - n)


def _gru_parts(inputs: Any, hidden: Any) -> tuple[Any, Any, Any]:
    (xr, xz, xn), (hr, hz, hn) = _parts(inputs, 3), _parts(hidden, 3)
    r = sigmoid(xr + hr)
    return r, sigmoid(xz + hz), np.tanh(xn + r * hn)


def _gru_pull(g: Any, inputs: Any, hidden: Any, h: Any) -> tuple[Any, Any]:
    """The cotangents of `inputs` and `hidden`, which differ in the last third by the factor r."""
    r, z, n = _gru_parts(inputs, hidden)
    hn = _parts(hidden, 3)[2]
    dn = g * (1 - z) * (1 - n * n)
    dz, dr = g * (h - n) * z * (1 - z), dn * hn * r * (1 - r)
    return join(dr, dz, dn, dim=-1), join(dr, dz, dn * r, dim=-1)


gru_gates.derivative(
    inputs=lambda g, inputs, hidden, h: _gru_pull(g, inputs, hidden, h)[0],
    hidden=lambda g, inputs, hidden, h: _gru_pull(g, inputs, hidden, h)[1],
    h=lambda g, inputs, hidden: g * _gru_parts(inputs, hidden)[1],
)
gru_gates.samples(lambda draw, case: [case(draw(2, 6), draw(2, 6), draw(2, 2))])
