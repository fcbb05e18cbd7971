"""Recurrent layers on rows of a table: the program projects the table, and what comes of it is the same."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd.ops.gru import gru_sequence
from autograd.ops.lstm import lstm_sequence
from autograd.ops.rnn import rnn_sequence
from autograd.program.passes import optimised
from autograd.tensor import wrap
from tests.programs import arrays_for, check, frozen_heap, recorded

frozen_heap = pytest.fixture(autouse=True, scope="module")(frozen_heap)

LETTERS, WIDTH, HIDDEN, BATCH, STEPS = 5, 64, 3, 2, 8
KINDS = {"lstm": (4, 2, ()), "gru": (3, 1, ()), "rnn": (1, 1, (True,))}  # gates, states, options
OPS = {"lstm": lstm_sequence, "gru": gru_sequence, "rnn": rnn_sequence}
each = pytest.mark.parametrize("kind", KINDS)
# Sums of some dozens of terms in another order.
CLOSE = 1e-12


def tensors(kind, seed=0, letters=LETTERS):
    """The table, the index, and the layer's other inputs."""
    gates, states, _ = KINDS[kind]
    rng, width = np.random.default_rng(seed), gates * HIDDEN
    shapes = [*[(BATCH, HIDDEN)] * states, (width, WIDTH), (width, HIDDEN), (width,), *[(width,)] * (kind == "gru")]
    index = wrap(rng.integers(0, letters - 1, (BATCH, STEPS)))  # the last letter does not occur
    return [wrap(rng.uniform(-0.3, 0.3, (letters, WIDTH))), index, *(wrap(rng.uniform(-1, 1, s)) for s in shapes)]


def step_of(kind, also=lambda rows: 0.0, frozen=False, order=None):
    """The gradients of all that is real."""
    layer, options = OPS[kind], KINDS[kind][2]

    def step(table, index, *others):
        leaves = [t.detach().requires_grad_() for t in ((*others,) if frozen else (table, *others))]
        rows = (table if frozen else leaves[0])[index].reshape(BATCH * STEPS, WIDTH)
        x = rows if order is None else rows[order]
        y = layer(x, *leaves[0 if frozen else 1 :], (BATCH,) * STEPS, False, *options, order is None)[0]
        return autograd.grad((y * y).sum() + also(rows), leaves)

    return step


def layers(step, given):
    """What stands for x in the layer and in its derivative, after the passes."""
    program = optimised(recorded(step, *given)[1].program)
    found = [e.args[2 if e.name.endswith("_pull") else 0] for e in program.equations if "_sequence" in e.name
             or e.name in ("lstm_pull", "gru_pull", "rnn_pull")]  # fmt: skip
    return [isinstance(x, tuple) for x in found], program


@each
def test_a_table_is_projected_once(kind):
    step = step_of(kind)
    assert not check(step, lambda: tensors(kind), lambda: tensors(kind, 1), CLOSE)
    given, program = layers(step, tensors(kind))
    assert given == [True, True]
    rows = (BATCH * STEPS, WIDTH)
    assert not any(v.shape == rows for e in program.equations for v in e.outs)


@each
@pytest.mark.parametrize("gaps", [False, True])
def test_rows_of_rows(kind, gaps):
    """As packing takes them, of a batch of an embedding's; the index may be a part of a longer text."""

    def given(seed=0):
        table, index, *others = tensors(kind, seed)
        return [table, wrap(np.pad(index.array, (0, 1))[:BATCH, :STEPS]) if gaps else index, *others]

    step = step_of(kind, order=np.random.default_rng(3).permutation(BATCH * STEPS))
    assert not check(step, given, lambda: given(1), CLOSE)
    assert layers(step, given())[0] == [True, True]


@each
def test_rows_that_others_want_are_taken(kind):
    """The cotangent of the rows then has two parts, so that the derivative is that of the rows."""
    step = step_of(kind, also=lambda rows: (rows * rows).sum())
    assert not check(step, lambda: tensors(kind), lambda: tensors(kind, 1), CLOSE)
    assert layers(step, tensors(kind))[0] == [True, False]


@each
def test_a_table_that_stays_as_it_is(kind):
    step = step_of(kind, frozen=True)
    assert not check(step, lambda: tensors(kind), lambda: tensors(kind, 1), CLOSE)
    assert layers(step, tensors(kind))[0] == [True, True]


def test_a_large_table_is_not_projected():
    letters = BATCH * STEPS
    given, _ = layers(step_of("rnn"), tensors("rnn", letters=letters))
    assert given == [False, False]


@each
def test_what_nobody_takes_may_be_infinite(kind):
    step, given = step_of(kind), tensors(kind)
    given[0].array[-1] = np.inf
    expected = step(*given)
    recording = recorded(step, *given)[1]
    program = optimised(recording.program)
    for found, wanted in zip(program.interpret(*arrays_for(recording, program, given)), expected, strict=True):
        assert np.isfinite(found).all()
        np.testing.assert_allclose(found, wanted.array, rtol=CLOSE, atol=CLOSE)


def test_a_whole_step():
    """An embedding, a layer and an optimiser, compiled: the same weights as without."""
    from nn import LSTM, Embedding, Module
    from optim import SGD

    class Net(Module):
        def __init__(self):
            super().__init__()
            self.embed, self.rnn = Embedding(LETTERS, WIDTH), LSTM(WIDTH, HIDDEN, batch_first=True)

        def forward(self, x):
            return self.rnn(self.embed(x))[0]

    x, weights = wrap(np.random.default_rng(0).integers(0, LETTERS, (BATCH, STEPS))), []
    for compiled in (False, True):
        autograd.manual_seed(0)
        net = Net()
        optimizer = SGD(net.parameters(), lr=0.1)

        def step(net=net, optimizer=optimizer):
            optimizer.zero_grad()
            loss = (net(x) ** 2).sum()
            loss.backward()
            optimizer.step()
            return loss

        run = autograd.compile(step, fullgraph=True) if compiled else step
        for _ in range(5):
            run()
        weights.append([p.array.copy() for p in net.parameters()])
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
