"""The convolution kernels against their NumPy twins, whatever the size; the same bits for any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from autograd.kernels import conv_dots, conv_gather, conv_phases, conv_rows, get_num_threads, set_num_threads
from autograd.ops.conv import convolution, convolution_input, convolution_weight
from autograd.ops.windows import output_size
from tests import convolutions

# input, weight, stride, padding, dilation, groups
CASES = [
    ((2, 3, 9, 8), (4, 3, 3, 3), (1, 1), (0, 0), (1, 1), 1),
    ((3, 4, 9, 8), (6, 2, 3, 2), (1, 1), (1, 2), (1, 1), 2),
    ((2, 3, 11, 12), (5, 3, 3, 3), (2, 2), (1, 1), (1, 1), 1),
    ((2, 3, 11, 12), (5, 3, 2, 3), (2, 3), (1, 0), (2, 1), 1),
    ((1, 2, 7, 7), (2, 2, 1, 1), (3, 3), (0, 0), (1, 1), 1),  # a filter smaller than its stride: gaps in the gradient
    ((2, 8, 20, 20), (8, 1, 3, 3), (1, 1), (1, 1), (1, 1), 8),
    ((2, 1, 28, 28), (32, 1, 5, 5), (1, 1), (2, 2), (1, 1), 1),
    ((18, 16, 6, 33), (40, 16, 3, 3), (1, 1), (1, 1), (1, 1), 1),  # more samples than pieces of work
    ((2, 3, 1, 40), (5, 3, 1, 7), (1, 2), (0, 3), (1, 2), 1),  # one dimension
    ((1, 2, 5, 5), (3, 2, 2, 2), (1, 1), (3, 3), (1, 1), 1),  # padding wider than the filter
    ((7, 20, 8, 8), (70, 20, 4, 4), (2, 2), (1, 1), (1, 1), 1),  # several images in a tile, a part of a panel
    ((5, 33, 4, 4), (34, 33, 4, 4), (1, 1), (0, 0), (1, 1), 1),  # one place an image
    ((3, 24, 9, 9), (40, 12, 3, 3), (3, 2), (1, 2), (2, 1), 2),  # wide groups
    ((2, 17, 45, 46), (18, 17, 3, 3), (1, 1), (1, 1), (1, 1), 1),  # more places than a chunk, more taps than a part
    ((1, 20, 67, 37), (18, 20, 3, 3), (2, 3), (1, 1), (1, 1), 1),  # phases in chunks
    ((6, 64, 5, 5), (33, 64, 3, 3), (1, 1), (1, 1), (1, 1), 1),  # pieces of the channels, with several images each
    ((9, 18, 13, 13), (20, 18, 1, 1), (2, 2), (0, 0), (1, 1), 1),  # phases without a tap
    ((2, 3, 150, 64), (10, 3, 7, 7), (2, 2), (3, 3), (1, 1), 1),  # a first layer, in blocks of rows
]
WAYS = [
    (way, name)
    for name in ("forward", "input_cotangent", "weight_cotangent")
    for way in (convolutions, conv_gather, conv_phases, conv_rows, conv_dots)
    if hasattr(way, name)
]
TOLERANCE = {np.float32: 3e-6, np.float64: 1e-14}  # relative to the largest element: sums of up to 4000 products


def arrays(case, dtype):
    x_shape, w_shape, stride, padding, dilation, _ = case
    rng = np.random.default_rng(sum(x_shape) + sum(w_shape))
    outputs = tuple(map(output_size, x_shape[2:], w_shape[2:], stride, padding, dilation))
    shapes = (x_shape, w_shape, w_shape[:1], (x_shape[0], w_shape[0], *outputs))
    return *(rng.normal(size=shape).astype(dtype) for shape in shapes), outputs


def result(way, name, case, dtype):
    """What the function `name` of the module `way` computes."""
    (x, w, b, g, outputs), geometry = arrays(case, dtype), case[2:]
    if name == "forward":
        return way.forward(x, w, b, *geometry, outputs)
    if name == "input_cotangent":
        return way.input_cotangent(g, w, x.shape[2:], *geometry)
    return way.weight_cotangent(g, x, w.shape[2:], *geometry)


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_numpy(case, dtype):
    """Each way, whichever is chosen for the shapes."""
    (x, w, b, g, _), geometry = arrays(case, dtype), case[2:]
    twins = {
        "forward": convolution.op.body(x, w, b, *geometry),
        "input_cotangent": convolution_input.op.body(g, w, x.shape[2:], *geometry),
        "weight_cotangent": convolution_weight.op.body(g, x, w.shape[2:], *geometry),
    }
    for way, name in WAYS:
        ours, twin = result(way, name, case, dtype), twins[name]
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, twin, rtol=0, atol=TOLERANCE[dtype] * np.abs(twin).max(), err_msg=name)


def test_threads_do_not_change_a_bit():
    before, cases = get_num_threads(), [*CASES, ((16, 32, 12, 12), (40, 32, 3, 3), (1, 1), (1, 1), (1, 1), 1)]
    try:
        set_num_threads(1)
        alone = [result(*way, case, np.float32) for case in cases for way in WAYS]
        set_num_threads(4)
        together = [result(*way, case, np.float32) for case in cases for way in WAYS]
    finally:
        set_num_threads(before)
    for one, four in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, four)


@pytest.mark.parametrize("filters", [1, 20], ids=["phases", "gather"])
def test_not_a_number_stays(filters):
    """A NaN reaches exactly the outputs whose windows cover it, and infinity times zero is NaN."""
    x = np.ones((1, 1, 8, 40), np.float32)
    x[0, 0, 4, 20] = np.nan
    w = np.ones((filters, 1, 3, 3), np.float32)
    y = convolutions.forward(x, w, None, (1, 1), (0, 0), (1, 1), 1, (6, 38))
    assert np.isnan(y).sum() == 9 * filters
    x[0, 0, 4, 20] = np.inf
    w[:, 0, 1, 1] = 0
    y = convolutions.forward(x, w, None, (1, 1), (0, 0), (1, 1), 1, (6, 38))
    assert np.isnan(y).sum() == filters
    assert np.isinf(y).sum() == 8 * filters


def test_memory_in_any_order():
    """The ops take arrays whose elements do not lie in row-major order."""
    x_shape, w_shape, *geometry = CASES[-2]
    x, w, b, g, _ = arrays(CASES[-2], np.float32)
    turned = [a.transpose(3, 1, 0, 2).copy().transpose(2, 1, 3, 0) for a in (x, w, g)]
    geometry = tuple(geometry)
    for op, first, second, third in (
        (convolution.op, 0, 1, b), (convolution_input.op, 2, 1, x_shape[2:]), (convolution_weight.op, 2, 0, w_shape[2:])
    ):  # fmt: skip
        plain = op.run((x, w, g)[first], (x, w, g)[second], third, *geometry)
        np.testing.assert_array_equal(op.run(turned[first], turned[second], third, *geometry), plain)


@pytest.mark.parametrize("spatial", [(5,), (4, 4), (3, 2, 4)], ids=str)
def test_a_filter_as_large_as_the_image(spatial):
    """One window: a product of two matrices."""
    rng, ones, zeros = np.random.default_rng(0), (1,) * len(spatial), (0,) * len(spatial)
    x, w, b, g = (rng.normal(size=s) for s in ((6, 3, *spatial), (5, 3, *spatial), (5,), (6, 5, *ones)))
    geometry = (ones, zeros, ones, 1)
    ops = (convolution.op, x, w, b), (convolution_input.op, g, w, spatial), (convolution_weight.op, g, x, spatial)
    for op, *given in ops:
        ours, twin = op.run(*given, *geometry), op.body(*given, *geometry)
        assert ours.shape == twin.shape
        np.testing.assert_allclose(ours, twin, rtol=0, atol=1e-14 * np.abs(twin).max())


def test_which_shapes_go_row_by_row():
    """Those of many filters, few channels and well-filled rows, of as many vectors as fill a tile."""
    assert conv_rows.suits((64, 3, 7, 7), (32, 32), 1, 16)
    assert conv_rows.suits((64, 16, 3, 3), (9, 28), 2, 16)
    for weight, outputs, groups in (((64, 17, 3, 3), (32, 32), 1), ((7, 3, 3, 3), (32, 32), 2),
                                    ((64, 3, 3, 3), (32, 33), 1), ((64, 3, 3, 3), (32, 16), 1)):  # fmt: skip
        assert not conv_rows.suits(weight, outputs, groups, 16)
