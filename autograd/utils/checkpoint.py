"""Checkpoints: a part of the tape that is forgotten, and computed again when the backward pass needs it.

Trading time for memory (Chen, Xu, Zhang, Guestrin, "Training deep nets with sublinear memory cost", 2016).  The nodes
stay, with their parents; only the arrays that they saved are let go.  When the reverse pass reaches one of them, the
function runs once more, which records the same nodes in the same order, and what these saved is handed to the old ones.
So everything that reads a tape works as ever: gradients of parameters that the function closes over, `autograd.grad`,
hooks, second derivatives, forward mode, checkpoints within checkpoints.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from .. import quiet as bodies
from ..errors import ArgumentError, TapeError
from ..generator import default_generator
from ..pytree import flatten
from ..recording import enable_grad, recording
from ..staleness import Freed, check_not_overwritten
from ..tape import LEAF, Node
from ..tensor import Tensor, wrap
from ..where import machinery
from ..writes import next_stamp, writes

__all__ = ["checkpoint", "checkpoint_sequential"]

machinery(__name__)
Contexts = Callable[[], tuple[Any, Any]]


def noop_context_fn() -> tuple[Any, Any]:
    """A context for the first run of a function, and one for the second, that do nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    context_fn: Contexts = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """``function(*args, **kwargs)``, which keeps its inputs instead of what its derivative needs.

    In the backward pass `function` runs again.  It must then do the same: with `preserve_rng_state` the default stream
    of random numbers is set back for that, so that dropout drops the same; `determinism_check` ("none" leaves it out)
    compares the shapes.  What it writes outside, such as running statistics, is written twice.  `context_fn` makes a
    context for each of the two runs.  `use_reentrant`, `debug` and `early_stop` are PyTorch's and change nothing here.
    While a program is recorded (`autograd.compile`), `function` is simply called, for a program plans its own memory.

    Raises TapeError where the second run is not like the first, or an argument has been written in place since.

    >>> import autograd
    >>> from autograd.utils.checkpoint import checkpoint
    >>> x = autograd.tensor(1.0, requires_grad=True)
    >>> checkpoint(lambda x: (x * 2).exp().log(), x).backward(); x.grad
    tensor(2.)

    Source: Chen et al., Training deep nets with sublinear memory cost (2016).
    """
    if determinism_check not in ("default", "none"):
        raise ArgumentError(f"determinism_check: expected 'default' or 'none', got {determinism_check!r}")
    if recording.scope is None or bodies.watcher is not None:
        return function(*args, **kwargs)
    first_context, second_context = context_fn()
    state = default_generator.get_state() if preserve_rng_state else None
    inputs, tree = flatten((args, kwargs))
    part = _Part(function, tree.build, inputs, second_context, state, determinism_check == "default")
    with first_context:
        result = function(*args, **kwargs)
    part.forget(_nodes_since(part.start, result))
    return result


def checkpoint_sequential(functions: Any, segments: int, input: Any, use_reentrant: bool | None = None,
                          **kwargs: Any) -> Any:  # fmt: skip
    """`functions`, a Sequential or a list, one after the other, in `segments` checkpoints of which the last is kept.

    >>> import autograd, nn
    >>> from autograd.utils.checkpoint import checkpoint_sequential
    >>> layers = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1))
    >>> checkpoint_sequential(layers, 2, autograd.ones(2, 4)).shape
    Size([2, 1])
    """
    every = list(functions.children() if hasattr(functions, "children") else functions)
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ArgumentError(f"checkpoint_sequential: unexpected arguments {', '.join(kwargs)}")
    if not 1 <= segments <= len(every):
        raise ArgumentError(f"segments: expected 1 to {len(every)}, the number of functions, got {segments}")
    size = len(every) // segments
    for start in range(0, size * (segments - 1), size):
        input = checkpoint(_chain(every[start : start + size]), input, preserve_rng_state=preserve)
    return _chain(every[size * (segments - 1) :])(input)


