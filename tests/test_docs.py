"""What the documentation shows is what happens: examples in docstrings, the README, the notebooks, the benchmarks."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import os
import pkgutil
import re
from pathlib import Path

import pytest

import autograd
import nn
import optim
from autograd.draw.render import NoRenderer

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
README = ROOT / "README.md"


def modules() -> list[str]:
    """Every module of the three packages but the entry points, which run when they are imported."""
    found = []
    for package in (autograd, nn, optim):
        found.append(package.__name__)
        found += [info.name for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return [name for name in found if not name.endswith("__main__")]


class OpsToo(doctest.DocTestFinder):
    """Finds the examples of declared ops, too, whose functions were made in another module."""

    def _from_module(self, module, object):
        return getattr(object, "__module__", None) == module.__name__ or super()._from_module(module, object)


def test_examples_of_ops_are_found():
    found = {test.name for test in OpsToo().find(importlib.import_module("autograd.ops.trig"), "trig") if test.examples}
    assert "trig.sin" in found


@pytest.mark.parametrize("name", modules())
def test_docstrings(name, tmp_path, monkeypatch):
    """The examples in the docstrings of a module print what they say."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WENGERT_CACHE", str(tmp_path / "programs"))
    module = importlib.import_module(name)
    runner, report = doctest.DocTestRunner(), io.StringIO()
    for test in OpsToo().find(module, name):
        runner.run(test, out=report.write)
    assert not runner.failures, report.getvalue()


def examples_of(text: str) -> list[tuple[str, str]]:
    """The ``python`` blocks of a Markdown file, each with the block of output after it, if there is one."""
    pattern = r"```python\n(.*?)```(?:\s*```(?:text|output)?\n(.*?)```)?"
    return re.findall(pattern, text, re.DOTALL)


def test_readme(tmp_path, monkeypatch):
    """The README's examples run one after the other, as a reader would, and print what stands below them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WENGERT_CACHE", str(tmp_path / "programs"))
    names: dict[str, object] = {"__name__": "readme"}
    for code, expected in examples_of(README.read_text(encoding="utf-8")):
        if ">>>" in code:
            test = doctest.DocTestParser().get_doctest(code, names, "README.md", str(README), 0)
            runner, report = doctest.DocTestRunner(), io.StringIO()
            runner.run(test, out=report.write, clear_globs=False)
            names.update(test.globs)
            assert not runner.failures, report.getvalue()
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, str(README), "exec"), names)
        if expected:
            assert printed.getvalue().strip() == expected.strip(), code


def test_picture(tmp_path):
    """The picture on the README's first screen is what its code draws, label by label."""
    code = examples_of(README.read_text(encoding="utf-8"))[0][0]
    names: dict[str, object] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(code, names)
    try:
        fresh = autograd.draw(names["y"], names={k: names[k] for k in "wbxy"}).svg()
    except NoRenderer as error:
        pytest.skip(f"no renderer: {error}")
    shown = (ROOT / "notebooks" / "tape.svg").read_text(encoding="utf-8")
    assert re.findall(r">([^<>]+)</text>", fresh) == re.findall(r">([^<>]+)</text>", shown)


def test_readme_blocks_are_found():
    """A block with its output, one without, and what is no Python."""
    text = "```python\nprint(1)\n```\n\n```text\n1\n```\n\n```bash\nls\n```\n```python\nx = 2\n```\n"
    assert examples_of(text) == [("print(1)\n", "1\n"), ("x = 2\n", "")]


def test_notebooks_are_found():
    assert [path.stem for path in NOTEBOOKS] == ["01_by_hand", "02_convolution", "03_sequences", "04_compiled"]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks(path, tmp_path, monkeypatch):
    """Every notebook runs from top to bottom in a fresh kernel."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    monkeypatch.setenv("WENGERT_QUICK", "1")
    monkeypatch.setenv("WENGERT_CACHE", str(tmp_path / "programs"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep))
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
