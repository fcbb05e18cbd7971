"""Runs of memory copied, and blocks transposed, in vector registers.

Numba's own loops check every index for being negative, which keeps LLVM from vectorising them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from .apart import apart
from .door import VECTOR_BYTES
from .tile import BIT, I32, INDEX, Emitter, intrinsic

FIRST = np.int64(0)  # for kernels that call others, of which a literal 0 would have one more compiled


@intrinsic
def copy_run(context: Any, a: Any, a0: Any, c: Any, c0: Any, count: Any, shift: Any) -> Any:
    """C[c0 + i] = A[a0 + i] + shift for i < count."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, a0, c, c0, count, shift = arguments
        e = Emitter(builder, signature.args[0].dtype)
        source = builder.gep(context.make_array(signature.args[0])(context, builder, a).data, [a0])
        target = builder.gep(context.make_array(signature.args[2])(context, builder, c).data, [c0])
        added, function, before = e.spread(shift), builder.function, builder.block
        whole = builder.and_(count, e.index(-e.lanes))
        loop, tail, part, end = (
            function.append_basic_block(name) for name in ("run", "run_tail", "run_part", "run_end")
        )
        builder.cbranch(builder.icmp_signed(">", whole, e.index(0)), loop, tail)
        builder.position_at_end(loop)
        at = builder.phi(INDEX)
        at.add_incoming(e.index(0), before)
        e.store(builder.fadd(e.load(builder.gep(source, [at])), added), builder.gep(target, [at]))
        following = builder.add(at, e.index(e.lanes))
        at.add_incoming(following, loop)
        builder.cbranch(builder.icmp_signed("<", following, whole), loop, tail)
        builder.position_at_end(tail)
        left = builder.sub(count, whole)
        builder.cbranch(builder.icmp_signed(">", left, e.index(0)), part, end)
        builder.position_at_end(part)
        mask = e.mask(0, left)
        value = e.masked_load(builder.gep(source, [whole]), mask)
        e.masked_store(builder.fadd(value, added), builder.gep(target, [whole]), mask)
        builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    n = types.int64
    return types.void(a, n, c, n, n, a.dtype), generate


