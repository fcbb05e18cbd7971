"""The tape: what was computed, in the order in which it was computed.

A recorded operation leaves one `Node` behind.  A node knows its parents (the nodes that made its inputs), the few
arrays that its derivative formulas asked for, and a stamp that counts up.  Parents are always older than children, so
**creation order is a topological order**: the tape of a result is the set of nodes reachable from it, sorted by
stamp (R. E. Wengert, 1964).  Nodes hang on the tensors they made and die with them; there is no global list.
"""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import Callable, Iterator
from itertools import count
from types import CodeType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .op import Op
    from .tensor import Tensor

next_stamp = count(1).__next__
SMALL = 16  # outputs of up to this many elements stay on the tape, for drawings and lessons


class Node:
    """One line of the tape: ``out = op(*parents, *params)``."""

    __slots__ = ("op", "parents", "saved", "params", "stamp", "shape", "dtype", "value", "cotangent", "scope", "where",
                 "hooks")  # fmt: skip

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

    __slots__ = ("tensor", "after")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = weakref.ref(tensor)
        self.op, self.parents, self.saved, self.params = LEAF, (), None, ()
        self.stamp, self.shape, self.dtype = next_stamp(), tensor.array.shape, tensor.array.dtype
        self.value, self.scope, self.where, self.hooks = None, ROOT, None, None
        self.after: list[Callable[[Any], None]] = []  # called when .grad has been added to


class _LeafOp:
    """Stands where other nodes have their Op."""

    name, symbol, pulls, recorded_pulls, multiple = "leaf", None, (), (), False


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
        return cls(sorted(seen, key=lambda node: node.stamp))

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __reversed__(self) -> Iterator[Node]:
        return reversed(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)


# ---------------------------------------------------------------------------------------------------------------------
# Recording on and off.


class Scope:
    """Where on the map a node was recorded: the root, or inside a module's call.  A tree, for drawings and errors."""

    __slots__ = ("name", "parent")

    def __init__(self, name: str, parent: Scope | None) -> None:
        self.name, self.parent = name, parent

    def path(self) -> tuple[str, ...]:
        """Names from the outermost module inwards; empty at the root."""
        return () if self.parent is None else (*self.parent.path(), self.name)


ROOT = Scope("", None)


class _Recording(threading.local):
    """What this thread records into: a scope, or None while recording is off."""

    scope: Scope | None = ROOT
    inference = False


recording = _Recording()


class _Switch:
    """A context manager that is also a decorator, with or without parentheses, as in PyTorch."""

    def __new__(cls, function: Any = None) -> Any:
        switch = super().__new__(cls)
        if not callable(function):
            return switch
        switch.__init__()  # type: ignore[misc]
        return switch(function)

    def __init__(self, function: Any = None) -> None:
        self._before: list[tuple[Scope | None, bool]] = []

    def scope(self) -> Scope | None:
        raise NotImplementedError

    def __enter__(self) -> None:
        self._before.append((recording.scope, recording.inference))
        recording.scope = self.scope()

    def __exit__(self, *exc: object) -> None:
        recording.scope, recording.inference = self._before.pop()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with type(self)(*self._arguments()):
                return function(*args, **kwargs)

        return wrapped

    def _arguments(self) -> tuple[Any, ...]:
        return ()


class no_grad(_Switch):
    """Record nothing inside.

    >>> import autograd
    >>> x = autograd.ones(2, requires_grad=True)
    >>> with autograd.no_grad():
    ...     (x * 2).requires_grad
    False
    """

    def scope(self) -> Scope | None:
        return None


class enable_grad(_Switch):
    """Record inside, even within `no_grad`."""

    def scope(self) -> Scope | None:
        return recording.scope or ROOT


class inference_mode(_Switch):
    """Record nothing inside, as `no_grad`; ``is_inference_mode_enabled()`` tells."""

    def __new__(cls, mode: Any = True) -> Any:
        return super().__new__(cls, mode)

    def __init__(self, mode: Any = True) -> None:
        super().__init__()
        self._mode = mode is not False

    def scope(self) -> Scope | None:
        recording.inference = self._mode
        return None if self._mode else recording.scope or ROOT

    def _arguments(self) -> tuple[Any, ...]:
        return (self._mode,)


class set_grad_enabled(_Switch):
    """Switch recording at once; as a context manager, put the old state back at the end."""

    def __new__(cls, mode: bool) -> Any:
        return super().__new__(cls)

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self._mode, self._at_call = bool(mode), (recording.scope, recording.inference)
        recording.scope = self.scope()

    def scope(self) -> Scope | None:
        return recording.scope or ROOT if self._mode else None

    def __enter__(self) -> None:
        self._before.append(self._at_call)
        recording.scope = self.scope()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        recording.scope, recording.inference = self._at_call
        return super().__call__(function)

    def _arguments(self) -> tuple[Any, ...]:
        return (self._mode,)


def is_grad_enabled() -> bool:
    """Whether this thread records."""
    return recording.scope is not None


def is_inference_mode_enabled() -> bool:
    """Whether this thread is inside `inference_mode`."""
    return recording.inference


# ---------------------------------------------------------------------------------------------------------------------
# Writes in place.  A saved array is stale if its memory was written after its node was stamped, so one table of "last
# written at" stamps serves every tensor, view and NumPy alias of that memory, and saving costs nothing.


class _Writes:
    """When each block of memory was last written in place, and by whom."""

    def __init__(self) -> None:
        self.latest = 0  # no check is needed for nodes younger than this
        self._table: dict[int, tuple[weakref.ref[Any], int, str]] = {}

    def note(self, array: np.ndarray, by: str) -> None:
        memory = _memory(array)
        key = id(memory)
        entry = self._table.get(key)
        ref = entry[0] if entry is not None else weakref.ref(memory, lambda _: self._table.pop(key, None))
        self.latest = next_stamp()
        self._table[key] = (ref, self.latest, by)

    def of(self, array: np.ndarray) -> tuple[int, str]:
        """Stamp and author of the last write into `array`'s memory; (0, "") if there was none."""
        entry = self._table.get(id(_memory(array)))
        return (0, "") if entry is None else (entry[1], entry[2])


def _memory(array: np.ndarray) -> np.ndarray:
    """The array that owns the memory that `array` looks at."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


writes = _Writes()


def mark_written(array: np.ndarray, by: str) -> None:
    """Tell the tape that `array` was written in place; whoever bypasses the ops (an optimiser) must say so."""
    writes.note(array, by)
