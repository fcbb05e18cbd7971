"""The DataLoader: the same batches with and without workers, and workers that end well however they end."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import autograd
from autograd import data
from autograd.data import parcel
from autograd.data.fetch import Recipe
from autograd.errors import ArgumentError, DataError
from autograd.random import Generator

ROOT = Path(__file__).parent.parent


class Squares(data.Dataset):
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        return {"x": np.full(3, index * index, np.float32), "i": index}


class Shares(data.IterableDataset):
    """0 .. n - 1, dealt to the workers in runs of unequal length."""

    def __init__(self, *runs):
        self.runs = runs

    def __iter__(self):
        info = data.get_worker_info()
        share = range(len(self.runs)) if info is None else range(info.id, len(self.runs), info.num_workers)
        return (100 * run + i for run in share for i in range(self.runs[run]))

    def __len__(self):
        return sum(self.runs)


class Calls(data.Dataset):
    """Sample i is what the i-th function returns."""

    def __init__(self, *functions):
        self.functions = functions

    def __len__(self):
        return len(self.functions)

    def __getitem__(self, index):
        return self.functions[index]()


def indices(loader):
    return [batch["i"].tolist() for batch in loader]


def values(loader):
    return [batch.tolist() for batch in loader]


def flat(batches):
    return [sample for batch in batches for sample in batch]


def gone(pids, seconds=10.0):
    """Whether these processes are gone, now or soon."""
    end = time.monotonic() + seconds
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture(autouse=True)
def forked():
    """Workers start by fork, whatever this Python's default: what these tests load is made inside functions."""
    before = multiprocessing.get_start_method()
    multiprocessing.set_start_method("fork", force=True)
    yield
    multiprocessing.set_start_method(before, force=True)


@pytest.fixture
def worker_pids():
    """The worker processes that have been started since the test began."""
    before = {process.pid for process in multiprocessing.active_children()}
    return lambda: {process.pid for process in multiprocessing.active_children()} - before


# -- batches ----------------------------------------------------------------------------------------------------------


def test_defaults():
    loader = data.DataLoader([10, 20])
    assert (loader.batch_size, loader.num_workers, loader.drop_last, loader.prefetch_factor) == (1, 0, False, None)
    assert data.DataLoader([10], num_workers=1).prefetch_factor == 2
    assert [batch.tolist() for batch in loader] == [[10], [20]]
    assert isinstance(loader.sampler, data.SequentialSampler)
    assert isinstance(loader.batch_sampler, data.BatchSampler)
    assert loader.collate_fn is data.default_collate


def test_batches_in_order_and_the_last_one():
    assert indices(data.DataLoader(Squares(5), 2)) == [[0, 1], [2, 3], [4]]
    assert indices(data.DataLoader(Squares(5), 2, drop_last=True)) == [[0, 1], [2, 3]]
    assert [len(data.DataLoader(Squares(5), 2, drop_last=drop)) for drop in (False, True)] == [3, 2]


def test_single_samples():
    loader = data.DataLoader(Squares(2), batch_size=None)
    first, second = loader
    assert isinstance(first["x"], autograd.Tensor)
    assert second["i"] == 1
    assert len(loader) == 2


def test_samplers_decide():
    assert indices(data.DataLoader(Squares(5), 2, sampler=[4, 0, 2])) == [[4, 0], [2]]
    loader = data.DataLoader(Squares(5), batch_sampler=[[1], [2, 3]])
    assert indices(loader) == [[1], [2, 3]]
    assert len(loader) == 2
    assert loader.batch_size is None


def test_collate_fn_sees_the_samples():
    assert list(data.DataLoader(range(3), 2, collate_fn=tuple)) == [(0, 1), (2,)]


def test_shuffle_has_a_new_order_each_epoch_and_the_same_one_for_a_seed():
    loader = data.DataLoader(range(30), 10, shuffle=True, generator=Generator().manual_seed(1))
    first, second = values(loader), values(loader)
    assert first != second
    assert sorted(flat(first)) == list(range(30))
    again = data.DataLoader(range(30), 10, shuffle=True, generator=Generator().manual_seed(1))
    assert [values(again), values(again)] == [first, second]


