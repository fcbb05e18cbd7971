"""`compile(dynamic=True)`: one recording serves other sizes, and nothing that Python does with a size is lost."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import autograd
import nn
import nn.functional as F
import optim
from autograd.errors import WengertError
from autograd.program import compile as compiling
from autograd.program.extent import Extent
from autograd.program.sized import SizedRecorder


@pytest.fixture
def recorded(monkeypatch):
    """The number of times that a function was recorded, in a list."""
    count, record = [0], compiling.record

    def counting(*args, **kwargs):
        count[0] += 1
        return record(*args, **kwargs)

    monkeypatch.setattr(compiling, "record", counting)
    return count


def _same(function, shapes, recorded, kind=np.float64):
    """Calls with arrays of these shapes give what the function gives; how often it was recorded for each."""
    rng = np.random.default_rng(0)
    fast, times = autograd.compile(function, dynamic=True), []
    for shape in shapes:
        x = autograd.tensor(rng.standard_normal(shape).astype(kind))
        before = recorded[0]
        result = fast(x)
        times.append(recorded[0] - before)
        expected = function(x)
        for a, b in zip(*((r if isinstance(r, tuple) else (r,)) for r in (result, expected)), strict=True):
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-12)
    return times


SETTLED = [(4, 3)] * 3 + [(5, 3)]  # recorded twice, then once more to hold the program for other sizes against


@pytest.mark.parametrize("function", [
    lambda x: (x * x).sum(),
    lambda x: x.mean(0) + x.mean(),
    lambda x: x.var(0),
    lambda x: x.view(x.size(0), -1) * x.shape[0],
    lambda x: x.reshape(-1) / x.shape[0] ** 2,
    lambda x: x[: x.shape[0] // 2] + 1,
    lambda x: x[:-1] - x[1:],
    lambda x: autograd.cat([x, autograd.zeros(x.shape[0], 2, dtype=x.dtype)], 1) @ autograd.ones(5, dtype=x.dtype),
    lambda x: x + autograd.arange(x.shape[0]).unsqueeze(1),
    lambda x: x + autograd.full_like(x, 2.0) * autograd.zeros_like(x),
    lambda x: x @ x.T,
    lambda x: x.T.contiguous().flatten(),
    lambda x: F.softmax(x, 0) + F.log_softmax(x, 1).sum(0),
    lambda x: autograd.stack([x, x.flip(0)]).transpose(0, 1),
    lambda x: x.sort(0).values + x.cumsum(0),
    lambda x: autograd.where(x > 0, x, x.expand(x.shape)),
    lambda x: x.expand(2, *x.shape).sum(0),
    lambda x: x.new_ones(x.shape[0]).unsqueeze(1) * x,
    lambda x: x.numel() * x.sum(),
    lambda x: autograd.einsum("bi,bj->bij", x, x),
])  # fmt: skip
def test_other_sizes_are_not_recorded(function, recorded):
    assert _same(function, [*SETTLED, (7, 3), (2, 3), (64, 3), (7, 3)], recorded) == [1, 1, 0, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("function", [
    lambda x: x * 2 if x.shape[0] > 5 else x * 3,
    lambda x: x * len(x),
    lambda x: sum(x[i] for i in range(x.shape[0])),
    lambda x: x * math.sqrt(x.shape[0]),
    lambda x: x * float(x.shape[0]),
    lambda x: x * {4: 2.0, 5: 3.0}.get(x.shape[0], 4.0),
    lambda x: x * int(f"{x.shape[0]}"),
    lambda x: x * (x.shape[0] % 3 == 0),
    lambda x: x * (1 if x.shape[0] & 1 else 2),
    lambda x: x * x.shape[0].bit_length(),
    lambda x: x * round(x.shape[0], -1) + divmod(7, x.shape[0])[1] + divmod(x.shape[0], 3)[0],
    lambda x: x * np.ones(x.shape[0])[:1],
    lambda x: autograd.cat([part * i for i, part in enumerate(x.split(2))]),
    lambda x: x * max(x.shape[0], 6),
    lambda x: (x * 2, x.shape[0]),
    lambda x: x * [1.0, 2.0][x.shape[0] > 5],
    lambda x: autograd.cat([x] * x.shape[0]),
])  # fmt: skip
def test_what_python_does_with_a_size_is_not_lost(function, recorded):
    _same(function, [(4, 3)] * 3 + [(5, 3), (7, 3), (6, 3), (2, 3), (9, 3), (7, 3), (4, 3)], recorded)


def test_a_branch_is_recorded_once_for_each_side(recorded):
    function = lambda x: x * 2 if x.shape[0] > 20 else x * 3
    times = _same(function, [*SETTLED, (8, 3), (30, 3), (30, 3), (30, 3), (9, 3)], recorded)
    assert times == [1, 1, 0, 1, 0, 1, 1, 0, 0]


def test_sizes_of_zero_and_one_are_signatures_of_their_own(recorded):
    function = lambda x: x.sum(0) + x
    assert _same(function, [*SETTLED, (1, 3), (1, 3), (0, 3), (0, 3), (6, 3)], recorded) == [1, 1, 0, 1, 1, 1, 1, 1, 0]


def test_several_sizes_vary_at_once(recorded):
    function = lambda x: (x.softmax(-1) @ x.transpose(1, 2)).sum((0, 2))
    assert _same(function, [(4, 6, 3)] * 3 + [(5, 7, 3), (8, 9, 3), (3, 11, 5)], recorded) == [1, 1, 0, 1, 0, 0]


def test_gradients_of_results(recorded):
    weight = autograd.tensor([[0.5, -1.0], [2.0, 0.3]], dtype=autograd.float64, requires_grad=True)
    fast = autograd.compile(lambda x: autograd.tanh(x @ weight).mean(0), dynamic=True)
    for n in (3, 3, 3, 5, 6, 7):
        x = autograd.randn(n, 2, dtype=autograd.float64)
        before = recorded[0]
        fast(x).sum().backward()
        found, weight.grad = weight.grad.numpy(), None
        autograd.tanh(x @ weight).mean(0).sum().backward()
        np.testing.assert_allclose(found, weight.grad.numpy(), rtol=1e-6)
        weight.grad = None
    assert recorded[0] == before


class _Sequence(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.cell, self.out = nn.Embedding(9, 6), nn.LSTM(6, 5, batch_first=True), nn.Linear(5, 4)

    def forward(self, x):
        return self.out(self.cell(self.embed((x[..., 0].abs() * 8).long().clamp(0, 8)))[0][:, -1])


def _mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.ReLU(), nn.Dropout(0.4),
                         nn.LayerNorm(8), nn.Linear(8, 4))  # fmt: skip


def _cnn():
    return nn.Sequential(nn.Unflatten(1, (1, 3)), nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(),
                         nn.MaxPool2d(2), nn.Flatten(), nn.Linear(6, 4))  # fmt: skip


@pytest.mark.parametrize("net", [_mlp, _cnn, _Sequence])
def test_training_steps_take_any_batch(net, recorded):
    """The last batch of an epoch is a smaller one: weights, buffers and masks are those of the plain step."""

    def trained(wrap):
        autograd.manual_seed(3)
        model, rng, counts = net(), np.random.default_rng(0), []
        optimiser = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

        def step(x, y):
            optimiser.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            return loss

        run, losses = wrap(step), []
        for n in (8, 8, 8, 6, 8, 3, 11):
            x, y = rng.random((n, 3, 4), np.float32), rng.integers(0, 4, n)
            before = recorded[0]
            losses.append(run(autograd.tensor(x), autograd.tensor(y)).item())
            counts.append(recorded[0] - before)
        return losses, [t.numpy() for t in model.state_dict().values()], counts

    losses, state, counts = trained(lambda f: autograd.compile(f, dynamic=True))
    assert counts == [1, 1, 1, 1, 0, 0, 0]  # the first makes the optimiser's state
    expected_losses, expected_state, _ = trained(lambda f: f)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-4)
    for a, b in zip(state, expected_state, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_a_size_that_hides_from_view_is_found_out(recorded):
    """Python that keeps the plain array's sizes: the program for another size is not the one recorded, nor used."""
    function = lambda x: x * np.ndarray.shape.__get__(x.array)[0]
    assert _same(function, [(4, 3)] * 3 + [(5, 3), (5, 3), (6, 3)], recorded) == [1, 1, 0, 1, 1, 1]


