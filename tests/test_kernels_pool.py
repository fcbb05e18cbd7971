"""Regions: work divided among threads, by Python functions and by compiled ones."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import numpy as np
import pytest

pytest.importorskip("numba")
from autograd.errors import ArgumentError
from autograd.kernels import get_num_threads, pool, set_num_threads
from autograd.kernels.door import kernel
from autograd.kernels.spin import each
from autograd.kernels.words import entry, kept


@kernel
def _tripled_piece(i, x, y, size):
    for j in range(i * size, min(len(x), (i + 1) * size)):
        y[j] += 3 * x[j] + i


@kernel
def _tripled(team, helpers, pieces, x, y, size):
    arguments = (x, y, size)
    each(team, helpers, pieces, entry(_tripled_piece, arguments), kept(arguments))


@pytest.fixture(params=[1, 2, 5])
def threads(request):
    before = get_num_threads()
    set_num_threads(request.param)
    yield request.param
    set_num_threads(before)


def _check(pieces=7, size=100):
    x, y = np.arange(pieces * size * 1.0), np.zeros(pieces * size)
    pool.share(pieces, _tripled, x, y, size)
    assert (y == 3 * x + np.repeat(np.arange(pieces), size)).all()


def test_every_piece_is_done_once(threads):
    for _ in range(300):
        _check()


def test_helpers_that_sleep_are_woken(threads):
    for _ in range(5):
        _check()
        time.sleep(0.003)


def test_python_work_and_compiled_work_alternate(threads):
    for _ in range(100):
        done = []
        pool.run(5, done.append)
        assert sorted(done) == [0, 1, 2, 3, 4]
        _check(2)


def test_nobody_holds_what_was_worked_on(threads):
    """An engine that counts references would copy a gradient that a helper still holds."""
    for size in (1, 100_000):
        x = np.zeros(size)
        before = sys.getrefcount(x)
        for _ in range(5):
            pool.run(8, lambda i, x=x: x.fill(i))
            assert sys.getrefcount(x) == before
            time.sleep(0.001)


def test_a_region_within_a_region_is_done_by_its_thread(threads):
    pool.run(4, lambda i: _check(3, 10 + i))


def test_threads_of_the_user_share_the_helpers(threads):
    failures = []

    def work():
        try:
            for _ in range(200):
                _check()
        except BaseException as error:
            failures.append(error)

    users = [threading.Thread(target=work) for _ in range(4)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert not failures


def test_an_error_in_a_piece_reaches_the_caller(threads):
    def work(i):
        if i == 3:
            raise ValueError("three")

    for _ in range(3):
        with pytest.raises(ValueError, match="three"):
            pool.run(6, work)
        _check()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="timers of POSIX")
@pytest.mark.parametrize("region", [lambda: _check(2, 3), lambda: pool.run(3, lambda i: _check(1, 3))])
def test_an_interrupt_leaves_the_team_together(region):
    """Wherever it comes: ctrl-C in a notebook, after which the next cell runs."""

    def interrupt(*_):
        raise KeyboardInterrupt

    def work(seconds):
        signal.setitimer(signal.ITIMER_REAL, seconds)
        while True:
            region()

    before, old = get_num_threads(), signal.signal(signal.SIGALRM, interrupt)
    set_num_threads(2)
    try:
        for i in range(150):
            with pytest.raises(KeyboardInterrupt):
                work(1e-3 + 1e-6 * i)
            assert not pool._lock.locked()
    finally:
        signal.signal(signal.SIGALRM, old)
        set_num_threads(before)
    _check()


@kernel
def _failing_piece(i, x):
    if i == 2:
        raise ValueError("two")


@kernel
def _failing(team, helpers, pieces, x):
    arguments = (x,)
    each(team, helpers, pieces, entry(_failing_piece, arguments), kept(arguments))


def test_a_compiled_piece_that_fails_is_not_passed_over(threads):
    with pytest.raises(MemoryError, match="no room"):
        pool.share(4, _failing, np.zeros(1))
    _check()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are the point")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # JAX's, where an earlier test has imported it
def test_a_forked_child_has_threads_of_its_own(threads):
    _check()
    child = os.fork()
    if child == 0:
        try:
            set_num_threads(2)
            _check()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("n", [0, -1, 1.0, None, 10_000])
def test_the_number_of_threads_is_checked(n):
    with pytest.raises(ArgumentError, match="from 1 to 256"):
        set_num_threads(n)
