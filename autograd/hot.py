"""``Op.apply`` unrolled for the two commonest calls: f(x) and f(x, y), elementwise, without parameters.

A graph of small tensors is all overhead, so these two closures do by hand what `Op.apply` and `Op.record` say in
general, with every decision that the declaration allows taken beforehand.  Whatever is not the plain case goes to
`general`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from . import quiet as bodies
from .dtypes import float32, float64
from .recording import recording
from .tape import SMALL, Node
from .tensor import Tensor
from .writes import next_stamp

if TYPE_CHECKING:
    from .op import Op

frame_at = sys._getframe
FEW = 4096  # elements for which no kernel pays


def unary(op: Op, general: Callable[..., Any]) -> Callable[[Tensor], Tensor]:
    """``f(x)`` of a tensor."""
    small, large, kernel = op.small, op.run, op.run is not op.body
    any_type, records, saves = not op.floats, op.differentiable, bool(op.asked)
    keep_in, keep_out = op.inputs[0] in op.asked, "out" in op.asked
    new_tensor, new_node = Tensor.__new__, Node.__new__

    def call(input: Tensor) -> Tensor:
        x, parent = input.array, input.node
        dtype = x.dtype
        if dtype is not float32 and dtype is not float64 and not any_type:
            return general(input)
        try:
            y = bodies.quiet().run(large if kernel and x.size > FEW else small, x)
        except (ValueError, TypeError):
            return general(input)  # which says what is wrong
        shape = y.shape
        if not shape:
            y = np.asanyarray(y)  # NumPy turns 0-d results into scalars
        t = new_tensor(Tensor)
        t.array, t.grad, t.family = y, None, None
        if parent is None or not records or (scope := recording.scope) is None:
            t.node = None
            return t
        t.node = node = new_node(Node)
        node.op, node.parents, node.params, node.stamp = op, (parent,), (), next_stamp()
        node.saved = (x if keep_in else None, y if keep_out else None)
        node.shape, node.dtype, node.value = shape, y.dtype, y if y.size <= SMALL else None
        node.scope, node.hooks = scope, None
        if saves:  # only saved values can be overwritten, which is when the line matters
            frame = frame_at(1)
            node.where = (frame.f_code, frame.f_lasti)
        else:
            node.where = None
        return t

    return call


def binary(op: Op, general: Callable[..., Any]) -> Callable[[Tensor, Any], Tensor]:
    """``f(x, y)`` of two tensors of one dtype, or of a float tensor and a Python number."""
    small, large, kernel = op.small, op.run, op.run is not op.body
    any_type, records, saves = not op.floats, op.differentiable, bool(op.asked)
    (x_for_x, x_for_y), (y_for_x, y_for_y) = [[i in op.asked.get(name, ()) for i in (0, 1)] for name in op.inputs]
    keep_out = "out" in op.asked
    new_tensor, new_node = Tensor.__new__, Node.__new__

    def call(input: Tensor, other: Any) -> Tensor:
        y: Any
        x, first = input.array, input.node
        dtype = x.dtype
        if isinstance(other, Tensor):
            y, second = other.array, other.node
            if y.dtype is not dtype or not (any_type or dtype is float32 or dtype is float64):
                return general(input, other)
        elif (other.__class__ is float or other.__class__ is int) and (dtype is float32 or dtype is float64):
            y, second = other, None
        else:
            return general(input, other)
        try:
            z = bodies.quiet().run(large if kernel and x.size > FEW else small, x, y)
        except (ValueError, TypeError):
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
            x if (x_for_y and second) or (x_for_x and first) else None,
            y if (y_for_x and first) or (y_for_y and second) or other is y else None,  # a number, for the drawings
            z if keep_out else None,
        )
        node.shape, node.dtype, node.value = shape, dtype, z if z.size <= SMALL else None
        node.scope, node.hooks = scope, None
        if saves:  # only saved values can be overwritten, which is when the line matters
            frame = frame_at(1)
            node.where = (frame.f_code, frame.f_lasti)
        else:
            node.where = None
        return t

    return call
