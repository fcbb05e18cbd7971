"""`Function`: an operation with a forward and a backward pass of one's own, in PyTorch's form.

The declared ops of `autograd/ops` are shorter to write.  A `Function` is for what does not fit them: code that runs
outside NumPy, a derivative that is not that of the forward pass (straight-through estimators, gradient reversal), or a
PyTorch script that brings its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from types import MappingProxyType
from typing import Any

import numpy as np

from .dtypes import is_differentiable
from .errors import ArgumentError, TapeError
from .op import PICK
from .promotion import cast
from .recording import ROOT, is_grad_enabled, no_grad, recording
from .tape import SMALL, Node
from .tensor import Tensor, wrap
from .where import calling_line, machinery
from .writes import next_stamp

__all__ = ["Function", "once_differentiable"]

machinery(__name__)  # a node is recorded where the user called apply, not here


class FunctionCtx:
    """What forward leaves for backward: saved tensors, and any attribute that one cares to set."""

    needs_input_grad: tuple[bool, ...]

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self._to_save: tuple[Tensor | None, ...] = ()
        self._non_differentiable: tuple[Tensor, ...] = ()
        self._materialize = True
        self._unpack: Callable[[], tuple[Tensor | None, ...]] | None = None  # these two are set while backward runs
        self._parents: tuple[Node | None, ...] = ()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep `tensors` for backward; a later write in place into one of them is then an error, not a wrong result."""
        for i, t in enumerate(tensors):
            if t is not None and not isinstance(t, Tensor):
                raise ArgumentError(
                    f"save_for_backward: argument {i} must be a Tensor or None, got {type(t).__name__}; keep other "
                    "values as attributes: ctx.name = value"
                )
        self._to_save = tensors

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What `save_for_backward` kept, in the same order; inputs and outputs are on the tape again."""
        return self._to_save if self._unpack is None else self._unpack()

    def mark_non_differentiable(self, *outputs: Tensor) -> None:
        """No cotangent flows into these outputs; backward sees zeros for them."""
        self._non_differentiable = outputs

    def set_materialize_grads(self, value: bool) -> None:
        """With False, backward gets None instead of zeros for an output that was not used."""
        self._materialize = bool(value)

    def mark_dirty(self, *inputs: Tensor) -> None:
        """Not supported: a forward pass must not write into its inputs."""
        raise TapeError(
            "mark_dirty: a Function that writes into its inputs is not supported. Return a new tensor from forward, "
            "and let the caller write it in place: x.copy_(F.apply(x))."
        )


class Function:
    """Subclass it, define `forward` and `backward` as static methods, and call ``apply``.

    ``forward(ctx, *args)`` computes on tensors, off the tape; ``backward(ctx, *g)`` gets one cotangent per output and
    returns one per argument of forward (None where there is none).  Backward is itself recorded under
    ``create_graph=True``, so a formula in tensor operations has second derivatives.  The other form has
    ``forward(*args)`` and ``setup_context(ctx, inputs, output)``.  Forward mode and `vmap` need no more than this;
    where a class defines PyTorch's ``jvp`` and ``vmap``, they are not called.

    >>> import autograd
    >>> from autograd.function import Function
    >>> class Cube(Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x * x
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return g * 3 * x * x
    >>> x = autograd.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward(); x.grad
    tensor(12.)
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        raise ArgumentError(f"{cls.__name__} is not instantiated; call {cls.__name__}.apply(...)")

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """The values.  To be defined by the subclass."""
        raise NotImplementedError("a Function defines the static method forward(ctx, *args)")

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Any, ...], output: Any) -> None:
        """Save what backward needs; defining it selects the form in which forward has no ctx."""
        raise NotImplementedError

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The cotangents of forward's arguments.  To be defined by the subclass."""
        raise NotImplementedError("a Function defines the static method backward(ctx, *grad_outputs)")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Run forward on `args` and record the call if one of them is on the tape."""
        parents = tuple(x.node if isinstance(x, Tensor) else None for x in args)
        ctx = FunctionCtx(tuple(parent is not None for parent in parents))
        with no_grad():
            if cls.setup_context is Function.setup_context:
                result = cls.forward(ctx, *args)
            else:
                result = cls.forward(*args)
                cls.setup_context(ctx, args, result)
        several = isinstance(result, tuple)
        raw = result if several else (result,)
        outputs = tuple(_own(cls, out, args) for out in raw)
        if recording.scope is not None and any(ctx.needs_input_grad):
            _record(cls, ctx, args, parents, raw, outputs, several)
        ctx._to_save = ()
        return outputs if several else outputs[0]


def _own(cls: type[Function], out: Any, args: tuple[Any, ...]) -> Any:
    """`out` as a new tensor.  What looks into an input's memory is copied: a later write in place must not reach it."""
    if not isinstance(out, Tensor):
        if isinstance(out, np.ndarray):
            raise ArgumentError(f"{cls.__name__}.forward returned an array; return autograd.from_numpy(array)")
        return out
    shared = any(isinstance(x, Tensor) and np.may_share_memory(out.array, x.array) for x in args)
    return wrap(out.array.copy() if shared else out.array)


