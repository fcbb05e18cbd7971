"""Compiled training steps and other functions with effects: what they leave behind is what the plain function does."""

from __future__ import annotations

import copy
import functools
import threading
import types
import warnings

import numpy as np
import pytest

import autograd
import nn
import nn.functional as F
import optim
from autograd.errors import TapeError
from tests.programs import frozen_heap, without_numba
from tests.samples import Cube
from tests.test_compile import alike, is_compiled, numbers, same_calls

frozen_heap = pytest.fixture(autouse=True, scope="module")(frozen_heap)


@pytest.fixture(autouse=True)
def plainly(monkeypatch, tmp_path):
    without_numba(monkeypatch, tmp_path)


def mlp():
    return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))


def trained(make_model, make_optimiser, steps=6, compile=False, data=None, around=None, loss=F.mse_loss):
    """Parameters, losses and state after some steps, plain or compiled."""
    autograd.manual_seed(3)
    model = make_model()
    optimiser = make_optimiser(model.parameters())

    def step(x, y):
        optimiser.zero_grad()
        value = loss(model(x), y)
        value.backward()
        optimiser.step()
        return value

    run = autograd.compile(step) if compile else step
    losses = []
    for i in range(steps):
        if around is not None:
            around(i, model, optimiser)
        x, y = data(i) if data else (numbers(5, 3, seed=i), numbers(5, 2, seed=i + 9))
        losses.append(float(run(x, y)))
    state = [np.array(v) for s in optimiser.state.values() for v in s.values() if v is not None]
    if compile:
        assert is_compiled(run)
    return [*model.state_dict().values(), *state, np.array(losses)]


OPTIMISERS = {
    "sgd": lambda p: optim.SGD(p, lr=0.1), "sgd_momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
    "sgd_nesterov": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "sgd_dampening": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.5, maximize=True),
    "adam": lambda p: optim.Adam(p, lr=0.01), "adam_decay": lambda p: optim.Adam(p, lr=0.01, weight_decay=0.1),
    "adam_amsgrad": lambda p: optim.Adam(p, lr=0.01, amsgrad=True), "adamw": lambda p: optim.AdamW(p, lr=0.01),
    "adamax": lambda p: optim.Adamax(p, lr=0.01), "nadam": lambda p: optim.NAdam(p, lr=0.01),
    "radam": lambda p: optim.RAdam(p, lr=0.01), "rmsprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.9),
    "rmsprop_centered": lambda p: optim.RMSprop(p, lr=0.01, centered=True),
    "adagrad": lambda p: optim.Adagrad(p, lr=0.05, lr_decay=0.1), "adadelta": lambda p: optim.Adadelta(p),
    "asgd": lambda p: optim.ASGD(p, lr=0.05), "rprop": lambda p: optim.Rprop(p, lr=0.01),
}  # fmt: skip


def other_rate(i, model, optimiser):
    for group in optimiser.param_groups:
        group["lr"] *= 0.8


@pytest.mark.parametrize("name", OPTIMISERS)
def test_optimisers(name):
    """Ten steps, the learning rate changed before each."""
    how = functools.partial(trained, mlp, OPTIMISERS[name], 10, around=other_rate)
    for a, b in zip(how(), how(compile=True), strict=True):
        alike(b, a)


def test_a_scheduler():
    schedulers = []

    def around(i, model, optimiser):
        if i == 0:
            schedulers.append(optim.lr_scheduler.OneCycleLR(optimiser, 0.1, total_steps=8))
        else:
            schedulers[-1].step()

    how = functools.partial(trained, mlp, OPTIMISERS["sgd_momentum"], 8, around=around)
    for a, b in zip(how(), how(compile=True), strict=True):
        alike(b, a)


def test_options_of_a_group_change():
    def around(i, model, optimiser):
        group = optimiser.param_groups[0]
        group["weight_decay"] = 0.0 if i < 4 else 0.1
        group["nesterov"] = i > 7

    how = functools.partial(trained, mlp, OPTIMISERS["sgd_momentum"], 12, around=around)
    for a, b in zip(how(), how(compile=True), strict=True):
        alike(b, a)


def test_state_loaded_between_calls():
    kept = []

    def around(i, model, optimiser):
        if i == 3:
            kept[:] = [copy.deepcopy(model.state_dict()), copy.deepcopy(optimiser.state_dict())]
        if i == 6:
            model.load_state_dict(kept[0])
            optimiser.load_state_dict(kept[1])

    how = functools.partial(trained, mlp, OPTIMISERS["adam"], 10, around=around)
    for a, b in zip(how(), how(compile=True), strict=True):
        alike(b, a)


