"""Gated recurrent units over a sequence; see `recurrence.py`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..op import op
from ..twin import with_kernel
from .cells import gru_gates, parts, sigmoid_to
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


class States(NamedTuple):
    """What `gru_sequence` returns, as `Memories`: h of all steps, the last h, [r z n], u_n, and the kinds."""

    y: Any
    h: Any
    gates: Any
    products: Any
    kinds: Any


def gru_steps(x: Any, h0: Any, weight: Any, weight_hh: Any, bias: Any, bias_hh: Any, sizes: Sizes,
              reverse: bool, together: bool = False) -> Any:  # fmt: skip
    """`gru_sequence` on Tensors, each step on the tape."""
    hh = weight_hh.swapaxes(0, 1)

    def step(x: Any, state: Any) -> Any:
        hidden = product(state[0], hh)
        return (gru_gates(x, hidden if bias_hh is None else hidden + bias_hh, state[0]).h,)

    y, (h,) = unrolled(step, project(x, weight, bias), (h0,), sizes, reverse, together)
    return y, h


@op(symbol="GRU", method=False, multiple=True)
def gru_sequence(x: Any, h0: Any, weight: Any, weight_hh: Any, bias: Any, bias_hh: Any, /, sizes: Sizes,
                 reverse: bool, together: bool = False) -> Any:  # fmt: skip
    """[v_r v_z v_n] = W x_t + b;  [u_r u_z u_n] = W_hh h_{t-1} + b_hh;  r = σ(v_r + u_r);  z = σ(v_z + u_z);
    n = tanh(v_n + r u_n);  h_t = (1 - z) n + z h_{t-1}, for x (rows, in), h0 (B, H), W (3H, in), W_hh (3H, H), b and
    b_hh (3H) or None (Cho et al., 2014)."""
    size = h0.shape[1]
    gates = project(x, weight, bias)
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
    return States(y, h, gates.view(np.uint8), products.view(np.uint8), unknown(x))


@gru_sequence.kernel
def _(x: Any, h0: Any, weight: Any, weight_hh: Any, bias: Any, bias_hh: Any, sizes: Sizes, reverse: bool,
      together: bool) -> Any:  # fmt: skip
    if not suits(sum(sizes), weight_hh, h0, weight, bias, bias_hh):
        return NotImplemented
    from ..kernels import recurrent

    projected, kinds = projection(x, weight, bias)
    gates, y, h, products = recurrent.gru(projected, h0, weight_hh, bias_hh, in_turn(sizes, reverse, together))
    return States(y, h, gates.view(np.uint8), products.view(np.uint8), kinds)


def _gru_back(gy: Any, dh: Any, weight_hh: Any, gates: Any, products: Any, y: Any, h0: Any, rows: list[slice]) -> Any:
    """The cotangents of v and u, the states before, and the sums of the first two; that of the state, `dh`, is taken
    back to the first step."""
    dv, du, before = np.empty_like(gates), np.empty_like(gates), states_before(y, h0, rows)
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
    if not suits(len(gy), weight_hh):
        return NotImplemented
    from ..kernels import recurrent

    return recurrent.gru_back(gy, dh, weight_hh, *saved)


gru_back = with_kernel(_gru_back, _gru_back_kernel)


def gru_pull(g: Any, out: Any, x: Any, h0: Any, weight: Any, weight_hh: Any, bias: Any, bias_hh: Any, sizes: Sizes,
              reverse: bool, together: bool, needs: tuple[bool, ...]) -> Any:  # fmt: skip
    if on_tape(g):
        return recorded(gru_steps, (x, h0, weight, weight_hh, bias, bias_hh), (sizes, reverse, together), g)
    dh, hh = np.array(or_zeros(g[1], h0), order="C"), np.ascontiguousarray(weight_hh)
    rows = in_turn(sizes, reverse, together)
    gates, products = out.gates.view(h0.dtype), out.products.view(h0.dtype)
    dv, du, before, *totals = gru_back(or_zeros(g[0], out.y), dh, hh, gates, products, out.y, h0, rows)
    dx, d_weight = project_pull(dv, x, weight, out.kinds, needs)
    d_bias, d_bias_hh = (None if b is None else total for b, total in zip((bias, bias_hh), totals))
    return dx, dh, d_weight, product(du.T, before), d_bias, d_bias_hh


gru_sequence.derivative(gru_pull)
gru_sequence.op.materialize = False
gru_sequence.samples(
    lambda draw, case: [
        case(draw(4, 3), draw(2, 2), draw(6, 3), draw(6, 2), draw(6), draw(6), (2, 1, 1), False),
        case(draw(4, 3), draw(2, 2), draw(6, 3), draw(6, 2), draw(6), draw(6), (2, 2), False, True),
        case(draw(3, 1), draw(2, 1), draw(3, 1), draw(3, 1), None, None, (2, 1), True),
    ]
)
