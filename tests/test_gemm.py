"""Matrix products by the kernel, against NumPy's in float64."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd.ops import matmul

pytest.importorskip("numba")

from autograd.kernels import gemm
from tests.samples import same_bits

# Sums of k products of numbers up to 1: an error of one unit in the last place of a small sum for each.
SHAPES = [(1, 1, 1), (3, 9000, 40), (1030, 20, 130), (8, 256, 32), (37, 301, 77), (150, 600, 33), (300, 3, 5),
          (5, 700, 70), (20, 9, 530), (260, 300, 16), (20, 301, 8300), (9, 40, 50),
          (0, 3, 2), (3, 0, 2), (3, 2, 0)]  # fmt: skip
UNIT = {np.float32: 6e-8, np.float64: 1.2e-16}


@pytest.mark.parametrize("dtype", UNIT)
@pytest.mark.parametrize("transposed", [(False, False), (True, False), (False, True), (True, True)], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_product_is_numpys(shape, transposed, dtype):
    (m, k, n), rng = shape, np.random.default_rng(0)
    a, b = (
        np.ascontiguousarray(rng.uniform(-1, 1, s[::-1] if turn else s).astype(dtype))
        for s, turn in zip([(m, k), (k, n)], transposed)
    )
    a, b = (x.T if turn else x for x, turn in zip((a, b), transposed))
    found = gemm.product(a, b)
    assert (found.dtype, found.flags.c_contiguous) == (dtype, True)
    exact, close = a.astype(np.float64) @ b.astype(np.float64), 2 * UNIT[dtype] * (k + 1)
    np.testing.assert_allclose(found, exact, rtol=0, atol=close)
    bias = rng.uniform(-1, 1, n).astype(dtype)
    np.testing.assert_allclose(gemm.product(a, b, bias), exact + bias, rtol=0, atol=close)
    if k and found.size:
        (left, right), none = (gemm._laid_out(x) for x in (a, b)), np.empty(0, dtype)
        gemm.into(*left, *right, none, found.reshape(-1), m, k, n, True)
        np.testing.assert_allclose(found, 2 * exact, rtol=0, atol=2 * close)


def test_strided_and_infinite():
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((20, 60), (40, 9)))
    a, b = a[:, ::3], b[::2]
    np.testing.assert_allclose(gemm.product(a, b), a @ b, rtol=1e-5, atol=1e-5)
    a, b = np.ones((9, 3), np.float32), np.ones((3, 33), np.float32)
    a[0, 0], a[8, 1], b[2, 32] = np.inf, np.nan, -np.inf
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(gemm.product(a, b), a @ b)


@pytest.mark.parametrize("shape", [(300, 300, 99), (300, 99, 300), (1100, 70, 120), (33, 400, 150)], ids=str)
def test_threads_change_no_bit(shape):
    """Whether rows or columns are cut: more than one thread works out alone."""
    (m, k, n), rng = shape, np.random.default_rng(0)
    a, b = rng.standard_normal((k, m)).T, rng.standard_normal((k, n))
    assert m * k * n > gemm.ALONE

    def products():
        lying = np.ascontiguousarray(a), np.asfortranarray(b)
        return [gemm.product(a, b), gemm.product(lying[0], b), gemm.product(*lying)]

    same_bits(products, (2, 3, 4))


@pytest.mark.parametrize("dtype", UNIT)
def test_large_products_and_their_gradients(dtype):
    """Those that the op hands to the kernel: values and gradients are NumPy's."""
    rng = np.random.default_rng(0)
    x, w = (autograd.from_numpy(rng.uniform(-1, 1, s).astype(dtype)) for s in ((1100, 130), (130, 120)))
    assert matmul._large(x.array, w.array)
    x.requires_grad_(), w.requires_grad_()
    y = x @ w
    y.backward(autograd.from_numpy(np.sin(np.arange(1100 * 120, dtype=dtype)).reshape(1100, 120)))
    g = np.sin(np.arange(1100 * 120, dtype=dtype)).reshape(1100, 120).astype(np.float64)
    for found, expected in ((y, x.array @ w.array), (x.grad, g @ w.array.T), (w.grad, x.array.T @ g)):
        np.testing.assert_allclose(found.array, expected, rtol=0, atol=1100 * UNIT[dtype])


@pytest.mark.parametrize("dtype", UNIT)
def test_a_large_linear_map(dtype):
    """The kernel adds the bias; without one, with one of another kind of array, and all gradients."""
    rng = np.random.default_rng(0)
    x, w, b, g = (rng.uniform(-1, 1, s).astype(dtype) for s in ((130, 100), (90, 100), (90,), (130, 90)))
    assert matmul._large(x, w.T)
    close = 2 * 130 * UNIT[dtype]
    for bias in (None, b, np.repeat(b, 2)[::2]):
        np.testing.assert_allclose(matmul.affine.op.run(x, w, bias), x @ w.T + (0 if bias is None else b), atol=close)
    leaves = [autograd.from_numpy(a).requires_grad_() for a in (x, w, b)]
    matmul.affine(*leaves).backward(autograd.from_numpy(g))
    for leaf, expected in zip(leaves, (g @ w, g.T @ x, g.sum(0)), strict=True):
        np.testing.assert_allclose(leaf.grad.array, expected, rtol=0, atol=close)


@pytest.mark.parametrize("dtype", UNIT)
@pytest.mark.parametrize(("lead", "m", "k", "n"), [((5,), 70, 65, 90), ((2, 3), 40, 200, 70)], ids=str)
def test_batches_and_their_gradients(lead, m, k, n, dtype):
    """Pairs that lie one after the other, transposed or not; others are NumPy's."""
    from autograd.kernels import batch

    rng = np.random.default_rng(0)
    a, b, g = (rng.uniform(-1, 1, (*lead, *s)).astype(dtype) for s in ((m, k), (k, n), (m, n)))
    assert m * k * n >= matmul.PAIR
    turned = [np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2) for x in (a, b)]
    for x in (a, turned[0]):
        for y in (b, turned[1]):
            assert batch.laid_out(x) is not None
            np.testing.assert_allclose(matmul.product.op.run(x, y), a @ b, rtol=0, atol=2 * k * UNIT[dtype])
    leaves = [autograd.from_numpy(x).requires_grad_() for x in (a, b)]
    matmul.matmul(*leaves).backward(autograd.from_numpy(g))
    for leaf, expected in zip(leaves, (g @ b.swapaxes(-1, -2), a.swapaxes(-1, -2) @ g), strict=True):
        np.testing.assert_allclose(leaf.grad.array, expected, rtol=0, atol=2 * 90 * UNIT[dtype])
    strided = np.repeat(a, 2, axis=0)[::2]
    assert batch.laid_out(strided) is None
    np.testing.assert_array_equal(matmul.product.op.run(strided, b), strided @ b)
