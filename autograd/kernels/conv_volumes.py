"""Convolution in three dimensions as one in two (`conv`): slices of the result are images.

Their channels are the channels of all slices that the filter covers, so that the filters are those of two dimensions as
they lie in memory, and whatever makes these fast is taken:

    y[n, f, o] = Σ_{c, j} x[n, c, stride o + dilation j - padding] ∗ w[f, c, j]

Slices are taken in blocks, of which each has its own sum for the weight; these are added in their order.  To filters of
one tap that visit every place, a volume is an image as it lies.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from . import conv
from .conv import Way

Shape = tuple[int, ...]
ONES, NONE = (1, 1), (0, 0)
BLOCK = 1 << 20  # elements of such channels at a time: 4 MB of float32, or one slice


class _Depth(NamedTuple):
    """What the convolution is along the first of the three dimensions."""

    size: int
    taps: int
    stride: int
    padding: int
    dilation: int

    def meets(self, tap: int, first: int, last: int) -> tuple[slice, slice]:
        """Of the outputs `first` to `last`, counted from there, those for which a tap is inside; where it is then."""
        start = tap * self.dilation - self.padding
        begin = max(first, -(start // self.stride))
        end = max(begin, min(last, (self.size - 1 - start) // self.stride + 1))
        there = slice(self.stride * begin + start, max(0, self.stride * (end - 1) + start + 1), self.stride)
        return slice(begin - first, end - first), there


def _blocks(samples: int, outputs: int, each: int) -> list[tuple[int, int, int, int]]:
    """Samples, and slices of the result, that are computed together; a slice has `each` elements to look at."""
    if each * outputs > BLOCK:
        step = max(1, BLOCK // each)
        return [(n, n + 1, o, min(o + step, outputs)) for n in range(samples) for o in range(0, outputs, step)]
    step = BLOCK // (each * outputs)
    return [(n, min(n + step, samples), 0, outputs) for n in range(0, samples, step)]


def _stacked(x: np.ndarray, depth: _Depth, first: int, last: int) -> np.ndarray:
    """Channel (c, j) of image (n, o) is x[n, c, stride o + dilation j - padding], or zeros where that is outside."""
    n, c, _, h, w = x.shape
    out = np.empty((n, last - first, c, depth.taps, h, w), x.dtype)
    for j in range(depth.taps):
        mine, there = depth.meets(j, first, last)
        out[:, : mine.start, :, j] = 0
        out[:, mine, :, j] = x[:, :, there].swapaxes(1, 2)
        out[:, mine.stop :, :, j] = 0
    return out.reshape(-1, c * depth.taps, h, w)


def _slices(y: np.ndarray, first: int, last: int) -> np.ndarray:
    """(N, F, O, H, W) as (N · slices, F, H, W)."""
    part = y[:, :, first:last].swapaxes(1, 2)
    return np.ascontiguousarray(part).reshape(-1, *part.shape[2:])


def _filters(w: Shape) -> tuple[int, int, int, int]:
    return w[0], w[1] * w[2], w[3], w[4]


def _visits(kernel: Shape, stride: Shape, padding: Shape) -> bool:
    return {*kernel, *stride} == {1} and {*padding} == {0}


def forward(images: Shape, filters: Shape, kind: Any, stride: Shape, padding: Shape, dilation: Shape, groups: int,
            outputs: Shape) -> Way:  # fmt: skip
    """What takes volumes (N, C, D, H, W), filters (F, C/groups, kD, kH, kW) and a bias to their convolution."""
    (samples, c, size, h, w), flat = images, _filters(filters)
    if _visits(filters[2:], stride, padding):
        way = conv.forward((samples, c, size, h * w), flat, kind, ONES, NONE, ONES, groups, (size, h * w))
        return lambda x, w, b: way(x.reshape(samples, c, size, -1), w.reshape(flat), b).reshape(samples, -1, *outputs)
    depth = _Depth(size, filters[2], stride[0], padding[0], dilation[0])
    blocks = _blocks(samples, outputs[0], c * depth.taps * h * w)
    ways = {
        count: conv.forward((count, c * depth.taps, h, w), flat, kind, (stride[1], stride[2]), (padding[1], padding[2]),
                            (dilation[1], dilation[2]), groups, (outputs[1], outputs[2]))
        for count in {(m - n) * (p - o) for n, m, o, p in blocks}
    }  # fmt: skip

    def run(x: Any, w: Any, bias: Any) -> Any:
        y = np.empty((samples, flat[0], *outputs), kind)
        for n, m, o, p in blocks:
            part = ways[(m - n) * (p - o)](_stacked(x[n:m], depth, o, p), w.reshape(flat), bias)
            y[n:m, :, o:p] = part.reshape(m - n, p - o, *part.shape[1:]).swapaxes(1, 2)
        return y

    return run


def input_cotangent(outputs: Shape, filters: Shape, kind: Any, spatial: Shape, stride: Shape, padding: Shape,
                    dilation: Shape, groups: int) -> Way:  # fmt: skip
    """What takes g (N, F, D', H', W') and filters w to ∂⟨g, x ∗ w⟩/∂x for x of size `spatial`."""
    (samples, f, last, *size), flat, c = outputs, _filters(filters), filters[1] * groups
    if _visits(filters[2:], stride, padding):
        place = last, size[0] * size[1]
        way = conv.input_cotangent((samples, f, *place), flat, kind, place, ONES, NONE, ONES, groups)
        return lambda g, w: way(g.reshape(samples, f, *place), w.reshape(flat)).reshape(samples, -1, *spatial)
    depth = _Depth(spatial[0], filters[2], stride[0], padding[0], dilation[0])
    blocks = _blocks(samples, last, c * depth.taps * spatial[1] * spatial[2])
    ways = {
        count: conv.input_cotangent((count, f, size[0], size[1]), flat, kind, (spatial[1], spatial[2]),
                                    (stride[1], stride[2]), (padding[1], padding[2]), (dilation[1], dilation[2]),
                                    groups)
        for count in {(m - n) * (p - o) for n, m, o, p in blocks}
    }  # fmt: skip

    def run(g: Any, w: Any) -> Any:
        x = np.zeros((samples, c, *spatial), kind)
        for n, m, o, p in blocks:
            part = ways[(m - n) * (p - o)](_slices(g[n:m], o, p), w.reshape(flat))
            part = part.reshape(m - n, p - o, c, depth.taps, *spatial[1:])
            for j in range(depth.taps):
                mine, there = depth.meets(j, o, p)
                x[n:m, :, there] += part[:, mine, :, j].swapaxes(1, 2)
        return x

    return run


def weight_cotangent(outputs: Shape, images: Shape, kind: Any, kernel: Shape, stride: Shape, padding: Shape,
                     dilation: Shape, groups: int) -> Way:  # fmt: skip
    """What takes g (N, F, D', H', W') and volumes x to ∂⟨g, x ∗ w⟩/∂w for filters of size `kernel`."""
    (samples, f, last, *size), (_, c, _, h, w) = outputs, images
    if _visits(kernel, stride, padding):
        first, second = (samples, f, last, h * w), (samples, c, last, h * w)
        way = conv.weight_cotangent(first, second, kind, (1, 1), ONES, NONE, ONES, groups)
        return lambda g, x: way(g.reshape(first), x.reshape(second)).reshape(f, -1, *kernel)
    depth = _Depth(images[2], kernel[0], stride[0], padding[0], dilation[0])
    blocks = _blocks(samples, last, c * depth.taps * h * w)
    ways = {
        count: conv.weight_cotangent((count, f, size[0], size[1]), (count, c * depth.taps, h, w), kind,
                                     (kernel[1], kernel[2]), (stride[1], stride[2]), (padding[1], padding[2]),
                                     (dilation[1], dilation[2]), groups)
        for count in {(m - n) * (p - o) for n, m, o, p in blocks}
    }  # fmt: skip

    def run(g: Any, x: Any) -> Any:
        parts = (ways[(m - n) * (p - o)](_slices(g[n:m], o, p), _stacked(x[n:m], depth, o, p)) for n, m, o, p in blocks)
        total = next(parts)
        for part in parts:
            total += part
        return total.reshape(f, c // groups, *kernel)

    return run
