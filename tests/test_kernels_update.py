"""Update rules as loops that are compiled from them, against NumPy, which small parameters use."""

from __future__ import annotations

import numpy as np
import pytest

import optim
from autograd.kernels import get_num_threads, set_num_threads
from autograd.tensor import wrap
from optim import shared

pytest.importorskip("numba")

RULES = [
    (optim.Adam, {"lr": 1e-2}),
    (optim.Adam, {"weight_decay": 0.1, "maximize": True, "betas": (0.8, 0.95)}),
    (optim.Adam, {"amsgrad": True}),
    (optim.AdamW, {"lr": 1e-2, "weight_decay": 0.3}),
    (optim.SGD, {"lr": 0.1}),
    (optim.SGD, {"lr": 0.1, "weight_decay": 0.2, "maximize": True}),
    (optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.2, "weight_decay": 0.1}),
    (optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    (optim.RMSprop, {"alpha": 0.9, "weight_decay": 0.1}),
    (optim.RMSprop, {"centered": True, "momentum": 0.5}),
    (optim.Adagrad, {"weight_decay": 0.1}),
    (optim.Adadelta, {}),
    (optim.Adamax, {"weight_decay": 0.1}),
    (optim.NAdam, {"decoupled_weight_decay": True, "weight_decay": 0.1}),
    (optim.RAdam, {"betas": (0.5, 0.6)}),
    (optim.ASGD, {"weight_decay": 0.1}),
    (optim.Rprop, {}),
]
SHAPES = [(70_001,), (300, 60), (0,)]
LAYOUTS = {
    "contiguous": lambda a: a,
    "transposed": lambda a: np.asfortranarray(a),
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
}


def trained(rule, kwargs, dtype, layout, values=None, steps=3):
    random = np.random.default_rng(0)
    parameters = [wrap(layout(random.standard_normal(shape).astype(dtype))).requires_grad_() for shape in SHAPES]
    optimizer = rule(parameters, **kwargs)
    for _ in range(steps):
        for p in parameters:
            g = random.standard_normal(p.shape).astype(dtype)
            if values is not None and g.size:
                g[: len(values)].flat[: len(values)] = values
            p.grad = wrap(g)
        optimizer.step()
    state = [s.array for p in parameters for s in optimizer.state[p].values()]
    return [p.array for p in parameters] + state


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize(("rule", "kwargs"), RULES, ids=lambda x: getattr(x, "__name__", str(x)))
def test_as_numpy(rule, kwargs, dtype, layout, monkeypatch):
    """Three steps agree to a few roundings, which a fused multiply-add makes in other places."""
    ours = trained(rule, kwargs, dtype, layout)
    monkeypatch.setattr(shared, "LEAST", float("inf"))
    unit = np.finfo(dtype).eps
    for a, b in zip(ours, trained(rule, kwargs, dtype, layout), strict=True):
        np.testing.assert_allclose(a, b, rtol=16 * unit, atol=16 * unit)  # some are sums of terms of about ten


@pytest.mark.parametrize(("rule", "kwargs"), RULES, ids=lambda x: getattr(x, "__name__", str(x)))
def test_infinities(rule, kwargs, monkeypatch):
    """NaN and infinities come out where NumPy has them."""
    special = [np.inf, -np.inf, np.nan, 0.0, 1e30]
    if "centered" in kwargs:  # v - a² is one operation in a loop, in which a² does not overflow
        special.pop()
    ours = trained(rule, kwargs, np.float32, LAYOUTS["contiguous"], special, 2)
    monkeypatch.setattr(shared, "LEAST", float("inf"))
    for a, b in zip(ours, trained(rule, kwargs, np.float32, LAYOUTS["contiguous"], special, 2), strict=True):
        np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
        np.testing.assert_array_equal(np.isinf(a), np.isinf(b))


@pytest.mark.parametrize(("rule", "kwargs"), RULES, ids=lambda x: getattr(x, "__name__", str(x)))
def test_threads_do_not_change_bits(rule, kwargs):
    before = get_num_threads()
    try:
        results = []
        for n in (1, 2, 3):
            set_num_threads(n)
            results.append(trained(rule, kwargs, np.float32, LAYOUTS["contiguous"]))
    finally:
        set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("rule", "kwargs"), RULES, ids=lambda x: getattr(x, "__name__", str(x)))
def test_every_rule_is_one_loop(rule, kwargs, monkeypatch):
    monkeypatch.setattr(shared, "_loops", {})
    trained(rule, kwargs, np.float32, LAYOUTS["contiguous"])
    assert shared._loops
    assert None not in shared._loops.values()


def test_a_rule_that_is_no_loop_runs_as_it_is():
    class Sorted(optim.Optimizer):
        def update(self, param, grad, state, group):
            self.sweep(lambda p, g, s, t, lr: np.copyto(p, p - lr * np.sort(g)), (param, grad), group["lr"])

    p = wrap(np.zeros(shared.LEAST)).requires_grad_()
    p.grad = wrap(np.arange(shared.LEAST, 0.0, -1))
    Sorted([p], {"lr": 2.0}).step()
    np.testing.assert_array_equal(p.array, -2 * np.arange(1.0, shared.LEAST + 1))


def test_large_parameters_are_compiled():
    """The loops are in use at all: a rule that may not run NumPy's passes still moves a large parameter."""
    p = wrap(np.ones(shared.LEAST, np.float32)).requires_grad_()
    p.grad = wrap(np.ones(shared.LEAST, np.float32))
    optimizer = optim.Adam([p], lr=0.5)
    optimizer.blocks = None
    optimizer.step()
    np.testing.assert_allclose(p.array, 0.5, rtol=1e-6)