MODELS = {
    "batch_norm": (lambda: nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Linear(8, 2)), None),
    "dropout": (lambda: nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.3), nn.Linear(8, 2)), None),
    "conv": (lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                                   nn.Linear(16, 2)), lambda i: (numbers(5, 2, 6, 6, seed=i), numbers(5, 2, seed=i))),
    "embedding": (lambda: nn.Sequential(nn.Embedding(7, 4, padding_idx=0), nn.Flatten(), nn.Linear(12, 2)),
                  lambda i: (autograd.tensor(np.random.default_rng(i).integers(0, 7, (5, 3))), numbers(5, 2, seed=i))),
}  # fmt: skip


class Recurrent(nn.Module):
    def __init__(self, kind, **options):
        super().__init__()
        self.cells = getattr(nn, kind)(3, 4, batch_first=True, **options)
        self.head = nn.Linear(8 if options.get("bidirectional") else 4, 2)

    def forward(self, x):
        return self.head(self.cells(x)[0][:, -1])


def sequences(i):
    return numbers(5, 6, 3, seed=i), numbers(5, 2, seed=i)


MODELS |= {
    "rnn": (lambda: Recurrent("RNN"), sequences), "lstm": (lambda: Recurrent("LSTM", num_layers=2), sequences),
    "gru": (lambda: Recurrent("GRU", bidirectional=True), sequences),
    "lstm_dropout": (lambda: Recurrent("LSTM", num_layers=2, dropout=0.3), sequences),
}  # fmt: skip


class Attending(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.head = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.1, batch_first=True), nn.Linear(4, 2)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(6))

    def forward(self, x):
        return self.head(self.layer(F.pad(x, (0, 1)), src_mask=self.mask).mean(1))


MODELS["transformer"] = (Attending, sequences)


@pytest.mark.parametrize("name", MODELS)
def test_models(name):
    """Whole training steps: parameters, buffers, the random stream."""
    make, data = MODELS[name]
    how = functools.partial(trained, make, OPTIMISERS["sgd_momentum"], 6, data=data)
    for a, b in zip(how(), how(compile=True), strict=True):
        np.testing.assert_allclose(np.asarray(b), np.asarray(a), rtol=1e-4, atol=1e-5)  # six steps, float32


def test_classes_and_clipping():
    def loss(out, y):
        return F.cross_entropy(out, (y[:, 0] > 0).to(autograd.int64), label_smoothing=0.1)

    def make(parameters):
        parameters = list(parameters)
        optimiser, step = optim.SGD(parameters, lr=0.5), optim.SGD.step

        def clipped(self):
            nn.utils.clip_grad_norm_(parameters, 0.1)
            return step(self)

        optimiser.step = types.MethodType(clipped, optimiser)
        return optimiser

    how = functools.partial(trained, mlp, make, loss=loss)
    for a, b in zip(how(), how(compile=True), strict=True):
        alike(b, a)


def test_weight_tying():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)
            self.second.weight = self.first.weight
            self.head = nn.Linear(3, 2)

        def forward(self, x):
            return self.head(self.second(self.first(x).tanh()))

    for a, b in zip(trained(Tied, OPTIMISERS["adam"]), trained(Tied, OPTIMISERS["adam"], compile=True)):
        alike(b, a)


def test_other_holders_see_updates():
    """A detached tensor, a view and NumPy share the parameter's memory, and see what a program writes."""
    model = nn.Linear(3, 2)
    optimiser = optim.SGD(model.parameters(), lr=0.1)
    shared, row, array = model.weight.detach(), model.weight.detach()[0], model.weight.detach().numpy()

    @autograd.compile
    def step(x):
        optimiser.zero_grad()
        model(x).square().sum().backward()
        optimiser.step()

    for i in range(5):
        before = array.copy()
        step(numbers(4, 3, seed=i))
        assert not np.array_equal(before, array)
        assert np.shares_memory(model.weight.array, array)
        alike(shared, array)
        alike(row, array[0])
    assert is_compiled(step)


def test_a_replay_is_noticed_by_the_tape():
    """What was saved for backward before a program wrote over it is refused, as in eager."""
    p = nn.Parameter(numbers(3))
    optimiser = optim.SGD([p], lr=0.1)

    @autograd.compile
    def step(x):
        optimiser.zero_grad()
        (x * p).sum().backward()
        optimiser.step()

    for i in range(4):
        step(numbers(3, seed=i))
    y = (p * p).sum()
    step(numbers(3))
    with pytest.raises(autograd.errors.TapeError):
        y.backward()


def test_gradients_accumulate():
    """Without zero_grad, as in eager, and from None."""
    a, b = nn.Parameter(numbers(3)), nn.Parameter(numbers(3))

    def step(p, x):
        (x * p * p).sum().backward()

    twin = autograd.compile(lambda x: step(b, x))
    for i in range(9):
        if i == 6:
            a.grad = b.grad = None
        x = numbers(3, seed=i)
        step(a, x)
        twin(x)
        alike(b.grad, a.grad)


