"""Schedules: equal to PyTorch's, foreseen by preview, saved and restored."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import autograd
import optim
from autograd.errors import ArgumentError
from optim import lr_scheduler as schedules

STEPS = 60


class Falling:
    """A callable object, whose attributes are part of the state."""

    def __init__(self, by):
        self.by = by

    def __call__(self, t):
        return self.by**t


def sequential(L, o):
    parts = [L.LinearLR(o, 0.1, total_iters=5), L.ExponentialLR(o, 0.9), L.CosineAnnealingLR(o, 10)]
    return L.SequentialLR(o, parts, [6, 20])


# (name, the same construction for ours and PyTorch's): L is the module of schedules, o the optimizer.
CASES = [
    ("step", lambda L, o: L.StepLR(o, 7)),
    ("step-1", lambda L, o: L.StepLR(o, 1, gamma=0.97)),
    ("multistep", lambda L, o: L.MultiStepLR(o, [3, 10, 10, 41], gamma=0.3)),
    ("exponential", lambda L, o: L.ExponentialLR(o, 0.93)),
    ("constant", lambda L, o: L.ConstantLR(o)),
    ("constant-10", lambda L, o: L.ConstantLR(o, 0.25, 10)),
    ("linear", lambda L, o: L.LinearLR(o)),
    ("linear-down", lambda L, o: L.LinearLR(o, 1.0, 0.1, 40)),
    ("polynomial", lambda L, o: L.PolynomialLR(o)),
    ("polynomial-2", lambda L, o: L.PolynomialLR(o, 50, 2.5)),
    ("lambda", lambda L, o: L.LambdaLR(o, lambda t: 1 / (1 + t))),
    ("lambdas", lambda L, o: L.LambdaLR(o, [Falling(0.9), lambda t: 1 + math.sin(t)])),
    ("multiplicative", lambda L, o: L.MultiplicativeLR(o, lambda t: 1 - 0.5 / (t + 1))),
    ("multiplicatives", lambda L, o: L.MultiplicativeLR(o, [lambda t: 0.95, Falling(0.99)])),
    ("cosine", lambda L, o: L.CosineAnnealingLR(o, 60)),
    ("cosine-waves", lambda L, o: L.CosineAnnealingLR(o, 7, eta_min=0.01)),
    ("restarts", lambda L, o: L.CosineAnnealingWarmRestarts(o, 10)),
    ("restarts-2", lambda L, o: L.CosineAnnealingWarmRestarts(o, 3, T_mult=2, eta_min=0.001)),
    ("cyclic", lambda L, o: L.CyclicLR(o, 0.01, 0.1, 7)),
    ("cyclic-2", lambda L, o: L.CyclicLR(o, [0.01, 0.02], [0.1, 0.3], 5, 3, mode="triangular2")),
    ("cyclic-exp", lambda L, o: L.CyclicLR(o, 0.01, 0.1, 4, 8, mode="exp_range", gamma=0.98, base_momentum=0.5)),
    ("cyclic-own", lambda L, o: L.CyclicLR(o, 0.01, 0.1, 4, scale_fn=lambda c: 1 / c, cycle_momentum=False)),
    ("cyclic-own-t", lambda L, o: L.CyclicLR(o, 0.01, 0.1, 4, scale_fn=Falling(0.9), scale_mode="iterations")),
    ("onecycle", lambda L, o: L.OneCycleLR(o, 0.1, 61)),
    ("onecycle-linear", lambda L, o: L.OneCycleLR(o, [0.1, 0.2], epochs=10, steps_per_epoch=7, pct_start=0.5,
                                                 anneal_strategy="linear", final_div_factor=10.0)),
    ("onecycle-3", lambda L, o: L.OneCycleLR(o, 0.1, 70, three_phase=True, div_factor=5.0, max_momentum=[0.9, 0.99])),
    ("onecycle-0", lambda L, o: L.OneCycleLR(o, 0.1, 80, pct_start=0.0, cycle_momentum=False)),
    ("sequential", sequential),
    ("chained", lambda L, o: L.ChainedScheduler([L.ConstantLR(o, 0.1, 8), L.ExponentialLR(o, 0.9), L.StepLR(o, 9)])),
    ("chained-cosine", lambda L, o: L.ChainedScheduler([L.LinearLR(o, 0.2), L.CosineAnnealingLR(o, 25)], o)),
]  # fmt: skip
PLATEAUS = [
    {}, {"patience": 2, "factor": 0.5}, {"mode": "max", "patience": 1, "cooldown": 3}, {"eps": 0.02, "patience": 0},
    {"threshold_mode": "abs", "threshold": 0.05, "patience": 0}, {"min_lr": [0.01, 0.02], "patience": 1},
    {"mode": "max", "threshold_mode": "abs", "patience": 3},
]  # fmt: skip
OURS = [*CASES, ("cyclic-decay", lambda L, o: L.CyclicExponentialDecayLR(o, 7, 0.8, 0.9, min_lr=0.01))]
each = pytest.mark.parametrize("make", [case[1] for case in OURS], ids=[case[0] for case in OURS])


def an_optimizer(kind="SGD", lr=0.1):
    a, b = (autograd.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    more = {"momentum": 0.9} if kind == "SGD" else {}
    return getattr(optim, kind)([{"params": [a]}, {"params": [b], "lr": 0.05}], lr=lr, **more)


def settings(optimizer):
    """What a schedule can change."""
    return [(g["lr"], g.get("momentum"), g.get("betas")) for g in optimizer.param_groups]


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("make", [case[1] for case in CASES], ids=[case[0] for case in CASES])
def test_sixty_steps_as_in_pytorch(make, kind):
    """Rates and momenta of two groups; the same formulas in the same order, so 1e-12 is generous."""
    torch = pytest.importorskip("torch")
    parameters = [torch.ones(2, requires_grad=True) for _ in range(2)]
    more = {"momentum": 0.9} if kind == "SGD" else {}
    theirs = getattr(torch.optim, kind)(
        [{"params": [parameters[0]]}, {"params": [parameters[1]], "lr": 0.05}], lr=0.1, **more
    )
    ours = an_optimizer(kind)
    a, b = make(schedules, ours), make(torch.optim.lr_scheduler, theirs)
    for step in range(STEPS + 1):
        for mine, other in zip(settings(ours), settings(theirs)):
            np.testing.assert_allclose(mine[0], other[0], rtol=1e-12, atol=1e-300, err_msg=f"rate {step}")
            for x, y in zip(mine[1:], other[1:]):
                if x is not None:
                    np.testing.assert_allclose(x, y, rtol=1e-12, err_msg=f"momentum {step}")
        np.testing.assert_allclose(a.get_last_lr(), b.get_last_lr(), rtol=1e-12, atol=1e-300)
        if step < STEPS:
            for optimizer, scheduler in ((ours, a), (theirs, b)):
                optimizer.step()
                scheduler.step()


@pytest.mark.parametrize("kwargs", PLATEAUS, ids=str)
def test_plateau_as_in_pytorch(kwargs):
    torch = pytest.importorskip("torch")
    parameters = [torch.ones(2, requires_grad=True) for _ in range(2)]
    theirs = torch.optim.SGD([{"params": [parameters[0]]}, {"params": [parameters[1]], "lr": 0.05}], lr=0.1)
    ours = an_optimizer()
    a = schedules.ReduceLROnPlateau(ours, **kwargs)
    b = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **kwargs)
    random = np.random.default_rng(0)
    for step, metric in enumerate([*random.standard_normal(40), 0.0, math.nan, math.inf, *random.standard_normal(17)]):
        foreseen = a.preview(1, metrics=[metric])
        a.step(metric)
        b.step(metric)
        assert a.get_last_lr() == pytest.approx(b.get_last_lr(), rel=1e-12), step
        assert foreseen == [a.get_last_lr()]
        assert (a.num_bad_epochs, a.cooldown_counter, a.best) == (b.num_bad_epochs, b.cooldown_counter, b.best)


@each
def test_preview_is_what_happens(make):
    """Foreseen at the start and halfway, and nothing is touched by looking."""
    optimizer = an_optimizer()
    scheduler = make(schedules, optimizer)
    for _ in range(2):
        before, state = settings(optimizer), repr(scheduler.state_dict())
        foreseen = scheduler.preview(STEPS // 2)
        assert settings(optimizer) == before
        assert repr(scheduler.state_dict()) == state
        for rates in foreseen:
            optimizer.step()
            scheduler.step()
            assert scheduler.get_last_lr() == rates


@each
def test_state_goes_round(make):
    """Saved after 20 steps, even as JSON, and loaded into fresh objects: the next 30 steps are the same."""
    optimizer, other = an_optimizer(), an_optimizer()
    scheduler, resumed = make(schedules, optimizer), make(schedules, other)
    for _ in range(20):
        optimizer.step()
        scheduler.step()
    saved = scheduler.state_dict()
    assert "optimizer" not in saved
    other.load_state_dict(optimizer.state_dict())
    resumed.load_state_dict(json.loads(json.dumps(saved)))
    assert resumed.get_last_lr() == scheduler.get_last_lr()
    assert resumed.preview(30) == scheduler.preview(30)


def test_saved_state_is_a_copy():
    scheduler = schedules.MultiStepLR(an_optimizer(), [1, 5])
    saved = scheduler.state_dict()
    saved["milestones"][2] = 1
    assert 2 not in scheduler.milestones


def test_sequences_nest():
    """A sequence inside a sequence is the flat sequence (PyTorch's inner one is a step ahead)."""

    def parts(o):
        first, second = schedules.ConstantLR(o, 0.1, 3), schedules.StepLR(o, 4, 0.5)
        return first, second, schedules.PolynomialLR(o, 20, 2.0)

    one, other, third = an_optimizer(), an_optimizer(), an_optimizer()
    flat = schedules.SequentialLR(one, parts(one), [5, 30])
    a, b, c = parts(other)
    nested = schedules.SequentialLR(other, [schedules.SequentialLR(other, [a, b], [5]), c], [30])
    assert nested.get_last_lr() == flat.get_last_lr()
    assert nested.preview(50) == flat.preview(50)
    a, b, c = parts(third)
    late = schedules.SequentialLR(
        third, [c, schedules.ChainedScheduler([schedules.SequentialLR(third, [a, b], [5])])], [3]
    )
    assert late.preview(20)[2:] == [flat.get_last_lr(), *flat.preview(17)]


def test_plateau_state_goes_round():
    a, b = (schedules.ReduceLROnPlateau(an_optimizer(), patience=3, cooldown=2) for _ in range(2))
    for metric in (1.0, 0.5, 0.7):
        a.step(metric)
    b.load_state_dict(json.loads(json.dumps(a.state_dict())))
    assert a.preview(12) == b.preview(12)
    assert a.preview(12) != schedules.ReduceLROnPlateau(an_optimizer(), patience=3, cooldown=2).preview(12)


# -- CyclicExponentialDecayLR, which PyTorch does not have ----------------------------------------------------------


def test_cyclic_exponential_decay_by_hand():
    scheduler = schedules.CyclicExponentialDecayLR(an_optimizer("Adam", lr=8.0), 3, gamma=0.5, peak_decay=0.25)
    assert [first for first, _ in [scheduler.get_last_lr(), *scheduler.preview(7)]] == [8, 4, 2, 2, 1, 0.5, 0.5, 0.25]


def test_cyclic_exponential_decay_stops_at_the_floor():
    scheduler = schedules.CyclicExponentialDecayLR(an_optimizer(lr=8.0), 3, gamma=0.5, min_lr=3.0)
    assert [first for first, _ in scheduler.preview(6)] == [4, 3, 8, 4, 3, 8]


def test_cyclic_exponential_decay_without_restarts_is_exponential():
    one, other = an_optimizer(), an_optimizer()
    expected = schedules.ExponentialLR(other, 0.9).preview(50)
    np.testing.assert_allclose(schedules.CyclicExponentialDecayLR(one, 1000, 0.9).preview(50), expected, rtol=1e-12)


def test_cyclic_exponential_decay_resumes():
    """With last_epoch the schedule goes on where it was."""
    whole = schedules.CyclicExponentialDecayLR(an_optimizer(), 4, 0.7, 0.9).preview(30)
    optimizer = an_optimizer()
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
    resumed = schedules.CyclicExponentialDecayLR(optimizer, 4, 0.7, 0.9, last_epoch=9)
    assert [resumed.get_last_lr(), *resumed.preview(20)] == whole[9:]


@pytest.mark.parametrize("kwargs", [
    {"cycle_length": 0}, {"cycle_length": 2.5}, {"gamma": 0.0}, {"gamma": 1.5}, {"peak_decay": -1.0}, {"min_lr": -1e-3},
], ids=str)  # fmt: skip
def test_cyclic_exponential_decay_refuses(kwargs):
    with pytest.raises(ArgumentError, match=next(iter(kwargs))):
        schedules.CyclicExponentialDecayLR(an_optimizer(), **{"cycle_length": 3, "gamma": 0.5, **kwargs})


# -- the rest ----------------------------------------------------------------------------------------------------------


def test_one_group_previews_numbers():
    optimizer = optim.SGD([autograd.tensor([1.0], requires_grad=True)], lr=1.0)
    assert schedules.ExponentialLR(optimizer, 0.5).preview(3) == [0.5, 0.25, 0.125]


def test_preview_leaves_callables_alone():
    class Counting:
        calls = 0

        def __call__(self, t):
            self.calls += 1
            return 1.0

    factor = Counting()
    scheduler = schedules.LambdaLR(an_optimizer(), factor)
    calls = factor.calls
    scheduler.preview(10)
    assert factor.calls == calls


def test_a_rate_that_is_a_tensor_stays_that_tensor():
    lr = autograd.tensor(0.5, dtype=autograd.float64)
    optimizer = optim.SGD([autograd.tensor([1.0], requires_grad=True)], lr=lr)
    scheduler = schedules.ExponentialLR(optimizer, 0.5)
    assert scheduler.preview(2) == [0.25, 0.125]
    assert float(lr) == 0.5
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] is lr
    assert float(lr) == 0.25


