"""Writes in place that keep the tape true.

A write gives a tensor new values, so it must also give it a new history.  If the tensor is a view, the write
changes its base too: the base becomes ``written(base, value)``, and every view of that base is made again from it.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any

import numpy as np

from .arguments import misused
from .errors import ArgumentError, DTypeError, ShapeError, TapeError
from .op import op
from .tape import LEAF, Node
from .tensor import Tensor, wrap
from .views import Steps, View, replay


def check_fits(tensor: Tensor, result: np.ndarray, by: str) -> None:
    """Raise unless `result` can be stored in `tensor`, each element in a place of its own."""
    array = tensor.array
    if result.shape != array.shape:
        raise ShapeError(
            f"{by}: the result has shape {result.shape}, which does not fit in place into {array.shape}; write out of "
            "place"
        )
    if not np.can_cast(result.dtype, array.dtype, "same_kind"):
        raise DTypeError(
            f"{by}: the result is {result.dtype}, which cannot be stored in {array.dtype}; convert first, or write out "
            "of place"
        )
    if 0 in array.strides and any(stride == 0 and size > 1 for stride, size in zip(array.strides, array.shape)):
        raise TapeError(f"{by}: this tensor was expanded, so some elements share one place in memory; clone() it first")
    if not array.flags.writeable:
        raise ArgumentError(f"{by}: this tensor shares the memory of a read-only NumPy array; clone() it first")


def into(out: Any, result: Any, name: str) -> Any:
    """`result` written into what the function `name` was given as ``out=``: a tensor, or one for each of several."""
    places, results = (out, result) if isinstance(result, tuple) else ((out,), (result,))
    fit = isinstance(places, tuple | list) and len(places) == len(results)
    if not fit or not all(isinstance(x, Tensor) for x in places):
        wanted = f"a tuple of {len(results)} Tensors" if isinstance(result, tuple) else "a Tensor"
        raise ArgumentError(f"{name}: out must be {wanted}, got {type(out).__name__}")
    for place, value in zip(places, results):
        place._write(value, f"{name}(out=...)")
    if not isinstance(result, tuple):
        return out
    return type(result)(*places) if hasattr(result, "_fields") else tuple(places)


def takes_out(function: Any) -> Any:
    """Decorator: a composite function that also takes ``out=``, as ops do; its method, decorated within, does not."""

    @functools.wraps(function)
    def call(*args: Any, out: Any = None, **kwargs: Any) -> Any:
        try:
            result = function(*args, **kwargs)
        except (AttributeError, TypeError) as error:
            raise misused(function, args, kwargs, error) from None
        return result if out is None else into(out, result, function.__name__)

    signature = inspect.signature(function)
    parameters = [p for p in signature.parameters.values() if p.kind != p.VAR_KEYWORD]
    extra = inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None, annotation="Tensor | None")
    call.as_method = function  # type: ignore[attr-defined]
    call.__signature__ = signature.replace(parameters=[*parameters, extra])  # type: ignore[attr-defined]
    return call


@op(method=False, linear=True)
def written(input: Any, value: Any, /, steps: Steps) -> Any:
    """`input` with the part that the view `steps` look at replaced by `value`."""
    out = input.copy()
    replay(steps, out)[...] = value
    return out


written.derivative(
    input=lambda g, steps: written(g, np.zeros(replay(steps, g).shape, g.dtype), steps),
    value=lambda g, steps: replay(steps, g),
)
written.samples(lambda draw, case: [case(draw(3, 2), draw(2), _second_row()), case(draw(3), draw(), _second_row())])


def _second_row() -> Steps:
    from .ops.index import part_of

    return ((part_of.op, ((1,),)),)


def rebase(tensor: Tensor, result: Tensor, by: str) -> None:
    """Give `tensor`, its base and the base's views the history in which `tensor` has `result`'s values."""
    family = tensor.family
    base = family.base if isinstance(family, View) else tensor
    if tensor.node is None and result.node is None and base.node is None:
        return
    if base.node is not None and base.node.op is LEAF:
        what = "a leaf that requires grad" if base is tensor else "a view of a leaf that requires grad"
        raise TapeError(
            f"{by}: {what} cannot be written in place while recording, for its gradient would be lost. Update it "
            "inside `with autograd.no_grad():`, or write out of place."
        )
    if base is tensor:
        _renew(tensor, result.node)
    else:
        assert isinstance(family, View)
        _renew(base, written(wrap(base.array, base.node), result, family.steps).node)
    views = base.family
    if isinstance(views, View) or views is None:
        return
    for view in [reference() for reference in tuple(views)]:
        if view is None:
            continue
        assert isinstance(view.family, View)
        _renew(view, replay(view.family.steps, wrap(base.array, base.node)).node)


def _renew(tensor: Tensor, node: Node | None) -> None:
    """A new history for `tensor`.  Hooks stay with the value they were put on; `retain_grad` goes with the tensor."""
    hooks = tensor.node.hooks if tensor.node is not None else None
    retaining = [hook for hook in hooks or () if hasattr(hook, "retains")]
    tensor.node = node
    if retaining and hooks is not None and node is not None:
        hooks[:] = [hook for hook in hooks if hook not in retaining]
        node.hooks = [*(node.hooks or ()), *retaining]
