"""Whole sequences as one op: against the same steps one by one, and the kernels against their NumPy bodies."""

from __future__ import annotations

import math

import numpy as np
import pytest

import autograd
import nn
from autograd.check import gradcheck, gradgradcheck
from autograd.errors import WengertError
from autograd.ops import gru, lstm, recurrence, rnn
from autograd.tensor import wrap
from tests.samples import same_bits

# Both sum the same terms in another order: a few units in the last place, through some steps.
CLOSE = {np.float32: {"rtol": 1e-5, "atol": 1e-5}, np.float64: {"rtol": 1e-12, "atol": 1e-12}}
# More rows than a tile and than a thread takes; widths that are no multiple of a vector; a panel deeper than DEPTH.
SHAPES = {"one": (1, 2, 1), "odd": (9, 19, 11), "wide": (3, 5, 70), "square": (4, 33, 32)}
ORDERS = pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "reverse"])
FLOATS = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])


def sizes_of(steps, batch, packed):
    return tuple(max(1, batch - 3 * t) for t in range(steps)) if packed else (batch,) * steps


class Cell:
    """One kind of sequence: how to draw its inputs, and the three ways to compute it."""

    def __init__(self, name, gates, states, op, steps, options=()):
        self.name, self.gates, self.states, self.options = name, gates, states, options
        self.op, self._steps = op, steps

    def draw(self, sizes, size, dtype):
        rng, width = np.random.default_rng(1), self.gates * size
        shapes = [(sum(sizes), size + 1), *[(sizes[0], size)] * self.states, (width, size + 1), (width, size), (width,)]
        shapes += [(width,)] if self.name == "gru" else []
        return [rng.uniform(-1, 1, shape).astype(dtype) / dtype(shape[-1] ** 0.5) for shape in shapes]

    def fused(self, inputs, sizes, reverse, together=False):
        return self.op(*inputs, sizes, reverse, *self.options, together)[: 1 + self.states]

    def stepwise(self, inputs, sizes, reverse, together=False):
        return self._steps(*inputs, sizes, reverse, *self.options, together)


LSTM = Cell("lstm", 4, 2, lstm.lstm_sequence, lstm.lstm_steps)
GRU = Cell("gru", 3, 1, gru.gru_sequence, gru.gru_steps)
TANH = Cell("rnn", 1, 1, rnn.rnn_sequence, rnn.rnn_steps, (False,))
RELU = Cell("rnn", 1, 1, rnn.rnn_sequence, rnn.rnn_steps, (True,))
CELLS = pytest.mark.parametrize("cell", [LSTM, GRU, TANH, RELU], ids=["lstm", "gru", "tanh", "relu"])


def outcome(run, arrays, *order):
    """Outputs, and the gradients of all inputs for a fixed cotangent of each output."""
    inputs = [wrap(a.copy()).requires_grad_() for a in arrays]
    outputs = run(inputs, *order)
    cotangents = [np.cos(1.0 + k + np.arange(o.array.size)).reshape(o.shape) for k, o in enumerate(outputs)]
    grads = autograd.grad(outputs, inputs, [wrap(c.astype(o.dtype)) for c, o in zip(cotangents, outputs)])
    return [t.array for t in (*outputs, *grads)]


def same(found, expected, dtype):
    for i, (a, b) in enumerate(zip(found, expected, strict=True)):
        assert a.dtype == b.dtype == dtype
        # A gradient of the weights adds up thousands of terms, so it is held against the largest of them.
        scale = max(1.0, float(np.abs(b).max(initial=0)))
        np.testing.assert_allclose(a / scale, b / scale, **CLOSE[dtype], err_msg=f"result {i}")


@pytest.fixture(params=["body", "kernel"])
def way(request, monkeypatch):
    """Every size by NumPy, or every size by the kernels."""
    if request.param == "kernel":
        pytest.importorskip("numba")
    monkeypatch.setattr(recurrence, "LEAST", 0 if request.param == "kernel" else math.inf)