def test_a_rate_changed_by_hand_stays_changed():
    optimizer = an_optimizer()
    scheduler = schedules.ExponentialLR(optimizer, 0.5)
    optimizer.param_groups[0]["lr"] = 8.0
    optimizer.step()
    scheduler.step()
    assert scheduler.get_last_lr() == [4.0, 0.025]


def test_stepping_in_the_wrong_order_warns():
    scheduler = schedules.StepLR(an_optimizer(), 2)
    with pytest.warns(UserWarning, match="before optimizer.step"):
        scheduler.step()


def test_jumping_to_an_epoch_takes_the_closed_form():
    scheduler = schedules.ExponentialLR(an_optimizer(), 0.5)
    scheduler.optimizer.step()
    with pytest.warns(UserWarning, match="deprecated"):
        scheduler.step(3)
    assert scheduler.get_last_lr() == [0.0125, 0.00625]


def test_one_cycle_ends():
    optimizer = an_optimizer()
    scheduler = schedules.OneCycleLR(optimizer, 0.1, total_steps=2)
    optimizer.step()
    with pytest.raises(ArgumentError, match="ends after 2 steps"):
        scheduler.preview(3)


def test_subclass_with_get_lr_as_in_pytorch():
    class Mine(schedules.LRScheduler):
        def get_lr(self):
            return [base / (1 + self.last_epoch) for base in self.base_lrs]

    optimizer = an_optimizer(lr=1.0)
    assert [first for first, _ in Mine(optimizer).preview(3)] == [1 / 2, 1 / 3, 1 / 4]


