"""exp, log, tanh and sigmoid of the kernels: their largest errors in units in the last place, and special values."""

from __future__ import annotations

import math

import numpy as np
import pytest

import nn.functional as F

pytest.importorskip("numba")

from autograd.kernels import vmath
from autograd.kernels.door import kernel
from autograd.tensor import wrap


@kernel
def exp(x, y):
    for i in range(x.size):
        y[i] = vmath.vexp(x[i])


@kernel
def log(x, y):
    for i in range(x.size):
        y[i] = vmath.vlog(x[i])


@kernel
def tanh(x, y):
    for i in range(x.size):
        y[i] = vmath.vtanh(x[i])


@kernel
def sigmoid(x, y):
    for i in range(x.size):
        y[i] = vmath.vsigmoid(x[i])


@kernel
def erf(x, y):
    for i in range(x.size):
        y[i] = vmath.verf(x[i])


def exact_erf(x):
    """The C library's, in float64: exact for float32, and within one unit for float64."""
    return np.vectorize(math.erf, otypes=[np.float64])(x)


def logistic(x):
    return 1 / (1 + np.exp(-x))


FUNCTIONS = [(exp, np.exp), (log, np.log), (tanh, np.tanh), (sigmoid, logistic), (erf, exact_erf)]
each = pytest.mark.parametrize(("compiled", "exact", "dtype"), [
    pytest.param(compiled, exact, dtype, id=f"{exact.__name__}-{dtype.__name__}")
    for compiled, exact in FUNCTIONS
    for dtype in (np.float32, np.float64)
    if compiled is not erf or dtype is np.float32  # which is all that erf is made for
])  # fmt: skip


def spread(name, dtype):
    """Numbers near 0 and far from it, as far as the result is a normal number."""
    random, last = np.random.default_rng(0), 87.3 if dtype == np.float32 else 708.0
    near, far = random.uniform(-1, 1, 200_000), random.uniform(-last, last, 200_000)
    if name == "log":
        return np.exp(np.concatenate([near, far])).astype(dtype)
    return np.concatenate([near, near * 1e-3, near * 12, far]).astype(dtype)


def computed(compiled, x):
    y = np.empty_like(x)
    compiled(x, y)
    return y


@each
def test_units_in_the_last_place(compiled, exact, dtype):
    """Against NumPy in the next wider format (float64 for float32, long double for float64)."""
    wide = np.float64 if dtype == np.float32 else np.longdouble
    if np.finfo(wide).nmant <= np.finfo(dtype).nmant:
        pytest.skip("no wider format to compare with")
    name = compiled.py_func.__name__
    x = spread(name, dtype)
    truth = exact(x.astype(wide))
    error = np.abs(computed(compiled, x).astype(wide) - truth) / np.spacing(np.abs(truth.astype(dtype))).astype(wide)
    assert error.max() < vmath.ULP[name], f"{error.max()} ulp at {x[error.argmax()]!r}"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["silu", "gelu", "gelu-tanh"])
def test_units_of_activations(name, dtype):
    """Against their formulas in a wider format, written so that nothing cancels."""
    wide = np.float64 if dtype == np.float32 else np.longdouble
    if np.finfo(wide).nmant <= np.finfo(dtype).nmant:
        pytest.skip("no wider format to compare with")
    x = spread("silu", dtype)
    w = x.astype(wide)
    if name == "silu":
        ours, truth = F.silu(wrap(x)), w * logistic(w)
    elif name == "gelu":
        ours = F.gelu(wrap(x))
        truth = w * np.vectorize(math.erfc, otypes=[np.float64])(-x.astype(np.float64) / math.sqrt(2)) / 2
    else:
        ours = F.gelu(wrap(x), approximate="tanh")
        with np.errstate(over="ignore"):
            truth = w * logistic(2 * np.sqrt(2 / wide(np.pi)) * (w + wide(0.044715) * w**3))
    unit = np.spacing(np.abs(truth.astype(dtype)))
    if name != "silu":
        unit = np.where(x > 0, unit, np.finfo(dtype).eps)
    error = np.abs(ours.array.astype(wide) - truth) / unit
    assert error.max() < vmath.ULP[name.removesuffix("-tanh")], f"{error.max()} ulp at {x[error.argmax()]!r}"


@each
def test_special_values(compiled, exact, dtype):
    """NaN, infinities, both zeros, subnormal numbers, and where exp over- and underflows."""
    tiny, large = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max
    edges = [88.7, 88.8, -87.4, -103.0, -104.5, 709.7, 709.8, -708.5, -744.0, -746.5]
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, tiny, -tiny, 8 * tiny, large, -large, 1.0, *edges], dtype)
    with np.errstate(all="ignore"):
        expected = exact(x)
    ours = computed(compiled, x)
    np.testing.assert_allclose(ours, expected, rtol=8 * np.finfo(dtype).eps, atol=2 * tiny)
    if compiled is tanh:
        np.testing.assert_array_equal(np.signbit(ours[:2]), [False, True])
