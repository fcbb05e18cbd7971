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
    cells = [(_name(line), expression(line, lines), _type(line), _value(line)) for line in listed]
    columns = tuple(zip(*cells))
    left = max(map(len, columns[0]))
    middle = max((len(cell) for cell in columns[1] if len(cell) <= WIDE), default=0)
    types, values = (max(map(len, column)) for column in columns[2:])
    rows: list[str] = []
    path: tuple[str, ...] = ()
    for line, (name, formula, kind, value) in zip(listed, cells):
        if line.path != path:
            rows += _headings(path, line.path)
            path = line.path
        cells_of_row = [f"{'  ' * len(path)}{name:>{left}} = {formula:<{middle}}", f"{kind:<{types}}",
                        f"{value:<{values}}", _grad(line)]  # fmt: skip
        rows.append("   ".join(cells_of_row).rstrip())
    return "\n".join(rows)


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
    return f"{line.op}({', '.join(operands + params)})"


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


def _name(line: Line) -> str:
    return line.name


def _type(line: Line) -> str:
    return f"{line.shape} {line.dtype}"


def _value(line: Line) -> str:
    return "" if line.value is None else f"= {in_line(line.value)}"


def _grad(line: Line) -> str:
    if line.grad is not None:
        return f"grad {in_line(line.grad)}"
    return "" if line.grad_norm is None else f"‖grad‖ {number(line.grad_norm)}"
