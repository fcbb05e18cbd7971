"""Stores past the caches, for results that are larger than these.

An ordinary store first reads the line that it writes into, and leaves it where something else was; of a large sum a
quarter of the traffic is that.  A loop that wants neither computes a group of vectors, which stay in registers because
their number is fixed, and has it streamed.  What is streamed is seen by other threads after any locked instruction,
such as the one that tells them.

`fetch` is for what is read in short runs from many places, which the processor does not foresee: it has a line brought
into the second cache while something else is computed, and does nothing where there is no memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from .door import VECTOR_BYTES
from .tile import I32, Emitter, intrinsic

LINE, GROUP = 64, 256  # bytes of a cache line, and of a group
FAR = 1 << 25  # bytes of a result from which it is streamed: the last-level cache of a few cores


def groups_of(run: np.ndarray) -> tuple[int, int]:
    """The element with which the first group begins, at a multiple of a cache line; and how many groups there are."""
    first = -run.ctypes.data % LINE // run.itemsize
    return first, max(0, run.size - first) * run.itemsize // GROUP


@intrinsic
def room(context: Any, to: Any) -> Any:
    """A group of the type of `to`, on the stack."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        e = Emitter(builder, to.dtype)
        place = cgutils.alloca_once(builder, ir.ArrayType(e.vector, GROUP // VECTOR_BYTES))
        return builder.bitcast(place, e.element.as_pointer())

    return types.CPointer(to.dtype)(to), generate


@intrinsic
def stream(context: Any, group: Any, to: Any, at: Any) -> Any:
    """The group goes to to[at], which lies where `groups_of` says."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        e, (source, array, start) = Emitter(builder, to.dtype), arguments
        place = builder.gep(context.make_array(to)(context, builder, array).data, [start])
        for i in range(0, GROUP // VECTOR_BYTES * e.lanes, e.lanes):
            value = e.load(builder.gep(source, [e.index(i)]))
            vector = builder.bitcast(builder.gep(place, [e.index(i)]), e.vector.as_pointer())
            store = builder.store(value, vector, align=VECTOR_BYTES)
            store.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(I32, 1)]))
        return context.get_dummy_value()

    return types.void(group, to, types.int64), generate


def _fetched(to_write: int) -> Any:
    @intrinsic
    def fetched(context: Any, x: Any, at: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            place = builder.gep(context.make_array(x)(context, builder, arguments[0]).data, [arguments[1]])
            pointer = ir.IntType(8).as_pointer()
            kinds = [pointer, I32, I32, I32]
            prefetch = Emitter(builder, x.dtype).intrinsic("prefetch.p0", ir.VoidType(), kinds)
            flags = [ir.Constant(I32, flag) for flag in (to_write, 2, 1)]  # into the second cache; data
            builder.call(prefetch, [builder.bitcast(place, pointer), *flags])
            return context.get_dummy_value()

        return types.void(x, types.int64), generate

    return fetched


fetch, fetch_to_write = _fetched(0), _fetched(1)  # the line of x[at]