def test_the_forward_alone_is_differentiable():
    model = mlp()
    twin = autograd.compile(model)
    for i in range(5):
        x = numbers(4, 3, seed=i).requires_grad_()
        grads = []
        for f in (model, twin):
            model.zero_grad()
            x.grad = None
            f(x).square().sum().backward()
            grads.append([x.grad.array.copy(), *(p.grad.array.copy() for p in model.parameters())])
        for g, h in zip(*grads):
            alike(h, g)
    assert is_compiled(twin)


def test_arguments_written_in_place():
    f = lambda total, x: total.add_(x) * 2
    twin, a, b = autograd.compile(f), numbers(3), numbers(3)
    for i in range(5):
        alike(twin(b, numbers(3, seed=i)), f(a, numbers(3, seed=i)))
        alike(b, a)


def test_views_of_one_tensor_as_arguments():
    """Inputs that share memory, of which one is written: the plain results."""
    f = lambda a, b: (a.mul_(2), b * 3)[1]
    outcomes = []
    for make in (f, autograd.compile(f)):
        x, found = numbers(4), []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(5):
                found.append(make(x[:3], x[1:]).array.copy())
            other, third = numbers(3), numbers(3, seed=1)
            found += [make(other, third).array.copy() for _ in range(3)]
            found += [make(x[:3], x[1:]).array.copy(), x.array.copy()]
        outcomes.append(found)
    for a, b in zip(*outcomes):
        alike(b, a)


def test_nothing_is_written_when_a_check_fails():
    total = autograd.zeros(3)

    def f(x):
        total.add_(x)
        y = F.dropout(x, 0.5)
        if (x > 0).all():
            return y * 2
        total.mul_(10)
        return y

    twin = autograd.compile(f)
    signs = [1, 1, 1, 1, -1, 1, 1, -1, -1, -1]
    outcomes = []
    for make in (f, twin):
        total.array[...] = 0
        autograd.manual_seed(0)
        outcomes.append([(make(autograd.full((3,), float(s))).array.copy(), total.array.copy()) for s in signs])
    for a, b in zip(*outcomes):
        alike(b, a)


def test_random_numbers_advance():
    """The stream is where it would be, and what comes after the call is the same."""
    f = lambda x: F.dropout(x, 0.3) * autograd.rand(4, 5) + autograd.randn(4, 5)
    twin = autograd.compile(f)
    for i in range(5):
        autograd.manual_seed(i)
        expected = f(numbers(4, 5)), autograd.rand(3)
        autograd.manual_seed(i)
        for a, b in zip((twin(numbers(4, 5)), autograd.rand(3)), expected):
            alike(a, b)
    assert is_compiled(twin)


def test_results_are_the_callers():
    """A result is not written over by the next call."""
    twin = autograd.compile(lambda x: (x.tanh(), x.sum(), (x * 1).T))
    kept = [(x, *twin(x)) for x in (numbers(3, 4, seed=i) for i in range(6))]
    for x, a, b, c in kept:
        alike(a, x.tanh())
        alike(b, x.sum())
        alike(c, x.T)


def test_compiled_in_compiled():
    inner = autograd.compile(lambda x: x.tanh() * 2)
    outer = autograd.compile(lambda x: inner(x) + inner(x * 2))
    plain = lambda x: x.tanh() * 2 + (x * 2).tanh() * 2
    for i in range(6):
        alike(outer(numbers(3, seed=i)), plain(numbers(3, seed=i)))
    for i in range(4):
        alike(inner(numbers(3, seed=i)), numbers(3, seed=i).tanh() * 2)
    for i in range(3):
        alike(outer(numbers(3, seed=i)), plain(numbers(3, seed=i)))
    assert is_compiled(outer)
    assert is_compiled(inner)


def test_a_function_that_calls_itself():
    @autograd.compile
    def f(x, n):
        return x if n == 0 else f(x * 2, n - 1)

    for i in range(5):
        alike(f(numbers(3, seed=i), 3), numbers(3, seed=i) * 8)


