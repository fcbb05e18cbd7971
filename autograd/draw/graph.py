"""A tape, taken down as plain lines: what both the text and the picture are made from.

Nothing here refers to tensors or nodes any more, so a drawing shows the moment at which it was made and keeps no
memory alive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Any

import numpy as np

from ..staleness import Freed
from ..tape import LEAF, SMALL, Node, Tape
from ..tensor import Tensor, plain
from .names import Names


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the tape: a leaf, a constant, the result of an op, or a module drawn as one box."""

    key: str  # unique; the node's identifier in DOT
    kind: str  # "leaf", "constant", "op" or "group"
    name: str  # the user's, else v3 for the third line of the tape
    op: str = ""
    symbol: str = ""
    inputs: tuple[tuple[str, str], ...] = ()  # (what the op calls it, key)
    params: tuple[tuple[str, str], ...] = ()
    infix: bool = False
    shape: tuple[Any, ...] | None = None  # of several outputs: their shapes
    dtype: str = ""
    value: np.ndarray | None = None  # if small
    grad: np.ndarray | None = None  # if small
    grad_norm: float | None = None  # ‖grad‖₂ if not
    path: tuple[str, ...] = ()  # the module in whose call it was recorded


@dataclass(frozen=True, slots=True)
class Graph:
    """Lines, oldest first, and which of them the drawing was asked for."""

    lines: tuple[Line, ...]
    outputs: frozenset[str]

    def edges(self) -> Iterator[tuple[str, str, str]]:
        """(from, to, what the op calls this input), once for every use."""
        return ((key, line.key, role) for line in self.lines for role, key in line.inputs)


def graph_of(tape: Tape, outputs: tuple[Node, ...], names: Names) -> Graph:
    """Take the tape down.  A parameter is listed where it is first used, so that a module's lines stay together."""
    lines: list[Line] = []
    constants = _Constants(names, lines)
    homes = _homes(tape)
    keys = {node: f"n{number}" for number, node in enumerate(tape, 1)}
    waiting: dict[str, Line] = {}
    for number, node in enumerate(tape, 1):
        unnamed = next(n for n in (f"v{number}", f"v{number}'", f"#{number}") if names.free(n))
        name, key = names.of(node) or unnamed, keys[node]
        if node.op is LEAF:
            line = _leaf(key, name, node, homes)
            if line.path:
                waiting[key] = line
                continue
        else:
            line = _op(key, name, node, keys, constants)
            lines += (waiting.pop(source) for _, source in line.inputs if source in waiting)
        lines.append(line)
    return Graph(tuple(lines), frozenset(keys[node] for node in outputs))


def _leaf(key: str, name: str, node: Any, homes: dict[Node, tuple[str, ...]]) -> Line:
    tensor = node.tensor()
    plain_input = tensor is None or type(tensor) is Tensor
    path = () if plain_input else homes.get(node, ())  # a Parameter lives in its module
    array = None if tensor is None else tensor.array
    grad = None if tensor is None or tensor.grad is None else tensor.grad.array
    return Line(key, "leaf", name, shape=tuple(node.shape), dtype=str(node.dtype), value=_small(array), path=path,
                **_gradient(grad))  # fmt: skip


def _op(key: str, name: str, node: Node, keys: dict[Node, str], constants: _Constants) -> Line:
    op = node.op
    roles, inputs = op.input_names(len(node.parents)), []
    for i, (role, parent) in enumerate(zip(roles, node.parents)):
        source = keys[parent] if parent is not None else constants.key(node, i, role)
        if source is not None:
            inputs.append((f"{role}[{i}]" if op.variadic else role, source))
    several = op.multiple
    return Line(
        key, "op", name, op.name, op.symbol or op.name, tuple(inputs), tuple(_params(node)), _is_infix(node),
        tuple(map(tuple, node.shape)) if several else tuple(node.shape),
        ", ".join(map(str, node.dtype)) if several else str(node.dtype),
        _small(node.value), path=node.scope.path(), **_gradient(plain(getattr(node, "cotangent", None))),
    )  # fmt: skip


class _Constants:
    """Inputs that are not on the tape.  Known are numbers, and arrays that some formula asked for; one line each."""

    def __init__(self, names: Names, lines: list[Line]) -> None:
        self.names, self.lines, self.seen = names, lines, dict[int, str]()
        self.numbers = count(1)

    def key(self, node: Node, i: int, role: str) -> str | None:
        """The line of input `i`, added if it is new; None for an optional input that was left out."""
        value = _saved_input(node, i)
        if value is None and role in node.op.defaults:
            return None
        known = isinstance(value, np.ndarray)
        if known and id(value) in self.seen:
            return self.seen[id(value)]
        key = f"c{next(self.numbers)}"
        name = (self.names.of(value) if known else None) or ""
        array = None if value is None else np.asarray(value)
        if array is None:
            line = Line(key, "constant", name, path=node.scope.path())
        elif known:
            self.seen[id(value)] = key
            line = Line(key, "constant", name or key, shape=array.shape, dtype=str(array.dtype), value=_small(array))
        else:  # a number, which is part of the op rather than of the data
            line = Line(key, "constant", name, value=array, path=node.scope.path())
        self.lines.append(line)
        return key


def _saved_input(node: Node, i: int) -> Any:
    """The constant input `i` as far as the tape kept it."""
    saved = node.saved.was if isinstance(node.saved, Freed) else node.saved
    if saved is None:
        return None
    if node.op.variadic:
        return None if saved[0] is None else saved[0][i]
    return saved[i]


def _params(node: Node) -> Iterator[tuple[str, str]]:
    """Parameters that differ from their defaults."""
    for name, value in zip(node.op.parameters, node.params):
        text = _param(value)
        if name not in node.op.defaults or text != _param(node.op.defaults[name]):
            yield name, text


def _param(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size > 4:
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, np.ndarray):
        return str(value.tolist())
    if isinstance(value, slice):
        ends = ["" if x is None else str(x) for x in (value.start, value.stop, value.step)]
        return ":".join(ends if ends[2] else ends[:2])
    if isinstance(value, tuple):
        return f"({', '.join(map(_param, value))}{',' if len(value) == 1 else ''})"
    text = "…" if value is Ellipsis else str(value) if isinstance(value, np.dtype | str) else f"{value!r}"
    return text if len(text) <= 40 else text[:39] + "…"


def _is_infix(node: Node) -> bool:
    """Whether the op is written between its two inputs: its symbol has no letters and no brackets."""
    symbol = node.op.symbol or node.op.name
    return len(node.parents) == 2 and not node.op.variadic and not any(c.isalpha() or c in "[] ⌊|" for c in symbol)


def _homes(tape: Tape) -> dict[Node, tuple[str, ...]]:
    """For each leaf, the innermost module that holds all its uses."""
    homes: dict[Node, tuple[str, ...]] = {}
    for node in tape:
        path = node.scope.path()
        for parent in node.parents:
            if parent is not None and parent.op is LEAF:
                homes[parent] = common(homes[parent], path) if parent in homes else path
    return homes


def common(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
    """The start that two paths share."""
    return tuple(x for x, _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b)))


def _small(array: Any) -> np.ndarray | None:
    return np.array(array) if isinstance(array, np.ndarray) and array.size <= SMALL else None


def _gradient(g: Any) -> dict[str, Any]:
    if not isinstance(g, np.ndarray | np.generic):
        return {}
    array = np.asarray(g)
    return {"grad": _small(array), "grad_norm": float(np.linalg.norm(array.astype(np.float64)))
            if array.size > SMALL else None}  # fmt: skip
