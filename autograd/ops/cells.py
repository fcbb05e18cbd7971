"""One step of the gated recurrent cells, after their matrix products.

Each cell is one op, because its elements all move together: nothing in between is of interest to the tape, and a
sequence has many steps.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..op import op
from .join import join


class State(NamedTuple):
    """What `lstm_gates` returns: output and memory, and what they were made of, [i f g o tanh(c')] after their
    activations, which the derivative needs."""

    h: Any
    c: Any
    gates: Any


class Gated(NamedTuple):
    """What `gru_gates` returns: the output, and [r z n], which the derivative needs."""

    h: Any
    gates: Any


def _part(x: Any, n: int, k: int) -> Any:
    size = x.shape[-1] // n
    return x[..., k * size : (k + 1) * size]


def parts(x: Any, n: int) -> list[Any]:
    """`x` in n parts along its last dimension."""
    return [_part(x, n, k) for k in range(n)]


def sigmoid_to(x: Any, out: Any) -> None:
    """out = σ(x) = (1 + tanh(x/2)) / 2, which cannot overflow; `x` may be `out`."""
    half = out.dtype.type(0.5)
    np.multiply(x, half, out=out)
    np.tanh(out, out=out)
    out *= half
    out += half


@op(name="lstm_cell", symbol="LSTM", method=False, multiple=True)
def lstm_gates(gates: Any, c: Any, /) -> Any:
    """c' = σ(f) c + σ(i) tanh(g), h = σ(o) tanh(c'), for gates [i f g o] (Hochreiter and Schmidhuber, 1997)."""
    size = c.shape[-1]
    done = np.empty((*gates.shape[:-1], 5 * size), gates.dtype)
    sigmoid_to(gates, done[..., : 4 * size])
    np.tanh(gates[..., 2 * size : 3 * size], out=done[..., 2 * size : 3 * size])
    i, f, g, o, t = parts(done, 5)
    new = f * c
    new += i * g
    np.tanh(new, out=t)
    return State(o * t, new, done)


def _memory_pull(grad: Any, out: Any) -> Any:
    """The whole cotangent of c', which also reaches h."""
    o, t = _part(out[2], 5, 3), _part(out[2], 5, 4)
    return grad[1] + (grad[0] * o + _part(grad[2], 5, 4)) * (1 - t * t)


def _lstm_gates_pull(grad: Any, out: Any, c: Any) -> Any:
    i, f, g, o, t = parts(out[2], 5)
    gi, gf, gg, go, _ = parts(grad[2], 5)
    dc = _memory_pull(grad, out)
    return join(
        (dc * g + gi) * i * (1 - i),
        (dc * c + gf) * f * (1 - f),
        (dc * i + gg) * (1 - g * g),
        (grad[0] * t + go) * o * (1 - o),
        dim=-1,
    )


lstm_gates.derivative(
    gates=lambda g, out, c: _lstm_gates_pull(g, out, c), c=lambda g, out: _memory_pull(g, out) * _part(out[2], 5, 1)
)
lstm_gates.samples(lambda draw, case: [case(draw(2, 8), draw(2, 2)), case(draw(4), draw(1))])


@op(name="gru_cell", symbol="GRU", method=False, multiple=True)
def gru_gates(inputs: Any, hidden: Any, h: Any, /) -> Any:
    """h' = (1 - z) n + z h, r = σ(x_r + h_r), z = σ(x_z + h_z), n = tanh(x_n + r h_n), for inputs [x_r x_z x_n] and
    hidden [h_r h_z h_n] (Cho et al., 2014)."""
    size = h.shape[-1]
    done = inputs + hidden
    sigmoid_to(done[..., : 2 * size], done[..., : 2 * size])
    r, z, n = parts(done, 3)
    np.multiply(r, hidden[..., 2 * size :], out=n)
    n += inputs[..., 2 * size :]
    np.tanh(n, out=n)
    new = h - n
    new *= z
    new += n
    return Gated(new, done)


def _gru_pull(grad: Any, out: Any, hidden: Any, h: Any, of_hidden: bool) -> Any:
    """The cotangent of `inputs` or of `hidden`, which differ in the last third by the factor r."""
    r, z, n = parts(out[1], 3)
    gr, gz, gn = parts(grad[1], 3)
    dn = (grad[0] * (1 - z) + gn) * (1 - n * n)
    dz = (grad[0] * (h - n) + gz) * z * (1 - z)
    dr = (dn * _part(hidden, 3, 2) + gr) * r * (1 - r)
    return join(dr, dz, dn * r if of_hidden else dn, dim=-1)


gru_gates.derivative(
    inputs=lambda g, out, hidden, h: _gru_pull(g, out, hidden, h, False),
    hidden=lambda g, out, hidden, h: _gru_pull(g, out, hidden, h, True),
    h=lambda g, out: g[0] * _part(out[1], 3, 1),
)
gru_gates.samples(lambda draw, case: [case(draw(2, 6), draw(2, 6), draw(2, 2)), case(draw(3), draw(3), draw(1))])
