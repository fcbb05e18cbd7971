"""The kernels of reductions against the NumPy bodies of their ops."""

from __future__ import annotations

import numpy as np
import pytest

from autograd.kernels import get_num_threads, set_num_threads
from autograd.ops import expand, extrema, norms, reduce
from autograd.tensor import wrap

pytest.importorskip("numba")

OPS = {  # an op, and what it takes besides the input and dim
    "sum": (expand.sum.op, ()), "mean": (reduce.mean.op, ()), "var": (reduce.variance.op, (1,)),
    "std": (reduce.deviation.op, (0,)), "prod": (reduce.product.op, ()), "max": (extrema.amax.op, ()),
    "min": (extrema.amin.op, ()), "norm": (norms.length.op, ()),
}  # fmt: skip
SHAPES = [((40001,), None), ((1 << 22,), None), ((300, 177), 1), ((300, 177), -1), ((20, 30, 77), (1, 2)),
          ((20, 30, 77), (2, 1)), ((20, 30, 77), 1), ((4000, 9), 1), ((300, 177), 0)]  # fmt: skip
each = pytest.mark.parametrize("name", OPS)
both = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def draw(shape, dtype, seed=0):
    x = np.random.default_rng(seed).standard_normal(shape)
    return np.exp(x / 40).astype(dtype)  # products of thousands of them stay in range


def call(f, name, x, dim, keepdim):
    more = OPS[name][1]
    return f(x, 2, dim, keepdim) if name == "norm" else f(x, dim, *more, keepdim)


@each
@both
@pytest.mark.parametrize(("shape", "dim"), SHAPES, ids=str)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_as_numpy(name, shape, dim, dtype):
    """To the rounding of sums that are at least as exact as NumPy's."""
    if isinstance(dim, tuple) and name == "prod":
        pytest.skip("prod is over one dimension or all")
    op, x = OPS[name][0], draw(shape, dtype)
    for keepdim in (False, True):
        exact = call(op.body, name, x.astype(np.longdouble), dim, keepdim)
        ours = call(op.run, name, x, dim, keepdim)
        assert ours.dtype == dtype
        assert ours.shape == exact.shape
        wide = 2000 if dim == 0 or name == "prod" else 16  # NumPy's own, where it adds up or multiplies one by one
        close = wide * np.finfo(dtype).eps
        np.testing.assert_allclose(ours, exact.astype(dtype), rtol=close)
    for other in (np.asfortranarray(x), x[..., ::2], x[:0]) if x.ndim > 1 else ():
        with np.errstate(all="ignore"):
            if other.size or name not in ("max", "min"):
                expected = call(op.body, name, other, dim, False)
                np.testing.assert_allclose(call(op.run, name, other, dim, False), expected, rtol=64 * close)


@each
def test_the_kernels_answer(name, monkeypatch):
    """At these sizes it is not NumPy that computes."""
    from autograd.kernels import reduce as kernels

    said = []
    for kernel in ("sums", "squares", "products", "extremes"):
        monkeypatch.setattr(kernels, kernel, lambda x, *rest: said.append(1) or np.ones(300))
    call(OPS[name][0].run, name, draw((300, 177), np.float32), 1, False)
    assert said


@each
def test_special_values_stay_in_their_rows(name):
    op, x = OPS[name][0], draw((400, 100), np.float32)
    x[3, 5], x[7, 0], x[9, 99], x[11, 2], x[12, 4], x[12, 3] = np.nan, np.inf, -np.inf, 0, -np.inf, np.inf
    with np.errstate(all="ignore"):
        expected = call(op.body, name, x, 1, False)
        np.testing.assert_allclose(call(op.run, name, x, 1, False), expected, rtol=1e-5)


def test_long_sums_are_exact():
    """As pairwise: 2^24 numbers of which one by one in float32 would make 2^24, and no more."""
    x = np.ones((1 << 24) + 1000, np.float32)
    assert expand.sum.op.run(x) == np.float32(x.size)
    x[:] = 0.1
    assert expand.sum.op.run(x) == pytest.approx(np.float64(np.float32(0.1)) * x.size, rel=3e-7)


def test_threads_do_not_change_bits():
    before, results, x = get_num_threads(), [], draw((1 << 20,), np.float32)
    try:
        for n in (1, 2, 3):
            set_num_threads(n)
            results.append([call(OPS[name][0].run, name, x, None, False) for name in OPS])
            results[-1].append(expand.sum.op.run(x.reshape(64, 128, 128), 1))
    finally:
        set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@each
def test_gradients_of_large_inputs(name):
    """Those of many rows are those of each."""
    op, x = OPS[name][0], draw((400, 100), np.float64)

    def gradient(part):
        leaf = wrap(part).requires_grad_()
        call(op.function, name, leaf, 1, False).sum().backward()
        return leaf.grad.array

    np.testing.assert_allclose(gradient(x), np.concatenate([gradient(row) for row in np.split(x, 20)]), 1e-9, 1e-12)


@both
@pytest.mark.parametrize(("shape", "dim"), [((300, 20), 0), ((5, 40, 600), 1), ((3, 7, 1100), -2), ((4, 5, 6, 70), 0)])
def test_the_best_of_columns(shape, dim, dtype):
    """To the bit: the first of equal ones, and the first NaN before everything."""
    x = np.round(np.random.default_rng(0).standard_normal(shape) * 2).astype(dtype)
    flat = x.reshape(shape[0], -1)
    flat[-1, 3:5] = flat[0, 5] = flat[1, 5] = np.nan
    flat[0, 7], flat[1, 8] = -np.inf, np.inf
    for op, least in ((extrema.max_along.op, False), (extrema.min_along.op, True)):
        place = extrema.argmin.op if least else extrema.argmax.op
        assert extrema._fast_place(least)(x, dim) is not NotImplemented
        for keepdim in (False, True):
            ours, expected = op.run(x, dim, keepdim), op.body(x, dim, keepdim)
            np.testing.assert_array_equal(ours.values, expected.values)
            np.testing.assert_array_equal(ours.indices, expected.indices)
            np.testing.assert_array_equal(place.run(x, dim, keepdim), place.body(x, dim, keepdim))
            extreme = extrema.amin.op if least else extrema.amax.op
            np.testing.assert_array_equal(extreme.run(x, dim, keepdim), extreme.body(x, dim, keepdim))
            assert ours.indices.dtype == np.int64
    for other in (x[:2, :2].copy()[..., :9], x[..., ::2], x.astype(np.float16)):  # few, with gaps, of another type
        assert extrema._fast_place(False)(other, dim) is NotImplemented
    assert extrema._fast_place(False)(x, None) is extrema._fast_place(False)(x, -1) is NotImplemented
