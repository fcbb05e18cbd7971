"""Recurrent layers on their own: packed is padded, the tape stays short, second derivatives, shapes and errors."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd.check import gradcheck, gradgradcheck
from autograd.errors import ArgumentError, ShapeError
from autograd.tensor import wrap
from nn.layers.cells import GRUCell, LSTMCell, RNNCell
from nn.layers.rnn import GRU, LSTM, RNN
from nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

LAYERS = [RNN, LSTM, GRU]
each = pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)
# One row of a product is summed in another order when there are fewer rows beside it: a few units in the last place.
CLOSE = {"rtol": 1e-14, "atol": 1e-14}


def draw(*shape, seed=0):
    return wrap(np.random.default_rng(seed).standard_normal(shape))


def pairs(state):
    return state if isinstance(state, tuple) else (state,)


@each
@pytest.mark.parametrize("lengths", [[5, 3, 3, 1], [1, 5, 3, 5]], ids=["sorted", "unsorted"])
def test_packed_equals_each_sequence_alone(kind, lengths):
    """Outputs, last states and the gradient of the input are those of every sequence run without any padding."""
    layer = kind(2, 3, num_layers=2, bidirectional=True, batch_first=True, dtype=autograd.float64)
    x, h = draw(4, 5, 2).requires_grad_(), (draw(4, 4, 3, seed=1), draw(4, 4, 3, seed=2))
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    output, last = layer(packed, h if kind is LSTM else h[0])
    padded, found = pad_packed_sequence(output, batch_first=True)
    assert found.tolist() == lengths
    (padded * padded).sum().backward()
    gradient = x.grad.array
    for i, n in enumerate(lengths):
        alone = x[i, :n].detach().requires_grad_()
        first = tuple(s[:, i] for s in h)
        y, end = layer(alone, first if kind is LSTM else first[0])
        np.testing.assert_allclose(padded.array[i, :n], y.array, **CLOSE)
        assert not padded.array[i, n:].any()
        for a, b in zip(pairs(last), pairs(end), strict=True):
            np.testing.assert_allclose(a.array[:, i], b.array, **CLOSE)
        (y * y).sum().backward()
        np.testing.assert_allclose(gradient[i, :n], alone.grad.array, rtol=1e-12, atol=1e-13)
        assert not gradient[i, n:].any()


@each
def test_equal_lengths_packed_are_the_rectangle(kind):
    layer = kind(2, 3, num_layers=2, dtype=autograd.float64)
    x = draw(4, 3, 2)
    y, last = layer(x)
    packed, end = layer(pack_padded_sequence(x, [4, 4, 4]))
    np.testing.assert_array_equal(packed.data.array.reshape(y.shape), y.array)
    for a, b in zip(pairs(last), pairs(end), strict=True):
        np.testing.assert_array_equal(a.array, b.array)


@each
def test_padding_costs_no_work(kind):
    """The rows of the steps are those of the packed sequence."""
    layer = kind(2, 3, dtype=autograd.float64)
    packed = pack_padded_sequence(draw(5, 3, 2).requires_grad_(), [5, 2, 1])
    output, _ = layer(packed)
    assert output.data.shape == (8, 3)
    tape = autograd.Tape.of(output.data)
    assert [node.params[0] for node in tape if node.name.endswith("_sequence")] == [(3, 2, 1, 1, 1)]


def test_packing_takes_whole_rows():
    """By one array of indices, in any layout and order: what has a kernel, and its gradient, too."""
    lengths = [2, 5, 1]
    for first, x in ((False, draw(5, 3, 2)), (True, draw(3, 5, 2))):
        packed = pack_padded_sequence(x.requires_grad_(), lengths, batch_first=first, enforce_sorted=False).data
        ordered = (x.array if first else x.array.swapaxes(0, 1))[[1, 0, 2]]
        expected = [ordered[i, t] for t in range(5) for i in range(3) if t < sorted(lengths)[::-1][i]]
        np.testing.assert_array_equal(packed.array, expected)
        (key,) = [node.params[0] for node in autograd.Tape.of(packed) if node.name == "elements_of"]
        assert len(key) == 1


@each
def test_a_sequence_is_one_node(kind):
    """The tape does not grow with the number of steps."""
    layer = kind(2, 3)
    short, long = (len(autograd.Tape.of(layer(autograd.zeros(n, 1, 2))[0])) for n in (1, 20))
    assert long == short


@pytest.mark.parametrize(("kind", "cell"), [(RNN, RNNCell), (LSTM, LSTMCell), (GRU, GRUCell)])
def test_a_layer_is_its_cell_step_by_step(kind, cell):
    layer, one = kind(2, 3, dtype=autograd.float64), cell(2, 3, dtype=autograd.float64)
    one.load_state_dict({key.removesuffix("_l0"): value for key, value in layer.state_dict().items()})
    x, state = draw(4, 5, 2), None
    for step, y in zip(x, layer(x)[0], strict=True):
        state = one(step, state)
        np.testing.assert_allclose(pairs(state)[0].array, y.array, rtol=1e-13, atol=1e-13)


@each
def test_derivatives(kind):
    """First and second, in the input, the first states and a recurrent weight."""
    layer = kind(1, 1, bidirectional=True, dtype=autograd.float64)
    names = ("weight_hh_l0", "bias_hh_l0_reverse")

    def run(x, h, c, *weights):
        for name, weight in zip(names, weights):
            object.__setattr__(layer, name, weight)
        y, _ = layer(pack_padded_sequence(x, [2, 1]), (h, c) if kind is LSTM else h + 0 * c)
        return y.data

    inputs = [draw(2, 2, 1), draw(2, 2, 1, seed=1), draw(2, 2, 1, seed=2)]
    inputs += [getattr(layer, name).detach() for name in names]
    inputs = tuple(t.clone().requires_grad_() for t in inputs)
    assert gradcheck(run, inputs)
    assert gradgradcheck(run, inputs)


def test_projection():
    layer = LSTM(2, 4, num_layers=2, proj_size=3, bidirectional=True)
    y, (h, c) = layer(autograd.zeros(5, 1, 2))
    assert (y.shape, h.shape, c.shape) == ((5, 1, 6), (4, 1, 3), (4, 1, 4))
    assert layer.weight_ih_l1.shape == (16, 6)
    assert layer.weight_hr_l1_reverse.shape == (3, 4)


@each
def test_forms(kind):
    """(T, B), (B, T) and no batch are three forms of the same."""
    x = draw(4, 3, 2)
    wide, tall = kind(2, 3, dtype=autograd.float64), kind(2, 3, batch_first=True, dtype=autograd.float64)
    tall.load_state_dict(wide.state_dict())
    y, last = wide(x)
    z, end = tall(x.transpose(0, 1))
    np.testing.assert_array_equal(z.transpose(0, 1).array, y.array)
    assert pairs(last)[0].shape == pairs(end)[0].shape == (1, 3, 3)
    for layer in (wide, tall):  # batch_first says nothing about an input without a batch
        single, state = layer(x[:, 1])
        np.testing.assert_allclose(single.array, y[:, 1].array, **CLOSE)
        np.testing.assert_allclose(pairs(state)[0].array, pairs(last)[0][:, 1].array, **CLOSE)


@each
def test_an_empty_batch(kind):
    y, last = kind(2, 3)(autograd.zeros(4, 0, 2))
    assert y.shape == (4, 0, 3)
    assert pairs(last)[0].shape == (1, 0, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: LSTM(3, 4)(autograd.zeros(2, 2, 5)),
            ShapeError,
            r"LSTM: input \[2, 2, 5\] must end with input_size=3",
        ),
        (lambda: GRU(3, 4)(autograd.zeros(3)), ShapeError, r"GRU: input must be \(T, B, features\).*got \[3\]"),
        (lambda: RNN(3, 4)(autograd.zeros(0, 2, 3)), ShapeError, r"at least one time step, got \[0, 2, 3\]"),
        (
            lambda: RNN(3, 4)(autograd.zeros(2, 2, 3), autograd.zeros(1, 3, 4)),
            ShapeError,
            r"RNN: hx must be \(layers · directions, batch, size\) = \[1, 2, 4\] here, got \[1, 3, 4\]",
        ),
        (
            lambda: LSTM(3, 4)(autograd.zeros(2, 3), (autograd.zeros(1, 4), autograd.zeros(1, 1, 4))),
            ShapeError,
            r"hx\[1\] must be \(layers · directions, size\) = \[1, 4\] here, got \[1, 1, 4\]",
        ),
        (lambda: LSTM(3, 4)(autograd.zeros(2, 3), autograd.zeros(1, 4)), ArgumentError, r"hx must be a pair"),
        (
            lambda: GRU(3, 4)(autograd.zeros(2, 3), [autograd.zeros(1, 4)]),
            ArgumentError,
            r"hx must be a Tensor, got list",
        ),
        (
            lambda: GRU(3, 4)(autograd.zeros(2, 3).double()),
            ArgumentError,
            r"input is float64 and the weights are float32",
        ),
        (
            lambda: GRU(3, 4)(autograd.zeros(2, 3), autograd.zeros(1, 4).double()),
            ArgumentError,
            r"hx is float64 and input float32",
        ),
        (
            lambda: GRU(3, 4)(PackedSequence(autograd.zeros(3), autograd.tensor([2, 1]))),
            ShapeError,
            r"input.data must be 2-d",
        ),
        (
            lambda: pack_padded_sequence(autograd.zeros(3), [1, 1, 1]),
            ShapeError,
            r"input: must be \(T, B, \*\), or \(B, T, \*\) if batch_first, got \[3\]",
        ),
        (
            lambda: LSTM(3, 4, proj_size=4),
            ArgumentError,
            r"proj_size: expected 0 \(none\) to hidden_size - 1 = 3, got 4",
        ),
        (lambda: LSTM(3, 4, dropout=2), ArgumentError, r"dropout: must be a probability"),
        (
            lambda: LSTMCell(3, 4)(autograd.zeros(2, 5)),
            ShapeError,
            r"LSTMCell: input \[2, 5\] must end with input_size=3",
        ),
        (
            lambda: GRUCell(3, 4)(autograd.zeros(2, 3), autograd.zeros(1, 4)),
            ShapeError,
            r"GRUCell: hx must have shape \[2, 4\], as input \[2, 3\] and hidden_size=4 say, got \[1, 4\]",
        ),
        (lambda: LSTMCell(3, 4)(autograd.zeros(2, 3), autograd.zeros(2, 4)), ArgumentError, r"hx must be a pair"),
        (
            lambda: LSTMCell(3, 4)(autograd.zeros(2, 3), (autograd.zeros(2, 4), autograd.zeros(2, 4).double())),
            ArgumentError,
            r"LSTMCell: hx\[1\] must be a float32 Tensor, as the weights are, got float64",
        ),
        (lambda: LSTM(3, 4)(autograd.zeros(2, 3), (autograd.zeros(1, 4), None)), ArgumentError, r"hx must be a pair"),
        (lambda: RNNCell(3, 4, nonlinearity="gelu")(autograd.zeros(3)), ArgumentError, r"'tanh' or 'relu', got 'gelu'"),
    ],
)
def test_errors_teach(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_dropout_with_one_layer_warns():
    with pytest.warns(UserWarning, match=r"dropout=0\.5 acts between layers"):
        LSTM(2, 3, dropout=0.5)
