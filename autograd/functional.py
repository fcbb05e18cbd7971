"""Derivatives of functions of tensors: PyTorch's ``torch.autograd.functional``.

For f with Jacobian J these give vᵀJ (`vjp`), Jv (`jvp`) and J itself (`jacobian`); for a function with one number as
its result and Hessian H, vᵀH (`vhp`), Hv (`hvp`) and H (`hessian`).  Inputs are a tensor or a tuple of tensors, and so
are results.  Jv comes from reverse mode alone (`autograd/forward.py`), so all of this holds for every operation.

With ``create_graph=True`` results can be differentiated further; otherwise they are off the tape.  What an output does
not depend on has derivative zero; with ``strict=True`` that is a TapeError.  Anything but tensors is an ArgumentError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .errors import ArgumentError, ShapeError, TapeError
from .forward import Push, pull
from .ops.join import stack
from .recording import enable_grad
from .tensor import Tensor, wrap
from .where import machinery

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

machinery(__name__)
Function = Callable[..., Any]
UNUSED, LINEAR = "no output depends on input {i}", "the gradient does not depend on input {i}"


@enable_grad()
def vjp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> tuple[Any, Any]:  # fmt: skip
    """The value of `func` and vᵀJ: the derivative of ⟨v, func(inputs)⟩, with the shapes of `inputs`.

    `v` has the shapes of the outputs, or it is a ShapeError; it may be left out if that is a single number.

    >>> import autograd
    >>> from autograd.functional import vjp
    >>> x = autograd.tensor([1.0, 2.0])
    >>> vjp(lambda x: x * x, x, v=autograd.tensor([1.0, 10.0]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    call = _Call("vjp", func, inputs, create_graph, strict)
    v = call.vector(v, call.outputs, "the outputs of func have")
    products = call.filled(pull(call.outputs, call.inputs, v, create_graph), call.inputs, UNUSED)
    return call.value(), call.result(products, call.single_input)


@enable_grad()
def jvp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> tuple[Any, Any]:  # fmt: skip
    """The value of `func` and Jv: its derivative in the direction `v`, with the shapes of the outputs.

    `v` has the shapes of `inputs`, or it is a ShapeError; it may be left out if that is a single number.

    >>> import autograd
    >>> from autograd.functional import jvp
    >>> x = autograd.tensor([1.0, 2.0])
    >>> jvp(lambda x: x * x, x, v=autograd.tensor([1.0, 10.0]))
    (tensor([1., 4.]), tensor([ 2., 40.]))

    Source: Townsend, A new trick for calculating Jacobian vector products (2017); `autograd/forward.py`.
    """
    call = _Call("jvp", func, inputs, create_graph, strict)
    v = call.vector(v, call.inputs, "the inputs have")
    return call.value(), call.result(call.push(call.outputs, v), call.single_output)


@enable_grad()
def jacobian(func: Function, inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
             strategy: str = "reverse-mode") -> Any:  # fmt: skip
    """J = ∂ func / ∂ inputs, of shape (*output, *input) for each pair; tuples are nested outputs first.

    It is made row by row in reverse mode, or, with ``strategy="forward-mode"``, column by column, which is less work
    where there are fewer inputs than outputs.  `vectorize` changes nothing here.

    Raises ArgumentError for another `strategy`, and for "forward-mode" with `strict`, which cannot tell.

    >>> import autograd
    >>> from autograd.functional import jacobian
    >>> jacobian(lambda x: x * x.sum(), autograd.tensor([1.0, 2.0]))
    tensor([[4., 1.],
            [2., 5.]])
    """
    blocks_of = columns if _is_forward("strategy", strategy, strict) else rows
    call = _Call("jacobian", func, inputs, create_graph, strict)
    found = []
    for i, (y, row) in enumerate(zip(call.outputs, blocks_of(call.outputs, call.inputs, create_graph))):
        blocks = call.filled(row, [block_like(y, x) for x in call.inputs], f"output {i} does not depend on input {{i}}")
        found.append(call.result(blocks, call.single_input))
    return found[0] if call.single_output else tuple(found)


def hessian(func: Function, inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
            outer_jacobian_strategy: str = "reverse-mode") -> Any:  # fmt: skip
    """H = ∂² func / ∂ inputs², of shape (*input i, *input j) for each pair.

    Raises ShapeError unless `func` returns a single number.

    >>> import autograd
    >>> from autograd.functional import hessian
    >>> hessian(lambda x: (x * x * x).sum(), autograd.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    _is_forward("outer_jacobian_strategy", outer_jacobian_strategy, strict)

    def gradient(*x: Tensor) -> Any:
        inner = _Call("hessian", func, x if isinstance(inputs, tuple) else x[0], True, strict)
        return inner.result(inner.gradient(), inner.single_input)

    return jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)


@enable_grad()
def vhp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> tuple[Any, Any]:  # fmt: skip
    """The value of `func`, a single number, and vᵀH, with the shapes of `inputs`: two backward passes.

    `v` has the shapes of `inputs`, or it is a ShapeError; it may be left out if that is a single number.

    >>> import autograd
    >>> from autograd.functional import vhp
    >>> vhp(lambda x: (x * x * x).sum(), autograd.tensor([1.0, 2.0]), v=autograd.tensor([1.0, 1.0]))
    (tensor(9.), tensor([ 6., 12.]))
    """
    call = _Call("vhp", func, inputs, create_graph, strict)
    v = call.vector(v, call.inputs, "the inputs have")
    products = pull(call.gradient(), call.inputs, v, create_graph)
    return call.value(), call.result(call.filled(products, call.inputs, LINEAR), call.single_input)


@enable_grad()
def hvp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> tuple[Any, Any]:  # fmt: skip
    """The value of `func`, a single number, and Hv, with the shapes of `inputs`: forward mode over reverse mode.

    H being symmetric, `vhp` gives the same for less work; `v` is as there.

    >>> import autograd
    >>> from autograd.functional import hvp
    >>> hvp(lambda x: (x * x * x).sum(), autograd.tensor([1.0, 2.0]), v=autograd.tensor([1.0, 1.0]))
    (tensor(9.), tensor([ 6., 12.]))

    Source: Pearlmutter, Fast exact multiplication by the Hessian (1994).
    """
    call = _Call("hvp", func, inputs, create_graph, strict)
    v = call.vector(v, call.inputs, "the inputs have")
    return call.value(), call.result(call.push(call.gradient(), v), call.single_input)


# ---------------------------------------------------------------------------------------------------------------------


def rows(outputs: Sequence[Tensor], inputs: Sequence[Tensor], create_graph: bool = False) -> list[list[Tensor | None]]:
    """The blocks of J, one backward pass for each row; None where an output does not depend on an input."""
    blocks: list[list[Tensor | None]] = []
    for y in outputs:
        found = [pull([y], inputs, [unit], create_graph) for unit in _units(y)] or [[None] * len(inputs)]
        blocks.append([
            None if found[0][j] is None else stack([row[j] for row in found]).reshape(*y.shape, *x.shape)  # type: ignore[misc]
            for j, x in enumerate(inputs)
        ])  # fmt: skip
    return blocks


def columns(
    outputs: Sequence[Tensor], inputs: Sequence[Tensor], create_graph: bool = False
) -> list[list[Tensor | None]]:
    """The same, one product in forward mode for each column."""
    push = Push(outputs, inputs)
    zeros = [wrap(np.zeros_like(x.array)) for x in inputs]
    blocks: list[list[Tensor | None]] = [[] for _ in outputs]
    for j, x in enumerate(inputs):
        found = [push([*zeros[:j], unit, *zeros[j + 1 :]], create_graph) for unit in _units(x)]
        for i, y in enumerate(outputs):
            column = [products[i] for products in found if products[i] is not None]
            blocks[i].append(stack(column, -1).reshape(*y.shape, *x.shape) if column else None)  # type: ignore[arg-type]
    return blocks


def block_like(y: Tensor, x: Tensor) -> Tensor:
    """Zeros in the shape of a block of J, in no memory."""
    return wrap(np.broadcast_to(np.zeros((), x.dtype), (*y.shape, *x.shape)))


def _units(x: Tensor) -> Iterator[Tensor]:
    """The tensors like `x` with a single one among zeros."""
    for k in range(x.array.size):
        unit = np.zeros(x.array.shape, x.dtype)
        unit.reshape(-1)[k] = 1
        yield wrap(unit)


# ---------------------------------------------------------------------------------------------------------------------


class _Call:
    """One call of a user's function on variables of its own, and what the derivatives of it have in common."""

    def __init__(self, name: str, func: Function, inputs: Any, create_graph: bool, strict: bool) -> None:
        self.name, self.create_graph, self.strict = name, create_graph, strict
        self.single_input = not isinstance(inputs, tuple)
        given = self.tensors(inputs, "inputs: expected")
        self.inputs = tuple(self.variable(x) for x in given)
        result = func(*self.inputs)
        self.single_output = not isinstance(result, tuple)
        self.outputs = self.tensors(result, "func must return")
        self.check_live(self.outputs, "output {i} does not require grad: it was not computed from the inputs")

    def tensors(self, x: Any, expected: str) -> tuple[Tensor, ...]:
        every = x if isinstance(x, tuple) else (x,)
        for t in every:
            if not isinstance(t, Tensor):
                inside = " with one" if isinstance(x, tuple) else ""
                raise ArgumentError(
                    f"{self.name}: {expected} a Tensor or a tuple of Tensors, got {type(x).__name__}{inside}"
                    f"{f' {type(t).__name__}' if inside else ''}"
                )
        return every

    def variable(self, x: Tensor) -> Tensor:
        """What `func` is called with: `x` as a leaf of its own, or still on the caller's tape if that is wanted."""
        return x.view_as(x) if self.create_graph and x.requires_grad else x.detach().requires_grad_()

    def vector(self, v: Any, like: Sequence[Tensor], what: str) -> tuple[Tensor, ...]:
        """The checked `v`, which multiplies something of the shapes of `like`."""
        if v is None:
            if len(like) == 1 and like[0].array.size == 1:
                return (wrap(np.ones_like(like[0].array)),)
            raise ArgumentError(f"{self.name}: v may be left out only for a single element, and {what} {_shapes(like)}")
        found = self.tensors(v, "v: expected")
        if [t.shape for t in found] != [t.shape for t in like]:
            raise ShapeError(f"{self.name}: v has {_shapes(found)}, which must be what {what} {_shapes(like)}")
        return found

    def gradient(self) -> tuple[Tensor, ...]:
        """That of a function with one number as its result, recorded."""
        if not self.single_output:
            raise ArgumentError(f"{self.name}: func must return a single Tensor, got a tuple")
        if self.outputs[0].array.size != 1:
            raise ShapeError(f"{self.name}: func must return a single element, got {_shapes(self.outputs)}; sum() it?")
        ones = [wrap(np.ones_like(self.outputs[0].array))]
        found = self.filled(pull(self.outputs, self.inputs, ones, True), self.inputs, UNUSED)
        self.check_live(found, "the gradient with respect to input {i} is constant")
        return found

    def push(self, outputs: Sequence[Tensor], v: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Jv for each of `outputs`."""
        push = Push(outputs, self.inputs)
        self.filled(push.pulled, self.inputs, UNUSED)
        return self.filled(push(v, self.create_graph), outputs, "output {i} depends on no input")

    def filled(self, found: Sequence[Tensor | None], like: Sequence[Tensor], message: str) -> tuple[Tensor, ...]:
        """Zeros for what is missing; an error if `strict`."""
        for i, t in enumerate(found):
            if t is None:
                self.refuse(message, i)
        return tuple(wrap(np.zeros(x.shape, x.dtype)) if t is None else t for t, x in zip(found, like))

    def check_live(self, tensors: Sequence[Tensor], message: str) -> None:
        for i, t in enumerate(tensors):
            if t.node is None:
                self.refuse(message, i)

    def refuse(self, message: str, i: int) -> None:
        """Raise, if `strict`."""
        if self.strict:
            raise TapeError(
                f"{self.name}: {message.format(i=i)}. strict=True allows no such thing; strict=False gives 0"
            )

    def value(self) -> Any:
        """What `func` returned, off the tape unless `create_graph`."""
        found = self.outputs if self.create_graph else tuple([t.detach() for t in self.outputs])
        return found[0] if self.single_output else found

    def result(self, tensors: Sequence[Tensor], single: bool) -> Any:
        """Derivatives, in the user's form."""
        if self.create_graph:
            self.check_live(tensors, "derivative {i} is constant, and cannot be differentiated further")
        return tensors[0] if single else tuple(tensors)


def _shapes(tensors: Sequence[Tensor]) -> str:
    return f"shape{'s' * (len(tensors) != 1)} {', '.join(str(list(t.shape)) for t in tensors)}"


def _is_forward(argument: str, strategy: str, strict: bool) -> bool:
    if strategy not in ("forward-mode", "reverse-mode"):
        raise ArgumentError(f"{argument}: expected 'forward-mode' or 'reverse-mode', got {strategy!r}")
    if strict and strategy == "forward-mode":
        raise ArgumentError(f"strict=True: only {argument}='reverse-mode' can tell what an output does not depend on")
    return strategy == "forward-mode"
