"""The register tile: C[rows x columns] (+)= A[rows x K] B[K x columns] with all of C in vector registers.

This is where the floating-point work of matrix products and convolutions is done.  LLVM does not keep such a tile in
registers when it is written as loops, so `tile` emits it as LLVM IR: for each k, the row of B is loaded as vectors,
each element of the column of A is broadcast, and their products are added to ROWS x VECTORS accumulators by fused
multiply-adds.  Edges are stored under a mask; rows beyond the last read the last one again.

After Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, types

from .door import ROWS, VECTOR_BYTES, VECTORS

intrinsic: Any = extending.intrinsic  # as Numba types it, the context is an argument of every call
LONG = 8  # vectors of a single row: enough for the latency of the multiply-adds
INDEX, I32, BIT = ir.IntType(64), ir.IntType(32), ir.IntType(1)


def columns_of(dtype: Any) -> int:
    """The width of a tile: 32 float32 with AVX-512."""
    return VECTORS * VECTOR_BYTES // np.dtype(dtype).itemsize


class Emitter:
    """LLVM IR for one element type."""

    def __init__(self, builder: Any, element: Any) -> None:
        self.b = builder
        self.element = ir.FloatType() if element == types.float32 else ir.DoubleType()
        self.lanes = VECTOR_BYTES // (4 if element == types.float32 else 8)
        self.vector = ir.VectorType(self.element, self.lanes)
        self.suffix = f"v{self.lanes}f{32 if element == types.float32 else 64}"
        self.zero = ir.Constant(self.vector, [0.0] * self.lanes)

    def index(self, n: int) -> Any:
        return ir.Constant(INDEX, n)

    def intrinsic(self, name: str, result: Any, arguments: list[Any]) -> Any:
        module, full = self.b.module, f"llvm.{name}"
        return module.globals.get(full) or ir.Function(module, ir.FunctionType(result, arguments), full)

    def aligned(self, operation: Any) -> Any:
        operation.align = 4 if self.suffix.endswith("32") else 8  # arrays are aligned to their elements, not to vectors
        return operation

    def load(self, pointer: Any) -> Any:
        return self.aligned(self.b.load(self.b.bitcast(pointer, self.vector.as_pointer())))

    def store(self, value: Any, pointer: Any) -> None:
        self.aligned(self.b.store(value, self.b.bitcast(pointer, self.vector.as_pointer())))

    def spread(self, scalar: Any) -> Any:
        """`scalar` in every lane."""
        undefined = ir.Constant(self.vector, ir.Undefined)
        one = self.b.insert_element(undefined, scalar, ir.Constant(I32, 0))
        return self.b.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(I32, self.lanes), [0] * self.lanes))

    def keep_rolled(self, branch: Any, *more: list[Any]) -> None:
        """Have LLVM leave the loop that `branch` closes: unrolled, the tile no longer fits in the registers."""
        module = self.b.module
        rules = [module.add_metadata(rule) for rule in (["llvm.loop.unroll.disable"], *more)]
        loop = ir.values.MDValue(module, [], name=str(len(module.metadata)))
        loop.operands = (loop, *rules)  # a loop is known by metadata that names itself first
        branch.set_metadata("llvm.loop", loop)

    def multiply_add(self, x: Any, y: Any, z: Any) -> Any:
        return self.b.call(self.intrinsic(f"fma.{self.suffix}", self.vector, [self.vector] * 3), [x, y, z])

    def mask(self, first: int, count: Any) -> Any:
        """Lane i is on if first + i < count."""
        wide = ir.VectorType(I32, self.lanes)
        undefined = ir.Constant(wide, ir.Undefined)
        limit = self.b.sub(self.b.trunc(count, I32), ir.Constant(I32, first))
        limits = self.b.shuffle_vector(self.b.insert_element(undefined, limit, ir.Constant(I32, 0)), undefined,
                                       ir.Constant(wide, [0] * self.lanes))  # fmt: skip
        return self.b.icmp_signed("<", ir.Constant(wide, list(range(self.lanes))), limits)

    def masked_load(self, pointer: Any, mask: Any) -> Any:
        kinds = [self.vector.as_pointer(), I32, mask.type, self.vector]
        function = self.intrinsic(f"masked.load.{self.suffix}.p0", self.vector, kinds)
        return self.b.call(function, [self.b.bitcast(pointer, kinds[0]), ir.Constant(I32, 4), mask, self.zero])

    def masked_store(self, value: Any, pointer: Any, mask: Any) -> None:
        kinds = [self.vector, self.vector.as_pointer(), I32, mask.type]
        function = self.intrinsic(f"masked.store.{self.suffix}.p0", ir.VoidType(), kinds)
        self.b.call(function, [value, self.b.bitcast(pointer, kinds[1]), ir.Constant(I32, 4), mask])


@intrinsic
def tile(context: Any, a: Any, a0: Any, a_row: Any, a_k: Any, b: Any, b0: Any, b_k: Any, c: Any, c0: Any, c_row: Any,
         k: Any, rows: Any, columns: Any, add: Any) -> Any:  # fmt: skip
    """C[c0 + i c_row + j] (+)= Σ_k A[a0 + i a_row + k a_k] B[b0 + k b_k + j] for i < rows, j < columns.

    `a_row`, `a_k` and `b_k` may each be a table of offsets in place of a distance, which is how convolutions find their
    windows.
    """
    n = types.int64
    arguments = (a, n, a_row, a_k, b, n, b_k, c, n, n, n, n, n, n)
    return types.void(*arguments), partial(_generate, ROWS, VECTORS)


@intrinsic
def packing_tile(context: Any, a: Any, a0: Any, a_row: Any, a_k: Any, b: Any, b0: Any, b_k: Any, c: Any, c0: Any,
                 c_row: Any, k: Any, rows: Any, columns: Any, add: Any, packed: Any, p0: Any) -> Any:  # fmt: skip
    """`tile` that on its way packs B: packed[p0 + k w + j] = B[b0 + k b_k + j] for a tile's width w."""
    n = types.int64
    arguments = (a, n, a_row, a_k, b, n, b_k, c, n, n, n, n, n, n, packed, n)
    return types.void(*arguments), partial(_generate, ROWS, VECTORS)


