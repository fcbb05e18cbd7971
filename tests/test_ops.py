"""Every declared op, tested from its own declaration."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn.functional  # noqa: F401  for the ops that it declares
from autograd.errors import WengertError
from autograd.op import declared
from autograd.tensor import Tensor
from tests.samples import (
    as_tensors,
    error_samples_of,
    gradients,
    numeric_gradient,
    outputs,
    samples_of,
    scalar_of,
    tensors_in,
)

INTERNAL = {"pick"}  # made by the engine's own hand, never called
OPS = [op for op in declared if op.name not in INTERNAL]
CASES = [pytest.param(op, sample, id=f"{op.name}-{i}") for op in OPS for i, sample in enumerate(samples_of(op))]
SMOOTH = [c for c in CASES if c.values[0].differentiable]


SYMMETRIC = {"cholesky", "eigh"}  # they read one triangle of a symmetric matrix


def seen(op, gradient):
    """The part of a gradient that symmetric changes of the input see, where the input is symmetric."""
    return (gradient + gradient.swapaxes(-1, -2)) / 2 if op.name in SYMMETRIC else gradient


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_declaration_is_complete(op):
    """An op has a docstring, samples, and a formula for each input unless it says that it has none."""
    assert op.body.__doc__, "no docstring"
    assert samples_of(op), "no samples"
    assert not op.differentiable or any(op.formulas.values()), "no derivative: declare one, or differentiable=False"


@pytest.mark.parametrize(("op", "sample"), CASES)
def test_values(op, sample):
    """On tensors an op gives what its body gives on arrays; strided inputs change nothing; inputs are not written."""
    tensors = as_tensors(sample)
    before = [t.array.copy() for t in tensors_in(tensors)]
    result = op.function(*tensors.args, **tensors.kwargs)
    for t, array in zip(tensors_in(tensors), before):
        np.testing.assert_array_equal(t.array, array, err_msg="the op wrote into its input")
    strided = as_tensors(sample, strided=True)
    again = op.function(*strided.args, **strided.kwargs)
    for a, b in zip(_all(result), _all(again), strict=True):
        assert isinstance(a.array, np.ndarray)
        np.testing.assert_allclose(a.array, b.array, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(("op", "sample"), SMOOTH)
def test_float32_stays_float32(op, sample):
    """A float32 sample gives float32 outputs and gradients, near the float64 ones."""
    single, double = as_tensors(sample, np.float32), as_tensors(sample)
    inputs, grads = gradients(op.function, single)
    _, exact = gradients(op.function, double)
    for out in outputs(op.function(*single.args, **single.kwargs)):
        told = [x for x in (*single.args, *single.kwargs.values()) if isinstance(x, np.dtype)]
        assert out.dtype == (told[0] if told else np.float32)
    for x, g, e in zip(inputs, grads, exact, strict=True):
        assert g.dtype == x.dtype
        assert g.shape == x.shape
        scale = max(1.0, float(np.abs(e.array).max(initial=0)))
        np.testing.assert_allclose(g.array, e.array, rtol=2e-3, atol=2e-4 * scale)  # float32 near poles of the domain


@pytest.mark.parametrize(("op", "sample"), SMOOTH)
def test_gradient(op, sample):
    """The formulas against central differences, in float64."""
    tensors = as_tensors(sample)
    inputs, grads = gradients(op.function, tensors)
    for x, g in zip(inputs, grads, strict=True):
        with autograd.no_grad():
            numeric = numeric_gradient(lambda: float(scalar_of(op.function, tensors)), x.array)
        a, b = seen(op, g.array), seen(op, numeric)
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7, err_msg=f"{op.name}({sample})")


@pytest.mark.parametrize(("op", "sample"), SMOOTH)
def test_second_derivative(op, sample):
    """The gradient of a weighted sum of the gradient, against central differences of the gradient."""
    tensors = as_tensors(sample)

    def weighted(create_graph):
        inputs, grads = gradients(op.function, tensors, create_graph)

        total = 0.0
        for k, g in enumerate(grads):
            weights = np.sin(2.0 + k + np.arange(g.array.size)).reshape(g.array.shape)
            total = total + (g * autograd.from_numpy(weights)).sum()
        return inputs, total

    inputs, total = weighted(create_graph=True)
    if not isinstance(total, Tensor) or total.node is None:
        second = [np.zeros_like(x.array) for x in inputs]
    else:
        second = [h.array for h in autograd.grad(total, inputs, materialize_grads=True)]
    for x, h in zip(inputs, second, strict=True):
        numeric = numeric_gradient(lambda: float(weighted(create_graph=False)[1]), x.array)
        a, b = seen(op, h), seen(op, numeric)
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6, err_msg=f"{op.name}({sample})")


@pytest.mark.parametrize(("op", "sample"), SMOOTH)
def test_second_derivatives_are_recorded(op, sample):
    """They are the same numbers, and can be differentiated again."""
    tensors = as_tensors(sample)
    inputs, grads = gradients(op.function, tensors, create_graph=True)
    total = sum(((g * g).sum() for g in grads), autograd.tensor(0.0, dtype=np.float64))
    if total.node is None:
        return
    plain = autograd.grad(total, inputs, materialize_grads=True, retain_graph=True)
    recorded = autograd.grad(total, inputs, materialize_grads=True, create_graph=True)
    for a, b in zip(plain, recorded, strict=True):
        np.testing.assert_allclose(a.array, b.array, rtol=1e-9, atol=1e-11)
    again = sum((h.sum() for h in recorded), autograd.tensor(0.0, dtype=np.float64))
    if again.node is not None:
        autograd.grad(again, inputs, materialize_grads=True)


@pytest.mark.parametrize(
    ("op", "sample"),
    [pytest.param(op, sample, id=f"{op.name}-{i}") for op in OPS for i, sample in enumerate(error_samples_of(op))],
)
def test_errors_teach(op, sample):
    """A bad call raises one of ours, and the message names the op or an argument of it."""
    tensors = as_tensors(sample)
    with pytest.raises(WengertError) as caught:
        op.function(*tensors.args, **tensors.kwargs)
    message = str(caught.value)
    assert any(word in message for word in (op.name, *op.inputs, *op.parameters)), message


def _all(result):
    return [result] if isinstance(result, Tensor) else list(result)
