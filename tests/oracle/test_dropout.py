"""With one seed, every dropout zeroes what PyTorch's does, bit for bit, and leaves the stream at the same place."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import autograd
import nn.functional as F
from autograd.tensor import wrap

VIEWS = {
    "whole": lambda x: x,
    "transposed": lambda x: x.transpose(0, 2),
    "permuted": lambda x: x.permute(1, 2, 0),
    "cut": lambda x: x[::2, :, 1:4],
    "expanded": lambda x: x[:, :1].expand(40, 7, 6),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("name", ["dropout", "alpha_dropout", "feature_alpha_dropout", "dropout1d", "rrelu"])
def test_the_same_seed_the_same_mask(name, view, dtype):
    """Also for inputs that do not lie in memory in the order of their dimensions: the mask is drawn as they lie."""
    x = view(torch.randn(40, 50, 6, dtype=dtype))
    options = (0.3, True) if name != "rrelu" else (0.1, 0.9, True)
    torch.manual_seed(7)
    theirs = getattr(torch.nn.functional, name)(x, *options)
    autograd.manual_seed(7)
    ours = getattr(F, name)(wrap(x.numpy()), *options)
    np.testing.assert_array_equal(ours.array, theirs.numpy())
    assert autograd.rand(1).item() == torch.rand(1).item()


def test_a_large_mask():
    x = torch.ones(300, 1000)
    torch.manual_seed(3)
    autograd.manual_seed(3)
    np.testing.assert_array_equal(F.dropout(wrap(x.numpy()), 0.5).array, torch.nn.functional.dropout(x, 0.5).numpy())