@intrinsic
def narrow_tile(context: Any, a: Any, a0: Any, a_row: Any, a_k: Any, b: Any, b0: Any, b_k: Any, c: Any, c0: Any,
                c_row: Any, k: Any, rows: Any, columns: Any, add: Any) -> Any:  # fmt: skip
    """`tile` of one vector's width, for what would leave the other half of a tile unused."""
    n = types.int64
    arguments = (a, n, a_row, a_k, b, n, b_k, c, n, n, n, n, n, n)
    return types.void(*arguments), partial(_generate, ROWS, 1)


@intrinsic
def wide_tile(context: Any, a: Any, a0: Any, a_row: Any, a_k: Any, b: Any, b0: Any, b_k: Any, c: Any, c0: Any,
              c_row: Any, k: Any, rows: Any, columns: Any, add: Any) -> Any:  # fmt: skip
    """`tile` of three vectors' width."""
    n = types.int64
    arguments = (a, n, a_row, a_k, b, n, b_k, c, n, n, n, n, n, n)
    return types.void(*arguments), partial(_generate, ROWS, 3)


@intrinsic
def tall_tile(context: Any, a: Any, a0: Any, a_row: Any, a_k: Any, b: Any, b0: Any, b_k: Any, c: Any, c0: Any,
              c_row: Any, k: Any, rows: Any, columns: Any, add: Any) -> Any:  # fmt: skip
    """`tile` of one vector's width and twice as many rows."""
    n = types.int64
    arguments = (a, n, a_row, a_k, b, n, b_k, c, n, n, n, n, n, n)
    return types.void(*arguments), partial(_generate, 2 * ROWS, 1)


