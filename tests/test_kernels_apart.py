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


SHARING = """from autograd.kernels.door import kernel_for
from autograd.kernels.pool import together
from autograd.kernels.spin import each
from autograd.kernels.words import entry, kept

@kernel_for("void(int64, float64[::1])")
def tripled(piece, x):
    x[np.uint64(piece)] *= 3

@kernel_for("void(int64[:, ::1], int64, float64[::1])")
def shared(team, helpers, x):
    given = (x,)
    each(team, helpers, 4, entry(tripled, given), kept(given))
"""


def test_two_programs_have_a_piece_in_common(tmp_path):
    """The second was compiled when the first was there, and is used when it is not."""

    def run(*programs: str) -> str:
        program = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]; import numpy as np\n"
        for name in programs:
            (tmp_path / f"{name}.py").write_text(f"import numpy as np\n{SHARING.replace('shared', name)}")
            program += f"import {name}; x = np.ones(4); {name}.together({name}.{name}, x); print(x.sum())\n"
        command = [sys.executable, "-c", program]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=300).stdout

    assert run("one", "two") == "12.0\n12.0\n"
    (tmp_path / "one.py").unlink()
    assert run("two") == "12.0\n"
    assert run("two", "one") == "12.0\n12.0\n"
