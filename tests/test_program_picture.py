"""Pictures of programs: what is in the DOT text, and that it can be rendered and saved."""

from __future__ import annotations

import re

import pytest

import autograd
from autograd.draw.render import NoRenderer
from autograd.errors import ArgumentError
from autograd.program.passes import optimised

from .programs import recorded


@pytest.fixture(scope="module")
def program():
    x, w = autograd.ones(40, 30), autograd.ones(30, 30)
    _, recording = recorded(lambda x, w: ((x @ w.T).sort(-1).values.tanh() * 2 + 1).sum() / 3, x, w)
    return optimised(recording.program)


def boxes(dot: str) -> dict[str, str]:
    return dict(re.findall(r"^\s*(\w+) \[label=<(.*?)> ?(?:color|style|pen|fill|tool)", dot, re.M))


def test_every_value_has_its_box_and_every_use_its_edge(program):
    dot = program.draw().dot()
    made = boxes(dot)
    assert set(made) == {f"v_{v}" for v in program.inputs} | {f"v_{v}" for e in program.equations for v in e.outs[:1]}
    for e in program.equations:
        for v in e.inputs():
            assert f"v_{v} -> v_{e.outs[0]}" in dot
            assert re.search(rf'v_{v} -> v_{e.outs[0]} \[label=" {re.escape(v.type)}"', dot)


def test_loops_are_frames(program):
    dot = program.draw().dot()
    (frame,) = re.findall(r"subgraph cluster_\d+ \{(.*?)\n\t\}", dot, re.DOTALL)
    assert "loop over 40×30" in frame or "loop over 1200" in frame
    inside = [e.name for e in program.equations if f"v_{e.outs[0]} [" in frame]
    assert inside == ["tanh", "multiply", "add", "add.reduce"]


def test_folded_loops_are_single_boxes(program):
    made = boxes(program.draw(max_nodes=2).dot())
    (loop,) = [label for key, label in made.items() if key.startswith("loop") and "tanh" in label]
    assert "tanh, multiply, add, add.reduce" in loop
    assert len(made) < len(boxes(program.draw().dot()))


def test_writes_and_checks_are_drawn():
    running = autograd.zeros(3)

    def update(x):
        running.mul_(0.9).add_(x)
        return x * 2 if bool((x > 0).all()) else x

    _, recording = recorded(update, autograd.ones(3))
    dot = recording.program.draw().dot()
    assert re.search(r"w0 \[label=<.*← a1.*running", dot)
    assert "-> w0" in dot
    assert "is True" in dot


def test_text_and_files(program, tmp_path):
    drawing = program.draw(direction="LR")
    assert str(drawing) == str(program)
    assert 'rankdir="?LR' in drawing.dot() or "rankdir=LR" in drawing.dot()
    assert drawing.save(tmp_path / "p.txt").read_text().startswith("in    a0")
    try:
        svg = drawing.svg()
    except NoRenderer as error:
        pytest.skip(f"no renderer: {error}")
    assert "add.reduce" in svg
    assert "f32[40,30]" in svg
    assert drawing.save(tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_arguments(program):
    with pytest.raises(ArgumentError, match="direction"):
        program.draw(direction="up")
    with pytest.raises(ArgumentError, match="max_nodes"):
        program.draw(max_nodes=0)
