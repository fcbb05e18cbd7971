"""PyTorch's own database of modules, run on our layers: initial values, outputs, and all gradients."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_modules import module_db

import autograd
import nn
from autograd.tensor import wrap
from tests.oracle.bridge import assert_same, flat, leaves, to_ours

pytestmark = pytest.mark.filterwarnings("ignore")

# What a module input holds that has no counterpart as a value: another module.
TAKES_MODULES = {"TransformerEncoder", "TransformerDecoder"}  # compared in test_attention.py
FOUND = [
    info
    for info in module_db
    if hasattr(nn, info.module_cls.__name__) and info.module_cls.__name__ not in TAKES_MODULES
]
# Batch statistics and long sums in float32 lose a few digits more than single operations do.
LOOSE = {"float32": 20.0, "float64": 1.0}


def inputs_of(info, dtype, training):
    try:
        return list(info.module_inputs_func(info, device="cpu", dtype=dtype, requires_grad=True, training=training))
    except RuntimeError:  # an input function that knows no such type
        return []


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("info", FOUND, ids=lambda info: info.module_cls.__name__)
def test_module(info, dtype, training):
    """Constructed from the same arguments and the same seed: same parameters, outputs and gradients."""
    name, scale = info.module_cls.__name__, LOOSE[str(dtype)[6:]]
    samples = inputs_of(info, dtype, training)
    assert samples, f"{name}: the database gave no inputs"
    for i, sample in enumerate(samples):
        made = sample.constructor_input
        keywords = {k: v for k, v in made.kwargs.items() if k != "device"}
        torch.manual_seed(0)
        theirs = info.module_cls(*made.args, **keywords).to(dtype).train(training)
        autograd.manual_seed(0)
        ours = getattr(nn, name)(*to_ours(made.args), **to_ours(keywords)).to(to_ours(dtype)).train(training)
        what = f"{name} input {i} ({sample.desc}) {made.args} {keywords}"
        _compare_state(ours, theirs, what)
        if sample.forward_input is not None:
            _compare_run(ours, theirs, sample.forward_input, what, scale)


def _compare_state(ours, theirs, what):
    """The same keys in the same order; initial values from the same draws; then exactly theirs."""
    expected = theirs.state_dict()
    assert list(ours.state_dict()) == list(expected), what
    for key, value in ours.state_dict().items():
        assert_same(value, expected[key], f"{what}: initial {key}", 1.0)
    ours.load_state_dict({key: wrap(value.numpy().copy()) for key, value in expected.items()})


def _compare_run(ours, theirs, forward, what, scale):
    first = [
        next(j for j, y in enumerate(forward.args) if y is x) for x in forward.args
    ]  # one tensor given twice stays one
    converted, kwargs = to_ours(tuple(forward.args)), to_ours(forward.kwargs)
    args = tuple(converted[j] for j in first)
    torch.manual_seed(1)
    expected = theirs(*forward.args, **forward.kwargs)
    autograd.manual_seed(1)
    got = ours(*args, **kwargs)
    pairs = [(a, b) for a, b in zip(flat(got), flat(expected), strict=True) if isinstance(b, torch.Tensor)]
    for a, b in pairs:
        assert_same(a, b, f"{what}: output", scale)
    pairs = [(a, b) for a, b in pairs if b.requires_grad]
    if not pairs:
        return
    seeds = [np.cos(1.0 + np.arange(b.numel())).reshape(b.shape).astype(b.detach().numpy().dtype) for _, b in pairs]
    names = [n for n, _ in theirs.named_parameters()]
    assert names == [n for n, _ in ours.named_parameters()]
    their_leaves = _once([*leaves((forward.args, forward.kwargs)), *theirs.parameters()])
    our_leaves = _once([*leaves((args, kwargs)), *ours.parameters()])
    theirs_g = torch.autograd.grad(
        [b for _, b in pairs], their_leaves, [torch.from_numpy(s) for s in seeds], allow_unused=True
    )
    ours_g = autograd.grad([a for a, _ in pairs], our_leaves, [wrap(s) for s in seeds], allow_unused=True)
    for k, (a, b) in enumerate(zip(ours_g, theirs_g, strict=True)):
        label = f"{what}: gradient {k} of {names}"
        if a is None or b is None:
            left = b if a is None else a
            assert left is None or not np.asarray(left.detach().numpy()).any(), label
        else:
            assert_same(a, b, label, scale * 5)


def _once(tensors):
    return list({id(t): t for t in tensors}.values())


def test_everyday_modules_are_found():
    """No module drops out because its name is misspelt."""
    names = {info.module_cls.__name__ for info in FOUND}
    for name in (
        "Linear",
        "Conv2d",
        "ConvTranspose2d",
        "BatchNorm2d",
        "LayerNorm",
        "Embedding",
        "CrossEntropyLoss",
        "MaxPool2d",
    ):
        assert name in names
