"""A tape as text: Wengert's list, one line for each value, indented by module."""

from __future__ import annotations

from .graph import Graph, Line
from .numbers import in_line, number

PREFIX = {"neg": "−", "positive": "+", "logical_not": "¬", "bitwise_not": "~"}
WIDE = 44  # a longer expression does not move the columns of the others


def to_text(graph: Graph) -> str:
    """The list: name = expression, shape, dtype, value and gradient in columns."""
    lines = {line.key: line for line in graph.lines}
    listed = [line for line in graph.lines if line.kind != "constant" or line.shape is not None]
    paths = _sections(listed)
    table = [
        (f"{'  ' * len(path)}{line.name}", f"= {expression(line, lines)}", f"{line.shape} {line.dtype}", _value(line),
         _grad(line)) for line, path in zip(listed, paths)
    ]  # fmt: skip
    widths = [max((len(cell) for cell in column if len(cell) <= WIDE), default=0) for column in zip(*table)]
    rows: list[str] = []
    before: tuple[str, ...] = ()
    for path, (name, *cells) in zip(paths, table):
        rows += _headings(before, path)
        columns = "   ".join(cell.ljust(width) for cell, width in zip(cells, widths[1:]))
        rows.append(f"{name:<{widths[0]}} {columns}".rstrip())
        before = path
    return "\n".join(rows)


def _sections(listed: list[Line]) -> list[tuple[str, ...]]:
    """The module under which each line is listed; a constant goes with the line that uses it, which is the next."""
    paths = [line.path for line in listed]
    for i in reversed(range(len(listed) - 1)):
        if listed[i].kind == "constant":
            paths[i] = paths[i + 1]
    return paths


def expression(line: Line, lines: dict[str, Line]) -> str:
    """What made a line, written with the names of its inputs: ``x × w``, ``sum(v3, dim=1)``."""
    if line.kind in ("leaf", "constant"):
        return line.kind
    operands = [operand(lines[key]) for _, key in line.inputs]
    params = [f"{name}={value}" for name, value in line.params]
    if line.infix and len(operands) == 2 and not params:
        return f"{operands[0]} {line.symbol} {operands[1]}"
    if line.op in PREFIX and not params:
        return PREFIX[line.op] + operands[0]
    if (line.symbol == "[ ]" or line.op == "pick") and len(line.params) == 1 and len(operands) == 1:
        return f"{operands[0]}{subscript(line)}"
    word = line.symbol.replace(" ", "_")
    return f"{word if word.isascii() and word.isidentifier() else line.op}({', '.join(operands + params)})"


def subscript(line: Line) -> str:
    """The parameter of an indexing op as it is written: ``[1:, 0]``."""
    key = line.params[0][1]
    return f"[{key[1:-1].removesuffix(',') if key.startswith('(') else key}]"


def operand(line: Line) -> str:
    """How an expression refers to a line: by name, or by value if it is a mere number."""
    if line.kind != "constant" or line.name:
        return line.name
    return "constant" if line.value is None else in_line(line.value)


def _headings(old: tuple[str, ...], new: tuple[str, ...]) -> list[str]:
    """The modules that begin here."""
    same = next((i for i, (a, b) in enumerate(zip(old, new)) if a != b), min(len(old), len(new)))
    return [f"{'  ' * i}{new[i]}:" for i in range(same, len(new))]


def _value(line: Line) -> str:
    return "" if line.value is None else f"= {in_line(line.value)}"


def _grad(line: Line) -> str:
    if line.grad is not None:
        return f"grad {in_line(line.grad)}"
    return "" if line.grad_norm is None else f"‖grad‖ {number(line.grad_norm)}"
