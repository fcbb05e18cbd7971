"""From the declaration of an op to what users call: the function, the method, the operators, the in-place forms."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from . import hot
from .arguments import sort_arguments
from .formula import Formula
from .op import Op
from .tensor import Tensor, attach, attach_numpy
from .twin import with_kernel
from .where import machinery

machinery(__name__)


class Declared(Protocol):
    """A function, with ``.op`` and the means to add formulas, samples, and a kernel."""

    op: Op
    derivative: Callable[..., None]
    samples: Callable[..., None]
    errors: Callable[..., None]
    kernel: Callable[..., Callable[..., Any]]
    __name__: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...


def op(*, name: str | None = None, symbol: str | None = None, method: bool | str = True, dunder: str | None = None,
       inplace: bool = False, numpy: Any = None, differentiable: bool = True, view: bool = False,
       multiple: bool = False, linear: bool = False) -> Callable[[Callable[..., Any]], Declared]:  # fmt: skip
    """Declare an operation of the general form.

    `name`: what drawings and messages call it, unless the body's name says so; `method`: also a Tensor method (under
    another name if a string); `dunder`: also an operator, without underscores; `numpy`: NumPy functions that mean this
    op when called on Tensors; `view`: the output shares the first input's memory when NumPy's does; `multiple`: the
    body returns a tuple; `linear`: linear in each differentiable input.
    """

    def declare(body: Callable[..., Any]) -> Declared:
        made = Op(body, name=name, symbol=symbol, differentiable=differentiable, view=view, multiple=multiple,
                  linear=linear)  # fmt: skip
        return _declare(made, method, dunder, inplace, numpy)

    return declare


def elementwise(*, symbol: str | None = None, method: bool | str = True, dunder: str | None = None,
                inplace: bool = True, numpy: Any = None, differentiable: bool = True, floats: bool = False,
                pure: bool = False, domain: tuple[float, float] = (-2.0, 2.0),
                ) -> Callable[[Callable[..., Any]], Declared]:  # fmt: skip
    """Declare an operation on each element: broadcast, promoted, its formula diagonal in ``g``.

    `floats`: integers are promoted to the default float type first; `pure`: the body is the function `numpy` and
    nothing else, so that calls on small tensors go there directly; `domain`: where the tests draw their inputs.
    """

    def declare(body: Callable[..., Any]) -> Declared:
        made = Op(body, symbol=symbol, differentiable=differentiable, elementwise=True, floats=floats, domain=domain)
        made.small = numpy if pure else body
        return _declare(made, method, dunder, inplace, numpy)

    return declare


def _declare(op: Op, method: bool | str, dunder: str | None, inplace: bool, numpy: Any) -> Any:
    """Build the public function and attach it where it belongs; again when the formulas are known."""
    if op.body.__module__.startswith("autograd."):
        machinery(op.body.__module__)
    two = len(op.inputs) == 2 and not (op.parameters or op.variadic or op.multiple or op.view)
    call = _of_two(op) if two else _of_any(op)

    def settle() -> None:
        if two:
            call.hot = hot.binary(op, call.general)
        name = method if isinstance(method, str) else op.name
        if method:
            attach(name, call, op.body, inplace=inplace)
        if dunder:
            attach(f"__{dunder}__", call.hot if two else call, op.body)
            if two and dunder not in ("eq", "ne", "lt", "le", "gt", "ge"):
                attach(f"__r{dunder}__", reflected, op.body)
                if method and inplace:
                    attach(f"__i{dunder}__", getattr(Tensor, f"{name}_"), op.body)
        for function in numpy if isinstance(numpy, tuple) else (numpy,) if numpy else ():
            attach_numpy(function, call)

    def reflected(self: Tensor, other: Any) -> Any:
        return (call.hot if other.__class__ in (float, int) else call.general)(other, self)

    def derivative(together: Formula | None = None, /, **formulas: Formula | None) -> None:
        op.derivative(together, **formulas)
        settle()

    def kernel(fast: Callable[..., Any], *, opaque: bool = True) -> Callable[..., Any]:
        op.run = with_kernel(op.body, fast, opaque)
        settle()
        return fast

    call.op, call.derivative, call.kernel, op.function = op, derivative, kernel, call
    call.samples, call.errors = op.samples.append, op.error_samples.append
    settle()
    return call


def _general(op: Op) -> Callable[..., Any]:
    """Any call of `op`, with what is wrong with it explained."""

    def general(*args: Any, out: Tensor | None = None, **kwargs: Any) -> Any:
        result = op.apply(*sort_arguments(op, args, kwargs))
        if out is None:
            return result
        from .inplace import into

        return into(out, result, op.name)

    return general


def _of_any(op: Op) -> Any:
    """The function that users see, with the body's name, help and signature."""
    general = _general(op)
    if len(op.inputs) == 1 and not (op.variadic or op.multiple):
        return functools.update_wrapper(hot.unary(op, general), op.body)

    inputs, tails = len(op.inputs), {} if op.variadic else op.tails

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs or (tail := tails.get(len(args))) is None:
            return general(*args, **kwargs)
        if args and type(args[0]) is np.ndarray:
            return hot.on_arrays(op, args, kwargs, general)
        given = args + tail  # inputs may be among the defaults, too
        return op.apply(given[:inputs], given[inputs:])

    return functools.update_wrapper(call, op.body)


def _of_two(op: Op) -> Any:
    """The same for f(x, y), around the hot form, which operators call without going through here."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) != 2 or not isinstance(args[0], Tensor):
            return hot.on_arrays(op, args, kwargs, public.general)
        return public.hot(*args)

    public: Any = functools.update_wrapper(call, op.body)
    public.general = _general(op)
    return public
