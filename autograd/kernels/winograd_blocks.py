"""Winograd's maps for blocks of tiles that lie across a vector: from a plane of an image, and back to one.

A vector holds as many tiles as it has lanes, a block of 2 or 4 rows of them; with 16 lanes 2 x 8 or 4 x 4.  A block's
pixels are four *runs* of one vector's length for each row of pixels in a tile: the two halves of a row of 8 tiles, or
rows of 4.  Two runs together hold the first half of the tiles.  One exchange of their elements puts column s of all
these tiles beside column s + 1, and a second one joins the halves; on the way back it is the reverse.

So images stay plane by plane as they are: nothing is transposed and nothing is padded.  What is outside an image is
masked by columns, and by rows read from zeros, or written where it does no harm.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from llvmlite import ir
from numba import types

from .tile import I32, Emitter, intrinsic
from .winograd_maps import OUTPUTS, SIDE, A, B, applied

WIDE, SQUARE = 2, 4  # rows of tiles


def runs_of(lanes: int, rows: int) -> list[list[tuple[int, int]]]:
    """For each half of the tiles its two runs: the row of tiles that one is in, and its first column of pixels."""
    if rows == WIDE:
        return [[(half, 0), (half, lanes)] for half in range(2)]
    return [[(2 * half, 0), (2 * half + 1, 0)] for half in range(2)]


def _exchanged(e: Emitter, x: Any, y: Any, lanes: list[int]) -> Any:
    return e.b.shuffle_vector(x, y, ir.Constant(ir.VectorType(I32, e.lanes), lanes))


def _inside(e: Emitter, left: Any, first: int, width: Any) -> Any:
    """Lane i is on if 0 <= left + first + i < width."""
    wide = ir.VectorType(I32, e.lanes)

    def spread(value: Any) -> Any:
        undefined, narrow = ir.Constant(wide, ir.Undefined), e.b.trunc(value, I32)
        one = e.b.insert_element(undefined, narrow, ir.Constant(I32, 0))
        return e.b.shuffle_vector(one, undefined, ir.Constant(wide, [0] * e.lanes))

    columns = e.b.add(spread(left), ir.Constant(wide, [first + i for i in range(e.lanes)]))
    return e.b.icmp_unsigned("<", columns, spread(width))


def _rows(e: Emitter, image: Any, elsewhere: Any, top: Any, height: Any, width: Any, count: int) -> list[Any]:
    """Where the rows `top` ... of an image begin; rows that it does not have are `elsewhere`."""
    starts = []
    for r in range(count):
        row = e.b.add(top, e.index(r))
        there = e.b.icmp_unsigned("<", row, height)
        starts.append(e.b.select(there, e.b.gep(image, [e.b.mul(row, width)]), elsewhere))
    return starts


def _values(block: int, context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    x, x0, height, width, top, left, zeros, v, v0, v_step = arguments
    e = Emitter(builder, signature.args[0].dtype)
    image, blank, target = (
        builder.gep(context.make_array(signature.args[i])(context, builder, array).data, [start])
        for i, array, start in ((0, x, builder.add(x0, left)), (6, zeros, left), (7, v, v0))
    )
    rows, half = _rows(e, image, blank, top, height, width, OUTPUTS * block + SIDE - OUTPUTS), e.lanes // 2
    halves = runs_of(e.lanes, block)
    places = {column + shift for two in halves for _, column in two for shift in (0, OUTPUTS)}
    masks = {column: _inside(e, left, column, width) for column in sorted(places)}
    low = [*range(half), *range(e.lanes, e.lanes + half)]
    grid: list[list[Any]] = [[] for _ in range(SIDE)]
    for s in range(0, SIDE, 2):  # columns s and s + 1 of all tiles
        shift, first = s // OUTPUTS * OUTPUTS, s % OUTPUTS
        order = [OUTPUTS * i + first + side for side in range(2) for i in range(half)]
        pairs = []
        for two in halves:
            lines = []
            for r in range(SIDE):
                runs = [e.masked_load(builder.gep(rows[OUTPUTS * tile + r], [e.index(column + shift)]),
                                      masks[column + shift]) for tile, column in two]  # fmt: skip
                lines.append(_exchanged(e, runs[0], runs[1], order))
            pairs.append(applied(e, B, lines))
        for i in range(SIDE):
            grid[i] += [_exchanged(e, pairs[0][i], pairs[1][i], [lane + side for lane in low]) for side in (0, half)]
    for i in range(SIDE):
        for s, value in enumerate(applied(e, B, grid[i])):
            e.store(value, builder.gep(target, [builder.mul(v_step, e.index(SIDE * i + s))]))
    return context.get_dummy_value()


def _outputs(block: int, context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    m, m0, m_step, y, y0, height, width, top, left, shift, waste, doubt = arguments
    e = Emitter(builder, signature.args[0].dtype)
    source, image, nowhere, sum_of = (
        builder.gep(context.make_array(signature.args[i])(context, builder, array).data, [start])
        for i, array, start in ((0, m, m0), (3, y, builder.add(y0, left)), (10, waste, e.index(0)),
                                (11, doubt, e.index(0)))
    )  # fmt: skip
    rows, half, added = _rows(e, image, nowhere, top, height, width, OUTPUTS * block), e.lanes // 2, e.spread(shift)
    masks = {column: _inside(e, left, column, width) for column in ((0, e.lanes) if block == WIDE else (0,))}
    columns = []
    for s in range(SIDE):
        places = [builder.gep(source, [builder.mul(m_step, e.index(SIDE * i + s))]) for i in range(SIDE)]
        columns.append(applied(e, A, [e.load(place) for place in places]))
    total = e.zero
    for r in range(OUTPUTS):
        four = [builder.fadd(value, added) for value in applied(e, A, [column[r] for column in columns])]
        some = builder.fadd(builder.fadd(four[0], four[1]), builder.fadd(four[2], four[3]))
        total = builder.fadd(total, some)
        for side, two in enumerate(runs_of(e.lanes, block)):
            order = [lane for i in range(side * half, side * half + half) for lane in (i, e.lanes + i)]
            left_pair, right_pair = (_exchanged(e, four[k], four[k + 1], order) for k in (0, 2))
            for k, (tile, column) in enumerate(two):
                order = [lane + 2 * i for i in range(k * half // 2, (k + 1) * half // 2)
                         for lane in (0, 1, e.lanes, e.lanes + 1)]  # fmt: skip
                place = builder.gep(rows[OUTPUTS * tile + r], [e.index(column)])
                e.masked_store(_exchanged(e, left_pair, right_pair, order), place, masks[column])
    e.store(e.multiply_add(total, e.zero, e.load(sum_of)), sum_of)
    return context.get_dummy_value()


def _values_of(x: Any, zeros: Any, v: Any, block: int) -> Any:
    n = types.int64
    return types.void(x, n, n, n, n, n, zeros, v, n, n), partial(_values, block)


def _outputs_of(m: Any, y: Any, waste: Any, doubt: Any, block: int) -> Any:
    n = types.int64
    return types.void(m, n, n, y, n, n, n, n, n, y.dtype, waste, doubt), partial(_outputs, block)


@intrinsic
def wide_values(context: Any, x: Any, x0: Any, height: Any, width: Any, top: Any, left: Any, zeros: Any, v: Any,
                v0: Any, v_step: Any) -> Any:  # fmt: skip
    """Bᵀ d B of the block whose first pixel is (`top`, `left`) of the plane X[x0 ...]: place e at V[v0 + e v_step].

    There are `zeros` for a row of the plane.
    """
    return _values_of(x, zeros, v, WIDE)


@intrinsic
def square_values(context: Any, x: Any, x0: Any, height: Any, width: Any, top: Any, left: Any, zeros: Any, v: Any,
                  v0: Any, v_step: Any) -> Any:  # fmt: skip
    """`wide_values` of a block of 4 rows."""
    return _values_of(x, zeros, v, SQUARE)


@intrinsic
def wide_outputs(context: Any, m: Any, m0: Any, m_step: Any, y: Any, y0: Any, height: Any, width: Any, top: Any,
                 left: Any, shift: Any, waste: Any, doubt: Any) -> Any:  # fmt: skip
    """Aᵀ m A + `shift`, into the plane Y[y0 ...]; rows that it does not have go to `waste`.

    0 times their sum is added to the vector `doubt`, which stays 0 as long as all results are finite.
    """
    return _outputs_of(m, y, waste, doubt, WIDE)


@intrinsic
def square_outputs(context: Any, m: Any, m0: Any, m_step: Any, y: Any, y0: Any, height: Any, width: Any, top: Any,
                   left: Any, shift: Any, waste: Any, doubt: Any) -> Any:  # fmt: skip
    """`wide_outputs` of a block of 4 rows."""
    return _outputs_of(m, y, waste, doubt, SQUARE)
