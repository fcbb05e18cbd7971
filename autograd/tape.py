"""The tape: what was computed, in the order in which it was computed.

A recorded operation leaves one `Node` behind.  A node knows its parents (the nodes that made its inputs), the few
arrays that its derivative formulas asked for, and a stamp that counts up.  Parents are always older than children, so
**creation order is a topological order**: the tape of a result is the set of nodes reachable from it, sorted by
stamp (R. E. Wengert, 1964).  Nodes hang on the tensors they made and die with them; there is no global list.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from operator import attrgetter
from types import CodeType
from typing import TYPE_CHECKING, Any

import numpy as np

from .recording import ROOT, Scope, recording
from .writes import mark_written, next_stamp

if TYPE_CHECKING:
    from .op import Op
    from .tensor import Tensor

__all__ = ["LEAF", "ROOT", "SMALL", "Leaf", "Node", "Scope", "Tape", "mark_written", "next_stamp", "recording"]

_stamp = attrgetter("stamp")
SMALL = 16  # outputs of up to this many elements stay on the tape, for drawings and lessons


class Node:
    """One line of the tape: ``out = op(*parents, *params)``."""

    __slots__ = (
        "cotangent",
        "dtype",
        "hooks",
        "op",
        "params",
        "parents",
        "saved",
        "scope",
        "shape",
        "stamp",
        "value",
        "where",
    )  # fmt: skip

    op: Op
    parents: tuple[Node | None, ...]  # None: a constant
    saved: Any  # (*inputs, out, shapes): what the formulas asked for, None elsewhere
    params: tuple[Any, ...]
    stamp: int
    shape: Any  # of the output; a tuple of shapes when there are several
    dtype: Any
    value: np.ndarray | None  # the output if it is small; never needed for the derivative
    cotangent: Any  # left by the last backward pass where `value` is kept; unset before
    scope: Scope
    where: tuple[CodeType, int] | None  # the instruction that called the op; a line number is worked out on demand
    hooks: list[Callable[..., Any]] | None

    def __repr__(self) -> str:
        return f"<{self.op.name} #{self.stamp} {self.shape}>"

    @property
    def name(self) -> str:
        return self.op.name

    @property
    def next_functions(self) -> tuple[tuple[Node, int], ...]:
        """The parents, in the form that PyTorch's ``grad_fn`` shows them."""
        return tuple((parent, 0) for parent in self.parents if parent is not None)

    def location(self) -> str:
        """``file:line`` of the call that recorded this node."""
        if self.where is None:
            return "an unknown line"
        code, instruction = self.where
        lines = (line for start, end, line in code.co_lines() if start <= instruction < end and line)
        return f"{code.co_filename}:{next(lines, code.co_firstlineno)}"


class Leaf(Node):
    """The start of a tape: a tensor that wants a gradient.  The tensor owns the leaf, not the other way round."""

    __slots__ = ("after", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = weakref.ref(tensor)
        self.op, self.parents, self.saved, self.params = LEAF, (), None, ()
        self.stamp, self.shape, self.dtype = next_stamp(), tensor.array.shape, tensor.array.dtype
        self.value, self.scope, self.where, self.hooks = None, ROOT, None, None
        self.after: list[Callable[[Any], None]] = []  # called when .grad has been added to


class _LeafOp:
    """Stands where other nodes have their Op."""

    name, symbol, pulls, recorded_pulls, plain, multiple, view = "leaf", None, (), (), False, False, False


LEAF: Any = _LeafOp()


class Tape:
    """The nodes behind some tensors, oldest first.  Backward walks it in reverse; drawings and programs read it.

    >>> import autograd
    >>> x = autograd.tensor([1.0, 2.0], requires_grad=True)
    >>> [node.name for node in autograd.Tape.of((x * x).sum())]
    ['leaf', 'mul', 'sum']
    """

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes

    def __repr__(self) -> str:
        return f"Tape({', '.join(node.name for node in self.nodes)})"

    @classmethod
    def of(cls, *tensors: Tensor) -> Tape:
        """The tape that leads to `tensors`."""
        return cls.behind([t.node for t in tensors if t.node is not None])

    @classmethod
    def behind(cls, nodes: list[Node]) -> Tape:
        """The tape that leads to `nodes`."""
        seen, todo = set(nodes), list(nodes)
        while todo:
            for parent in todo.pop().parents:
                if parent is not None and parent not in seen:
                    seen.add(parent)
                    todo.append(parent)
        return cls(sorted(seen, key=_stamp))

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __reversed__(self) -> Iterator[Node]:
        return reversed(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)
