"""Convolution plane by plane against its NumPy twin; the same bits for any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from autograd.kernels import conv, conv_planes, get_num_threads, set_num_threads
from autograd.ops.conv import convolution, convolution_input, convolution_weight
from autograd.ops.windows import output_size
from tests import convolutions

# input, filters, channels of a filter, padding, dilation
CASES = [
    ((2, 4, 9, 8), 4, 1, (1, 1), (1, 1)),
    ((3, 2, 20, 37), 6, 1, (0, 2), (2, 1)),  # three filters for a channel, rows in two turns
    ((2, 4, 7, 16), 4, 2, (1, 0), (1, 1)),  # two channels for a filter
    ((1, 3, 5, 33), 3, 1, (4, 5), (1, 1)),  # padding wider than the filter
    ((2, 2, 3, 3), 2, 1, (0, 0), (1, 1)),  # one place an image
    ((1, 2, 1, 1), 2, 1, (1, 1), (1, 1)),  # only padding around
    ((1, 1, 6, 70), 5, 1, (3, 1), (4, 1)),  # more turns than rows
    ((16, 20, 15, 47), 20, 1, (1, 1), (1, 1)),  # several pieces
]
TOLERANCE = {np.float32: 3e-6, np.float64: 1e-14}  # relative to the largest element: sums of up to 11000 products


def results(case, dtype):
    """What the kernels compute, and what their twins do."""
    shape, filters, channels, padding, dilation = case
    rng, geometry = np.random.default_rng(sum(shape)), ((1, 1), padding, dilation, shape[1] // channels)
    outputs = tuple(map(output_size, shape[2:], (3, 3), (1, 1), padding, dilation))
    shapes = shape, (filters, channels, 3, 3), (filters,), (shape[0], filters, *outputs)
    x, w, b, g = (rng.normal(size=s).astype(dtype) for s in shapes)
    planes = geometry[1:]
    yield conv_planes.forward(x, w, b, *planes, outputs), lambda: convolution.op.body(x, w, b, *geometry)
    yield conv_planes.forward(x, w, None, *planes, outputs), lambda: convolution.op.body(x, w, None, *geometry)
    yield (conv_planes.input_cotangent(g, w, shape[2:], *planes),
           lambda: convolution_input.op.body(g, w, shape[2:], *geometry))  # fmt: skip
    yield conv_planes.weight_cotangent(g, x, *planes), lambda: convolution_weight.op.body(g, x, (3, 3), *geometry)


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_numpy(case, dtype):
    for ours, twin in results(case, dtype):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, twin(), rtol=0, atol=TOLERANCE[dtype] * np.abs(twin()).max())


def test_threads_do_not_change_a_bit():
    before, found = get_num_threads(), []
    try:
        for n in (1, 2, 4):
            set_num_threads(n)
            found.append([ours for case in CASES for ours, _ in results(case, np.float32)])
    finally:
        set_num_threads(before)
    for alone, *others in zip(*found, strict=True):
        for together in others:
            np.testing.assert_array_equal(alone, together)


def test_these_shapes_go_plane_by_plane(monkeypatch):
    """Depthwise filters of 3 x 3 do, and nothing that the kernels do not know."""
    for way in (conv.conv_gather, conv.conv_phases, conv.conv_dots):
        monkeypatch.delattr(way, "forward", raising=False)
        monkeypatch.delattr(way, "input_cotangent", raising=False)
        monkeypatch.delattr(way, "weight_cotangent", raising=False)
    x, w = np.ones((1, 3, 5, 5)), np.ones((3, 1, 3, 3))
    geometry = ((1, 1), (1, 1), (1, 1), 3)
    convolutions.forward(x, w, None, *geometry, (5, 5))
    convolutions.input_cotangent(x, w, (5, 5), *geometry)
    convolutions.weight_cotangent(x, x, (3, 3), *geometry)
    assert not conv_planes.suits((3, 3), (2, 1), (1, 1), 1, 8)
    assert not conv_planes.suits((3, 3), (1, 1), (1, 2), 1, 8)
    assert not conv_planes.suits((3, 5), (1, 1), (1, 1), 1, 8)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_stays_where_it_is(value):
    """An element reaches the nine places around it, forward and back."""
    x, w = np.ones((1, 1, 9, 40), np.float32), np.ones((1, 1, 3, 3), np.float32)
    x[0, 0, 4, 20] = value
    reached = np.zeros((9, 40), bool)
    reached[3:6, 19:22] = True
    planes = (1, 1), (1, 1), 1
    for ours in (
        conv_planes.forward(x, w, None, *planes, (9, 40)),
        conv_planes.input_cotangent(x, w, (9, 40), *planes),
    ):
        np.testing.assert_array_equal(~np.isfinite(ours[0, 0]), reached)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("width", [7, 16, 20, 32, 35])
def test_a_corner_that_is_not_finite_meets_one_tap(width, value):
    planes = (0, 0), (1, 1), 1
    for corner, tap in (((0, 0), 0), ((3, width + 1), 8)):
        x = np.ones((1, 1, 4, width + 2), np.float32)
        x[0, 0][corner] = value
        found = conv_planes.weight_cotangent(np.ones((1, 1, 2, width), np.float32), x, *planes)
        np.testing.assert_array_equal(~np.isfinite(found.reshape(-1)), np.arange(9) == tap)