@intrinsic
def row_tile(context: Any, a: Any, a0: Any, a_row: Any, a_k: Any, b: Any, b0: Any, b_k: Any, c: Any, c0: Any,
             c_row: Any, k: Any, rows: Any, columns: Any, add: Any) -> Any:  # fmt: skip
    """`tile` of a single row of LONG vectors."""
    n = types.int64
    arguments = (a, n, a_row, a_k, b, n, b_k, c, n, n, n, n, n, n)
    return types.void(*arguments), partial(_generate, 1, LONG)


@intrinsic
def table_tile(context: Any, a: Any, a0: Any, a_row: Any, a_k: Any, b: Any, b0: Any, b_k: Any, c: Any, c0: Any,
               c_row: Any, k: Any, rows: Any, columns: Any, add: Any, row0: Any, k0: Any) -> Any:  # fmt: skip
    """`tile` for rows `row0 ...` of the tables `a_row` and `c_row`, and from entry `k0` of the table `a_k`."""
    n = types.int64
    arguments = (a, n, a_row, a_k, b, n, b_k, c, n, c_row, n, n, n, n, n, n)
    return types.void(*arguments), partial(_generate, ROWS, VECTORS)


@intrinsic
def narrow_table_tile(context: Any, a: Any, a0: Any, a_row: Any, a_k: Any, b: Any, b0: Any, b_k: Any, c: Any, c0: Any,
                      c_row: Any, k: Any, rows: Any, columns: Any, add: Any, row0: Any, k0: Any) -> Any:  # fmt: skip
    """`table_tile` of one vector's width."""
    n = types.int64
    arguments = (a, n, a_row, a_k, b, n, b_k, c, n, c_row, n, n, n, n, n, n)
    return types.void(*arguments), partial(_generate, ROWS, 1)


