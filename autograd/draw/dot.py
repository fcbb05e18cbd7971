"""A tape as a picture, in Graphviz's language: one rounded box per line, one frame per module."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from .fold import fold_to
from .graph import Graph, Line
from .numbers import in_rows, number
from .text import subscript

# Fill and edge of each kind of box: pale, so that they also differ, and stay legible, in grey.
FILL = {"leaf": "#fdeecb", "constant": "#ffffff", "op": "#e6eef8", "group": "#d5dbe3"}
EDGE = {"leaf": "#8a6d1f", "constant": "#909090", "op": "#3d5a80", "group": "#444c56"}
RULE, FRAME, PANEL, GREY, RED = "#a9bcd3", "#b4bac2", "#f6f7f9", "#5f6770", "#8c2f1b"
SANS, MONO = "Helvetica", "Courier"
UNDRAWN = set("⌊⌋⌈⌉∧∨⊻")  # not in the fonts that graphviz-pure draws PNG with; the op's name is
LARGE = 100  # a picture of more boxes is laid out with less patience, and its edges are straight
HASTE = {"nslimit": "2", "mclimit": "0.3", "splines": "line"}
GAP = "&#160;"  # before every column but the first
COMMUTES = {"+", "×"}
WIDEST = 16  # a picture of more boxes runs from top to bottom unless told otherwise


def to_dot(graph: Graph, direction: str | None, max_nodes: int) -> str:
    """The graph as DOT source; modules are folded if it has more than `max_nodes` boxes."""
    import graphviz

    graph = fold_to(graph, max_nodes)
    direction = direction or ("LR" if len(graph.lines) <= WIDEST else "TB")
    picture = graphviz.Digraph(
        "tape",
        graph_attr={"rankdir": direction, "nodesep": "0.18", "ranksep": "0.4", "fontname": SANS, "fontsize": "11",
                    "bgcolor": "white", "pad": "0.15", **(HASTE if len(graph.lines) > LARGE else {})},
        node_attr={"shape": "box", "style": "rounded,filled", "margin": "0.08,0.04", "fontname": SANS,
                   "fontsize": "11", "height": "0.3", "width": "0.3"},
        edge_attr={"color": "#606870", "penwidth": "0.9", "arrowsize": "0.6"},
    )  # fmt: skip
    boxes: dict[tuple[str, ...], list[Line]] = {(): []}
    for line in graph.lines:
        for depth in range(len(line.path) + 1):
            boxes.setdefault(line.path[:depth], [])
        boxes[line.path].append(line)
    _frame(picture, (), boxes, graph.outputs, direction, graphviz.escape)
    constants = {line.key for line in graph.lines if line.kind == "constant"}
    for line in graph.lines:
        for i, (_, source) in enumerate(line.inputs):
            head = f"{line.key}:i{i}:{'w' if direction == 'LR' else 'n'}" if _shows_roles(line) else line.key
            dashed = {"style": "dashed"} if source in constants else {}
            picture.edge(source, head, **dashed)
    return picture.source


def _frame(picture: Any, path: tuple[str, ...], boxes: dict[tuple[str, ...], list[Line]], outputs: frozenset[str],
           direction: str, quote: Any) -> None:  # fmt: skip
    """The boxes recorded at `path`, and inside it a frame for each module."""
    for line in boxes[path]:
        thick = {"penwidth": "2"} if line.key in outputs else {}
        style = {"style": "rounded,filled,dashed"} if line.kind == "constant" else {}
        picture.node(line.key, f"<{_label(line, direction)}>", fillcolor=FILL[line.kind], color=EDGE[line.kind],
                     tooltip=quote(f"{line.name} {line.op}".strip() or "constant"), **style, **thick)  # fmt: skip
    for inner in [p for p in boxes if len(p) == len(path) + 1 and p[:-1] == path]:
        with picture.subgraph(name="cluster_" + "/".join(inner)) as frame:
            frame.attr(label=quote(inner[-1]), style="rounded,filled", fillcolor=PANEL if len(inner) % 2 else "white",
                       color=FRAME, fontcolor=GREY, labeljust="l", margin="9")  # fmt: skip
            _frame(frame, inner, boxes, outputs, direction, quote)


# -- labels: tables in Graphviz's HTML ---------------------------------------------------------------------------------


def _label(line: Line, direction: str) -> str:
    """A box: what the op calls its inputs | the op and its parameters | name, shape, value, gradient."""
    facts = _table([_cell(text) for text in _facts(line)])
    if line.kind != "op":
        return facts
    op = _table([_cell(text, "center") for text in _op(line)])
    if not _shows_roles(line):
        return _row([_divided(op), f"<td>{facts}</td>"])
    ports = [_cell(_font(_short(role), 8, GREY), "left", f' port="i{i}"') for i, (role, _) in enumerate(line.inputs)]
    if direction == "LR":
        return _row([f"<td>{_table(ports)}</td>", _divided(op), f"<td>{facts}</td>"])
    inputs = f'<table border="0" cellborder="0" cellspacing="2" cellpadding="1"><tr>{"".join(ports)}</tr></table>'
    return _table([f"<td>{inputs}</td>", f"<td>{_row([_divided(op), f'<td>{facts}</td>'])}</td>"])


def _op(line: Line) -> Iterator[str]:
    """The symbol and the parameters."""
    indexing = (line.symbol == "[ ]" or line.op == "pick") and len(line.params) == 1
    legible = not set(line.symbol) & UNDRAWN
    symbol = subscript(line) if indexing else (line.symbol if legible else line.op).replace("_", " ")
    yield _font(f"<b>{escape(symbol)}</b>", 14 if len(symbol) <= 2 else 11)
    if not indexing:
        yield from (_font(escape(f"{name}={value}"), 8, GREY) for name, value in line.params)


def _facts(line: Line) -> Iterator[str]:
    """Name and type, the value row by row, the gradient row by row."""
    if line.kind == "constant" and line.shape is None:  # a number
        yield _numbers(line) if line.value is not None else _font("constant", 9, GREY)
        return
    kind = _font(escape(f"{_shape(line)} {line.dtype}"), 8, GREY)
    yield f"<b>{escape(line.name)}</b>&#160; {kind}"
    if line.kind == "group":
        yield _font(escape(line.op), 9, GREY)
    if line.value is not None or line.grad is not None or line.grad_norm is not None:
        yield _numbers(line)


def _numbers(line: Line) -> str:
    """Value and gradient as one table, so that their columns meet."""
    rows = [("", row, "#000000") for row in in_rows(line.value)] if line.value is not None else []
    if line.grad is not None:
        rows += [("∂" if i == 0 else "", row, RED) for i, row in enumerate(in_rows(line.grad))]
    elif line.grad_norm is not None:
        rows.append(("‖∂‖", [number(line.grad_norm)], RED))
    marked = any(mark for mark, _, _ in rows)
    width = max(len(row) for _, row, _ in rows)
    lines = []
    for mark, row, colour in rows:
        cells = [mark] * marked + row + [""] * (width - len(row))
        texts = (
            f'<font face="{MONO}" point-size="9" color="{colour}">{GAP * (i > 0)}{cell or " "}</font>'
            for i, cell in enumerate(cells)
        )
        lines.append("".join(f'<td align="right">{text}</td>' for text in texts))
    body = "".join(f"<tr>{cells}</tr>" for cells in lines)
    return f'<table border="0" cellborder="0" cellspacing="0" cellpadding="1">{body}</table>'


def _shape(line: Line) -> str:
    """``2×3``; ``(3,)`` and ``()`` where there is nothing to multiply; several outputs as a tuple of shapes."""
    shape = line.shape or ()
    return "×".join(map(str, shape)) if len(shape) > 1 and isinstance(shape[0], int) else str(shape)


def _shows_roles(line: Line) -> bool:
    """Whether the order of the inputs matters and there is more than one."""
    return line.kind == "op" and len(line.inputs) > 1 and line.symbol not in COMMUTES


def _short(role: str) -> str:
    """``tensors[2]`` is the input 2 of a variadic op."""
    return escape(role[role.index("[") + 1 : -1] if role.endswith("]") else role)


def _font(text: str, size: int, colour: str = "#000000") -> str:
    return f'<font point-size="{size}" color="{colour}">{text}</font>'


def _cell(text: str, align: str = "left", more: str = "") -> str:
    return f'<td align="{align}" balign="left"{more}>{text}</td>'


def _divided(op: str) -> str:
    return f'<td border="1" sides="R" color="{RULE}">{op}</td>'


def _table(cells: list[str]) -> str:
    rows = "".join(f"<tr>{cell}</tr>" for cell in cells)
    return f'<table border="0" cellborder="0" cellspacing="0" cellpadding="1">{rows}</table>'


def _row(cells: list[str]) -> str:
    return f'<table border="0" cellborder="0" cellspacing="0" cellpadding="2"><tr>{"".join(cells)}</tr></table>'
