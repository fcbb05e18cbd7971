"""Dual numbers, and gradients for many cotangents at once."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import autograd.forward_ad as fwAD
import nn
from autograd.errors import ArgumentError, DTypeError, ShapeError, TapeError
from autograd.functional import jacobian, jvp
from autograd.tensor import wrap

rng = np.random.default_rng(0)


def draw(*shape):
    return wrap(rng.standard_normal(shape))


def test_a_dual_number_carries_its_derivative():
    x, v, w = draw(4), draw(4), draw(4)
    f = lambda x: (x * w).exp().sum() * x
    with fwAD.dual_level():
        value, tangent = fwAD.unpack_dual(f(fwAD.make_dual(x, v)))
        assert not value.requires_grad
        assert not tangent.requires_grad
    for ours, theirs in zip((value, tangent), jvp(f, x, v)):
        np.testing.assert_allclose(ours.array, theirs.array, rtol=1e-13)


def test_what_depends_on_no_dual_tensor_has_no_tangent():
    x = draw(2)
    assert fwAD.unpack_dual(x) == (x, None)
    with fwAD.dual_level():
        assert fwAD.unpack_dual(x).tangent is None
        assert fwAD.unpack_dual(x.clone().requires_grad_() * 2).tangent is None
        dual = fwAD.make_dual(x, x)
        assert fwAD.unpack_dual(draw(2).requires_grad_() * 2).tangent is None
        with autograd.no_grad():
            assert fwAD.unpack_dual(dual * 2).tangent is None
    assert fwAD.unpack_dual(dual * 2).tangent is None


def test_a_module_with_dual_parameters():
    """The derivative along a direction in the space of weights; then reverse mode over it."""
    layer, x = nn.Linear(3, 2).double(), draw(5, 3)
    weight, bias = layer.weight.detach(), layer.bias.detach()
    u, v = draw(2, 3), draw(2)
    leaf = x.clone().requires_grad_()
    with fwAD.dual_level():
        for name, value, tangent in (("weight", weight, u), ("bias", bias, v)):
            delattr(layer, name)
            setattr(layer, name, fwAD.make_dual(value, tangent))
        _, tangent = fwAD.unpack_dual(layer(leaf).tanh())
    slope = 1 - np.tanh(x.array @ weight.array.T + bias.array) ** 2
    np.testing.assert_allclose(tangent.array, slope * (x.array @ u.array.T + v.array), rtol=1e-12)
    (g,) = autograd.grad(tangent.sum(), leaf)
    moved = jvp(lambda x: (x @ weight.T + bias).tanh(), x, x * 0)[0]
    numeric = (1 - moved.array**2) @ u.array - 2 * (
        moved.array * slope * (x.array @ u.array.T + v.array)
    ) @ weight.array
    np.testing.assert_allclose(g.array, numeric, rtol=1e-10)


def test_levels_nest():
    """d/dx [x · d/dy (x y²)] at y = x is d/dx (2 x³): 6 x²."""
    one = autograd.tensor(1.0)
    with fwAD.dual_level() as outer:
        x = fwAD.make_dual(autograd.tensor(3.0), one)
        with fwAD.dual_level() as inner:
            y = fwAD.make_dual(x, one)
            assert (outer, inner) == (0, 1)
            derivative = fwAD.unpack_dual(x * y * y).tangent
        assert fwAD.unpack_dual(x * derivative).tangent.item() == 6 * 9
        assert fwAD.unpack_dual(x, level=0).tangent.item() == 1


def test_errors_of_dual_numbers_teach():
    x = draw(2)
    with pytest.raises(TapeError, match="make_dual: no such level; enter one"):
        fwAD.make_dual(x, x)
    with pytest.raises(ArgumentError, match="not the innermost of 0"):
        fwAD.exit_dual_level()
    with fwAD.dual_level():
        with pytest.raises(ShapeError, match=r"tangent has shape \[3\], tensor \[2\]"):
            fwAD.make_dual(x, draw(3))
        with pytest.raises(DTypeError, match="int64"):
            fwAD.make_dual(autograd.tensor([1]), autograd.tensor([1]))
        with autograd.no_grad(), pytest.raises(TapeError, match="within no_grad nothing is recorded"):
            fwAD.make_dual(x, x)
        dual = fwAD.make_dual(x, x)
        with pytest.raises(ArgumentError, match="has a tangent already"):
            fwAD.make_dual(dual, x)
        with pytest.raises(TapeError, match="no such level"):
            fwAD.unpack_dual(dual, level=1)


# ---------------------------------------------------------------------------------------------------------------------


def test_many_cotangents():
    x, w = draw(3).requires_grad_(), draw(3).requires_grad_()
    y = x.exp() * x.sum()
    (rows,) = autograd.grad(y, x, autograd.eye(3, dtype=autograd.float64), retain_graph=True, is_grads_batched=True)
    np.testing.assert_allclose(rows.array, jacobian(lambda x: x.exp() * x.sum(), x).array, rtol=1e-13)
    cotangents = draw(4, 3)
    found = autograd.grad((y,), (x, w), (cotangents,), is_grads_batched=True, allow_unused=True)
    assert found[1] is None
    np.testing.assert_allclose(found[0].array, cotangents.array @ rows.array, rtol=1e-12)
    with pytest.raises(TapeError, match="freed"):
        autograd.grad(y, x, cotangents, is_grads_batched=True)


def test_many_cotangents_are_differentiated():
    x = draw(3).requires_grad_()
    (rows,) = autograd.grad(x**3, x, autograd.eye(3, dtype=autograd.float64), create_graph=True, is_grads_batched=True)
    (g,) = autograd.grad(rows.sum(), x)
    np.testing.assert_allclose(g.array, 6 * x.array, rtol=1e-13)


def test_cotangents_without_a_dimension_to_count_them():
    x = draw(3).requires_grad_()
    for wrong in (None, autograd.tensor(1.0), [draw(2, 3), draw(3, 3)], draw(0, 3)):
        with pytest.raises(ArgumentError, match="first dimension counts the cotangents"):
            autograd.grad((x * 2, x * 3), x, wrong, is_grads_batched=True)
