"""The pooling kernels against their NumPy twins."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from autograd.kernels import get_num_threads, pooling, set_num_threads
from autograd.ops.pool import max_pool, max_unpool
from autograd.ops.windows import output_size

# planes, kernel, stride, padding, dilation
CASES = [
    ((3, 2, 8, 10), (2, 2), (2, 2), (0, 0), (1, 1)),
    ((2, 1, 9, 7), (2, 2), (2, 2), (0, 0), (1, 1)),  # an edge that no window covers
    ((2, 2, 9, 8), (3, 2), (1, 2), (1, 1), (1, 1)),
    ((1, 3, 11, 12), (2, 3), (2, 1), (0, 1), (3, 2)),
]


def result(case, x):
    shape, kernel, stride, padding, dilation = case
    outputs = tuple(map(output_size, shape[-2:], kernel, stride, padding, dilation))
    return pooling.largest(x, kernel, stride, padding, dilation, outputs)


def images(case, dtype, fill):
    x = np.random.default_rng(3).integers(-3, 4, case[0]).astype(dtype)  # many equal elements
    if fill == "nan":
        x.reshape(-1)[::5] = np.nan
    elif fill == "infinite":
        x[..., :5, :] = -np.inf
    return x


@pytest.mark.parametrize("fill", ["finite", "nan", "infinite"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_largest(case, dtype, fill):
    x = images(case, dtype, fill)
    values, places = result(case, x)
    twin = max_pool.op.body(x, *case[1:])
    np.testing.assert_array_equal(values, twin.values)
    np.testing.assert_array_equal(places, twin.indices)


def test_added():
    """Where places repeat, the values add up; elsewhere it is what `max_unpool` writes."""
    values = np.arange(6.0).reshape(2, 3)
    places = np.array([[4, 0, 1], [3, 2, 0]])
    np.testing.assert_array_equal(pooling.added(values, places, 5), max_unpool.op.body(values, places, 5))
    both = pooling.added(values, np.zeros((2, 3), np.int64), 2)
    np.testing.assert_array_equal(both, [[3.0, 0.0], [12.0, 0.0]])


def test_threads_do_not_change_a_bit():
    x = np.random.default_rng(0).normal(size=(64, 8, 30, 30)).astype(np.float32)
    case = (x.shape, (3, 3), (2, 2), (1, 1), (1, 1))
    before = get_num_threads()
    try:
        set_num_threads(1)
        alone = result(case, x)
        set_num_threads(4)
        together = result(case, x)
    finally:
        set_num_threads(before)
    for one, four in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, four)
