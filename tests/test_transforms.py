"""Transforms of functions without an oracle: what they nest to, what stays on the tape, what errors say."""

from __future__ import annotations

import gc
from collections import namedtuple

import numpy as np
import pytest

import autograd
import autograd.functional as derivatives
import nn
import nn.functional as F
from autograd.errors import ArgumentError, DimensionError, ShapeError, TapeError
from autograd.func import (
    functional_call,
    grad,
    grad_and_value,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    vjp,
    vmap,
)
from autograd.pytree import flatten
from autograd.random import Generator
from autograd.tensor import wrap

rng = np.random.default_rng(0)
EXACT = {"rtol": 1e-12, "atol": 1e-14}  # float64, a few terms


def draw(*shape):
    return wrap(rng.standard_normal(shape))


def cube(x):
    return (x**3).sum()


# ---------------------------------------------------------------------------------------------------------------------
# Levels: an inner derivative inside an outer one.


def test_perturbations_are_not_confused():
    """d/dx [x · d/dy (x + y)] = d/dx x = 1, whichever modes the two are."""
    x = autograd.tensor(3.0)

    def forward(f):
        return lambda x: jvp(f, (x,), (autograd.tensor(1.0),))[1]

    for outer in (grad, forward):
        for inner in (grad, forward):
            assert outer(lambda x, inner=inner: x * inner(lambda y: x + y)(x))(x).item() == 1


def test_five_derivatives_of_a_fifth_power():
    f = lambda x: x**5
    x = autograd.tensor(2.0, dtype=autograd.float64)
    for order, expected in enumerate([32, 80, 160, 240, 240, 120, 0]):
        assert f(x).item() == pytest.approx(expected), order
        f = grad(f)


def test_results_leave_no_tape_behind():
    x = draw(3)
    gradient, value = grad_and_value(cube)(x)
    y, pull = vjp(lambda x: x.exp(), x)
    results = [gradient, value, y, pull(x)[0], *jvp(lambda x: x.exp(), (x,), (x,)), jacrev(cube)(x), hessian(cube)(x)]
    assert not any(t.requires_grad for t in results)
    assert x.is_leaf
    assert x.grad is None


def test_a_leaf_that_is_closed_over_is_differentiated_by_an_outer_pass():
    """d/dw Σ ∂/∂x (w x³) = Σ 3 x²."""
    w, x = autograd.ones(3, dtype=autograd.float64, requires_grad=True), draw(3)
    grad(lambda x: (w * x**3).sum())(x).sum().backward()
    np.testing.assert_allclose(w.grad.array, 3 * x.array**2, **EXACT)
    w.grad = None
    jvp(lambda x: (w * x**3).sum(), (x,), (autograd.ones(3),))[1].backward()
    np.testing.assert_allclose(w.grad.array, 3 * x.array**2, **EXACT)


def test_a_cotangent_on_the_tape_is_differentiated():
    u, x = draw(3).requires_grad_(), draw(3)
    vjp(lambda x: x.exp(), x)[1](u)[0].sum().backward()
    np.testing.assert_allclose(u.grad.array, np.exp(x.array), **EXACT)
    v = draw(3).requires_grad_()
    linearize(lambda x: x.exp(), x)[1](v).sum().backward()
    np.testing.assert_allclose(v.grad.array, np.exp(x.array), **EXACT)


def test_no_grad_outside_changes_nothing_and_inside_makes_constants():
    x = draw(3).requires_grad_()
    with autograd.no_grad():
        g = grad(cube)(x)
    np.testing.assert_allclose(g.array, 3 * x.array**2, **EXACT)
    assert not g.requires_grad

    def half_constant(x):
        with autograd.no_grad():
            constant = x * 2
        return (x * constant).sum()

    np.testing.assert_allclose(grad(half_constant)(draw(3) * 0 + 1).array, [2, 2, 2])


def test_nothing_grows():
    """A transform in a loop leaves no memory behind, with the garbage collector off."""
    x = draw(50)
    count = lambda: sum(issubclass(type(o), autograd.tape.Node) for o in gc.get_objects())
    gc.collect()
    gc.disable()
    try:
        grad(cube)(x)
        before = count()
        for _ in range(5):
            grad(cube)(x)
            jvp(lambda x: x.exp(), (x,), (x,))
            vmap(grad(lambda x: x.exp()))(x)
        assert count() == before
    finally:
        gc.enable()


# ---------------------------------------------------------------------------------------------------------------------
# Derivatives.


def test_linearize_and_vjp_run_the_function_once():
    calls = []

    def f(x):
        calls.append(1)
        return x.exp()

    x = draw(3)
    _, push = linearize(f, x)
    _, pull = vjp(f, x)
    for _ in range(3):
        v = draw(3)
        np.testing.assert_allclose(push(v).array, np.exp(x.array) * v.array, **EXACT)
        np.testing.assert_allclose(pull(v)[0].array, np.exp(x.array) * v.array, **EXACT)
    assert len(calls) == 2


