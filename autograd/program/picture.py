"""A program as a picture: boxes for equations, types on the edges, a frame around what runs in one loop.

The look is that of drawn tapes (`draw/dot.py`).  Inputs are yellow, constants dashed, equations blue; a call of a
function, which no loop and no small product replaces, is grey.  Results have a thick edge.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from html import escape
from typing import Any

import numpy as np

from ..draw.dot import EDGE, FILL, FRAME, GREY, HASTE, LARGE, PANEL, SANS
from ..draw.drawing import DIRECTIONS, Drawing
from ..draw.graph import Graph
from ..draw.render import render
from ..errors import ArgumentError
from .fuse import Call, Loop, Step, schedule
from .program import Equation, Program, Var, shown

SYMBOLS = {np.add: "+", np.subtract: "−", np.multiply: "×", np.true_divide: "÷", np.matmul: "@", np.less: "<",
           np.less_equal: "≤", np.greater: ">", np.greater_equal: "≥", np.equal: "=", np.not_equal: "≠"}  # fmt: skip
WIDEST = 60  # characters of arguments in a box
FEW = 4  # elements of a constant that are shown


class ProgramDrawing(Drawing):
    """A program as it was when `draw` was called: as text, DOT, SVG or PNG.  A notebook shows it by itself."""

    def __init__(self, program: Program, direction: str, max_nodes: int) -> None:
        super().__init__(Graph((), frozenset()), direction=direction, max_nodes=max_nodes)
        self._text, self._source = str(program), to_dot(program, direction, max_nodes)
        self._equations = len(program.equations)
        self._boxes = boxes_of(program, folded=self._equations > max_nodes)

    def text(self) -> str:
        """The program, one line for each equation."""
        return self._text

    __str__ = text

    def __repr__(self) -> str:
        return f"<Drawing of {self._equations} equations; print it, or .save('program.svg')>"

    @cached_property
    def _dot(self) -> str:
        return self._source

    def png(self, dpi: int | None = None) -> bytes:
        """The picture as PNG, at 144 dots per inch, or 72 if it is large; needs a renderer."""
        return render(self._source, "png", dpi or (72 if self._boxes > LARGE else 144))


def draw_program(program: Program, direction: str | None = None, max_nodes: int = 500) -> ProgramDrawing:
    """The drawing of `program`, from top to bottom unless `direction` is ``"LR"``.

    Where there are more than `max_nodes` equations, each loop is drawn as one box.
    """
    if direction not in DIRECTIONS:
        raise ArgumentError(f"direction: expected 'LR' (left to right) or 'TB' (top to bottom), got {direction!r}")
    if not isinstance(max_nodes, int) or max_nodes < 1:
        raise ArgumentError(f"max_nodes: expected a positive integer, got {max_nodes!r}")
    return ProgramDrawing(program.named(), direction or "TB", max_nodes)


def to_dot(program: Program, direction: str, max_nodes: int) -> str:
    """The program in Graphviz's language."""
    import graphviz

    folded = len(program.equations) > max_nodes
    large = boxes_of(program, folded) > LARGE
    picture = graphviz.Digraph(
        "program",
        graph_attr={"rankdir": direction, "nodesep": "0.2", "ranksep": "0.35", "fontname": SANS, "fontsize": "10",
                    "bgcolor": "white", "pad": "0.15", **(HASTE if large else {})},
        node_attr={"shape": "box", "style": "rounded,filled", "margin": "0.08,0.04", "fontname": SANS,
                   "fontsize": "11", "height": "0.3", "width": "0.3"},
        edge_attr={"color": "#606870", "penwidth": "0.9", "arrowsize": "0.6", "fontname": SANS, "fontsize": "8",
                   "fontcolor": GREY},
    )  # fmt: skip
    homes = _homes(program, folded)
    _given(picture, program)
    views = {v: e for e in program.equations if e.view for v in e.outs}
    results, steps = set(program.results), schedule(program)
    used = {v for e in program.equations for v in e.inputs()} | results | {v for _, v in program.writes}
    for i, step in enumerate(steps):
        _step(picture, i, step, homes, results)
    for v, e in views.items():
        if v in used:
            _box(picture, _key(v), e, FILL["constant"], EDGE["op"], v in results, "rounded,filled,dashed")
    drawn: set[tuple[str, str]] = set()
    for e in program.equations:
        head = homes.get(e.outs[0], _key(e.outs[0])) if e.outs else f"check{id(e)}"
        for v in e.inputs():
            tail = homes.get(v, _key(v))
            if tail != head and (tail, head) not in drawn and not (e.view and e.outs[0] not in used):
                drawn.add((tail, head))
                picture.edge(tail, head, label=f" {v.type}", **({"style": "dashed"} if v in program.constants else {}))
    for i, (target, value) in enumerate(program.writes):
        picture.node(f"w{i}", _label(f"← {target.name}", program.labels.get(target, "")), fillcolor=FILL["leaf"],
                     color=EDGE["leaf"])  # fmt: skip
        picture.edge(homes.get(value, _key(value)), f"w{i}", label=f" {value.type}")
    return str(picture.source)


