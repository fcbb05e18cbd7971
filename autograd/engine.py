"""The reverse pass: walk the tape backwards and hand each node's cotangent to its parents.

For a node ``out = op(x_1, ..., x_n)`` with cotangent g = dL/d(out), the chain rule adds g · d(out)/d(x_i) to the
cotangent of each parent.  A node is reached only after everything that used it, because children are younger than
parents; so when its turn comes its cotangent is complete.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from . import quiet as bodies
from .errors import ArgumentError, ShapeError, TapeError
from .recording import ROOT, recording
from .staleness import FREED, Freed, check_not_overwritten
from .tape import LEAF, Leaf, Node, Tape
from .tensor import Tensor, attach, wrap
from .writes import writes

_ARRAYS = (np.ndarray, np.generic)


def propagate(tape: Tape, cotangents: dict[Node, Any], wanted: set[Node], *, record: bool, retain: bool) -> None:
    """Fill `cotangents` from the outputs down to the leaves and the `wanted` nodes, which keep theirs.

    With `record` the cotangents are Tensors and the formulas are themselves recorded; without, plain arrays.  If some
    nodes are `wanted`, `tape` holds only what leads to these, and no cotangent is worked out for any other.
    """
    useful = set(tape) if wanted else set()
    pending = cotangents.copy()
    cotangents.clear()
    take, peek, written = pending.pop, pending.get, writes.latest
    for node in reversed(tape):
        g = take(node, None)
        if g is None:
            continue
        op = node.op
        if node.hooks is not None:
            g = _run_hooks(node, g)
            written = writes.latest
        if not op.plain:  # a leaf, an op with several outputs, or the pick of one of these
            if op is LEAF:
                cotangents[node] = g
                continue
            if op.multiple:
                g = _complete(node, g, record)
        if node.value is not None:
            node.cotangent = g
        if wanted and node in wanted:
            cotangents[node] = g
            if useful.isdisjoint(node.parents):
                continue
        saved = node.saved
        if saved.__class__ is not tuple:
            saved = node.saved = saved.recall(node)
        if written > node.stamp:
            check_not_overwritten(node)
        if not op.plain and not op.multiple:
            _collect(pending, node, g)
            continue
        for parent, pull in zip(node.parents, op.recorded_pulls if record else op.pulls):
            if parent is None or pull is None or (wanted and parent not in useful):
                continue
            c = pull(g, node)
            if c is None:
                continue
            if c.shape != parent.shape:
                c = unbroadcast(c, parent.shape)
            have = peek(parent)
            pending[parent] = c if have is None else have + c
        if not retain and op.frees:
            node.saved = FREED if node.value is None else Freed(saved)


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum `g` over the axes along which an input of `shape` was repeated: the transpose of broadcasting."""
    lead = g.ndim - len(shape)
    if lead < 0:
        raise TapeError(f"a derivative formula returned shape {tuple(g.shape)} for an input of shape {tuple(shape)}")
    axes = tuple(range(lead)) + tuple(lead + i for i, n in enumerate(shape) if n == 1 and g.shape[lead + i] != 1)
    g = g.sum(axis=axes, keepdims=True) if axes else g
    return g.reshape(shape)


def _collect(cotangents: dict[Node, Any], pick: Node, g: Any) -> None:
    (parent,), (index,) = pick.parents, pick.params
    assert parent is not None
    parts = cotangents.setdefault(parent, [None] * len(parent.shape))
    parts[index] = g if parts[index] is None else parts[index] + g


def _complete(node: Node, parts: Any, record: bool) -> tuple[Any, ...]:
    """The cotangents of a node with several outputs; an output that nobody used contributes zeros."""
    if not node.op.materialize:
        return tuple(parts)
    return tuple(_zeros(shape, dtype, record) if part is None else part
                 for part, shape, dtype in zip(parts, node.shape, node.dtype))  # fmt: skip


def _zeros(shape: tuple[int, ...], dtype: Any, record: bool) -> Any:
    zeros = bodies.quiet().run(np.zeros, shape, dtype)
    return wrap(zeros) if record else zeros