def test_named_tuples_and_dicts_in_another_order():
    Pair = namedtuple("Pair", "a b")
    x = draw(3)
    found = grad(lambda p: (p.a * p.b).sum())(Pair(x, x * 2))
    assert isinstance(found, Pair)
    np.testing.assert_allclose(found.a.array, 2 * x.array)
    _, pull = vjp(lambda x: {"a": x * 2, "b": x * 3}, x)
    np.testing.assert_allclose(pull({"b": x * 0, "a": x})[0].array, 2 * x.array)


def test_structures():
    _, tree = flatten([{"a": (1,)}, 2])
    assert str(tree) == "[{'a': (*,)}, *]"
    assert tree.build([3, 4]) == [{"a": (3,)}, 4]
    assert tree.spread([0, None]) == [0, None]
    assert tree.spread([0, None], whole=True) is None
    assert tree.spread((0, 1)) is None
    assert tree.spread([{"b": 0}, 1]) is None


@pytest.mark.parametrize(
    "make", [lambda: nn.LSTM(3, 4), lambda: nn.MultiheadAttention(4, 2)], ids=["lstm", "attention"]
)
def test_transforms_through_recurrent_and_attention_layers(make):
    """Jv and vmap, which PyTorch refuses for these two on the CPU, against differences and the batch itself."""
    layer = make().double()
    is_lstm = isinstance(layer, nn.LSTM)
    call = (lambda x: layer(x)[0]) if is_lstm else (lambda x: layer(x, x, x)[0])
    x, v = draw(5, 2, 3 if is_lstm else 4), draw(5, 2, 3 if is_lstm else 4)
    _, product = jvp(call, (x,), (v,))
    numeric = (call(x + v * 1e-6) - call(x - v * 1e-6)) / 2e-6
    np.testing.assert_allclose(product.array, numeric.detach().array, rtol=1e-7, atol=1e-9)  # EPS² and 1e-16 / EPS
    np.testing.assert_allclose(vmap(call, 1, 1)(x).array, call(x).array, rtol=1e-12, atol=1e-14)
    by_example = vmap(grad(lambda x: call(x[:, None]).square().sum()), 1, 1)(x)
    np.testing.assert_allclose(by_example.array, grad(lambda x: call(x).square().sum())(x).array, rtol=1e-10)


def test_batch_statistics_are_updated_in_the_buffers_that_were_given():
    norm = nn.BatchNorm1d(3)
    buffers = {name: b.clone() for name, b in norm.named_buffers()}
    functional_call(norm, buffers, (draw(8, 3).float() + 5,))
    assert norm.num_batches_tracked.item() == 0
    assert not norm.running_mean.array.any()
    assert buffers["num_batches_tracked"].item() == 1
    assert (buffers["running_mean"].array > 0.3).all()


def test_functional_call_puts_everything_back_after_an_error():
    layer = nn.Linear(2, 1)
    own = layer.weight
    with pytest.raises(RuntimeError):
        functional_call(layer, {"weight": autograd.ones(1, 7)}, (autograd.ones(1, 2),))
    assert layer.weight is own


@pytest.mark.parametrize("name", ["hvp", "jvp", "jacobian", "vmap"])
def test_transforms_in_compiled_functions(name):
    """They are recorded like anything else; the forward product needs none of the pass that it is made of."""
    w = draw(6, 5)
    loss = lambda x: (x @ w).tanh().square().mean()
    function = {
        "hvp": lambda x, v: autograd.functional.hvp(loss, x, v)[1],
        "jvp": lambda x, v: jvp(lambda x: (x @ w).tanh(), (x,), (v,))[1],
        "jacobian": lambda x, v: jacfwd(lambda x: (x[:2] @ w[:2]).tanh())(x),
        "vmap": lambda x, v: vmap(grad(loss))(autograd.stack([x, v])),
    }[name]
    compiled = autograd.compile(function, fullgraph=True)
    for _ in range(4):
        x, v = draw(6), draw(6)
        np.testing.assert_allclose(compiled(x, v).array, function(x, v).array, rtol=1e-10, atol=1e-12)
    if name == "jvp":
        assert str(compiled.program).count("matmul") == 2, compiled.program


# ---------------------------------------------------------------------------------------------------------------------
# vmap.


def test_vmap_takes_control_flow_and_writes():
    def steps(x):
        count = 0
        while float(x) > 1:
            x, count = x / 2, count + 1
        return autograd.tensor(count)

    assert vmap(steps)(autograd.tensor([1.0, 5.0, 100.0])).tolist() == [0, 3, 7]
    x = draw(3, 2)
    np.testing.assert_array_equal(vmap(lambda r: r.clone().mul_(2))(x).array, 2 * x.array)


def test_randomness_same_holds_for_every_stream():
    stream = Generator().manual_seed(3)

    def noisy(x):
        return x * 0 + autograd.rand(2) + autograd.randn(2, generator=stream) + autograd.randperm(2)

    rows = vmap(noisy, randomness="same")(autograd.zeros(4, 2))
    assert (rows.array == rows.array[0]).all()
    other = vmap(noisy, randomness="different")(autograd.zeros(4, 2))
    assert len({tuple(row) for row in other.tolist()}) == 4
    autograd.manual_seed(0)
    first = autograd.rand(2)
    after = autograd.rand(2)
    autograd.manual_seed(0)
    np.testing.assert_array_equal(vmap(lambda x: autograd.rand(2), randomness="same")(autograd.ones(3)).array[2], first)
    np.testing.assert_array_equal(autograd.rand(2).array, after.array)  # the stream went on once