refused = pytest.mark.parametrize("make", [
    lambda L, o: L.StepLR("optimizer", 3),
    lambda L, o: L.StepLR(o, 3, last_epoch=4),
    lambda L, o: L.LambdaLR(o, [lambda t: 1.0]),
    lambda L, o: L.MultiplicativeLR(o, 0.5),
    lambda L, o: L.ConstantLR(o, 1.5),
    lambda L, o: L.LinearLR(o, 0.0),
    lambda L, o: L.LinearLR(o, 0.5, 1.5),
    lambda L, o: L.CosineAnnealingWarmRestarts(o, 0),
    lambda L, o: L.CosineAnnealingWarmRestarts(o, 2, T_mult=1.5),
    lambda L, o: L.CyclicLR(o, 0.1, 0.2, mode="square"),
    lambda L, o: L.CyclicLR(o, [0.1], 0.2),
    lambda L, o: L.CyclicLR(optim.Adagrad(o.param_groups[0]["params"]), 0.1, 0.2),
    lambda L, o: L.OneCycleLR(o, 0.1),
    lambda L, o: L.OneCycleLR(o, 0.1, total_steps=-3),
    lambda L, o: L.OneCycleLR(o, 0.1, epochs=3, steps_per_epoch=0),
    lambda L, o: L.OneCycleLR(o, 0.1, 10, pct_start=1.5),
    lambda L, o: L.OneCycleLR(o, 0.1, 10, anneal_strategy="step"),
    lambda L, o: L.ReduceLROnPlateau(o, factor=1.0),
    lambda L, o: L.ReduceLROnPlateau(o, mode="best"),
    lambda L, o: L.ReduceLROnPlateau(o, threshold_mode="both"),
    lambda L, o: L.ReduceLROnPlateau(o, min_lr=[0.1]),
    lambda L, o: L.SequentialLR(o, [], []),
    lambda L, o: L.SequentialLR(o, [L.StepLR(o, 3)], [2]),
    lambda L, o: L.SequentialLR(o, [L.StepLR(an_optimizer(), 3)], []),
    lambda L, o: L.SequentialLR(o, [L.ReduceLROnPlateau(o)], []),
    lambda L, o: L.ChainedScheduler([]),
    lambda L, o: L.ChainedScheduler([L.StepLR(o, 3), L.StepLR(an_optimizer(), 3)]),
])  # fmt: skip


@refused
def test_bad_arguments(make):
    with pytest.raises(ArgumentError):
        make(schedules, an_optimizer())
