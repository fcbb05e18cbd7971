"""The checker is checked: planted wrong derivatives must be caught and named, right ones must pass."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd.check import GradcheckError, gradcheck, gradgradcheck
from autograd.errors import ArgumentError
from autograd.function import Function

MODES = pytest.mark.parametrize("fast_mode", [False, True], ids=["slow", "fast"])


def product(formula):
    """x · y elementwise, whose backward is `formula(ctx, g, x, y)`."""

    class Product(Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx, g):
            return formula(g, *ctx.saved_tensors)

    return Product.apply


def pair(*shape):
    rng = np.random.default_rng(1)
    return tuple(autograd.from_numpy(rng.uniform(0.5, 2.0, shape)).requires_grad_() for _ in range(2))


def right(g, x, y):
    return g * y, g * x


@MODES
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 2)], ids=str)
def test_a_right_derivative_passes(shape, fast_mode):
    inputs = pair(*shape)
    before = [t.array.copy() for t in inputs]
    assert gradcheck(product(right), inputs, fast_mode=fast_mode) is True
    assert gradgradcheck(product(right), inputs, fast_mode=fast_mode) is True
    for t, array in zip(inputs, before):
        np.testing.assert_array_equal(t.array, array)
        assert t.grad is None


@MODES
def test_a_wrong_factor(fast_mode):
    wrong = product(lambda g, x, y: (g * y, g * x * 1.5))
    with pytest.raises(GradcheckError, match=r"output 0 .* input 1 .* 1\.5 times numeric in all"):
        gradcheck(wrong, pair(2, 3), fast_mode=fast_mode)
    assert gradcheck(wrong, pair(2, 3), fast_mode=fast_mode, raise_exception=False) is False


@MODES
def test_a_wrong_sign_at_one_element(fast_mode):
    sign = np.ones((4, 5))
    sign[2, 3] = -1
    x, y = pair(4, 5)
    with pytest.raises(GradcheckError) as caught:
        gradcheck(product(lambda g, x, y: (g * y * sign, g * x)), (x, y), fast_mode=fast_mode)
    message = str(caught.value)
    assert "output 0 at [2, 3] with respect to input 0 at [2, 3]" in message
    assert f"analytic {-y.array[2, 3]:.9g}, numeric {y.array[2, 3]:.5g}"[:-2] in message
    assert "1 of 400 entries" in message
    assert "the sign is turned around" in message


@MODES
def test_a_missing_term(fast_mode):
    class Quotient(Function):
        """x / (x + y), whose backward forgets that the denominator moves with x."""

        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            return x / (x + y)

        @staticmethod
        def backward(ctx, g):
            x, y = ctx.saved_tensors
            return g / (x + y), -g * x / (x + y) ** 2

    with pytest.raises(GradcheckError, match="with respect to input 0"):
        gradcheck(Quotient.apply, pair(3), fast_mode=fast_mode)


@MODES
@pytest.mark.parametrize("zero", [lambda g, x, y: (g * 0, g * x), lambda g, x, y: (None, g * x)], ids=["zero", "None"])
def test_a_zero_gradient(zero, fast_mode):
    with pytest.raises(GradcheckError, match=r"input 0 .* the gradient is zero there"):
        gradcheck(product(zero), pair(3), fast_mode=fast_mode)


@MODES
def test_a_derivative_that_is_not_deterministic(fast_mode):
    rng = np.random.default_rng(0)
    noisy = product(lambda g, x, y: (g * y * (1 + 1e-7 * rng.standard_normal()), g * x))
    with pytest.raises(GradcheckError, match=r"not deterministic.* input 0 .*nondet_tol=0"):
        gradcheck(noisy, pair(3), fast_mode=fast_mode)
    assert gradcheck(noisy, pair(3), fast_mode=fast_mode, nondet_tol=1e-5)


@MODES
def test_only_the_second_derivative_is_wrong(fast_mode):
    detached = product(lambda g, x, y: (g * y.detach(), g * x))
    assert gradcheck(detached, pair(3), fast_mode=fast_mode)
    with pytest.raises(GradcheckError, match=r"gradgradcheck: .* the gradient of input 0 .* input 1 .* zero there"):
        gradgradcheck(detached, pair(3), fast_mode=fast_mode)

    doubled = product(lambda g, x, y: (product(lambda g, x, y: (2 * g * y, g * x))(g, y), g * x))
    assert gradcheck(doubled, pair(3), fast_mode=fast_mode)
    with pytest.raises(GradcheckError, match=r"the cotangent of output 0 .* 2 times numeric"):
        gradgradcheck(doubled, pair(3), fast_mode=fast_mode)


@MODES
@pytest.mark.parametrize("other", [lambda t: t, lambda t: t.detach()], ids=["one", "both"])
def test_a_gradient_that_lost_its_tape_entirely(other, fast_mode):
    lost = product(lambda g, x, y: ((g * y).detach(), other(g * x)))
    assert gradcheck(lost, pair(3), fast_mode=fast_mode)
    with pytest.raises(GradcheckError, match="zero there"):
        gradgradcheck(lost, pair(3), fast_mode=fast_mode)


def test_a_backward_that_forgets_the_cotangent_of_a_scalar():
    with pytest.raises(GradcheckError, match="zero cotangent"):
        gradcheck(product(lambda g, x, y: (y * 1, g * x)), pair())


def test_a_nan_is_wrong():
    with pytest.raises(GradcheckError, match="analytic nan"):
        gradcheck(product(lambda g, x, y: (g * y * np.nan, g * x)), pair(2), nondet_tol=np.inf)


def two_outputs(formula, materialize=True):
    class Both(Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.set_materialize_grads(materialize)
            ctx.save_for_backward(x, y)
            return x * y, x + y

        @staticmethod
        def backward(ctx, g, h):
            return formula(g, h, *ctx.saved_tensors)

    return Both.apply


@MODES
def test_the_output_is_named(fast_mode):
    assert gradcheck(two_outputs(lambda g, h, x, y: (g * y + h, g * x + h)), pair(2), fast_mode=fast_mode)
    with pytest.raises(GradcheckError, match=r"output 1 .* input 1"):
        gradcheck(two_outputs(lambda g, h, x, y: (g * y + h, g * x - h)), pair(2), fast_mode=fast_mode)


def test_an_output_without_cotangent():
    """A backward that cannot do without one of its cotangents fails only if it is asked to."""
    careless = two_outputs(lambda g, h, x, y: (g * y + h, g * x + h), materialize=False)
    assert gradcheck(careless, pair(2), check_undefined_grad=False)
    with pytest.raises(TypeError):
        gradcheck(careless, pair(2))


@MODES
def test_a_function_without_a_tape_must_be_constant(fast_mode):
    x, _ = pair(2)
    assert gradcheck(lambda x: (x > 0).double(), x, fast_mode=fast_mode)
    with pytest.raises(GradcheckError, match="zero there"):
        gradcheck(lambda x: x.detach() * 2, x, fast_mode=fast_mode)


def test_dtypes_of_gradients():
    x = autograd.tensor([1.0], requires_grad=True)
    with pytest.warns(UserWarning, match="input 0 is float32"):
        assert gradcheck(lambda x: x * 2, x, eps=1e-3, check_grad_dtypes=True)


def test_inputs_that_cannot_be_checked():
    with pytest.raises(ArgumentError, match="no input requires grad"):
        gradcheck(lambda x: x, autograd.ones(2))
    wide = autograd.ones(1, dtype=autograd.float64).expand(3).requires_grad_()
    with pytest.raises(ArgumentError, match="input 0 is expanded"):
        gradcheck(lambda x: x * x, wide)
    with pytest.raises(ArgumentError, match="no output of func requires grad"):
        gradgradcheck(lambda x: x.detach(), pair(2)[0])


def test_other_arguments_and_given_cotangents():
    x, _ = pair(2)
    assert gradcheck(lambda x, n, c: (x**n * c, n), (x, 3, autograd.ones(2, dtype=autograd.float64)))
    seed = autograd.tensor([1.0, 2.0], dtype=autograd.float64, requires_grad=True)
    assert gradgradcheck(lambda x: x * x, x, seed)


# ---------------------------------------------------------------------------------------------------------------------
# Forward mode.


@MODES
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 2)], ids=str)
def test_forward_mode_of_a_right_derivative_passes(shape, fast_mode):
    inputs = pair(*shape)
    for backward in (False, True):
        assert gradcheck(product(right), inputs, fast_mode=fast_mode, check_forward_ad=True, check_backward_ad=backward)
    assert gradgradcheck(
        product(right), inputs, fast_mode=fast_mode, check_fwd_over_rev=True, gen_non_contig_grad_outputs=True
    )


@MODES
def test_a_cotangent_that_is_not_passed_on_linearly(fast_mode):
    """g² is g for the unit vectors that the slow check of reverse mode takes; its derivative is not."""
    wrong = product(lambda g, x, y: (g * g * y, g * x))
    with pytest.raises(GradcheckError, match=r"gradcheck in forward mode: the derivative of output 0 .* input 0"):
        gradcheck(wrong, pair(2, 3), fast_mode=fast_mode, check_forward_ad=True, check_backward_ad=False)


@MODES
def test_a_second_derivative_that_is_wrong_in_forward_mode(fast_mode):
    """The second derivative is that of y², not of y: a formula whose value is right and whose own derivative is not."""
    wrong = product(lambda g, x, y: (g * (y * y - y.detach() * y.detach() + y.detach()), g * x))
    inputs = pair(2, 3)
    assert gradcheck(wrong, inputs, fast_mode=fast_mode, check_forward_ad=True)
    with pytest.raises(GradcheckError, match=r"gradgradcheck in forward mode: .* gradient of input 0 .* input 1"):
        gradgradcheck(wrong, inputs, fast_mode=fast_mode, check_fwd_over_rev=True, check_rev_over_rev=False)


def test_nothing_to_check_is_an_error():
    with pytest.raises(ArgumentError, match="nothing is checked"):
        gradcheck(product(right), pair(2), check_backward_ad=False)
    with pytest.raises(ArgumentError, match="nothing is checked"):
        gradgradcheck(product(right), pair(2), check_rev_over_rev=False)


def test_signatures_are_complete():
    """The arguments that change nothing here are taken."""
    assert gradcheck(product(right), pair(2), check_batched_grad=True, check_batched_forward_grad=True, masked=False)
    assert gradgradcheck(product(right), pair(2), check_batched_grad=True, masked=False)
