"""Many random words at once: NumPy's, word for word, and the state that follows."""

from __future__ import annotations

import numpy as np
import pytest

from autograd import generator
from autograd.generator import MANY, Generator

pytest.importorskip("numba")


@pytest.mark.parametrize("before", [0, 1, 623, 624, 1000])
@pytest.mark.parametrize("n", [MANY, MANY + 1, MANY + 623])
def test_the_words_are_numpys(n, before, monkeypatch):
    ours, theirs = Generator().manual_seed(7), Generator().manual_seed(7)
    found = [ours.words(before), ours.words(n), ours.words(5)]
    monkeypatch.setattr(generator, "_words", generator._random_words)
    for part in found:
        np.testing.assert_array_equal(part, theirs.words(len(part)))
    np.testing.assert_array_equal(ours.get_state().array, theirs.get_state().array)


def test_the_kernels_answer():
    words = np.zeros(MANY, np.uint32)
    assert generator._random_words_fast(generator._twister(0), MANY).shape == (MANY,)
    assert generator._random_words_fast(None, MANY - 1) is NotImplemented
    assert generator._fractions_below_fast(words, 0.5).all()
    assert generator._fractions_below_fast(words[1:], 0.5) is NotImplemented


@pytest.mark.parametrize("p", [0.0, 1.0, 0.3, 1 - 0.3, 5e-324, 2.0**-53, 3 * 2.0**-54, 1 - 2.0**-53])
def test_chances_are_uniform_numbers_below(p):
    """Numbers next to p among them."""
    words = Generator().words(MANY)
    for i, near in enumerate(range(-2, 3)):
        value = min(max(int(p * 2**53) + near, 0), 2**53 - 1)
        words[2 * i], words[2 * i + 1] = value >> 32, value & 0xFFFFFFFF
    expected = generator._fractions_below(words, p)
    np.testing.assert_array_equal(generator._fractions_below_fast(words, p), expected)
    np.testing.assert_array_equal(generator._below(words[:100], p), expected[:50])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_fractions_are_exact(dtype):
    raw = Generator().long_words(1000) if dtype == np.float64 else Generator().words(1000)
    digits = np.finfo(dtype).nmant + 1
    exact = [(int(word) % (1 << digits)) / (1 << digits) for word in raw]
    np.testing.assert_array_equal(generator._fractions(raw, np.dtype(dtype)), np.array(exact, np.float64))
