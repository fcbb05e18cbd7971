"""Convolution of volumes against its NumPy twin; the same bits for any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from autograd.kernels import conv_volumes
from autograd.ops.conv import convolution, convolution_input, convolution_weight
from autograd.ops.windows import output_size
from tests.samples import same_bits

# input, weight, stride, padding, dilation, groups
ONES, NONE = (1, 1, 1), (0, 0, 0)
CASES = [
    ((2, 3, 6, 9, 8), (4, 3, 3, 3, 3), ONES, ONES, ONES, 1),
    ((2, 4, 5, 9, 8), (6, 2, 2, 3, 1), (2, 1, 3), (1, 2, 0), (2, 1, 1), 2),
    ((1, 2, 3, 5, 6), (3, 2, 1, 2, 2), (3, 1, 1), (2, 0, 1), ONES, 1),  # slices of padding alone
    ((1, 2, 2, 5, 6), (3, 2, 3, 1, 1), (1, 1, 1), (4, 0, 0), (3, 1, 1), 1),  # more padding than slices
    ((3, 5, 4, 7, 5), (6, 5, 1, 1, 1), ONES, NONE, ONES, 1),
    ((2, 16, 7, 12, 12), (32, 16, 3, 3, 3), ONES, ONES, ONES, 1),  # slices by Winograd's algorithm
    ((3, 3, 7, 6, 6), (4, 3, 2, 2, 2), (2, 2, 2), NONE, ONES, 1),  # a slice that no filter sees
]
TOLERANCE = {np.float32: 4e-6, np.float64: 1e-14}  # relative to the largest element: sums of up to 2000 products


def results(case, dtype):
    """What the kernels compute, and what their twins do."""
    x_shape, w_shape, *rest = case
    geometry, rng = tuple(rest), np.random.default_rng(sum(x_shape))
    outputs = tuple(map(output_size, x_shape[2:], w_shape[2:], *geometry[:3]))
    shapes = x_shape, w_shape, w_shape[:1], (x_shape[0], w_shape[0], *outputs)
    x, w, b, g = (rng.normal(size=shape).astype(dtype) for shape in shapes)
    kind = np.dtype(dtype)
    way = conv_volumes.forward(x.shape, w.shape, kind, *geometry, outputs)
    yield way(x, w, b), convolution.op.body(x, w, b, *geometry)
    yield way(x, w, None), convolution.op.body(x, w, None, *geometry)
    way = conv_volumes.input_cotangent(g.shape, w.shape, kind, x.shape[2:], *geometry)
    yield way(g, w), convolution_input.op.body(g, w, x.shape[2:], *geometry)
    way = conv_volumes.weight_cotangent(g.shape, x.shape, kind, w.shape[2:], *geometry)
    yield way(g, x), convolution_weight.op.body(g, x, w.shape[2:], *geometry)


@pytest.mark.parametrize("block", [conv_volumes.BLOCK, 1500, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_numpy(case, dtype, block, monkeypatch):
    """Whether slices of several samples, of one or a single one are taken together."""
    monkeypatch.setattr(conv_volumes, "BLOCK", block)
    for ours, twin in results(case, dtype):
        assert ours.dtype == dtype
        assert ours.shape == twin.shape
        np.testing.assert_allclose(ours, twin, rtol=0, atol=TOLERANCE[dtype] * np.abs(twin).max())


def test_threads_do_not_change_a_bit():
    same_bits(lambda: [ours for case in CASES for ours, _ in results(case, np.float32)])


def test_the_ops_take_this_way(monkeypatch):
    """Whatever the order in which the elements lie."""
    used, names = [], ("forward", "input_cotangent", "weight_cotangent")
    for name in names:
        plain = getattr(conv_volumes, name)
        monkeypatch.setattr(conv_volumes, name, lambda *args, name=name, plain=plain: used.append(name) or plain(*args))
    rng, geometry = np.random.default_rng(0), (ONES, ONES, ONES, 1)
    x, w, g = (rng.normal(size=shape) for shape in ((1, 3, 4, 9, 7), (4, 3, 3, 3, 3), (1, 4, 4, 9, 7)))
    turned = [a.transpose(4, 2, 0, 3, 1).copy().transpose(2, 4, 1, 3, 0) for a in (x, w, g)]
    for op, first, second, *rest in (
        (convolution.op, 0, 1, None), (convolution_input.op, 2, 1, (4, 9, 7)), (convolution_weight.op, 2, 0, (3, 3, 3))
    ):  # fmt: skip
        ours = op.run((x, w, g)[first], (x, w, g)[second], *rest, *geometry)
        np.testing.assert_array_equal(op.run(turned[first], turned[second], *rest, *geometry), ours)
        twin = op.body((x, w, g)[first], (x, w, g)[second], *rest, *geometry)
        np.testing.assert_allclose(ours, twin, rtol=0, atol=1e-14 * np.abs(twin).max())
    assert used == list(names)
