"""Checkpoints change memory and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
import nn.functional as F
from autograd.errors import ArgumentError, TapeError
from autograd.functional import hvp, jvp
from autograd.pytree import flatten
from autograd.tape import LEAF
from autograd.utils.checkpoint import checkpoint, checkpoint_sequential
from tests.samples import Cube


def draw(*shape):
    return autograd.from_numpy(np.random.default_rng(sum(shape)).standard_normal(shape))


def held(t):
    """The elements of the arrays that the tape of `t` keeps for derivatives."""

    def size(x):
        return x.size if isinstance(x, np.ndarray) else sum(map(size, x)) if isinstance(x, tuple) else 0

    return sum(size(node.saved) for node in autograd.Tape.of(t) if node.op is not LEAF)


FUNCTIONS = {
    "chain": lambda x: (x.exp() * x.sin()).tanh(),
    "writes in place": lambda x: x.clone().mul_(2).sin_().add_(x).exp(),
    "several results": lambda x: (x * x, {"k": [x.sum() * x]}),
    "several outputs of one op": lambda x: x.sort(-1).values * x.max(-1).values[:, None],
    "views": lambda x: x.T[1:].exp() @ x,
    "within": lambda x: checkpoint(lambda y: (y * checkpoint(lambda z: z.sin().exp(), y)).tanh(), x * x).cos(),
    "dropout": lambda x: F.dropout(x.exp(), 0.5).sin(),
    "gradient inside": lambda x: autograd.grad((x**3).sum(), x, create_graph=True)[0].sin(),
    "norm": lambda x: F.layer_norm(x, (x.shape[-1],)) * x.softmax(0),
    "Function": lambda x: Cube.apply(x.sin()) * x,
}


def leaves_of(result):
    return flatten(result)[0]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_derivatives_are_those_of_the_function(name):
    function = FUNCTIONS[name]

    def derivatives(f):
        autograd.manual_seed(3)
        x = draw(4, 5).requires_grad_()
        ys = leaves_of(f(x * 1))
        drawn = autograd.rand(2)
        (g,) = autograd.grad([y.sin().sum() for y in ys], x, create_graph=True)
        (h,) = autograd.grad((g * g).sum(), x)
        return [*ys, drawn, g, h, autograd.rand(2)]

    for a, b in zip(derivatives(lambda x: checkpoint(function, x)), derivatives(function), strict=True):
        np.testing.assert_array_equal(a.array, b.array)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_backward_pass_without_record_is_the_same(name):
    """The plain backward pass frees as it goes; parameters that are closed over get their gradients, too."""
    function = FUNCTIONS[name]

    def gradients(apply):
        autograd.manual_seed(3)
        x, w = draw(4, 5).requires_grad_(), draw(5).requires_grad_()
        sum(
            (y.sin().sum() for y in leaves_of(apply(lambda x: function(x * w), x))), start=autograd.tensor(0.0)
        ).backward()
        return x.grad, w.grad

    for a, b in zip(gradients(checkpoint), gradients(lambda f, x: f(x)), strict=True):
        np.testing.assert_array_equal(a.array, b.array)


def test_memory_is_let_go_and_the_function_runs_again_once():
    runs = []

    def layer(x):
        runs.append(1)
        return (x.exp().sin() * 0.1).tanh()

    x = draw(100, 100).requires_grad_()
    plain, forgotten = layer(layer(x)), checkpoint(layer, checkpoint(layer, x))
    assert held(plain) >= 6 * x.numel()
    assert held(forgotten) == 0
    runs.clear()
    forgotten.sum().backward()
    assert len(runs) == 2
    with pytest.raises(TapeError, match="retain_graph=True"):
        forgotten.sum().backward()


def test_a_tape_that_is_kept_does_not_run_again():
    runs = []

    def f(x):
        runs.append(1)
        return x.exp()

    x = draw(3).requires_grad_()
    y = checkpoint(f, x).sum()
    first = autograd.grad(y, x, retain_graph=True)
    second = autograd.grad(y, x)
    assert len(runs) == 2
    np.testing.assert_array_equal(first[0].array, second[0].array)


def test_forward_mode_and_hessians_pass_through():
    def f(x):
        return (x.exp() * x).sum()

    x, v = draw(5), draw(5)
    for product, g in ((jvp, lambda x: x.exp().sin()), (hvp, f)):
        ours, plain = product(lambda x, g=g: checkpoint(g, x), x, v), product(g, x, v)
        np.testing.assert_array_equal(ours[1].array, plain[1].array)


def test_a_module_trains_the_same():
    def weights(call):
        autograd.manual_seed(1)
        model = nn.Sequential(nn.Linear(6, 16), nn.GELU(), nn.Dropout(0.3), nn.LayerNorm(16), nn.Linear(16, 2))
        for k in range(3):
            F.cross_entropy(call(model, draw(8 + k, 6).float()), autograd.arange(8 + k) % 2).backward()
        return [p.grad.array for p in model.parameters()]

    plain = weights(lambda model, x: model(x))
    for call in (lambda m, x: checkpoint(m, x, use_reentrant=False), lambda m, x: checkpoint_sequential(m, 2, x),
                 lambda m, x: checkpoint_sequential(list(m), 3, x, use_reentrant=True)):  # fmt: skip
        for a, b in zip(weights(call), plain, strict=True):
            np.testing.assert_array_equal(a, b)


def test_keyword_arguments_contexts_and_no_tape():
    entered = []

    class Context:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            entered.append(self.name)

        def __exit__(self, *exc):
            pass

    x = draw(2).requires_grad_()
    y = checkpoint(lambda x, *, k: x * k["a"], x, k={"a": x}, context_fn=lambda: (Context("first"), Context("second")))
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.array, 2 * x.array)
    assert entered == ["first", "second"]
    with autograd.no_grad():
        assert not checkpoint(lambda x: x * 2, x).requires_grad


def test_a_function_that_changes_its_mind_is_caught():
    turns = iter([lambda x: x.exp(), lambda x: x.sin().exp(), lambda x: x.exp(), lambda x: x[:1].exp()])
    for message in ("operation 0 was exp", "operation 0 was exp of shape"):
        x = draw(3).requires_grad_()
        y = checkpoint(lambda x: next(turns)(x), x)
        with pytest.raises(TapeError, match=message):
            y.sum().backward()


def test_writes_in_between_are_caught():
    x = draw(3).requires_grad_()
    y = x * 2
    z = checkpoint(lambda y: y.exp().sin(), y)
    y.add_(1)
    with pytest.raises(TapeError, match=r"input 0, of shape .* written in place by add_"):
        z.sum().backward()
    w = draw(3).requires_grad_()
    z = checkpoint(lambda x: (x * w).sin(), x)
    with autograd.no_grad():
        w.add_(1)
    with pytest.raises(TapeError, match="add_ has written into it"):
        z.sum().backward()


def test_without_the_state_of_the_stream_dropout_differs():
    x = autograd.ones(1000).requires_grad_()
    y = checkpoint(lambda x: F.dropout(x, 0.5) * 1, x, preserve_rng_state=False)
    y.sum().backward()
    assert not np.array_equal(x.grad.array, y.array)
    x.grad = None
    y = checkpoint(lambda x: F.dropout(x, 0.5) * 1, x)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.array, y.array)


def test_a_compiled_function_may_have_checkpoints():
    @autograd.compile(fullgraph=True)
    def gradient(x):
        y = checkpoint(lambda x: F.dropout(x.exp().sin(), 0.5), x).sum()
        return autograd.grad(y, x)[0]

    x = draw(50).requires_grad_()
    for seed in range(4):
        autograd.manual_seed(seed)
        found = gradient(x).array
        autograd.manual_seed(seed)
        y = F.dropout(x.exp().sin(), 0.5).sum()
        expected = autograd.grad(y, x)[0].array
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)  # another sine, near its zeros


def test_bad_arguments():
    with pytest.raises(ArgumentError, match="determinism_check"):
        checkpoint(lambda x: x, autograd.ones(1), determinism_check="some")
    with pytest.raises(ArgumentError, match="segments: expected 1 to 2"):
        checkpoint_sequential([autograd.exp, autograd.sin], 3, autograd.ones(1))
    with pytest.raises(ArgumentError, match="unexpected arguments wrong"):
        checkpoint_sequential([autograd.exp], 1, autograd.ones(1), wrong=1)
