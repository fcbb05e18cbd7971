"""``wengert show``: what it draws, and what it says when it cannot."""

from __future__ import annotations

import textwrap

import pytest

import autograd
from autograd.cli.main import main
from autograd.draw.show import show
from autograd.errors import ArgumentError


def names(drawing):
    return [line.name for line in drawing.graph.lines if line.kind == "leaf"]


def test_unknown_names_become_leaves_in_the_order_of_the_source():
    drawing = show("y*x + sin(y)")
    leaves = {line.name: (float(line.value), float(line.grad)) for line in drawing.graph.lines if line.kind == "leaf"}
    assert list(leaves) == ["y", "x"]
    assert leaves["y"] == (0.5, pytest.approx(0.75 + 0.87758256, rel=1e-6))  # x + cos y, in float32
    assert leaves["x"] == (0.75, 0.5)


def test_a_function_that_is_not_called_is_a_variable():
    assert names(show("t * 2 + exp(sum)")) == ["t", "sum"]


def test_bound_names_are_not_variables():
    assert names(show("stack([x * i for i in range(3)]).sum()")) == ["x"]
    assert names(show("(lambda a: a * a)(x)")) == ["x"]


def test_numbers_survive_the_backward_pass():
    assert "= 2.0 × x" in show("2.0 * x").text()


def test_several_results():
    drawing = show("(x * 2, y + x)")
    assert len(drawing.graph.outputs) == 2


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x +", "not a Python expression"),
        ("sinn(x)", r"did you mean sin\(\)"),
        ("f(x) * f", r"f\(\) is not a function"),
        ("sin(x) * sin", "both as a function and as a variable"),
        ("2 + 3", "gives int, not a Tensor"),
        ("tensor(x.item())", "nothing in"),
        ("x.nonsense", "AttributeError"),
        ("1 / 0 * x", "ZeroDivisionError"),
        ("open('secret')", r"open\(\) is not a function"),
        ("missing.py:y", "no file 'missing.py'"),
    ],
)
def test_expressions_that_cannot_be_drawn(source, message):
    with pytest.raises(ArgumentError, match=message):
        show(source)


@pytest.fixture
def script(tmp_path):
    (tmp_path / "neighbour.py").write_text("SCALE = 3.0\n")
    path = tmp_path / "script.py"
    path.write_text(
        textwrap.dedent("""
            import autograd
            from neighbour import SCALE

            w = autograd.tensor([1.0, 2.0], requires_grad=True)
            loss = (w * SCALE).sum()
            number = 3


            class Model:
                def __init__(self):
                    self.weight = autograd.tensor([[1.0, 2.0]], requires_grad=True)

                def named_parameters(self):
                    return iter([("weight", self.weight)])

                def __call__(self, x):
                    return (x * self.weight).sum(1), (x,)


            def build():
                return w * w


            def wrong():
                return 1 / 0


            def words():
                return "words"


            model = Model()
            ready = Model()
            ready.example_input = autograd.tensor([[5.0, 6.0]])
        """)
    )
    return path


def test_a_tensor_a_function_and_a_model_of_a_file(script):
    assert show(f"{script}:loss").text().splitlines()[-1].startswith("loss = sum(")
    assert "w × w" in show(f"{script}:build").text()
    assert "[[5.0, 6.0]]" in show(f"{script}:ready").text()
    drawing = show(f"{script}:model", input_shape=[4, 2])
    assert names(drawing) == ["weight"]
    assert {line.shape for line in drawing.graph.lines} >= {(4, 2), (4,)}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (":nothing", r"has no 'nothing'; it has: w, loss, build, wrong, words, model, ready"),
        ("", "add what to draw, FILE.py:NAME"),
        (":model", "--input-shape"),
        (":number", "number is a int; expected a Tensor"),
        (":words", "words is a str"),
        (":wrong", r"wrong\(\) failed: ZeroDivisionError"),
    ],
)
def test_files_that_cannot_be_drawn(script, name, message):
    with pytest.raises(ArgumentError, match=message):
        show(f"{script}{name}")


def test_a_script_that_fails(tmp_path):
    (tmp_path / "bad.py").write_text("import nothing_of_this_name\n")
    with pytest.raises(ArgumentError, match=r"bad\.py failed: ModuleNotFoundError"):
        show(f"{tmp_path / 'bad.py'}:x")


def test_a_shape_is_for_models():
    with pytest.raises(ArgumentError, match="--input-shape is for a model"):
        show("x * y", input_shape=[2])


def test_the_command(capsys, tmp_path, script):
    main(["show", "x * y"])
    assert capsys.readouterr().out == (
        "x  = leaf    () float32   = 0.5     grad 0.75\n"
        "y  = leaf    () float32   = 0.75    grad 0.5\n"
        "v3 = x × y   () float32   = 0.375   grad 1.0\n"
    )
    main(["show", f"{script}:model", "--input-shape", "4", "2", "--out", str(tmp_path / "m.dot")])
    assert (tmp_path / "m.dot").read_text().startswith("digraph")
    with pytest.raises(SystemExit, match="wengert: 'x \\+' is not a Python expression"):
        main(["show", "x +"])


def test_showing_leaves_recording_alone():
    show("x * 2")
    assert autograd.is_grad_enabled()
