"""The committed stub says what the declarations say."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from autograd.tensor import Tensor, methods

ROOT = Path(__file__).parent.parent
STUB = ROOT / "autograd" / "tensor.pyi"


def test_the_stub_is_not_stale():
    """In a fresh process: other tests may have declared ops of their own."""
    command = [sys.executable, "-m", "autograd.stub", "--check"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_a_stale_stub_is_noticed(tmp_path, monkeypatch, capsys):
    from autograd import stub

    monkeypatch.setattr(stub, "STUB", tmp_path / "tensor.pyi")
    assert stub.main(["--check"]) == 1
    assert "python -m autograd.stub" in capsys.readouterr().err
    assert stub.main([]) == 0
    assert stub.main(["--check"]) == 0
    (tmp_path / "tensor.pyi").write_text(stub.generate().replace("def exp_(", "def exp__("))
    assert stub.main(["--check"]) == 1


def test_the_stub_has_every_public_member():
    """Attached methods, properties, fields and what the class statement says."""
    tree = ast.parse(STUB.read_text())
    stubbed = next(node for node in tree.body if isinstance(node, ast.ClassDef))
    names = {node.name for node in stubbed.body if isinstance(node, ast.FunctionDef)}
    names |= {node.target.id for node in stubbed.body if isinstance(node, ast.AnnAssign)}
    own = {name for name in vars(Tensor) if not name.startswith("_")}
    assert own - methods.keys() <= names
    assert {"sum", "exp_", "__len__", "__getitem__", "__radd__", "__iadd__", "mT", "shape", "grad"} <= names
