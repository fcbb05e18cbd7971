"""The folder of emitted programs: private, written at once, bounded, and mended when it is damaged."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from autograd.program import cache

pytest.importorskip("numba")
from autograd.kernels import door

ROOT = Path(__file__).parents[1]

SOURCE = '''"""A program — as emitted."""

import numpy as np

from autograd.kernels.door import kernel_for


@kernel_for("void(float64[::1], int64)")
def doubled(x, n):
    for i in range(n):
        x[i] = 2 * x[i]


def bind(functions, objects, constants, places, arena):
    def step(a0):
        a0 = a0.copy()
        doubled(a0, a0.size)
        return [a0]

    return step
'''


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("WENGERT_CACHE", str(tmp_path / "programs"))
    monkeypatch.setattr(door, "_emitted", {})
    return tmp_path / "programs"


def works(source=SOURCE):
    door._emitted.clear()  # as in a new process
    (found,) = cache.load(source).bind([], [], [], [], None)(np.arange(3.0))
    return found.tolist() == [0, 2, 4]


def machine_code(home):
    return sorted((home / "__pycache__").glob("*.nb*"))


def test_kept_and_found_again(home):
    assert works()
    (path,) = home.glob("program_*.py")
    assert path == cache.place(SOURCE)
    assert path.read_text(encoding="utf-8") == SOURCE
    before = {p: p.stat().st_mtime_ns for p in (path, *machine_code(home))}
    assert len(before) == 3
    assert works()
    assert {p: p.stat().st_mtime_ns for p in (path, *machine_code(home))} == before


def test_the_folder_is_private(home):
    cache.place(SOURCE)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions of POSIX")
def test_a_folder_that_others_may_write_into_is_not_used(home):
    home.mkdir()
    home.chmod(0o777)
    assert works()
    assert not list(home.iterdir())


def test_a_folder_that_cannot_be_made(home):
    home.write_text("a file in its place")
    assert works()


def test_a_folder_that_is_removed(home):
    assert works()
    for path in (*machine_code(home), *home.glob("*.py")):
        path.unlink()
    for folder in (*home.glob("__pycache__"), home):
        for left in folder.glob("*"):
            left.unlink()
        folder.rmdir()
    assert works()


def test_nobody_sees_half_of_a_file(home, monkeypatch):
    seen = []

    def replace(source, target):
        seen.append((Path(source).read_bytes(), Path(target).exists()))
        raise OSError("no room")

    monkeypatch.setattr(os, "replace", replace)
    assert works()  # in this process alone
    assert seen[0] == (SOURCE.encode(), False)
    assert not any(there for _, there in seen)
    assert not list(home.glob("*.py"))
    assert not list(home.glob("*.tmp"))


@pytest.mark.parametrize("damage", [b"", b"half of a prog", b"\xff\x00\xfe", b"raise SystemExit"])
def test_a_damaged_text_is_written_again(home, damage):
    assert works()
    path = cache.place(SOURCE)
    path.write_bytes(damage)
    assert works()
    assert path.read_bytes() == SOURCE.encode()


def test_a_damaged_text_is_nobodys(home):
    assert works()
    path = cache.place(SOURCE)
    assert cache.text_of(path.name) == SOURCE
    path.write_text("half of a prog")
    with pytest.raises(LookupError):
        cache.text_of(path.name)


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", [b"", b"not machine code", None])
def test_damaged_machine_code_is_compiled_again(home, kind, damage):
    assert works()
    (path,) = home.glob(f"__pycache__/*.{kind}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if damage is None else damage)
    assert works()
    assert works()


def test_it_is_bounded(home, monkeypatch):
    """The oldest go first; the newest stays whatever its size."""
    sources = [SOURCE.replace("A program", f"Program {i}") for i in range(4)]
    for i, source in enumerate(sources):
        assert works(source)
        os.utime(cache.place(source), (i, i))
    sizes = {path: size for path, size, _ in cache.programs()}
    assert len(sizes) == 4
    cache.prune(home, limit=2 * max(sizes.values()))
    assert [path for path, _, _ in cache.programs()] == [cache.place(s) for s in sources[2:]]
    assert len(machine_code(home)) == 4
    cache.prune(home, limit=1)
    assert [path for path, _, _ in cache.programs()] == [cache.place(sources[3])]
    assert cache.clear() == 1
    assert not list(home.glob("*"))


def test_a_new_program_makes_room(home, monkeypatch):
    monkeypatch.setattr(cache.prune, "__defaults__", (1,))
    assert works()
    os.utime(cache.place(SOURCE), (0, 0))
    other = SOURCE.replace("A program", "Another")
    assert works(other)
    assert [path for path, _, _ in cache.programs()] == [cache.place(other)]


def test_the_name_depends_on_the_engine(monkeypatch):
    before = cache.place(SOURCE)
    monkeypatch.setattr(cache, "meaning", lambda: b"another version")
    assert cache.place(SOURCE) != before


PROCESS = """
import sys
import numpy as np
import autograd
f = autograd.compile(lambda x: ((x * 2 + 1).tanh() * x).sum())
x = np.linspace(-1, 1, 50)
sys.stdin.readline()
for i in range(4):
    found, expected = f(autograd.tensor(x + i)).item(), (np.tanh((x + i) * 2 + 1) * (x + i)).sum()
    assert abs(found - expected) < 1e-9, (found, expected)
print(f.program is not None, *(entry.replay.run.timing.kept for entry in f.entries.values()))
"""


def test_two_processes_at_once(home):
    """Both compile the same program, or one finds the other's; a third finds it on the disk."""

    def start():
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen([sys.executable, "-W", "error", "-c", PROCESS], cwd=ROOT, text=True, **pipes)

    both = [start(), start()]
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in both:
        out, err = process.communicate(timeout=120)
        assert out.startswith("True"), err
    assert len(cache.programs()) == 1
    out, err = start().communicate("go\n", timeout=120)
    assert out.split() == ["True", "True"], err
