"""The compiled elementwise loops against NumPy: values, special values, layouts, threads."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn.functional as F
from autograd.kernels import get_num_threads, set_num_threads
from autograd.ops import activation, arithmetic, choice, exponential, powers, rounding, special, trig
from autograd.ops.large import FAR, LEAST, in_loops, in_shared_loops
from autograd.tensor import wrap

pytest.importorskip("numba")

from autograd.kernels.flat import PIECE

OPS = [activation.relu, activation.silu, exponential.exp, exponential.log, exponential.sigmoid, special.erf, trig.tanh]
each = pytest.mark.parametrize("op", [made.op for made in OPS], ids=lambda op: op.name)
both = pytest.mark.parametrize("dtype", [np.float32, np.float64])
PULLS = [
    (activation._relu_pull, ()),
    (activation._leaky_pull, (0.2,)),
    (trig._tanh_pull, ()),
    (exponential._sigmoid_pull, ()),
    (activation._silu_pull, ()),
    (activation._gelu_pull, ("none",)),
    (activation._gelu_pull, ("tanh",)),
]
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-40, -1e-40, 80.0, -80.0, 1e30, -1e30]


def draw(dtype, seed=0, shape=(130, LEAST // 64)):
    return (3 * np.random.default_rng(seed).standard_normal(shape)).astype(dtype)


def layouts(a):
    """The same numbers row by row, column by column, with gaps; and rows in another order."""
    return [a, np.asfortranarray(a), np.repeat(a, 2, axis=1)[:, ::2], a[::-1]]


def assert_close(ours, expected):
    """Within eight units in the last place: our functions are within three, NumPy's within four."""
    assert ours.dtype == expected.dtype
    np.testing.assert_allclose(ours, expected, rtol=8 * np.finfo(ours.dtype).eps, atol=np.finfo(ours.dtype).tiny)


@each
@both
def test_as_numpy(op, dtype):
    with np.errstate(all="ignore"):
        for x in layouts(draw(dtype)):
            assert_close(op.run(x), op.body(x))
        assert op.run(x[:0]).shape == (0, x.shape[1])


@both
@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu(dtype, approximate):
    for x in layouts(draw(dtype)):
        unit = np.finfo(dtype).eps  # for negative x, 1 + tanh cancels: equal in units of 1
        expected = activation.gelu.op.body(x, approximate)
        np.testing.assert_allclose(activation.gelu.op.run(x, approximate), expected, 8 * unit, 16 * unit)


@pytest.mark.parametrize(("pull", "params"), PULLS)
@both
def test_pairs_as_numpy(pull, params, dtype):
    unit = np.finfo(dtype).eps
    with np.errstate(all="ignore"):
        for x, y in zip(layouts(draw(dtype)), layouts(draw(dtype, 1))):
            expected = pull.body(x, y, *params)
            np.testing.assert_allclose(pull(x, y, *params), expected, rtol=16 * unit, atol=256 * unit)  # 1 - t² cancels


@pytest.mark.parametrize(("pull", "params"), PULLS)
def test_what_a_loop_declines(pull, params):
    loop, x = in_loops(lambda *args: pull.body(*args)), draw(np.float32)
    assert loop(x, x, *params) is not NotImplemented
    assert loop(x, x[:1], *params) is NotImplemented
    assert loop(x, x.astype(np.float16), *params) is NotImplemented
    assert loop(x[:1], x[:1], *params) is NotImplemented


@each
@both
def test_special_values(op, dtype):
    x = np.tile(np.array(SPECIAL, dtype), LEAST)
    with np.errstate(all="ignore"):
        assert_close(op.run(x), op.body(x))


