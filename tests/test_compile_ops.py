"""Every declared op as a program: recorded on some values, it must be right on others, or say that it cannot be."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import autograd
import nn.functional  # noqa: F401  for the ops that it declares
from autograd.op import declared
from autograd.program.passes import optimised
from autograd.program.program import CheckFailed
from tests.programs import arrays_for, emitted, recorded
from tests.samples import Draw, Sample, as_tensors, case, samples_of, scalar_of, tensors_in

OPS = [op for op in declared if op.name not in {"pick"}]
CASES = [pytest.param(op, i, id=f"{op.name}-{i}") for op in OPS for i in range(len(samples_of(op)))]


@pytest.fixture(autouse=True, scope="module")
def frozen_heap():
    """Recording collects garbage; what lives since before the tests need not be walked over each time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def sample_of(op, i, dtype, strided=False, other=False):
    """The op's sample number `i` as tensors; `other`: with other values in the same shapes."""
    if not other:
        return as_tensors(samples_of(op)[i], dtype, strided)
    draw = Draw(op)
    draw.rng = np.random.default_rng(123)
    found = [s for declare in op.samples for s in declare(draw, case)]
    sample = found[i] if found else samples_of(op)[i]
    made = as_tensors(sample, dtype, strided)
    for t in tensors_in(made):
        if not found:
            t.array[...] = draw(*t.array.shape)
        elif t.array.dtype.kind in "biu":
            t.array[...] = np.flip(t.array).copy()
    return made


def step_of(op, sample):
    """The op and the gradients of a weighted sum, as a function of a factor of that and the sample's tensors."""
    shape = sample

    def step(factor, *tensors):
        rest = iter(tensors)

        def put(x):
            if isinstance(x, autograd.Tensor):
                return next(rest)
            if isinstance(x, list | tuple) and any(isinstance(y, autograd.Tensor) for y in x):
                return type(x)(put(y) for y in x)
            return x

        args = tuple(put(x) for x in shape.args)
        kwargs = {key: put(x) for key, x in shape.kwargs.items()}
        result = op.function(*args, **kwargs)
        found = [result] if isinstance(result, autograd.Tensor) else list(result)
        leaves = [t for t in tensors if t.requires_grad]
        total = scalar_of(lambda: result, Sample((), {}))
        if not isinstance(total, autograd.Tensor) or total.node is None:
            return found, []
        grads = autograd.grad(total * factor, leaves, materialize_grads=True)
        return [t.detach() for t in found], list(grads)

    return step


def arrays(result):
    return [t.array for part in result for t in part]


def same(found, expected, tolerance, what):
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        assert a.dtype == b.dtype, what
        assert a.shape == b.shape, what
        scale = max(1.0, float(np.abs(b[np.isfinite(b)]).max(initial=0))) if b.dtype.kind in "fc" else 1.0
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale, err_msg=what)


def check(op, i, dtype, tolerance, strided=False):
    sample, other = sample_of(op, i, dtype, strided), sample_of(op, i, dtype, strided, other=True)
    step = step_of(op, sample)
    given = [autograd.tensor(1.5, dtype=dtype), *tensors_in(sample)]
    others = [autograd.tensor(-0.75, dtype=dtype), *tensors_in(other)]
    expected, expected_other = arrays(step(*given)), arrays(step(*others))
    result, recording = recorded(step, *given)
    same(arrays(result), expected, 0, "the recorded call")
    if recording.obstacle:
        return recording.obstacle
    program = recording.program.check()
    simple = optimised(program)
    missed = ""
    for name, form in (("interpreted", program), ("optimised", simple)):
        for tensors, want in ((given, expected), (others, expected_other)):
            try:
                found = form.interpret(*arrays_for(recording, form, tensors))
            except CheckFailed:
                assert tensors is others, "a check fails on the values that it was recorded with"
                missed = "a check"
                continue
            same(found, want, tolerance, f"{name}, {'other' if tensors is others else 'same'} values\n{form}")
    for moving in (True, False):
        run = emitted(simple, moving)
        for tensors, want in ((given, expected), (others, expected_other), (given, expected)):
            try:
                found = run(*arrays_for(recording, simple, tensors))
            except CheckFailed:
                assert tensors is others
                continue
            same(found, want, tolerance, f"emitted, {'other' if tensors is others else 'same'} values\n{simple}")
    return missed


@pytest.mark.parametrize(("op", "i"), CASES)
def test_double(op, i):
    """In float64: what differs by more than rounding is wrong."""
    assert not check(op, i, np.float64, 1e-11)


@pytest.mark.parametrize(("op", "i"), CASES)
def test_single_and_strided(op, i):
    """In float32, with inputs that do not lie densely in memory."""
    assert not check(op, i, np.float32, 1e-5, strided=True)
