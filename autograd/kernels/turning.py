"""Blocks turned round on their way to where something is added to them."""

from __future__ import annotations

from typing import Any

from numba import types

from .moves import _exchanged as exchanged
from .tile import Emitter, intrinsic


@intrinsic
def transpose_onto(context: Any, a: Any, a0: Any, a_row: Any, d: Any, d0: Any, d_row: Any, c: Any, c0: Any, c_row: Any,
                   rows: Any, columns: Any) -> Any:  # fmt: skip
    """C[c0 + j c_row + i] = A[a0 + i a_row + j] + D[d0 + j d_row + i] for i < `rows`, j < `columns`; of A a square
    block of one vector's length is read."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, a0, a_row, d, d0, d_row, c, c0, c_row, rows, columns = arguments
        e = Emitter(builder, signature.args[0].dtype)
        source, added, target = (
            builder.gep(context.make_array(signature.args[i])(context, builder, array).data, [start])
            for i, array, start in ((0, a, a0), (3, d, d0), (6, c, c0))
        )
        lines = [e.load(builder.gep(source, [builder.mul(e.index(i), a_row)])) for i in range(e.lanes)]
        for j, line in enumerate(exchanged(e, lines)):
            mask = e.mask(0, builder.select(builder.icmp_signed("<", e.index(j), columns), rows, e.index(0)))
            e.masked_store(builder.fadd(line, e.masked_load(added, mask)), target, mask)
            added, target = builder.gep(added, [d_row]), builder.gep(target, [c_row])
        return context.get_dummy_value()

    n = types.int64
    return types.void(a, n, n, d, n, n, c, n, n, n, n), generate
