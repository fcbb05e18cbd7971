"""Drawings say what is on the tape: every node, edge, name, value, gradient and module, and nothing else."""

from __future__ import annotations

import contextlib
import os
import re
import struct
import subprocess
import sys
import weakref
import zlib
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import autograd
from autograd.draw import Drawing, DrawingError, NoRenderer, draw
from autograd.draw.fold import fold_to
from autograd.draw.render import HINT
from autograd.errors import ArgumentError, TapeError
from autograd.recording import Scope, recording


@contextlib.contextmanager
def module_call(name):
    """Record inside a module called `name`, as nn.Module does."""
    before = recording.scope
    recording.scope = Scope(name, before)
    try:
        yield
    finally:
        recording.scope = before


def leaf(data):
    return autograd.tensor(data, requires_grad=True)


class Parameter(autograd.Tensor):
    """A stand-in for nn.Parameter: this package does not know nn."""


class Linear:
    def __init__(self):
        self.weight = Parameter([[1.0, 2.0]], requires_grad=True)

    def named_parameters(self):
        return iter([("weight", self.weight)])


def edges_of(dot):
    """(from, to) of every edge statement, ports removed."""
    return sorted((a, b.split(":")[0]) for a, b in re.findall(r'^\t("[^"]+"|\w+) -> ("[^"]+"|[\w:]+)', dot, re.M))


def boxes_of(dot):
    return re.findall(r'^\t+("[^"]+"|\w+) \[label=<', dot, re.M)


def have_renderer():
    try:
        from autograd.draw.render import renderer

        renderer()
    except NoRenderer:
        return False
    return True


needs_renderer = pytest.mark.skipif(not have_renderer(), reason="neither dot nor graphviz-pure is installed")


# -- text --------------------------------------------------------------------------------------------------------------


def test_text_of_three_ops():
    x, w, b = leaf(2.0), leaf([1.0, -3.0]), leaf([0.25, 1 / 3])
    y = x * w
    z = (y + b).sum()
    z.backward()
    assert draw(z).text() == (
        "x  = leaf      () float32     = 2.0              grad -2.0\n"
        "w  = leaf      (2,) float32   = [1.0, -3.0]      grad [2.0, 2.0]\n"
        "b  = leaf      (2,) float32   = [0.25, 0.3333]   grad [1.0, 1.0]\n"
        "y  = x × w     (2,) float32   = [2.0, -6.0]      grad [1.0, 1.0]\n"
        "v5 = y + b     (2,) float32   = [2.25, -5.667]   grad [1.0, 1.0]\n"
        "z  = sum(v5)   () float32     = -3.417           grad 1.0"
    )


def test_modules_are_headings_and_parameters_stand_with_them():
    layer, x = Linear(), autograd.tensor([3.0, 4.0])
    with module_call("net"), module_call("fc"):
        y = x * layer.weight
    z = y.sum(1)
    assert draw(z, module=layer).text() == (
        "net:\n"
        "  fc:\n"
        "    x      = constant        (2,) float32     = [3.0, 4.0]\n"
        "    weight = leaf            (1, 2) float32   = [[1.0, 2.0]]\n"
        "    y      = x × weight      (1, 2) float32   = [[3.0, 8.0]]\n"
        "z          = sum(y, dim=1)   (1,) float32     = [11.0]"
    )


def test_text_writes_operations_as_people_do():
    x = leaf([[1.0, 2.0, 3.0]])
    first, rest = x.split([1, 2], dim=1)
    y = -first[0] - rest.sum(1, keepdim=True) / 4
    text = draw(y).text()
    for formula in (
        "split(x, dim=1, lengths=(1, 2))",
        "v2[0]",
        "first[0]",
        "−v",
        "sum(rest, dim=1, keepdim=True)",
        " ÷ 4",
        " − v",
    ):
        assert formula in text, text


def test_numbers_have_four_digits():
    x = leaf([1 / 3, 1e-7, 12345.0, float("nan")])
    assert "= [0.3333, 1e-07, 1.234e+04, nan]" in draw(x).text()