def test_randomness_of_nested_maps():
    x = autograd.zeros(2, 3)
    draws = lambda inner, outer: (
        vmap(vmap(lambda x: autograd.rand(()) + x, randomness=inner), randomness=outer)(x).array
    )
    same_inside = draws("same", "different")
    assert (same_inside == same_inside[:, :1]).all()
    assert (same_inside[0] != same_inside[1]).all()
    same_outside = draws("different", "same")
    assert (same_outside[0] == same_outside[1]).all()
    assert len(set(same_outside[0])) == 3
    with pytest.raises(ArgumentError, match="randomness='error'"):
        draws("different", "error")
    autograd.rand(1)  # the rule ended with the map


def test_dropout_under_the_three_rules():
    x = autograd.ones(3, 20)
    with pytest.raises(ArgumentError, match="pass 'different'"):
        vmap(F.dropout)(x)
    rows = vmap(F.dropout, randomness="same")(x).array
    assert (rows == rows[0]).all()


def test_an_empty_batch_has_the_shapes_of_a_full_one():
    y, z = vmap(lambda x, w: (x @ w, x.sum()), (1, None), (1, 0))(autograd.zeros(3, 0), autograd.ones(3, 4))
    assert y.shape == (4, 0)
    assert z.shape == (0,)


# ---------------------------------------------------------------------------------------------------------------------
# What errors say.


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda x: grad(lambda x: x)(x), ShapeError, r"grad: func must return .* shape \[3\]; reduce it with sum\(\)"),
    (lambda x: grad(lambda x: (x.sum(), 1))(x), ArgumentError, "func must return a Tensor, got tuple; .* has_aux"),
    (lambda x: grad(cube, argnums=2)(x), ArgumentError, "argnums says 2, but there are 1 positional arguments"),
    (lambda x: grad(cube)(2.0), ArgumentError, "must be Tensors, got float"),
    (lambda x: vjp(cube, x)[1](x), ShapeError, r"cotangents 0 has shape \[3\], the output \[\]"),
    (lambda x: vjp(cube, x)[1]([x]), ArgumentError, r"must have the structure of the output, \*, got \[\*\]"),
    (lambda x: vjp(cube, x)[1](1.0), ArgumentError, "cotangents must be Tensors, got float"),
    (lambda x: jvp(cube, x, x), ArgumentError, "primals must be a tuple"),
    (lambda x: jvp(lambda x: x.detach(), (x,), (x,), strict=True), TapeError, "output 0 does not depend on primals"),
    (lambda x: linearize(cube), ArgumentError, "at least one argument"),
    (lambda x: jacrev(cube, chunk_size=0), ArgumentError, "chunk_size"),
    (lambda x: vmap(cube, in_dims=1)(x), ArgumentError, r"in_dims says 1 for an argument of shape \[3\]"),
    (lambda x: vmap(cube, out_dims=1)(x), DimensionError, r"out_dims says 1 for results of shape \[\]"),
    (lambda x: vmap(lambda r: autograd.ones(int(r)))(x * 0 + autograd.arange(3)), ArgumentError, "several shapes"),
    (lambda x: vmap(lambda r: [r] * int(r))(x * 0 + autograd.arange(3)), ArgumentError, r"several structures, .*\*"),
    (lambda x: vmap(lambda a, b: a)(x, x[:2]), ArgumentError, r"one size, got \[2, 3\]"),
    (lambda x: functional_call(nn.Linear(3, 1), {"wieght": x}, x, strict=True), ArgumentError, "unexpected .'wieght'"),
    (lambda x: functional_call(cube, {}, x), ArgumentError, "must be an nn.Module, got function"),
    (lambda x: derivatives.vjp(lambda x: x, x), ArgumentError, r"outputs of func have shape \[3\]"),
    (lambda x: derivatives.vjp(lambda x: x, x, x[:2]), ShapeError, r"v has shape \[2\], .* have shape \[3\]"),
    (lambda x: derivatives.jvp(lambda x: [x], x, x), ArgumentError, "func must return a Tensor .*, got list"),
    (lambda x: derivatives.hvp(lambda x: x, x, x), ShapeError, r"a single element, got shape \[3\]; sum\(\) it"),
    (lambda x: derivatives.hvp(lambda x: x.sum(), x, x, strict=True), TapeError, "gradient .* 0 is constant"),
    (lambda x: derivatives.jacobian(cube, x, strategy="up"), ArgumentError, "'forward-mode' or 'reverse-mode'"),
    (lambda x: derivatives.jacobian(cube, x, strict=True, strategy="forward-mode"), ArgumentError, "strict=True"),
])  # fmt: skip
def test_errors_teach(call, error, message):
    with pytest.raises(error, match=message):
        call(draw(3))
