"""`wengert kernels warm` reaches every kernel that there is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba")

from autograd.kernels import softmax, warm

ROOT = Path(__file__).parent.parent


def run(program: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: what other tests have compiled does not count, nor what is switched off here."""
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


def test_every_kernel_is_ready_afterwards():
    """A new kernel that no program reaches is named here: give it one in autograd/cli/kernels.py."""
    outcome = run(
        "from autograd.cli import main\n"
        "from autograd.kernels import warm\n"
        "names = {warm.name(kernel) for kernel in warm.kernels()}\n"
        "assert not warm.ready(), warm.ready()\n"
        "main(['kernels', 'warm'])\n"
        "assert warm.ready() == names, names - warm.ready()\n"
    )
    assert outcome.returncode == 0, outcome.stderr
    first, *programs, last = outcome.stdout.splitlines()
    assert first.split(" kernels, for float32; kept in ")[0] == str(
        sum(int(line.split(": ")[1].removesuffix(" kernels")) for line in programs)
    )
    assert last.endswith("s  in all; from now on they are read from the disk")


def test_kernels_are_named_and_only_those_that_python_calls():
    names = {warm.name(kernel) for kernel in warm.kernels()}
    assert {"softmax._softmax", "recurrent._lstm"} <= names
    assert "softmax.largest" not in names  # written into its callers


def test_a_kernel_is_ready_once_called():
    softmax.softmax(np.ones((2, 3), np.float32))
    assert "softmax._softmax" in warm.ready()


def test_without_numba_there_is_nothing_to_warm():
    outcome = run("import sys\nsys.modules['numba'] = None\nfrom autograd.cli import main\nmain(['kernels', 'warm'])\n")
    assert outcome.returncode == 1
    assert outcome.stderr.strip().endswith("pip install numba")
    assert "there are no kernels without Numba" in outcome.stderr