@pytest.mark.parametrize("shared", [True, False])
def test_two_threads(shared):
    """At once, through one compiled function or two, with the same parameters."""
    model = mlp()
    functions = [autograd.compile(lambda x: model(x).tanh()) for _ in range(2)]
    if shared:
        functions[1] = functions[0]
    failures, start = [], threading.Barrier(2)

    def work(f, seed):
        start.wait()
        for i in range(30):
            x = numbers(4, 3, seed=seed * 100 + i)
            with autograd.no_grad():
                found, expected = f(x), model(x).tanh()
            if type(found.array) is not np.ndarray or not np.allclose(found.array, expected.array, atol=1e-5):
                failures.append((seed, i))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        threads = [threading.Thread(target=work, args=(f, seed)) for seed, f in enumerate(functions)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert not failures
    assert all(type(p.array) is np.ndarray for p in model.parameters())
    assert autograd.quiet.watcher is None


def test_shapes_that_vary_with_values():
    f = lambda x: x[x > 0].sum()
    same_calls(f, [(numbers(6, seed=i // 3),) for i in range(9)])


def test_higher_derivatives_inside():
    def penalty(x):
        y = (x**3).sum()
        (g,) = autograd.grad(y, [x], create_graph=True)
        (h,) = autograd.grad(g.square().sum(), [x])
        return h

    twin = autograd.compile(penalty)
    for i in range(4):
        x = numbers(3, seed=i).requires_grad_()
        alike(twin(x), 36 * x.detach() ** 3)
    assert is_compiled(twin)


def test_higher_derivatives_outside():
    """A gradient penalty with a compiled function: the second derivative calls it again, on the tape."""
    weight = numbers(3, seed=9).requires_grad_()
    f = lambda x, scale: (autograd.tanh(x * weight) * scale, (x * x).sum())
    twin = autograd.compile(f)
    for i in range(5):
        found = []
        for function in (f, twin):
            x, scale = numbers(3, seed=i).requires_grad_(), numbers(3, seed=i + 7).requires_grad_()
            y, squares = function(x.exp(), scale)
            first = autograd.grad(y.sum() + squares * y.mean(), [x, weight], create_graph=True)
            loss = sum(g.square().sum() for g in first) + y.sum()
            found.append([loss, *first, *autograd.grad(loss, [x, scale, weight])])
        for a, b in zip(*found, strict=True):
            alike(a, b)
    assert is_compiled(twin)


def test_higher_derivatives_of_a_function_with_effects_are_refused():
    twin = autograd.compile(lambda x: (F.dropout(x, 0.5) ** 3).sum())
    for i in range(4):
        x = numbers(3, seed=i).requires_grad_()
        y = twin(x)
    assert is_compiled(twin)
    with pytest.raises(TapeError, match="random numbers"):
        autograd.grad(y, [x], create_graph=True)


def test_higher_derivatives_see_what_was_overwritten():
    weight = numbers(3, seed=1)
    twin = autograd.compile(lambda x: (x * weight).sum() * x)
    for i in range(4):
        x = numbers(3, seed=i).requires_grad_()
        y = twin(x).sum()
    weight.mul_(2)
    with pytest.raises(TapeError, match="mul_"):
        autograd.grad(y, [x], create_graph=True)


def test_a_custom_function():
    def f(x):
        (g,) = autograd.grad(Cube.apply(x).sum(), [x])
        return g

    twin = autograd.compile(f)
    for i in range(5):
        x = numbers(3, seed=i).requires_grad_()
        alike(twin(x), 3 * x.detach() ** 2)


def test_warnings_of_numpy_stay_silent():
    twin = autograd.compile(lambda x: x.log() + x.acos())
    for _ in range(4):
        assert not np.isfinite(twin(autograd.tensor([-2.0, 0.0])).array).all()


def test_gradients_add_up_where_there_are_some_already():
    """Whether there is a .grad is part of what a call depends on."""
    w = autograd.ones(3, requires_grad=True)
    f = autograd.compile(lambda: (w * w).sum().backward())
    for _ in range(4):
        w.grad = None
        f()
        assert w.grad.tolist() == [2, 2, 2]
    for k in range(2, 6):
        f()
        assert w.grad.tolist() == [2 * k] * 3
    w.grad = None
    f()
    assert w.grad.tolist() == [2, 2, 2]


def test_an_argument_gets_the_gradient_that_is_its_own():
    f = autograd.compile(lambda x: (x * x).sum().backward())
    for k in range(5):
        x = autograd.full((2,), float(k), requires_grad=True)
        f(x)
        assert x.grad.tolist() == [2 * k, 2 * k]
        if k > 2:
            f(x)
            assert x.grad.tolist() == [4 * k, 4 * k]
    assert f.program is not None


def test_a_result_that_is_all_of_a_kernels_is_not_copied_and_lasts():
    """Group norm's is seen in another shape; the next call writes elsewhere."""
    program = autograd.compile(lambda x: F.group_norm(x, 4))
    x = autograd.randn(16, 32, 28, 28)  # so many elements that the norm stays a kernel
    for _ in range(3):
        y = program(x)
    before, z = y.array.copy(), program(x + 1)
    np.testing.assert_array_equal(y.array, before)
    assert not np.shares_memory(y.array, z.array)
    assert y.array.base.size == y.array.size
    np.testing.assert_allclose(y.array, F.group_norm(x, 4).array, rtol=1e-6, atol=1e-6)