def _generate(height: int, vectors: int, context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    a, a0, a_row, a_k, b, b0, b_k, c, c0, c_row, k, rows, columns, add, *starts = arguments
    e = Emitter(builder, signature.args[0].dtype)
    packs = bool(starts) and isinstance(signature.args[-2], types.Array)
    row0, k0 = (e.index(0), e.index(0)) if packs or not starts else starts

    def data(i: int, array: Any) -> Any:
        return context.make_array(signature.args[i])(context, builder, array).data

    def distance(i: int, value: Any, start: Any) -> Any:
        """Where row `n` starts: as a function, from a distance or from a table."""
        if isinstance(signature.args[i], types.Array):
            table = builder.gep(data(i, value), [start])
            return lambda n: builder.load(builder.gep(table, [n]))
        return lambda n: builder.mul(n, value)

    left, right, out = builder.gep(data(0, a), [a0]), builder.gep(data(4, b), [b0]), builder.gep(data(7, c), [c0])
    left_row, left_k, right_k = distance(2, a_row, row0), distance(3, a_k, k0), distance(6, b_k, e.index(0))
    packed = builder.gep(data(-2, starts[0]), [starts[1]]) if packs else None
    starts, last = [], builder.sub(rows, e.index(1))
    for i in range(height):  # rows that are not there read the last one again
        there = builder.icmp_signed("<", e.index(i), rows)
        starts.append(builder.gep(left, [left_row(builder.select(there, e.index(i), last))]))
    sums = _accumulate(e, starts, left_k, right, right_k, k, vectors, packed)
    _write(e, sums, out, distance(9, c_row, row0), rows, columns, add)
    return context.get_dummy_value()


def _accumulate(e: Emitter, starts: list[Any], a_k: Any, b: Any, b_k: Any, k: Any, vectors: int, packed: Any) -> Any:
    """Σ_k A[i, k] B[k, :], as `vectors` vectors for each of the rows of A that begin at `starts`."""
    builder, height = e.b, len(starts)
    function, before = builder.function, builder.block
    loop, done = function.append_basic_block("tile"), function.append_basic_block("tile_done")
    builder.cbranch(builder.icmp_signed(">", k, e.index(0)), loop, done)
    builder.position_at_end(loop)
    at = builder.phi(INDEX)
    sums = [[builder.phi(e.vector) for _ in range(vectors)] for _ in range(height)]
    at.add_incoming(e.index(0), before)
    for phi in (s for row in sums for s in row):
        phi.add_incoming(e.zero, before)
    here = builder.gep(b, [b_k(at)])
    right = [e.load(builder.gep(here, [e.index(j * e.lanes)])) for j in range(vectors)]
    if packed is not None:
        into = builder.gep(packed, [builder.mul(at, e.index(vectors * e.lanes))])
        for j in range(vectors):
            e.store(right[j], builder.gep(into, [e.index(j * e.lanes)]))
    new, shift = [], a_k(at)
    for i in range(height):
        left = e.spread(builder.load(builder.gep(starts[i], [shift])))
        new.append([e.multiply_add(left, right[j], sums[i][j]) for j in range(vectors)])
    following = builder.add(at, e.index(1))
    at.add_incoming(following, loop)
    for i in range(height):
        for j in range(vectors):
            sums[i][j].add_incoming(new[i][j], loop)
    e.keep_rolled(builder.cbranch(builder.icmp_signed("<", following, k), loop, done))
    builder.position_at_end(done)
    results = []
    for i in range(height):
        row = []
        for j in range(vectors):
            phi = builder.phi(e.vector)
            phi.add_incoming(e.zero, before)
            phi.add_incoming(new[i][j], loop)
            row.append(phi)
        results.append(row)
    return results


def _write(e: Emitter, sums: Any, c: Any, c_row: Any, rows: Any, columns: Any, add: Any) -> None:
    """Store the tile, or add it, where it is inside C."""
    builder, function, height, vectors = e.b, e.b.function, len(sums), len(sums[0])
    full, part, end = (function.append_basic_block(name) for name in ("tile_full", "tile_part", "tile_end"))
    whole = builder.and_(builder.icmp_signed(">=", rows, e.index(height)),
                         builder.icmp_signed(">=", columns, e.index(vectors * e.lanes)))  # fmt: skip
    adding = builder.icmp_signed("!=", add, e.index(0))
    builder.cbranch(whole, full, part)

    builder.position_at_end(full)
    sides = [function.append_basic_block(name) for name in ("tile_add", "tile_set")]
    builder.cbranch(adding, *sides)
    for side in sides:
        builder.position_at_end(side)
        for i in range(height):
            row = builder.gep(c, [c_row(e.index(i))])
            for j in range(vectors):
                place = builder.gep(row, [e.index(j * e.lanes)])
                e.store(builder.fadd(sums[i][j], e.load(place)) if side is sides[0] else sums[i][j], place)
        builder.branch(end)

    builder.position_at_end(part)
    masks = [e.mask(j * e.lanes, columns) for j in range(vectors)]
    kept = builder.select(adding, ir.Constant(BIT, 1), ir.Constant(BIT, 0))
    for i in range(height):
        inside, following = function.append_basic_block(f"tile_row{i}"), function.append_basic_block(f"tile_after{i}")
        builder.cbranch(builder.icmp_signed(">", rows, e.index(i)), inside, end)
        builder.position_at_end(inside)
        row = builder.gep(c, [c_row(e.index(i))])
        for j in range(vectors):
            place = builder.gep(row, [e.index(j * e.lanes)])
            old = builder.select(kept, e.masked_load(place, masks[j]), e.zero)
            e.masked_store(builder.fadd(sums[i][j], old), place, masks[j])
        builder.branch(following)
        builder.position_at_end(following)
    builder.branch(end)
    builder.position_at_end(end)
