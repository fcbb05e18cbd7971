"""Methods of one line that nothing else in the tests calls."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
from nn.utils.rnn import pack_sequence, unpack_sequence


def test_what_kind_of_elements():
    kinds = {"float32": (True, False, 4), "int64": (False, False, 8), "complex64": (False, True, 8)}
    for dtype, expected in kinds.items():
        t = autograd.zeros(2, dtype=np.dtype(dtype))
        assert (t.is_floating_point(), t.is_complex(), t.element_size()) == expected


def test_after_another_tensor():
    like = autograd.zeros(3, 2, dtype=autograd.float64)
    full = like.new_full((2,), 7)
    assert (full.dtype, full.tolist()) == (autograd.float64, [7.0, 7.0])
    assert autograd.arange(6).type_as(like).dtype == autograd.float64
    assert autograd.arange(6).reshape_as(like).tolist() == [[0, 1], [2, 3], [4, 5]]


def test_off_the_tape():
    x = autograd.ones(2, requires_grad=True)
    y = x * 2
    assert [(node, i) for node, i in y.grad_fn.next_functions] == [(x.node, 0)]
    assert y.detach_() is y
    assert not y.requires_grad
    assert y.grad_fn is None


def test_a_clone_of_a_generator_draws_the_same():
    one = autograd.Generator().manual_seed(3)
    autograd.rand(5, generator=one)
    other = one.clone_state()
    assert autograd.rand(4, generator=one).tolist() == autograd.rand(4, generator=other).tolist()


def test_parameters_and_buffers_by_name():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    assert model.get_parameter("0.weight") is model[0].weight
    assert model.get_buffer("1.running_mean") is model[1].running_mean
    assert model.share_memory() is model
    for wrong in (lambda: model.get_parameter("1.running_mean"), lambda: model.get_buffer("0.weight")):
        with pytest.raises(AttributeError, match="has no"):
            wrong()


def test_given_rows_of_an_embedding_are_frozen_unless_asked():
    table = autograd.arange(6.0).reshape(3, 2)
    layer = nn.Embedding.from_pretrained(table)
    assert layer(autograd.tensor([2, 0])).tolist() == [[4.0, 5.0], [0.0, 1.0]]
    assert not layer.weight.requires_grad
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad


def test_a_packed_sequence_comes_apart_again():
    sequences = [autograd.arange(n) for n in (2, 4, 1)]
    found = unpack_sequence(pack_sequence(sequences, enforce_sorted=False))
    assert [t.tolist() for t in found] == [t.tolist() for t in sequences]


def test_normal_weights_have_he_s_variance():
    autograd.manual_seed(0)
    weight = nn.init.kaiming_normal_(autograd.empty(200, 500), nonlinearity="relu").numpy()
    # The deviation of a standard deviation of n numbers is 1/√(2n) of it, here 0.0022; four of them.
    np.testing.assert_allclose(weight.std(), (2 / 500) ** 0.5, rtol=0.009)
    assert abs(weight.mean()) < 4 * (2 / 500) ** 0.5 / weight.size**0.5
