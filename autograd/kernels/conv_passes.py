"""What `conv_planes` does with one plane, as LLVM IR: sums of 3 x 3 products, where the image lies.

The rows of the image pass by once, one or two vectors of columns at a time, each with its three shifts and with zeros
outside the image.  Masks say what is inside; where all of the columns are, what needs none goes without.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from llvmlite import ir
from numba import types

from .tile import I32, INDEX, Emitter, intrinsic

TAPS = 9


class _Strip:
    """Rows of some vectors of columns of an image, each with its three shifts; zeros outside the image.

    Of a `whole` strip the second vector is known to be inside, and so is all of the result.
    """

    def __init__(self, e: Emitter, image: Any, zeros: Any, size: Any, corner: Any, step: Any, columns: Any,
                 vectors: int, whole: bool) -> None:  # fmt: skip
        self.e, self.image, self.zeros, self.step = e, image, zeros, step
        self.vectors, self.whole, b = vectors, whole, e.b
        self.h, self.w, self.top, self.left = (b.extract_value(pair, k) for pair in (size, corner) for k in range(2))
        end = b.add(self.left, b.add(columns, e.index(2)))  # of the columns that are needed
        stop = b.select(b.icmp_signed("<", end, self.w), end, self.w)
        self.inside: list[Any] = []
        for k in range(vectors + 1):  # lane i is column left + k lanes + i
            start = b.add(self.left, e.index(k * e.lanes))
            self.inside.append(b.and_(b.not_(e.mask(0, b.neg(start))), e.mask(0, b.sub(stop, start))))
        if whole:
            self.inside[1] = None
        self.masks = [None if whole else e.mask(k * e.lanes, columns) for k in range(vectors)]

    def row(self, t: Any) -> list[list[Any]]:
        """Row `t` of the padded image, as vectors in three shifts each."""
        e, b = self.e, self.e.b
        i = b.add(self.top, b.mul(t, self.step))
        inside = b.icmp_unsigned("<", i, self.h)  # a negative one is a large one
        begin = b.gep(b.select(inside, b.gep(self.image, [b.mul(i, self.w)]), self.zeros), [self.left])
        parts = [self._load(b.gep(begin, [e.index(k * e.lanes)]), mask) for k, mask in enumerate(self.inside)]
        return [[self._shifted(x, y, n) for n in range(3)] for x, y in pairwise(parts)]

    def result(self, place: Any) -> list[Any]:
        """A row of the result, or of its cotangent, at `place`."""
        return [self._load(here, mask) for here, mask in self._vectors(place)]

    def write(self, row: list[Any], place: Any) -> None:
        for value, (here, mask) in zip(row, self._vectors(place)):
            if mask is None:
                self.e.store(value, here)
            else:
                self.e.masked_store(value, here, mask)

    def _vectors(self, place: Any) -> list[tuple[Any, Any]]:
        return [(self.e.b.gep(place, [self.e.index(k * self.e.lanes)]), mask) for k, mask in enumerate(self.masks)]

    def _load(self, place: Any, mask: Any) -> Any:
        return self.e.load(place) if mask is None else self.e.masked_load(place, mask)

    def _shifted(self, x: Any, y: Any, n: int) -> Any:
        """Lanes n, n + 1, ... of x followed by y."""
        if not n:
            return x
        order = ir.Constant(ir.VectorType(I32, self.e.lanes), [n + i for i in range(self.e.lanes)])
        return self.e.b.shuffle_vector(x, y, order)


def _each_case(e: Emitter, size: Any, corner: Any, columns: Any, emit: Callable[[int, bool], None]) -> None:
    """``emit(vectors, whole)`` for a strip of one vector, of two, and of two without masks."""
    b, wide = e.b, e.index(2 * e.lanes)
    w, left = b.extract_value(size, 1), b.extract_value(corner, 1)
    near = b.icmp_signed(">=", b.add(left, e.index(e.lanes)), e.index(0))
    far = b.icmp_signed("<=", b.add(left, wide), w)
    whole = b.and_(b.icmp_signed(">=", columns, wide), b.and_(near, far))
    with b.if_else(b.icmp_signed(">", columns, e.index(e.lanes))) as (two, one):
        with two, b.if_else(whole) as (all_inside, masked):
            with all_inside:
                emit(2, True)
            with masked:
                emit(2, False)
        with one:
            emit(1, False)


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


def _pass_by(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    size, corner, step, w_step, start, y_row, rows, columns, add = arguments[8:]
    e = Emitter(builder, signature.args[0].dtype)
    image, zeros, filters, out = (_data(context, builder, signature, arguments, i) for i in (0, 2, 4, 6))
    taps = [e.spread(builder.load(builder.gep(filters, [builder.mul(e.index(k), w_step)]))) for k in range(TAPS)]
    begun, adding = e.spread(start), builder.icmp_signed("!=", add, e.index(0))

    def emit(vectors: int, whole: bool) -> None:
        strip = _Strip(e, image, zeros, size, corner, step, columns, vectors, whole)

        def gathered(t: Any, waiting: list[Any]) -> list[Any]:
            """Row `t` added to the rows of the result that wait for it, the last of which is complete then."""
            row, sums = strip.row(t), [*([begun] * vectors), *waiting]
            for i, total in enumerate(sums):
                for k in range(3):
                    total = e.multiply_add(row[i % vectors][k], taps[i // vectors * 3 + k], total)
                sums[i] = total
            return sums

        def body(t: Any, waiting: list[Any]) -> list[Any]:
            sums = gathered(t, waiting)
            place, made = builder.gep(out, [builder.mul(builder.sub(t, e.index(2)), y_row)]), sums[2 * vectors :]
            with builder.if_else(adding) as (more, first):
                with more:
                    strip.write([builder.fadd(x, y) for x, y in zip(made, strip.result(place))], place)
                with first:
                    strip.write(made, place)
            return sums[: 2 * vectors]

        waiting: list[Any] = []
        for t in range(2):
            waiting = gathered(e.index(t), waiting)
        _loop(e, 2, builder.add(rows, e.index(2)), waiting, body)

    _each_case(e, size, corner, columns, emit)
    return context.get_dummy_value()


@intrinsic
def pass_by(context: Any, x: Any, x0: Any, zeros: Any, none: Any, w: Any, w0: Any, y: Any, y0: Any, size: Any,
            corner: Any, step: Any, w_step: Any, start: Any, y_row: Any, rows: Any, columns: Any,
            add: Any) -> Any:  # fmt: skip
    """Y[y0 + o y_row + j] (+)= start + Σ_{a, b < 3} W[w0 + (3 a + b) w_step] X[top + (o + a) step, left + b + j].

    For o < rows, j < columns, two vectors at most.  X is the image of `size` at x0, zero outside; (top, left) = corner.
    """
    n = types.int64
    return types.void(x, n, zeros, n, w, n, y, n, size, corner, n, n, x.dtype, n, n, n, n), _pass_by


def _correlate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    size, corner, step, g_row, rows, columns = arguments[8:]
    e = Emitter(builder, signature.args[0].dtype)
    image, zeros, other, target = (_data(context, builder, signature, arguments, i) for i in (0, 2, 4, 6))
    places = [builder.gep(target, [e.index(k * e.lanes)]) for k in range(TAPS)]

    def emit(vectors: int, whole: bool) -> None:
        strip, each = _Strip(e, image, zeros, size, corner, step, columns, vectors, whole), 3 * vectors

        def row(t: Any) -> list[Any]:
            return [x for shifts in strip.row(t) for x in shifts]

        def body(o: Any, states: list[Any]) -> list[Any]:
            waiting, sums = [*states[: 2 * each], *row(builder.add(o, e.index(2)))], states[2 * each :]
            factors = strip.result(builder.gep(other, [builder.mul(o, g_row)]))
            for v, (factor, mask) in enumerate(zip(factors, strip.masks)):
                for k in range(TAPS):
                    new = e.multiply_add(waiting[k // 3 * each + v * 3 + k % 3], factor, sums[k])
                    # beyond the last column may be what times zero is not
                    sums[k] = new if mask is None else builder.select(mask, new, sums[k])
            return waiting[each:] + sums

        states = [*row(e.index(0)), *row(e.index(1)), *(e.load(place) for place in places)]
        for place, value in zip(places, _loop(e, 0, rows, states, body)[2 * each :]):
            e.store(value, place)

    _each_case(e, size, corner, columns, emit)
    return context.get_dummy_value()


@intrinsic
def correlate(context: Any, x: Any, x0: Any, zeros: Any, none: Any, g: Any, g0: Any, total: Any, to: Any, size: Any,
              corner: Any, step: Any, g_row: Any, rows: Any, columns: Any) -> Any:  # fmt: skip
    """T[to + (3 a + b) lanes + i] += Σ_{o, j} G[g0 + o g_row + j] X[top + (o + a) step, left + b + j], j = i mod lanes.

    For o < rows, j < columns, two vectors at most.  X is the image of `size` at x0, zero outside; (top, left) = corner.
    """
    n = types.int64
    return types.void(x, n, zeros, n, g, n, total, n, size, corner, n, n, n, n), _correlate
