"""Data sets: what a sample is, how many there are, and how sets are joined, stacked, cut and split."""

from __future__ import annotations

import itertools
import math
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from ..errors import ArgumentError, DimensionError, ShapeError
from ..random import Generator, default_generator
from ..tensor import Tensor, wrap

T = TypeVar("T", covariant=True)


class Dataset(Generic[T]):
    """Samples by index: a subclass gives ``__getitem__(index)`` and ``__len__()``.

    Two methods are optional and only save time.  ``__getitems__(indices)`` returns a list of samples at once.
    ``gather(indices)`` returns the whole batch as `default_collate` would make it, or None if it cannot.

    >>> class Squares(Dataset):
    ...     def __len__(self): return 4
    ...     def __getitem__(self, index): return index * index
    >>> [(Squares() + Squares())[i] for i in (2, 7)]
    [4, 9]
    """

    def __getitem__(self, index: Any) -> T:
        raise NotImplementedError(f"{type(self).__name__} is a Dataset: give it __getitem__(self, index)")

    def __add__(self, other: Dataset[Any]) -> ConcatDataset[Any]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T]):
    """Samples one after another: a subclass gives ``__iter__``.

    Each worker process of a `DataLoader` iterates over its own copy, so ``__iter__`` must ask `get_worker_info` which
    share is its own; otherwise every sample arrives once per worker.

    >>> class Count(IterableDataset):
    ...     def __iter__(self): return iter(range(3))
    >>> list(Count() + Count())
    [0, 1, 2, 0, 1, 2]
    """

    def __iter__(self) -> Iterator[T]:
        raise NotImplementedError(f"{type(self).__name__} is an IterableDataset: give it __iter__(self)")

    def __add__(self, other: Dataset[Any]) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Tensors of equal first size, sliced together: sample i is ``tuple(t[i] for t in tensors)``.

    >>> import autograd
    >>> pairs = TensorDataset(autograd.tensor([[1.0], [2.0]]), autograd.tensor([0, 1]))
    >>> pairs[1]
    (tensor([2.]), tensor(1))
    """

    def __init__(self, *tensors: Tensor) -> None:
        for i, tensor in enumerate(tensors):
            if not isinstance(tensor, Tensor):
                raise ArgumentError(
                    f"tensors[{i}]: expected a Tensor, got {type(tensor).__name__}; autograd.tensor(...) makes one"
                )
            if tensor.ndim == 0:
                raise ShapeError(f"tensors[{i}]: a 0-d tensor has no samples; expected at least one dimension")
        if len({len(tensor) for tensor in tensors}) != 1:
            sizes = ", ".join(str(list(tensor.shape)) for tensor in tensors)
            raise ShapeError(
                f"tensors: expected one or more tensors of the same first size, got shapes {sizes or 'none'}"
            )
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])

    def gather(self, indices: Sequence[int]) -> list[Tensor] | None:
        """One indexing per tensor, where taking samples and stacking them costs one for each sample."""
        if any(tensor.requires_grad for tensor in self.tensors):
            return None
        chosen = np.asarray(indices)
        return [wrap(tensor.array[chosen]) for tensor in self.tensors]


class StackDataset(Dataset[Any]):
    """Sets of equal length side by side: sample i is a tuple, or a dict if the sets are given by keyword.

    >>> StackDataset(x=[1, 2], y="ab")[1]
    {'x': 2, 'y': 'b'}
    """

    datasets: tuple[Any, ...] | dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ArgumentError(
                "StackDataset: give the sets either by position (samples are tuples) or by name (dicts)"
            )
        sizes = [len(dataset) for dataset in (*args, *kwargs.values())]
        if len(set(sizes)) != 1:
            raise ShapeError(f"StackDataset: the sets must have the same length, got {sizes}")
        self.datasets = args or kwargs
        self._length = sizes[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        if isinstance(self.datasets, dict):
            columns = [samples_of(dataset, indices) for dataset in self.datasets.values()]
            return [dict(zip(self.datasets, row)) for row in zip(*columns)]
        return list(zip(*(samples_of(dataset, indices) for dataset in self.datasets)))

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T]):
    """Sets one after another, as one set.

    >>> both = ConcatDataset(["ab", "cde"])
    >>> len(both), both[2], both[-1]
    (5, 'c', 'e')
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ArgumentError("datasets: expected at least one data set, got none")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise ArgumentError("datasets: an IterableDataset has no indices to concatenate; use ChainDataset")
        self.cumulative_sizes = list(itertools.accumulate(len(dataset) for dataset in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> T:
        i = index + len(self) if index < 0 else index
        if not 0 <= i < len(self):
            raise DimensionError(f"index: {index} is out of range for {len(self)} samples")
        which = bisect_right(self.cumulative_sizes, i)
        return self.datasets[which][i - (self.cumulative_sizes[which - 1] if which else 0)]


class ChainDataset(IterableDataset[T]):
    """Streams one after another, as one stream.

    >>> class Count(IterableDataset):
    ...     def __iter__(self): return iter(range(2))
    >>> list(ChainDataset([Count(), Count()]))
    [0, 1, 0, 1]
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        for i, dataset in enumerate(self.datasets):
            if not isinstance(dataset, IterableDataset):
                raise ArgumentError(f"datasets[{i}]: expected an IterableDataset, got {type(dataset).__name__}")

    def __iter__(self) -> Iterator[T]:
        return itertools.chain.from_iterable(self.datasets)

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self.datasets)


class Subset(Dataset[T]):
    """The samples of `dataset` at `indices`, in that order.

    >>> list(Subset("abcd", [3, 0]))
    ['d', 'a']
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: Any) -> T:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Sequence[int]) -> list[T]:
        return samples_of(self.dataset, [self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)

    def gather(self, indices: Sequence[int]) -> Any:
        """The inner set's `gather`, if it has one."""
        return gather(self.dataset, [self.indices[i] for i in indices])


def random_split(dataset: Any, lengths: Sequence[int | float], generator: Generator | None = None) -> list[Subset[Any]]:
    """Disjoint random subsets of the given lengths, or of fractions that sum to 1.

    A fraction f takes floor(f n) samples; what remains is dealt out one by one, first split first.  The split is
    PyTorch's for the same seed.

    >>> from autograd.random import Generator
    >>> [len(part) for part in random_split(range(10), [0.5, 0.25, 0.25], Generator().manual_seed(0))]
    [6, 2, 2]
    """
    n, total = len(dataset), sum(lengths)
    sizes = [int(length) for length in lengths]
    if math.isclose(total, 1):
        if not all(0 <= fraction <= 1 for fraction in lengths):
            raise ArgumentError(f"lengths: fractions must lie between 0 and 1, got {list(lengths)}")
        sizes = [math.floor(n * fraction) for fraction in lengths]
        for i in range(n - sum(sizes)):
            sizes[i % len(sizes)] += 1
        for i in (i for i, size in enumerate(sizes) if size == 0):
            warnings.warn(f"random_split: part {i} ({lengths[i]} of {n} samples) is empty", stacklevel=2)
    elif sizes != list(lengths) or sum(sizes) != n:
        raise ArgumentError(
            f"lengths: {list(lengths)} sum to {total}; expected {n}, the length of the data set, or 1 for fractions"
        )
    order = (generator or default_generator).permutation(n).tolist()
    ends = itertools.accumulate(sizes)
    return [Subset(dataset, order[end - size : end]) for end, size in zip(ends, sizes)]


def samples_of(dataset: Any, indices: Sequence[Any]) -> list[Any]:
    """The samples at `indices`, at once where the set can."""
    if hasattr(dataset, "__getitems__"):
        return dataset.__getitems__(indices)
    return [dataset[i] for i in indices]


def gather(dataset: Any, indices: Sequence[Any]) -> Any:
    """The collated batch at `indices` in one go, or None where the set has no such short cut.

    A subclass that changes ``__getitem__`` without changing `gather` must not be overtaken by its parent's, so the
    nearest class that defines any of them decides.
    """
    for cls in type(dataset).__mro__:
        if "gather" in vars(cls):
            return dataset.gather(indices)
        if "__getitem__" in vars(cls) or "__getitems__" in vars(cls):
            return None
    return None
