"""`autograd.compile`: the results of the plain function always, and one warning where there is no program."""

from __future__ import annotations

import copy
import types
import warnings
from collections import OrderedDict, defaultdict

import numpy as np
import pytest

import autograd
import nn
from autograd.errors import ArgumentError, CompileError
from autograd.size import Size
from tests.programs import frozen_heap, without_numba

frozen_heap = pytest.fixture(autouse=True, scope="module")(frozen_heap)


@pytest.fixture(autouse=True)
def plainly(monkeypatch, tmp_path):
    without_numba(monkeypatch, tmp_path)


def numbers(*shape, seed=0):
    return autograd.tensor(np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32))


def alike(found, expected):
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=2e-6, atol=2e-6)  # a sum's order differs


def is_compiled(compiled):
    return any(entry.replay is not None for entry in compiled.entries.values())


def same_calls(f, inputs, compiled=True):
    """`f` and its compiled twin, call by call on the same inputs and from the same seed."""
    twin = autograd.compile(f)
    for make in (f, twin):
        autograd.manual_seed(1)
        make.results = [make(*args) for args in inputs]
    for a, b in zip(f.results, twin.results):
        alike(b, a)
    assert is_compiled(twin) == compiled
    return twin


def twins(make):
    """The same thing twice, of which one is to be compiled."""
    autograd.manual_seed(3)
    first = make()
    autograd.manual_seed(3)
    return first, make()


# ---------------------------------------------------------------------------------------------------------------------
# Signatures and guards.


def test_other_shapes_and_types():
    f = lambda x: (x * 2).tanh().sum(0)
    inputs = [numbers(3, 4, seed=i) for i in range(3)] + [numbers(5, 4, seed=i) for i in range(3)]
    inputs += [x.to(autograd.float64) for x in inputs[:3]] + [x.T for x in inputs[:3]] + inputs
    same_calls(f, [(x,) for x in inputs])


def test_numbers_among_the_arguments():
    calls = [(numbers(3, seed=i), k, {"power": p}) for i in range(3) for k in (2, 2.0, 3.5) for p in (1, 2)]
    same_calls(lambda x, k, options: x * k + x ** options["power"], calls)


def test_structures():
    f = lambda pair, more: (pair[0] * more["y"]).sum() + (pair[1] if len(pair) > 1 else 0)
    same_calls(f, [((numbers(3, seed=i), numbers(seed=i)), {"y": numbers(3, seed=i + 1)}) for i in range(4)])


def test_results_keep_their_types():
    class Few(list):
        pass

    def f(x):
        found = defaultdict(list)
        found["sum"] = x.sum()
        return OrderedDict(b=x * 2, a=found), x.shape, Few([x + 1])

    twin, x = autograd.compile(f), numbers(2, 3)
    for _ in range(3):
        named, shape, few = twin(x)
        assert (type(named), type(named["a"]), type(shape), type(few)) == (OrderedDict, defaultdict, Size, Few)
        assert list(named) == ["b", "a"]
        alike(few[0], x + 1)
        alike(named["a"]["sum"], x.sum())
    assert is_compiled(twin)


def test_two_tensors_with_one_gradient():
    a, b = (numbers(3, seed=i).requires_grad_() for i in range(2))
    a.grad = b.grad = numbers(3, seed=2)
    same_calls(lambda x: x * a.grad + b.detach() * b.grad + a.detach(), [(numbers(3, seed=i),) for i in range(4)])


