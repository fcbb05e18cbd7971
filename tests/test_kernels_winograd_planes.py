"""Winograd's algorithm plane by plane, for few channels, against the NumPy twins in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("numba")

from autograd.kernels import conv_gather, winograd, winograd_planes
from autograd.kernels.moves import lanes_of
from autograd.kernels.winograd_blocks import SQUARE, WIDE
from autograd.ops.conv import convolution, convolution_input, convolution_weight
from tests import convolutions
from tests.samples import same_bits

ERROR = 3e-6  # of the largest element, as for the other Winograd kernels
ONES, LANES = (1, 1), lanes_of(np.float32)


def case(n, c, f, size, padding, seed=0):
    """x, w, b, g and the padding."""
    rng = np.random.default_rng(seed)
    outputs = tuple(s + 2 * p - 2 for s, p in zip(size, padding))
    shapes = ((n, c, *size), (f, c, 3, 3), (f,), (n, f, *outputs))
    return *(rng.standard_normal(shape, np.float32) for shape in shapes), padding


def results(x, w, b, g, padding):
    """By these kernels, whether or not they pay."""
    turned = tuple(2 - p for p in padding)
    return (winograd_planes.images(x, w, b, padding, g.shape[2:], False),
            winograd_planes.images(g, w, None, turned, x.shape[2:], True),
            winograd_planes.weight_cotangent(g, x, padding))  # fmt: skip


def twins(x, w, b, g, padding):
    x, w, b, g = (a.astype(np.float64) for a in (x, w, b, g))
    geometry = ONES, padding, ONES, 1
    return (convolution.op.body(x, w, b, *geometry), convolution_input.op.body(g, w, x.shape[2:], *geometry),
            convolution_weight.op.body(g, x, (3, 3), *geometry))  # fmt: skip


def assert_close(given):
    """Small results may all be small by chance: then their errors are those of sums of so many products."""
    x, w, _, g, _ = given
    terms = 9 * x.shape[1], 9 * len(w), g[:, 0].size
    for y, twin, count in zip(results(*given), twins(*given), terms, strict=True):
        assert y.dtype == np.float32
        assert y.flags.c_contiguous
        np.testing.assert_allclose(y, twin, rtol=0, atol=ERROR * max(np.abs(twin).max(), count**0.5))


@pytest.mark.parametrize("shape", [
    (3, 16, 16, (32, 32), (1, 1)), (2, 32, 32, (16, 16), (1, 1)), (2, 8, 24, (10, 37), (0, 2)),
    (1, 17, 33, (17, 70), (2, 0)), (5, 1, 1, (3, 3), (0, 0)), (2, 40, 9, (5, 4), (1, 1)),
], ids=str)  # fmt: skip
def test_against_float64(shape):
    assert_close(case(*shape))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(1, 20), st.integers(1, 40), st.tuples(st.integers(3, 40), st.integers(3, 40)),
       st.tuples(st.integers(0, 2), st.integers(0, 2)), st.integers(0, 9))  # fmt: skip
def test_any_size(n, c, f, size, padding, seed):
    assert_close(case(n, c, f, size, padding, seed))


def test_blocks_waste_as_little_as_they_can():
    wide, square = (WIDE * 4, LANES // WIDE * 4), (SQUARE * 4, LANES // SQUARE * 4)
    assert winograd_planes.blocks_of(wide, LANES) == (WIDE, 1)
    assert winograd_planes.blocks_of(square, LANES) == (SQUARE, 1)
    assert winograd_planes.blocks_of((3 * wide[0] - 1, wide[1] + 1), LANES)[1] == 6


def test_threads_do_not_change_a_bit():
    shapes = [(40, 16, 9, (13, 30), (1, 1)), (30, 24, 20, (16, 16), (0, 1))]
    same_bits(lambda: [y for shape in shapes for y in results(*case(*shape))])


def chosen(x, w, b, g, padding):
    geometry = ONES, padding, ONES, 1
    return (convolutions.forward(x, w, b, *geometry, g.shape[2:]),
            convolutions.input_cotangent(g, w, x.shape[2:], *geometry),
            convolutions.weight_cotangent(g, x, (3, 3), *geometry))  # fmt: skip


def test_they_are_taken_for_few_channels():
    some = winograd.LEAST_OF_WEIGHT
    given = case(2, some, some, (32, 32), (1, 1))
    for y, wanted in zip(chosen(*given), results(*given), strict=True):
        np.testing.assert_array_equal(y, wanted)
    n, kind = len(given[0]), np.dtype(np.float32)
    assert not winograd.suits(n, kind, (7, some, 3, 3), (32, 32), ONES, ONES, ONES, 1)
    assert not winograd.suits(n, kind, (some - 1, some, 3, 3), (32, 32), ONES, ONES, ONES, 1, some)


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
def test_not_finite(value):
    """A value that is not finite, or overflows on the way, reaches what it reaches in the direct algorithm."""
    for which, at in ((0, (1, 3, 5, 11)), (1, (12, 7, 2, 0)), (3, (0, 9, 31, 4))):
        x, w, b, g, padding = given = case(2, 16, 16, (32, 32), (1, 1))
        given[which][at] = value
        wanted = (conv_gather.forward(x, w, b, ONES, padding, ONES, 1, g.shape[2:]),
                  conv_gather.input_cotangent(g, w, x.shape[2:], ONES, padding, ONES, 1),
                  conv_gather.weight_cotangent(g, x, (3, 3), ONES, padding, ONES, 1))  # fmt: skip
        for y, direct in zip(chosen(*given), wanted, strict=True):
            np.testing.assert_array_equal(np.isfinite(y), np.isfinite(direct))
