"""The weight's cotangent for groups of few filters, as depthwise convolutions have.

Each element of it is a scalar product of a filter's cotangent g with the image, shifted as the tap says:

    w̄[f, t] = Σ_{i, j} g[f, i, j] x[offset(t) + i q + j]

in the phases of `conv_phases`.  TAPS of them are taken at a time, so that g is loaded once for all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from .conv_phases import offsets_of, spread
from .conv_pieces import Pair, pieces_of, ranges
from .door import kernel
from .pool import run
from .tile import I32, INDEX, Emitter, intrinsic

TAPS = 5  # at a time: of filters of 3 x 3 nine are left in two parts, of 5 x 5 in five


@intrinsic
def dots(context: Any, x: Any, x0: Any, x_row: Any, table: Any, t: Any, g: Any, g0: Any, g_row: Any, out: Any,
         to: Any, rows: Any, columns: Any, count: Any) -> Any:  # fmt: skip
    """out[to + k] += Σ_{i < rows, j < columns} x[x0 + table[t + k] + i x_row + j] g[g0 + i g_row + j], k < count."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, x0, x_row, table, t, g, g0, g_row, out, to, rows, columns, count = arguments
        e = Emitter(builder, signature.args[0].dtype)
        image, offsets, other, target = (
            builder.gep(context.make_array(signature.args[i])(context, builder, array).data, [start])
            for i, array, start in ((0, x, x0), (3, table, t), (5, g, g0), (8, out, to))
        )
        last, starts, sums = builder.sub(count, e.index(1)), [], []
        for k in range(TAPS):  # taps that are not there read the last one again
            there = builder.icmp_signed("<", e.index(k), count)
            tap = builder.select(there, e.index(k), last)
            starts.append(builder.gep(image, [builder.load(builder.gep(offsets, [tap]))]))
            sums.append(cgutils.alloca_once_value(builder, e.zero))
        with cgutils.for_range(builder, rows) as outer:
            here, there = builder.mul(outer.index, x_row), builder.mul(outer.index, g_row)
            with cgutils.for_range_slice(builder, e.index(0), columns, e.index(e.lanes), INDEX) as (at, _):
                mask = e.mask(0, builder.sub(columns, at))
                factor = e.masked_load(builder.gep(other, [builder.add(there, at)]), mask)
                for start, place in zip(starts, sums):
                    value = e.masked_load(builder.gep(start, [builder.add(here, at)]), mask)
                    builder.store(e.multiply_add(value, factor, builder.load(place)), place)
        for k, place in enumerate(sums):
            with builder.if_then(builder.icmp_signed("<", e.index(k), count)):
                element = builder.gep(target, [e.index(k)])
                builder.store(builder.fadd(builder.load(element), _sum(e, builder.load(place))), element)
        return context.get_dummy_value()

    n = types.int64
    return types.void(x, n, n, table, n, g, n, n, out, n, n, n, n), generate


def _sum(e: Emitter, vector: Any) -> Any:
    """The sum of a vector's lanes, by halves."""
    half = e.lanes // 2
    while half:
        order = ir.Constant(ir.VectorType(I32, e.lanes), [(i + half) % e.lanes for i in range(e.lanes)])
        vector = e.b.fadd(vector, e.b.shuffle_vector(vector, vector, order))
        half //= 2
    return e.b.extract_element(vector, ir.Constant(I32, 0))


@kernel
def weight_some(x, g, total, table, first, last, c, h, w, f, groups, o_h, o_w, q_h, q_w, s_h, s_w, p_h, p_w):
    """The sum over samples `first` to `last`: total[f, t]."""
    size, taps = c * s_h * s_w * q_h * q_w, table.size
    image = np.zeros(size, x.dtype)
    for n in range(first, last):
        spread(x, n * c * h * w, h, w, image, q_h, q_w, s_h, s_w, p_h, p_w, c)
        for k in range(f):
            base = k // (f // groups) * (size // groups)
            for t in range(0, taps, TAPS):
                dots(image, base, q_w, table, t, g, (n * f + k) * o_h * o_w, o_w, total, k * taps + t, o_h, o_w,
                     min(TAPS, taps - t))  # fmt: skip


def weight_cotangent(g: np.ndarray, x: np.ndarray, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair,
                     groups: int) -> np.ndarray:  # fmt: skip
    """∂⟨g, x ∗ w⟩/∂w for filters of size `kernel`; sums over few samples each, added in their order."""
    (n, f, o_h, o_w), (_, c, h, w) = g.shape, x.shape
    q, offsets = offsets_of(kernel, stride, dilation, (o_h, o_w))
    channel = stride[0] * stride[1] * q[0] * q[1]
    table = (np.arange(c // groups)[:, None] * channel + offsets).reshape(-1)
    parts = ranges(n, pieces_of(8 * g.size * table.size))
    totals = np.zeros((len(parts), f, c // groups, *kernel), x.dtype)
    sizes = c, h, w, f, groups, o_h, o_w, *q, *stride, *padding
    flat = x.reshape(-1), g.reshape(-1)
    run(len(parts), lambda i: weight_some(*flat, totals[i].reshape(-1), table, *parts[i], *sizes))
    return totals.sum(0)
