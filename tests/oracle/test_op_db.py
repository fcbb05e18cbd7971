"""PyTorch's own operator database, run on our ops: values, gradients, and the calls that must fail."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_methods_invocations import op_db

import autograd
import nn.functional
from autograd.tensor import Tensor, wrap
from tests.oracle.bridge import assert_same, counterpart, flat, in_double, leaves, to_ours

pytestmark = pytest.mark.filterwarnings("ignore")

# Where the comparison, not the op, is at fault: name -> why.
INCOMPARABLE = {
    "empty": "uninitialised memory",
    "empty_like": "uninitialised memory",
    "empty_strided": "uninitialised memory",
    "new_empty": "uninitialised memory",
    "bfloat16": "NumPy cannot read PyTorch's bfloat16",
}
NOT_DIFFERENTIATED = {"complex": "complex tensors are not on the tape"}
# The database calls these in a form of its own (arguments in another order, a step before): the same form for us.
CALLS = {
    ("einsum", ""): lambda tensors, equation: autograd.einsum(equation, tensors),
    ("normal", "in_place"): Tensor.normal_,
    ("normal", "number_mean"): lambda std, mean, *args, **kwargs: autograd.normal(mean, std, *args, **kwargs),
    ("linalg.pinv", "singular"): lambda a, b: autograd.linalg.pinv(a @ b.mT),
    ("zero_", ""): lambda x: x.clone().zero_(),
    ("rand_like", ""): lambda *args, **kwargs: autograd.randn_like(*args, **kwargs),
    **{("polygamma", f"polygamma_n_{n}"): lambda x, n, **out: autograd.polygamma(n, x, **out) for n in range(5)},
    ("nn.functional.embedding", ""): lambda weight, i, **kwargs: nn.functional.embedding(i, weight, **kwargs),
    ("nn.functional.embedding_bag", ""): lambda weight, i, **kwargs: nn.functional.embedding_bag(i, weight, **kwargs),
    ("where", ""): lambda self, condition, other, **out: autograd.where(condition, self, other, **out),
}
# Times the tolerance of float32; float64 needs none of it.
SCALE = {
    "svd": 10.0,  # a cotangent divided by the gaps between singular values
    "linalg.": 10.0,  # as for svd; the products of multi_dot are sums of sums
    "pow": 30.0,  # gradients of broadcast exponents: ten terms of size 1e6 that cancel
    "nn.functional.ctc_loss": 10.0,  # log-probabilities of -150, exponentiated: PyTorch itself is 1e-4 off its float64
    "nn.functional.conv3d": 10.0,  # gradients of filters: sums of a thousand terms of size 80 that cancel
    "nn.functional.conv_transpose3d": 10.0,
    "nn.functional.grid_sample": 10.0,  # gradients that cancel: differences of neighbouring pixels times their weights
    "nn.functional.layer_norm": 20.0,  # a variance of 0 multiplies what PyTorch rounds by 1/√eps = 316
    "nn.functional.scaled_dot_product_attention": 10.0,  # scores in the hundreds, whose rounding exp makes relative
}

# Here PyTorch's own float32 differs from its float64 by more than the tolerance, so we compare with the float64.
IN_DOUBLE = {
    "addbmm": "sums of 25 products of size 80 that cancel; the order of the terms decides",
    "cdist": "the difference of squares that PyTorch takes for speed cancels",
    "digamma": "trigamma in float32 near the poles",
    "polygamma": "trigamma in float32 near the poles",
    "logcumsumexp": "PyTorch's derivative is the difference of two logarithms of exponentials",
}
# Only one triangle of these factors is read, but PyTorch gives the other a gradient too: the triangle is compared.
TRIANGULAR = ("cholesky_solve", "cholesky_inverse")

SEED = 42  # what the database's wrappers of the random ops set before each call

FOUND = [
    info
    for info in op_db
    if counterpart(info.name) is not None
    and info.name not in INCOMPARABLE
    and info.dtypes  # none: an entry for other devices
]
IDS = [f"{info.name}{'-' + info.variant_test_name if info.variant_test_name else ''}" for info in FOUND]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("info", FOUND, ids=IDS)
def test_samples(info, dtype):
    """Every sample input: the same values and the same gradients."""
    differentiable = dtype in info.dtypes and info.supports_autograd and info.name not in NOT_DIFFERENTIATED
    if dtype not in info.dtypes:
        dtype = torch.int64 if torch.int64 in info.dtypes else next(iter(info.dtypes))
    function = _ours(info)
    scales = [factor for prefix, factor in SCALE.items() if info.name.startswith(prefix)]
    scale = max(scales, default=1.0) if dtype == torch.float32 else 1.0
    for i, sample in enumerate(info.sample_inputs("cpu", dtype, requires_grad=differentiable)):
        what = f"{info.name} sample {i}: {_describe(sample)}"
        arguments = to_ours((sample.input, *sample.args)), to_ours(sample.kwargs)
        torch.manual_seed(SEED)
        double = info.name in IN_DOUBLE and dtype == torch.float32
        asked = in_double(sample) if double else sample
        theirs = info.op(asked.input, *asked.args, **asked.kwargs)
        autograd.manual_seed(SEED)
        ours = function(*arguments[0], **arguments[1])
        # Decompositions are unique up to signs and rotations: the database knows what of them can be compared.
        theirs, ours = sample.output_process_fn_grad(theirs), sample.output_process_fn_grad(ours)
        for a, b in zip(flat(ours), flat(theirs), strict=True):
            assert_same(a, b, what, scale, double)
        if differentiable:
            triangle = (np.triu if sample.kwargs.get("upper") else np.tril) if info.name in TRIANGULAR else None
            _compare_gradients(ours, theirs, arguments, asked, what, scale, double, triangle)


def _ours(info):
    """Our function, called as the database calls its own."""
    return CALLS.get((info.name, info.variant_test_name)) or counterpart(info.name)


def _compare_gradients(ours, theirs, arguments, sample, what, scale, double, triangle):
    seeds, outs, our_outs = [], [], []
    for k, (a, b) in enumerate(zip(flat(ours), flat(theirs), strict=True)):
        if isinstance(b, torch.Tensor) and b.requires_grad and not (a.requires_grad or _is_constant(b, sample)):
            pytest.fail(f"{what}: output {k} is not on our tape")
        if isinstance(b, torch.Tensor) and b.requires_grad and a.requires_grad:
            seeds.append(np.cos(1.0 + k + np.arange(b.numel())).reshape(b.shape).astype(a.dtype))
            outs.append(b)
            our_outs.append(a)
    if not outs:
        return
    their_leaves = list(leaves((sample.input, *sample.args, sample.kwargs)))
    our_leaves = list(leaves((*arguments[0], arguments[1])))
    their_seeds = [torch.from_numpy(s).to(out.dtype) for s, out in zip(seeds, outs, strict=True)]
    expected = list(torch.autograd.grad(outs, their_leaves, their_seeds, allow_unused=True))
    if triangle is not None:
        expected[-1] = torch.from_numpy(triangle(expected[-1].numpy()))
    got = autograd.grad(our_outs, our_leaves, [wrap(s) for s in seeds], allow_unused=True)
    for a, b, leaf in zip(got, expected, our_leaves, strict=True):
        if a is None or b is None:  # unused here, zero there: the same gradient
            left = a if a is not None else b
            assert left is None or not np.any(np.nan_to_num(left.detach().numpy() if b is not None else left.array)), (
                what
            )
        else:
            assert_same(a, b, f"{what}: gradient of the input of shape {tuple(leaf.shape)}", scale, double)


def _is_constant(out, sample):
    """Whether PyTorch records `out` only to give zeros as its gradient: a random draw, a zeroth power."""
    inputs = list(leaves((sample.input, *sample.args, sample.kwargs)))
    gradients = torch.autograd.grad(out.sum(), inputs, allow_unused=True, retain_graph=True)
    return not any(g is not None and g.any() for g in gradients)


def _describe(sample):
    def show(x):
        return f"{str(x.dtype)[6:]}{list(x.shape)}" if isinstance(x, torch.Tensor) else repr(x)

    return ", ".join(
        [show(x) for x in (sample.input, *sample.args)] + [f"{k}={show(v)}" for k, v in sample.kwargs.items()]
    )


def _takes_numbers(function, args):
    """Whether a number means the 0-d tensor of its value; False if it is refused."""
    try:
        plain = function(*args)
    except (RuntimeError, ValueError, TypeError, IndexError):
        return False
    as_tensors = function(*(autograd.tensor(x) if isinstance(x, int) else x for x in args))
    assert_same(plain, as_tensors, f"{function.__name__} of a number and of a 0-d tensor")
    return True


def _holds_the_result(function, args, kwargs):
    """Whether ``out=`` is accepted; then, be it of a wider type or over the memory of an input, it holds the result."""
    try:
        expected = [x.array for x in flat(function(*args, **{k: v for k, v in kwargs.items() if k != "out"}))]
        function(*args, **kwargs)
    except (RuntimeError, ValueError, TypeError, IndexError):
        return False
    for a, b in zip(flat(kwargs["out"]), expected, strict=True):
        np.testing.assert_array_equal(a.array, b)
    return True


FAILING = [(info, name) for info, name in zip(FOUND, IDS, strict=True) if info.error_inputs_func is not None]


@pytest.mark.parametrize("info", [info for info, _ in FAILING], ids=[name for _, name in FAILING])
def test_error_inputs(info):
    """Every call that PyTorch refuses is refused, with two exceptions.

    A number may stand beside a tensor, as a 0-d tensor: PyTorch is of two minds about that, for ``add(x, 2)`` is good,
    ``maximum(x, 2)`` and ``eq(2, x)`` are not.  And ``out=`` may be of a wider type or overlap an input, for here a
    result is complete before it is written.
    """
    function = _ours(info)
    for i, error in enumerate(info.error_inputs("cpu")):
        sample = error.sample_input
        try:
            args, kwargs = to_ours((sample.input, *sample.args)), to_ours(sample.kwargs)
        except (KeyError, TypeError, ValueError, RuntimeError):
            continue  # a dtype, an object or a number of dimensions (NumPy has 64) that we do not have at all
        if "out" in kwargs and _holds_the_result(function, args, kwargs):
            continue
        if (
            len(args) == 2
            and not kwargs
            and {type(x) for x in args} == {int, Tensor}
            and _takes_numbers(function, args)
        ):
            continue
        with pytest.raises((RuntimeError, ValueError, TypeError, IndexError, NotImplementedError)):
            pytest.fail(f"{info.name} accepted {_describe(sample)} ({i}): {function(*args, **kwargs)}", pytrace=False)


# `equal` gives a bool; nn.functional documents no ``out=``.
WITH_OUT = [
    pytest.param(info, id=name)
    for info, name in zip(FOUND, IDS, strict=True)
    if info.supports_out and info.name != "equal" and not info.name.startswith("nn.functional.")
]


@pytest.mark.parametrize("info", WITH_OUT)
def test_out(info):
    """What PyTorch writes into ``out=`` we do, and give it back."""
    dtype = torch.float32 if torch.float32 in info.dtypes else torch.int64
    sample = next(iter(info.sample_inputs("cpu", dtype)))
    args, kwargs = to_ours((sample.input, *sample.args)), to_ours(sample.kwargs)
    autograd.manual_seed(SEED)
    expected = _ours(info)(*args, **kwargs)
    places = [autograd.zeros_like(x) for x in flat(expected)]
    autograd.manual_seed(SEED)
    got = _ours(info)(*args, **kwargs, out=tuple(places) if isinstance(expected, tuple) else places[0])
    assert [id(x) for x in flat(got)] == [id(x) for x in places]
    for a, b in zip(places, flat(expected), strict=True):
        np.testing.assert_array_equal(a.array, b.array)


def test_all_listed_ops_are_found():
    """The database is not skipped by a misspelt name: what the project lists as present is compared."""
    names = {info.name for info in FOUND}
    for name in ("add", "matmul", "nn.functional.conv2d", "linalg.svd", "index_select", "cumprod", "einsum", "sort"):
        assert name in names
    assert isinstance(autograd.tensor(1.0), Tensor)
