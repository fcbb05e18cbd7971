"""Convolution in two dimensions without im2col: which way for which shapes.

Filters across the vector and places of the result in the tile's rows (`conv_gather`), or, where there are too few
filters to fill a vector, the other way round (`conv_phases`, and for the weight `conv_dots` or `conv_narrow`).  Groups
of few channels and filters of 3 x 3 go plane by plane (`conv_planes`), filters of 1 x 1 need no windows
(`conv_points`), and results of few channels are made row by row (`conv_rows`).  Before them, where it pays and is not
switched off, an algorithm with fewer multiplications (`winograd`).  It spreads what is not finite over the tile, so a
result that has any is made again, directly; `conv_narrow` does so too.
"""

from __future__ import annotations

import numpy as np

from . import conv_dots, conv_gather, conv_narrow, conv_phases, conv_planes, conv_points, conv_rows, winograd
from .conv_pieces import Pair
from .moves import lanes_of

FEW, SOME = 8, 64  # filter planes of a group, up to which going plane by plane is fastest: for images, for the weight


def _few(columns: int, result: Pair, stride: Pair, lanes: int) -> bool:
    """Whether so few columns leave much of a vector unused, or of a tile where the other way wastes little."""
    return columns <= lanes // 2 or (columns <= lanes <= result[1] and stride == (1, 1))


def forward(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, stride: Pair, padding: Pair, dilation: Pair,
            groups: int, outputs: Pair) -> np.ndarray:  # fmt: skip
    """Convolution of (N, C, H, W) with (F, C/groups, kH, kW)."""
    if winograd.suits(x, weight.shape, outputs, stride, padding, dilation, groups):
        y = winograd.forward(x, weight, bias, padding, outputs)
        if y is not None:
            return y
    if conv_planes.suits(weight.shape[2:], stride, dilation, weight.shape[1] * (len(weight) // groups), FEW):
        return conv_planes.forward(x, weight, bias, padding, dilation, groups, outputs)
    if conv_points.suits(weight.shape[2:], stride, padding, x[0, 0].size):
        return conv_points.forward(x, weight, bias, groups)
    if conv_rows.suits(weight.shape, outputs, groups, lanes_of(x.dtype)):
        return conv_rows.forward(x, weight, bias, stride, padding, dilation, groups, outputs)
    way = conv_phases if _few(len(weight) // groups, outputs, stride, lanes_of(x.dtype)) else conv_gather
    return way.forward(x, weight, bias, stride, padding, dilation, groups, outputs)


def input_cotangent(g: np.ndarray, weight: np.ndarray, spatial: Pair, stride: Pair, padding: Pair, dilation: Pair,
                    groups: int) -> np.ndarray:  # fmt: skip
    """∂⟨g, x ∗ w⟩/∂x for x of size `spatial`."""
    if winograd.suits(g, weight.shape, spatial, stride, padding, dilation, groups):
        x = winograd.input_cotangent(g, weight, spatial, padding)
        if x is not None:
            return x
    if conv_planes.suits(weight.shape[2:], stride, dilation, weight.shape[1] * (len(weight) // groups), FEW):
        return conv_planes.input_cotangent(g, weight, spatial, padding, dilation, groups)
    if conv_points.suits(weight.shape[2:], stride, padding, g[0, 0].size):
        return conv_points.input_cotangent(g, weight, groups)
    way = conv_phases if _few(weight.shape[1], spatial, stride, lanes_of(g.dtype)) else conv_gather
    return way.input_cotangent(g, weight, spatial, stride, padding, dilation, groups)


def weight_cotangent(g: np.ndarray, x: np.ndarray, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair,
                     groups: int) -> np.ndarray:  # fmt: skip
    """∂⟨g, x ∗ w⟩/∂w for filters of size `kernel`."""
    shape, outputs = (g.shape[1], x.shape[1], *kernel), (g.shape[2], g.shape[3])
    if winograd.suits(x, shape, outputs, stride, padding, dilation, groups, winograd.LEAST_OF_WEIGHT):
        w = winograd.weight_cotangent(g, x, padding)
        if w is not None:
            return w
    if conv_planes.suits(kernel, stride, dilation, g.shape[1] // groups * (x.shape[1] // groups), SOME):
        return conv_planes.weight_cotangent(g, x, padding, dilation, groups)
    if conv_narrow.suits(kernel, stride, padding, dilation, groups, x.shape[1], len(g[0]), lanes_of(x.dtype)):
        w = conv_narrow.weight_cotangent(g, x, padding)
        if np.isfinite(w).all():
            return w
    way = conv_dots if g.shape[1] // groups <= lanes_of(g.dtype) // 4 else conv_gather
    return way.weight_cotangent(g, x, kernel, stride, padding, dilation, groups)
