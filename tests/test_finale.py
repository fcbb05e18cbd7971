"""All routes agree: eager, a `Function` of one's own, kernels, interpreted, compiled, finite differences, PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd.function import Function
from autograd.ops.large import LEAST
from autograd.tensor import wrap

ROWS = {"small": 4, "large": LEAST // 8 + 3}  # kernels take over between the two


class Bend(Function):
    """tanh(x) with a derivative written by hand."""

    @staticmethod
    def forward(ctx, x):
        y = np.tanh(x.detach().numpy())
        ctx.save_for_backward(wrap(y))
        return wrap(y)

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * (1 - y * y)


def draw(rows):
    rng = np.random.default_rng(0)
    return rng.standard_normal((rows, 8)), rng.standard_normal((8, 8)), rng.standard_normal(8)


def loss_of(x, w, b, bend):
    """A layer with everything in it: a product, broadcasting, a bend, a mean, a view."""
    h = bend(x @ w + b)
    return ((h * h).mean(0) * b).sum() + h.reshape(-1)[::2].exp().mean()


def value_and_gradients(x, w, b, bend=autograd.tanh):
    loss = loss_of(x, w, b, bend)
    return (loss.detach(), *autograd.grad(loss, (x, w, b)))


def leaves(arrays):
    return [autograd.tensor(a, dtype=autograd.float64, requires_grad=True) for a in arrays]


@pytest.fixture(params=ROWS)
def eager(request):
    arrays = draw(ROWS[request.param])
    return arrays, [t.numpy() for t in value_and_gradients(*leaves(arrays))]


def close(found, expected, tolerance=1e-12):
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def test_function(eager):
    arrays, expected = eager
    close([t.numpy() for t in value_and_gradients(*leaves(arrays), Bend.apply)], expected)


def test_compiled_and_interpreted(eager, tmp_path, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setenv("WENGERT_CACHE", str(tmp_path))
    arrays, expected = eager
    compiled = autograd.compile(value_and_gradients, fullgraph=True)
    for _ in range(3):
        found = compiled(*leaves(arrays))
        close([t.numpy() for t in found], expected)
    others = [a + 0.1 for a in arrays]
    close([t.numpy() for t in compiled(*leaves(others))], [t.numpy() for t in value_and_gradients(*leaves(others))])
    program = compiled.program
    inputs = [arrays[int(program.labels[v].removeprefix("args[").removesuffix("]"))] for v in program.inputs]
    close(program.interpret(*inputs), expected)


def test_finite_differences(eager):
    arrays, (_, *gradients) = eager
    rng, h = np.random.default_rng(1), 1e-6
    for i, gradient in enumerate(gradients):
        direction = rng.standard_normal(arrays[i].shape)
        moved = [[a + s * h * direction if k == i else a for k, a in enumerate(arrays)] for s in (1, -1)]
        up, down = (loss_of(*leaves(m), autograd.tanh).item() for m in moved)
        assert (up - down) / (2 * h) == pytest.approx((gradient * direction).sum(), rel=1e-6, abs=1e-8)


def test_pytorch(eager):
    torch = pytest.importorskip("torch")
    arrays, expected = eager
    inputs = [torch.tensor(a, requires_grad=True) for a in arrays]
    h = torch.tanh(inputs[0] @ inputs[1] + inputs[2])
    loss = ((h * h).mean(0) * inputs[2]).sum() + h.reshape(-1)[::2].exp().mean()
    close([loss.detach().numpy(), *(g.numpy() for g in torch.autograd.grad(loss, inputs))], expected)
