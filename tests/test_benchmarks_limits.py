"""What the machine can do at most is measured, not guessed."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from benchmarks import limits, machine


def test_both_limits_are_found():
    pytest.importorskip("numba")
    found = limits.limits()
    assert set(found) == {"flops", "bytes"}
    assert all(0 < value < 1e16 for value in found.values())  # not infinity, which no JSON holds


def test_the_triad_is_measured_again_when_asked():
    pytest.importorskip("numba")
    with limits.beside() as triad:
        assert all(0 < triad() < 1e16 for _ in range(2))


def test_there_are_none_without_numba(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    assert limits.measured() == {}


def test_compiling_does_not_count():
    calls = []
    assert all(0 < t < float("inf") for t in limits._times(calls.append, seconds=0.01))
    assert calls[0] == 0


def test_arrays_begin_at_a_cache_line():
    assert all(limits._aligned(n).ctypes.data % 64 == 0 and len(limits._aligned(n)) == n for n in (1, 7, 64, 1000))
    assert np.all(limits._aligned(5) == 1)


def test_the_blas_chooses_its_core_itself(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert "OPENBLAS_CORETYPE" not in machine.environment()


def test_the_machine_is_described():
    found, reading = machine.probe(0.001)
    assert found["python"] == machine.platform.python_version()
    assert {"processor", "cores", "numpy", "torch", "blas"} <= set(found)
    assert reading > 0
    json.dumps(found)
