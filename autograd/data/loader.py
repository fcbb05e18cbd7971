"""DataLoader: batches of a data set, in order or shuffled, loaded here or in worker processes."""

from __future__ import annotations

import itertools
import math
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.context import BaseContext
from typing import Any

from ..errors import ArgumentError
from ..random import Generator, default_generator
from .collate import default_collate, default_convert
from .dataset import IterableDataset
from .fetch import END, Recipe
from .sampler import BatchSampler, RandomSampler, SequentialSampler
from .workers import WorkerIterator, Workers

_FIXED = {"dataset", "batch_size", "sampler", "batch_sampler", "drop_last", "persistent_workers"}


class DataLoader:
    """Batches of `dataset`, each made by ``collate_fn`` from a list of samples.

    =====================  ===================================================================================
    batch_size             samples per batch; None hands out single samples
    shuffle                a new random order in each epoch, PyTorch's for the same seed
    sampler                the order of the indices, in place of `shuffle`
    batch_sampler          lists of indices, in place of batch_size, shuffle, sampler and drop_last
    num_workers            processes that load ahead; 0 loads in this one
    drop_last              leave out the last batch if it is smaller
    timeout                seconds to wait for a worker's batch; 0 waits for ever
    worker_init_fn         called with its number in each worker, before it loads
    generator              in place of the default stream, for the order and the workers' seeds
    prefetch_factor        batches that each worker loads ahead, 2 by default
    persistent_workers     keep the processes from one epoch to the next
    in_order               False gives batches as they are ready
    pin_memory             accepted, and without effect: there is no other device
    =====================  ===================================================================================

    The batches do not depend on the number of workers, unless samples draw random numbers or the set is a stream.  An
    exception in a worker is raised here with its class and traceback; a worker that dies is an error that says of what.

    >>> import autograd
    >>> [batch.tolist() for batch in DataLoader(range(5), batch_size=2)]
    [[0, 1], [2, 3], [4]]
    >>> _ = autograd.manual_seed(0)
    >>> [batch.tolist() for batch in DataLoader(range(5), batch_size=2, shuffle=True, drop_last=True)]
    [[1, 4], [2, 3]]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: str | BaseContext | None = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers, multiprocessing_context)
        _check_order(dataset, batch_size, shuffle, sampler, batch_sampler, drop_last)
        self.dataset, self.generator, self.drop_last = dataset, generator, drop_last
        self.num_workers, self.timeout, self.in_order = num_workers, timeout, in_order
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.worker_init_fn, self.persistent_workers = worker_init_fn, persistent_workers
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.multiprocessing_context = _context(multiprocessing_context)
        self.batch_size = batch_size if batch_sampler is None else None
        self.sampler = sampler if sampler is not None else self._default_sampler(bool(shuffle))
        if batch_sampler is None and batch_size is not None:
            batch_sampler = BatchSampler(self.sampler, batch_size, drop_last)
        self.batch_sampler = batch_sampler
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self._workers: Workers | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and hasattr(self, "_workers"):
            raise ArgumentError(
                f"{name}: cannot change after the DataLoader is made, for others follow from it; make a new one"
            )
        super().__setattr__(name, value)

    def _default_sampler(self, shuffle: bool) -> Iterable[Any]:
        if isinstance(self.dataset, IterableDataset):
            return itertools.repeat(0)  # a stream is asked for so many samples, whichever they are
        return RandomSampler(self.dataset, generator=self.generator) if shuffle else SequentialSampler(self.dataset)

    def __iter__(self) -> Iterator[Any]:
        asking = iter(self.sampler if self.batch_sampler is None else self.batch_sampler)
        recipe = Recipe(self.dataset, self.collate_fn, self.batch_sampler is not None, self.drop_last)
        kept = self._workers if self._workers is not None and not self._workers.closed else None
        base_seed = 0 if kept else (self.generator or default_generator).next_seed()
        if not self.num_workers:
            return _here(recipe, asking)
        workers = kept or Workers(
            recipe, self.num_workers, base_seed, self.worker_init_fn, self.multiprocessing_context
        )
        self._workers = workers if self.persistent_workers else None
        ahead = 2 if self.prefetch_factor is None else self.prefetch_factor
        return WorkerIterator(workers, asking, ahead, self.timeout, self.in_order, self.persistent_workers)

    def __len__(self) -> int:
        """The number of batches; for an IterableDataset an estimate from its length, if it has one."""
        if not isinstance(self.dataset, IterableDataset):
            return len(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]
        n = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return n
        return n // self.batch_size if self.drop_last else math.ceil(n / self.batch_size)


def _here(recipe: Recipe, asking: Iterator[Any]) -> Iterator[Any]:
    """Batches made in this process."""
    fetch = recipe.start()
    for indices in asking:
        batch = fetch(indices)
        if batch is END:
            return
        yield batch


def _context(given: str | BaseContext | None) -> BaseContext | None:
    return multiprocessing.get_context(given) if isinstance(given, str) else given


def _check_workers(
    number: int, timeout: float, prefetch: int | None, persistent: bool, context: str | BaseContext | None
) -> None:
    """Arguments that are about processes."""
    if not isinstance(number, int) or number < 0:
        raise ArgumentError(f"num_workers: expected an int of at least 0 (0 loads in this process), got {number!r}")
    if timeout < 0:
        raise ArgumentError(f"timeout: expected seconds, or 0 for no limit, got {timeout}")
    if prefetch is not None and prefetch < 0:
        raise ArgumentError(f"prefetch_factor: expected a non-negative int, got {prefetch}")
    without = {"prefetch_factor": prefetch is not None, "persistent_workers": persistent,
               "multiprocessing_context": context is not None}  # fmt: skip
    for name, given in without.items():
        if given and not number:
            raise ArgumentError(
                f"{name}: is about worker processes and there are none; set num_workers, or leave it out"
            )
    if context is None or isinstance(context, BaseContext):
        return
    methods = multiprocessing.get_all_start_methods()
    if context not in methods:
        raise ArgumentError(f"multiprocessing_context: expected a context or one of {methods}, got {context!r}")


def _check_order(
    dataset: Any, batch_size: int | None, shuffle: bool | None, sampler: Any, batch_sampler: Any, drop_last: bool
) -> None:
    """Arguments that are about which samples come when, and that exclude each other."""
    if isinstance(dataset, IterableDataset):
        given = {"shuffle": bool(shuffle), "sampler": sampler is not None, "batch_sampler": batch_sampler is not None}
        for name in (name for name in given if given[name]):
            raise ArgumentError(f"{name}: an IterableDataset comes in its own order; leave {name} out, "
                                f"and shuffle inside the data set's __iter__")  # fmt: skip
    if sampler is not None and shuffle:
        raise ArgumentError("sampler: gives the order already; leave shuffle out, or use RandomSampler")
    if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
        raise ArgumentError(
            "batch_sampler: gives whole batches of indices; leave batch_size, shuffle, sampler and drop_last out"
        )
    if batch_size is None and drop_last:
        raise ArgumentError("drop_last: there are no batches with batch_size=None; leave it out")
