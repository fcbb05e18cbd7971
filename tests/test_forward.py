"""Forward mode out of reverse mode: Jv of every declared op, and of the fused ones through their kernels."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
import nn.functional as F
from autograd.errors import TapeError
from autograd.forward import Push, pull
from autograd.function import Function, once_differentiable
from autograd.functional import jacobian, jvp, vjp
from autograd.tensor import wrap
from tests.samples import Cube, as_tensors, outputs, tensors_in
from tests.test_ops import SMOOTH, SYMMETRIC

EPS = 1e-6  # along a random direction: truncation EPS², rounding 1e-16 / EPS


def directions(op, inputs):
    rng = np.random.default_rng(7)
    v = [rng.standard_normal(x.shape) for x in inputs]
    return [(d + d.swapaxes(-1, -2)) / 2 for d in v] if op.name in SYMMETRIC else v


def moved(op, sample, inputs, steps):
    """The outputs where each input has moved by its step."""
    before = [x.array.copy() for x in inputs]
    try:
        for x, step in zip(inputs, steps):
            x.array[...] += step
        with autograd.no_grad():
            return [y.array.copy() for y in outputs(op.function(*sample.args, **sample.kwargs))]
    finally:
        for x, array in zip(inputs, before):
            x.array[...] = array


@pytest.mark.parametrize(("op", "sample"), SMOOTH)
def test_jvp_of_every_op(op, sample):
    """Jv against central differences, and ⟨w, Jv⟩ = ⟨Jᵀw, v⟩ to rounding, in float64."""
    sample = as_tensors(sample)
    inputs = [x for x in tensors_in(sample) if x.requires_grad]
    v = directions(op, inputs)
    ys = outputs(op.function(*sample.args, **sample.kwargs))
    products = Push(ys, inputs)([wrap(d) for d in v])
    high, low = (moved(op, sample, inputs, [sign * EPS * d for d in v]) for sign in (1, -1))
    for y, product, up, down in zip(ys, products, high, low, strict=True):
        found = np.zeros(y.shape) if product is None else product.array
        np.testing.assert_allclose(found, (up - down) / (2 * EPS), rtol=1e-5, atol=1e-6, err_msg=f"{op.name}({sample})")
    rng = np.random.default_rng(8)
    w = [wrap(rng.standard_normal(y.shape)) for y in ys]
    back = pull(ys, inputs, w)
    left = sum(float((a.array * b.array).sum()) for a, b in zip(w, products) if b is not None)
    right = sum(float((a.array * b).sum()) for a, b in zip(back, v) if a is not None)
    assert left == pytest.approx(right, rel=1e-9, abs=1e-9)


# ---------------------------------------------------------------------------------------------------------------------
# Fused operations at sizes at which their kernels answer, in float32.


def draw(*shape):
    return autograd.from_numpy(np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32))


def recurrent(kind):
    layer = getattr(nn, kind)(24, 32, num_layers=2, bidirectional=True)
    weights = [p.detach().clone() for p in layer.parameters()]
    names = [name for name, _ in layer.named_parameters()]

    def run(x, *values):
        result, last = autograd.func.functional_call(layer, dict(zip(names, values)), (x,))
        return result, *(last if isinstance(last, tuple) else (last,))

    return run, (draw(12, 8, 24), *weights)


def labels(*shape, n):
    return autograd.from_numpy(np.random.default_rng(3).integers(0, n, shape))


FUSED = {
    "attention": lambda: (F.scaled_dot_product_attention, (draw(4, 64, 32), draw(4, 64, 32), draw(4, 64, 32))),
    "causal attention": lambda: (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
        (draw(2, 4, 64, 32), draw(2, 4, 64, 32), draw(2, 4, 64, 32)),
    ),
    "layer norm": lambda: (lambda x, w, b: F.layer_norm(x, (256,), w, b), (draw(128, 256), draw(256), draw(256))),
    "batch norm": lambda: (
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        (draw(16, 8, 16, 16), draw(8), draw(8)),
    ),
    "group norm": lambda: (lambda x, w, b: F.group_norm(x, 4, w, b), (draw(16, 8, 16, 16), draw(8), draw(8))),
    "cross entropy": lambda: (lambda x: F.cross_entropy(x, labels(256, n=200)), (draw(256, 200),)),
    "softmax": lambda: (lambda x: F.log_softmax(x, -1) * F.softmax(x, -1), (draw(256, 200),)),
    "conv": lambda: (lambda x, w, b: F.conv2d(x, w, b, padding=1), (draw(8, 16, 16, 16), draw(32, 16, 3, 3), draw(32))),
    "strided conv": lambda: (lambda x, w: F.conv2d(x, w, stride=2), (draw(8, 16, 17, 17), draw(32, 16, 5, 5))),
    "transposed conv": lambda: (lambda x, w: F.conv_transpose2d(x, w), (draw(8, 16, 9, 9), draw(16, 8, 3, 3))),
    "max pooling": lambda: (lambda x: F.max_pool2d(x, 2), (draw(8, 16, 32, 32),)),
    "mean pooling": lambda: (lambda x: F.avg_pool2d(x, 3, stride=2), (draw(8, 16, 33, 33),)),
    "embedding": lambda: (lambda w: F.embedding(labels(64, 32, n=500), w), (draw(500, 64),)),
    "gelu": lambda: (lambda x: F.gelu(x) * x.sigmoid(), (draw(200, 200),)),
    "lstm": lambda: recurrent("LSTM"),
    "gru": lambda: recurrent("GRU"),
    "rnn": lambda: recurrent("RNN"),
}


@pytest.mark.parametrize("name", FUSED)
def test_fused_ops_in_float32(name):
    """Jv in float32, by kernels, is Jv in float64, by NumPy; and so is vᵀJ's derivative, forward over reverse.

    Float32 has 6e-8 of relative rounding; sums here have up to a few thousand terms, of the size of the largest.
    """
    function, inputs = FUSED[name]()
    v = tuple(draw(*x.shape) for x in inputs)

    def gradient(*x):
        result = function(*x)
        ys = result if isinstance(result, tuple) else (result,)
        return autograd.grad([y.square().sum() for y in ys], x, create_graph=True, materialize_grads=True)

    for f in (function, gradient):
        _, single = jvp(f, inputs, v)
        with autograd.no_grad():
            _, double = jvp(f, tuple(x.double() for x in inputs), tuple(d.double() for d in v))
        pairs = zip(single, double) if isinstance(single, tuple) else [(single, double)]
        for a, b in pairs:
            assert a.dtype == np.float32
            scale = max(float(np.abs(b.array).max()), 1.0)
            np.testing.assert_allclose(a.array, b.array, rtol=0, atol=3e-5 * scale)


# ---------------------------------------------------------------------------------------------------------------------


def test_forward_over_reverse_is_reverse_over_reverse():
    """Hv by differentiating the gradient forwards and backwards."""
    x, v = draw(6).double(), draw(6).double()
    w = draw(6, 6).double()

    def gradient(x):
        return autograd.grad(F.cross_entropy((x.tanh() @ w)[None], autograd.tensor([2])), x, create_graph=True)[0]

    np.testing.assert_allclose(jvp(gradient, x, v)[1].array, vjp(gradient, x, v)[1].array, rtol=1e-12, atol=1e-14)


def test_infinite_derivatives_are_infinite():
    _, product = jvp(lambda x: x.sqrt(), autograd.tensor([0.0, 4.0]), autograd.tensor([1.0, 1.0]))
    assert product.tolist() == [np.inf, 0.25]


def test_a_long_chain():
    """No recursion here either."""

    def chain(x):
        for _ in range(20_000):
            x = x * 1.0001
        return x

    value, product = jvp(chain, autograd.tensor(2.0, dtype=autograd.float64), autograd.tensor(3.0))
    assert product.item() == pytest.approx(value.item() * 1.5)


def test_functions_of_ones_own_need_no_jvp():
    assert jvp(Cube.apply, autograd.tensor(2.0), autograd.tensor(0.5))[1].item() == 6.0


def test_a_backward_pass_that_is_not_recorded_says_so():
    class Double(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            return wrap(g.array * 2)

    with pytest.raises(TapeError, match="once_differentiable"):
        jvp(Double.apply, autograd.ones(2), autograd.ones(2))


def test_a_formula_that_is_not_linear_is_caught(monkeypatch):
    """⟨w, Jv⟩ = ⟨Jᵀw, v⟩ fails where the derivative of a formula by its cotangent is wrong: the test above can fail."""
    x = draw(3).double().requires_grad_()
    sine = next(case.values for case in SMOOTH if case.values[0].name == "sin")
    wrong = (lambda g, node: (g * g) * 0.5 + g.sum() * 0,)
    monkeypatch.setattr(sine[0], "recorded_pulls", wrong)
    product = Push([x.sin()], [x])([wrap(np.ones(3))])[0]
    assert not np.allclose(product.array, np.cos(x.array))


def test_one_recording_serves_many_directions():
    calls = []

    def f(x):
        calls.append(1)
        return x.exp().outer(x)

    x = draw(3).double()
    by_columns = jacobian(f, x, strategy="forward-mode")
    assert len(calls) == 1
    np.testing.assert_allclose(by_columns.array, jacobian(f, x).array, rtol=1e-14)
