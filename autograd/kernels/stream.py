"""Stores past the caches, for results that are larger than these.

An ordinary store first reads the line that it writes into, and leaves it where something else was; of a large sum a
quarter of the traffic is that.  A loop that wants neither computes a line, which stays in registers, and has it
streamed.  What is streamed is seen by other threads after any locked instruction, such as the one that tells them.

Each array is read by one instruction, a line each time: the processor foresees what an instruction reads next by where
it read before.  LLVM would unroll the loop, so that several instructions take turns, which costs a tenth.

`fetch` is for what is read in short runs from many places, which the processor does not foresee: it has a line brought
into the second cache while something else is computed, and does nothing where there is no memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from .door import VECTOR_BYTES
from .tile import I32, INDEX, Emitter, intrinsic

LINE = 64  # bytes of a cache line
FAR = 1 << 25  # bytes of a result from which it is streamed: the last-level cache of a few cores


def lines_of(run: np.ndarray) -> tuple[int, int]:
    """The element with which the first whole cache line begins, and how many of them there are."""
    first = -run.ctypes.data % LINE // run.itemsize
    return first, max(0, run.size - first) * run.itemsize // LINE


@contextmanager
def _rounds(e: Emitter, low: Any, high: Any, step: int, *rules: list[Any]) -> Iterator[Any]:
    """A loop over i = low, low + step, ... below high, which is above low; it stays a loop."""
    before, loop, after = e.b.block, *(e.b.function.append_basic_block(f"lines{part}") for part in ("", "_done"))
    e.b.branch(loop)
    e.b.position_at_end(loop)
    i = e.b.phi(INDEX)
    i.add_incoming(low, before)
    yield i
    following = e.b.add(i, e.index(step), flags=("nuw", "nsw"))
    i.add_incoming(following, e.b.block)
    e.keep_rolled(e.b.cbranch(e.b.icmp_signed("<", following, high), loop, after), *rules)
    e.b.position_at_end(after)


def _pointer(kind: Any) -> Any:
    """Of an array's element; a truth value is read as the byte that it is."""
    return types.CPointer(types.uint8 if kind.dtype == types.boolean else kind.dtype)


@intrinsic
def streamed(context: Any, element: Any, to: Any, low: Any, high: Any, given: Any) -> Any:
    """to[low:high], some whole lines, becomes what ``element(i, *given, to)`` writes for each i; numbers may be given
    among arrays."""
    size = LINE * 8 // to.dtype.bitwidth
    kinds = [_pointer(x) if isinstance(x, types.Array) else x for x in (*given, to)]
    called = element.get_call_type(context, (types.uint64, *kinds), {})

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        e, (_, target, low, high, values) = Emitter(builder, to.dtype), arguments
        function = context.get_function(element, called)
        context.add_linking_libs(getattr(function, "libs", ()))
        data = [builder.extract_value(values, i) for i in range(len(given))]
        for i, x in enumerate(given):
            if isinstance(x, types.Array):
                data[i] = context.make_array(x)(context, builder, data[i]).data
        target = context.make_array(to)(context, builder, target).data
        room = builder.bitcast(cgutils.alloca_once(builder, ir.ArrayType(e.element, size)), e.element.as_pointer())
        at_once = ["llvm.loop.vectorize.width", ir.Constant(I32, size)]
        with _rounds(e, low, high, size) as at:
            here = [builder.gep(v, [at]) if isinstance(x, types.Array) else v for v, x in zip(data, given)]
            with _rounds(e, e.index(0), e.index(size), 1, at_once) as i:
                function(builder, [i, *here, room])
            for i in range(0, size, e.lanes):
                vector = builder.bitcast(builder.gep(target, [builder.add(at, e.index(i))]), e.vector.as_pointer())
                store = builder.store(e.load(builder.gep(room, [e.index(i)])), vector, align=VECTOR_BYTES)
                store.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(I32, 1)]))
        return context.get_dummy_value()

    return types.void(element, to, types.int64, types.int64, given), generate


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
