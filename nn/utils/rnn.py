"""Sequences of different lengths: padded to a rectangle, or packed without waste."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd import Tensor
from autograd.errors import ArgumentError, ShapeError
from autograd.ops.index import elements_of
from autograd.ops.join import stack
from autograd.ops.pad import pad
from autograd.tensor import wrap


class PackedSequence(NamedTuple):
    """Sequences in time-major order without padding: `data` holds step 0 of all sequences, then step 1 of those that
    are long enough, ...; `batch_sizes` says how many at each step.  The longest sequence comes first;
    `sorted_indices` and `unsorted_indices` lead from the order given to this one and back."""

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None = None
    unsorted_indices: Tensor | None = None


def _positions(lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(step, sequence) of each packed element, and how many there are at each step, for lengths in descending order."""
    sizes = (lengths[None, :] > np.arange(lengths.max(initial=0))[:, None]).sum(1)
    step = np.repeat(np.arange(len(sizes)), sizes)
    return step, np.concatenate([np.arange(n) for n in sizes] or [np.zeros(0, np.int64)]), sizes


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack (T, B, *) (or (B, T, *)) with the given lengths.

    >>> import autograd
    >>> from nn.utils.rnn import pack_padded_sequence
    >>> pack_padded_sequence(autograd.tensor([[1, 3], [2, 0]]), [2, 1]).data
    tensor([1, 3, 2])
    """
    n = np.asarray(lengths.array if isinstance(lengths, Tensor) else lengths)
    if input.array.ndim < 2:
        raise ShapeError(f"input: must be (T, B, *), or (B, T, *) if batch_first, got {list(input.shape)}")
    batch, steps = input.array.shape[:2] if batch_first else input.array.shape[1::-1]
    if n.ndim != 1 or len(n) != batch:
        raise ShapeError(
            f"lengths: expected one for each of the {batch} sequences of input {list(input.shape)}, got {n.shape}"
        )
    if len(n) and (n.min() <= 0 or n.max() > steps):
        raise ArgumentError(f"lengths: must lie between 1 and {steps}, got {n.min()} to {n.max()}")
    order = None
    if enforce_sorted:
        if (np.diff(n) > 0).any():
            raise ArgumentError("lengths: must be in descending order; give enforce_sorted=False to have it sorted")
    else:
        order = np.argsort(-n, kind="stable")
        n = n[order]
    step, which, sizes = _positions(n)
    if order is not None:
        which = order[which]
    rows = which * steps + step if batch_first else step * batch + which
    data = elements_of(input.reshape(batch * steps, *input.array.shape[2:]), (rows,))
    if order is None:
        return PackedSequence(data, wrap(sizes.astype(np.int64)))
    return PackedSequence(data, wrap(sizes.astype(np.int64)), wrap(order), wrap(np.argsort(order)))


def pad_packed_sequence(sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0,
                        total_length: int | None = None) -> tuple[Tensor, Tensor]:  # fmt: skip
    """(padded, lengths): the inverse of `pack_padded_sequence`."""
    sizes = sequence.batch_sizes.array
    steps, batch = len(sizes), int(sizes[0])
    if total_length is not None and total_length < steps:
        raise ArgumentError(f"total_length: must be at least {steps}, the longest length, got {total_length}")
    lengths = (sizes[None, :] > np.arange(batch)[:, None]).sum(1)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    grid = starts[:, None] + np.arange(batch)[None, :]
    real = np.arange(steps)[:, None] < lengths[None, :]
    x = elements_of(sequence.data, (np.where(real, grid, 0),))
    mask = wrap(~real.reshape(*real.shape, *(1,) * (x.array.ndim - 2)))
    if x.array.dtype.kind in "iub":  # as a float is stored in whole numbers
        padding_value = x.array.dtype.type(padding_value).item()
    x = x.masked_fill(mask, padding_value)
    if total_length is not None and total_length > steps:
        x = pad(x, [0, 0] * (x.array.ndim - 1) + [0, total_length - steps], value=padding_value)
    if sequence.unsorted_indices is not None:
        x, lengths = x.index_select(1, sequence.unsorted_indices), lengths[sequence.unsorted_indices.array]
    return (x.transpose(0, 1) if batch_first else x), wrap(lengths.astype(np.int64))


def pad_sequence(sequences: Sequence[Tensor], batch_first: bool = False, padding_value: float = 0.0,
                 padding_side: str = "right") -> Tensor:  # fmt: skip
    """Tensors (T_i, *) as one, (T, B, *), padded at the end.

    >>> import autograd
    >>> from nn.utils.rnn import pad_sequence
    >>> pad_sequence([autograd.tensor([1, 2]), autograd.tensor([3])], batch_first=True)
    tensor([[1, 2],
            [3, 0]])
    """
    longest = max(len(s) for s in sequences)
    side = (lambda n: (0, longest - n)) if padding_side == "right" else (lambda n: (longest - n, 0))
    rows = [pad(s, [0, 0] * (s.array.ndim - 1) + list(side(len(s))), value=padding_value) for s in sequences]
    return stack(rows, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The inverse of `pad_sequence`."""
    x = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [row[:n] for row, n in zip(x, lengths.tolist())]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """`pad_sequence`, packed."""
    lengths = np.array([len(s) for s in sequences])
    return pack_padded_sequence(pad_sequence(sequences), wrap(lengths), enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of `pack_sequence`."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