@intrinsic
def copy_every_second(context: Any, a: Any, a0: Any, c: Any, c0: Any, count: Any) -> Any:
    """C[c0 + i] = A[a0 + 2 i] for i < count."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, a0, c, c0, count = arguments
        e = Emitter(builder, signature.args[0].dtype)
        source = builder.gep(context.make_array(signature.args[0])(context, builder, a).data, [a0])
        target = builder.gep(context.make_array(signature.args[2])(context, builder, c).data, [c0])
        even = ir.Constant(ir.VectorType(I32, e.lanes), list(range(0, 2 * e.lanes, 2)))
        with cgutils.for_range_slice(builder, e.index(0), count, e.index(e.lanes), INDEX) as (at, _):
            left = builder.sub(count, at)
            span = builder.sub(builder.shl(left, e.index(1)), e.index(1))  # elements from the first to the last read
            here = builder.gep(source, [builder.shl(at, e.index(1))])
            pair = [e.masked_load(builder.gep(here, [e.index(first)]), e.mask(first, span)) for first in (0, e.lanes)]
            e.masked_store(builder.shuffle_vector(*pair, even), builder.gep(target, [at]), e.mask(0, left))
        return context.get_dummy_value()

    n = types.int64
    return types.void(a, n, c, n, n), generate


@intrinsic
def copy_to_every_second(context: Any, a: Any, a0: Any, c: Any, c0: Any, count: Any) -> Any:
    """C[c0 + 2 i] = A[a0 + i] for i < count; what is between stays."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, a0, c, c0, count = arguments
        e = Emitter(builder, signature.args[0].dtype)
        source = builder.gep(context.make_array(signature.args[0])(context, builder, a).data, [a0])
        target = builder.gep(context.make_array(signature.args[2])(context, builder, c).data, [c0])
        even = ir.Constant(ir.VectorType(BIT, e.lanes), [1, 0] * (e.lanes // 2))
        with cgutils.for_range_slice(builder, e.index(0), count, e.index(e.lanes), INDEX) as (at, _):
            left = builder.sub(count, at)
            values, there = e.masked_load(builder.gep(source, [at]), e.mask(0, left)), builder.shl(left, e.index(1))
            here = builder.gep(target, [builder.shl(at, e.index(1))])
            for first in (0, e.lanes):
                twice = ir.Constant(ir.VectorType(I32, e.lanes), [(first + i) // 2 for i in range(e.lanes)])
                mask = builder.and_(even, e.mask(first, there))
                e.masked_store(builder.shuffle_vector(values, values, twice), builder.gep(here, [e.index(first)]), mask)
        return context.get_dummy_value()

    n = types.int64
    return types.void(a, n, c, n, n), generate


def lanes_of(dtype: Any) -> int:
    """How many elements a vector has, which is the side of a `transpose_block`."""
    return VECTOR_BYTES // np.dtype(dtype).itemsize


@intrinsic
def transpose_block(context: Any, a: Any, a0: Any, a_row: Any, shift: Any, s0: Any, c: Any, c0: Any,
                    c_row: Any) -> Any:  # fmt: skip
    """C[c0 + j c_row + i] = A[a0 + i a_row + j] + S[s0 + j] for a square block of one vector's length, in registers."""
    n = types.int64
    return types.void(a, n, n, shift, n, c, n, n), _transpose


@intrinsic
def transpose_part(context: Any, a: Any, a0: Any, a_row: Any, shift: Any, s0: Any, c: Any, c0: Any, c_row: Any,
                   rows: Any, columns: Any) -> Any:  # fmt: skip
    """The part i < `rows`, j < `columns` of a `transpose_block`; neither reads nor writes beyond it."""
    n = types.int64
    return types.void(a, n, n, shift, n, c, n, n, n, n), _transpose


def _transpose(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    a, a0, a_row, shift, s0, c, c0, c_row, *part = arguments
    e = Emitter(builder, signature.args[0].dtype)
    source, added, target = (
        builder.gep(context.make_array(signature.args[i])(context, builder, array).data, [start])
        for i, array, start in ((0, a, a0), (3, shift, s0), (5, c, c0))
    )

    def mask(i: int, length: Any, width: Any) -> Any:
        """The first `width` lanes of row `i` if there are more than `i` rows."""
        return e.mask(0, builder.select(builder.icmp_signed("<", e.index(i), length), width, e.index(0)))

    rows, s = [], e.masked_load(added, e.mask(0, part[1])) if part else e.load(added)
    for i in range(e.lanes):
        rows.append(builder.fadd(e.masked_load(source, mask(i, *part)) if part else e.load(source), s))
        source = builder.gep(source, [a_row])
    for i, row in enumerate(_exchanged(e, rows)):
        if part:
            e.masked_store(row, target, mask(i, part[1], part[0]))
        else:
            e.store(row, target)
        target = builder.gep(target, [c_row])
    return context.get_dummy_value()


def _exchanged(e: Emitter, rows: list[Any]) -> list[Any]:
    """Blocks of half the side exchanged across the diagonal, then blocks of a quarter within each, and so on."""
    half = e.lanes // 2
    while half:
        low = [e.lanes + i - half if i & half else i for i in range(e.lanes)]
        high = [e.lanes + i if i & half else i + half for i in range(e.lanes)]
        low_mask, high_mask = (ir.Constant(ir.VectorType(I32, e.lanes), m) for m in (low, high))
        for i in range(e.lanes):
            if not i & half:
                x, y = rows[i], rows[i + half]
                rows[i] = e.b.shuffle_vector(x, y, low_mask)
                rows[i + half] = e.b.shuffle_vector(x, y, high_mask)
        half //= 2
    return rows


@apart
def transpose(a, a0, a_row, shift, s0, c, c0, c_row, rows, columns, lanes):
    """C[c0 + j c_row + i] = A[a0 + i a_row + j] + S[s0 + j] for i < `rows`, j < `columns`, block by block."""
    for j in range(0, columns, lanes):
        if columns - j >= lanes and rows >= lanes:
            i = 0
            while i < rows:
                i = min(i, rows - lanes)  # the last block may overlap the one before
                transpose_block(a, a0 + i * a_row + j, a_row, shift, s0 + j, c, c0 + j * c_row + i, c_row)
                i += lanes
        else:
            for i in range(0, rows, lanes):
                transpose_part(a, a0 + i * a_row + j, a_row, shift, s0 + j, c, c0 + j * c_row + i, c_row,
                               min(lanes, rows - i), min(lanes, columns - j))  # fmt: skip


@apart
def framed(x, x0, channels, h, w, out, to, top, left, rows, columns):
    """out[c, i + top, j + left] = x[c, i, j] where that is inside (rows, columns); the frame is left as it is."""
    first, last = max(0, -top), min(h, rows - top)
    start, stop = max(0, -left), min(w, columns - left)
    for c in range(channels):
        for i in range(first, last):
            copy_run(x, x0 + (c * h + i) * w + start, out, to + (c * rows + i + top) * columns + start + left,
                     max(0, stop - start), x.dtype.type(0))  # fmt: skip
