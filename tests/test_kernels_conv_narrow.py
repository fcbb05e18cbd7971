"""The gradient of a vector of filters of 3 x 3 against its NumPy twin; the same bits for any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from autograd.kernels import conv_narrow, get_num_threads, set_num_threads
from autograd.kernels.moves import lanes_of
from autograd.ops.conv import convolution_weight
from tests import convolutions

# images, padding
CASES = [
    ((2, 4, 9, 8), (1, 1)),
    ((5, 17, 20, 37), (0, 2)),
    ((3, 9, 20, 21), (2, 0)),
    ((1, 2, 1, 1), (1, 1)),
    ((20, 8, 15, 17), (1, 1)),  # several pieces
]
TOLERANCE = {np.float32: 3e-6, np.float64: 1e-14}  # relative to the largest element: sums of up to 5000 products


def arrays(case, filters, dtype):
    (n, c, h, w), (p_h, p_w) = case
    rng = np.random.default_rng(n + c)
    g = rng.normal(size=(n, filters, h + 2 * p_h - 2, w + 2 * p_w - 2))
    return g.astype(dtype), rng.normal(size=(n, c, h, w)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_numpy(case, dtype):
    for filters in (1, lanes_of(dtype) - 1, lanes_of(dtype)):
        (g, x), padding = arrays(case, filters, dtype), case[1]
        ours = conv_narrow.weight_cotangent(g, x, padding)
        twin = convolution_weight.op.body(g, x, (3, 3), (1, 1), padding, (1, 1), 1)
        assert ours.dtype == dtype
        assert ours.flags.c_contiguous
        np.testing.assert_allclose(ours, twin, rtol=0, atol=TOLERANCE[dtype] * np.abs(twin).max())


def test_threads_do_not_change_a_bit():
    before, found = get_num_threads(), []
    try:
        for n in (1, 2, 4):
            set_num_threads(n)
            found.append([conv_narrow.weight_cotangent(*arrays(case, 4, np.float32), case[1]) for case in CASES])
    finally:
        set_num_threads(before)
    for alone, two, four in zip(*found, strict=True):
        np.testing.assert_array_equal(alone, two)
        np.testing.assert_array_equal(alone, four)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_reaches_no_more_than_it_does_by_definition(value):
    filters = lanes_of(np.float32)
    g, x = arrays(((2, 16, 9, 8), (0, 0)), filters, np.float32)
    plain = (1, 1), (0, 0), (1, 1), 1
    assert conv_narrow.suits((3, 3), *plain[:3], 1, 16, filters, filters)
    x[1, 3, 0, 0] = value  # a corner, which the first tap alone meets
    found = convolutions.weight_cotangent(g, x, (3, 3), *plain)
    expected = np.zeros((filters, 16, 3, 3), bool)
    expected[:, 3, 0, 0] = True
    np.testing.assert_array_equal(~np.isfinite(found), expected)
