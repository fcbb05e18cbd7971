"""The kernels of an embedding and of its gradient against their NumPy bodies."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd.ops.index import added_at, elements_of
from tests.samples import same_bits

pytest.importorskip("numba")

# The kernel adds the rows one by one, NumPy in pairs of groups: a few units in the last place of sums of ~100 terms.
CLOSE = {np.float32: 1e-5, np.float64: 1e-13}


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("shape", [(7, 300), (5, 2, 65), (400, 3), (1, 128), (1500, 200)], ids=str)
@pytest.mark.parametrize("strided", [False, True])
def test_rows_are_added_as_numpy_adds_them(dtype, shape, strided):
    rng = np.random.default_rng(0)
    n = 20_000 // int(np.prod(shape[1:])) + 1
    index = rng.integers(-shape[0], shape[0], (2, n))
    rows = rng.standard_normal((2, n, *shape[1:], 2)).astype(dtype)[..., 0]
    rows = rows if strided else np.ascontiguousarray(rows)
    assert rows.size >= 1 << 14  # less goes to NumPy
    found, expected = (way(rows, shape, (index,)) for way in (added_at.op.run, added_at.op.body))
    assert (found.dtype, found.shape) == (dtype, shape)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found / scale, expected / scale, rtol=0, atol=CLOSE[dtype])
    exact = np.zeros(shape)
    np.add.at(exact, index, rows.astype(np.float64))
    np.testing.assert_allclose(found / scale, exact / scale, rtol=0, atol=CLOSE[dtype])


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("shape", [(7, 300), (5, 2, 65), (400, 3), (1, 128)], ids=str)
def test_rows_are_read_as_numpy_reads_them(dtype, shape):
    rng = np.random.default_rng(0)
    index = rng.integers(-shape[0], shape[0], (20_000 // int(np.prod(shape[1:])) + 1, 2)).astype(np.int32)
    table = rng.standard_normal(shape).astype(dtype)
    found = elements_of.op.run(table, (index,))
    np.testing.assert_array_equal(found, table[index], strict=True)


@pytest.mark.parametrize("place", [20, -21])
def test_places_outside_are_refused(place):
    index = np.zeros(2000, np.int64)
    index[-1] = place
    with pytest.raises(IndexError, match=str(place)):
        autograd.zeros(20, 100, requires_grad=True)[autograd.tensor(index)]


def test_threads_change_no_bit():
    rng = np.random.default_rng(0)
    rows, index = rng.standard_normal((2000, 300)).astype(np.float32), rng.integers(0, 9, 2000)
    same_bits(lambda: [added_at.op.run(rows, (n, 300), (index,)) for n in (9, 1000)])