def test_gathering_gives_what_collating_gives():
    pairs = data.TensorDataset(autograd.tensor(np.arange(20.0).reshape(10, 2)), autograd.arange(10))
    subset = data.Subset(pairs, [9, 3, 4, 1])
    fast = data.DataLoader(subset, 3)
    slow = data.DataLoader(subset, 3, collate_fn=lambda samples: data.default_collate(samples))
    for a, b in zip(fast, slow, strict=True):
        assert type(a) is type(b)
        assert [t.tolist() for t in a] == [t.tolist() for t in b]
        assert [t.dtype for t in a] == [t.dtype for t in b]


def test_gathering_does_not_overtake_a_subclass():
    class Shifted(data.TensorDataset):
        def __getitem__(self, index):
            return super().__getitem__(index)[0] + 100

    assert values(data.DataLoader(Shifted(autograd.arange(3)), 2)) == [[100, 101], [102]]


def test_a_batch_does_not_share_memory_with_the_set():
    x = autograd.zeros(4)
    (batch,) = next(iter(data.DataLoader(data.TensorDataset(x), 4)))
    batch.array[:] = 1
    assert x.tolist() == [0, 0, 0, 0]


# -- streams ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [0, 2])
def test_streams(workers):
    assert values(data.DataLoader(Shares(2, 5), 2, num_workers=0)) == [[0, 1], [100, 101], [102, 103], [104]]
    if workers:
        loader = data.DataLoader(Shares(2, 5), 2, num_workers=2, persistent_workers=True)
        for _ in range(2):
            assert values(loader) == [[0, 1], [100, 101], [102, 103], [104]]
        assert values(data.DataLoader(Shares(3, 0, 0), 1, num_workers=2)) == [[0], [1], [2]]
    drop = data.DataLoader(Shares(3, 3), 2, drop_last=True, num_workers=workers)
    assert values(drop) == ([[0, 1], [100, 101]] if workers else [[0, 1], [2, 100], [101, 102]])
    assert list(data.DataLoader(Shares(2, 1), None, num_workers=workers)) == ([0, 100, 1] if workers else [0, 1, 100])
    assert len(drop) == 3


def test_a_stream_that_fails_at_its_start_fails_once():
    class Broken(data.IterableDataset):
        def __iter__(self):
            raise OSError("no such tape")

    batches = iter(data.DataLoader(Broken(), 2, num_workers=2))
    for _ in range(2):  # once in each worker
        with pytest.raises(OSError, match="no such tape"):
            next(batches)
    assert list(batches) == []


def test_a_stream_that_fails_later_does_not_go_on_with_the_old_one():
    class Once(data.IterableDataset):
        fresh = True

        def __iter__(self):
            if not self.fresh:
                raise OSError("the tape is worn")
            self.fresh = False
            return iter(range(9))

    loader = data.DataLoader(Once(), 1, num_workers=1, persistent_workers=True)
    assert next(iter(loader)).tolist() == [0]
    again = iter(loader)
    with pytest.raises(OSError, match="worn"):
        next(again)
    assert list(again) == []


# -- workers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_give_the_same_batches(workers):
    epochs = []
    for number in (0, workers):
        autograd.manual_seed(5)
        loader = data.DataLoader(Squares(23), 4, shuffle=True, num_workers=number)
        epochs.append([indices(loader), indices(loader)])
    assert epochs[0] == epochs[1]


def test_workers_load_elsewhere_and_end():
    loader = data.DataLoader(Calls(*[os.getpid] * 12), 1, num_workers=2, prefetch_factor=1)
    pids = {pid for batch in loader for pid in batch.tolist()}
    assert len(pids) == 2
    assert os.getpid() not in pids
    assert gone(pids)


