"""What is made of a recording is looked up by its text: found again, told apart, and made anew where it is damaged."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
import optim
from autograd.program import cache, kept
from autograd.tensor import wrap
from autograd.twin import as_one

pytest.importorskip("numba")


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("WENGERT_CACHE", str(tmp_path / "programs"))
    return tmp_path / "programs"


@pytest.fixture
def passes(monkeypatch):
    """How often passes run."""
    calls = []
    monkeypatch.setattr(kept, "divided", lambda *given, really=kept.divided: calls.append(1) or really(*given))
    return calls


def training():
    autograd.manual_seed(3)
    model = nn.Sequential(nn.Linear(4, 8, bias=False), nn.BatchNorm1d(8), nn.GELU(), nn.Dropout(0.5), nn.Linear(8, 1))
    optimizer = optim.AdamW(model.parameters(), lr=0.01)
    x = autograd.randn(16, 4)

    def step():
        optimizer.zero_grad()
        loss = (model(x) - x.max(dim=1, keepdim=True).values).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    return step, model


def losses(wrap):
    step, model = training()
    step = wrap(step)
    found = [step().item() for _ in range(6)]
    return found + [p.sum().item() for p in model.parameters()] + [autograd.rand(1).item()]


def test_a_training_step_is_found_again(passes):
    """With random masks, running statistics, and functions that return named tuples."""
    first = losses(autograd.compile)
    assert passes == [1]
    assert losses(autograd.compile) == first
    assert passes == [1]
    np.testing.assert_allclose(first, losses(lambda step: step), rtol=2e-4)  # float32, summed in another order


def test_a_derivative_is_found_again(passes):
    x = np.linspace(-1, 1, 12).reshape(3, 4)

    def slopes():
        f = autograd.compile(lambda a, b: ((a @ b).tanh() * a.sum(), b))
        for _ in range(4):
            a, b = (autograd.tensor(y, requires_grad=True) for y in (x, x[:, :3].T @ x))
            f(a, b.T)[0].sum().backward()
        return a.grad.numpy()

    np.testing.assert_array_equal(slopes(), slopes())
    assert passes == [1]


def test_what_differs_is_told_apart(passes):
    x = autograd.linspace(1, 2, 5)
    table = np.linspace(0, 1, 5)

    def value(f):
        f = autograd.compile(f)
        return [f(x).numpy() for _ in range(3)][-1]

    for k, f in enumerate(
        [lambda x: x * 2, lambda x: x * 3, lambda x: x + 2, lambda x: x[1:] * 2, lambda x: x * table]
    ):
        np.testing.assert_array_equal(value(f), f(x).numpy())
        assert len(passes) == k + 1
    table = table + 1  # which no pass looks at: the program is the same
    np.testing.assert_allclose(value(lambda x: x * table), x.numpy() * table, rtol=1e-6)
    assert len(passes) == 5


def test_a_function_of_the_users_is_not_looked_up(passes):
    """Its source may change, and its name would not."""
    for k in (2, 3):
        triple = as_one(lambda array, k=k: np.sort(array) * k)
        f = autograd.compile(lambda x, triple=triple: x * x + wrap(triple(x.array)))
        assert [f(autograd.ones(3)).sum().item() for _ in range(3)] == [3 + 3 * k] * 3
    assert len(passes) == 2


@pytest.mark.parametrize("damage", ["", "{}", "[1]", '{"forward": {"file": "nothing.py"}, "backward": null}'])
def test_a_damaged_entry_is_made_anew(home, passes, damage):
    def sums():
        f = autograd.compile(lambda x: (x * 2 + 1).sum())
        return [f(autograd.ones(3)).item() for _ in range(3)]

    assert sums() == [9, 9, 9]
    (entry,) = (home / "__pycache__").glob("*.json")
    entry.write_text(damage)
    assert sums() == [9, 9, 9]
    assert len(passes) == 2


def test_an_entry_goes_with_its_program(home):
    f = autograd.compile(lambda x: x * 2)
    [f(autograd.ones(3)) for _ in range(3)]
    assert list((home / "__pycache__").glob("*.json"))
    for path, _, _ in cache.programs():
        cache.forget(path)
    assert not list((home / "__pycache__").glob("*.json"))
