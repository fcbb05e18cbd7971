"""Functions of one's own: values, contexts, several outputs, second derivatives, errors that teach."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import autograd
from autograd.draw import draw
from autograd.errors import ArgumentError, TapeError
from autograd.function import Function, once_differentiable
from tests.samples import Cube


class Exp(Function):
    """Saves its output, in the form with setup_context."""

    @staticmethod
    def forward(x):
        return autograd.from_numpy(np.exp(x.detach().numpy()))

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y


class Both(Function):
    """(x y, x + y), the exponent a plain number that backward must answer with None."""

    @staticmethod
    def forward(ctx, x, factor, y):
        ctx.save_for_backward(x, None, y)
        ctx.factor = factor
        return x * y * factor, x + y

    @staticmethod
    def backward(ctx, g, h):
        x, nothing, y = ctx.saved_tensors
        assert nothing is None
        return g * y * ctx.factor + h, None, g * x * ctx.factor + h


def leaf(*values):
    return autograd.tensor(list(values), dtype=autograd.float64, requires_grad=True)


def test_first_second_and_third_derivative():
    x = leaf(2.0, -1.0)
    y = Cube.apply(x)
    (first,) = autograd.grad(y.sum(), x, create_graph=True)
    (second,) = autograd.grad(first.sum(), x, create_graph=True)
    (third,) = autograd.grad(second.sum(), x)
    np.testing.assert_array_equal(y.detach(), [8, -1])
    np.testing.assert_array_equal(first.detach(), [12, 3])
    np.testing.assert_array_equal(second.detach(), [12, -6])
    np.testing.assert_array_equal(third, [6, 6])


def test_a_saved_output_is_on_the_tape():
    x = leaf(0.5)
    g = Exp.apply(x)
    for _ in range(3):
        (g,) = autograd.grad(g, x, create_graph=True)
        np.testing.assert_allclose(g.detach(), np.exp([0.5]), rtol=1e-15)


def test_several_outputs_each_alone_and_together():
    x, y = leaf(2.0), leaf(5.0)
    product, total = Both.apply(x, 3, y)
    assert autograd.grad(product, [x, y], retain_graph=True) == (autograd.tensor(15.0), autograd.tensor(6.0))
    assert autograd.grad(total, [x, y], retain_graph=True) == (autograd.tensor(1.0), autograd.tensor(1.0))
    (gx,) = autograd.grad((product * total).sum(), x, create_graph=True)  # d/dx 3xy(x+y) = 6xy + 3yy
    assert gx.item() == 6 * 10 + 75
    gxx, gxy = autograd.grad(gx, [x, y])  # 6y, 6x + 6y
    assert (gxx.item(), gxy.item()) == (30, 42)


def test_saved_outputs_of_several():
    class SquareAndRoot(Function):
        @staticmethod
        def forward(ctx, x):
            outputs = x * x, autograd.from_numpy(np.sqrt(x.detach().numpy()))
            ctx.save_for_backward(x, outputs[1])
            return outputs

        @staticmethod
        def backward(ctx, g, h):
            x, root = ctx.saved_tensors
            return g * 2 * x + h / (2 * root)

    x = leaf(4.0)
    square, root = SquareAndRoot.apply(x)
    (first,) = autograd.grad(square + root, x, create_graph=True)
    (second,) = autograd.grad(first, x)
    assert first.item() == 8.25
    assert second.item() == 2 - 0.25 * 4**-1.5


def test_saved_tensors_that_are_constants():
    class Signed(Function):
        @staticmethod
        def forward(ctx, x):
            sign, other = autograd.sign(x), leaf(7.0)
            ctx.mark_non_differentiable(sign)
            ctx.save_for_backward(sign, x * 2, other)
            return x * sign, sign

        @staticmethod
        def backward(ctx, g, _):
            sign, doubled, other = ctx.saved_tensors
            assert [t.requires_grad for t in (sign, doubled, other)] == [False, False, True]
            return g * sign

    x = leaf(-3.0)
    value, sign = Signed.apply(x)
    assert (value.item(), sign.item()) == (3, -1)
    assert autograd.grad(value, x, create_graph=True)[0].item() == -1


def test_a_call_is_drawn_with_the_names_of_forward():
    x, y = leaf(2.0), leaf(5.0)
    drawing = str(draw(Both.apply(x, 3, y)[0]))
    assert "Both(x, 3, y)" in drawing
    assert Exp.apply(x).node.op.input_names(1) == ("x",)


def test_only_what_is_needed():
    seen = []

    class Watch(Function):
        @staticmethod
        def forward(ctx, x, y, n):
            seen.append(ctx.needs_input_grad)
            assert not autograd.is_grad_enabled()
            return x * y

        @staticmethod
        def backward(ctx, g):
            seen.append(ctx.needs_input_grad)
            assert not autograd.is_grad_enabled()
            return g, g, None

    Watch.apply(leaf(1.0), autograd.ones(1, dtype=autograd.float64), 3).backward()
    assert seen == [(True, False, False)] * 2
    with autograd.no_grad():
        assert not Watch.apply(leaf(1.0), leaf(1.0), 3).requires_grad
    assert not Watch.apply(autograd.ones(1), autograd.ones(1), 3).requires_grad


def test_none_means_no_gradient():
    class Stop(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, g):
            return None, g

    x, y = leaf(1.0), leaf(2.0)
    Stop.apply(x, y).backward()
    assert x.grad is None
    assert y.grad.item() == 1


def test_non_differentiable_outputs_and_other_values():
    got = []

    class Split(Function):
        @staticmethod
        def forward(ctx, x):
            sign = autograd.from_numpy(np.sign(x.detach().numpy()))
            ctx.mark_non_differentiable(sign)
            return x * 2, sign, autograd.from_numpy(np.arange(1)), "text"

        @staticmethod
        def backward(ctx, *g):
            got.extend(g)
            return g[0] * 2

    x = leaf(3.0)
    double, sign, index, text = Split.apply(x)
    assert double.requires_grad
    assert not sign.requires_grad
    assert not index.requires_grad
    assert text == "text"
    double.backward()
    assert x.grad.item() == 2
    assert [None if g is None else g.item() for g in got] == [1, 0, 0, None]


@pytest.mark.parametrize("materialize", [True, False])
def test_unused_outputs(materialize):
    got = []

    class Twice(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(materialize)
            return x * 1, x * 2

        @staticmethod
        def backward(ctx, g, h):
            got.append(g)
            return h * 2

    Twice.apply(leaf(1.0))[1].backward()
    assert got == ([autograd.zeros(1)] if materialize else [None])


def test_an_input_returned_is_a_new_tensor():
    class Reverse(Function):
        @staticmethod
        def forward(ctx, x):
            return x.view_as(x)

        @staticmethod
        def backward(ctx, g):
            return -g

    x = leaf(1.0, 2.0)
    hidden = x * 1
    out = Reverse.apply(hidden)
    out *= 10  # must not reach `hidden`
    (hidden * out).sum().backward()
    np.testing.assert_array_equal(hidden.detach(), [1, 2])
    np.testing.assert_array_equal(x.grad, [10 - 10, 20 - 20])  # x's own factor, and the reversed path


def test_dtype_and_broadcasting_of_cotangents():
    class Scale(Function):
        @staticmethod
        def forward(ctx, x, factor):
            ctx.save_for_backward(x, factor)
            return x * factor

        @staticmethod
        def backward(ctx, g):
            x, factor = ctx.saved_tensors
            return (g * factor).double(), g * x

    x = autograd.tensor([1.0, 2.0], requires_grad=True)
    factor = autograd.tensor(3.0, requires_grad=True)
    hidden, seen = x * 1, []
    hidden.register_hook(lambda g: seen.append(g.dtype))
    Scale.apply(hidden, factor).sum().backward()
    assert seen == [autograd.float32]
    assert factor.grad.shape == ()
    assert factor.grad.item() == 3


def test_once_differentiable():
    class Double(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.values = x.detach().numpy()
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            assert not autograd.is_grad_enabled()
            return autograd.from_numpy(g.detach().numpy() * 2 * ctx.values)

    x = leaf(3.0)
    Double.apply(x).backward()
    assert x.grad.item() == 6
    (g,) = autograd.grad(Double.apply(x), x, create_graph=True)
    assert g.item() == 6
    with pytest.raises(TapeError, match="once_differentiable"):
        autograd.grad(g, x)


def test_a_write_into_a_saved_tensor_is_an_error_that_names_the_line():
    x = leaf(1.0)
    hidden = x * 2
    out = Cube.apply(hidden)
    hidden += 1
    with pytest.raises(TapeError, match=r"`Cube`, recorded at .*test_function\.py.*add_"):
        out.backward()


def test_a_second_backward_is_an_error():
    x = leaf(1.0)
    out = Cube.apply(x)
    out.backward(retain_graph=True)
    out.backward()
    assert x.grad.item() == 6
    with pytest.raises(TapeError, match="retain_graph"):
        out.backward()


def test_memory_returns_without_the_collector():
    gc.collect()
    gc.disable()
    try:
        out = Exp.apply(leaf(1.0))
        import weakref

        node = weakref.ref(out.node.op)
        del out
        assert node() is None
    finally:
        gc.enable()


def _function(answer):
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, g):
            return answer(g)

    return Wrong


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda g: g, "Wrong.backward returned 1 cotangents, but forward took 2"),
        (lambda g: (g, g, g), "returned 3 cotangents, but forward took 2"),
        (lambda g: (g.numpy(), g), "argument 0 must be a Tensor or None, got ndarray"),
        (lambda g: (g, autograd.ones(5)), r"argument 1 has shape \(5,\), the argument itself \(2,\)"),
    ],
)
def test_wrong_answers_are_named(answer, message):
    with pytest.raises((TapeError, ArgumentError), match=message):
        _function(answer).apply(leaf(1.0, 2.0), leaf(1.0, 2.0)).sum().backward()


def test_misuse_is_explained():
    class Dirty(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)

    with pytest.raises(TapeError, match="mark_dirty"):
        Dirty.apply(leaf(1.0))
    with pytest.raises(ArgumentError, match=r"call Cube\.apply"):
        Cube()
    with pytest.raises(ArgumentError, match="save_for_backward: argument 0"):
        Cube.apply(3)
    with pytest.raises(NotImplementedError, match="forward"):
        Function.apply(leaf(1.0))


def test_extra_nones_are_accepted():
    x = leaf(1.0)
    _function(lambda g: (g, g, None)).apply(x, x).backward()
    assert x.grad.item() == 2