@CELLS
@ORDERS
@FLOATS
@pytest.mark.parametrize("form", ["padded", "packed", "together"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.usefixtures("way")
def test_a_sequence_is_its_steps(cell, reverse, dtype, form, shape):
    steps, batch, size = shape
    sizes = sizes_of(steps, batch, form == "packed")
    arrays, order = cell.draw(sizes, size, dtype), (sizes, reverse, form == "together")
    same(outcome(cell.fused, arrays, *order), outcome(cell.stepwise, arrays, *order), dtype)


@CELLS
@ORDERS
@FLOATS
@pytest.mark.parametrize("form", ["padded", "packed", "together"])
@pytest.mark.usefixtures("way")
def test_a_sequence_of_letters_is_its_steps(cell, reverse, dtype, form):
    """Rows of few kinds, as an embedding's are, of which the kernels project one each."""
    sizes = sizes_of(7, 19, form == "packed")
    x, *others = cell.draw(sizes, 66, dtype)
    arrays, order = [x[np.arange(len(x)) ** 2 % 11], *others], (sizes, reverse, form == "together")
    same(outcome(cell.fused, arrays, *order), outcome(cell.stepwise, arrays, *order), dtype)


@CELLS
@ORDERS
@pytest.mark.usefixtures("way")
def test_rows_that_stand_together_are_those_of_the_steps(cell, reverse):
    sizes = (3, 3, 3, 3)
    x, *others = cell.draw(sizes, 5, np.float32)
    by_step = np.arange(12).reshape(3, 4).T.reshape(-1)
    y, *states = cell.fused([wrap(a) for a in (x, *others)], sizes, reverse, True)
    expected, *ends = cell.fused([wrap(a) for a in (x[by_step], *others)], sizes, reverse)
    same([a.array for a in (y, *states)], [put_back(expected, by_step), *(e.array for e in ends)], np.float32)


def put_back(rows, order):
    """The rows where they were before ``x[order]``."""
    found = np.empty_like(rows.array)
    found[order] = rows.array
    return found


@CELLS
@ORDERS
@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("sizes", [(2, 2, 1), (2, 2)], ids=["packed", "together"])
def test_derivatives(cell, reverse, sizes):
    inputs = tuple(wrap(a).requires_grad_() for a in cell.draw(sizes, 2, np.float64))

    def run(*inputs):
        return cell.fused(inputs, sizes, reverse, sizes == (2, 2))

    assert gradcheck(run, inputs)
    assert gradgradcheck(run, inputs)


@CELLS
def test_second_derivatives_are_partial(cell):
    """The weights may come from the input, and the cotangent from both: nothing is counted twice."""
    sizes = (2, 1)
    x, *others = (wrap(a).requires_grad_() for a in cell.draw(sizes, 1, np.float64))

    def penalty(run):
        tied = [x * 2, *(other * x.sum() for other in others)]
        y = run(tied, sizes, False)[0]
        return sum((g * g).sum() for g in autograd.grad((y * y).sum(), [x, *others], create_graph=True))

    leaves = [x, *others]
    fused, stepwise = (autograd.grad(penalty(run), leaves) for run in (cell.fused, cell.stepwise))
    same([g.array for g in fused], [g.array for g in stepwise], np.float64)


@CELLS
@pytest.mark.usefixtures("way")
def test_only_some_outputs_are_used(cell):
    sizes = (3, 2, 2)
    arrays = cell.draw(sizes, 2, np.float64)
    for k in range(1 + cell.states):
        found, expected = ([], [])
        for run, grads in ((cell.fused, found), (cell.stepwise, expected)):
            inputs = [wrap(a).requires_grad_() for a in arrays]
            total = run(inputs, sizes, False)[k].sum()
            grads += [g.array for g in autograd.grad(total, inputs, materialize_grads=True)]
        same(found, expected, np.float64)


@CELLS
@pytest.mark.usefixtures("way")
def test_only_some_inputs_are_differentiated(cell):
    sizes = (2, 2)
    arrays = cell.draw(sizes, 2, np.float64)
    every = outcome(cell.fused, arrays, sizes, False)[1 + cell.states :]
    for k, expected in enumerate(every):
        inputs = [wrap(a) for a in arrays]
        inputs[k].requires_grad_()
        outputs = cell.fused(inputs, sizes, False)
        seeds = [wrap(np.cos(1.0 + i + np.arange(o.array.size)).reshape(o.shape)) for i, o in enumerate(outputs)]
        for record in (False, True):
            (g,) = autograd.grad(outputs, inputs[k], seeds, retain_graph=True, create_graph=record)
            np.testing.assert_allclose(g.array, expected, rtol=1e-12, atol=1e-12)


@CELLS
def test_kernels_let_nan_and_infinity_through(cell, monkeypatch):
    """Where NumPy has them, and nowhere else."""
    pytest.importorskip("numba")
    sizes = (3, 3)
    arrays = cell.draw(sizes, 4, np.float32)
    for value in (np.nan, np.inf, -np.inf):
        arrays[0][1, 1] = value
        found = []
        for small in (True, False):
            monkeypatch.setattr(recurrence, "LEAST", math.inf if small else 0)
            found.append(cell.fused([wrap(a) for a in arrays], sizes, False))
        for a, b in zip(*found, strict=True):
            np.testing.assert_allclose(a.array, b.array, rtol=1e-5, atol=1e-6)


@CELLS
def test_threads_change_no_bit(cell, monkeypatch):
    pytest.importorskip("numba")

    monkeypatch.setattr(recurrence, "LEAST", 0)
    sizes, square = sizes_of(5, 50, packed=True), (40, 40, 40)
    packed, together = (cell.draw(n, 20, np.float32) for n in (sizes, square))
    letters = cell.draw(square, 70, np.float32)
    letters[0] = letters[0][np.arange(120) ** 2 % 37]

    def outcomes():
        return [*outcome(cell.fused, packed, sizes, False), *outcome(cell.fused, together, square, False, True),
                *outcome(cell.fused, letters, square, False, True)]  # fmt: skip

    same_bits(outcomes)


@CELLS
@pytest.mark.usefixtures("way")
def test_an_empty_batch(cell):
    for together in (False, True):
        for array in outcome(cell.fused, cell.draw((0, 0), 3, np.float32), (0, 0), False, together):
            assert not array.any()


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_weights_of_two_types_are_not_misread(kind):
    """A kernel that took float64 for float32 would give numbers, and wrong ones."""
    layer, x = kind(24, 40), autograd.rand(9, 20, 24)
    layer.weight_hh_l0 = nn.Parameter(layer.weight_hh_l0.detach().double())
    try:
        y, _ = layer(x)
    except WengertError:
        return
    expected, _ = layer.double()(x.double())
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), rtol=1e-5, atol=1e-6)
