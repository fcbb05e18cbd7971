"""Every declared op as a program: recorded on some values, it must be right on others, or say that it cannot be."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn.functional  # noqa: F401  for the ops that it declares
from autograd.op import declared
from tests.programs import check, frozen_heap
from tests.samples import Draw, Sample, as_tensors, case, samples_of, scalar_of, tensors_in

OPS = [op for op in declared if op.name not in {"pick"}]
CASES = [pytest.param(op, i, id=f"{op.name}-{i}") for op in OPS for i in range(len(samples_of(op)))]


frozen_heap = pytest.fixture(autouse=True, scope="module")(frozen_heap)


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
        if op.view:  # a program's results share no memory with its arguments
            found = [t.clone() for t in found]
        leaves = [t for t in tensors if t.requires_grad]
        total = scalar_of(lambda: result, Sample((), {}))
        if not isinstance(total, autograd.Tensor) or total.node is None:
            return found, []
        grads = autograd.grad(total * factor, leaves, materialize_grads=True)
        return [t.detach() for t in found], list(grads)

    return step


def check_op(op, i, dtype, tolerance, strided=False, compiled=False):
    def inputs(factor, other):
        return lambda: [
            autograd.tensor(factor, dtype=dtype), *tensors_in(sample_of(op, i, dtype, strided, other))
        ]  # fmt: skip

    step = step_of(op, sample_of(op, i, dtype, strided))
    return check(step, inputs(1.5, False), inputs(-0.75, True), tolerance, compiled)


@pytest.mark.parametrize(("op", "i"), CASES)
def test_double(op, i):
    """In float64: what differs by more than rounding is wrong."""
    assert not check_op(op, i, np.float64, 1e-11)


@pytest.mark.parametrize(("op", "i"), CASES)
def test_single_and_strided(op, i):
    """In float32, with inputs that do not lie densely in memory."""
    assert not check_op(op, i, np.float32, 1e-5, strided=True)


COMPILED = (
    "add div pow where clamp lerp sigmoid gelu softplus erf logaddexp atan2 floor sum mean prod amax var logsumexp "
    "softmax log_softmax norm cumsum matmul linear einsum take_along elements_of added_at replaced_at scattered sort "
    "topk flip pad conv max_pool normalise scale_and_shift class_cross_entropy attention lstm_cell remainder isclose"
)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPILED.split())
def test_compiled(name, monkeypatch, tmp_path):
    """By Numba, the last sample of each, in float32."""
    monkeypatch.setenv("WENGERT_CACHE", str(tmp_path))
    op = next(op for op in OPS if op.name == name)
    assert not check_op(op, len(samples_of(op)) - 1, np.float32, 1e-5, strided=True, compiled=True)
