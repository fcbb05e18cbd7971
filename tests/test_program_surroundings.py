"""What a compiled function sees of its surroundings, and what it does not mistake for them."""

from __future__ import annotations

import copy
import random
import types

import numpy as np
import pytest

import autograd
import nn
import optim
from autograd.program.surroundings import Surroundings

pytest.importorskip("numba")

SCRIPT = """
model = nn.Linear(3, 2)
optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

@autograd.compile(disable=disable)
def step(x):
    optimizer.zero_grad()
    loss = model(x).square().mean()
    loss.backward()
    optimizer.step()
    return loss
"""


def run(disable: bool) -> tuple[list[float], dict]:
    autograd.manual_seed(3)
    names = {"autograd": autograd, "nn": nn, "optim": optim, "disable": disable, "__name__": "a_script"}
    exec(SCRIPT, names)
    return [names["step"](autograd.ones(4, 3)).item() for _ in range(6)], names


def test_a_step_named_as_the_optimisers_method_replays(tmp_path, monkeypatch):
    """`optimizer.step()` names an attribute, not the global `step`: the compiled function, which changes itself."""
    monkeypatch.setenv("WENGERT_CACHE", str(tmp_path))
    losses, names = run(disable=False)
    (entry,) = names["step"].entries.values()
    assert len(entry.replays) == 1
    assert not entry.eager
    assert losses == pytest.approx(run(disable=True)[0], rel=1e-5)  # sums of 4 to 8 float32 numbers in another order


def test_tensors_come_in_the_order_of_the_code():
    """Not of a set's: the text of a program, and so its file on the disk, is the same in every process."""
    names = {word: autograd.ones(1) for word in ("gamma", "alpha", "delta", "beta", "omega", "kappa", "zeta", "eta")}
    exec("def f():\n    return " + " + ".join(names), names)
    found = [name for _, name in Surroundings(names["f"]).tensors.values()]
    assert found == ["gamma", "alpha", "delta", "beta", "omega", "kappa", "zeta", "eta"]


def test_a_parameter_is_called_as_in_its_module():
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def step():
        optimizer.zero_grad()
        return model

    assert [name for _, name in Surroundings(step).tensors.values()] == ["model.weight", "model.bias"]


def test_an_array_from_outside_may_change(tmp_path, monkeypatch):
    """It is read in each call, in the forward and in the backward program; its elements are no constants."""
    monkeypatch.setenv("WENGERT_CACHE", str(tmp_path))
    factor = np.full(2, 3.0, np.float32)

    @autograd.compile
    def scaled(x):
        return (x * x * autograd.from_numpy(factor)).sum()

    x = autograd.ones(2, requires_grad=True)
    found = []
    for k in (3.0, 3.0, 3.0, 5.0):
        factor[:] = k
        x.grad = None
        y = scaled(x)
        y.backward()
        found.append((y.item(), x.grad.tolist()))
    assert scaled.program is not None
    assert found == [(2 * k, [2 * k] * 2) for k in (3.0, 3.0, 3.0, 5.0)]


@pytest.mark.parametrize("draw", [random.random, np.random.rand, lambda: float(random.getrandbits(1))])
def test_other_random_streams_are_no_program(draw):
    """Two recordings may agree by chance: a bit does so every second time."""
    f = autograd.compile(lambda x: x + draw())
    random.seed(1)
    np.random.seed(1)
    x = autograd.zeros(1, dtype=autograd.float64)
    with pytest.warns(UserWarning, match="random numbers of Python or NumPy"):
        found = [f(x).item() for _ in range(12)]
    random.seed(1)
    np.random.seed(1)
    assert found == [draw() for _ in range(12)]


def test_what_a_recorded_call_leaves_on_the_tape_is_differentiated_outside(tmp_path, monkeypatch):
    """Large enough for the kernels of elementwise formulas, which meet the arrays of the recording."""
    monkeypatch.setenv("WENGERT_CACHE", str(tmp_path))
    f = autograd.compile(lambda x: (x.tanh() * 2).sum())
    x = autograd.linspace(-1, 1, 20_000, requires_grad=True)
    expected = 2 * (1 - np.tanh(x.detach().numpy()) ** 2)
    for _ in range(4):
        x.grad = None
        f(x).backward()
        np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-5)


READ = {
    "a global that a class's method reads": """
SCALE = 2.0
class Scaled:
    def times(self, x):
        return x * SCALE
def f(x):
    return Scaled().times(x)
# then
SCALE = 3.0""",
    "a class's attribute": """
class Scaled:
    scale = 2.0
def f(x):
    return x * Scaled().scale
# then
Scaled.scale = 3.0""",
    "a method": """
class Scaled:
    def times(self, x):
        return x * 2
def f(x):
    return Scaled().times(x)
# then
Scaled.times = lambda self, x: x * 3""",
    "a static method": """
class Scaled:
    @staticmethod
    def times(x):
        return x * 2
def f(x):
    return Scaled.times(x)
# then
Scaled.times = staticmethod(lambda x: x * 3)""",
    "a global that a Function reads": """
SCALE = 2.0
class Scaled(autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * SCALE
    @staticmethod
    def backward(ctx, g):
        return g * SCALE
def f(x):
    return Scaled.apply(x)
# then
SCALE = 3.0""",
    "a class in a closure": """
def made():
    class Scaled:
        scale = 2.0
    def f(x):
        return x * Scaled.scale
    return f, Scaled
f, Scaled = made()
# then
Scaled.scale = 3.0""",
    "a module": """
config = types.ModuleType("config")
config.scale = 2.0
def f(x):
    return x * config.scale
# then
config.scale = 3.0""",
    "a module in a module": """
config = types.ModuleType("config")
config.model = types.ModuleType("config.model")
config.model.scale = 2.0
def f(x):
    return x * config.model.scale
# then
config.model.scale = 3.0""",
}


