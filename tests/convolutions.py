"""Convolutions of arrays by the kernels that are chosen for their shapes, as the ways themselves are called."""

from __future__ import annotations

from autograd.kernels import conv


def forward(x, w, b, stride, padding, dilation, groups, outputs):
    return conv.forward(x.shape, w.shape, x.dtype, stride, padding, dilation, groups, outputs)(x, w, b)


def input_cotangent(g, w, spatial, stride, padding, dilation, groups):
    return conv.input_cotangent(g.shape, w.shape, g.dtype, spatial, stride, padding, dilation, groups)(g, w)


def weight_cotangent(g, x, kernel, stride, padding, dilation, groups):
    return conv.weight_cotangent(g.shape, x.shape, g.dtype, kernel, stride, padding, dilation, groups)(g, x)
