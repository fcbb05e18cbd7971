"""The kernels of normalisation against the NumPy bodies of their ops."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd.kernels import get_num_threads, set_num_threads
from autograd.ops import normalise as ops
from autograd.tensor import wrap

pytest.importorskip("numba")

TABLES = [
    ((8, 5, 12, 13), (0, 2, 3)), ((16, 30, 40), (0, 2)), ((100, 77), (1,)), ((6, 7, 300), (1, 2)), ((6, 7, 300), (2,)),
    ((4, 3, 50, 20), (2, 3)),
]  # fmt: skip
UNUSUAL = [((100, 77), (0,)), ((40, 50, 5), (0, 1, 2)), ((900, 5), (1,)), ((0, 5, 9), (0, 2)), ((10, 20, 30), (1,))]
both = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def draw(shape, dtype, seed=0):
    return (2 * np.random.default_rng(seed).standard_normal(shape) + 1).astype(dtype)


def cotangents(out, dtype):
    return tuple(draw(part.shape, dtype, i) for i, part in enumerate(out))


@both
@pytest.mark.parametrize(("shape", "axes"), TABLES + UNUSUAL, ids=str)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_as_numpy(shape, axes, dtype):
    """Values, statistics and cotangents, to the rounding of sums over a few thousand numbers."""
    x, close = draw(shape, dtype), 64 * np.finfo(dtype).eps
    for given in (x, np.asfortranarray(x), np.repeat(x, 2, axis=-1)[..., ::2]):
        expected, result = ops.standardise.op.body(x, axes, 1e-3), ops.standardise.op.run(given, axes, 1e-3)
        for a, b in zip(result, expected, strict=True):
            assert a.dtype == dtype
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=close, atol=close)
    g = cotangents(expected, dtype)
    ours, theirs = (f(g, expected, shape, axes) for f in (ops._pull_array, ops._pull))
    np.testing.assert_allclose(ours, theirs, rtol=close, atol=close)


def test_the_kernels_answer(monkeypatch):
    """At these sizes it is not NumPy that computes."""
    out = ops.standardise.op.body(draw((8, 5, 12, 13), np.float32), (0, 2, 3), 1e-5)
    g = cotangents(out, np.float32)
    monkeypatch.setattr(ops, "Standard", lambda *parts: parts)
    monkeypatch.setattr(ops.math, "prod", None)
    from autograd.kernels import normalise

    monkeypatch.setattr(normalise, "table", lambda shape, axes: (8, 5, 156))
    ops._pull_array(g, out, (8, 5, 12, 13), (0, 2, 3))
    monkeypatch.setattr(np, "square", None)
    ops.standardise.op.run(draw((8, 5, 12, 13), np.float32), (0, 2, 3), 1e-5)


def test_infinities_stay_in_their_rows():
    x = draw((20, 300), np.float32)
    x[3, 5], x[7, 0], x[9, 9], x[11] = np.nan, np.inf, -np.inf, 3.0
    with np.errstate(all="ignore"):
        for a, b in zip(ops.standardise.op.run(x, (1,), 1e-5), ops.standardise.op.body(x, (1,), 1e-5)):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@both
@pytest.mark.parametrize(("shape", "given"), [
    ((8, 5, 12, 13), (1, 5, 1, 1)), ((16, 30, 40), (1, 30, 1)), ((100, 77), (77,)), ((6, 7, 300), (7, 300)),
    ((300, 7, 30), (30,)), ((10, 1, 600), (1, 1, 1)), ((2100, 8), (8,)), ((100, 77), (1, 77)), ((30, 40, 5), (5,)),
], ids=str)  # fmt: skip
def test_scale_and_shift(shape, given, dtype):
    """y w + b, and the sums over what shares a number, to rounding."""
    y, weight, bias, g = draw(shape, dtype), draw(given, dtype, 1), draw(given, dtype, 2), draw(shape, dtype, 3)
    close = 64 * np.finfo(dtype).eps
    op = ops.scale_and_shift.op
    np.testing.assert_allclose(op.run(y, weight, bias), op.body(y, weight, bias), rtol=close, atol=close)
    for x in (y, None):
        ours, exact = ops._gathered(g, x, given), ops._gather(g.astype(np.longdouble), x, given)
        assert ours.dtype == dtype
        scale = np.sqrt(y.size / exact.size)
        np.testing.assert_allclose(ours, exact.astype(dtype), rtol=close, atol=8 * close * scale)


def test_threads_do_not_change_bits():
    before, results = get_num_threads(), []
    x = draw((1000, 700), np.float32)
    try:
        for n in (1, 2, 3):
            set_num_threads(n)
            out = ops.standardise.op.run(x, (1,), 1e-5)
            results.append([*out, ops._pull_array(cotangents(out, np.float32), out, x.shape, (1,))])
            results[-1] += [ops._gathered(x, x, (700,)), ops._gathered(x.reshape(10, 100, 700), None, (1, 100, 1))]
    finally:
        set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_second_derivatives_of_large_inputs():
    """Those of one large batch are those of its rows, which are small."""
    x = draw((30, 200), np.float64)

    def second(part):
        leaf = wrap(part).requires_grad_()
        y = ops.standardise(leaf, (1,), 1e-3).out
        (first,) = autograd.grad((y * y * y).sum(), leaf, create_graph=True)
        return autograd.grad((first * first).sum(), leaf)[0].array

    np.testing.assert_allclose(second(x), np.concatenate([second(row) for row in np.split(x, 30)]), 1e-9, 1e-11)
