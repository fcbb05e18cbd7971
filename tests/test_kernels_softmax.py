"""The kernels of softmax and cross-entropy against the NumPy bodies of their ops."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn.functional as F
from autograd.kernels import get_num_threads, set_num_threads
from autograd.ops import softmax as ops
from autograd.ops.reduce import log_sum_exp
from autograd.tensor import wrap

pytest.importorskip("numba")

SHAPES = [(70, 33), (3, 5, 200), (2000,), (9, 300_000 // 9), (1100, 1)]
both = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def draw(shape, dtype, seed=0):
    return (4 * np.random.default_rng(seed).standard_normal(shape)).astype(dtype)


def classes_of(x):
    return np.random.default_rng(1).integers(-1, x.shape[-1], x.shape[0])


def calls(x):
    """Every op of the module with arguments for it."""
    dim, soft, log = x.ndim - 1, ops._softmax.op.body(x, -1), ops._log_softmax.op.body(x, -1)
    some = [(ops._softmax, (x, dim)), (ops._log_softmax, (x, dim)),
            (ops._softmax_pull, (draw(x.shape, x.dtype, 2), soft, dim)),
            (ops._log_softmax_pull, (draw(x.shape, x.dtype, 2), log, dim))]  # fmt: skip
    if x.ndim == 2:
        c = classes_of(x)
        some.append((ops.class_cross_entropy, (x, c)))
        some.append((ops._cross_entropy_pull, (draw(len(x), x.dtype, 3), x, c)))
    return [(made.op, arguments) for made, arguments in some]


def strided(a):
    return np.repeat(a, 2, axis=-1)[..., ::2] if isinstance(a, np.ndarray) else a


@both
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_as_numpy(shape, dtype):
    """To rounding of sums over a row; strided arrays are left to NumPy."""
    with np.errstate(all="ignore"):
        for op, arguments in calls(draw(shape, dtype)):
            expected, close = op.body(*arguments), 64 * np.finfo(dtype).eps
            for given in (arguments, tuple(map(strided, arguments))):
                result = op.run(*given)
                assert result.dtype == dtype
                np.testing.assert_allclose(result, expected, rtol=close, atol=4 * close, err_msg=op.name)


@both
@pytest.mark.parametrize(("shape", "dim"), [((40, 33), 0), ((3, 5, 200), 1), ((2, 7, 3, 180), 1), ((9, 1100), -2)])
def test_columns(shape, dim, dtype):
    """Softmax, its pull, and log Σ exp down the columns of tables."""
    x, g, close = draw(shape, dtype), draw(shape, dtype, 2), 64 * np.finfo(dtype).eps
    x.reshape(shape[0], -1)[0, :3] = np.inf, -np.inf, np.nan
    x[..., 20] = -np.inf
    with np.errstate(all="ignore"):
        soft = ops._softmax.op.body(x, dim)
        ours = ops._softmax.op.run(x, dim), ops._softmax_pull.op.run(g, soft, dim), log_sum_exp.op.run(x, dim, True)
        expected = soft, ops._softmax_pull.op.body(g, soft, dim), log_sum_exp.op.body(x, dim, True)
    assert ops._down_columns(dim, x) is not None
    assert ops._down_columns(dim, x[..., :5].copy()) is None
    for a, b in zip(ours, expected):
        assert a.dtype == dtype
        np.testing.assert_allclose(a, b, rtol=close, atol=4 * close)


@both
@pytest.mark.parametrize(("shape", "dim"), [((70, 33), 1), ((3, 5, 200), (1, 2)), ((300_000,), 0), ((1100, 2, 9), 2)])
def test_log_sum_exp_of_rows(shape, dim, dtype):
    """With rows of infinities, of one sign and of both, and one with NaN; a single row in pieces."""
    x = draw(shape, dtype)
    with np.errstate(all="ignore"):
        for kind in ([], [np.inf], [-np.inf], [np.inf, -np.inf], [np.nan]):
            x.reshape(-1)[: len(kind)] = kind
            for keepdim in (False, True):
                ours, expected = (f(x, dim, keepdim) for f in (log_sum_exp.op.run, log_sum_exp.op.body))
                np.testing.assert_allclose(ours, expected, rtol=64 * np.finfo(dtype).eps)
        x[:] = -np.inf
        np.testing.assert_array_equal(log_sum_exp.op.run(x, dim), log_sum_exp.op.body(x, dim))


@both
def test_the_kernels_answer(dtype, monkeypatch):
    """At these sizes it is not NumPy that computes."""
    monkeypatch.setattr(np, "exp", None)
    x = draw((70, 33), dtype)
    for made, arguments in ((ops._softmax, (x, 1)), (ops._log_softmax, (x, -1)), (ops._log_softmax_pull, (x, x, 1)),
                            (ops.class_cross_entropy, (x, classes_of(x))),
                            (ops._cross_entropy_pull, (x[:, 0], x, classes_of(x)))):  # fmt: skip
        made.op.run(*arguments)


@both
def test_infinities(dtype):
    """Rows with NaN and infinities come out as NumPy's."""
    x = draw((8, 200), dtype)
    x[1, 3], x[2, 0], x[3, 199], x[4], x[5, 7] = np.nan, np.inf, -np.inf, -np.inf, -np.nan
    x[6] *= 1e30 if dtype == np.float32 else 1e300
    with np.errstate(all="ignore"):
        for op, arguments in calls(x):
            np.testing.assert_allclose(op.run(*arguments), op.body(*arguments), rtol=1e-4, atol=1e-5, err_msg=op.name)


def test_far_from_zero():
    """Large logits lose no digits to the sum of their maximum and the logarithm."""
    x = draw((40, 50), np.float32) + np.float32(30000)
    np.testing.assert_allclose(ops._log_softmax.op.run(x, 1), ops._log_softmax.op.body(x, 1), rtol=1e-6, atol=1e-6)


def test_threads_do_not_change_bits():
    before, results = get_num_threads(), []
    x = draw((40_000, 11), np.float32)
    try:
        for n in (1, 2, 3):
            set_num_threads(n)
            results.append([op.run(*arguments) for op, arguments in calls(x)])
    finally:
        set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.int32])
def test_cross_entropy_is_nll_of_log_softmax(reduction, kind):
    """The op in one and the ops in a row: values, first and second derivatives."""
    x, y = draw((60, 30), np.float64), np.random.default_rng(1).integers(0, 30, 60).astype(kind)
    found = []
    for loss in (F.cross_entropy, lambda x, y, **kw: F.nll_loss(x.log_softmax(1), y, **kw)):
        leaf = wrap(x).requires_grad_()
        value = loss(leaf, wrap(y), ignore_index=7, reduction=reduction)
        (first,) = autograd.grad((value * value).sum(), leaf, create_graph=True)
        (second,) = autograd.grad((first * wrap(np.sin(x))).sum(), leaf)
        found.append((value.array, first.array, second.array))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)
