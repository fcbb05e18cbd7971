"""Register tiles (see `tile`) for convolutions: with a filter's bias added to each row, and memory asked ahead."""

from __future__ import annotations

from functools import partial
from typing import Any

from llvmlite import ir
from numba import types

from .door import ROWS, VECTORS
from .tile import I32, Emitter, _accumulate, _write, intrinsic


def _generate(vectors: int, context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    a, a0, a_row, b, b0, b_row, ahead, bias, s0, c, c0, c_row, k, rows, columns = arguments
    e = Emitter(builder, signature.args[0].dtype)
    left, right, shift, out = (
        builder.gep(context.make_array(signature.args[i])(context, builder, array).data, [start])
        for i, array, start in ((0, a, a0), (3, b, b0), (7, bias, s0), (9, c, c0))
    )
    byte = ir.IntType(8).as_pointer()
    prefetch = e.intrinsic("prefetch.p0", ir.VoidType(), [byte, I32, I32, I32])
    flags = [ir.Constant(I32, flag) for flag in (0, 2, 1)]  # to read, into the second cache, data

    table = isinstance(signature.args[5], types.Array)
    offsets = context.make_array(signature.args[5])(context, builder, b_row).data if table else None

    def distance(n: Any) -> Any:
        """Of row `n` of B; what lies `ahead` of it is asked for, unless rows lie where a table says."""
        if table:
            return builder.load(builder.gep(offsets, [n]))
        start = builder.mul(n, b_row)
        for j in range(vectors):
            place = builder.gep(right, [builder.add(builder.add(start, ahead), e.index(j * e.lanes))])
            builder.call(prefetch, [builder.bitcast(place, byte), *flags])
        return start

    last, starts, added = builder.sub(rows, e.index(1)), [], []
    for i in range(ROWS):  # rows that are not there read the last one again
        row = builder.select(builder.icmp_signed("<", e.index(i), rows), e.index(i), last)
        starts.append(builder.gep(left, [builder.mul(row, a_row)]))
        added.append(builder.gep(shift, [row]))
    sums = _accumulate(e, starts, lambda n: n, right, distance, k, vectors, None)
    for i in range(ROWS):
        more = e.spread(builder.load(added[i]))
        sums[i] = [builder.fadd(total, more) for total in sums[i]]
    _write(e, sums, out, lambda n: builder.mul(n, c_row), rows, columns, e.index(0))
    return context.get_dummy_value()


@intrinsic
def shifted_tile(context: Any, a: Any, a0: Any, a_row: Any, b: Any, b0: Any, b_row: Any, ahead: Any, bias: Any, s0: Any,
               c: Any, c0: Any, c_row: Any, k: Any, rows: Any, columns: Any) -> Any:  # fmt: skip
    """C[c0 + i c_row + j] = S[s0 + i] + Σ_k A[a0 + i a_row + k] B[b0 + k b_row + j] for i < rows, j < columns.

    On its way it asks for the elements of B that lie `ahead` of those that it reads.  `b_row` may be a table of offsets
    in place of a distance; then it does not.
    """
    n = types.int64
    return types.void(a, n, n, b, n, b_row, n, bias, n, c, n, n, n, n, n), partial(_generate, VECTORS)


@intrinsic
def narrow_shifted_tile(context: Any, a: Any, a0: Any, a_row: Any, b: Any, b0: Any, b_row: Any, ahead: Any, bias: Any,
                      s0: Any, c: Any, c0: Any, c_row: Any, k: Any, rows: Any, columns: Any) -> Any:  # fmt: skip
    """`shifted_tile` of one vector's width."""
    n = types.int64
    return types.void(a, n, n, b, n, b_row, n, bias, n, c, n, n, n, n, n), partial(_generate, 1)
