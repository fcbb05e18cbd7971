"""Attention and transformers against PyTorch: with one seed the same weights; with those, outputs and gradients."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn.functional as F
from autograd.check import gradcheck, gradgradcheck
from autograd.errors import ArgumentError, ShapeError
from autograd.tensor import wrap
from nn.layers import attention, transformer

torch = pytest.importorskip("torch")

# PyTorch says that nested tensors are a prototype, that it does not use them here, and that masks of two types will go.
pytestmark = pytest.mark.filterwarnings("ignore:.*nested", "ignore:Support for mismatched")

L, S, B, E, HEADS = 3, 4, 5, 4, 2
# Sums of a few dozen terms in a handful of layers: some units in the last place, float32 having 6e-8, float64 1e-16.
TOLERANCE = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-10}
FLOATS = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])


def pair(name, *args, where=transformer, dtype=np.float32, **options):
    """The same module in both libraries, made from one seed; its biases then made different from 0."""
    torch.manual_seed(5)
    theirs = getattr(torch.nn, name)(*args, **options)
    autograd.manual_seed(5)
    ours = getattr(where, name)(*args, **options)
    expected = theirs.state_dict()
    assert list(ours.state_dict()) == list(expected)
    for key, value in ours.state_dict().items():
        near = 1e-7 if key in ("bias_k", "bias_v") else 0  # normal numbers of 16 and more are equal up to rounding
        np.testing.assert_allclose(value.array, expected[key].numpy(), rtol=0, atol=near, err_msg=key)
    rng = np.random.default_rng(8)
    state = {k: v.numpy() + 0.1 * rng.standard_normal(v.shape).astype(np.float32) for k, v in expected.items()}
    ours.load_state_dict(state)
    theirs.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()})
    return ours.to(np.dtype(dtype)), theirs.to(torch.float32 if dtype is np.float32 else torch.float64)


def both(rng, dtype, *shape):
    """One random array as a leaf of both libraries."""
    x = rng.standard_normal(shape).astype(dtype)
    return wrap(x.copy()).requires_grad_(), torch.from_numpy(x).requires_grad_()


def mask(values):
    """A mask for both libraries."""
    return (None, None) if values is None else (wrap(values.copy()), torch.from_numpy(values))


def close(ours, theirs, what):
    a, b = ours.array, theirs.detach().numpy()
    assert (a.shape, a.dtype) == (b.shape, b.dtype), what
    np.testing.assert_allclose(a, b, rtol=TOLERANCE[a.dtype], atol=TOLERANCE[a.dtype], err_msg=what)


def compare(ours, theirs, leaves, modules):
    """Outputs, and the gradients of inputs and parameters, for one random cotangent per output."""
    rng = np.random.default_rng(9)
    total = other = 0.0
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert (a is None) == (b is None)
        if a is None:
            continue
        close(a, b, f"output {i}")
        w = rng.standard_normal(a.shape).astype(a.array.dtype)
        total, other = total + (a * wrap(w)).sum(), other + (b * torch.from_numpy(w)).sum()
    total.backward(), other.backward()
    for i, (a, b) in enumerate(leaves):
        close(a.grad, b.grad, f"gradient of input {i}")
    for (name, a), (same, b) in zip(modules[0].named_parameters(), modules[1].named_parameters(), strict=True):
        assert name == same
        close(a.grad, b.grad, f"gradient of {name}")


OPTIONS = [
    {},
    {"bias": False},
    {"kdim": 3, "vdim": 5},
    {"kdim": 3, "vdim": 5, "bias": False, "add_zero_attn": True},
    {"add_bias_kv": True, "add_zero_attn": True},
    {"batch_first": True},
    {"add_bias_kv": True, "batch_first": True},
]
options = pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(o) or "plain")

NO = np.triu(np.ones((L, S), bool), 2)
PADDING = np.arange(S) >= np.array([[4], [2], [3], [4], [2]])
MASKS = {
    "none": (None, None),
    "bool": (NO, None),
    "float": (np.where(NO, -np.inf, 0.25).astype(np.float32), None),
    "heads": (np.arange(B * HEADS * L * S).reshape(B * HEADS, L, S) % 5 == 1, None),
    "padding": (None, PADDING),
    "both": (NO, PADDING),
    "float padding": (NO, np.linspace(-1, 1, B * S, dtype=np.float32).reshape(B, S)),
}


@FLOATS
@pytest.mark.parametrize("need", [(True, True), (True, False), (False, True)], ids=["mean", "heads", "no weights"])
@pytest.mark.parametrize("masks", MASKS)
@options
def test_attention(options, masks, need, dtype):
    modules = ours, _ = pair("MultiheadAttention", E, HEADS, where=attention, dtype=dtype, **options)
    rng = np.random.default_rng(1)
    shapes = [(L, B, E), (S, B, ours.kdim), (S, B, ours.vdim)]
    shapes = [(b, t, e) if ours.batch_first else (t, b, e) for t, b, e in shapes]
    leaves = [both(rng, dtype, *shape) for shape in shapes]
    (a, c), (b, d) = (mask(m.astype(dtype) if m is not None and m.dtype.kind == "f" else m) for m in MASKS[masks])
    weights, average = need
    results = [
        m(*xs, attn_mask=am, key_padding_mask=pm, need_weights=weights, average_attn_weights=average)
        for m, xs, am, pm in zip(modules, zip(*leaves), (a, c), (b, d))
    ]
    compare(*results, leaves, modules)


@pytest.mark.parametrize("options", [o for o in OPTIONS if "kdim" not in o], ids=lambda o: "-".join(o) or "plain")
@pytest.mark.parametrize("self", [True, False], ids=["self", "key is value"])
def test_one_tensor_in_several_places(options, self):
    modules = pair("MultiheadAttention", E, HEADS, where=attention, **options)
    rng = np.random.default_rng(2)
    x, y = both(rng, np.float32, L, B, E), both(rng, np.float32, L, B, E)
    results = [m(*((a, a, a) if self else (a, b, b))) for m, a, b in zip(modules, x, y)]
    compare(*results, [x] if self else [x, y], modules)


@options
def test_without_a_batch(options):
    modules = ours, _ = pair("MultiheadAttention", E, HEADS, where=attention, **options)
    rng = np.random.default_rng(3)
    leaves = [both(rng, np.float32, t, e) for t, e in ((L, E), (S, ours.kdim), (S, ours.vdim))]
    padding = mask(np.array([False, True, False, False]))
    results = [m(*xs, key_padding_mask=p) for m, xs, p in zip(modules, zip(*leaves), padding)]
    compare(*results, leaves, modules)


@pytest.mark.parametrize("need_weights", [True, False])
def test_dropout_of_the_weights(need_weights):
    """The mask comes from the same stream; there is none in evaluation."""
    modules = ours, theirs = pair("MultiheadAttention", E, HEADS, where=attention, dropout=0.5)
    x = both(np.random.default_rng(4), np.float32, L, B, E)
    autograd.manual_seed(7), torch.manual_seed(7)
    results = [m(a, a, a, need_weights=need_weights) for m, a in zip(modules, x)]
    compare(*results, [x], modules)
    ours.eval(), theirs.eval()
    close(ours(x[0], x[0], x[0])[0], theirs(x[1], x[1], x[1])[0], "in evaluation")


def test_a_row_that_may_look_nowhere_is_zero():
    """As in PyTorch without weights; with them, where PyTorch has NaN, it is the same here."""
    modules = pair("MultiheadAttention", E, HEADS, where=attention)
    x = both(np.random.default_rng(4), np.float32, L, B, E)
    no = mask(np.array([[False] * L, [True] * L, [False, True, False]]))
    results = [m(a, a, a, attn_mask=b, need_weights=False) for m, a, b in zip(modules, x, no)]
    compare(*results, [x], modules)
    y, weights = modules[0](x[0], x[0], x[0], attn_mask=no[0])
    close(y, results[1][0], "with weights")
    assert not weights.array[:, 1].any()


def test_static_keys_and_values():
    modules = pair("MultiheadAttention", E, HEADS, where=attention)
    rng = np.random.default_rng(5)
    x, k, v = (both(rng, np.float32, *shape) for shape in ((L, B, E), *((B * HEADS, L, E // HEADS),) * 2))
    results = [
        f(q, q, q, E, HEADS, m.in_proj_weight, m.in_proj_bias, None, None, False, 0.0, m.out_proj.weight,
          m.out_proj.bias, static_k=keys, static_v=values)
        for f, m, q, keys, values in zip(
            (F.multi_head_attention_forward, torch.nn.functional.multi_head_attention_forward), modules, x, k, v
        )
    ]  # fmt: skip
    compare(*results, [x, k, v], modules)


CAUSAL = transformer.Transformer.generate_square_subsequent_mask(S).array
STYLES = [
    {},
    {"norm_first": True, "activation": "gelu"},
    {"batch_first": True, "bias": False},
    {"norm_first": True, "batch_first": True},
]
styles = pytest.mark.parametrize("style", STYLES, ids=lambda o: "-".join(o) or "plain")
SIZES = {"d_model": E, "nhead": HEADS, "dim_feedforward": 6}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("masked", [True, False])
@FLOATS
@styles
def test_encoder_layer(style, dtype, masked, training):
    modules = pair("TransformerEncoderLayer", **SIZES, **style, dropout=0.3, dtype=dtype)
    x = both(np.random.default_rng(1), dtype, *((B, S) if style.get("batch_first") else (S, B)), E)
    masks = zip(mask(CAUSAL.astype(dtype)), mask(PADDING)) if masked else ((None, None),) * 2
    autograd.manual_seed(7), torch.manual_seed(7)
    results = [(m.train(training)(a, *ms, is_causal=masked),) for m, a, ms in zip(modules, x, masks)]
    compare(*results, [x], modules)


@FLOATS
@styles
def test_decoder_layer(style, dtype):
    modules = pair("TransformerDecoderLayer", **SIZES, **style, dropout=0.3, dtype=dtype)
    rng = np.random.default_rng(1)
    x, memory = (both(rng, dtype, *((B, n) if style.get("batch_first") else (n, B)), E) for n in (S, L))
    causal, padding = mask(CAUSAL.astype(dtype)), mask(PADDING[:, :L])
    autograd.manual_seed(7), torch.manual_seed(7)
    results = [
        (m(a, b, tgt_mask=c, memory_key_padding_mask=p, tgt_is_causal=True),)
        for m, a, b, c, p in zip(modules, x, memory, causal, padding)
    ]
    compare(*results, [x, memory], modules)


@styles
def test_transformer(style):
    counts = {"num_encoder_layers": 2, "num_decoder_layers": 2, "dropout": 0.2}
    modules = pair("Transformer", **SIZES, **counts, **style)
    rng = np.random.default_rng(1)
    src, tgt = (both(rng, np.float32, *((B, n) if style.get("batch_first") else (n, B)), E) for n in (L, S))
    causal, padding = mask(CAUSAL), mask(PADDING[:, :L])
    autograd.manual_seed(7), torch.manual_seed(7)
    results = [
        (m(a, b, tgt_mask=c, src_key_padding_mask=p, memory_key_padding_mask=p),)
        for m, a, b, c, p in zip(modules, src, tgt, causal, padding)
    ]
    compare(*results, [src, tgt], modules)


def test_stacks_start_with_equal_layers():
    layer = transformer.TransformerEncoderLayer(**SIZES)
    stack = transformer.TransformerEncoder(layer, 3)
    first, *others = (list(m.parameters()) for m in stack.layers)
    assert len({id(p) for p in stack.parameters()}) == 3 * len(first)
    for other in others:
        for a, b in zip(first, other, strict=True):
            np.testing.assert_array_equal(a.array, b.array)


def test_derivatives():
    """First and second, which PyTorch lacks for attention: in the inputs, a mask that is added, and the weights."""
    layer = attention.MultiheadAttention(2, 2, add_bias_kv=True, dtype=autograd.float64)
    rng = np.random.default_rng(3)
    shapes = ((2, 1, 2), (2, 1, 2), (2, 2), (6, 2), (1, 1, 2))
    inputs = tuple(wrap(rng.standard_normal(shape)).requires_grad_() for shape in shapes)

    def run(query, key, added, weight, row):
        return F.multi_head_attention_forward(
            query, key, key, 2, 2, weight, None, row, row, False, 0.0, layer.out_proj.weight.detach(), None,
            attn_mask=added,
        )  # fmt: skip

    assert gradcheck(run, inputs)
    assert gradgradcheck(run, inputs)


def zeros(*shape):
    return autograd.zeros(*shape)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: m(zeros(3), zeros(3), zeros(3)), ShapeError, r"must all have 3 dimensions.*got query \[3\]"),
        (lambda m: m(zeros(3, 1, 4), zeros(3, 4), zeros(3, 4)), ShapeError, r"query, key and value must all have"),
        (lambda m: m(*[zeros(3, 1, 5)] * 3), ShapeError, r"query must end with embed_dim=4"),
        (lambda m: m(zeros(3, 1, 4), zeros(2, 1, 4), zeros(3, 1, 4)), ShapeError, r"key and value .* the same shape"),
        (
            lambda m: m(*[zeros(3, 1, 4)] * 3, attn_mask=zeros(2, 3)),
            ShapeError,
            r"attn_mask must have shape \[3, 3\] here, got \[2, 3\]",
        ),
        (
            lambda m: m(*[zeros(3, 1, 4)] * 3, attn_mask=zeros(1, 3, 3)),
            ShapeError,
            r"attn_mask must have shape \[2, 3, 3\] here, got \[1, 3, 3\]",
        ),
        (
            lambda m: m(*[zeros(3, 1, 4)] * 3, key_padding_mask=zeros(3)),
            ShapeError,
            r"key_padding_mask must have shape \[1, 3\]",
        ),
        (
            lambda m: m(*[zeros(3, 1, 4)] * 3, attn_mask=zeros(3, 3).to(autograd.int64)),
            RuntimeError,
            r"attn_mask must be bool or float32, as query is, got int64",
        ),
        (lambda m: m(*[zeros(3, 1, 4)] * 3, is_causal=True), ArgumentError, r"is_causal is a hint about attn_mask"),
        (
            lambda m: transformer.Transformer(4, 2, 1, 1)(*[zeros(3, 1, 4)] * 2, memory_is_causal=True),
            ArgumentError,
            r"is_causal is a hint about attn_mask",
        ),
        (lambda m: type(m)(5, 2), ArgumentError, r"num_heads must divide embed_dim"),
        (
            lambda m: transformer.TransformerEncoderLayer(4, 2, activation="tanh"),
            ArgumentError,
            r"activation: expected 'relu', 'gelu' or a function, got 'tanh'",
        ),
        (
            lambda m: transformer.Transformer(4, 2, 1, 1)(zeros(3, 1, 4), zeros(3, 2, 4)),
            ShapeError,
            r"src and tgt must have the same batch, dimension 1; got src \[3, 1, 4\] and tgt \[3, 2, 4\]",
        ),
        (
            lambda m: transformer.Transformer(4, 2, 1, 1)(zeros(3, 1, 4), zeros(3, 1, 5)),
            ShapeError,
            r"must end with d_model=4",
        ),
    ],
)
def test_errors_teach(call, error, message):
    with pytest.raises(error, match=message):
        call(attention.MultiheadAttention(4, 2))
