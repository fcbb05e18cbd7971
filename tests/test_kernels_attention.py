"""The kernel of attention against the NumPy body of its op, and both against the formula in float64."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn.functional as F
from autograd import check
from autograd.kernels import get_num_threads, set_num_threads
from autograd.ops import attention as ops
from autograd.tensor import wrap

pytest.importorskip("numba")

# (B, heads, L, S, E, Ev): whole tiles and blocks, one row, and what fills neither tile, panel nor block
SHAPES = [(2, 3, 64, 64, 32, 32), (1, 1, 1, 1, 1, 1), (1, 2, 37, 53, 7, 70),
          (3, 1, 70, 33, 33, 5), (1, 1, 5, 200, 64, 9)]  # fmt: skip
both = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def draw(shape, dtype, seed=0):
    """(query, key, value, cotangent of the result)."""
    rng = np.random.default_rng(seed)
    b, h, length, keys, size, depth = shape
    ends = (length, size), (keys, size), (keys, depth), (length, depth)
    return [rng.standard_normal((b, h, *end)).astype(dtype) for end in ends]


def calls(q, k, v, c, causal):
    yield ops.attention.op, (q, k, v, causal, 0.3)
    yield ops._attention_pull.op, (c, q, k, v, causal, 0.3)


def agree(op, found, arguments):
    exact = op.body(*(np.asarray(a, np.float64) if isinstance(a, np.ndarray) else a for a in arguments))
    kind = arguments[0].dtype
    for x, y in zip(*((r if isinstance(r, tuple) else (r,)) for r in (found, exact)), strict=True):
        assert x.dtype == kind
        # sums of at most 200 numbers around 1, one in the other
        np.testing.assert_allclose(x, y, rtol=0, atol=100 * np.finfo(kind).eps)


@both
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_as_numpy(shape, causal, dtype, monkeypatch):
    monkeypatch.setattr(ops, "LEAST", 1)
    for op, arguments in calls(*draw(shape, dtype), causal):
        agree(op, op.run(*arguments), arguments)


def heads_in_rows(x):
    """The same numbers, laid out as a projection leaves them: (B, L, heads, E) in memory."""
    return np.ascontiguousarray(x.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)


LAYOUTS = {
    "heads in rows": heads_in_rows,
    "every second row": lambda x: np.repeat(x, 2, 2)[:, :, ::2],
    "every second column": lambda x: np.repeat(x, 2, 3)[..., ::2],
    "backwards": lambda x: x[:, :, ::-1].copy()[:, :, ::-1],
    "one for all heads": lambda x: np.broadcast_to(x[:, :1], x.shape),
    "columns in memory": np.asfortranarray,
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts(name):
    """Whatever lies how in memory; what the kernels cannot read, NumPy does."""
    given = draw((2, 2, 40, 35, 16, 24), np.float32)
    for turn in range(4):
        arrays = [LAYOUTS[name](x) if i in (turn, 3) else x for i, x in enumerate(given)]
        for op, arguments in calls(*arrays, True):
            agree(op, op.run(*arguments), arguments)


def test_the_result_lies_as_the_query():
    """So that putting the heads side by side again copies nothing."""
    q, k, v, _ = map(heads_in_rows, draw((2, 4, 64, 64, 16, 16), np.float32))
    y = ops.attention.op.run(q, k, v, True, 0.25)
    assert np.shares_memory(y, y.transpose(0, 2, 1, 3).reshape(2, 64, 64))


@pytest.mark.parametrize("shape", [(2, 64, 32), (64, 32)], ids=str)
def test_fewer_dimensions(shape, monkeypatch):
    """The kernel answers without a batch or heads too."""
    q, k, v, c = (np.random.default_rng(i).standard_normal(shape).astype(np.float32) for i in range(4))
    expected = [op.body(*arguments) for op, arguments in calls(q, k, v, c, True)]
    monkeypatch.setattr(ops, "_weights", None)
    for (op, arguments), result in zip(calls(q, k, v, c, True), expected, strict=True):
        found = op.run(*arguments)
        for x, y in zip(*((r if isinstance(r, tuple) else (r,)) for r in (found, result)), strict=True):
            np.testing.assert_allclose(x, y, rtol=0, atol=100 * np.finfo(np.float32).eps)


@both
def test_infinities(dtype):
    """NaN and infinities of a query spoil its row alone, those of a key the rows that see it, as in NumPy; where that
    adds -∞ to an infinite score, or 0 · ∞ to a sum, although the row must not look there, the kernel need not."""
    q, k, v, c = draw((1, 1, 40, 40, 32, 32), dtype)
    q[0, 0, 3, 1], q[0, 0, 8, 0] = np.nan, np.inf
    for spoilt in (False, True):
        if spoilt:
            k[0, 0, 30, 2], v[0, 0, 35, 3] = np.inf, -np.inf
        with np.errstate(all="ignore"):
            op, arguments = next(calls(q, k, v, c, True))
            found, expected = (np.isfinite(f(*arguments)[0, 0]) for f in (op.run, op.body))
        assert found[:3].all()
        assert not found[[3, 8]].any()
        assert found[expected].all() if spoilt else (found == expected).all()
    assert not found[36:, 3].any()


def test_threads_change_no_bit():
    before, results = get_num_threads(), []
    given = draw((3, 7, 130, 130, 16, 16), np.float32)  # more than one thread works out alone
    try:
        for n in (1, 2, 3):
            set_num_threads(n)
            results.append([op.run(*arguments) for op, arguments in calls(*given, True)])
    finally:
        set_num_threads(before)
    for y, pulled in results[1:]:
        for a, b in zip((results[0][0], *results[0][1]), (y, *pulled), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("causal", [False, True])
def test_derivatives_by_differences(causal, monkeypatch):
    """First and second derivatives through the kernels."""
    monkeypatch.setattr(ops, "LEAST", 1)
    inputs = [wrap(x).requires_grad_() for x in draw((1, 2, 3, 5, 2, 3), np.float64)[:3]]
    f = lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    assert check.gradcheck(f, inputs)
    assert check.gradgradcheck(f, inputs)


@pytest.mark.parametrize("causal", [False, True])
def test_as_the_composite(causal):
    """The op, and the same with a mask in ops in a row: values, first and second derivatives."""
    found = []
    q, k, v, c = draw((2, 2, 33, 40, 8, 12), np.float64)
    allowed = wrap(np.tri(33, 40, dtype=bool) if causal else np.ones((33, 40), bool))
    for options in ({"is_causal": causal}, {"attn_mask": allowed}):
        leaves = [wrap(x).requires_grad_() for x in (q, k, v)]
        y = F.scaled_dot_product_attention(*leaves, **options)
        first = autograd.grad((y * y * wrap(c)).sum(), leaves, create_graph=True)
        second = autograd.grad(sum((g.sin()).sum() for g in first), leaves)
        found.append([t.array for t in (y, *first, *second)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11)


def test_empty():
    """No query: no rows; no key: zeros."""
    for length, keys in ((0, 3), (3, 0)):
        q, k, v = (wrap(np.ones((2, 1, n, 4), np.float32)).requires_grad_() for n in (length, keys, keys))
        y = F.scaled_dot_product_attention(q, k, v)
        y.sum().backward()
        assert y.shape == (2, 1, length, 4)
        assert not y.array.any()
        assert not k.grad.array.any()
