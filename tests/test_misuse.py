"""Calls that go wrong every day: each is told in our words, by argument name, never by a raw NumPy traceback."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd.errors import WengertError

T = autograd.ones(2, 3)
READ_ONLY = autograd.from_numpy(np.broadcast_to(np.ones(3), (1, 3)))
CALLS = {
    "a list where a tensor must be": (lambda: autograd.masked_select(T, [True]), "mask must be a bool tensor"),
    "a number where a tensor must be": (lambda: autograd.kron(T, 2), "kron: other must be a Tensor, got int"),
    "numbers only": (lambda: autograd.eq(2, 3), "expected a Tensor"),
    "a number in the place of indices": (lambda: autograd.scatter_add(T, 0, 2, T), "index"),
    "words in place of numbers": (lambda: autograd.arange("a"), "start, end and step must be numbers"),
    "words as a value": (lambda: autograd.full((2,), "a"), "fill_value: 'a'"),
    "a like of no tensor": (lambda: autograd.zeros_like(2), "input must be a Tensor, got int"),
    "a size as a word": (lambda: T.split("a"), "size of the pieces"),
    "sections as a word": (lambda: T.hsplit("a"), "number of sections"),
    "samples as a word": (lambda: autograd.multinomial(T, "a"), "num_samples"),
    "out that is no tensor": (lambda: autograd.add(T, T, out=2), "out must be a Tensor, got int"),
    "too few places for the results": (lambda: autograd.sort(T, out=(T,)), "out must be a tuple of 2 Tensors"),
    "out of another shape": (lambda: autograd.add(T, T, out=autograd.ones(2)), "which does not fit in place"),
    "out of a lower kind": (lambda: autograd.add(T, T, out=T.long()), "cannot be stored in int64"),
    "a write into read-only memory": (lambda: READ_ONLY.add_(1), "read-only"),
    "a write into shared places": (lambda: autograd.ones(1).expand(3).clone().expand(2, 3).add_(1), "share one place"),
    "a complex tensor on the tape": (lambda: autograd.complex(T.clone().requires_grad_(), T), "not differentiated"),
    "a negative count": (lambda: autograd.diff(T, -1), "n must not be negative"),
    "rows of a number": (lambda: autograd.flipud(autograd.tensor(1.0)), "0-d"),
}


@pytest.mark.parametrize(("call", "message"), CALLS.values(), ids=CALLS)
def test_misuse(call, message):
    with pytest.raises(WengertError, match=message):
        call()


def test_out_is_recorded():
    """A result written into ``out=`` brings its history along."""
    x, y = autograd.tensor([1.0, 2.0], requires_grad=True), autograd.zeros(2)
    autograd.add(x, x, alpha=2, out=y)
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_out_takes_several_results():
    values, indices = autograd.zeros(3), autograd.zeros(3, dtype=autograd.int64)
    result = autograd.sort(autograd.tensor([3.0, 1.0, 2.0]), out=(values, indices))
    assert result.values is values
    assert indices.tolist() == [1, 2, 0]


def test_last_write_has_the_gradient():
    """Of several writes into one place only the last is seen in the result."""
    source = autograd.tensor([1.0, 2.0, 3.0], requires_grad=True)
    autograd.zeros(4).scatter(0, autograd.tensor([1, 0, 1]), source).sum().backward()
    assert source.grad.tolist() == [0.0, 1.0, 1.0]
