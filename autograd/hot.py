"""``Op.apply`` unrolled for the commonest calls: f(x, ...) of one tensor, and f(x, y) of two without parameters.

A graph of small tensors is all overhead, so these two closures do by hand what `Op.apply` and `Op.record` say in
general, with every decision that the declaration allows taken beforehand.  Whatever is not the plain case, and whatever
fails, goes to `general`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from . import quiet as bodies
from .arguments import EXPLAINED, MISSING, sort_arguments
from .dtypes import float32, float64, is_differentiable
from .recording import recording
from .tape import SMALL, Node
from .tensor import Tensor
from .views import track_view
from .where import machinery, machines
from .writes import next_stamp

if TYPE_CHECKING:
    from .op import Op

machinery(__name__)
frame_at = sys._getframe
FEW, SOME = 4096, 128  # elements for which no kernel pays: of an elementwise op, and of others


def on_arrays(op: Op, args: tuple[Any, ...], kwargs: dict[str, Any], general: Callable[..., Any]) -> Any:
    """What formulas ask of an op in a backward pass; arrays of several types are for `general` to promote."""
    if kwargs or op.elementwise or (tail := op.tails.get(len(args))) is None:
        return general(*args, **kwargs)
    run = op.small
    for x in args[: len(op.inputs)]:
        if x.__class__ is not np.ndarray:
            return general(*args, **kwargs)
        if x.size > SOME:
            run = op.run
    try:
        return bodies.quiet().run(run, *args, *tail)
    except EXPLAINED:
        return general(*args)


def unary(op: Op, general: Callable[..., Any]) -> Callable[..., Any]:
    """``f(x, *parameters)`` of one tensor: what users call."""
    floats, records, few = op.floats, op.differentiable, FEW if op.elementwise else SOME
    tails = {n - 1: tail for n, tail in op.tails.items() if n}  # number of parameters given -> the defaults of the rest
    new_tensor, new_node = Tensor.__new__, Node.__new__

    def call(input: Any = MISSING, /, *given: Any, **named: Any) -> Any:
        if not isinstance(input, Tensor) or (named and "out" in named):
            return on_arrays(op, () if input is MISSING else (input, *given), named, general)
        tail = tails.get(len(given))
        if named or tail is None:
            (_, given), tail = sort_arguments(op, (input, *given), named), ()
        x, parent, params = input.array, input.node, given + tail
        if floats and (dtype := x.dtype) is not float32 and dtype is not float64:
            return general(input, *given)
        try:
            y = bodies.quiet().run(op.run if x.size > few else op.small, x, *params)
        except EXPLAINED:
            return general(input, *given)  # which says what is wrong
        shape = y.shape
        if not shape:
            y = np.asanyarray(y)  # NumPy turns 0-d results into scalars
        t = new_tensor(Tensor)
        t.array, t.grad, t.family = y, None, None
        if op.view:
            track_view(t, input, op, params)
        if parent is None or not records or (scope := recording.scope) is None or not is_differentiable(y.dtype):
            t.node = None
            return t
        t.node = node = new_node(Node)
        asked = op.asked
        node.op, node.parents, node.params, node.stamp = op, (parent,), params, next_stamp()
        node.saved = (x if op.inputs[0] in asked else None, y if "out" in asked else None)
        node.shape, node.dtype, node.value = shape, y.dtype, y if y.size <= SMALL else None
        node.scope, node.hooks = scope, None
        frame: Any = frame_at(1)
        while id(frame.f_globals) in machines:
            frame = frame.f_back
        node.where = (frame.f_code, frame.f_lasti)
        return t

    return call


def binary(op: Op, general: Callable[..., Any]) -> Callable[[Any, Any], Tensor]:
    """``f(x, y)`` of two tensors of one dtype, or, elementwise, of a float tensor and a number."""
    small, large, few = op.small, op.run, FEW if op.elementwise else SOME
    numbers, any_type, records, saves = op.elementwise, not op.floats, op.differentiable, bool(op.asked)
    (x_for_x, x_for_y), (y_for_x, y_for_y) = [[i in op.asked.get(name, ()) for i in (0, 1)] for name in op.inputs]
    keep_out = "out" in op.asked
    new_tensor, new_node = Tensor.__new__, Node.__new__

    def call(input: Any, other: Any) -> Tensor:
        x: Any
        y: Any
        if input.__class__ is float or input.__class__ is int:  # on the left of an operator
            if not numbers or not isinstance(other, Tensor):
                return general(input, other)
            x, first, y, second = input, None, other.array, other.node
            dtype, size = y.dtype, y.size
            if dtype is not float32 and dtype is not float64:
                return general(input, other)
        else:
            x, first = input.array, input.node
            dtype, size = x.dtype, x.size
            if isinstance(other, Tensor):
                y, second = other.array, other.node
                if y.dtype is not dtype or not (any_type or dtype is float32 or dtype is float64):
                    return general(input, other)
            elif numbers and other.__class__ in (float, int) and (dtype is float32 or dtype is float64):
                y, second = other, None
            else:
                return general(input, other)
        try:
            z = bodies.quiet().run(large if size > few else small, x, y)
        except EXPLAINED:
            return general(input, other)  # which says what is wrong
        shape = z.shape
        if not shape:
            z = np.asanyarray(z)
        t = new_tensor(Tensor)
        t.array, t.grad, t.family = z, None, None
        if (first is None and second is None) or not records or (scope := recording.scope) is None:
            t.node = None
            return t
        t.node = node = new_node(Node)
        node.op, node.parents, node.params, node.stamp = op, (first, second), (), next_stamp()
        node.saved = (
            x if (x_for_y and second) or (x_for_x and first) or input is x else None,  # numbers, for the drawings
            y if (y_for_x and first) or (y_for_y and second) or other is y else None,
            z if keep_out else None,
        )
        node.shape, node.dtype, node.value = shape, dtype, z if z.size <= SMALL else None
        node.scope, node.hooks = scope, None
        if saves:  # only saved values can be overwritten, which is when the line matters
            frame: Any = frame_at(1)
            while id(frame.f_globals) in machines:
                frame = frame.f_back
            node.where = (frame.f_code, frame.f_lasti)
        else:
            node.where = None
        return t

    return call
