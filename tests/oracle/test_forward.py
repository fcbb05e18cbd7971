"""Forward mode beside PyTorch's, whose rules for it were written by hand: the samples of its operator database."""

from __future__ import annotations

import warnings
from itertools import islice

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")

import torch.autograd.forward_ad as fwAD

import autograd
from autograd.forward import Push
from autograd.tensor import Tensor, wrap
from tests.oracle.bridge import flat, leaves, numbers, to_ours
from tests.oracle.test_op_db import FOUND, IDS, NOT_DIFFERENTIATED, SEED, _ours

pytestmark = pytest.mark.filterwarnings("ignore")

with (
    warnings.catch_warnings()
):  # the first dual number imports what warns, in which test soever; a generator of samples
    warnings.simplefilter("ignore")  # that ends in its midst puts the filters back that stood at its beginning
    with fwAD.dual_level():
        fwAD.make_dual(torch.ones(1), torch.ones(1))

SAMPLES = 3  # of each entry; all 9,000 pass, but take a minute
# What a random direction cannot compare: name -> why.
INCOMPARABLE = {
    "cholesky_inverse": "only one triangle is read, PyTorch differentiates by both",
    "cholesky_solve": "the same",
    "linalg.cholesky": "the same, of a symmetric matrix",
    "linalg.cholesky_ex": "the same",
    "linalg.eigh": "the same",
    "cdouble": "complex tensors are not differentiated",
    "cfloat": "the same",
    "nn.functional.max_unpool1d": "of values for one place the last counts, PyTorch counts all in derivatives",
    "nn.functional.max_unpool2d": "the same",
    "nn.functional.max_unpool3d": "the same",
}
ENTRIES = [
    pytest.param(info, id=name)
    for info, name in zip(FOUND, IDS, strict=True)
    if torch.float64 in info.dtypes and info.supports_forward_ad and info.name not in INCOMPARABLE | NOT_DIFFERENTIATED
]


def dual(x, tangents):
    """PyTorch's arguments with a tangent on every leaf."""
    if isinstance(x, torch.Tensor) and x.requires_grad:
        return fwAD.make_dual(x.detach(), torch.from_numpy(next(tangents)))
    if isinstance(x, list | tuple):
        parts = [dual(y, tangents) for y in x]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    return {k: dual(y, tangents) for k, y in x.items()} if isinstance(x, dict) else x


@pytest.mark.parametrize("info", ENTRIES)
def test_products(info):
    """Jv in a random direction."""
    for i, sample in enumerate(islice(info.sample_inputs("cpu", torch.float64, requires_grad=True), SAMPLES)):
        args, kwargs = to_ours((sample.input, *sample.args)), to_ours(sample.kwargs)
        inputs = list(leaves((*args, kwargs)))
        rng = np.random.default_rng(0)
        v = [np.asarray(rng.standard_normal(x.shape)) for x in inputs]
        with fwAD.dual_level():
            tangents = iter(v)
            theirs, their_kwargs = dual((sample.input, *sample.args), tangents), dual(sample.kwargs, tangents)
            torch.manual_seed(SEED)
            values = flat(sample.output_process_fn_grad(info.op(*theirs, **their_kwargs)))
            expected = [fwAD.unpack_dual(t).tangent if isinstance(t, torch.Tensor) else None for t in values]
        autograd.manual_seed(SEED)
        outputs = list(flat(sample.output_process_fn_grad(_ours(info)(*args, **kwargs))))
        found = Push([y for y in outputs if isinstance(y, Tensor)], inputs)([wrap(d) for d in v])
        products = iter(found)
        for y, tangent in zip(outputs, expected, strict=True):
            product = next(products) if isinstance(y, Tensor) else None
            if product is None and tangent is None:
                continue
            a, b = (np.zeros(y.shape) if t is None else numbers(t) for t in (product, tangent))
            # As for gradients in test_op_db.py, times ten for directions in which large derivatives cancel; casts to a
            # shorter type round twice.
            tolerance = max(1e-6, 4 * float(np.finfo(y.dtype).eps))
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=f"{info.name} sample {i}")