def test_large_batches_come_whole_and_writable():
    big = np.arange(1 << 19, dtype=np.float64)  # 4 MB, through shared memory

    class Big(data.Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return big + index, np.asfortranarray(big[: 1 << 18].reshape(512, 512)), "name"

    for index, (x, y, name) in enumerate(data.DataLoader(Big(), 1, num_workers=2)):
        np.testing.assert_array_equal(x.array, [big + index])
        np.testing.assert_array_equal(y.array[0], big[: 1 << 18].reshape(512, 512))
        x.array += 1
        assert name == ("name",)


def test_parcels_without_shared_memory(monkeypatch):
    content = {"x": np.ones(1 << 18), "y": [1, 2]}
    assert parcel.pack({"x": np.ones(9)}).memory is None
    monkeypatch.delattr(os, "memfd_create", raising=False)
    packed = parcel.pack(content)
    assert packed.memory is None
    ours, theirs = multiprocessing.Pipe()
    sender = threading.Thread(target=parcel.send, args=(theirs, packed))
    sender.start()
    assert parcel.receive(ours)["x"].sum() == 1 << 18
    sender.join()


def test_persistent_workers_stay_and_leftovers_are_dropped(worker_pids):
    loader = data.DataLoader(Squares(9), 2, num_workers=2, persistent_workers=True)
    whole = indices(loader)
    pids = worker_pids()
    assert len(pids) == 2
    broken_off = iter(loader)
    assert next(broken_off)["i"].tolist() == [0, 1]
    assert indices(loader) == whole == [[0, 1], [2, 3], [4, 5], [6, 7], [8]]
    assert worker_pids() == pids
    with pytest.raises(ArgumentError, match="two loaders"):
        next(broken_off)
    del loader, broken_off
    assert gone(pids)


def test_a_broken_off_loop_ends_its_workers(worker_pids):
    for _ in data.DataLoader(Squares(50), 1, num_workers=2):
        pids = worker_pids()
        break
    assert len(pids) == 2
    assert gone(pids)


def test_out_of_order_gives_every_batch():
    slow = Calls(lambda: time.sleep(0.2) or 0, *[lambda: 1] * 5)
    batches = values(data.DataLoader(slow, 1, num_workers=2, in_order=False))
    assert sorted(flat(batches)) == [0, 1, 1, 1, 1, 1]
    assert batches[0] == [1]


def told(worker):
    random.shared = worker  # seen by `who` in the same process


def who():
    info = data.get_worker_info()
    draws = [float(autograd.rand(1, dtype=autograd.float64)), float(np.random.rand()), random.random()]
    return [info.id, info.num_workers, len(info.dataset), random.shared, info.seed % 2**31, *draws]


def test_workers_know_themselves_and_have_random_numbers_of_their_own():
    assert data.get_worker_info() is None
    runs = []
    for _ in range(2):
        autograd.manual_seed(7)
        loader = data.DataLoader(Calls(who, who), None, num_workers=2, worker_init_fn=told, collate_fn=list)
        runs.append(list(loader))
    first, second = runs[0]
    assert runs[0] == runs[1]
    assert first[:4] == [0, 2, 2, 0]
    assert second[:4] == [1, 2, 2, 1]
    assert second[4] == first[4] + 1
    assert all(a != b for a, b in zip(first[5:], second[5:]))


@pytest.mark.parametrize("context", ["spawn", "forkserver"])
@pytest.mark.slow
def test_other_ways_to_start(context):
    loader = data.DataLoader(Squares(5), 2, num_workers=1, multiprocessing_context=context)
    assert indices(loader) == [[0, 1], [2, 3], [4]]


# -- what goes wrong --------------------------------------------------------------------------------------------------


class PickyError(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


def fail(error):
    raise error


@pytest.mark.parametrize(
    ("raised", "arrives", "says"),
    [
        (KeyError("lost"), KeyError, "KeyError: 'lost'"),
        (ZeroDivisionError("nil"), ZeroDivisionError, "in fail"),
        (PickyError(1, 2), DataError, "PickyError"),
        (StopIteration("early"), DataError, "StopIteration: early"),
        (type("Local", (Exception,), {})("inner"), DataError, "Local: inner"),
    ],
    ids=["key", "zero", "constructor", "stop", "local"],
)
def test_an_exception_comes_with_class_and_traceback(raised, arrives, says):
    calls = Calls(lambda: 0, lambda: fail(raised), lambda: 2, lambda: 3)
    batches = iter(data.DataLoader(calls, 1, num_workers=2))
    assert next(batches).tolist() == [0]
    with pytest.raises(arrives, match=says) as caught:
        next(batches)
    assert "DataLoader worker 1" in str(caught.value)
    assert "\\n" not in str(caught.value)
    assert values(batches) == [[2], [3]]  # the others are not lost


def test_a_batch_that_cannot_be_sent():
    with pytest.raises(Exception, match="pickle") as caught:
        list(data.DataLoader([1], None, num_workers=1, collate_fn=lambda sample: lambda: sample))
    assert "DataLoader worker 0" in str(caught.value)


def test_a_failing_init():
    with pytest.raises(OSError, match="no licence"):
        list(data.DataLoader([1, 2], num_workers=1, worker_init_fn=lambda worker: fail(OSError("no licence"))))


@pytest.mark.parametrize(
    ("end", "says"),
    [(lambda: os.kill(os.getpid(), signal.SIGKILL), "SIGKILL.*memory"), (lambda: os._exit(3), "exited with code 3")],
    ids=["killed", "exit"],
)
def test_a_dead_worker_is_an_error(end, says, worker_pids):
    loader = data.DataLoader(Calls(lambda: 0, lambda: 1, lambda: 2, end), 1, num_workers=2, persistent_workers=True)
    batches = iter(loader)
    assert next(batches).tolist() == [0]
    pids = worker_pids()
    with pytest.raises(DataError, match=f"worker 1.*{says}"):
        for _ in batches:
            pass
    assert gone(pids)
    with pytest.raises(DataError, match="start a new iteration"):
        next(batches)
    assert next(iter(loader)).tolist() == [0]


def test_timeout(worker_pids):
    batches = iter(data.DataLoader(Calls(lambda: time.sleep(60)), num_workers=1, timeout=0.1))
    pids = worker_pids()
    with pytest.raises(DataError, match="timeout"):
        next(batches)
    assert len(pids) == 1
    assert gone(pids)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_copy_in_another_process_does_not_end_the_workers():
    loader = data.DataLoader(Squares(8), 2, num_workers=1, persistent_workers=True)
    next(iter(loader))
    child = os.fork()
    if child == 0:
        loader._workers.close()
        os._exit(0)
    os.waitpid(child, 0)
    assert len(indices(loader)) == 4


SCRIPT = textwrap.dedent("""
    import sys, time
    from autograd.data import DataLoader

    class Slow:
        def __len__(self): return 1000
        def __getitem__(self, index):
            time.sleep(0.05)
            return index

    batches = iter(DataLoader(Slow(), 2, num_workers=2, persistent_workers=bool(int(sys.argv[1])),
                              multiprocessing_context="fork"))
    next(batches)
    print(*(line.process.pid for line in batches._workers._lines), flush=True)
    for batch in batches:
        pass
""")


@pytest.mark.parametrize(("how", "persistent"), [("ctrl-c", 0), ("ctrl-c", 1), ("kill", 1)])
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for processes in /proc")
def test_no_process_outlives_the_main_one(how, persistent):
    main = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(persistent)], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    with main:
        pids = [int(pid) for pid in main.stdout.readline().split()]
        assert len(pids) == 2
        if how == "ctrl-c":
            os.killpg(main.pid, signal.SIGINT)  # as a terminal does: to all of them
        else:
            main.kill()
        assert gone(pids)
        said = main.stderr.read()
    assert said.count("Traceback") == (1 if how == "ctrl-c" else 0), said
    assert ("KeyboardInterrupt" in said) == (how == "ctrl-c")


# -- arguments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"num_workers": -1}, "num_workers"),
        ({"num_workers": 1, "timeout": -1}, "timeout"),
        ({"prefetch_factor": 2}, "prefetch_factor"),
        ({"num_workers": 1, "prefetch_factor": -1}, "prefetch_factor"),
        ({"persistent_workers": True}, "persistent_workers"),
        ({"multiprocessing_context": "fork"}, "multiprocessing_context"),
        ({"num_workers": 1, "multiprocessing_context": "thread"}, "multiprocessing_context"),
        ({"shuffle": True, "sampler": [0]}, "sampler"),
        ({"batch_sampler": [[0]], "batch_size": 2}, "batch_sampler"),
        ({"batch_sampler": [[0]], "shuffle": True}, "batch_sampler"),
        ({"batch_size": None, "drop_last": True}, "drop_last"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 2.0}, "batch_size"),
    ],
)
def test_arguments_that_do_not_fit(options, names):
    with pytest.raises(ArgumentError, match=names):
        data.DataLoader(range(3), **options)


@pytest.mark.parametrize("options", [{"shuffle": True}, {"sampler": [0]}, {"batch_sampler": [[0]]}])
def test_a_stream_has_no_order_to_choose(options):
    with pytest.raises(ArgumentError, match="IterableDataset"):
        data.DataLoader(Shares(3), **options)


def test_what_others_follow_from_cannot_change():
    loader = data.DataLoader(range(3))
    with pytest.raises(ArgumentError, match="batch_size"):
        loader.batch_size = 2
    loader.collate_fn = tuple
    assert next(iter(loader)) == (0,)


def test_a_recipe_without_batches():
    assert Recipe([4, 5], str, batched=False, drop_last=False).start()(1) == "5"
