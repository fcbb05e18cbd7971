"""Look-ups: embeddings and their bags."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import Tensor, no_grad
from autograd.errors import ArgumentError, DimensionError, DTypeError, ShapeError
from autograd.ops.diagonal import one_hot as one_hot
from autograd.ops.index import elements_of
from autograd.ops.norms import vector_norm
from autograd.tensor import wrap
from autograd.writes import mark_written

from .checks import tensors


def _rows(name: str, input: Tensor, weight: Tensor) -> np.ndarray:
    """The checked indices."""
    tensors(name, input=input, weight=weight)
    if weight.array.ndim != 2:
        raise ShapeError(
            f"{name}: weight must be a matrix (num_embeddings, embedding_dim), got shape {list(weight.shape)}"
        )
    if input.array.dtype not in (np.int64, np.int32):
        raise DTypeError(f"{name}: input must be int64 or int32 indices, got {input.dtype}; use .long()")
    index, n = input.array, weight.array.shape[0]
    if index.size and not 0 <= index.min() <= index.max() < n:
        raise DimensionError(
            f"{name}: input has indices from {index.min()} to {index.max()}, weight has rows 0..{n - 1}"
        )
    return index


def _renormed(weight: Tensor, index: np.ndarray, max_norm: float, norm_type: float) -> None:
    """Scale the rows that will be read down to `max_norm`, in place, as PyTorch does."""
    rows = np.unique(index)
    with no_grad():
        lengths = vector_norm(wrap(weight.array[rows]), norm_type, 1, True).array
    weight.array[rows] *= np.where(lengths > max_norm, max_norm / (lengths + 1e-7), 1).astype(weight.array.dtype)
    mark_written(weight.array, "embedding(max_norm=...)")


def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None,
              norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False) -> Tensor:  # fmt: skip
    """The rows of `weight` at the indices `input`: (*) and (V, D) give (*, D).

    Row `padding_idx` receives no gradient; `max_norm` first scales down longer rows, in place.

    >>> import autograd, nn.functional as F
    >>> F.embedding(autograd.tensor([1, 0]), autograd.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[3., 4.],
            [1., 2.]])
    """
    index = _rows("embedding", input, weight)
    n = weight.array.shape[0]
    if padding_idx is not None:
        if not -n <= padding_idx < n:
            raise ArgumentError(f"embedding: padding_idx={padding_idx} is out of range for {n} rows")
        padding_idx %= n
    if max_norm is not None:
        _renormed(weight, index, max_norm, norm_type)
    if index.ndim == 0:
        return embedding(input.reshape(1), weight, padding_idx, None, 2.0, scale_grad_by_freq).reshape(-1)
    rows = elements_of(weight, (index,))
    if rows.requires_grad and (padding_idx is not None or scale_grad_by_freq):
        rows.register_hook(lambda g: g * wrap(_share(index, padding_idx, scale_grad_by_freq, g.array.dtype)))
    return rows


def _share(index: np.ndarray, padding_idx: int | None, by_frequency: bool, kind: Any) -> np.ndarray:
    """How much of its cotangent each looked-up row passes on."""
    share = 1 / np.bincount(index.reshape(-1))[index] if by_frequency else np.ones_like(index, kind)
    if padding_idx is not None:
        share = np.where(index == padding_idx, 0, share)
    return share[..., None].astype(kind)


def embedding_bag(input: Tensor, weight: Tensor, offsets: Tensor | None = None, max_norm: float | None = None,
                  norm_type: float = 2.0, scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False,
                  per_sample_weights: Tensor | None = None, include_last_offset: bool = False,
                  padding_idx: int | None = None) -> Tensor:  # fmt: skip
    """Sums, means or maxima of bags of rows: `input` (B, N), or (N) with the `offsets` at which bags start."""
    if mode not in ("sum", "mean", "max"):
        raise ArgumentError(f"embedding_bag: mode must be 'sum', 'mean' or 'max', got {mode!r}")
    if per_sample_weights is not None and mode != "sum":
        raise ArgumentError(f"embedding_bag: per_sample_weights need mode='sum', got {mode!r}")
    if input.array.ndim == 2:
        if offsets is not None:
            raise ArgumentError("embedding_bag: with a 2-d input, whose rows are the bags, offsets must be None")
        bounds = np.arange(input.array.shape[0] + 1) * input.array.shape[1]
    elif input.array.ndim == 1 and offsets is not None:
        bounds = offsets.array if include_last_offset else np.append(offsets.array, input.array.size)
        if offsets.array.ndim != 1 or (offsets.array.size and offsets.array[0] != 0) or (np.diff(bounds) < 0).any():
            raise ArgumentError("embedding_bag: offsets must be a vector that starts at 0 and does not decrease")
    else:
        raise ArgumentError(
            f"embedding_bag: give a 2-d input, or a 1-d one with offsets; got {list(input.shape)}, {offsets}"
        )
    flat = input.reshape(-1)
    rows = embedding(flat, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq)
    if per_sample_weights is not None:
        if per_sample_weights.array.shape != input.array.shape:
            raise ShapeError(f"embedding_bag: per_sample_weights must have the shape of input, {list(input.shape)}")
        rows = rows * per_sample_weights.reshape(-1, 1)
    if padding_idx is not None:
        kept = flat.array != padding_idx % weight.array.shape[0]
        bounds = np.concatenate([[0], np.cumsum(kept)])[bounds]
        rows = rows[np.flatnonzero(kept)]
    return _bags(rows, bounds.astype(np.int64), mode)


def _bags(rows: Tensor, bounds: np.ndarray, mode: str) -> Tensor:
    bags, counts = len(bounds) - 1, np.diff(bounds)
    owner = wrap(np.repeat(np.arange(bags), counts))
    zeros = wrap(np.zeros((bags, rows.array.shape[1]), rows.array.dtype))
    if mode == "max":
        wide = owner.unsqueeze(1).expand(*rows.array.shape)
        return zeros.scatter_reduce(0, wide, rows, "amax", include_self=False)
    total = zeros.index_add(0, owner, rows)
    return total if mode == "sum" else total / wrap(np.maximum(counts, 1)[:, None].astype(rows.array.dtype))