def test_large_values_are_left_out_and_their_gradients_summarised():
    x = leaf(np.full(17, 2.0, np.float32))
    (x * x).sum().backward()
    text = draw(x).text()
    assert "2.0, 2.0" not in text
    assert "‖grad‖ 16.49" in text  # 4 sqrt(17)


def test_a_drawing_keeps_the_moment_and_no_memory():
    def program():
        x = leaf(2.0)
        y = x * x
        drawing = draw(y)
        before = drawing.text()
        y.backward()
        x.array[...] = 5.0
        assert drawing.text() == before
        assert draw(y).text().startswith("x = leaf    () float32   = 5.0   grad 4.0\n")
        return drawing, before, weakref.ref(x)

    drawing, before, tensor = program()
    assert tensor() is None
    assert drawing.text() == before


def test_a_leaf_that_is_gone_is_drawn_without_values():
    y = leaf(2.0) * 3
    assert draw(y).text().startswith("v1 = leaf     () float32\n")


# -- names -------------------------------------------------------------------------------------------------------------


def names_in(drawing):
    return [line.name for line in drawing.graph.lines]


GLOBAL = leaf(1.0)


def test_names_come_from_the_callers_variables():
    weights, by_key, _private = [leaf(1.0), leaf(2.0)], {"a": leaf(3.0)}, leaf(4.0)
    y = weights[0] * weights[1] + by_key["a"] * _private + GLOBAL
    names = names_in(draw(y))
    assert {"weights[0]", "weights[1]", "by_key['a']", "GLOBAL", "y"} <= set(names)
    assert "_private" not in names


def test_names_of_a_modules_parameters():
    layer = Linear()
    y = layer.weight.sum()
    assert names_in(draw(y)) == ["layer.weight", "y"]
    assert names_in(draw(y, module=layer)) == ["weight", "y"]


def test_given_names_come_first():
    x, w = leaf(1.0), leaf(2.0)
    y = x * w
    assert names_in(draw(y, {"input": x})) == ["input", "w", "y"]
    assert names_in(draw(y, ["a", "b"])) == ["a", "b", "y"]


def test_a_name_belongs_to_the_latest_tensor_and_to_one_only():
    x = leaf(2.0)
    same = x
    x = x * same
    y = x * 3
    assert names_in(draw(y)) == ["same", "x", "", "y"]
    v3 = leaf(1.0)  # the user's v3 is not ours
    z = y * v3 * 2
    names = [name for name in names_in(draw(z)) if name]
    assert len(set(names)) == len(names)


def test_constant_arrays_are_named_and_drawn_once():
    x, data = leaf([1.0, 2.0]), autograd.tensor([3.0, 4.0])
    y = (x * data) * data
    constants = [line for line in draw(y).graph.lines if line.kind == "constant"]
    assert [line.name for line in constants] == ["data"]
    assert constants[0].value.tolist() == [3.0, 4.0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"names": ["one"]}, r"2 leaves, but 1 names"),
        ({"names": "xw"}, r"names: expected"),
        ({"names": {"x": 1.0}}, r"names: expected"),
        ({"module": 3}, r"module: expected an nn.Module, got int"),
        ({"direction": "up"}, r"direction: expected 'LR'"),
        ({"max_nodes": 0}, r"max_nodes: expected a positive integer"),
    ],
)
def test_bad_arguments(arguments, message):
    y = leaf(1.0) * leaf(2.0)
    with pytest.raises(ArgumentError, match=message):
        draw(y, **arguments)


def test_what_is_not_on_a_tape_cannot_be_drawn():
    with pytest.raises(TapeError, match="requires_grad_"):
        draw(autograd.tensor(1.0))
    with pytest.raises(ArgumentError, match="expected a Tensor"):
        draw(3.0)
    with pytest.raises(ArgumentError, match="expected a Tensor"):
        draw([])


# -- the picture -------------------------------------------------------------------------------------------------------


def test_dot_has_every_node_and_every_edge():
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    y = ((x * w - x) / 2).sum() * w
    tape = autograd.Tape.of(y)
    keys = {node: f"n{i}" for i, node in enumerate(tape, 1)}
    dot = draw(y).dot()
    assert sorted(boxes_of(dot)) == sorted([*keys.values(), "c1"])
    expected = [(keys[p], keys[node]) for node in tape for p in node.parents if p is not None]
    divided = next(node for node in tape if node.name == "div")
    assert edges_of(dot) == sorted([*expected, ("c1", keys[divided])])