def _run_hooks(node: Node, g: Any) -> Any:
    raw = isinstance(g, _ARRAYS)
    for hook in tuple(node.hooks or ()):
        g_tensor = wrap(np.asanyarray(g)) if raw else g
        answer = hook(g_tensor)
        if answer is not None:
            g = answer.array if raw else answer
    return g


# ---------------------------------------------------------------------------------------------------------------------


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add dL/d(leaf) to the ``.grad`` of every leaf behind `tensors` (or of `inputs` only).

    `grad_tensors` are the cotangents to start from; a tensor of one element starts from 1.

    >>> import autograd
    >>> x = autograd.tensor(3.0, requires_grad=True)
    >>> autograd.backward(x * x); x.grad
    tensor(6.)
    """
    outputs, only = _sequence(tensors), None if inputs is None else _sequence(inputs)
    if only is not None and not only:
        raise ArgumentError("inputs: expected at least one tensor, got an empty sequence")
    cotangents = _differentiate(outputs, grad_tensors, retain_graph, create_graph, only)
    targets = None if only is None else {t.node: t for t in only if t.node is not None}
    for node in tuple(cotangents):
        g, leaf = cotangents.pop(node), isinstance(node, Leaf)
        tensor = targets.get(node) if targets is not None else node.tensor() if leaf else None  # type: ignore[attr-defined]
        if tensor is not None:
            _accumulate(tensor, g)
            for hook in node.after if leaf else ():  # type: ignore[attr-defined]
                hook(tensor)


def _backward(self: Tensor, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
              inputs: Any = None) -> None:  # fmt: skip
    """Add the gradient of this tensor to ``.grad`` of the leaves behind it; see `autograd.backward`."""
    backward(self, gradient, retain_graph, create_graph, inputs)


attach("backward", _backward, _backward)


def _accumulate(tensor: Tensor, g: Any) -> None:
    """``tensor.grad += g``.  The first time g is kept as it is, provided that nobody else can write into it."""
    have = tensor.grad
    if not isinstance(g, _ARRAYS):  # a recorded cotangent: keep its history
        tensor.grad = g if have is None else have + g
        return
    if have is None:
        g = np.asanyarray(g).astype(tensor.array.dtype, copy=False)
        # Three references: the caller's, ours, getrefcount's.  One more, and it is somebody else's too: the
        # cotangent of a + b, for one, is the same array for a and for b.
        tensor.grad = wrap(g if sys.getrefcount(g) <= 3 and _is_whole(g) else g.copy())
    elif have.node is not None:
        tensor.grad = have + wrap(np.asanyarray(g))
    else:
        np.add(have.array, g, out=have.array)


def _is_whole(g: np.ndarray) -> bool:
    """Whether the memory of `g` is its own: no view, or one of all that an array has which nobody else knows."""
    whole = g.base
    if whole is None:
        return g.flags.c_contiguous
    if type(whole) is not np.ndarray or whole.size != g.size or sys.getrefcount(whole) > 3:  # g's, ours, getrefcount's
        return False
    return g.flags.c_contiguous and whole.flags.owndata and whole.dtype == g.dtype


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of ``sum(outputs · grad_outputs)`` with respect to `inputs`; no ``.grad`` is touched.

    With `create_graph` the result is itself on the tape, so that it can be differentiated again.  With
    `is_grads_batched` the first dimension of `grad_outputs` counts cotangents, and that of the results gradients.

    >>> import autograd
    >>> x = autograd.tensor(2.0, requires_grad=True)
    >>> (first,) = autograd.grad(x**3, x, create_graph=True)
    >>> autograd.grad(first, x)
    (tensor(12.),)
    """
    if is_grads_batched:
        from .forward import batched

        keep = create_graph if retain_graph is None else retain_graph
        return batched(outputs, inputs, grad_outputs, keep, create_graph, allow_unused, False, materialize_grads)
    if materialize_grads and allow_unused is False:
        raise ArgumentError("materialize_grads=True needs allow_unused=True (or None): unused inputs become zeros")
    outputs, inputs = _sequence(outputs), _sequence(inputs)
    for i, x in enumerate(inputs):
        if x.node is None:
            raise TapeError(
                f"inputs[{i}] (shape {tuple(x.shape)}) does not require grad: call requires_grad_() before it is used"
            )
    cotangents = _differentiate(outputs, grad_outputs, retain_graph, create_graph, inputs)
    results: list[Tensor | None] = []
    for i, x in enumerate(inputs):
        g = None if x.node is None else cotangents.get(x.node)
        if g is None and materialize_grads:
            g = np.zeros_like(x.array)
        elif g is None and not allow_unused:
            raise TapeError(
                f"inputs[{i}] (shape {tuple(x.shape)}) was not used to compute the outputs; pass allow_unused=True to "
                "get None for it"
            )
        if g is not None and isinstance(g, _ARRAYS):
            g = np.asanyarray(g).astype(x.array.dtype, copy=False)
            # As in `_accumulate`; the third reference is that of `cotangents`.
            g = wrap(g if sys.getrefcount(g) <= 3 and _is_whole(g) else g.copy())
        results.append(g)
    return tuple(results)