def test_errors_are_those_of_the_function(recorded):
    fast = autograd.compile(lambda x: x @ autograd.ones(3, 2), dynamic=True)
    for n in (2, 2, 2, 4, 5):
        fast(autograd.ones(n, 3))
    with pytest.raises(WengertError, match="matmul"):
        fast(autograd.ones(5, 4))
    assert fast(autograd.ones(6, 3)).shape == (6, 2)


def test_how_an_argument_lies_in_memory_is_compared(recorded):
    fast = autograd.compile(lambda x: x * (2 if x.is_contiguous() else 3), dynamic=True)
    for n in (3, 3, 3, 4, 5):
        assert (fast(autograd.ones(n, 4)).numpy() == 2).all()
    assert (fast(autograd.ones(4, 6).T).numpy() == 3).all()


def test_many_sizes_are_forgotten_oldest_first(recorded, monkeypatch):
    monkeypatch.setattr(compiling, "SIGNATURES", 4)
    fast = autograd.compile(lambda x: x + 1, dynamic=True)
    for n in (2, 2, 2, 3, 4, 5, 6, 7, 8):
        assert (fast(autograd.ones(n)).numpy() == 2).all()
    assert len(fast.entries) == 4
    assert recorded[0] == 3


def test_a_number_that_changes_is_not_recorded_for_ever(recorded, monkeypatch):
    monkeypatch.setattr(compiling, "SIGNATURES", 4)
    fast = autograd.compile(lambda x, k: x * k, dynamic=True)
    with pytest.warns(UserWarning, match="after 4 signatures"):
        found = [fast(autograd.ones(3), k).numpy() for k in range(20)]
    assert (np.array(found) == np.arange(20)[:, None]).all()
    assert recorded[0] == len(fast.entries) == len(fast.families) == 4


