"""Stores past the caches, for results that are larger than these.

An ordinary store first reads the line that it writes into, and leaves it where something else was; of a large sum a
quarter of the traffic is that.  A loop that wants neither computes a block in the first-level cache and has it streamed
from there.  What is streamed is seen by other threads after any locked instruction, such as the one that tells them.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from .door import VECTOR_BYTES, inlined
from .tile import I32, INDEX, Emitter, intrinsic

BLOCK = 2048  # elements, which the first-level cache holds together with those that they are computed from
FAR = 1 << 25  # bytes of a result from which it is streamed: the last-level cache of a few cores


def _place(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    return builder.gep(context.make_array(kind)(context, builder, array).data, [at])


@intrinsic
def _past(context: Any, array: Any, at: Any) -> Any:
    """By how many elements array[at] lies past a multiple of a vector's size."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = builder.ptrtoint(_place(context, builder, array, *arguments), INDEX)
        size = ir.Constant(INDEX, array.dtype.bitwidth // 8)
        return builder.udiv(builder.urem(place, ir.Constant(INDEX, VECTOR_BYTES)), size)

    return types.int64(array, types.int64), generate


@intrinsic
def _stream_vector(context: Any, source: Any, i: Any, to: Any, j: Any) -> Any:
    """A vector from source[i] to to[j], which lies at a multiple of its size."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        e, (x, start, y, at) = Emitter(builder, source.dtype), arguments
        place = builder.bitcast(_place(context, builder, to, y, at), e.vector.as_pointer())
        store = builder.store(e.load(_place(context, builder, source, x, start)), place, align=VECTOR_BYTES)
        store.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(I32, 1)]))
        return context.get_dummy_value()

    return types.void(source, types.int64, to, types.int64), generate


@inlined
def block_end(to, at, high):
    """Where the block that begins at `at` ends: so that all blocks but the first begin at a multiple of a vector."""
    return min(high, at + BLOCK - _past(to, at))


@inlined
def stream(block, to, at, n):
    """The first `n` elements of `block` go to to[at:at + n]."""
    lanes, i = VECTOR_BYTES // to.itemsize, 0
    while i < n and _past(to, at + i):
        to[at + i] = block[i]
        i += 1
    while i + lanes <= n:
        _stream_vector(block, i, to, at + i)
        i += lanes
    while i < n:
        to[at + i] = block[i]
        i += 1
