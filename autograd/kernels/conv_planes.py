"""Convolution plane by plane, for filters of 3 x 3 in groups of few channels, as depthwise convolutions have.

There is no matrix here to fill a tile with, so the sums are taken where the image lies.  The rows of the image pass by
once, some vectors of columns at a time, each with its three shifts and with zeros outside the image, and go into the
three rows of the result that they belong to, which wait in registers:

- forward: y[o, j] = Σ_{a, b} w[a, b] x[o + a d - p, j + b - p]
- input:   the same with g in the place of x and the filter turned
- weight:  w̄[a, b] = Σ_{o, j} g[o, j] x[o + a d - p, j + b - p], with rows of x waiting for a row of g

A dilation d of rows takes them in d turns.  Columns are not dilated, and strides are 1.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from .conv_pieces import Pair, pieces_of
from .door import kernel
from .moves import lanes_of
from .pool import share
from .spin import each
from .tile import I32, INDEX, Emitter, intrinsic
from .words import entry, kept

TAPS = 9


class _Window:
    """Rows of some vectors of columns of an image, each with its three shifts; zeros outside the image."""

    def __init__(self, e: Emitter, image: Any, zeros: Any, size: Any, corner: Any, step: Any, columns: Any,
                 vectors: int) -> None:  # fmt: skip
        self.e, self.image, self.zeros, self.step = e, image, zeros, step
        self.h, self.w, self.top, self.left = (e.b.extract_value(pair, k) for pair in (size, corner) for k in range(2))
        b, end = e.b, e.b.add(self.left, e.b.add(columns, e.index(2)))  # of the columns that are needed
        stop = b.select(b.icmp_signed("<", end, self.w), end, self.w)
        self.masks = []
        for k in range(vectors + 1):  # lane i is column left + k lanes + i
            start = b.add(self.left, e.index(k * e.lanes))
            self.masks.append(b.and_(b.not_(e.mask(0, b.neg(start))), e.mask(0, b.sub(stop, start))))

    def row(self, t: Any) -> list[list[Any]]:
        """Row `t` of the padded image, as vectors in three shifts each."""
        e, b = self.e, self.e.b
        i = b.add(self.top, b.mul(t, self.step))
        inside = b.icmp_unsigned("<", i, self.h)  # a negative one is a large one
        begin = b.gep(b.select(inside, b.gep(self.image, [b.mul(i, self.w)]), self.zeros), [self.left])
        parts = [e.masked_load(b.gep(begin, [e.index(k * e.lanes)]), mask) for k, mask in enumerate(self.masks)]
        return [[self._shifted(x, y, n) for n in range(3)] for x, y in pairwise(parts)]

    def _shifted(self, x: Any, y: Any, n: int) -> Any:
        """Lanes n, n + 1, ... of x followed by y."""
        if not n:
            return x
        order = ir.Constant(ir.VectorType(I32, self.e.lanes), [n + i for i in range(self.e.lanes)])
        return self.e.b.shuffle_vector(x, y, order)


def _data(context: Any, builder: Any, signature: Any, arguments: Any, i: int) -> Any:
    """Where array `i` of the arguments begins, moved by the number after it."""
    return builder.gep(context.make_array(signature.args[i])(context, builder, arguments[i]).data, [arguments[i + 1]])


def _loop(e: Emitter, first: int, count: Any, states: list[Any], body: Any) -> list[Any]:
    """states = body(t, states) for `first` <= t < count; what they are in the end."""
    b, function, before = e.b, e.b.function, e.b.block
    loop, done = function.append_basic_block("rows"), function.append_basic_block("rows_done")
    b.cbranch(b.icmp_signed("<", e.index(first), count), loop, done)
    b.position_at_end(loop)
    t, phis = b.phi(INDEX), [b.phi(e.vector) for _ in states]
    new = body(t, phis)
    following, after = b.add(t, e.index(1)), b.block
    for phi, value, old in zip([t, *phis], [following, *new], [e.index(first), *states]):
        phi.add_incoming(old, before)
        phi.add_incoming(value, after)
    e.keep_rolled(b.cbranch(b.icmp_signed("<", following, count), loop, done))
    b.position_at_end(done)
    results = []
    for value, old in zip(new, states):
        phi = b.phi(e.vector)
        phi.add_incoming(old, before)
        phi.add_incoming(value, after)
        results.append(phi)
    return results


def _pass_by(vectors: int, context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    size, corner, step, w_step, start, y_row, rows, columns, add = arguments[8:]
    e = Emitter(builder, signature.args[0].dtype)
    image, zeros, filters, out = (_data(context, builder, signature, arguments, i) for i in (0, 2, 4, 6))
    window = _Window(e, image, zeros, size, corner, step, columns, vectors)
    taps = [e.spread(builder.load(builder.gep(filters, [builder.mul(e.index(k), w_step)]))) for k in range(TAPS)]
    begun, masks = e.spread(start), [e.mask(v * e.lanes, columns) for v in range(vectors)]

    def gathered(t: Any, waiting: list[Any]) -> list[Any]:
        """Row `t` added to the rows of the result that wait for it, the last of which is complete then."""
        row, sums = window.row(t), [*([begun] * vectors), *waiting]
        for i, total in enumerate(sums):
            for k in range(3):
                total = e.multiply_add(row[i % vectors][k], taps[i // vectors * 3 + k], total)
            sums[i] = total
        return sums

    def body(t: Any, waiting: list[Any]) -> list[Any]:
        sums = gathered(t, waiting)
        place = builder.gep(out, [builder.mul(builder.sub(t, e.index(2)), y_row)])
        with builder.if_else(builder.icmp_signed("!=", add, e.index(0))) as sides:
            for side, adding in zip(sides, (True, False)):
                with side:
                    for v, mask in enumerate(masks):
                        here, total = builder.gep(place, [e.index(v * e.lanes)]), sums[2 * vectors + v]
                        if adding:
                            total = builder.fadd(total, e.masked_load(here, mask))
                        e.masked_store(total, here, mask)
        return sums[: 2 * vectors]

    waiting: list[Any] = []
    for t in range(2):
        waiting = gathered(e.index(t), waiting)
    _loop(e, 2, builder.add(rows, e.index(2)), waiting, body)
    return context.get_dummy_value()


@intrinsic
def pass_by(context: Any, x: Any, x0: Any, zeros: Any, none: Any, w: Any, w0: Any, y: Any, y0: Any, size: Any,
            corner: Any, step: Any, w_step: Any, start: Any, y_row: Any, rows: Any, columns: Any,
            add: Any) -> Any:  # fmt: skip
    """Y[y0 + o y_row + j] (+)= start + Σ_{a, b < 3} W[w0 + (3 a + b) w_step] X[top + (o + a) step, left + b + j].

    For o < rows, j < columns, two vectors at most.  X is the image of `size` at x0, zero outside; (top, left) = corner.
    """
    n = types.int64
    arguments = (x, n, zeros, n, w, n, y, n, size, corner, n, n, x.dtype, n, n, n, n)
    return types.void(*arguments), partial(_pass_by, 2)


@intrinsic
def narrow_pass_by(context: Any, x: Any, x0: Any, zeros: Any, none: Any, w: Any, w0: Any, y: Any, y0: Any, size: Any,
                   corner: Any, step: Any, w_step: Any, start: Any, y_row: Any, rows: Any, columns: Any,
                   add: Any) -> Any:  # fmt: skip
    """`pass_by` for one vector of columns."""
    n = types.int64
    arguments = (x, n, zeros, n, w, n, y, n, size, corner, n, n, x.dtype, n, n, n, n)
    return types.void(*arguments), partial(_pass_by, 1)


def _correlate(vectors: int, context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    size, corner, step, g_row, rows, columns = arguments[8:]
    e = Emitter(builder, signature.args[0].dtype)
    image, zeros, other, target = (_data(context, builder, signature, arguments, i) for i in (0, 2, 4, 6))
    window = _Window(e, image, zeros, size, corner, step, columns, vectors)
    masks = [e.mask(v * e.lanes, columns) for v in range(vectors)]
    places, each = [builder.gep(target, [e.index(k * e.lanes)]) for k in range(TAPS)], 3 * vectors

    def row(t: Any) -> list[Any]:
        return [x for shifts in window.row(t) for x in shifts]

    def body(o: Any, states: list[Any]) -> list[Any]:
        waiting, sums = [*states[: 2 * each], *row(builder.add(o, e.index(2)))], states[2 * each :]
        here = builder.gep(other, [builder.mul(o, g_row)])
        for v, mask in enumerate(masks):
            factor = e.masked_load(builder.gep(here, [e.index(v * e.lanes)]), mask)
            for k in range(TAPS):
                new = e.multiply_add(waiting[k // 3 * each + v * 3 + k % 3], factor, sums[k])
                sums[k] = builder.select(mask, new, sums[k])  # beyond the last column may be what times zero is not
        return waiting[each:] + sums

    states = [*row(e.index(0)), *row(e.index(1)), *(e.load(place) for place in places)]
    for place, value in zip(places, _loop(e, 0, rows, states, body)[2 * each :]):
        e.store(value, place)
    return context.get_dummy_value()


@intrinsic
def correlate(context: Any, x: Any, x0: Any, zeros: Any, none: Any, g: Any, g0: Any, total: Any, to: Any, size: Any,
              corner: Any, step: Any, g_row: Any, rows: Any, columns: Any) -> Any:  # fmt: skip
    """T[to + (3 a + b) lanes + i] += Σ_{o, j} G[g0 + o g_row + j] X[top + (o + a) step, left + b + j], j = i mod lanes.

    For o < rows, j < columns, two vectors at most.  X is the image of `size` at x0, zero outside; (top, left) = corner.
    """
    n = types.int64
    return types.void(x, n, zeros, n, g, n, total, n, size, corner, n, n, n, n), partial(_correlate, 2)


@intrinsic
def narrow_correlate(context: Any, x: Any, x0: Any, zeros: Any, none: Any, g: Any, g0: Any, total: Any, to: Any,
                     size: Any, corner: Any, step: Any, g_row: Any, rows: Any, columns: Any) -> Any:  # fmt: skip
    """`correlate` for one vector of columns."""
    n = types.int64
    return types.void(x, n, zeros, n, g, n, total, n, size, corner, n, n, n, n), partial(_correlate, 1)


# ---------------------------------------------------------------------------------------------------------------------
# Kernels.  `step` is the dilation of rows.


@kernel
def plane(x, x0, size, zeros, padding, step, w, w0, w_step, start, y, y0, outputs, add, lanes):
    """Y (+)= start + X ∗ W for one plane of each."""
    top, left = padding
    height, width = outputs
    for j in range(0, width, 2 * lanes):
        for turn in range(min(step, height)):
            at, corner = y0 + turn * width + j, (turn - top, j - left)
            rows, columns = -(-(height - turn) // step), width - j
            if columns > lanes:
                pass_by(x, x0, zeros, 0, w, w0, y, at, size, corner, step, w_step, start, step * width, rows, columns,
                        add)  # fmt: skip
            else:
                narrow_pass_by(x, x0, zeros, 0, w, w0, y, at, size, corner, step, w_step, start, step * width, rows,
                               columns, add)  # fmt: skip


@kernel
def planes_some(i, x, w, bias, y, length, sources, results, of_result, of_source, turned, size, padding, step, outputs,
                lanes):  # fmt: skip
    """Part `i` of y, of `length` planes.

    Of each group, `results` planes of y are made from `sources` planes of x; the filter for result r from source s is
    number r of_result + s of_source in its group.
    """
    area, places, zeros = size[0] * size[1], outputs[0] * outputs[1], np.zeros(size[1], x.dtype)
    for k in range(i * length, min((i + 1) * length, y.size // places)):
        f, r = k % bias.size, k % results
        for s in range(sources):
            number = f // results * results * sources + r * of_result + s * of_source
            w0, w_step = (number * TAPS + TAPS - 1, -1) if turned else (number * TAPS, 1)
            plane(x, (k // results * sources + s) * area, size, zeros, padding, step, w, w0, w_step,
                  bias[f] if s == 0 else x.dtype.type(0), y, k * places, outputs, s, lanes)  # fmt: skip


@kernel
def planes(team, helpers, parts, x, w, bias, y, length, sources, results, of_result, of_source, turned, size, padding,
           step, outputs, lanes):  # fmt: skip
    """`planes_some`, all of them."""
    arguments = (x, w, bias, y, length, sources, results, of_result, of_source, turned, size, padding, step, outputs,
                 lanes)  # fmt: skip
    each(team, helpers, parts, entry(planes_some, arguments), kept(arguments))


@kernel
def plane_weight(x, x0, size, zeros, padding, step, g, g0, outputs, total, to, lanes):
    """T += the nine sums for one plane of X and of G, each in `lanes` parts."""
    top, left = padding
    height, width = outputs
    for j in range(0, width, 2 * lanes):
        for turn in range(min(step, height)):
            at, corner = g0 + turn * width + j, (turn - top, j - left)
            rows, columns = -(-(height - turn) // step), width - j
            if columns > lanes:
                correlate(x, x0, zeros, 0, g, at, total, to, size, corner, step, step * width, rows, columns)
            else:
                narrow_correlate(x, x0, zeros, 0, g, at, total, to, size, corner, step, step * width, rows, columns)


@kernel
def weight_some(i, x, g, out, length, n, c, f, channels, per_group, size, padding, step, outputs, lanes):
    """out[f, c, t] for part `i` of the filters, of `length`, in groups of `per_group`, which see so many `channels`."""
    first, last = i * length, min((i + 1) * length, f)
    area, places, zeros = size[0] * size[1], outputs[0] * outputs[1], np.zeros(size[1], x.dtype)
    total = np.zeros((last - first) * channels * TAPS * lanes, x.dtype)
    for sample in range(n):
        for k in range(first, last):
            for j in range(channels):
                plane_weight(x, (sample * c + k // per_group * channels + j) * area, size, zeros, padding, step, g,
                             (sample * f + k) * places, outputs, total, ((k - first) * channels + j) * TAPS * lanes,
                             lanes)  # fmt: skip
    for t in range(total.size // lanes):
        out[first * channels * TAPS + t] = total[t * lanes : (t + 1) * lanes].sum()


@kernel
def weights(team, helpers, parts, x, g, out, length, n, c, f, channels, per_group, size, padding, step, outputs, lanes):
    """`weight_some`, all of them."""
    arguments = (x, g, out, length, n, c, f, channels, per_group, size, padding, step, outputs, lanes)
    each(team, helpers, parts, entry(weight_some, arguments), kept(arguments))


# ---------------------------------------------------------------------------------------------------------------------
# From arrays to runs of memory.


def suits(kernel: Pair, stride: Pair, dilation: Pair, filters: int, most: int) -> bool:
    """Whether the filters are of the size and kind that is done here, and a group has `most` planes of them or less."""
    return kernel == (3, 3) and stride == (1, 1) and dilation[1] == 1 and filters <= most


def _length(count: int, work: int) -> int:
    """How many of `count` planes are a part."""
    return -(-count // pieces_of(work))


def forward(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, padding: Pair, dilation: Pair, groups: int,
            outputs: Pair) -> np.ndarray:  # fmt: skip
    """Convolution of (N, C, H, W) with (F, C/groups, 3, 3)."""
    (n, _, h, w), (f, channels) = x.shape, weight.shape[:2]
    shift, y = np.zeros(f, x.dtype) if bias is None else bias, np.empty((n, f, *outputs), x.dtype)
    length = _length(n * f, y.size * channels * TAPS)
    share(-(-n * f // length), planes, x.reshape(-1), weight.reshape(-1), shift, y.reshape(-1), length, channels,
          f // groups, channels, 1, False, (h, w), padding, dilation[0], outputs, lanes_of(x.dtype))  # fmt: skip
    return y


def input_cotangent(g: np.ndarray, weight: np.ndarray, spatial: Pair, padding: Pair, dilation: Pair,
                    groups: int) -> np.ndarray:  # fmt: skip
    """∂⟨g, x ∗ w⟩/∂x for x of size `spatial`."""
    (n, f, h, w), channels = g.shape, weight.shape[1]
    c, per_group = channels * groups, f // groups
    x, margin = np.empty((n, c, *spatial), g.dtype), (2 * dilation[0] - padding[0], 2 - padding[1])
    length = _length(n * c, x.size * per_group * TAPS)
    share(-(-n * c // length), planes, g.reshape(-1), weight.reshape(-1), np.zeros(c, g.dtype), x.reshape(-1), length,
          per_group, channels, 1, channels, True, (h, w), margin, dilation[0], spatial, lanes_of(g.dtype))  # fmt: skip
    return x


def weight_cotangent(g: np.ndarray, x: np.ndarray, padding: Pair, dilation: Pair, groups: int) -> np.ndarray:
    """∂⟨g, x ∗ w⟩/∂w for filters of 3 x 3."""
    (n, f, *outputs), (_, c, *size) = g.shape, x.shape
    channels = c // groups
    out, length = np.empty((f, channels, 3, 3), x.dtype), _length(f, g.size * channels * TAPS)
    share(-(-f // length), weights, x.reshape(-1), g.reshape(-1), out.reshape(-1), length, n, c, f, channels,
          f // groups, (size[0], size[1]), padding, dilation[0], (outputs[0], outputs[1]),
          lanes_of(x.dtype))  # fmt: skip
    return out
