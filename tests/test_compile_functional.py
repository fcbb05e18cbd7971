"""Functions of `nn.functional` and of tensors as programs: recorded on some values, right on others."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import autograd
import nn.functional as F
from tests.programs import check, frozen_heap
from tests.samples import Sample, scalar_of

frozen_heap = pytest.fixture(autouse=True, scope="module")(frozen_heap)


def floats(*shape, low=-1.0, high=1.0, grad=True):
    return lambda rng: autograd.tensor(rng.uniform(low, high, shape)).requires_grad_(grad)


def whole(*shape, n=3):
    return lambda rng: autograd.tensor(rng.integers(0, n, shape))


def mask(*shape):
    return lambda rng: autograd.tensor(rng.permutation(np.arange(int(np.prod(shape))) % 3 > 0).reshape(shape))


def fixed(*values):
    return lambda rng: autograd.tensor(list(values))


x23, x45, image = floats(2, 3), floats(4, 5), floats(2, 4, 6, 6)
positive = functools.partial(floats, low=0.2, high=0.9)
labels = whole(4, n=5)
signs = lambda *shape: lambda rng: autograd.tensor(np.sign(rng.uniform(-1, 1, shape)))
constant = functools.partial(floats, grad=False)

LOSSES = {
    "mse": (F.mse_loss, x23, x23),
    "l1": (F.l1_loss, x23, x23),
    "smooth_l1": (F.smooth_l1_loss, x23, x23),
    "huber": (lambda a, b: F.huber_loss(a, b, delta=0.3), x23, x23),
    "cross_entropy": (F.cross_entropy, x45, labels),
    "cross_entropy_weight": (lambda x, y, w: F.cross_entropy(x, y, w), x45, labels, positive(5, grad=False)),
    "cross_entropy_ignore": (lambda x, y: F.cross_entropy(x, y, ignore_index=1), x45, labels),
    "cross_entropy_smooth": (lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1), x45, labels),
    "cross_entropy_smooth_weight": (
        lambda x, y, w: F.cross_entropy(x, y, w, ignore_index=0, label_smoothing=0.1),
        x45,
        labels,
        positive(5, grad=False),
    ),
    "cross_entropy_soft": (lambda x, y: F.cross_entropy(x, y.softmax(1)), x45, x45),
    "cross_entropy_images": (F.cross_entropy, floats(2, 5, 3), whole(2, 3, n=5)),
    "cross_entropy_sum": (lambda x, y: F.cross_entropy(x, y, reduction="sum"), x45, labels),
    "nll": (lambda x, y: F.nll_loss(x.log_softmax(1), y), x45, labels),
    "nll_weight": (lambda x, y, w: F.nll_loss(x, y, w, ignore_index=2), x45, labels, positive(5, grad=False)),
    "nll_one": (F.nll_loss, floats(5), whole(n=5)),
    "bce": (F.binary_cross_entropy, positive(2, 3), positive(2, 3, grad=False)),
    "bce_logits": (
        lambda x, y, w: F.binary_cross_entropy_with_logits(x, y, pos_weight=w),
        x23,
        positive(2, 3, grad=False),
        positive(3, grad=False),
    ),
    "kl_div": (lambda x, y: F.kl_div(x, y, reduction="batchmean"), x23, positive(2, 3, grad=False)),
    "poisson": (F.poisson_nll_loss, x23, positive(2, 3, grad=False)),
    "gaussian": (F.gaussian_nll_loss, x23, x23, positive(2, 3)),
    "hinge": (F.hinge_embedding_loss, x23, signs(2, 3)),
    "margin_ranking": (F.margin_ranking_loss, x23, x23, signs(2, 3)),
    "cosine_embedding": (F.cosine_embedding_loss, x23, x23, signs(2)),
    "triplet": (F.triplet_margin_loss, x23, x23, x23),
    "multi_margin": (F.multi_margin_loss, x45, labels),
    "multilabel_soft_margin": (F.multilabel_soft_margin_loss, x45, whole(4, 5, n=2)),
    "soft_margin": (F.soft_margin_loss, x23, signs(2, 3)),
    "multilabel_margin": (
        F.multilabel_margin_loss,
        x45,
        lambda rng: autograd.tensor(np.stack([np.r_[rng.permutation(5)[:2], -1, -1, -1] for _ in range(4)])),
    ),
    "ctc": (
        lambda x, y: F.ctc_loss(x.log_softmax(2), y, (6, 5), (2, 3)),
        floats(6, 2, 4),
        lambda rng: autograd.tensor(rng.integers(1, 4, (2, 3))),
    ),
}
LAYERS = {
    "batch_norm": (
        lambda x, m, v, w, b: F.batch_norm(x, m, v, w, b, training=True),
        image,
        constant(4),
        positive(4, grad=False),
        floats(4),
        floats(4),
    ),
    "batch_norm_eval": (lambda x, m, v: F.batch_norm(x, m, v), image, constant(4), positive(4, grad=False)),
    "layer_norm": (lambda x, w, b: F.layer_norm(x, (3,), w, b), x23, floats(3), floats(3)),
    "group_norm": (lambda x, w, b: F.group_norm(x, 2, w, b), image, floats(4), floats(4)),
    "instance_norm": (F.instance_norm, image),
    "rms_norm": (lambda x, w: F.rms_norm(x, (3,), w), x23, floats(3)),
    "local_response_norm": (lambda x: F.local_response_norm(x, 3), image),
    "normalize": (F.normalize, x23),
    "cosine_similarity": (F.cosine_similarity, x23, x23),
    "dropout": (F.dropout, image),
    "dropout_transposed": (lambda x: F.dropout(x.permute(0, 3, 1, 2) * 2), image),
    "dropout1d": (F.dropout1d, floats(2, 4, 6)),
    "dropout2d": (F.dropout2d, image),
    "dropout_inplace": (lambda x: F.dropout(x * 1, inplace=True), x23),
    "alpha_dropout": (lambda x: F.alpha_dropout(x, training=True), x23),
    "feature_alpha_dropout": (lambda x: F.feature_alpha_dropout(x, training=True), image),
    "rrelu": (lambda x: F.rrelu(x, training=True), x23),
    "gumbel": (F.gumbel_softmax, x23),
    "gumbel_hard": (lambda x: F.gumbel_softmax(x, hard=True), x23),
    "embedding": (lambda w, i: F.embedding(i, w, padding_idx=1), x45, whole(3, 2, n=4)),
    "embedding_bag": (lambda w, i: F.embedding_bag(i, w), x45, whole(3, 2, n=4)),
    "embedding_bag_max": (lambda w, i: F.embedding_bag(i, w, fixed(0, 2)(None), mode="max"), x45, whole(6, n=4)),
    "embedding_bag_weights": (
        lambda w, i, u: F.embedding_bag(i, w, mode="sum", per_sample_weights=u),
        x45,
        whole(3, 2, n=4),
        floats(3, 2),
    ),
    "one_hot": (lambda i, x: F.one_hot(i, 5) * x, whole(4, n=5), x45),
    "attention": (F.scaled_dot_product_attention, *(floats(2, 2, 5, 4),) * 3),
    "attention_causal": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
        *(floats(2, 2, 5, 4),) * 3,
    ),
    "attention_mask": (
        lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m),
        *(floats(2, 5, 4),) * 3,
        mask(5, 5),
    ),
    "attention_dropout": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, dropout_p=0.3),
        *(floats(2, 5, 4),) * 3,
    ),
    "max_pool": (lambda x: F.max_pool2d(x, 2), image),
    "max_pool_padded": (lambda x: F.max_pool2d(x, 3, 2, 1), image),
    "max_pool_back": (lambda x: F.max_unpool2d(*F.max_pool2d_with_indices(x, 2), 2), image),
    "avg_pool": (lambda x: F.avg_pool2d(x, 3, 2, 1), image),
    "lp_pool": (lambda x: F.lp_pool2d(x, 2, 2), image),
    "adaptive_avg": (lambda x: F.adaptive_avg_pool2d(x, (4, 5)), image),
    "adaptive_max": (lambda x: F.adaptive_max_pool2d(x, (4, 5)), image),
    "conv": (lambda x, w, b: F.conv2d(x, w, b, 2, 1), image, floats(6, 4, 3, 3), floats(6)),
    "conv_groups": (lambda x, w: F.conv2d(x, w, groups=2), image, floats(6, 2, 3, 3)),
    "conv_transpose": (lambda x, w: F.conv_transpose2d(x, w, stride=2), image, floats(4, 3, 2, 2)),
    "interpolate": (lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), image),
    "interpolate_nearest": (lambda x: F.interpolate(x, size=(4, 9)), image),
    "grid_sample": (lambda x, g: F.grid_sample(x, g, align_corners=False), image, floats(2, 3, 3, 2)),
    "affine_grid": (lambda t: F.affine_grid(t, (2, 1, 3, 4), align_corners=True), floats(2, 2, 3)),
    "unfold": (lambda x: F.unfold(x, 2), image),
    "pixel_shuffle": (lambda x: F.pixel_shuffle(x, 2), image),
    "pad_reflect": (lambda x: F.pad(x, (1, 2, 2, 1), mode="reflect"), image),
    "pad_circular": (lambda x: F.pad(x, (1, 2, 2, 1), mode="circular"), image),
    "pad_replicate": (lambda x: F.pad(x, (1, 2, 2, 1), mode="replicate"), image),
    "glu": (F.glu, floats(2, 4)),
    "softmin": (lambda x: F.softmin(x, 1), x23),
    "bilinear": (F.bilinear, x23, floats(2, 4), floats(5, 3, 4)),
    "pairwise_distance": (F.pairwise_distance, x23, x23),
    "pdist": (F.pdist, x45),
}
TENSORS = {
    "getitem_mask": (lambda x, m: x[m], x23, mask(2, 3)),
    "getitem_index": (lambda x, i: x[i], x45, whole(3, n=4)),
    "setitem": (lambda x, i, y: _set(x * 1, i, y), x45, whole(3, n=4), floats(3, 5)),
    "setitem_mask": (lambda x, m: _set(x * 1, m, 0.5), x23, mask(2, 3)),
    "setitem_slice": (lambda x, y: _set(x * 1, (slice(1, 3), slice(None, None, 2)), y), x45, floats(2, 3)),
    "setitem_view": (lambda x, y: _set((x * 1).T, (slice(1, 3),), y), x45, floats(2, 4)),
    "view_written": (lambda x, y: _write_view(x * 1, y), x45, floats(5)),
    "gather": (lambda x, i: x.gather(1, i), x45, whole(4, 2, n=5)),
    "scatter": (lambda x, i, y: x.scatter(1, i, y), x45, fixed([0, 2], [1, 3], [4, 0], [2, 1]), floats(4, 2)),
    "scatter_add": (lambda x, i, y: x.scatter_add(1, i, y), x45, whole(4, 2, n=5), floats(4, 2)),
    "scatter_reduce": (lambda x, i, y: x.scatter_reduce(1, i, y, "amax"), x45, whole(4, 2, n=5), floats(4, 2)),
    "scatter_mean": (lambda x, i, y: x.scatter_reduce(1, i, y, "mean"), x45, whole(4, 2, n=5), floats(4, 2)),
    "scatter_prod": (lambda x, i, y: x.scatter_reduce(1, i, y, "prod"), x45, whole(4, 2, n=5), floats(4, 2)),
    "index_add": (lambda x, i, y: x.index_add(0, i, y), x45, whole(3, n=4), floats(3, 5)),
    "index_put": (lambda x, i, y: x.index_put((i,), y, accumulate=True), x45, whole(3, n=4), floats(3, 5)),
    "index_fill": (lambda x, i: x.index_fill(0, i, 2.0), x45, whole(2, n=4)),
    "index_select": (lambda x, i: x.index_select(1, i), x45, whole(3, n=5)),
    "masked_scatter": (lambda x, m, y: x.masked_scatter(m, y), x23, mask(2, 3), floats(6)),
    "masked_fill": (lambda x, m: x.masked_fill(m, -1.0), x23, mask(2, 3)),
    "where": (lambda x, m: autograd.where(m, x, 0.0), x23, mask(2, 3)),
    "where_numbers": (lambda x, m: x * autograd.where(m, 1.0, 2.0), x23, mask(2, 3)),
    "take": (lambda x, i: autograd.take(x, i), x45, whole(3, n=20)),
    "repeat_interleave": (lambda x: x.repeat_interleave(2, 0), x23),
    "searchsorted": (lambda a, v, x: autograd.searchsorted(a.sort(-1)[0], v) * x, constant(2, 4), constant(2, 3), x23),
    "bucketize": (lambda v, x: autograd.bucketize(v, autograd.tensor([-0.5, 0.0, 0.5])) * x, constant(2, 3), x23),
    "isin": (lambda i, x: autograd.isin(i, autograd.tensor([0, 2])) * x, whole(2, 3), x23),
    "bincount": (lambda i, x: autograd.bincount(i, minlength=5) * x, whole(7, n=5), x45),
    "histc": (lambda v, x: autograd.histc(v, 5, -1, 1) * x, constant(9), x45),
    "cdist": (autograd.cdist, x45, x45),
    "cummax": (lambda x: autograd.cummax(x, 1)[0], x45),
    "median": (lambda x: x.median(1)[0], x45),
    "median_all": (lambda x: x.median(), x45),
    "quantile_like": (lambda x: x.sort(1)[0][:, 2], x45),
    "topk": (lambda x: x.topk(2, 1)[0], x45),
    "mode": (lambda x, i: x * i.mode(1)[0].reshape(-1, 1), x45, whole(4, 3)),
    "max_dim": (lambda x: x.max(1), x45),
    "std": (lambda x: x.std(1), x45),
    "var_mean": (lambda x: autograd.var_mean(x, 1), x45),
    "norm": (lambda x: x.norm(), x45),
    "norm_inf": (lambda x: autograd.linalg.vector_norm(x, float("inf")), x45),
    "renorm": (lambda x: autograd.renorm(x, 2, 0, 0.7), x45),
    "einsum": (lambda a, b: autograd.einsum("ij,kj->ik", a, b), x45, floats(3, 5)),
    "kron": (autograd.kron, x23, x23),
    "tensordot": (lambda a, b: autograd.tensordot(a, b, 1), x23, floats(3, 2)),
    "det": (autograd.det, floats(3, 3)),
    "logdet": (lambda x: autograd.logdet(x @ x.T + 1), floats(2, 2)),
    "pinverse": (autograd.pinverse, x23),
    "matrix_power": (lambda x: autograd.matrix_power(x, 3), floats(3, 3)),
    "matrix_rank": (lambda x: autograd.linalg.matrix_rank(x) * x, x23),
    "eigh": (lambda x: autograd.linalg.eigh(x + x.T)[0], floats(3, 3)),
    "cholesky": (lambda x: autograd.cholesky(x @ x.T + 3 * autograd.eye(3, dtype=autograd.float64)), floats(3, 3)),
    "cumprod": (lambda x: x.cumprod(1), x45),
    "prod": (lambda x: x.prod(1), x45),
    "logsumexp": (lambda x: x.logsumexp(1), x45),
    "logcumsumexp": (lambda x: autograd.logcumsumexp(x, 1), x45),
    "roll": (lambda x: x.roll(1, 0), x45),
    "rot90": (lambda x: autograd.rot90(x), x45),
    "diff": (lambda x: autograd.diff(x), x45),
    "trapezoid": (lambda y, x: autograd.trapezoid(y, x), x45, x45),
    "combinations": (lambda x: autograd.combinations(x, 2), floats(4)),
    "cartesian": (autograd.cartesian_prod, floats(2), floats(3)),
    "block_diag": (autograd.block_diag, x23, x45),
    "vander": (lambda x: autograd.vander(x), floats(4)),
    "cross": (lambda a, b: autograd.cross(a, b), x23, x23),
    "meshgrid": (lambda a, b: autograd.meshgrid(a, b, indexing="ij"), floats(2), floats(3)),
    "stack": (lambda a, b: autograd.stack([a, b], 1), x23, x23),
    "split": (lambda x: autograd.split(x, 2, 1), x45),
    "unbind": (lambda x: x.unbind(0), x23),
    "chunk": (lambda x: x.chunk(2, 0), x45),
    "clamp": (lambda x, low: x.clamp(low, 0.5), x45, constant(4, 1)),
    "lerp": (lambda a, b: a.lerp(b, 0.3), x23, x23),
    "nan_to_num": (lambda x: autograd.nan_to_num(x.sqrt()), x45),
    "polygamma": (lambda x: autograd.polygamma(1, x), positive(3)),
    "linspace": (lambda x: x * autograd.linspace(x.detach()[0, 0], 2.0, 3), x23),
    "tensor_of": (lambda x: x * autograd.tensor(x.detach() * 2), x23),
    "arange": (lambda x: x * autograd.arange(3), x23),
    "eye": (lambda x: x @ autograd.eye(3, dtype=autograd.float64), x23),
    "full_like": (lambda x: x * autograd.full_like(x, 3.0), x23),
    "zeros_written": (lambda x: autograd.zeros(2, 3, dtype=autograd.float64).copy_(x) * x, x23),
    "new_written": (lambda x, i: _set(autograd.zeros(4, 3, dtype=autograd.float64), i, x) * 2, x23, fixed(3, 1)),
    "add_": (lambda x, y: (x * 2).add_(y).mul_(x), x23, x23),
    "mask_": (lambda x, m: (x * 2).masked_fill_(m, 0.0), x23, mask(2, 3)),
    "argument_written": (lambda c, x: c.add_(x.detach()) * x, constant(2, 3), x23),
    "argument_view_written": (lambda c, x: c[0].mul_(2.0) * x, constant(2, 3), x23),
    "tril": (lambda x: x.tril(), x45),
    "trace": (lambda x: x.trace(), x45),
    "unique": (lambda i, x: autograd.unique(i).sum() * x, whole(8), x23),
    "nonzero": (lambda m, x: autograd.nonzero(m).sum() * x, mask(2, 3), x23),
    "shape_of_values": (lambda m, x: x[: m.sum()] * 2, mask(6), floats(6)),
    "int_index": (lambda i, x: x[i] * 2, whole(n=4), x45),
    "float16": (lambda x: x.to(autograd.float32).to(autograd.float64) * 2, x23),
    "detach": (lambda x: x * x.detach(), x23),
}
RANDOM = {
    "rand": (lambda x: x * autograd.rand(2, 3, dtype=autograd.float64), x23),
    "randn_few": (lambda x: x * autograd.randn(2, 3, dtype=autograd.float64), x23),
    "randn": (lambda x: x * autograd.randn(4, 5, dtype=autograd.float64), x45),
    "randn_like": (lambda x: x * autograd.randn_like(x), image),
    "randint": (lambda x: x * autograd.randint(0, 9, (2, 3)), x23),
    "randperm": (lambda x: x[autograd.randperm(4)], x45),
    "bernoulli": (lambda x, p: x * autograd.bernoulli(p), x23, positive(2, 3, grad=False)),
    "normal": (lambda x, s: x * autograd.normal(x.detach(), s), x45, positive(4, 5, grad=False)),
    "normal_": (lambda x: x * autograd.empty(4, 5, dtype=autograd.float64).normal_(), x45),
    "uniform_": (lambda x: x * autograd.empty(2, 3, dtype=autograd.float64).uniform_(-1, 1), x23),
    "bernoulli_": (lambda x: x * autograd.empty(2, 3, dtype=autograd.float64).bernoulli_(0.3), x23),
    "multinomial": (lambda w, x: autograd.multinomial(w, 2) * x, positive(3, 4, grad=False), floats(3, 2)),
    "multinomial_again": (lambda w, x: autograd.multinomial(w, 2, True) * x, positive(3, 4, grad=False), floats(3, 2)),
    "noise_then_branch": (lambda x: _branch(x * autograd.rand(2, 3, dtype=autograd.float64)), x23),
}
CASES = {**LOSSES, **LAYERS, **TENSORS, **RANDOM}
VIEWS_OF_INPUTS = {"split", "unbind", "chunk", "meshgrid"}  # which no result of a program can be


def _set(x, key, value):
    x[key] = value
    return x


def _write_view(x, y):
    row = x[1]
    row += y
    return x * 2


def _branch(x):
    return x * 2 if (x > -2).all() else x


def step_of(f):
    """`f` and the gradients of a weighted sum of what it returns."""

    def step(factor, *tensors):
        result = f(*tensors)
        found = [result] if isinstance(result, autograd.Tensor) else list(result)
        total = scalar_of(lambda: found, Sample((), {}))
        leaves = [t for t in tensors if t.requires_grad]
        if not isinstance(total, autograd.Tensor) or total.node is None:
            return found
        grads = autograd.grad(total * factor, leaves, materialize_grads=True)
        return [t.detach() for t in found], grads

    return step


@pytest.mark.parametrize("name", CASES)
def test_function(name):
    f, *makes = CASES[name]

    def inputs(seed):
        def make():
            rng = np.random.default_rng(seed)
            return [autograd.tensor(1.0 + seed, dtype=autograd.float64), *(one(rng) for one in makes)]

        return make

    obstacle = check(step_of(f), inputs(0), inputs(1), 1e-10)
    assert bool(obstacle) == (name in VIEWS_OF_INPUTS), obstacle
    assert not obstacle or "a view of a tensor that was there before" in obstacle
