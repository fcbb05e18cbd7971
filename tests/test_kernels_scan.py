"""Fast sorting, the few best and running sums against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from autograd.ops import cumulative, order

pytest.importorskip("numba")

KINDS = [np.float32, np.float64, np.int64, np.int16, np.uint8]


def draw(shape, dtype, seed=0):
    """Many equal ones; of floats also zeros of either sign, NaN and infinities."""
    x = np.random.default_rng(seed).integers(0, 40, shape).astype(dtype)
    if x.dtype.kind == "f":
        x[x == 3], x[x == 5], x[x == 7], x[x == 11] = np.nan, -np.inf, np.inf, -0.0
        x[x == 13] = -13.5
    elif x.dtype.kind == "i":
        x[x == 3] = -7
    return x


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize(("shape", "axis"), [((5000,), 0), ((30, 100), 1), ((30, 100), 0), ((7, 50, 20), 1)])
@pytest.mark.parametrize("descending", [False, True])
def test_the_order_is_stable(dtype, shape, axis, descending, monkeypatch):
    for x in (draw(shape, dtype), draw(shape, dtype, 1)[::-1]):
        fast = order.stable_order(x, axis, descending)
        monkeypatch.setattr(order, "LARGE", 1 << 60)
        np.testing.assert_array_equal(fast, order.stable_order(x, axis, descending))
        monkeypatch.undo()
        assert fast.dtype == np.int64


def test_integers_far_apart_are_sorted_too():
    x = np.random.default_rng(0).integers(-(1 << 63), (1 << 63) - 1, 5000)
    np.testing.assert_array_equal(order.stable_order(x, 0), np.argsort(x, kind="stable"))
    x //= 1 << 20
    np.testing.assert_array_equal(order.stable_order(x, 0), np.argsort(x, kind="stable"))
    assert order._keys(x, 51) is not None
    assert order._keys(x, 30) is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize(("shape", "k"), [((3000,), 1), ((30, 100), 7), ((5, 6, 50), 32), ((64, 20), 20)])
@pytest.mark.parametrize("largest", [False, True])
def test_topk(dtype, shape, k, largest, monkeypatch):
    """Of equal elements the first; NaN counts as the largest."""
    op = order.topk.op
    for x in (draw(shape, dtype), np.sort(draw(shape, dtype, 1), -1)):
        expected = op.body(x, k, -1, largest)
        with monkeypatch.context() as patch:
            patch.setattr(order, "stable_order", None)
            ours = op.run(x, k, -1, largest)
        for a, b in zip(ours, expected, strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(5003,), (30, 201), (3, 40, 50), (5000, 1), (5000, 2)])
def test_cumsum(dtype, shape):
    x, op = np.random.default_rng(0).standard_normal(shape).astype(dtype), cumulative.cumsum.op
    exact = op.body(x.astype(np.longdouble), -1).astype(dtype)
    ours = op.run(x, -1)
    np.testing.assert_allclose(ours, exact, rtol=1e-5, atol=shape[-1] * np.finfo(dtype).eps)
    assert ours.dtype == dtype
    x[..., 1 % shape[-1]] = np.inf
    x[..., -1] = -np.inf
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(np.isfinite(op.run(x, -1)), np.isfinite(op.body(x, -1)))
