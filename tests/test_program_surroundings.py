"""What a compiled function sees of its surroundings, and what it does not mistake for them."""

from __future__ import annotations

import warnings

import pytest

import autograd
import nn
import optim

pytest.importorskip("numba")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("WENGERT_CACHE", str(tmp_path))


def test_a_step_named_as_the_optimisers_method_replays():
    """`opt.step()` names an attribute, not the global `step`, which is the compiled function and changes itself."""
    names: dict = {"autograd": autograd, "nn": nn, "optim": optim, "__name__": "a_script"}
    lines = """
    model = nn.Linear(3, 2)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    @autograd.compile
    def step(x):
        optimizer.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        optimizer.step()
        return loss
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exec("\n".join(line[4:] for line in lines.splitlines()), names)
        losses = [names["step"](autograd.ones(4, 3)).item() for _ in range(6)]
    (entry,) = names["step"].entries.values()
    assert entry.replay is not None
    assert entry.renewals == 0
    assert losses == sorted(losses, reverse=True)
