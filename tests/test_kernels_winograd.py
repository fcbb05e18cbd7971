"""Winograd's algorithm against the direct kernels and the NumPy twins in float64; and its switch."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("numba")

import autograd
from autograd.kernels import conv_gather, winograd
from autograd.kernels.winograd_maps import cook_toom
from autograd.ops.conv import convolution, convolution_input, convolution_weight
from nn import functional as F
from tests import convolutions
from tests.samples import same_bits

ERROR = 3e-6  # of the largest element; 1 to 2e-6 are usual, whatever the channels.  Direct: 6e-7
ONES = (1, 1)


def case(n, c, f, size, padding, seed=0):
    """x, w, b, g, and the geometry that the ops take."""
    rng = np.random.default_rng(seed)
    outputs = tuple(s + 2 * p - 2 for s, p in zip(size, padding))
    shapes = ((n, c, *size), (f, c, 3, 3), (f,), (n, f, *outputs))
    return *(rng.standard_normal(shape, np.float32) for shape in shapes), (ONES, padding, ONES, 1)


def results(x, w, b, g, geometry):
    """By this algorithm, whether or not it pays."""
    padding = geometry[1]
    return (winograd.forward(x, w, b, padding, g.shape[2:]), winograd.input_cotangent(g, w, x.shape[2:], padding),
            winograd.weight_cotangent(g, x, padding))  # fmt: skip


def chosen(x, w, b, g, geometry):
    """By the algorithm that is chosen for the shapes."""
    return (convolutions.forward(x, w, b, *geometry, g.shape[2:]),
            convolutions.input_cotangent(g, w, x.shape[2:], *geometry),
            convolutions.weight_cotangent(g, x, (3, 3), *geometry))  # fmt: skip


def direct(x, w, b, g, geometry):
    return (conv_gather.forward(x, w, b, *geometry, g.shape[2:]),
            conv_gather.input_cotangent(g, w, x.shape[2:], *geometry),
            conv_gather.weight_cotangent(g, x, (3, 3), *geometry))  # fmt: skip


def twins(x, w, b, g, geometry):
    x, w, b, g = (a.astype(np.float64) for a in (x, w, b, g))
    return (convolution.op.body(x, w, b, *geometry), convolution_input.op.body(g, w, x.shape[2:], *geometry),
            convolution_weight.op.body(g, x, (3, 3), *geometry))  # fmt: skip


def assert_close(ours, exact, terms):
    """Small results may all be small by chance: then their errors are those of sums of so many products."""
    for y, twin, count in zip(ours, exact, terms, strict=True):
        assert y.dtype == np.float32
        assert y.flags.c_contiguous
        np.testing.assert_allclose(y, twin, rtol=0, atol=ERROR * max(np.abs(twin).max(), count**0.5))


def terms(x, w, b, g, geometry):
    return 9 * x.shape[1], 9 * len(w), g[:, 0].size


@pytest.mark.parametrize(("outputs", "taps"), [(2, 3), (4, 3), (3, 4), (6, 3)])
def test_the_maps_are_a_convolution(outputs, taps):
    """For any points: Aᵀ [(G w) ⊙ (Bᵀ d)] is the correlation of d with w."""
    points = (0.0, 0.5, -0.5, 1.0, -1.0, 2.0, -2.0)[: outputs + taps - 2]
    a, g, b = cook_toom(points, outputs, taps)
    rng = np.random.default_rng(0)
    d, w = rng.normal(size=outputs + taps - 1), rng.normal(size=taps)
    np.testing.assert_allclose(a @ ((g @ w) * (b @ d)), np.correlate(d, w), rtol=0, atol=1e-13)


@pytest.mark.parametrize("shape", [
    (2, 32, 64, (26, 26), (0, 0)), (1, 64, 64, (56, 56), (1, 1)), (3, 64, 64, (8, 8), (1, 1)),
    (2, 256, 70, (14, 14), (1, 1)), (1, 512, 33, (7, 7), (1, 1)), (2, 33, 100, (11, 30), (2, 0)),
], ids=str)  # fmt: skip
def test_against_float64(shape):
    given = case(*shape)
    for y, twin in zip(results(*given), twins(*given), strict=True):
        np.testing.assert_allclose(y, twin, rtol=0, atol=ERROR * np.abs(twin).max())


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), st.integers(1, 40), st.integers(1, 70), st.tuples(st.integers(3, 15), st.integers(3, 40)),
       st.tuples(st.integers(0, 2), st.integers(0, 2)), st.integers(0, 9))  # fmt: skip
def test_any_size(n, c, f, size, padding, seed):
    given = case(n, c, f, size, padding, seed)
    assert_close(results(*given), twins(*given), terms(*given))


def test_filters_and_channels_in_turns(monkeypatch):
    """Where all mapped filters would be too many."""
    given = case(2, 70, 100, (9, 8), (1, 1))
    monkeypatch.setattr(winograd, "MAPPED", 36 * 70 * 32)
    assert_close(results(*given), twins(*given), terms(*given))


def test_threads_do_not_change_a_bit():
    shapes = [(40, 20, 70, (13, 10), (1, 1)), (3, 64, 96, (30, 30), (0, 1))]
    same_bits(lambda: [y for shape in shapes for y in results(*case(*shape))])


def test_switch():
    """On: this algorithm.  Off: the direct one, to the bit."""
    given = case(4, 32, 48, (12, 12), (1, 1))
    assert autograd.is_winograd_enabled()
    for y, wanted in zip(chosen(*given), results(*given), strict=True):
        np.testing.assert_array_equal(y, wanted)
    with autograd.winograd(False):
        assert not autograd.is_winograd_enabled()
        with autograd.winograd(True):
            assert autograd.is_winograd_enabled()
        off = chosen(*given)
    for y, wanted, other in zip(off, direct(*given), results(*given), strict=True):
        np.testing.assert_array_equal(y, wanted)
        assert not np.array_equal(y, other)


def test_switch_at_once_and_as_a_decorator():
    autograd.winograd(False)
    assert not autograd.is_winograd_enabled()
    elsewhere = []
    thread = threading.Thread(target=lambda: elsewhere.append(autograd.is_winograd_enabled()))
    thread.start()
    thread.join()
    assert elsewhere == [True]
    autograd.winograd(True)

    @autograd.winograd(False)
    def inside():
        """What it says."""
        return autograd.is_winograd_enabled()

    assert autograd.is_winograd_enabled()
    assert not inside()
    assert autograd.is_winograd_enabled()
    assert inside.__doc__ == "What it says."


@pytest.mark.parametrize("other", [
    {}, {"weight": (48, 32, 5, 5)}, {"weight": (8, 32, 3, 3)}, {"size": (2, 2)}, {"stride": (2, 1)},
    {"padding": (3, 0)}, {"dilation": (1, 2)}, {"groups": 2},
], ids=str)  # fmt: skip
def test_what_it_is_for(other):
    ways = {"weight": (48, 32, 3, 3), "size": (12, 12), "stride": ONES, "padding": ONES, "dilation": ONES, "groups": 1}
    assert winograd.suits(4, np.dtype(np.float32), **(ways | other)) == (not other)
    assert not winograd.suits(4, np.dtype(np.float64), **(ways | other))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
def test_not_finite(value):
    """A value that is not finite, or overflows on the way, reaches what it reaches in the direct algorithm."""
    for which, at in ((0, (1, 3, 5, 11)), (1, (20, 7, 2, 0)), (3, (0, 9, 0, 4))):
        given = case(4, 32, 48, (12, 12), (1, 1))
        given[which][at] = value
        for y, wanted in zip(chosen(*given), direct(*given), strict=True):
            if not np.isfinite(wanted).all():
                np.testing.assert_array_equal(y, wanted)
            else:
                assert np.isfinite(y).all()


def test_second_derivatives():
    """Of ∂L/∂w by x and by w; every one of the three ops is run there and back."""
    x, w, b, g, _ = case(2, 24, 40, (12, 9), (1, 1))

    def twice():
        leaves = [autograd.tensor(a, requires_grad=True) for a in (x, w)]
        y = F.conv2d(*leaves, autograd.tensor(b), padding=1)
        first = autograd.grad((y**3 * autograd.tensor(g)).sum(), leaves, create_graph=True)
        return [t.numpy() for t in autograd.grad(sum((t**2).sum() for t in first), leaves)]

    fast = twice()
    with autograd.winograd(False):
        plain = twice()
    for y, wanted in zip(fast, plain, strict=True):
        np.testing.assert_allclose(y, wanted, rtol=0, atol=2e-5 * np.abs(wanted).max())
        assert not np.array_equal(y, wanted)


def test_memory_in_any_order():
    given = case(2, 24, 40, (12, 9), (1, 1))
    x, w = (autograd.tensor(a) for a in given[:2])
    turned = [t.permute(3, 1, 0, 2).contiguous().permute(2, 1, 3, 0) for t in (x, w)]
    np.testing.assert_array_equal(F.conv2d(*turned, padding=1).numpy(), F.conv2d(x, w, padding=1).numpy())


def test_compiled_programs_read_the_switch_when_they_run():
    x, w, *_ = case(2, 24, 40, (12, 9), (1, 1))
    x, w = autograd.tensor(x), autograd.tensor(w)
    convolve = autograd.compile(lambda x, w: F.conv2d(x, w, padding=1) * 2)
    for _ in range(4):
        on = convolve(x, w)
    with autograd.winograd(False):
        off = convolve(x, w)
        np.testing.assert_array_equal(off.numpy(), F.conv2d(x, w, padding=1).numpy() * 2)
    np.testing.assert_array_equal(on.numpy(), F.conv2d(x, w, padding=1).numpy() * 2)
    assert not np.array_equal(on.numpy(), off.numpy())


def test_a_switch_inside_is_not_compiled():
    """A replay would not switch."""

    @autograd.compile
    def exact(x, w):
        with autograd.winograd(False):
            return F.conv2d(x, w, padding=1)

    x, w, *_ = case(2, 24, 40, (12, 9), (1, 1))
    x, w = autograd.tensor(x), autograd.tensor(w)
    with pytest.warns(UserWarning, match="switch it around the call"):
        found = [exact(x, w) for _ in range(4)]
    with autograd.winograd(False):
        np.testing.assert_array_equal(found[-1].numpy(), F.conv2d(x, w, padding=1).numpy())
