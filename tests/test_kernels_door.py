"""Where kernels are kept, what happens where they cannot be, and who knows of Numba."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytest.importorskip("numba")

ROOT = Path(__file__).parents[1]
MODULE = textwrap.dedent("""
    from autograd.kernels.door import kernel

    @kernel
    def doubled(x):
        return 2 * x

    def check(ready):
        assert doubled(2.5) == 5
        assert (doubled.stats.cache_hits[doubled.signatures[0]] == 1) == ready, "hits"
""")


def run(program, *path, status=0, **environment):
    """What a process of its own says."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, path), str(ROOT)]), **environment}
    command = [sys.executable, "-c", textwrap.dedent(program)]
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert outcome.returncode == status, outcome.stderr
    return outcome.stdout


def test_only_kernels_know_of_numba():
    for package in ("autograd", "nn", "optim"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
                numba = any(name.split(".")[0] in ("numba", "llvmlite") for name in names)
                assert not numba or path.parent.name == "kernels", path


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", [b"", b"not machine code", None])
def test_damaged_files_are_made_again(tmp_path, kind, damage):
    (tmp_path / "mine.py").write_text(MODULE)
    run("import mine; mine.check(False)", tmp_path)
    (path,) = (tmp_path / "__pycache__").glob(f"*.{kind}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if damage is None else damage)
    run("import mine; mine.check(False)", tmp_path)
    run("import mine; mine.check(True)", tmp_path)


def test_kernels_go_to_the_folder_of_programs_where_their_own_is_not_writable(tmp_path):
    (tmp_path / "mine.py").write_text(MODULE)
    (tmp_path / "__pycache__").write_text("a file in its place")
    kept = {"WENGERT_CACHE": str(tmp_path / "kept"), "NUMBA_CACHE_DIR": ""}
    run("import mine; mine.check(False)", tmp_path, **kept)
    run("import mine; mine.check(True)", tmp_path, **kept)
    assert [path.suffix for path in sorted((tmp_path / "kept").rglob("*.nb*"))] == [".nbc", ".nbi"]


def test_temporary_folders_do_not_stay(tmp_path):
    (tmp_path / "mine.py").write_text(MODULE)
    (tmp_path / "__pycache__").write_text("a file in its place")
    (tmp_path / "here").mkdir()
    nowhere = {"WENGERT_CACHE": os.devnull, "TMPDIR": str(tmp_path / "here"), "NUMBA_CACHE_DIR": ""}
    run("import os, mine; mine.check(False); assert os.listdir(os.environ['TMPDIR'])", tmp_path, **nowhere)
    assert not list((tmp_path / "here").iterdir())


LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))"
STEP = """
import autograd
x = autograd.rand(1 << 15, requires_grad=True)
autograd.exp(x).sum().backward()
f = autograd.compile(lambda x: autograd.exp(x * x).sum())
for _ in range(4):
    y = f(x)
y.backward()
print(bool((abs(x.grad - x.exp() - 2 * x * autograd.exp(x * x)) < 1e-4).all()))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_full_disk_costs_time_and_nothing_else(tmp_path):
    assert run(LIMITED + STEP, PYTHONDONTWRITEBYTECODE="1", WENGERT_CACHE=str(tmp_path)) == "True\n"
    assert not list(tmp_path.rglob("*.nbc"))


def test_without_compilation_there_are_no_kernels(tmp_path):
    assert run(STEP, NUMBA_DISABLE_JIT="1", WENGERT_CACHE=str(tmp_path)) == "True\n"