@pytest.mark.parametrize(("pull", "params"), PULLS)
def test_special_pairs(pull, params):
    """NaN and infinities in either argument come out where NumPy has them."""
    table = np.meshgrid(np.array(SPECIAL, np.float32), np.array(SPECIAL, np.float32))
    x, y = (np.tile(a.reshape(-1), LEAST // a.size + 1) for a in table)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(pull(x, y, *params), pull.body(x, y, *params), rtol=1e-5, atol=1e-5)


@each
def test_threads_do_not_change_bits(op):
    before, results = get_num_threads(), []
    x = np.abs(draw(np.float32, shape=(300_001,)))
    try:
        for n in (1, 2, 3):
            set_num_threads(n)
            results.append(op.run(x))
    finally:
        set_num_threads(before)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


@each
def test_large_arrays_are_compiled(op):
    """The loops are in use: NumPy's function may differ in the last place, theirs may not."""
    x = np.abs(draw(np.float32))
    loop = in_loops(op.body)
    assert loop(x) is not NotImplemented
    np.testing.assert_array_equal(op.run(x), loop(x))


@pytest.mark.parametrize("f", [
    autograd.relu, autograd.tanh, autograd.sigmoid, F.silu, F.gelu, lambda x: F.gelu(x, approximate="tanh"),
], ids=["relu", "tanh", "sigmoid", "silu", "gelu", "gelu-tanh"])  # fmt: skip
def test_gradients_of_large_arrays(f):
    """First and second derivatives of one large tensor are those of its small parts."""
    x = draw(np.float64)
    found = []
    for parts in ([x], np.split(x, 130)):
        rows = []
        for part in parts:
            leaf = wrap(part).requires_grad_()
            y = f(leaf)
            (first,) = autograd.grad((y * y).sum(), leaf, create_graph=True)
            (second,) = autograd.grad((first * first).sum(), leaf)
            rows.append(np.stack([first.array, second.array]))
        found.append(np.concatenate(rows, axis=1))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-11, atol=1e-13)


@both
@pytest.mark.parametrize("name", ["_add", "_sub", "mul", "_div"])
def test_arithmetic_of_large_arrays(name, dtype):
    """To the bit, and not by NumPy."""
    op = getattr(arithmetic, name).op
    x, y = draw(dtype, 0, (1, FAR + 3)), draw(dtype, 1, (1, FAR + 3))
    x[0, : len(SPECIAL)], y[0, 5 : 5 + len(SPECIAL)] = SPECIAL, SPECIAL
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(op.run(x, y), op.body(x, y))
        np.testing.assert_array_equal(op.run(x, y[0]), op.body(x, y[0]))
        np.testing.assert_array_equal(op.run(x[:, ::-1], y), op.body(x[:, ::-1], y))
        for number in (2, -0.3, np.nan, np.array(0.1, dtype)):
            np.testing.assert_array_equal(op.run(x, number), op.body(x, number))
            np.testing.assert_array_equal(op.run(number, y), op.body(number, y))
            assert in_shared_loops(op.body)(x, number) is not NotImplemented
        assert in_shared_loops(op.body)(x, y) is not NotImplemented
        assert in_shared_loops(op.body)(x, y[0]) is NotImplemented
        np.testing.assert_array_equal(op.run(x, y > 0), op.body(x, y > 0))


UNARY = [arithmetic.neg, powers.abs, powers.square, powers.sqrt, powers.reciprocal]
CHOICES = [
    (choice.maximum, lambda x, y: (x, y)),
    (choice.minimum, lambda x, y: (x, 0.5)),
    (choice._where, lambda x, y: (x > y, x, y)),
    (choice._where, lambda x, y: (x > y, -1, y)),
    (choice._where, lambda x, y: (x > y, x, np.array(np.inf, x.dtype))),
    (rounding.clamp, lambda x, y: (x, -1, 0.5)),
    (rounding.clamp, lambda x, y: (x, y, None)),
    (rounding.clamp, lambda x, y: (x, None, np.nan)),
    (powers.pow, lambda x, y: (x, 2)),
    (powers.pow, lambda x, y: (x, 3.0)),
    (powers.pow, lambda x, y: (np.abs(x), 0.5)),
    *[(made, lambda x, y: (x,)) for made in UNARY],
]


@both
@pytest.mark.parametrize(("made", "args"), CHOICES, ids=lambda x: getattr(getattr(x, "op", None), "name", ""))
def test_choices_and_powers_of_large_arrays(made, args, dtype):
    """To the bit, NaN and infinities too."""
    x, y = draw(dtype, 0, (FAR + 3,)), draw(dtype, 1, (FAR + 3,))
    pairs = np.meshgrid(np.array(SPECIAL, dtype), np.array(SPECIAL, dtype))
    for a, pair in zip((x, y), pairs):
        a[-pair.size :] = pair.reshape(-1)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(made.op.run(*args(x, y)), made.op.body(*args(x, y)))


@both
def test_reciprocal_roots_of_large_arrays(dtype):
    x = np.concatenate([np.abs(draw(dtype, 0, (LEAST,))), np.array(SPECIAL, dtype)])
    with np.errstate(all="ignore"):
        assert_close(powers.rsqrt.op.run(x), powers.rsqrt.op.body(x))
        assert in_shared_loops(powers.rsqrt.op.body, LEAST)(x) is not NotImplemented


@both
@pytest.mark.parametrize("n", [LEAST, 3 * PIECE + 5, 3 * PIECE + 2048])
def test_results_larger_than_the_caches_are_streamed(n, dtype, monkeypatch):
    """Whole vectors and what is left at either end, whatever the alignment."""
    from autograd.program import formulas

    monkeypatch.setattr(formulas, "FAR", 1)
    fast = in_loops(lambda x, y: x * y + 1)
    x, y, close = draw(dtype, 0, (n + 1,)), draw(dtype, 1, (n + 1,)), 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(fast(x[:n], y[:n]), x[:n] * y[:n] + 1, rtol=close, atol=close)
    np.testing.assert_allclose(fast(x[1:], y[:n]), x[1:] * y[:n] + 1, rtol=close, atol=close)
    chosen = in_shared_loops(lambda mask, x, y: np.where(mask, x, y), LEAST)
    np.testing.assert_array_equal(chosen(x[:n] > 0, x[:n], 2.5), np.where(x[:n] > 0, x[:n], dtype(2.5)))


@both
def test_lines_go_where_they_should(dtype):
    """And are found wherever a run begins and ends."""
    from numba import njit

    from autograd.kernels.stream import LINE, lines_of, streamed

    @njit
    def sum_of(i, x, y, to):
        to[i] = x[i] + y[i]

    @njit
    def summed(x, y, to, low, high):
        streamed(sum_of, to, low, high, (x, y))

    x, y, size = np.arange(6000, dtype=dtype), np.full(6000, 0.5, dtype), LINE // np.dtype(dtype).itemsize
    for low, high in ((0, 6000), (3, 5999), (17, 20), (5, 5), (5, 6), (1, 4100)):
        to = np.full(6000, -1, dtype)
        first, lines = lines_of(to[low:high])
        begin, end = low + first, low + first + lines * size
        assert to[begin:].ctypes.data % LINE == 0 or lines == 0
        assert lines == 0 or high - size < end <= high
        if lines:
            summed(x, y, to, begin, end)
        np.testing.assert_array_equal(to, np.where((x >= begin) & (x < end), x + y, -1))
