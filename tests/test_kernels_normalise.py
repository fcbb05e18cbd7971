"""The kernels of normalisation against the NumPy bodies of their ops."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd.kernels import get_num_threads, set_num_threads
from autograd.ops import normalise as ops
from autograd.tensor import wrap

pytest.importorskip("numba")

TABLES = [  # a shape, the axes, the shape of the weights
    ((8, 5, 12, 13), (0, 2, 3), (1, 5, 1, 1)), ((16, 30, 40), (0, 2), (1, 30, 1)), ((16, 30, 40), (0, 2), None),
    ((1100, 7), (0,), (1, 7)), ((300, 50), (0,), None),
    ((100, 77), (1,), (77,)), ((6, 7, 300), (1, 2), (7, 300)), ((6, 7, 300), (2,), None), ((2100, 8), (1,), (8,)),
    ((4, 3, 5, 200), (2, 3), (1, 3, 5, 1)), ((40, 30, 1, 9), (2, 3), (1, 30, 1, 1)),
]  # fmt: skip
UNUSUAL = [((40, 50, 5), (0, 1, 2), None), ((900, 5), (1,), (5,)), ((10, 20, 30), (1,), None),
           ((100, 77), (0,), (77,)), ((30, 200), (1,), (1, 200)), ((20, 300, 3), (0, 2), (1, 300, 1))]  # fmt: skip
both = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def draw(shape, dtype, seed=0):
    return (2 * np.random.default_rng(seed).standard_normal(shape) + 1).astype(dtype)


def parameters(given, dtype):
    return (None, None) if given is None else (draw(given, dtype, 1), draw(given, dtype, 2))


def summed(g, like):
    """What the engine does with a cotangent of the shape of the result."""
    return None if like is None else autograd.engine.unbroadcast(g, like.shape)


@both
@pytest.mark.parametrize(("shape", "axes", "given"), TABLES + UNUSUAL, ids=str)
@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_as_numpy(shape, axes, given, dtype, centred):
    """Values, statistics and cotangents, to the rounding of sums over a few thousand numbers."""
    x, (w, b), close = draw(shape, dtype), parameters(given, dtype), 64 * np.finfo(dtype).eps
    op, expected = ops.normalise.op, ops.normalise.op.body(x, w, b, axes, 1e-3, centred)
    for layout in (x, np.asfortranarray(x), np.repeat(x, 2, axis=-1)[..., ::2]):
        for ours, theirs in zip(op.run(layout, w, b, axes, 1e-3, centred), expected, strict=True):
            assert ours.dtype == dtype
            assert ours.shape == theirs.shape
            np.testing.assert_allclose(ours, theirs, rtol=close, atol=close)
    g = draw(shape, dtype, 3)
    exact = [None if a is None else a.astype(np.longdouble) for a in (g, x, w, b)]
    out = op.body(*exact[1:], axes, 1e-3, centred)
    wanted = ops._pull((exact[0], None, None), *exact[1:], out, axes, centred)
    ours = ops.normalise.op.formulas["input"]((g, None, None), x, w, b, (None, *expected[1:]), axes, centred)
    for mine, theirs, like in zip(ours, wanted, (x, w, b), strict=True):
        if like is not None:
            theirs = summed(theirs, like)
            scale = np.sqrt(x.size / like.size)
            np.testing.assert_allclose(summed(mine, like), theirs.astype(dtype), rtol=close, atol=close * 8 * scale)


@pytest.mark.parametrize(("shape", "axes", "given"), TABLES, ids=str)
def test_the_kernels_answer(shape, axes, given, monkeypatch):
    """At these sizes it is not NumPy that computes."""
    x, (w, b) = draw(shape, np.float32), parameters(given, np.float32)
    out = ops.normalise.op.body(x, w, b, axes)
    monkeypatch.setattr(ops, "np", None)
    monkeypatch.setattr(ops, "_suits", lambda *arrays: True)
    ops.normalise.op.run(x, w, b, axes)
    ops.normalise.op.formulas["input"]((x, None, None), x, w, b, out, axes, True)


def test_infinities_stay_in_their_groups():
    x = draw((20, 300), np.float32)
    x[3, 5], x[7, 0], x[9, 9], x[11] = np.nan, np.inf, -np.inf, 3.0
    table = np.ascontiguousarray(x.reshape(20, 3, 100).swapaxes(0, 1)), (1, 20, 1), (0, 2)
    for y, given, axes in ((x, (300,), (1,)), table, (np.ascontiguousarray(x.T), (1, 20), (0,))):
        w = draw(given, np.float32, 1)
        with np.errstate(all="ignore"):
            for a, b in zip(ops.normalise.op.run(y, w, w, axes), ops.normalise.op.body(y, w, w, axes)):
                np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@both
def test_far_from_zero(dtype):
    """The variance of numbers that lie close together is not lost in that of their mean."""
    x = (draw((16, 30, 40), np.float64) + 1000).astype(dtype)
    for axes in ((0, 2), (2,)):
        rstd = ops.normalise.op.run(x, None, None, axes).rstd
        exact = ops.normalise.op.body(x.astype(np.longdouble), None, None, axes).rstd
        np.testing.assert_allclose(rstd, exact.astype(dtype), rtol=256 * np.finfo(dtype).eps)


@pytest.mark.parametrize("far", [0, 1000, 1e5])
@pytest.mark.parametrize(
    ("shape", "axes"), [((8, 1 << 18), (1,)), ((4, 2, 1 << 17), (0, 2)), ((1 << 17, 8), (0,))], ids=str
)
def test_long_runs_far_from_zero(shape, axes, far):
    """Means to the last place, and deviations as accurate as that lets them be, however many numbers there are."""
    x = (np.random.default_rng(0).standard_normal(shape) + far).astype(np.float32)
    op = ops.normalise.op
    ours, exact = op.run(x, None, None, axes), op.body(x.astype(np.float64), None, None, axes)
    last = np.spacing(np.float32(max(far, 1)))
    np.testing.assert_allclose(ours.mean, exact.mean, rtol=0, atol=last)
    np.testing.assert_allclose(ours.rstd, exact.rstd, rtol=8 * np.finfo(np.float32).eps)
    np.testing.assert_allclose(ours.out, exact.out, rtol=16 * np.finfo(np.float32).eps, atol=2 * last)


def test_equal_numbers():
    """Of a variance of zero, rounding leaves nothing whose root is not a number."""
    for value in (0.1, 1e15, -3e4):
        out = ops.normalise.op.run(np.full((64, 77), value, np.float32), None, None, (1,), 1e-5)
        assert np.isfinite(out.rstd).all()


@both
@pytest.mark.parametrize(("shape", "given"), [
    ((8, 5, 12, 13), (1, 5, 1, 1)), ((16, 30, 40), (1, 30, 1)), ((10, 1, 600), (1, 1, 1)), ((100, 77), (77,)),
    ((100, 77), (1, 77)), ((30, 40, 5), (1, 40, 1)),
], ids=str)  # fmt: skip
def test_scale_and_shift(shape, given, dtype):
    """x w + b, and its cotangents, to rounding."""
    x, weight, bias, g = draw(shape, dtype), draw(given, dtype, 1), draw(given, dtype, 2), draw(shape, dtype, 3)
    close, op = 64 * np.finfo(dtype).eps, ops.scale_and_shift.op
    np.testing.assert_allclose(op.run(x, weight, bias), op.body(x, weight, bias), rtol=close, atol=close)
    exact = ops.scale_and_shift.op.formulas["input"].body(*(a.astype(np.longdouble) for a in (g, x, weight)))
    for mine, theirs, like in zip(
        ops.scale_and_shift.op.formulas["input"](g, x, weight), exact, (x, weight, bias), strict=True
    ):
        scale = np.sqrt(x.size / like.size)
        theirs = summed(theirs, like).astype(dtype)
        np.testing.assert_allclose(summed(mine, like), theirs, rtol=close, atol=8 * close * scale)


def test_threads_do_not_change_bits():
    before, results = get_num_threads(), []
    x = draw((1000, 700), np.float32)
    try:
        for n in (1, 2, 3):
            set_num_threads(n)
            results.append([])
            for shape, axes, given in (
                ((1000, 700), (1,), (700,)), ((1000, 700), (0,), (1, 700)), ((100, 70, 100), (0, 2), (1, 70, 1)),
                ((10, 10, 70, 100), (2, 3), (1, 10, 70, 1)),
            ):  # fmt: skip
                y, (w, b) = x.reshape(shape), parameters(given, np.float32)
                out = ops.normalise.op.run(y, w, b, axes)
                results[-1] += [*out, *ops.normalise.op.formulas["input"]((y, None, None), y, w, b, out, axes, True)]
            w = draw((1, 70, 1), np.float32, 1)
            results[-1] += ops.scale_and_shift.op.formulas["input"](x.reshape(100, 70, 100), x.reshape(100, 70, 100), w)
    finally:
        set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_second_derivatives_of_large_inputs():
    """Those of one large batch are those of its rows, which are small."""
    x, w = draw((30, 200), np.float64), wrap(draw((200,), np.float64, 1)).requires_grad_()

    def second(part):
        leaf = wrap(part).requires_grad_()
        y = ops.normalise(leaf, w, w, (1,), 1e-3).out
        first = autograd.grad((y * y * y).sum(), (leaf, w), create_graph=True)
        by_x, by_w = autograd.grad(sum((f * f).sum() for f in first[:1]) + first[1].sum(), (leaf, w))
        return by_x.array, by_w.array

    whole, rows = second(x), [second(row) for row in np.split(x, 30)]
    np.testing.assert_allclose(whole[0], np.concatenate([row[0] for row in rows]), 1e-9, 1e-8)
    np.testing.assert_allclose(whole[1], sum(row[1] for row in rows), 1e-9, 1e-8)


def test_the_statistics_have_derivatives():
    """Their cotangents join that of the result, though no kernel takes them."""
    x = wrap(draw((30, 200), np.float64)).requires_grad_()
    out = ops.normalise(x, None, None, (1,), 1e-3)
    (ours,) = autograd.grad((out.out * out.mean * out.rstd).sum(), x)
    mean = x.mean(1, True)
    rstd = ((x - mean).square().mean(1, True) + 1e-3).rsqrt()
    (exact,) = autograd.grad(((x - mean) * rstd * mean * rstd).sum(), x)
    np.testing.assert_allclose(ours.array, exact.array, 1e-9, 1e-9)


def test_the_result_may_be_overwritten():
    """The derivative looks at the input and the statistics."""
    x = wrap(draw((30, 200), np.float64)).requires_grad_()
    y = ops.normalise(x, None, None, (1,), 1e-3).out
    (plain,) = autograd.grad((y * y).relu().sum(), x)
    y = ops.normalise(x, None, None, (1,), 1e-3).out
    (mine,) = autograd.grad(y.square_().relu_().sum(), x)
    np.testing.assert_array_equal(plain.array, mine.array)
