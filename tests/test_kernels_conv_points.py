"""Convolution with filters of 1 x 1 against its NumPy twin; the same bits for any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from autograd.kernels import conv_points, get_num_threads, set_num_threads
from autograd.ops.conv import convolution, convolution_input
from tests import convolutions

# images, filters, groups
CASES = [
    ((2, 3, 9, 11), 5, 1),
    ((1, 6, 1, 97), 4, 2),  # one dimension, half a tile
    ((3, 20, 10, 12), 19, 1),
    ((9, 128, 14, 14), 40, 1),  # several pieces
    ((2, 300, 11, 11), 70, 2),  # filters turned in parts
    ((3, 129, 8, 20), 21, 1),  # vectors that are lines of the cache
]
PLAIN = (1, 1), (0, 0), (1, 1)


def results(case, dtype):
    """What the kernels compute, and what their twins do."""
    shape, filters, groups = case
    rng = np.random.default_rng(sum(shape))
    shapes = shape, (filters, shape[1] // groups, 1, 1), (filters,), (shape[0], filters, *shape[2:])
    x, w, b, g = (rng.normal(size=s).astype(dtype) for s in shapes)
    for shift in (b, None):
        yield conv_points.forward(x, w, shift, groups), convolution.op.body(x, w, shift, *PLAIN, groups)
    yield conv_points.input_cotangent(g, w, groups), convolution_input.op.body(g, w, shape[2:], *PLAIN, groups)


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_numpy(case, dtype):
    for ours, twin in results(case, dtype):
        assert ours.dtype == dtype
        atol = {np.float32: 1e-6, np.float64: 1e-15}[dtype] * np.abs(twin).max()  # sums of up to 150 products
        np.testing.assert_allclose(ours, twin, rtol=0, atol=atol)


def test_threads_do_not_change_a_bit():
    before, found = get_num_threads(), []
    try:
        for n in (1, 2, 4):
            set_num_threads(n)
            found.append([ours for case in CASES for ours, _ in results(case, np.float32)])
    finally:
        set_num_threads(before)
    for alone, two, four in zip(*found, strict=True):
        np.testing.assert_array_equal(alone, two)
        np.testing.assert_array_equal(alone, four)


def test_wherever_the_image_begins():
    """The first strip is as long as it takes until vectors are lines of the cache."""
    rng, kept = np.random.default_rng(0), []
    x, w = (rng.normal(size=shape).astype(np.float32) for shape in ((2, 130, 8, 20), (9, 130, 1, 1)))
    for start in range(16):
        room = np.empty(x.size + 16, np.float32)[start : start + x.size].reshape(x.shape)
        room[...] = x
        kept.append(conv_points.forward(room, w, None, 1))
    for y in kept:
        np.testing.assert_array_equal(y, kept[0])


def test_not_a_number_stays_in_its_place():
    x = np.ones((1, 2, 8, 15), np.float32)
    x[0, 1, 3, 4] = np.nan
    y = convolutions.forward(x, np.ones((3, 2, 1, 1), np.float32), None, *PLAIN, 1, (8, 15))
    assert np.isnan(y[0, :, 3, 4]).all()
    assert np.isnan(y).sum() == 3


def test_which_shapes_go_this_way():
    assert conv_points.suits((1, 1), (1, 1), (0, 0), 96)
    assert not conv_points.suits((1, 1), (1, 1), (0, 0), 95)
    for other in (((1, 2), (1, 1), (0, 0)), ((1, 1), (1, 2), (0, 0)), ((1, 1), (1, 1), (0, 1))):
        assert not conv_points.suits(*other, 96)
