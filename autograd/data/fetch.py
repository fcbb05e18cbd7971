"""From indices to a batch: the part of loading that is the same in this process and in a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from .collate import default_collate
from .dataset import IterableDataset, gather, samples_of

END: Any = object()  # what a stream gives when it has no more


@dataclass(frozen=True)
class Recipe:
    """How batches are made.  `batched` is False where each sample is handed out by itself (``batch_size=None``)."""

    dataset: Any
    collate: Callable[[Any], Any]
    batched: bool
    drop_last: bool

    def start(self) -> Callable[[Any], Any]:
        """A function from what the sampler gives (indices, or an index) to a batch, or END."""
        if isinstance(self.dataset, IterableDataset):
            stream = iter(self.dataset)
            return lambda asked: self._take(stream, asked)
        return self._batch if self.batched else lambda index: self.collate(self.dataset[index])

    def _batch(self, indices: Sequence[Any]) -> Any:
        if self.collate is default_collate:
            batch = gather(self.dataset, indices)
            if batch is not None:
                return batch
        return self.collate(samples_of(self.dataset, indices))

    def _take(self, stream: Iterator[Any], asked: Any) -> Any:
        """The next samples of a stream, as many as were asked for."""
        samples = list(islice(stream, len(asked) if self.batched else 1))
        if not samples or (self.batched and self.drop_last and len(samples) < len(asked)):
            return END
        return self.collate(samples if self.batched else samples[0])