def test_several_outputs_and_a_variadic_op():
    x = leaf([1.0, 2.0, 3.0])
    a, b = x.split([1, 2])
    y = autograd.cat([b, a])
    drawing = draw([y, a])
    tape = autograd.Tape.of(y)
    assert len(edges_of(drawing.dot())) == sum(len(node.parents) for node in tape)
    assert drawing.dot().count("penwidth=2]") + drawing.dot().count("penwidth=2 ") == 2  # both results stand out


def test_the_box_of_an_op_shows_symbol_parameters_value_and_gradient():
    x = leaf([[1.0, 2.0], [3.0, 4.5]])
    y = x.sum(1, keepdim=True)
    y.sum().backward()
    box = next(row for row in draw(y).dot().splitlines() if 'tooltip="y sum"' in row)
    for text in ("<b>Σ</b>", "dim=1", "keepdim=True", "<b>y</b>", "2×1 float32", "7.5", "∂"):
        assert text in box, text


def test_the_order_of_inputs_is_shown_where_it_matters():
    a, b = leaf(1.0), leaf(2.0)
    assert "n1 -> n3:i0:w" in draw(a - b).dot()
    assert "n2 -> n3:i1:w" in draw(a - b).dot()
    assert "n1 -> n3:i0:n" in draw(a - b, direction="TB").dot()
    assert "n1 -> n3\n" in draw(a * b).dot()


def test_symbols_that_the_fonts_lack_are_spelt_out():
    dot = draw(autograd.floor(leaf(1.5)) + 1.0).dot()
    assert "<b>floor</b>" in dot
    assert "⌊" not in dot


def test_names_are_quoted():
    x = leaf(1.0)
    with module_call("a<b>&\\N"):
        y = x * 2
    dot = draw(y, {'<x & "y">': x}).dot()
    assert "&lt;x &amp; &quot;y&quot;&gt;" in dot
    if have_renderer():
        assert "a&lt;b&gt;&amp;\\N" in draw(y).svg()


def nested():
    x, layer = leaf([1.0, 2.0]), Linear()
    with module_call("net"):
        with module_call("fc1"):
            h = (x * layer.weight).sum(0)
        with module_call("fc2"):
            h = h * x + 1
    return h.sum(), layer


def test_modules_are_frames():
    y, layer = nested()
    dot = draw(y, module=layer).dot()
    net = dot[dot.index("subgraph cluster_net {") :]
    fc1 = net[net.index('subgraph "cluster_net/fc1"') :].split("\n\t\t}")[0]
    assert fc1.count("label=<") == 3  # weight × sum
    assert "<b>weight</b>" in fc1
    assert "label=fc1" in fc1
    assert dot.count("subgraph ") == 3


def test_large_pictures_fold_their_modules():
    y, layer = nested()
    full = draw(y, module=layer)
    count = len(full.graph.lines)
    assert fold_to(full.graph, count) is full.graph
    drawing = draw(y, module=layer, max_nodes=count - 1)
    dot = drawing.dot()
    assert sorted(boxes_of(dot)) == sorted(["n1", '"net/fc1"', '"net/fc2"', f"n{len(autograd.Tape.of(y))}"])
    assert ('"net/fc1"', '"net/fc2"') in edges_of(dot)
    assert "2 ops, 1 parameter<" in dot
    assert len(boxes_of(draw(y, max_nodes=3).dot())) == 3
    assert drawing.text() == full.text()  # the list has no limit


def test_what_cannot_be_folded_says_so():
    y = leaf(1.0)
    for _ in range(9):
        y = y * y
    drawing = draw(y, max_nodes=9)
    with pytest.raises(ArgumentError, match=r"10 boxes.*max_nodes=9"):
        drawing.dot()
    assert "max_nodes=9" in drawing._repr_mimebundle_()["text/plain"]


