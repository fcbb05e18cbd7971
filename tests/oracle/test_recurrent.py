"""Recurrent layers against PyTorch: with one seed the same weights; with those, the same outputs and gradients."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd.tensor import wrap
from nn.layers import cells, rnn
from nn.utils.rnn import PackedSequence, pack_padded_sequence

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")

T, B, FEATURES, HIDDEN = 4, 3, 3, 5
# Sums of a few dozen terms through a few steps: some units in the last place, float32 having 6e-8 and float64 1e-16.
TOLERANCE = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-10}

LAYERS = [
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu", "bias": False}),
    ("RNN", {"num_layers": 2, "bidirectional": True, "batch_first": True}),
    ("LSTM", {}),
    ("LSTM", {"bias": False, "batch_first": True}),
    ("LSTM", {"num_layers": 2, "bidirectional": True}),
    ("LSTM", {"proj_size": 2, "num_layers": 2, "bidirectional": True}),
    ("LSTM", {"proj_size": 2, "bias": False}),
    ("GRU", {}),
    ("GRU", {"bias": False, "batch_first": True}),
    ("GRU", {"num_layers": 2, "bidirectional": True}),
]
IDS = [f"{name}-{'-'.join(map(str, options.values()))}" for name, options in LAYERS]
FLOATS = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])


def pair(name, options, size=(FEATURES, HIDDEN), where=rnn):
    """The same layer in both libraries, made from one seed."""
    torch.manual_seed(5)
    theirs = getattr(torch.nn, name)(*size, **options)
    autograd.manual_seed(5)
    return getattr(where, name)(*size, **options), theirs


def both(rng, dtype, *shape):
    """One random array as a leaf of both libraries."""
    x = rng.standard_normal(shape).astype(dtype)
    return wrap(x.copy()).requires_grad_(), torch.from_numpy(x).requires_grad_()


def states(rng, dtype, theirs, *batch):
    """First states for both libraries, and all their tensors."""
    many = theirs.num_layers * (1 + theirs.bidirectional)
    out = theirs.proj_size or theirs.hidden_size
    found = [both(rng, dtype, many, *batch, n) for n in (out, theirs.hidden_size)[: 1 + (theirs.mode == "LSTM")]]
    ours, other = zip(*found)
    return (ours, other) if theirs.mode == "LSTM" else (ours[0], other[0])


def flat(x):
    if isinstance(x, PackedSequence | torch.nn.utils.rnn.PackedSequence):
        return [x.data]
    return [y for part in x for y in flat(part)] if isinstance(x, tuple | list) else [x]


def close(ours, theirs, what):
    a, b = ours.array, theirs.detach().numpy()
    assert (a.shape, a.dtype) == (b.shape, b.dtype), what
    np.testing.assert_allclose(a, b, rtol=TOLERANCE[a.dtype], atol=TOLERANCE[a.dtype], err_msg=what)


def compare(results, leaves, modules):
    """Outputs, and the gradients of inputs and parameters, for one random cotangent per output."""
    ours, theirs = map(flat, results)
    assert len(ours) == len(theirs)
    rng = np.random.default_rng(9)
    weights = [rng.standard_normal(y.shape).astype(y.array.dtype) for y in ours]
    for i, (a, b) in enumerate(zip(ours, theirs)):
        close(a, b, f"output {i}")
    sum((y * wrap(w)).sum() for y, w in zip(ours, weights)).backward()
    sum((y * torch.from_numpy(w)).sum() for y, w in zip(theirs, weights)).backward()
    for i, (a, b) in enumerate(zip(*map(flat, leaves), strict=True)):
        close(a.grad, b.grad, f"gradient of input {i}")
    for (name, a), (other, b) in zip(modules[0].named_parameters(), modules[1].named_parameters(), strict=True):
        assert name == other
        close(a.grad, b.grad, f"gradient of {name}")


@pytest.mark.parametrize(("name", "options"), LAYERS, ids=IDS)
def test_one_seed_gives_the_same_weights(name, options):
    ours, theirs = pair(name, options)
    expected = theirs.state_dict()
    assert list(ours.state_dict()) == list(expected)
    for key, value in ours.state_dict().items():
        np.testing.assert_array_equal(value.array, expected[key].numpy(), err_msg=key)
    assert repr(ours) == repr(theirs)
    assert [len(layer) for layer in ours.all_weights] == [len(layer) for layer in theirs.all_weights]


@FLOATS
@pytest.mark.parametrize("given", [False, True], ids=["zeros", "hx"])
@pytest.mark.parametrize(("name", "options"), LAYERS, ids=IDS)
def test_padded(name, options, given, dtype):
    modules = ours, theirs = pair(name, options)
    ours.to(np.dtype(dtype)), theirs.to(torch.float32 if dtype is np.float32 else torch.float64)
    rng = np.random.default_rng(1)
    x, y = both(rng, dtype, *((B, T) if ours.batch_first else (T, B)), FEATURES)
    if not given:
        compare((ours(x), theirs(y)), (x, y), modules)
        return
    h, k = states(rng, dtype, theirs, B)
    compare((ours(x, h), theirs(y, k)), ((x, h), (y, k)), modules)


@pytest.mark.parametrize("given", [False, True], ids=["zeros", "hx"])
@pytest.mark.parametrize(("name", "options"), LAYERS, ids=IDS)
def test_without_a_batch(name, options, given):
    modules = ours, theirs = pair(name, options)
    rng = np.random.default_rng(2)
    x, y = both(rng, np.float32, T, FEATURES)
    h, k = states(rng, np.float32, theirs)
    if given:
        compare((ours(x, h), theirs(y, k)), ((x, h), (y, k)), modules)
    else:
        compare((ours(x), theirs(y)), (x, y), modules)


@FLOATS
@pytest.mark.parametrize("lengths", [(4, 2, 1), (2, 4, 2), (4, 4, 4)], ids=["sorted", "unsorted", "equal"])
@pytest.mark.parametrize(("name", "options"), LAYERS, ids=IDS)
def test_packed(name, options, lengths, dtype):
    modules = ours, theirs = pair(name, options)
    ours.to(np.dtype(dtype)), theirs.to(torch.float32 if dtype is np.float32 else torch.float64)
    rng = np.random.default_rng(3)
    x, y = both(rng, dtype, T, B, FEATURES)
    h, k = states(rng, dtype, theirs, B)
    ordered = lengths == tuple(sorted(lengths, reverse=True))
    packed = pack_padded_sequence(x, list(lengths), enforce_sorted=ordered)
    other = torch.nn.utils.rnn.pack_padded_sequence(y, torch.tensor(lengths), enforce_sorted=ordered)
    results = ours(packed, h), theirs(other, k)
    for a, b in zip(results[0][0][1:], results[1][0][1:], strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_array_equal(a.array, b.numpy())
    compare(results, ((x, h), (y, k)), modules)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_dropout_between_layers(name, packed):
    """The masks come from the same stream, in the same order; there are none in evaluation."""
    modules = ours, theirs = pair(name, {"num_layers": 3, "dropout": 0.4, "bidirectional": True})
    x, y = both(np.random.default_rng(4), np.float32, T, B, FEATURES)
    given, other = x, y
    if packed:
        given = pack_padded_sequence(x, [4, 3, 1])
        other = torch.nn.utils.rnn.pack_padded_sequence(y, torch.tensor([4, 3, 1]))
    autograd.manual_seed(7), torch.manual_seed(7)
    results = ours(given), theirs(other)
    compare(results, (x, y), modules)
    ours.eval(), theirs.eval()
    close(flat(ours(given))[0], flat(theirs(other))[0], "in evaluation")
    assert not np.allclose(flat(ours(given))[0].array, flat(results[0])[0].array)


CELLS = [
    ("RNNCell", {}),
    ("RNNCell", {"nonlinearity": "relu", "bias": False}),
    ("LSTMCell", {}),
    ("LSTMCell", {"bias": False}),
    ("GRUCell", {}),
    ("GRUCell", {"bias": False}),
]


@FLOATS
@pytest.mark.parametrize("batch", [(B,), ()], ids=["batch", "single"])
@pytest.mark.parametrize(("name", "options"), CELLS)
def test_cells(name, options, batch, dtype):
    modules = ours, theirs = pair(name, options, where=cells)
    for (key, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        np.testing.assert_array_equal(a.array, b.detach().numpy(), err_msg=key)
    assert repr(ours) == repr(theirs)
    ours.to(np.dtype(dtype)), theirs.to(torch.float32 if dtype is np.float32 else torch.float64)
    rng = np.random.default_rng(6)
    x, y = both(rng, dtype, *batch, FEATURES)
    h, k = zip(*(both(rng, dtype, *batch, HIDDEN) for _ in range(1 + (name == "LSTMCell"))))
    h, k = (h, k) if name == "LSTMCell" else (h[0], k[0])
    for a, b in zip(flat(ours(x)), flat(theirs(y)), strict=True):
        close(a, b, "from zeros")
    compare((ours(x, h), theirs(y, k)), ((x, h), (y, k)), modules)


def zeros(library, *shape):
    return library.zeros(*shape)


REFUSED = {
    "input of 4 dimensions": lambda t, m: m(zeros(t, 1, 2, 3, 3)),
    "input of 1 dimension": lambda t, m: m(zeros(t, 3)),
    "features": lambda t, m: m(zeros(t, 4, 2, 2)),
    "dtype": lambda t, m: m(t.zeros(4, 2, 3, dtype=t.float64)),
}
REFUSED_STATES = [(2, 2, 5), (1, 3, 5), (1, 2, 4), (2, 5)]


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("what", REFUSED)
def test_same_refusals(name, what):
    for library, layer in zip((autograd, torch), pair(name, {})):
        with pytest.raises((RuntimeError, ValueError)):
            REFUSED[what](library, layer)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("shape", REFUSED_STATES, ids=str)
def test_same_refusals_of_states(name, shape):
    for library, layer in zip((autograd, torch), pair(name, {})):
        h = zeros(library, *shape)
        with pytest.raises(RuntimeError):
            layer(zeros(library, 4, 2, 3), (h, h) if name == "LSTM" else h)
        if len(shape) == 3:
            with pytest.raises(RuntimeError):
                layer(zeros(library, 4, 3), (h, h) if name == "LSTM" else h)


@pytest.mark.parametrize(
    ("error", "arguments"),
    [
        (ValueError, {"hidden_size": 0}),
        (ValueError, {"input_size": -1}),
        (ValueError, {"num_layers": 0}),
        (ValueError, {"dropout": 1.5}),
        (ValueError, {"dropout": True}),
        (ValueError, {"proj_size": 5}),
        (ValueError, {"proj_size": -1}),
        (TypeError, {"bias": 1}),
        (TypeError, {"batch_first": "False"}),
        (TypeError, {"hidden_size": 5.0}),
        (TypeError, {"input_size": "3"}),
    ],
)
def test_same_refusals_when_made(error, arguments):
    for layer in (rnn.LSTM, torch.nn.LSTM):
        with pytest.raises(error):
            layer(**{"input_size": 3, "hidden_size": 5} | arguments)
    for layer in (rnn.RNN, torch.nn.RNN):
        with pytest.raises(ValueError):
            layer(3, 5, nonlinearity="gelu")
