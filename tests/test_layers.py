"""Imports run one way, the heart stays small, and importing it stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CLI = ROOT / "autograd" / "cli"
ORDER = [
    "errors",
    "dtypes",
    "writes",
    "recording",
    "tape",
    "tensor",
    "engine",
    "formula",
    "arguments",
    "views",
    "hot",
    "op",
]


def imports_of(path: Path) -> set[str]:
    """Modules that a file of ours imports at its top level, as dotted names."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    found = set()
    for statement in ast.parse(path.read_text()).body:
        if isinstance(statement, ast.Import):
            found |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            base = package[: len(package) - statement.level + 1] if statement.level else ()
            name = ".".join([*base, *([statement.module] if statement.module else [])])
            found |= {name, *(f"{name}.{alias.name}" for alias in statement.names)}
    return found


def test_the_heart_imports_downwards():
    for i, name in enumerate(ORDER):
        used = imports_of(ROOT / "autograd" / f"{name}.py")
        for later in ORDER[i + 1 :]:
            assert f"autograd.{later}" not in used, f"{name} imports {later}"
        assert not any(module.startswith(("autograd.ops", "nn", "optim")) for module in used), name


@pytest.mark.parametrize(
    ("package", "forbidden"), [("autograd", ("nn", "optim")), ("nn", ("optim",)), ("optim", ("nn",))]
)
def test_packages_know_only_what_is_below(package, forbidden):
    """The command line trains models, so it stands above all three packages; it lives in one for its name's sake."""
    for path in (ROOT / package).rglob("*.py"):
        for module in imports_of(path):
            if CLI not in path.parents:
                assert module.split(".")[0] not in forbidden, f"{path.relative_to(ROOT)} imports {module}"
                assert not module.startswith("autograd.cli"), f"{path.relative_to(ROOT)} imports the command line"


def test_the_heart_is_read_in_an_hour():
    lines = {name: len((ROOT / "autograd" / f"{name}.py").read_text().splitlines()) for name in ORDER}
    assert sum(lines[name] for name in ("tape", "engine", "tensor", "op")) < 1000, lines


def test_files_and_functions_stay_readable():
    for package in ("autograd", "nn", "optim", "benchmarks"):
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text()
            assert len(text.splitlines()) <= 500, f"{path.relative_to(ROOT)} is two rooms"
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef):
                    assert (node.end_lineno or 0) - node.lineno < 60, (
                        f"{path.relative_to(ROOT)}: {node.name} is too long"
                    )


def test_import_is_light():
    """Neither SciPy nor Numba nor any extra is loaded by importing the three packages."""
    program = "import sys, autograd, nn, optim; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    heavy = {
        "scipy",
        "numba",
        "matplotlib",
        "sklearn",
        "safetensors",
        "graphviz",
        "tqdm",
        "torch",
        "pandas",
        "multiprocessing",
    }
    assert not heavy & set(loaded.split())