# -- rendering ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def small():
    x, w = leaf(2.0), leaf(3.0)
    y = x * w
    y.backward()
    return draw(y)


@needs_renderer
def test_png_is_a_png(small):
    data = small.png()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    assert width > height > 50
    assert struct.unpack(">II", small.png(dpi=288)[16:24])[0] > 1.8 * width
    chunks, i = {}, 8
    while i < len(data):
        length, kind = struct.unpack(">I4s", data[i : i + 8])
        body = data[i + 8 : i + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack(">I", data[i + 8 + length : i + 12 + length])[0]
        chunks[kind] = chunks.get(kind, b"") + body
        i += 12 + length
    assert len(zlib.decompress(chunks[b"IDAT"])) > width * height  # all scan lines are there


@needs_renderer
def test_svg_is_xml_and_holds_the_numbers(small):
    root = ElementTree.fromstring(small.svg())
    texts = {"".join(element.itertext()).strip() for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"x", "w", "y", "×", "2.0", "3.0", "6.0", "∂"} <= texts
    assert small._repr_svg_() == small._repr_mimebundle_()["image/svg+xml"] == small.svg()


@needs_renderer
def test_save_by_suffix(small, tmp_path):
    for suffix, start in ((".svg", b"<?xml"), (".png", b"\x89PNG"), (".dot", b"digraph"), (".txt", b"x = leaf")):
        path = small.save(tmp_path / f"tape{suffix}")
        assert path.read_bytes().startswith(start)
    small.save(tmp_path / "tape.txt")  # again, over the old one
    assert sorted(p.name for p in tmp_path.iterdir()) == ["tape.dot", "tape.png", "tape.svg", "tape.txt"]
    with pytest.raises(ArgumentError, match=r"\.svg, \.png"):
        small.save(tmp_path / "tape.pdf")
    with pytest.raises(FileNotFoundError):
        small.save(tmp_path / "nowhere" / "tape.txt")


def test_a_failed_save_leaves_the_old_file(small, tmp_path, monkeypatch):
    path = tmp_path / "tape.txt"
    path.write_text("old")

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        small.save(path)
    assert [p.name for p in tmp_path.iterdir()] == ["tape.txt"]
    assert path.read_text() == "old"


@pytest.fixture
def no_renderer(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))


@pytest.mark.usefixtures("no_renderer")
def test_without_a_renderer_text_remains_with_a_hint(small, tmp_path):
    with pytest.raises(NoRenderer, match=r'pip install "wengert\[draw\]"'):
        small.svg()
    with pytest.raises(DrawingError):
        small.save(tmp_path / "tape.png")
    assert list(tmp_path.iterdir()) == []
    assert small._repr_svg_() is None
    bundle = small._repr_mimebundle_()
    assert bundle == {"text/plain": f"{small.text()}\n\n{HINT}"}
    assert "\n" not in HINT
    assert small.dot().startswith("digraph")


@pytest.mark.skipif(os.name == "nt", reason="the stand-in renderer is a shell script")
@pytest.mark.usefixtures("no_renderer")
def test_the_renderer_is_found_and_its_failure_reported(small, tmp_path):
    for name, says in (("graphviz-pure", "pure"), ("dot", "dot")):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {says}\n")
        program.chmod(0o755)
        assert small.png() == f"{says}\n".encode()  # dot goes first
    (tmp_path / "dot").write_text("#!/bin/sh\necho no such font >&2\nexit 1\n")
    with pytest.raises(DrawingError, match="no such font"):
        small.svg()


def test_str_and_repr(small):
    assert isinstance(small, Drawing)
    assert str(small) == small.text()
    assert repr(small).startswith("<Drawing of 3 lines")


def test_graphviz_is_imported_late():
    program = "import sys, autograd, autograd.draw; sys.exit('graphviz' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parent.parent)


def test_large_pictures_are_laid_out_in_haste():
    """Graphviz's optimal layout takes minutes for a value used at a hundred places."""
    x = y = leaf(1.0)
    for _ in range(60):
        y = y * x
    assert "splines=line" not in draw(y).dot()
    for _ in range(60):
        y = y * x
    assert "splines=line" in draw(y).dot()
