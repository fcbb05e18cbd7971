"""Functions of layers against their definitions, written out as loops and formulas."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
import nn.functional as F
from autograd.errors import WengertError
from autograd.tensor import wrap

rng = np.random.default_rng(0)
CLOSE = {"rtol": 1e-10, "atol": 1e-12}  # float64, sums of at most some hundred terms


def draw(*shape: int) -> autograd.Tensor:
    return wrap(rng.standard_normal(shape))


def leaf(*shape: int) -> autograd.Tensor:
    return draw(*shape).requires_grad_()


def convolved(x, w, stride, padding, dilation, groups):
    """The definition, one product at a time."""
    n, c, f = len(x), x.shape[1], len(w)
    sizes = [(s + 2 * padding - dilation * (k - 1) - 1) // stride + 1 for s, k in zip(x.shape[2:], w.shape[2:])]
    y = np.zeros((n, f, *sizes))
    for i, j, *at in itertools.product(range(n), range(f), *map(range, sizes)):
        first = j // (f // groups) * (c // groups)
        for k, *shift in itertools.product(range(c // groups), *map(range, w.shape[2:])):
            place = [stride * a + dilation * b - padding for a, b in zip(at, shift)]
            if all(0 <= p < s for p, s in zip(place, x.shape[2:])):
                y[(i, j, *at)] += x[(i, first + k, *place)] * w[(j, k, *shift)]
    return y


CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@st.composite
def windows(draw):
    """Shapes and windows of a convolution whose output is not empty."""
    n, groups = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    stride, padding, dilation = draw(st.integers(1, 3)), draw(st.integers(0, 2)), draw(st.integers(1, 2))
    kernel = [draw(st.integers(1, 3)) for _ in range(n)]
    spatial = [max(1, dilation * (k - 1) + 1 - 2 * padding) + draw(st.integers(0, 2)) for k in kernel]
    inside, outside = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    shapes = (draw(st.integers(0, 2)), inside, *spatial), (outside, inside // groups, *kernel)
    return *shapes, (stride, padding, dilation, groups)


@settings(max_examples=40, deadline=None)
@given(windows())
def test_convolution_is_its_definition(case):
    input_shape, weight_shape, window = case
    x, w, b = draw(*input_shape), draw(*weight_shape), draw(weight_shape[0])
    expected = convolved(x.array, w.array, *window) + b.array.reshape(-1, *(1,) * (x.ndim - 2))
    np.testing.assert_allclose(CONV[x.ndim - 2](x, w, b, *window).array, expected, **CLOSE)


@settings(max_examples=40, deadline=None)
@given(windows())
def test_transposed_convolution_is_the_adjoint(case):
    """⟨A x, y⟩ = ⟨x, Aᵀ y⟩ for all x and y; where strides left elements of x over, output_padding says so."""
    input_shape, weight_shape, (stride, padding, dilation, groups) = case
    x, w, n = draw(*input_shape), draw(*weight_shape), len(input_shape) - 2
    ax = CONV[n](x, w, None, stride, padding, dilation, groups)
    y = draw(*ax.shape)
    reached = [(o - 1) * stride - 2 * padding + dilation * (k - 1) + 1 for o, k in zip(ax.shape[2:], w.shape[2:])]
    extra = tuple(s - r for s, r in zip(x.shape[2:], reached))
    aty = TRANSPOSE[n](y, w, None, stride, padding, extra, groups, dilation)
    assert aty.shape == x.shape
    np.testing.assert_allclose((ax * y).sum().array, (x * aty).sum().array, **CLOSE)


def test_same_padding_keeps_the_size_and_puts_the_odd_one_at_the_end():
    x, w = draw(1, 1, 5), draw(1, 1, 4)
    padded = np.pad(x.array, ((0, 0), (0, 0), (1, 2)))
    np.testing.assert_allclose(F.conv1d(x, w, padding="same").array, convolved(padded, w.array, 1, 0, 1, 1), **CLOSE)


def test_a_convolution_of_one_image_needs_no_batch():
    x, w = draw(2, 4, 4), draw(3, 2, 2, 2)
    np.testing.assert_array_equal(F.conv2d(x, w).array, F.conv2d(x.unsqueeze(0), w).array[0])


def test_fold_is_the_adjoint_of_unfold():
    x = draw(2, 3, 5, 4)
    columns = F.unfold(x, (2, 3), dilation=(2, 1), padding=1, stride=(1, 2))
    y = draw(*columns.shape)
    back = F.fold(y, (5, 4), (2, 3), dilation=(2, 1), padding=1, stride=(1, 2))
    np.testing.assert_allclose((columns * y).sum().array, (x * back).sum().array, **CLOSE)


# ---------------------------------------------------------------------------------------------------------------------
# Pooling.


def pooled(x, kernel, stride, padding, reduce):
    """`reduce` of the part of each window that lies inside."""
    h, w = ((s + 2 * padding - kernel) // stride + 1 for s in x.shape[-2:])
    y = np.zeros((*x.shape[:-2], h, w))
    for i, j in np.ndindex(h, w):
        rows, columns = (slice(max(0, a * stride - padding), a * stride - padding + kernel) for a in (i, j))
        y[..., i, j] = reduce(x[..., rows, columns], axis=(-2, -1))
    return y


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, 2, 0), (3, 1, 1), (3, 2, 1), (2, 3, 0)])
def test_pooling_is_its_definition(kernel, stride, padding):
    x = draw(2, 3, 7, 6)
    best, index = F.max_pool2d(x, kernel, stride, padding, return_indices=True)
    np.testing.assert_array_equal(best.array, pooled(x.array, kernel, stride, padding, np.max))
    rows, places = x.array.reshape(6, -1), index.array.reshape(6, -1)
    np.testing.assert_array_equal(np.take_along_axis(rows, places, 1), best.array.reshape(6, -1))
    total = pooled(x.array, kernel, stride, padding, np.sum) / kernel**2
    np.testing.assert_allclose(F.avg_pool2d(x, kernel, stride, padding).array, total, **CLOSE)
    inside = pooled(x.array, kernel, stride, padding, np.mean)
    np.testing.assert_allclose(F.avg_pool2d(x, kernel, stride, padding, count_include_pad=False).array, inside, **CLOSE)


def test_the_gradient_of_max_pooling_adds_up_where_windows_share_a_maximum():
    x = autograd.tensor([[[0.0, 5.0, 1.0]]], requires_grad=True)
    F.max_pool1d(x, 2, stride=1).sum().backward()
    np.testing.assert_array_equal(x.grad.array, [[[0, 2, 0]]])
    y = autograd.tensor([[[0.0, 5.0, 1.0, 3.0]]], requires_grad=True)
    F.max_pool1d(y, 2).sum().backward()
    np.testing.assert_array_equal(y.grad.array, [[[0, 1, 0, 1]]])


def test_the_index_of_a_maximum_is_inside_even_if_all_is_minus_infinity():
    x = autograd.full((1, 1, 2, 2), -math.inf)
    assert F.max_pool2d(x, 2, 2, 1, return_indices=True)[1].tolist() == [[[[0, 1], [2, 3]]]]


def test_a_nan_is_the_maximum():
    value, index = F.max_pool1d(autograd.tensor([[[1.0, math.nan, 2.0]]]), 3, return_indices=True)
    assert math.isnan(value.item())
    assert index.item() == 1


def test_unpooling_puts_maxima_back():
    x = draw(1, 2, 4, 6).abs()
    best, index = F.max_pool2d(x, 2, return_indices=True)
    back = F.max_unpool2d(best, index, 2)
    np.testing.assert_array_equal(back.array, np.where(np.isin(x.array, best.array), x.array, 0))


def test_adaptive_windows_run_from_floor_to_ceiling():
    x = draw(1, 1, 7)
    windows = [x.array[0, 0, i * 7 // 3 : -((i + 1) * 7 // -3)] for i in range(3)]
    np.testing.assert_allclose(F.adaptive_avg_pool1d(x, 3).array[0, 0], [w.mean() for w in windows], **CLOSE)
    np.testing.assert_array_equal(F.adaptive_max_pool1d(x, 3).array[0, 0], [w.max() for w in windows])


# ---------------------------------------------------------------------------------------------------------------------
# Normalisation.


def test_batch_norm_standardises_and_blends_the_running_statistics():
    x, weight, bias = draw(4, 3, 5), draw(3), draw(3)
    mean, var = wrap(np.full(3, 2.0)), wrap(np.full(3, 4.0))
    y = F.batch_norm(x, mean, var, weight, bias, training=True, momentum=0.25, eps=1e-3)
    m, v = x.array.mean((0, 2)), x.array.var((0, 2))
    across = (slice(None), None)
    expected = (x.array - m[across]) / np.sqrt(v[across] + 1e-3) * weight.array[across] + bias.array[across]
    np.testing.assert_allclose(y.array, expected, **CLOSE)
    np.testing.assert_allclose(mean.array, 0.75 * 2 + 0.25 * m, **CLOSE)
    np.testing.assert_allclose(var.array, 0.75 * 4 + 0.25 * v * 20 / 19, **CLOSE)  # unbiased: 20 values a channel
    kept = mean.array.copy(), var.array.copy()
    z = F.batch_norm(x, mean, var, eps=0.0)
    np.testing.assert_allclose(z.array, (x.array - kept[0][across]) / np.sqrt(kept[1][across]), **CLOSE)
    np.testing.assert_array_equal((mean.array, var.array), kept)


@pytest.mark.parametrize(("function", "axes"), [
    (lambda x: F.layer_norm(x, (4, 5), eps=1e-3), (2, 3)),
    (lambda x: F.instance_norm(x, eps=1e-3), (2, 3)),
    (lambda x: F.group_norm(x, 1, eps=1e-3), (1, 2, 3)),
])  # fmt: skip
def test_the_other_norms_standardise_over_their_dimensions(function, axes):
    x = draw(2, 3, 4, 5)
    centred = x.array - x.array.mean(axes, keepdims=True)
    np.testing.assert_allclose(function(x).array, centred / np.sqrt(x.array.var(axes, keepdims=True) + 1e-3), **CLOSE)


def test_rms_norm_and_normalize():
    x = draw(3, 4)
    rms = np.sqrt((x.array**2).mean(-1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(F.rms_norm(x, (4,), eps=1e-3).array, x.array / rms, **CLOSE)
    np.testing.assert_allclose(F.normalize(x, p=1, dim=0).array, x.array / np.abs(x.array).sum(0), **CLOSE)


# ---------------------------------------------------------------------------------------------------------------------
# Losses.


LOGITS, CLASSES, WEIGHT = draw(5, 4, 2), wrap(rng.integers(0, 4, (5, 2))), wrap(rng.random(4) + 0.5)


def log_probabilities(x):
    return x - np.log(np.exp(x).sum(1, keepdims=True))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ignore", [-100, 1])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_cross_entropy_is_its_formula(weighted, ignore, smoothing):
    """Σ_n -Σ_c w_c q_c ln p_c with q = (1 - s) 1[c = y] + s/C, over what is kept; the mean divides by Σ_n w_{y_n}."""
    w = WEIGHT.array if weighted else np.ones(4)
    logp, y = log_probabilities(LOGITS.array), CLASSES.array
    q = (1 - smoothing) * (y[:, None] == np.arange(4)[:, None]) + smoothing / 4
    each = -(w[:, None] * q * logp).sum(1) * (y != ignore)
    options = {"weight": WEIGHT if weighted else None, "ignore_index": ignore, "label_smoothing": smoothing}
    mean = each.sum() / (w[y] * (y != ignore)).sum()
    for reduction, expected in (("none", each), ("sum", each.sum()), ("mean", mean)):
        loss = F.cross_entropy(LOGITS, CLASSES, reduction=reduction, **options)
        np.testing.assert_allclose(loss.array, expected, **CLOSE)


def test_cross_entropy_of_probabilities():
    q = rng.random((5, 4, 2))
    each = -(WEIGHT.array[:, None] * q * log_probabilities(LOGITS.array)).sum(1)
    np.testing.assert_allclose(F.cross_entropy(LOGITS, wrap(q), WEIGHT).array, each.mean(), **CLOSE)


def test_the_gradient_of_cross_entropy_is_softmax_minus_one_hot():
    x, y = leaf(3, 4), wrap(np.array([0, 3, 1]))
    F.cross_entropy(x, y, reduction="sum").backward()
    np.testing.assert_allclose(x.grad.array, np.exp(log_probabilities(x.array)) - np.eye(4)[y.array], **CLOSE)


def test_binary_cross_entropies_agree_and_stay_finite():
    x, y = draw(6), wrap(rng.random(6))
    p = 1 / (1 + np.exp(-x.array))
    expected = -(y.array * np.log(p) + (1 - y.array) * np.log(1 - p))
    np.testing.assert_allclose(F.binary_cross_entropy(wrap(p), y, reduction="none").array, expected, **CLOSE)
    np.testing.assert_allclose(F.binary_cross_entropy_with_logits(x, y, reduction="none").array, expected, **CLOSE)
    z = autograd.tensor([-1000.0, 1000.0])
    np.testing.assert_array_equal(F.binary_cross_entropy_with_logits(z, z > 0, reduction="none").array, [0, 0])
    wrong = F.binary_cross_entropy((z < 0).float(), (z > 0).float())
    np.testing.assert_array_equal(wrong.array, 100)  # the logarithm is cut off at -100


X, Y = np.array([0.5, -2.0, 3.0]), np.array([0.0, 1.0, 3.0])  # differences 0.5, -3, 0


@pytest.mark.parametrize(("loss", "expected"), [
    (lambda x, y: F.mse_loss(x, y), (0.25 + 9) / 3),
    (lambda x, y: F.l1_loss(x, y, reduction="sum"), 3.5),
    (lambda x, y: F.smooth_l1_loss(x, y, reduction="none", beta=2.0), [0.0625, 2, 0]),
    (lambda x, y: F.huber_loss(x, y, reduction="none", delta=2.0), [0.125, 4, 0]),
    (lambda x, y: F.poisson_nll_loss(x, y, reduction="none"), np.exp(X) - Y * X),
    (lambda x, y: F.gaussian_nll_loss(x, y, 2.0, reduction="none"), (np.log(2) + (X - Y) ** 2 / 2) / 2),
    (lambda x, y: F.kl_div(x, y, reduction="sum"), 3 * np.log(3) - (-2 + 9)),
    (lambda x, y: F.hinge_embedding_loss(x, autograd.tensor([1, -1, -1]), reduction="none"), [0.5, 3, 0]),
    (lambda x, y: F.margin_ranking_loss(x, y, autograd.tensor([1, 1, -1]), margin=1.0, reduction="none"), [0.5, 4, 1]),
    (lambda x, y: F.soft_margin_loss(x, y * 2 - 1, reduction="none"), np.log1p(np.exp([0.5, 2, -15]))),
    (lambda x, y: F.triplet_margin_loss(x, y, y + 1, margin=2.0, eps=0.0), np.sqrt(9.25) - np.sqrt(17.25) + 2),
    (lambda x, y: F.cosine_embedding_loss(x, y, autograd.tensor(-1)), (-2 + 9) / np.sqrt((0.25 + 4 + 9) * 10)),
    (lambda x, y: F.multi_margin_loss(x, autograd.tensor(0)), (0 + 3.5) / 3),
])  # fmt: skip
def test_losses_are_their_formulas(loss, expected):
    """To 1e-9 at least: the cosine's adds 1e-12 to squared norms."""
    np.testing.assert_allclose(loss(wrap(X), wrap(Y)).array, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("labels", [[], [1], [1, 1], [2, 1]])
def test_ctc_sums_over_all_paths_that_read_the_target(labels):
    p = np.exp(log_probabilities(draw(4, 3).array))
    total = 0.0
    for path in itertools.product(range(3), repeat=4):
        read = [c for c, _ in itertools.groupby(path) if c != 0]
        total += np.prod(p[range(4), path]) * (read == labels)
    loss = F.ctc_loss(wrap(np.log(p)), wrap(np.array(labels, int)), [4], [len(labels)], reduction="sum")
    np.testing.assert_allclose(loss.array, -np.log(total), **CLOSE)


def test_the_older_arguments_of_losses_mean_what_they_meant():
    x, y = draw(4), draw(4)
    for old, new in (({"size_average": False}, "sum"), ({"reduce": False}, "none"), ({"size_average": True}, "mean")):
        with pytest.warns(UserWarning, match=f"write reduction='{new}'"):
            loss = F.mse_loss(x, y, **old)
        np.testing.assert_array_equal(loss.array, F.mse_loss(x, y, reduction=new).array)


def test_a_target_of_another_shape_is_warned_about():
    with pytest.warns(UserWarning, match="broadcast"):
        F.mse_loss(draw(3, 1), draw(3))


# ---------------------------------------------------------------------------------------------------------------------
# Look-ups, distances, dropout, resampling.


def test_embedding_adds_the_gradients_of_repeated_rows_but_none_to_the_padding():
    weight, index = leaf(4, 2), autograd.tensor([[1, 3], [3, 0]])
    F.embedding(index, weight, padding_idx=0).sum().backward()
    np.testing.assert_array_equal(weight.grad.array, [[0, 0], [1, 1], [0, 0], [2, 2]])


def test_embedding_can_share_the_gradient_by_frequency_and_shorten_rows():
    weight, index = leaf(3, 2), autograd.tensor([2, 2, 1])
    F.embedding(index, weight, scale_grad_by_freq=True).sum().backward()
    np.testing.assert_array_equal(weight.grad.array, [[0, 0], [1, 1], [1, 1]])
    long = autograd.tensor([[3.0, 4.0], [30.0, 40.0]])
    assert F.embedding(autograd.tensor([0]), long, max_norm=1.0).tolist() == [[pytest.approx(0.6), pytest.approx(0.8)]]
    assert long[1].tolist() == [30.0, 40.0]  # not looked up, not shortened


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_are_embeddings_reduced(mode):
    weight, index = draw(5, 3), autograd.tensor([0, 4, 4, 2])
    rows = weight.array[index.array]
    reduce = {"sum": np.sum, "mean": np.mean, "max": np.max}[mode]
    bags = F.embedding_bag(index, weight, autograd.tensor([0, 1, 1]), mode=mode)
    np.testing.assert_allclose(bags.array, [rows[0], np.zeros(3), reduce(rows[1:], axis=0)], **CLOSE)


def test_distances():
    a, b = draw(3, 4), draw(3, 4)
    cosine = (a.array * b.array).sum(1) / np.linalg.norm(a.array, axis=1) / np.linalg.norm(b.array, axis=1)
    np.testing.assert_allclose(F.cosine_similarity(a, b).array, cosine, **CLOSE)
    expected = np.linalg.norm(a.array - b.array + 1e-6, axis=1)
    np.testing.assert_allclose(F.pairwise_distance(a, b).array, expected, **CLOSE)
    assert F.one_hot(autograd.tensor([2, 0])).tolist() == [[0, 0, 1], [1, 0, 0]]


def test_dropout_scales_what_it_keeps_and_repeats_with_the_seed():
    x = autograd.ones(1000)
    first, again = (F.dropout(x, 0.2) for _ in range(2) if autograd.manual_seed(1))
    np.testing.assert_array_equal(first.array, again.array)
    assert set(first.tolist()) == {0.0, 1.25}
    assert 150 < (first.array == 0).sum() < 250  # four standard deviations of a binomial of 1000 and 0.2
    assert F.dropout(x, 0.2, training=False) is x
    assert F.dropout(x, 1.0).sum().item() == 0


def test_channel_dropout_drops_whole_channels():
    autograd.manual_seed(0)
    y = F.dropout2d(autograd.ones(8, 8, 3, 3), 0.5).array.reshape(8, 8, 9)
    assert (y == y[..., :1]).all()
    assert set(y[0, :, 0]) == set(y[:, 0, 0]) == {0.0, 2.0}


def test_alpha_dropout_keeps_mean_and_variance():
    autograd.manual_seed(0)
    y = F.alpha_dropout(autograd.randn(20000), 0.3, training=True).array
    assert abs(y.mean()) < 0.03  # four standard errors: 4/√20000
    assert abs(y.var() - 1) < 0.06


def test_rrelu_draws_slopes_in_training_only():
    x = autograd.tensor([-1.0, 2.0]).expand(500, 2).clone()
    autograd.manual_seed(0)
    y = F.rrelu(x, 0.25, 0.75, training=True).array
    np.testing.assert_array_equal(y[:, 1], 2)
    assert ((y[:, 0] >= -0.75) & (y[:, 0] <= -0.25)).all()
    assert len(np.unique(y[:, 0])) > 400
    np.testing.assert_array_equal(F.rrelu(x, 0.25, 0.75).array[:, 0], -0.5)


def test_interpolation_is_exact_on_straight_lines():
    line = autograd.arange(5.0).reshape(1, 1, 5)
    np.testing.assert_allclose(F.interpolate(line, 9, mode="linear", align_corners=True).array[0, 0], np.arange(9) / 2)
    plane = (autograd.arange(4.0).reshape(4, 1) + 10 * autograd.arange(3.0)).reshape(1, 1, 4, 3)
    grown = F.interpolate(plane, (7, 5), mode="bilinear", align_corners=True).array[0, 0]
    np.testing.assert_allclose(grown, np.arange(7)[:, None] / 2 + 5 * np.arange(5), rtol=1e-6)  # float32


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_padding_is_numpys(mode):
    x = draw(1, 4, 5)
    names = {"replicate": "edge", "circular": "wrap"}
    expected = np.pad(x.array, ((0, 0), (2, 1), (1, 3)), names.get(mode, mode))
    np.testing.assert_array_equal(F.pad(x, (1, 3, 2, 1), mode).array, expected)


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_sampling_at_the_pixels_gives_the_pixels(mode, align):
    x = draw(1, 2, 3, 4)
    grid = F.affine_grid(wrap(np.eye(2, 3)[None]), x.shape, align)
    np.testing.assert_allclose(F.grid_sample(x, grid, mode, align_corners=align).array, x.array, **CLOSE)


@pytest.mark.parametrize(("padding", "expected"), [
    ("zeros", [0, 0, 1, 2]), ("border", [1, 1, 1, 2]), ("reflection", [2, 1, 1, 2])
])  # fmt: skip
def test_sampling_outside(padding, expected):
    """Two pixels to the left, in an image of width 4: grid coordinates are halves of it."""
    x = autograd.tensor([[[[1.0, 2.0, 3.0, 4.0]]]])
    grid = F.affine_grid(autograd.tensor([[[1.0, 0.0, -1.0], [0.0, 1.0, 0.0]]]), x.shape, False)
    assert F.grid_sample(x, grid, padding_mode=padding, align_corners=False).tolist() == [[[expected]]]


# ---------------------------------------------------------------------------------------------------------------------
# Calls that cannot be meant.


@pytest.mark.parametrize("call", [
    lambda x: F.linear(x, draw(4, 3)),
    lambda x: F.conv1d(x, draw(1, 1, 1)),
    lambda x: F.max_pool1d(x, 1),
    lambda x: F.adaptive_avg_pool1d(x, 1),
    lambda x: F.embedding(x, draw(4, 3)),
    lambda x: F.dropout(x),
    lambda x: F.batch_norm(x, None, None, training=True),
    lambda x: F.layer_norm(x, 3),
    lambda x: F.mse_loss(x, draw(3)),
    lambda x: F.cross_entropy(draw(3, 3), x),
    lambda x: F.binary_cross_entropy_with_logits(draw(3), x),
])  # fmt: skip
def test_what_is_no_tensor_is_named(call):
    with pytest.raises(WengertError, match="must be a Tensor, got ndarray"):
        call(np.zeros(3))


@pytest.mark.parametrize(("call", "says"), [
    (lambda: F.conv2d(draw(1, 3, 5, 5), draw(4, 2, 3, 3)), "expects input with 2 channels, got 3"),
    (lambda: F.conv2d(draw(1, 2, 2, 2), draw(4, 2, 3, 3)), "larger than the padded input"),
    (lambda: F.conv1d(draw(1, 2, 5), draw(3, 2, 2), groups=0), "groups must be a positive int"),
    (lambda: F.conv_transpose1d(draw(1, 2, 5), draw(2, 3, 2), output_padding=1), "must be smaller than stride"),
    (lambda: F.max_pool2d(draw(1, 1, 4, 4), 2, padding=2), "at most half"),
    (lambda: F.avg_pool2d(draw(4, 4), 2), "avg_pool2d: input must be"),
    (lambda: F.linear(draw(2, 3), draw(4, 5)), "in_features=5"),
    (lambda: F.batch_norm(draw(1, 3), None, None, training=True), "more than one value"),
    (lambda: F.layer_norm(draw(2, 3), (4,)), "must be the last sizes"),
    (lambda: F.cross_entropy(draw(2, 3), autograd.tensor([0, 3])), "classes outside"),
    (lambda: F.cross_entropy(draw(2, 3), autograd.tensor([0.0, 1.0])), "int64 class numbers"),
    (lambda: F.binary_cross_entropy(draw(3) + 9, draw(3)), "with_logits"),
    (lambda: F.mse_loss(draw(2), draw(2), reduction="average"), "reduction must be"),
    (lambda: F.embedding(autograd.tensor([4]), draw(4, 2)), "rows 0..3"),
    (lambda: F.embedding(autograd.tensor([1.0]), draw(4, 2)), "long"),
    (lambda: F.dropout(draw(3), 1.5), "probability"),
    (lambda: F.pad(draw(2, 3), (4, 0), "reflect"), "at most 2"),
    (lambda: F.interpolate(draw(1, 1, 4), 8, 2.0), "either size or scale_factor"),
    (lambda: F.cosine_similarity(draw(2, 3), draw(2, 4)), "do not fit"),
    (lambda: F.grid_sample(draw(1, 1, 2, 2), draw(1, 2, 2, 3), align_corners=True), "goes with grid"),
    (lambda: F.ctc_loss(draw(2, 1, 3), autograd.tensor([[1]]), [3], [1]), "input_lengths must lie in 1..2"),
])  # fmt: skip
def test_errors_say_what_is_wrong(call, says):
    with pytest.raises(WengertError, match=says):
        call()
