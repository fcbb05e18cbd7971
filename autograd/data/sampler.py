"""Samplers: in which order the indices of a data set are visited.  With one seed the orders are PyTorch's."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..random import Generator, default_generator, multinomial
from ..tensor import Tensor, wrap

T = TypeVar("T", covariant=True)
_BLOCK = 32  # draws with replacement come in blocks of this many, as in PyTorch


class Sampler(Generic[T]):
    """Indices, or lists of indices, in some order: a subclass gives ``__iter__``, and ``__len__`` if it can.

    >>> class Backwards(Sampler):
    ...     def __init__(self, data): self.data = data
    ...     def __iter__(self): return iter(range(len(self.data) - 1, -1, -1))
    >>> list(Backwards("abc"))
    [2, 1, 0]
    """

    def __iter__(self) -> Iterator[T]:
        raise NotImplementedError(f"{type(self).__name__} is a Sampler: give it __iter__(self)")


class SequentialSampler(Sampler[int]):
    """0, 1, ..., n - 1.

    >>> list(SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """A new random order in each epoch, or `num_samples` independent draws with `replacement`.

    Without replacement, `num_samples` beyond the length of the data starts another permutation.  Each epoch has a
    generator of its own, seeded from the default stream, unless `generator` is given.

    >>> import autograd
    >>> sorted(RandomSampler("abcd"))
    [0, 1, 2, 3]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        if not isinstance(replacement, bool):
            raise ArgumentError(f"replacement: expected a bool, got {replacement!r}")
        self.data_source, self.replacement, self.generator = data_source, replacement, generator
        self._num_samples = num_samples
        if not _is_positive(self.num_samples):
            hint = "the data set is empty" if num_samples is None else f"got num_samples={num_samples!r}"
            raise ArgumentError(f"num_samples: expected a positive int; {hint}")

    @property
    def num_samples(self) -> int:
        """How many indices an epoch has; that of the data set, which may grow, unless it was given."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n = len(self.data_source)
        generator = self.generator or Generator().manual_seed(default_generator.next_seed())
        if self.replacement:
            for start in range(0, self.num_samples, _BLOCK):
                yield from generator.integers(0, n, min(_BLOCK, self.num_samples - start)).tolist()
            return
        rounds, rest = divmod(self.num_samples, n)
        for _ in range(rounds):
            yield from generator.permutation(n).tolist()
        yield from generator.permutation(n)[:rest].tolist()

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given indices in random order.

    >>> sorted(SubsetRandomSampler([7, 3, 5]))
    [3, 5, 7]
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        for i in (self.generator or default_generator).permutation(len(self.indices)).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """`num_samples` indices drawn in proportion to `weights`, which need not sum to 1.

    Without replacement no index comes twice.  To balance classes, weigh each sample by 1 / (size of its class).

    >>> list(WeightedRandomSampler([0.0, 2.0, 0.0], 3))
    [1, 1, 1]
    """

    def __init__(
        self,
        weights: Sequence[float] | Tensor,
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        if not _is_positive(num_samples):
            raise ArgumentError(f"num_samples: expected a positive int, got {num_samples!r}")
        if not isinstance(replacement, bool):
            raise ArgumentError(f"replacement: expected a bool, got {replacement!r}")
        array = np.asarray(weights.array if isinstance(weights, Tensor) else weights, np.float64)
        if array.ndim != 1:
            raise ShapeError(f"weights: expected one weight per sample (a vector), got shape {list(array.shape)}")
        self.weights: Tensor = wrap(array)
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def __iter__(self) -> Iterator[int]:
        drawn = multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        return iter(drawn.array.tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """The indices of another sampler (or any iterable), `batch_size` at a time.

    >>> list(BatchSampler(range(5), 2, drop_last=False)), list(BatchSampler(range(5), 2, drop_last=True))
    ([[0, 1], [2, 3], [4]], [[0, 1], [2, 3]])
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        if not _is_positive(batch_size):
            raise ArgumentError(f"batch_size: expected a positive int, got {batch_size!r}")
        if not isinstance(drop_last, bool):
            raise ArgumentError(f"drop_last: expected a bool, got {drop_last!r}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        n = len(self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


def _is_positive(n: Any) -> bool:
    return isinstance(n, int) and not isinstance(n, bool) and n > 0