def _record(cls: type[Function], ctx: FunctionCtx, args: tuple[Any, ...], parents: tuple[Node | None, ...],
            raw: tuple[Any, ...], outputs: tuple[Any, ...], several: bool) -> None:  # fmt: skip
    """Put the call on the tape: one node, and a pick for each of several outputs."""
    silent = {id(t) for t in ctx._non_differentiable}
    live = [
        isinstance(out, Tensor) and is_differentiable(out.array.dtype) and id(out) not in silent for out in raw
    ]  # fmt: skip
    if not any(live):
        return
    call: Any = _Call(cls, ctx, raw, several)
    node = Node.__new__(Node)
    saved = call.keep(args, raw, outputs, live)
    node.op, node.parents, node.saved, node.params, node.stamp = call, parents, saved, (), next_stamp()
    arrays = [out.array if isinstance(out, Tensor) else np.zeros(()) for out in outputs]
    if several:
        node.shape, node.dtype, node.value = tuple(a.shape for a in arrays), tuple(a.dtype for a in arrays), None
    else:
        small = arrays[0].size <= SMALL
        node.shape, node.dtype, node.value = arrays[0].shape, arrays[0].dtype, arrays[0] if small else None
    node.scope, node.where, node.hooks = recording.scope or ROOT, calling_line(), None
    for i, (out, alive) in enumerate(zip(outputs, live)):
        if alive:
            out.node = _output_node(node, i, out.array)


def _output_node(node: Node, i: int, array: np.ndarray) -> Node:
    return PICK.record((None,), (node,), (i,), array) if node.op.multiple else node


def _parent(node: Node, i: int) -> Node | None:
    return node.parents[i]


def _other(node: Node, origin: Node | None) -> Node | None:
    return origin


def _index(t: Tensor, among: tuple[Any, ...]) -> int | None:
    return next((i for i, x in enumerate(among) if x is t), None)