def _differentiate(
    outputs: Sequence[Tensor], seeds: Any, retain: bool | None, record: bool, inputs: Sequence[Tensor] | None
) -> dict[Node, Any]:
    """The cotangents of the leaves behind `outputs`, or of `inputs`."""
    cotangents: dict[Node, Any] = {}
    seeds = (None,) * len(outputs) if seeds is None else _sequence(seeds)
    if len(seeds) != len(outputs):
        raise ArgumentError(f"expected one cotangent per output: {len(outputs)} outputs, {len(seeds)} cotangents")
    for i, (out, seed) in enumerate(zip(outputs, seeds)):
        if out.node is None:
            raise TapeError(
                f"output {i} (shape {tuple(out.shape)}) is not on the tape: it does not require grad. Call "
                "requires_grad_() on an input before computing it, and compute it outside no_grad()."
            )
        g = _seed(out, seed, record)
        have = cotangents.get(out.node)
        cotangents[out.node] = g if have is None else have + g
    tape = Tape.behind(list(cotangents))
    wanted: set[Node] = set()
    if inputs is not None:
        wanted = {x.node for x in inputs if x.node is not None}
        tape = _leading_to(wanted, tape)
    before = recording.scope
    recording.scope = (before or ROOT) if record else None
    try:
        with bodies.here():  # infinities and NaN are results, not accidents
            propagate(tape, cotangents, wanted, record=record, retain=record if retain is None else retain)
    finally:
        recording.scope = before
    return cotangents if inputs is None else {node: g for node, g in cotangents.items() if node in wanted}


def _seed(out: Tensor, seed: Any, record: bool) -> Any:
    """The cotangent to start from, checked."""
    if seed is None:
        if out.array.size != 1:
            raise ShapeError(
                f"backward of a tensor of shape {tuple(out.shape)} needs a cotangent of that shape: only a tensor of "
                "one element starts from 1. Reduce it first (.sum() or .mean()), or pass gradient=ones_like(out)."
            )
        plain = type(out.array) is np.ndarray  # else one that notes what is made of it, while a program is recorded
        seed = wrap(np.array(1, out.array.dtype).reshape(out.array.shape) if plain else np.ones_like(out.array))
    elif isinstance(seed, np.ndarray | float | int):
        seed = wrap(np.asanyarray(seed).astype(out.array.dtype))
    if seed.array.shape != out.array.shape:
        raise ShapeError(
            f"gradient: expected the shape of the output, {tuple(out.shape)}, got {tuple(seed.shape)}; no broadcasting"
        )
    if seed.array.dtype != out.array.dtype:
        seed = wrap(seed.array.astype(out.array.dtype))
    return seed if record else seed.array


def _leading_to(wanted: Iterable[Node], tape: Tape) -> Tape:
    """The part of `tape` through which some `wanted` node reaches the outputs."""
    useful = set(wanted)
    for node in tape:
        if node not in useful and not useful.isdisjoint(node.parents):
            useful.add(node)
    return Tape([node for node in tape if node in useful])


def _sequence(x: Any) -> Sequence[Any]:
    return tuple(x) if isinstance(x, (list, tuple)) or hasattr(x, "__next__") else (x,)
