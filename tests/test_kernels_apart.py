"""Kernels that others call where they are: compiled once, found again by later processes, and never out of date."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba")

from autograd.kernels.apart import apart
from autograd.kernels.door import kernel

ROOT = Path(__file__).parent.parent


@apart
def _scaled(x, factor):
    if x.size == 0:
        raise ValueError("nothing to scale")
    return x[0] * factor


@kernel
def _twice(x):
    return _scaled(x, 2)


@kernel
def _times(x, factor):
    return _scaled(x, factor)


def test_literals_and_numbers_are_of_one_type_and_compiled_once():
    x = np.array([3.0])
    assert (_twice(x), _times(x, 5)) == (6.0, 15.0)
    assert len(_scaled.inner.overloads) == 1
    assert _twice(x.astype("f4")) == 6
    assert len(_scaled.inner.overloads) == 2


def test_an_error_reaches_whoever_called_the_caller():
    with pytest.raises(ValueError, match="nothing to scale"):
        _twice(np.empty(0))


def test_there_is_no_way_in_from_python():
    with pytest.raises(NotImplementedError):
        _scaled(np.ones(1), 2)


CALLED = """from autograd.kernels.apart import apart

@apart
def called(x):
    return x + {}
"""
CALLER = """from autograd.kernels.door import kernel
from called import called

@kernel
def caller(x):
    return called(x)
"""


def test_a_caller_on_the_disk_is_used_again_until_what_it_calls_changes(tmp_path):
    (tmp_path / "caller.py").write_text(CALLER)

    def run(added: str) -> str:
        (tmp_path / "called.py").write_text(CALLED.format(added))
        program = (
            f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]; from caller import caller\n"
            "print(caller(1), sum(caller.stats.cache_hits.values()))"
        )
        command = [sys.executable, "-c", program]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=300).stdout

    assert run("1") == "2 0\n"
    assert run("1") == "2 1\n"
    assert run("0.5") == "1.5 0\n"  # a result of another type, too