class _Call:
    """Stands on the tape where other nodes have their Op: one application of a Function."""

    symbol, view, variadic = None, False, False
    parameters: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, cls: type[Function], ctx: FunctionCtx, raw: tuple[Any, ...], several: bool) -> None:
        self.function, self.ctx, self.name = cls, ctx, cls.__name__
        self.multiple, self.plain, self.materialize = several, not several, ctx._materialize
        self.frees = bool(ctx._to_save)
        self.tensors = tuple(isinstance(out, Tensor) for out in raw)
        self.plan: list[tuple[int, Callable[[Node], Node | None]] | None] = []

    def input_names(self, n: int) -> tuple[str, ...]:
        """What forward calls its arguments, for drawings."""
        code = getattr(self.function.forward, "__code__", None)
        names = code.co_varnames[: code.co_argcount] if code is not None else ()
        if self.function.setup_context is Function.setup_context:
            names = names[1:]  # ctx
        return (*names, *(f"argument {i}" for i in range(len(names), n)))[:n]

    def keep(self, args: tuple[Any, ...], raw: tuple[Any, ...], outputs: tuple[Any, ...], live: list[bool]) -> Any:
        """What the node saves: first a place for each argument, as other nodes have it, then what else was asked for.

        `plan` says for each saved tensor where it lies and how to find the node that it belongs to.  The call's own
        node is found when needed, for it must not refer to itself.
        """
        kept: list[Any] = [x if type(x) in (int, float) else None for x in args]
        for t in self.ctx._to_save:
            if t is None:
                self.plan.append(None)
            elif (i := _index(t, args)) is not None:
                kept[i] = t.array
                self.plan.append((i, functools.partial(_parent, i=i)))
            elif (i := _index(t, raw)) is not None and live[i]:
                array = outputs[i].array
                self.plan.append((len(kept), functools.partial(_output_node, i=i, array=array)))
                kept.append(array)
            else:
                self.plan.append((len(kept), functools.partial(_other, origin=t.node)))
                kept.append(t.array)
        return tuple(kept)

    @property  # made when asked for: kept, they would be a reference cycle
    def pulls(self) -> Iterator[Callable[..., Any]]:
        return self._pulls(recorded=False)

    @property
    def recorded_pulls(self) -> Iterator[Callable[..., Any]]:
        return self._pulls(recorded=True)

    def _pulls(self, recorded: bool) -> Iterator[Callable[..., Any]]:
        """One pull per argument, for the engine; the first that is called runs backward for all of them."""
        answers: list[Any] = []

        def pull(g: Any, node: Node, i: int) -> Any:
            if not answers:
                answers.extend(self.run(g, node, recorded))
            return answers[i]

        return (functools.partial(pull, i=i) for i in count())

    def unpack(self, node: Node) -> tuple[Tensor | None, ...]:
        """The saved tensors, on the tape where they came from."""
        return tuple(entry and wrap(node.saved[entry[0]], entry[1](node)) for entry in self.plan)

    def run(self, g: Any, node: Node, recorded: bool) -> tuple[Any, ...]:
        """Call backward once, and check what it returns against the arguments of forward."""
        parts = g if self.multiple else (g,)
        tensors = [_as_tensor(part) if is_tensor else None for part, is_tensor in zip(parts, self.tensors)]
        self.ctx._unpack, self.ctx._parents = functools.partial(self.unpack, node), node.parents
        try:
            answer = self.function.backward(self.ctx, *tensors)
        finally:
            self.ctx._unpack, self.ctx._parents = None, ()
        answers = answer if isinstance(answer, tuple) else (answer,)
        n = len(node.parents)
        if len(answers) < n or any(a is not None for a in answers[n:]):
            raise TapeError(
                f"{self.name}.backward returned {len(answers)} cotangents, but forward took {n} arguments: return one "
                "for each, None for those that are not tensors"
            )
        return tuple(self._checked(i, a, node.parents[i], recorded) for i, a in enumerate(answers[:n]))

    def _checked(self, i: int, c: Any, parent: Node | None, recorded: bool) -> Any:
        if c is None or parent is None:
            return None
        if not isinstance(c, Tensor):
            raise ArgumentError(
                f"{self.name}.backward: the cotangent of argument {i} must be a Tensor or None, got {type(c).__name__}"
            )
        if c.array.shape != parent.shape and not _broadcasts(parent.shape, c.array.shape):
            raise TapeError(
                f"{self.name}.backward: the cotangent of argument {i} has shape {tuple(c.shape)}, the argument itself "
                f"{tuple(parent.shape)}; they must be equal"
            )
        if c.array.dtype != parent.dtype:
            c = cast(c, parent.dtype)
        return c if recorded else c.array


def _as_tensor(part: Any) -> Any:
    return wrap(np.asanyarray(part)) if isinstance(part, np.ndarray | np.generic) else part


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether an argument of `shape` could have been repeated to the shape `to` of its cotangent."""
    return len(shape) <= len(to) and all(a in (1, b) for a, b in zip(shape[::-1], to[::-1]))


# ---------------------------------------------------------------------------------------------------------------------


class _OnceOnly(Function):
    """The identity, whose derivative is an error: `once_differentiable` puts it behind a backward pass."""

    @staticmethod
    def forward(ctx: Any, name: str, n: int, *tensors: Tensor) -> Any:
        ctx.name = name
        return tensors[:n]

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        raise TapeError(
            f"{ctx.name} is marked @once_differentiable, so it has no second derivative. Write its body in tensor "
            "operations and take the mark away, or do not differentiate through its gradient."
        )


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of a backward that is not in tensor operations: it is not recorded, and a second derivative raises.

    >>> import autograd
    >>> from autograd.function import Function, once_differentiable
    >>> class Double(Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return x * 2
    ...     @staticmethod
    ...     @once_differentiable
    ...     def backward(ctx, g):
    ...         return autograd.from_numpy(g.detach().numpy() * 2)
    >>> x = autograd.tensor([1.0, 2.0], requires_grad=True)
    >>> Double.apply(x).sum().backward(); x.grad
    tensor([2., 2.])
    """

    @functools.wraps(backward)
    def wrapper(ctx: FunctionCtx, *grad_outputs: Any) -> Any:
        with no_grad():
            answer = backward(ctx, *grad_outputs)
        if not is_grad_enabled():
            return answer
        answers = answer if isinstance(answer, tuple) else (answer,)
        results = [a for a in answers if a is not None]
        # The result depends on the cotangents and, as far as one can know, on every input of forward.
        inputs = [wrap(np.broadcast_to(0.0, p.shape), p) for p in ctx._parents if p is not None]
        sources = [t for t in grad_outputs if t is not None] + inputs
        guarded = iter(_OnceOnly.apply(backward.__qualname__, len(results), *results, *sources))
        return tuple(None if a is None else next(guarded) for a in answers)

    return wrapper
