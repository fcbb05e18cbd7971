"""`wengert cache`: what it lists, forgets and says."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import autograd
from autograd.cli import main
from autograd.program import cache

ROOT = Path(__file__).parent.parent


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WENGERT_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


def test_a_program_is_listed_and_forgotten(folder, capsys):
    pytest.importorskip("numba")
    f = autograd.compile(lambda x: x * 2 + 1)
    for _ in range(3):
        f(autograd.ones(3))
    capsys.readouterr()
    (made,) = folder.glob("program_*.py")
    old = time.time() - 3 * 3600
    os.utime(made, (old, old))
    main(["cache"])
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith(made.stem)
    assert "3 hours" in first
    assert "2 equations" in first
    assert last.startswith("1 program, ")
    assert last.endswith(str(folder))
    main(["cache", "--clear"])
    assert capsys.readouterr().out == f"1 program forgotten, in {folder}\n"
    assert not list(folder.glob("**/program_*"))
    assert f(autograd.ones(3)).tolist() == [3.0, 3.0, 3.0]
    main(["cache"])
    assert capsys.readouterr().out.startswith("0 programs, 0 KiB of at most 256.0 MiB")


def test_sizes_and_what_is_damaged(folder, capsys):
    folder.mkdir()
    (folder / "program_a.py").write_bytes(b"\xff" * 3 * 2**20)
    (folder / "program_b.py").write_text("no program\n")
    (folder / "another.py").write_text("not ours\n")
    main(["cache"])
    out = capsys.readouterr().out
    assert "program_a    3.0 MiB     just now  unreadable" in out
    assert "program_b      0 KiB     just now  damaged" in out
    assert "another" not in out
    assert "2 programs" in out
    main(["cache", "--clear"])
    assert [path.name for path in folder.iterdir()] == ["another.py"]


def test_the_folder(folder, capsys):
    main(["cache", "--folder"])
    assert capsys.readouterr().out == f"{folder}\n"
    assert not folder.exists()


def test_help_and_wrong_calls(folder):
    command = [sys.executable, "-m", "autograd.cli", "cache"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run([*command, "--help"], capture_output=True, text=True, env=environment, check=True)
    assert "--clear" in run.stdout
    assert "$WENGERT_CACHE" in run.stdout
    run = subprocess.run(
        [*command, "--clear", "--folder"], capture_output=True, text=True, env=environment, check=False
    )
    assert run.returncode == 2
    assert cache.LIMIT == 256 * 2**20  # as the help says
