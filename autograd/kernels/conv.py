"""Convolution in two dimensions without im2col: which way for which shapes.

Filters across the vector and places of the result in the tile's rows (`conv_gather`), or, where there are too few
filters to fill a vector, the other way round (`conv_phases`, and for the weight `conv_dots` or `conv_narrow`).  Groups
of few channels and filters of 3 x 3 go plane by plane (`conv_planes`), filters of 1 x 1 need no windows
(`conv_points`), and results of few channels are made row by row (`conv_rows`).  Before them, where it pays and is not
switched off, an algorithm with fewer multiplications (`winograd`).  It spreads what is not finite over the tile, so a
result that has any is made again, directly; `conv_narrow` does so too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import conv_dots, conv_gather, conv_narrow, conv_phases, conv_planes, conv_points, conv_rows, winograd
from .conv_pieces import Pair
from .moves import lanes_of

Way = Callable[..., Any]
Shape = tuple[int, int, int, int]

FEW, SOME = 8, 64  # filter planes of a group, up to which going plane by plane is fastest: for images, for the weight


def _few(columns: int, result: Pair, stride: Pair, lanes: int) -> bool:
    """Whether so few columns leave much of a vector unused, or of a tile where the other way wastes little."""
    return columns <= lanes // 2 or (columns <= lanes <= result[1] and stride == (1, 1))


def _first(ways: list[Way]) -> Way:
    """The result of the first way that has one: those before the last may decline, by None."""
    *others, last = ways
    if not others:
        return last

    def tried(*arrays: Any) -> Any:
        for way in others:
            y = way(*arrays)
            if y is not None:
                return y
        return last(*arrays)

    return tried


def forward(images: Shape, filters: Shape, kind: Any, stride: Pair, padding: Pair, dilation: Pair, groups: int,
            outputs: Pair) -> Way:  # fmt: skip
    """What takes images (N, C, H, W), filters (F, C/groups, kH, kW) and a bias (F,) or None to their convolution."""
    f, c, kernel = filters[0], filters[1], filters[2:]
    lanes, ways = lanes_of(kind), list[Way]()
    if winograd.suits(images[0], kind, filters, outputs, stride, padding, dilation, groups):
        ways.append(lambda x, w, b: winograd.forward(x, w, b, padding, outputs))
    if conv_planes.suits(kernel, stride, dilation, c * (f // groups), FEW):
        ways.append(lambda x, w, b: conv_planes.forward(x, w, b, padding, dilation, groups, outputs))
    elif conv_points.suits(kernel, stride, padding, images[2] * images[3]):
        ways.append(lambda x, w, b: conv_points.forward(x, w, b, groups))
    elif conv_rows.suits(filters, outputs, groups, lanes):
        ways.append(lambda x, w, b: conv_rows.forward(x, w, b, stride, padding, dilation, groups, outputs))
    else:
        way = conv_phases if _few(f // groups, outputs, stride, lanes) else conv_gather
        ways.append(lambda x, w, b: way.forward(x, w, b, stride, padding, dilation, groups, outputs))
    return _first(ways)


def input_cotangent(outputs: Shape, filters: Shape, kind: Any, spatial: Pair, stride: Pair, padding: Pair,
                    dilation: Pair, groups: int) -> Way:  # fmt: skip
    """What takes g (N, F, H', W') and filters w to ∂⟨g, x ∗ w⟩/∂x for x of size `spatial`."""
    f, c, kernel = filters[0], filters[1], filters[2:]
    lanes, ways = lanes_of(kind), list[Way]()
    if winograd.suits(outputs[0], kind, filters, spatial, stride, padding, dilation, groups):
        ways.append(lambda g, w: winograd.input_cotangent(g, w, spatial, padding))
    if conv_planes.suits(kernel, stride, dilation, c * (f // groups), FEW):
        ways.append(lambda g, w: conv_planes.input_cotangent(g, w, spatial, padding, dilation, groups))
    elif conv_points.suits(kernel, stride, padding, outputs[2] * outputs[3]):
        ways.append(lambda g, w: conv_points.input_cotangent(g, w, groups))
    else:
        way = conv_phases if _few(c, spatial, stride, lanes) else conv_gather
        ways.append(lambda g, w: way.input_cotangent(g, w, spatial, stride, padding, dilation, groups))
    return _first(ways)


def weight_cotangent(outputs: Shape, images: Shape, kind: Any, kernel: Pair, stride: Pair, padding: Pair,
                     dilation: Pair, groups: int) -> Way:  # fmt: skip
    """What takes g (N, F, H', W') and images x to ∂⟨g, x ∗ w⟩/∂w for filters of size `kernel`."""
    (n, f, *size), c = outputs, images[1]
    lanes, ways = lanes_of(kind), list[Way]()
    if winograd.suits(n, kind, (f, c, *kernel), (size[0], size[1]), stride, padding, dilation, groups,
                      winograd.LEAST_OF_WEIGHT):  # fmt: skip
        ways.append(lambda g, x: winograd.weight_cotangent(g, x, padding))
    if conv_planes.suits(kernel, stride, dilation, f // groups * (c // groups), SOME):
        ways.append(lambda g, x: conv_planes.weight_cotangent(g, x, padding, dilation, groups))
        return _first(ways)
    if conv_narrow.suits(kernel, stride, padding, dilation, groups, c, f, lanes):
        ways.append(lambda g, x: conv_narrow.weight_cotangent(g, x, padding))
    way = conv_dots if f // groups <= lanes // 4 else conv_gather
    ways.append(lambda g, x: way.weight_cotangent(g, x, kernel, stride, padding, dilation, groups))
    return _first(ways)