def test_programs_for_all_sizes_work_in_the_memory_of_the_largest(recorded):
    pytest.importorskip("numba")
    fast = autograd.compile(lambda x: (x @ x.T).softmax(1) @ x, dynamic=True)
    inputs = [autograd.randn(n, 3) for n in (20, 20, 20, 40, 30, 50, 10)]
    results = [fast(x).numpy() for x in inputs]
    replays = [entry.replay for entry in fast.entries.values()]
    (scratch,) = {replay.run.scratch for replay in replays}
    assert len(scratch.memory) == max(replay.run.emitted.arena for replay in replays) > 0
    for x, result in zip(inputs, results, strict=True):
        np.testing.assert_allclose(fast(x).numpy(), result, rtol=1e-5)


def test_threads_take_turns_with_a_program():
    """Two threads in the backward pass of one compiled function: its program has one working memory."""
    pytest.importorskip("numba")
    weight = autograd.randn(60, 60)
    fast = autograd.compile(lambda x: autograd.tanh(autograd.tanh(x @ weight) @ weight).sum())
    inputs = [autograd.randn(50, 60, requires_grad=True) for _ in range(6)]
    for x in inputs[:3]:
        fast(x)
    losses = [fast(x) for x in inputs]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda loss: loss.backward(), losses))
    for x in inputs:
        found, x.grad = x.grad.numpy(), None
        autograd.tanh(autograd.tanh(x @ weight) @ weight).sum().backward()
        np.testing.assert_allclose(found, x.grad.numpy(), rtol=1e-4, atol=1e-4)


# -- extents -----------------------------------------------------------------------------------------------------------


def test_an_extent_is_an_int_to_python_and_asked_by_c():
    recorder = SizedRecorder()
    with recorder.watching():
        x = recorder.input(np.zeros((4, 3)), "x")
        recorder.argument(x)
        n = x.shape[0]
        assert isinstance(n, int)
        assert type(n) is Extent
        twice = 2 * n - 1
        assert (n + 1, twice, -n, n // 3, n % 3, 8 / n, n**2, 2**n) == (5, 7, -4, 1, 1, 2.0, 16, 16)
        assert twice.among(lambda v: (10, 3)) == 19
        before = len(recorder.sizes.guards)
        assert [*range(n)] == [0, 1, 2, 3]
        assert n + 1 > 4
        pinned, larger = recorder.sizes.guards[before:]
    found = [[guard.holds(lambda v, n=n: (n, 3)) for n in (3, 4, 5)] for guard in (pinned, larger)]
    assert found == [[False, True, False], [False, True, True]]


def test_an_extent_keeps_to_what_ints_refuse():
    recorder = SizedRecorder()
    with recorder.watching():
        x = recorder.input(np.zeros((4, 3)), "x")
        recorder.argument(x)
        n = x.shape[0]
        assert n != "4"
        assert n != None  # noqa: E711
        with pytest.raises(TypeError):
            n + "1"
        with pytest.raises(TypeError):
            _ = n < "1"
