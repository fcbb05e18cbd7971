"""From a list of samples to a batch, by PyTorch's rules."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from ..create import tensor
from ..dtypes import float64
from ..errors import ArgumentError, DTypeError, ShapeError
from ..ops.join import stack
from ..tensor import Tensor, wrap


def default_collate(batch: Sequence[Any]) -> Any:
    """A list of samples as one batch: numbers, arrays and tensors are stacked, containers keep their form.

    ========================  ==========================================
    a sample is               the batch is
    ========================  ==========================================
    Tensor, array (*)         Tensor (len(batch), *)
    float / int, bool         float64 / int64, bool Tensor (len(batch),)
    str, bytes                as it is
    Mapping, namedtuple       the same type, collated by key or field
    tuple, other Sequence     a list, collated by position
    ========================  ==========================================

    Raises ShapeError where samples differ in shape or length, DTypeError for anything else.

    >>> default_collate([{"x": 1.5, "name": "a"}, {"x": 2.5, "name": "b"}])
    {'x': tensor([1.5000, 2.5000], dtype=float64), 'name': ['a', 'b']}
    """
    if not len(batch):
        raise ArgumentError("batch: expected at least one sample, got none")
    first = batch[0]
    if isinstance(first, Tensor):
        return _stack(batch)
    if isinstance(first, np.ndarray):
        return _stack([_as_tensor(sample) for sample in batch])
    if isinstance(first, np.generic) and first.dtype.kind not in "SUV":
        return tensor(np.array(batch))
    if isinstance(first, float):
        return tensor(batch, dtype=float64)
    if isinstance(first, int):
        return tensor(batch)
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, Mapping):
        return _collate_mapping(batch, first)
    if isinstance(first, Sequence):
        return _collate_sequence(batch, first)
    raise DTypeError(f"batch: default_collate takes tensors, arrays, numbers, strings, dicts and lists of these, got "
                     f"{type(first).__name__}; convert in the data set, or give the loader a collate_fn")  # fmt: skip


def default_convert(sample: Any) -> Any:
    """A single sample with its arrays as Tensors, for a DataLoader with ``batch_size=None``.

    >>> import numpy as np
    >>> default_convert({"x": np.zeros(2), "n": 3})
    {'x': tensor([0., 0.], dtype=float64), 'n': 3}
    """
    if isinstance(sample, np.ndarray | np.generic) and sample.dtype.kind not in "SUVO":
        return _as_tensor(np.asarray(sample))
    if isinstance(sample, Mapping):
        return _rebuilt(sample, {key: default_convert(value) for key, value in sample.items()})
    if isinstance(sample, tuple):
        parts = [default_convert(part) for part in sample]
        return type(sample)(*parts) if hasattr(sample, "_fields") else parts
    if isinstance(sample, Sequence) and not isinstance(sample, str | bytes):
        return _rebuilt_sequence(sample, [default_convert(part) for part in sample])
    return sample


def _stack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors of one shape along a new first dimension."""
    shapes = {t.array.shape for t in tensors}
    if len(shapes) != 1:
        raise ShapeError(f"batch: samples of different shapes {sorted(map(list, shapes))} cannot be stacked; crop or "
                         f"pad them in the data set, give a collate_fn that pads, or use batch_size=1")  # fmt: skip
    if any(t.requires_grad for t in tensors):
        return stack(tensors)
    return wrap(np.stack([t.array for t in tensors]))


def _as_tensor(array: np.ndarray) -> Tensor:
    if array.dtype.kind in "SUVO":
        raise DTypeError(f"batch: arrays of {array.dtype} are not numbers; give the DataLoader a collate_fn")
    return tensor(array)


def _collate_mapping(batch: Sequence[Any], first: Mapping[Any, Any]) -> Any:
    for i, sample in enumerate(batch):
        if missing := first.keys() - sample.keys():
            raise ArgumentError(f"batch: sample {i} lacks the key {sorted(missing, key=str)[0]!r} of sample 0")
    return _rebuilt(first, {key: default_collate([sample[key] for sample in batch]) for key in first})


def _collate_sequence(batch: Sequence[Any], first: Sequence[Any]) -> Any:
    lengths = {len(sample) for sample in batch}
    if len(lengths) != 1:
        raise ShapeError(f"batch: each sample should be of equal length, got lengths {sorted(lengths)}")
    parts = [default_collate(column) for column in zip(*batch)]
    if isinstance(first, tuple):
        return type(first)(*parts) if hasattr(first, "_fields") else parts
    return _rebuilt_sequence(first, parts)


def _rebuilt(model: Mapping[Any, Any], items: dict[Any, Any]) -> Any:
    """`items` in a mapping of `model`'s type (which may have attributes of its own), or a dict if that cannot be."""
    try:
        if isinstance(model, MutableMapping):
            clone: Any = copy.copy(model)
            clone.update(items)
            return clone
        build: Callable[..., Any] = type(model)
        return build(items)
    except TypeError:
        return items


def _rebuilt_sequence(model: Sequence[Any], parts: list[Any]) -> Any:
    """`parts` in a sequence of the same type, or in a list if it will not take them."""
    try:
        if isinstance(model, MutableSequence):
            clone: Any = copy.copy(model)
            clone[:] = parts
            return clone
        build: Callable[..., Any] = type(model)
        return build(parts)
    except TypeError:
        return parts
