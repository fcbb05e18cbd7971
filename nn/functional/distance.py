"""How alike vectors are."""

from __future__ import annotations

import numpy as np

from autograd import Tensor
from autograd.errors import DTypeError, ShapeError
from autograd.ops.norms import pdist as pdist
from autograd.ops.norms import vector_norm


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1 · x2 / (max(‖x1‖, eps) max(‖x2‖, eps)) along `dim`.

    >>> import autograd, nn.functional as F
    >>> F.cosine_similarity(autograd.tensor([1.0, 0.0]), autograd.tensor([1.0, 1.0]), dim=0)
    tensor(0.7071)
    """
    if x1.array.dtype.kind != "f" or x2.array.dtype.kind != "f":
        raise DTypeError(f"cosine_similarity: x1 and x2 must be floating point, got {x1.dtype} and {x2.dtype}")
    try:
        shape = np.broadcast_shapes(x1.array.shape, x2.array.shape)
    except ValueError:
        raise ShapeError(
            f"cosine_similarity: x1 {list(x1.shape)} and x2 {list(x2.shape)} do not fit together"
        ) from None
    x1, x2 = (x if x.array.shape == shape else x.expand(*shape) for x in (x1, x2))
    a = x1 / vector_norm(x1, 2, dim, True).clamp_min(eps)
    b = x2 / vector_norm(x2, 2, dim, True).clamp_min(eps)
    return (a * b).sum(dim)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """‖x1 - x2 + eps‖_p along the last dimension."""
    if (
        x1.array.ndim
        and x2.array.ndim
        and x1.array.shape[-1] != x2.array.shape[-1]
        and 1 not in (x1.array.shape[-1], x2.array.shape[-1])
    ):
        raise ShapeError(f"pairwise_distance: vectors of different length, {list(x1.shape)} and {list(x2.shape)}")
    return vector_norm(x1 - x2 + eps, p, -1, keepdim)