def _chain(functions: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        for function in functions:
            x = function(x)
        return x

    return run


# ---------------------------------------------------------------------------------------------------------------------


class _Part:
    """A part of a tape that can be recorded again."""

    def __init__(self, function: Callable[..., Any], build: Callable[..., Any], inputs: Sequence[Any], context: Any,
                 state: Any, strict: bool) -> None:  # fmt: skip
        self.function, self.build, self.context, self.state, self.strict = function, build, context, state, strict
        # Tensors as they are now: a later write in place would give the user's another history.
        self.inputs = [wrap(x.array, x.node) if isinstance(x, Tensor) else x for x in inputs]
        self.start = next_stamp()
        self.kinds: list[tuple[str, Any]] = []  # of each node: its op and its shape
        self.found: list[Any] = []  # what each node saved, once the function has run again

    def forget(self, nodes: list[Node]) -> None:
        """Let go what `nodes` saved."""
        self.kinds = [(node.name, node.shape) for node in nodes]
        for i, node in enumerate(nodes):
            if type(node.saved) is not tuple or any(_holds_array(x) for x in node.saved):
                node.saved = _Forgotten(self, i)

    def saved(self, i: int) -> Any:
        """What node `i` saved; handed out once, for it belongs to the node then."""
        if not self.found:
            self.run_again()
        saved, self.found[i] = self.found[i], None
        return saved

    def run_again(self) -> None:
        """Fill `found`."""
        self.check_inputs()
        now = default_generator.get_state() if self.state is not None else None
        start = next_stamp()
        try:
            if self.state is not None:
                default_generator.set_state(self.state)
            with self.context, enable_grad():
                args, kwargs = self.build(self.inputs)
                nodes = _nodes_since(start, self.function(*args, **kwargs))
        finally:
            if now is not None:
                default_generator.set_state(now)
        self.check_alike(nodes)
        for node in nodes:
            if type(node.saved) is tuple and writes.latest > start:
                check_not_overwritten(node)
                node.saved = tuple(_unwritten(x, start) for x in node.saved)
        self.found = [node.saved for node in nodes]

    def check_inputs(self) -> None:
        for i, x in enumerate(self.inputs):
            if isinstance(x, Tensor):
                stamp, by = writes.of(x.array)
                if stamp > self.start:
                    raise TapeError(
                        f"checkpoint: input {i}, of shape {list(x.shape)}, has been written in place by {by} since, so "
                        "that the function cannot be run again. Write out of place, or pass a copy: x.clone()."
                    )

    def check_alike(self, nodes: list[Node]) -> None:
        again = [(node.name, node.shape) for node in nodes]
        if len(again) == len(self.kinds) and (again == self.kinds or not self.strict):
            return
        at = next((i for i, (a, b) in enumerate(zip(self.kinds, again)) if a != b), min(len(again), len(self.kinds)))
        was, now = (
            f"{kinds[at][0]} of shape {kinds[at][1]}" if at < len(kinds) else "the end" for kinds in (self.kinds, again)
        )
        raise TapeError(
            f"checkpoint: run again for the backward pass, the function did something else: operation {at} was {was}, "
            f"and now is {now}. It must not depend on what changes between the two runs: counters, random choices of "
            "Python's or NumPy's own, a mode that was switched."
        )


class _Forgotten(Freed):
    """Stands where a node's saved values were: they can be had again."""

    __slots__ = ("index", "part")

    def __init__(self, part: _Part, index: int) -> None:
        super().__init__(None)
        self.part, self.index = part, index

    def recall(self, node: Node) -> Any:
        """The values, made again."""
        saved = self.part.saved(self.index)
        return saved if type(saved) is tuple else saved.recall(node)  # a checkpoint within this one


def _nodes_since(start: int, result: Any) -> list[Node]:
    """The nodes behind the tensors in `result` that were recorded after the stamp `start`, oldest first."""
    todo = [t.node for t in flatten(result)[0] if isinstance(t, Tensor) and t.node is not None]
    seen = {node for node in todo if node.stamp > start}
    while todo:
        for parent in todo.pop().parents:
            if parent is not None and parent.stamp > start and parent not in seen:
                seen.add(parent)
                todo.append(parent)
    return sorted((node for node in seen if node.op is not LEAF), key=attrgetter("stamp"))


def _holds_array(x: Any) -> bool:
    return isinstance(x, np.ndarray) or (isinstance(x, tuple) and any(map(_holds_array, x)))


def _unwritten(x: Any, since: int) -> Any:
    """`x` in memory of its own if that was written after `since`, which, from outside, would look like an accident."""
    if isinstance(x, np.ndarray):
        return x.copy() if writes.of(x)[0] > since else x
    return tuple(_unwritten(y, since) for y in x) if type(x) is tuple else x
