"""The convolution kernels against their NumPy twins, whatever the size; the same bits for any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from autograd.kernels import conv, get_num_threads, set_num_threads
from autograd.ops.conv import convolution, convolution_input, convolution_weight
from autograd.ops.windows import output_size

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
]
TOLERANCE = {np.float32: 3e-6, np.float64: 1e-14}  # relative to the largest element: sums of up to 800 products


def arrays(case, dtype):
    x_shape, w_shape, stride, padding, dilation, _ = case
    rng = np.random.default_rng(sum(x_shape) + sum(w_shape))
    outputs = tuple(map(output_size, x_shape[2:], w_shape[2:], stride, padding, dilation))
    shapes = (x_shape, w_shape, w_shape[:1], (x_shape[0], w_shape[0], *outputs))
    return *(rng.normal(size=shape).astype(dtype) for shape in shapes), outputs


def results(case, dtype):
    """The three kernels' results."""
    (x, w, b, g, outputs), geometry = arrays(case, dtype), case[2:]
    return (
        conv.forward(x, w, b, *geometry, outputs),
        conv.input_cotangent(g, w, x.shape[2:], *geometry),
        conv.weight_cotangent(g, x, w.shape[2:], *geometry),
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_numpy(case, dtype):
    (x, w, b, g, _), geometry = arrays(case, dtype), case[2:]
    twins = (
        convolution.op.body(x, w, b, *geometry),
        convolution_input.op.body(g, w, x.shape[2:], *geometry),
        convolution_weight.op.body(g, x, w.shape[2:], *geometry),
    )
    for ours, twin in zip(results(case, dtype), twins, strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, twin, rtol=0, atol=TOLERANCE[dtype] * np.abs(twin).max())


def test_threads_do_not_change_a_bit():
    before = get_num_threads()
    try:
        set_num_threads(1)
        alone = [results(case, np.float32) for case in CASES]
        set_num_threads(4)
        together = [results(case, np.float32) for case in CASES]
    finally:
        set_num_threads(before)
    for one, four in zip(alone, together, strict=True):
        for a, b in zip(one, four, strict=True):
            np.testing.assert_array_equal(a, b)


def test_not_a_number_stays():
    """A NaN reaches exactly the outputs whose windows cover it, and infinity times zero is NaN."""
    x = np.ones((1, 1, 8, 40), np.float32)
    x[0, 0, 4, 20] = np.nan
    w = np.ones((1, 1, 3, 3), np.float32)
    y = conv.forward(x, w, None, (1, 1), (0, 0), (1, 1), 1, (6, 38))
    assert np.isnan(y).sum() == 9
    x[0, 0, 4, 20] = np.inf
    w[0, 0, 1, 1] = 0
    y = conv.forward(x, w, None, (1, 1), (0, 0), (1, 1), 1, (6, 38))
    assert np.isnan(y).sum() == 1
    assert np.isinf(y).sum() == 8