def boxes_of(program: Program, folded: bool) -> int:
    """How many boxes there are for equations, with one for each loop if these are folded."""
    views = sum(e.view for e in program.equations)
    return views + len(schedule(program)) if folded else len(program.equations)


def _homes(program: Program, folded: bool) -> dict[Var, str]:
    """The box of each value: its equation's, or if loops are folded the loop's."""
    homes = {v: _key(e.outs[0]) for e in program.equations for v in e.outs}
    if folded:
        for i, step in enumerate(schedule(program)):
            if isinstance(step, Loop):
                homes |= {v: f"loop{i}" for e in step.equations for v in e.outs}
    return homes


def _given(picture: Any, program: Program) -> None:
    """Boxes for inputs and constants."""
    for v in program.inputs:
        picture.node(_key(v), _label(v.name, program.labels.get(v, "")), fillcolor=FILL["leaf"], color=EDGE["leaf"])
    for v, array in program.constants.items():
        value = str(np.asarray(array).tolist()) if array.size <= FEW else ""
        picture.node(_key(v), _label(v.name, value), fillcolor=FILL["constant"], color=EDGE["constant"],
                     style="rounded,filled,dashed")  # fmt: skip


def _step(picture: Any, i: int, step: Step, homes: dict[Var, str], results: set[Var]) -> None:
    if not isinstance(step, Loop):
        e = step.equation
        kind = "group" if isinstance(step, Call) else "op"
        key = _key(e.outs[0]) if e.outs else f"check{id(e)}"
        _box(picture, key, e, FILL[kind], EDGE[kind], not results.isdisjoint(e.outs))
        return
    over = "×".join(map(str, step.dims))
    made = {v for e in step.equations for v in e.outs}
    if homes[step.equations[0].outs[0]] == f"loop{i}":
        names = ", ".join(dict.fromkeys(e.name for e in step.equations))
        picture.node(f"loop{i}", _label(f"loop over {over}", _cut(names)), fillcolor=FILL["op"], color=EDGE["op"],
                     **_thick(not results.isdisjoint(made)))  # fmt: skip
        return
    if len(step.equations) == 1:
        (e,) = step.equations
        _box(picture, _key(e.outs[0]), e, FILL["op"], EDGE["op"], not results.isdisjoint(made))
        return
    with picture.subgraph(name=f"cluster_{i}") as frame:
        frame.attr(label=f"loop over {over}", style="rounded,filled", fillcolor=PANEL, color=FRAME, fontcolor=GREY,
                   labeljust="l", margin="9", fontsize="9")  # fmt: skip
        for e in step.equations:
            _box(frame, _key(e.outs[0]), e, FILL["op"], EDGE["op"], not results.isdisjoint(e.outs))


def _box(
    picture: Any, key: str, e: Equation, fill: str, edge: str, result: bool, style: str = "rounded,filled"
) -> None:
    symbol = SYMBOLS.get(e.function) if isinstance(e.function, np.ufunc) else None
    given = ", ".join(_arguments(e))
    names = ", ".join(v.name for v in e.outs)
    label = _label(symbol or e.name, f"{names} ← {_cut(given)}" if names else _cut(given), 14 if symbol else 11)
    picture.node(key, label, fillcolor=fill, color=edge, style=style, tooltip=e.name,
                 **_thick(result))  # fmt: skip


def _thick(result: bool) -> dict[str, str]:
    return {"penwidth": "2"} if result else {}


def _arguments(e: Equation) -> Iterator[str]:
    if e.effect == "check":
        yield from (shown(x) for x in e.kwargs.get("args", ()))
        yield f"is {e.kwargs.get('expected')!r}"
        return
    yield from (shown(x.item() if isinstance(x, np.generic) else x) for x in e.args)
    yield from (f"{key}={shown(x)}" for key, x in e.kwargs.items() if x is not False)


def _key(v: Var) -> str:
    return f"v_{v.name}"


def _label(title: str, more: str, size: int = 11) -> str:
    below = f'<br/><font point-size="8" color="{GREY}">{escape(more)}</font>' if more else ""
    return f'<<font point-size="{size}"><b>{escape(title)}</b></font>{below}>'


def _cut(text: str) -> str:
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
