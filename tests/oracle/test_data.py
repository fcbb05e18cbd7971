"""Orders, splits and batches against PyTorch's: with one seed they are the same."""

from __future__ import annotations

import multiprocessing
from collections import OrderedDict, namedtuple

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.utils import data as theirs

import autograd
from autograd import data as ours
from autograd.random import Generator

SIDES = ((autograd, ours, Generator), (torch, theirs, torch.Generator))
Point = namedtuple("Point", "x y")


def both(run, seed=11):
    """What `run(data module, a seeded generator, the whole library)` gives on both sides, seeded alike."""
    results = []
    for library, module, generator in SIDES:
        library.manual_seed(seed)
        results.append(run(module, generator().manual_seed(seed + 1), library))
    return results


def plain(x):
    """Tensors as (dtype, values), containers as they are."""
    if isinstance(x, autograd.Tensor | torch.Tensor):
        return str(x.dtype).removeprefix("torch."), x.tolist()
    if isinstance(x, dict):
        return type(x), {key: plain(value) for key, value in x.items()}
    if isinstance(x, tuple | list):
        return type(x), [plain(part) for part in x]
    return x


@pytest.fixture(autouse=True)
def forked():
    """Workers start by fork, whatever this Python's default: what these tests load is made inside functions."""
    before = multiprocessing.get_start_method()
    multiprocessing.set_start_method("fork", force=True)
    yield
    multiprocessing.set_start_method(before, force=True)


class Share:
    """A stream's share for a worker; `data` says which library's worker it is."""

    def __init__(self, module, runs):
        self.module, self.runs = module, runs

    def __call__(self):
        info = self.module.get_worker_info()
        first, step = (0, 1) if info is None else (info.id, info.num_workers)
        return iter([100 * run + i for run in range(first, len(self.runs), step) for i in range(self.runs[run])])


def stream(module, runs):
    share = Share(module, runs)
    return type("Stream", (module.IterableDataset,), {"__iter__": lambda self: share()})()


# -- orders -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 17, 1000])
@pytest.mark.parametrize("seed", [0, 7, 2**40 + 3])
def test_shuffled_epochs(n, seed):
    def run(data, generator, library):
        loader = data.DataLoader(range(n), 5, shuffle=True)
        return [[batch.tolist() for batch in loader] for _ in range(3)], library.rand(3).tolist()

    a, b = both(run, seed)
    assert a == b


@pytest.mark.parametrize("options", [{}, {"persistent_workers": True}], ids=["workers", "persistent"])
def test_shuffled_epochs_with_workers(options):
    def run(data, generator, library):
        loader = data.DataLoader(range(11), 3, shuffle=True, num_workers=2, **options)
        return [[batch.tolist() for batch in loader] for _ in range(2)], library.rand(3).tolist()

    a, b = both(run)
    assert a == b


@pytest.mark.parametrize("workers", [0, 2])
def test_shuffle_with_a_generator(workers):
    def run(data, generator, library):
        loader = data.DataLoader(range(11), 3, shuffle=True, generator=generator, num_workers=workers)
        return [[batch.tolist() for batch in loader] for _ in range(2)], library.rand(2).tolist()

    a, b = both(run)
    assert a == b


@pytest.mark.parametrize(
    "make",
    [
        lambda data, g: data.RandomSampler(range(10)),
        lambda data, g: data.RandomSampler(range(10), generator=g),
        lambda data, g: data.RandomSampler(range(10), num_samples=25, generator=g),
        lambda data, g: data.RandomSampler(range(10), replacement=True, num_samples=75),
        lambda data, g: data.RandomSampler(range(10), replacement=True, num_samples=64, generator=g),
        lambda data, g: data.SubsetRandomSampler([3, 1, 4, 1, 5, 9, 2, 6]),
        lambda data, g: data.SubsetRandomSampler("abcde", generator=g),
        lambda data, g: data.WeightedRandomSampler([0.1, 0.0, 3.0, 0.6, 1.3], 50),
        lambda data, g: data.WeightedRandomSampler([1, 2, 3], 50, generator=g),
        lambda data, g: data.BatchSampler(data.RandomSampler(range(10), generator=g), 3, True),
    ],
)
def test_samplers(make):
    def run(data, generator, library):
        sampler = make(data, generator)
        return list(sampler), list(sampler), len(sampler), library.rand(2).tolist()

    a, b = both(run)
    assert a == b