@pytest.mark.parametrize("script", READ.values(), ids=READ)
def test_what_a_function_reads_may_change(script, tmp_path, monkeypatch):
    """A 2 somewhere on the way becomes a 3, once the function is a program."""
    monkeypatch.setenv("WENGERT_CACHE", str(tmp_path))
    names = {"autograd": autograd, "types": types, "__name__": "a_script"}
    before, then = script.split("# then")
    exec(before, names)
    twin, x = autograd.compile(names["f"], fullgraph=True), autograd.ones(2, requires_grad=True)
    for _ in range(4):
        assert twin(x).tolist() == [2, 2]
    assert any(entry.replay is not None for entry in twin.entries.values())
    exec(then, names)
    for _ in range(4):
        out = twin(x)
        assert out.tolist() == [3, 3]
        assert autograd.grad(out.sum(), x)[0].tolist() == [3, 3]


class Holder:
    """What a function is given: a number somewhere."""

    def __init__(self, scale: float) -> None:
        self.scale = scale
        self.inner = {"scale": [scale]}
        self.tensor = autograd.tensor(scale)

    def change(self, scale: float) -> None:
        self.__init__(scale)

    def times(self, x: autograd.Tensor) -> autograd.Tensor:
        return x * self.scale


@pytest.mark.parametrize(
    "f", [lambda h, x: x * h.scale, lambda h, x: x * h.inner["scale"][0], lambda h, x: x * h.tensor,
          lambda h, x: h.times(x)], ids=["attribute", "container", "tensor", "method"],
)  # fmt: skip
@pytest.mark.parametrize("given", [lambda h: h, lambda h: [h], lambda h: h.times], ids=["itself", "list", "method"])
def test_what_an_argument_holds_may_change(f, given):
    holder, x = Holder(2.0), autograd.ones(2)
    argument = given(holder)
    twin = autograd.compile(lambda a, x: f(a[0] if isinstance(a, list) else getattr(a, "__self__", a), x))
    for scale in (2.0, 3.0):
        holder.change(scale)
        for _ in range(4):
            assert twin(argument, x).tolist() == [scale, scale]
    assert any(entry.replay is not None for entry in twin.entries.values())


def test_a_new_function_is_not_taken_for_one_that_is_gone():
    """It may have the same address."""
    twin = autograd.compile(lambda f, x: f(x))
    for i in range(20):
        assert twin(eval(f"lambda x: x * {i}"), autograd.ones(1)).item() == i


def test_a_method():
    class Net(nn.Module):
        def __init__(self, scale):
            super().__init__()
            self.weight = nn.Parameter(autograd.tensor(scale))

        @autograd.compile(fullgraph=True)
        def forward(self, x):
            return x * self.weight

    nets = Net(2.0), Net(3.0)
    for i in range(5):
        for net in nets:
            with autograd.no_grad():
                net.weight.add_(1)
            out = net(autograd.tensor([float(i)], requires_grad=True))
            assert out.item() == i * net.weight.item()
            out.backward()
            assert net.weight.grad.item() == i
            net.zero_grad()
    assert nets[0].forward.program is not None


def test_a_copy_has_no_programs_yet():
    model = nn.Linear(2, 1)
    twin, x = autograd.compile(model), autograd.ones(2)
    for _ in range(4):
        twin(x)
    other = copy.deepcopy(twin)
    with autograd.no_grad():
        model.weight.zero_()
    assert other.weight is not model.weight
    assert other(x).item() != twin(x).item() == model.bias.item()


@pytest.mark.parametrize("kind", [nn.Parameter, autograd.Tensor.clone], ids=["Parameter", "Tensor"])
def test_what_is_trained_may_be_frozen(kind):
    """The optimiser leaves alone what has no gradient; thawed, both learn again, and at last without old momentum."""

    def trained(compiled):
        first, second = (kind(autograd.tensor([value])).requires_grad_() for value in (1.0, 2.0))
        optimizer = optim.SGD([first, second], lr=0.1, momentum=0.5)

        @compiled
        def step(x):
            optimizer.zero_grad()
            (first * second * x).sum().backward()
            optimizer.step()

        for i in range(12):
            if i in (4, 8):
                first.requires_grad_(i == 8)
            if i == 10:
                optimizer.state.clear()
            step(autograd.tensor([float(i)]))
            yield first.item(), second.item(), first.grad is None

    for ours, theirs in zip(trained(autograd.compile), trained(lambda f: f), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4)  # twelve steps, each rounding float32 once less
