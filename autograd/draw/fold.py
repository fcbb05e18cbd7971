"""Fewer boxes: modules folded into one box each."""

from __future__ import annotations

from dataclasses import replace

from ..errors import ArgumentError
from .graph import Graph, Line


def fold_to(graph: Graph, most: int) -> Graph:
    """The graph with as few levels of modules folded as bring it to `most` boxes, innermost first."""
    folded = graph
    for depth in range(max(len(line.path) for line in graph.lines), 0, -1):
        if len(folded.lines) <= most:
            return folded
        folded = fold(graph, depth)
    if len(folded.lines) > most:
        modules = f", and {len(folded.lines)} with its modules folded" if folded is not graph else ""
        raise ArgumentError(
            f"draw: the picture has {len(graph.lines)} boxes{modules}, more than max_nodes={most}. Pass a larger "
            "max_nodes=, draw a tensor from an earlier point, or print the drawing: its text has no limit."
        )
    return folded


def fold(graph: Graph, depth: int) -> Graph:
    """Every module `depth` levels down becomes one box."""
    new_key: dict[str, str] = {}
    members: dict[tuple[str, ...], list[Line]] = {}
    for line in graph.lines:
        inside = len(line.path) >= depth
        if inside:
            members.setdefault(line.path[:depth], []).append(line)
        new_key[line.key] = "/".join(line.path[:depth]) if inside else line.key
    lines: dict[str, Line] = {}
    for line in graph.lines:
        key = new_key[line.key]
        if key == line.key:
            lines[key] = replace(line, inputs=tuple((role, new_key[source]) for role, source in line.inputs))
        elif key not in lines:
            lines[key] = _group(key, members[line.path[:depth]], new_key)
    return Graph(tuple(lines.values()), frozenset(new_key[key] for key in graph.outputs))


def _group(key: str, members: list[Line], new_key: dict[str, str]) -> Line:
    sources = dict.fromkeys(new_key[source] for line in members for _, source in line.inputs)
    sources.pop(key, None)
    *outer, name = members[0].path[: key.count("/") + 1]
    ops, parameters = (sum(line.kind == kind for line in members) for kind in ("op", "leaf"))
    about = _count(ops, "op") + (f", {_count(parameters, 'parameter')}" if parameters else "")
    last = next((line for line in reversed(members) if line.kind == "op"), members[-1])
    return Line(key, "group", name, about, inputs=tuple(("", source) for source in sources), shape=last.shape,
                dtype=last.dtype, value=last.value, path=tuple(outer))  # fmt: skip


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"