@pytest.mark.parametrize(
    ("n", "lengths"), [(10, [7, 3]), (10, [0.5, 0.3, 0.2]), (11, [0.5, 0.25, 0.25]), (1000, [999, 1]), (3, [0, 3])]
)
@pytest.mark.parametrize("given", [False, True])
def test_random_split(n, lengths, given):
    def run(data, generator, library):
        parts = data.random_split(range(n), lengths, **({"generator": generator} if given else {}))
        return [list(part.indices) for part in parts], library.rand(2).tolist()

    a, b = both(run)
    assert a == b


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # PyTorch counts the machine's cores
@pytest.mark.parametrize("workers", [0, 1, 2, 3])
@pytest.mark.parametrize("drop_last", [False, True])
def test_streams(workers, drop_last):
    def run(data, generator, library):
        loader = data.DataLoader(stream(data, [3, 6, 4]), 2, drop_last=drop_last, num_workers=workers)
        return [batch.tolist() for batch in loader]

    a, b = both(run)
    assert a == b


def seeds(data):
    info = data.get_worker_info()
    return info.id, info.seed, np.random.rand(3).tolist()


def test_seeds_of_workers():
    def run(data, generator, library):
        class Seeds:
            def __len__(self):
                return 2

            def __getitem__(self, index):
                return [*seeds(data), library.rand(2).tolist()]

        return list(data.DataLoader(Seeds(), None, num_workers=2, collate_fn=list))

    a, b = both(run)
    assert a == b


# -- batches ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "batch",
    [
        [1, 2],
        [True, False],
        [1.5, 2.5],
        ["a", "b"],
        [b"a", b"b"],
        [np.float32(1), np.float32(2)],
        [np.int8(1), np.int8(2)],
        [np.zeros((2, 3)), np.ones((2, 3))],
        [np.array(3, np.int32), np.array(4, np.int32)],
        [(1, "a"), (2, "b")],
        [[1, 2.0], [3, 4.0]],
        [Point(1, 2.0), Point(3, 4.0)],
        [{"x": 1, "y": [1.0]}, {"x": 2, "y": [2.0]}],
        [OrderedDict(x=1), OrderedDict(x=2)],
        [(np.zeros(2, np.float32), {"k": (1, [True])})] * 3,
        [[], []],
        [{}, {}],
    ],
    ids=repr,
)
def test_default_collate(batch):
    assert plain(ours.default_collate(batch)) == plain(theirs.default_collate(batch))


@pytest.mark.parametrize(
    "sample",
    [
        3,
        2.5,
        "a",
        np.float32(2),
        np.arange(3),
        (np.ones(2), 1),
        [np.ones(2), "b"],
        {"x": np.ones(1)},
        Point(np.ones(1), 2),
    ],
    ids=repr,
)
def test_default_convert(sample):
    assert plain(ours.default_convert(sample)) == plain(theirs.default_convert(sample))


@pytest.mark.parametrize(
    "batch",
    [[], [object()], [np.array(["a"])], [[1], [1, 2]], [{"a": 1}, {"b": 1}], [np.ones(1), np.ones(2)]],
)
def test_default_collate_refuses_what_pytorch_refuses(batch):
    with pytest.raises(Exception) as expected:
        theirs.default_collate(batch)
    with pytest.raises(autograd.errors.WengertError) as caught:
        ours.default_collate(batch)
    assert isinstance(caught.value, expected.type) or expected.type is KeyError or not batch


def test_batches_of_tensors():
    def run(data, generator, library):
        pairs = data.TensorDataset(library.arange(14).reshape(7, 2), library.arange(7) > 3)
        loader = data.DataLoader(data.Subset(pairs, [6, 1, 4, 2, 0]), 2, shuffle=True)
        return [plain(batch) for batch in loader]

    a, b = both(run)
    assert a == b
