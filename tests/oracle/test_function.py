"""The same Function and the same engine calls, word for word, under PyTorch and under ours."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd import check, function

torch = pytest.importorskip("torch")


class Ours:
    """What the programs below call, in one place."""

    Function, once_differentiable = function.Function, staticmethod(function.once_differentiable)
    gradcheck, gradgradcheck = staticmethod(check.gradcheck), staticmethod(check.gradgradcheck)
    grad, sin = staticmethod(autograd.grad), staticmethod(autograd.sin)
    no_grad, enable_grad, ones_like = autograd.no_grad, autograd.enable_grad, staticmethod(autograd.ones_like)

    @staticmethod
    def leaf(*values):
        return autograd.tensor(list(values), dtype=autograd.float64, requires_grad=True)


class Theirs:
    Function = torch.autograd.Function
    once_differentiable = staticmethod(torch.autograd.function.once_differentiable)
    gradcheck, gradgradcheck = staticmethod(torch.autograd.gradcheck), staticmethod(torch.autograd.gradgradcheck)
    grad, sin = staticmethod(torch.autograd.grad), staticmethod(torch.sin)
    no_grad, enable_grad, ones_like = torch.no_grad, torch.enable_grad, staticmethod(torch.ones_like)

    @staticmethod
    def leaf(*values):
        return torch.tensor(list(values), dtype=torch.float64, requires_grad=True)


def plain(x):
    """Tensors as lists, everything else as it is."""
    if isinstance(x, list | tuple):
        return [plain(y) for y in x]
    return x.detach().tolist() if hasattr(x, "detach") else x


def product(t):
    class Product(t.Function):
        @staticmethod
        def forward(ctx, x, n, y):
            ctx.n = n
            ctx.save_for_backward(x, y)
            return x * y * n, x + y

        @staticmethod
        def backward(ctx, g, h):
            x, y = ctx.saved_tensors
            return (g * y * ctx.n + h if ctx.needs_input_grad[0] else None, None, g * x * ctx.n + h)

    x, y = t.leaf(2.0, -1.0), t.leaf(3.0, 0.5)
    a, b = Product.apply(x, 3, y)
    first = t.grad((a * b).sum(), [x, y], create_graph=True)
    return a, b, first, t.grad(first[0].sum(), [x, y], retain_graph=True), Product.apply(x.detach(), 1, y)


def with_setup(t):
    class Cube(t.Function):
        @staticmethod
        def forward(x):
            return x * x * x, x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs, *output)
            ctx.mark_non_differentiable(output[1])
            ctx.set_materialize_grads(False)

        @staticmethod
        def backward(ctx, g, nothing):
            _, _, square = ctx.saved_tensors
            return g * 3 * square

    x = t.leaf(2.0, -1.0)
    cube, square = Cube.apply(x)
    (g,) = t.grad(cube.sum(), x, create_graph=True)
    return cube, square, square.requires_grad, g, g.requires_grad


def straight_through(t):
    class Sign(t.Function):
        @staticmethod
        def forward(ctx, x):
            return (x > 0) * 2.0 - 1

        @staticmethod
        def backward(ctx, g):
            return g

    x = t.leaf(0.3, -0.2)
    (Sign.apply(x * 2) * x).sum().backward()
    return x.grad, t.gradcheck(Sign.apply, (t.leaf(1.0),), raise_exception=False)


def hooks_and_accumulation(t):
    x, log = t.leaf(1.0, 2.0), []
    y = x * x
    y.register_hook(lambda g: log.append(plain(g)))
    y.retain_grad()
    handle = x.register_hook(lambda g: g * 2)
    x.register_post_accumulate_grad_hook(lambda p: log.append(plain(p.grad)))
    (y * 3 + y).sum().backward(retain_graph=True)
    handle.remove()
    y.sum().backward()
    return x.grad, y.grad, log


def views_in_place(t):
    x = t.leaf(1.0, 2.0, 3.0, 4.0)
    y = x * 1
    row = y.view(2, 2)[1]
    row.mul_(10)
    y[0] = row[1] * 2
    y[1:3] += x[2:]
    return y, t.grad((y * y).sum(), x)


def partial_gradients(t):
    x, w = t.leaf(3.0), t.leaf(5.0)
    hidden = x * w
    out = t.sin(hidden)
    found = t.grad(out, hidden), t.grad(hidden, [x, w], retain_graph=True)
    hidden.backward()
    return found, x.grad, w.grad, t.grad(x * 2, [x, w], allow_unused=True)


def checks(t):
    x, y = t.leaf(0.5, 2.0), t.leaf(-1.0, 3.0)

    def f(x, y):
        return t.sin(x * y), x * x * y

    return [
        call(f, (x, y), fast_mode=fast, raise_exception=False)
        for call in (t.gradcheck, t.gradgradcheck)
        for fast in (False, True)
    ]


PROGRAMS = [product, with_setup, straight_through, hooks_and_accumulation, views_in_place, partial_gradients, checks]


def same(ours, theirs):
    assert type(ours) is type(theirs), (ours, theirs)
    if isinstance(ours, list):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs):
            same(a, b)
    elif isinstance(ours, float):
        np.testing.assert_allclose(ours, theirs, rtol=1e-14)  # the two libraries' sine may differ in the last bit
    else:
        assert ours == theirs


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_same_results(program):
    same(plain(program(Ours)), plain(program(Theirs)))


def second_of_once(t):
    class Once(t.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        @t.once_differentiable
        def backward(ctx, g):
            return g * 2

    x = t.leaf(1.0)
    y = Once.apply(x) * x
    (g,) = t.grad(y, x, create_graph=True)
    g.backward()  # PyTorch's grad(g, x) leaves the path out and returns a wrong value; ours raises there too


def overwritten(t):
    x = t.leaf(1.0)
    y = x * 1
    z = y * y
    y.add_(1)
    z.backward()


def used_up(t):
    x = t.leaf(1.0)
    y = x * x
    y.backward()
    y.backward()


def leaf_in_place(t):
    t.leaf(1.0).add_(1)


def too_few(t):
    class Few(t.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, g):
            return g

    Few.apply(t.leaf(1.0), t.leaf(1.0)).backward()


@pytest.mark.parametrize(
    "program", [second_of_once, overwritten, used_up, leaf_in_place, too_few], ids=lambda program: program.__name__
)
def test_same_refusals(program):
    for library in (Ours, Theirs):
        with pytest.raises(RuntimeError):
            program(library)