def test_objects_among_the_arguments():
    """An object may be gone, and another at its address, with other attributes."""
    f = lambda x, o: x * o.scale
    same_calls(f, [(numbers(3), types.SimpleNamespace(scale=float(i // 3))) for i in range(12)], compiled=False)


def test_an_array_among_the_arguments():
    calls = [(numbers(3), np.full(3, i, np.float32)) for i in range(8)]
    f = lambda x, a: x * autograd.from_numpy(a)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        twin = autograd.compile(f)
        for x, a in calls:
            alike(twin(x, a), f(x, a))


def test_the_same_argument_twice():
    f = lambda x, y: x.mul_(2) + y
    x, y = numbers(3), numbers(3)
    for make in (f, autograd.compile(f)):
        a, b = x.clone(), y.clone()
        for _ in range(3):
            make(a, b)
        make.found = [make(a, a).array.copy() for _ in range(3)] + [make(a, b).array.copy()]
        f.expected = make.found if make is f else f.expected
    alike(make.found, f.expected)


def test_a_closure_that_changes():
    scale = 2.0

    def f(x):
        return x * scale

    twin = autograd.compile(f)
    for scale in (2.0, 2.0, 2.0, 3.0, 3.0, 3.0, 2.0):
        alike(twin(numbers(3)), numbers(3) * scale)


SCALE = 1.0


def _by_global(x):
    return x * SCALE


def test_a_global_that_changes(monkeypatch):
    twin = autograd.compile(_by_global)
    for scale in (1.0, 1.0, 1.0, 4.0, 4.0, 4.0):
        monkeypatch.setitem(globals(), "SCALE", scale)
        alike(twin(numbers(3)), numbers(3) * scale)


def test_a_global_array_written_in_place():
    table = np.ones(3, np.float32)
    twin = autograd.compile(lambda x: x * autograd.from_numpy(table))
    for i in range(6):
        table[:] = i // 2
        alike(twin(numbers(3)), numbers(3).array * (i // 2))


def test_a_list_and_a_dict_that_change():
    factors, named = [2.0, 3.0], {"a": 1.0}
    f = lambda x: sum((x * k for k in factors), x * named["a"])
    twin = autograd.compile(f)
    for i in range(12):
        if i == 4:
            factors.append(5.0)
        if i == 8:
            named["a"] = 7.0
        alike(twin(numbers(3)), f(numbers(3)))


def test_an_attribute_of_a_module():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale, self.inner = 2.0, nn.Linear(3, 2)

        def forward(self, x):
            return self.inner(x) * self.scale

    model = Scaled()
    twin = autograd.compile(model)
    for i in range(9):
        model.scale = 2.0 + i // 3
        alike(twin(numbers(4, 3)).detach(), model(numbers(4, 3)).detach())
    model.inner = nn.Linear(3, 2)
    for _ in range(3):
        alike(twin(numbers(4, 3)).detach(), model(numbers(4, 3)).detach())


class Settings:
    scale = 2.0


def scaled(x):
    return x * SCALE * Settings.scale


class Helped(nn.Module):
    factor = 1.0

    def __init__(self):
        super().__init__()
        self.options = {"shift": 0.0}
        self.rates = [1.0, 2.0]

    def helper(self, x):
        return scaled(x) * self.factor * elsewhere.factor

    def forward(self, x):
        return self.helper(x) + self.options["shift"] + sum(self.rates)


elsewhere = types.ModuleType("elsewhere")
elsewhere.factor = 1.0


def test_everything_that_a_method_reads(monkeypatch):
    """Helpers, globals of helpers, attributes of classes and modules, containers in a module."""
    model = Helped()
    changes = [
        lambda: monkeypatch.setitem(globals(), "SCALE", 3.0),
        lambda: monkeypatch.setattr(Settings, "scale", 5.0),
        lambda: monkeypatch.setattr(Helped, "factor", 7.0),
        lambda: monkeypatch.setattr(elsewhere, "factor", 11.0),
        lambda: model.options.update(shift=13.0),
        lambda: model.rates.append(17.0),
        lambda: model.rates.__setitem__(0, 19.0),
        lambda: setattr(model, "factor", 23.0),
        lambda: monkeypatch.setitem(globals(), "scaled", lambda x: x * 29.0),
        lambda: monkeypatch.setattr(Helped, "helper", lambda self, x: x * 31.0),
    ]
    for change in changes:
        twin = autograd.compile(model)
        for i in range(8):
            if i == 4:
                assert is_compiled(twin)
                change()
            alike(twin(numbers(3, seed=i)), model(numbers(3, seed=i)))


def test_train_and_eval():
    a, b = twins(lambda: nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2)))
    twin = autograd.compile(b)
    for i in range(12):
        for m in (a, b):
            m.train(i % 4 < 3)
        x = numbers(5, 3, seed=i)
        autograd.manual_seed(i)
        expected = a(x).detach()
        autograd.manual_seed(i)
        alike(twin(x).detach(), expected)
    for p, q in zip(a.state_dict().values(), b.state_dict().values()):
        alike(q, p)


def test_recording_on_and_off():
    p = nn.Parameter(numbers(3))
    twin = autograd.compile(lambda x: (x * p).sum())
    for i in range(8):
        if i % 2:
            with autograd.no_grad():
                assert not twin(numbers(3)).requires_grad
        else:
            y = twin(numbers(3))
            p.grad = None
            y.backward()
            alike(p.grad, numbers(3))


def test_default_dtype_changes():
    twin = autograd.compile(lambda x: x.sum() * autograd.ones(2))
    for kind in (autograd.float32, autograd.float32, autograd.float32, autograd.float64):
        autograd.set_default_dtype(kind)
        try:
            assert twin(autograd.tensor([1, 2])).dtype == kind
        finally:
            autograd.set_default_dtype(autograd.float32)


# ---------------------------------------------------------------------------------------------------------------------
# What cannot be one program.


def warns_once(f, inputs, words):
    """Right results always, and one warning that names this file, a line, and the reason."""
    twin = autograd.compile(f)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for args in inputs:
            alike(twin(*args), f(*args))
    told = [str(w.message) for w in caught]
    assert len(told) == 1, told
    assert words in told[0]
    assert caught[0].filename == __file__
    strict = autograd.compile(f, fullgraph=True)
    with pytest.raises(CompileError, match="cannot be one program"):
        [strict(*args) for args in inputs]
    return told[0]


def test_item():
    told = warns_once(lambda x: x * x.sum().item(), [(numbers(3, seed=i),) for i in range(5)], "Python number")
    assert f"{__file__}:" in told


def test_float_list_and_numpy():
    x = [(numbers(3, seed=i),) for i in range(5)]
    warns_once(lambda x: x * float(x.sum()), x, "Python number")
    warns_once(lambda x: x * x.sum().tolist(), x, "Python number")
    warns_once(lambda x: x * autograd.from_numpy(np.asarray(x) * 2), x, "NumPy")
    warns_once(lambda x: x * autograd.from_numpy(x.numpy() * 2), x, "NumPy")
    warns_once(lambda x: x * autograd.from_numpy(np.from_dlpack(x) * 2), x, "NumPy")


def test_print(capsys):
    def f(x):
        print(x)
        return x * 2

    warns_once(f, [(numbers(3, seed=i),) for i in range(5)], "runs without a program")
    assert capsys.readouterr().out.count("tensor(") >= 10


def test_a_branch_on_values():
    f = lambda x: x * 2 if x.sum() > 0 else x - 1
    signs = [1, 1, 1, -1, -1, 1, -1, -1, 1, 1]
    same_calls(f, [(autograd.full((3,), float(s)) * numbers(3).abs(),) for s in signs])


def test_a_branch_that_always_differs():
    f = lambda x: x * int(x.sum().round().to(autograd.int64))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        twin = autograd.compile(f)
        for i in range(100):
            alike(twin(autograd.full((2,), float(i))), f(autograd.full((2,), float(i))))
    assert len(caught) <= 1


def test_a_tensor_kept_outside():
    kept = []

    def f(x):
        y = x * 2
        kept.append(y)
        return y + 1

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        twin = autograd.compile(f)
        for i in range(5):
            alike(twin(numbers(3, seed=i)), f(numbers(3, seed=i)))
    assert len(kept) == 10
    for a, b in zip(kept[::2], kept[1::2]):
        assert type(a.array) is np.ndarray
        alike(a, b)


def test_an_attribute_set_inside():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.calls = 0

        def forward(self, x):
            self.calls += 1
            return x * self.calls

    model = Counting()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        twin = autograd.compile(model)
        for i in range(6):
            alike(twin(numbers(3)), numbers(3) * (i + 1))


def test_hooks():
    """Of modules and of tensors: they run, or the call is plain."""
    model, seen = nn.Linear(3, 2), []
    model.register_forward_hook(lambda m, args, out: seen.append(1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        twin = autograd.compile(model)
        for _ in range(5):
            twin(numbers(4, 3))
    assert len(seen) == 5

    p, told = nn.Parameter(numbers(3)), []
    p.register_hook(lambda g: told.append(float(g.sum())))

    def step(x):
        p.grad = None
        (x * p).sum().backward()
        return p.grad.sum()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        twin = autograd.compile(step)
        for i in range(5):
            alike(twin(numbers(3, seed=i)), numbers(3, seed=i).sum())
    assert len(told) == 5


def test_a_hook_that_changes_the_gradient():
    p = nn.Parameter(numbers(3))
    p.register_hook(lambda g: g * 3)

    def step(x):
        p.grad = None
        (x * p).sum().backward()
        return p.grad.sum()

    same_calls(step, [(numbers(3, seed=i),) for i in range(5)])


def test_a_module_compiled_in_place():
    """By itself, or as a child of another that is not: its parameters are found, and its copies are compiled, too."""

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = autograd.compile(nn.Linear(3, 4), fullgraph=True)
            self.rest = nn.Sequential(autograd.compile(nn.Linear(4, 4)), nn.Tanh())

        def forward(self, x):
            return self.rest(self.body(x))

    outer = Outer()
    plain = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 4), nn.Tanh())
    names = ["body.weight", "body.bias", "rest.0.weight", "rest.0.bias"]
    assert list(outer.state_dict()) == names
    plain.load_state_dict(dict(zip(plain.state_dict(), outer.state_dict().values())))
    outer.rest.compile()
    other = copy.deepcopy(outer)
    for model in (outer, other):
        for i in range(5):
            x = numbers(2, 3, seed=i)
            alike(model(x), plain(x))
        assert is_compiled(model.body._compiled)
        assert is_compiled(model.rest._compiled)
    assert other.body._compiled.program is not outer.body._compiled.program
    model(x).sum().backward()
    plain(x).sum().backward()
    for ours, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        alike(ours.grad, theirs.grad)


@pytest.mark.parametrize("made_of", ["itself", "another"])
def test_hooks_of_what_is_differentiated_outside_run_once(made_of):
    def gradients(compiled):
        w = numbers(3).requires_grad_()
        end = w if made_of == "itself" else w * 3
        end.register_hook(lambda g: g * 2)
        f = compiled(lambda x: (end * x).sum())
        found = []
        for i in range(5):
            w.grad = None
            f(numbers(3, seed=i)).backward(retain_graph=True)
            found.append(w.grad.tolist())
        return found

    assert gradients(autograd.compile) == gradients(lambda f: f)


def test_seeding_inside():
    def f(x):
        autograd.manual_seed(0)
        return x * autograd.rand(3)

    warns_once(f, [(numbers(3, seed=i),) for i in range(5)], "random stream")


def test_exceptions():
    """What the function raises, it raises; the next call is as if nothing had been."""

    def f(x, bad):
        y = x * 2
        if bad:
            raise KeyError("bad")
        return y

    twin = autograd.compile(f)
    for i in range(8):
        x = numbers(3, seed=i)
        if i in (0, 5):
            with pytest.raises(KeyError):
                twin(x, True)
        alike(twin(x, False), x * 2)
        assert type(x.array) is np.ndarray
    with pytest.raises(autograd.errors.ShapeError):
        autograd.compile(lambda a, b: a @ b)(numbers(2, 3), numbers(2, 3))
    assert (numbers(2) + 1).shape == (2,)


def test_a_result_made_of_nothing():
    f = lambda x: (x * 2, autograd.zeros(2), autograd.arange(3))
    twin = autograd.compile(f)
    for i in range(4):
        for a, b in zip(twin(numbers(3, seed=i)), f(numbers(3, seed=i))):
            alike(a, b)
            a.array[...] = 7  # the caller's own


def test_the_argument_returned():
    twin = autograd.compile(lambda x: (x, x * 2))
    for i in range(4):
        x = numbers(3, seed=i)
        assert twin(x)[0] is x


def test_a_view_of_an_argument_returned():
    """It shares memory, as it does without a program, or the call is plain."""
    f = lambda x: (x[1:], x * 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        twin = autograd.compile(f)
        for i in range(4):
            x = numbers(3, seed=i)
            part, _ = twin(x)
            x.array[...] = 5
            alike(part, [5, 5])


def test_misuse():
    with pytest.raises(ArgumentError):
        autograd.compile(3)
    with pytest.raises(ArgumentError):
        _ = autograd.compile(lambda x: x).program
    f = lambda x: x
    assert autograd.compile(f, disable=True) is f
    assert autograd.compile(disable=False)(f)(numbers(3)).shape == (3,)


def test_a_backward_pass_brings_no_array_along():
    """What it starts from, spread over all that was summed, is a number in the program and no constant."""

    @autograd.compile
    def slope(x):
        x = x.detach().requires_grad_()
        (x * x).mean().backward()
        return x.grad

    for _ in range(3):
        slope(numbers(100_000))
    assert is_compiled(slope)
    assert not slope.program.constants
