"""Elements picked along one dimension by index, and put back: each the transpose of the other.

Every op that selects (max along a dimension, sort, topk, median, cummax, ...) has this derivative: the cotangent of
what was picked goes back to where it came from.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..op import op
from .dims import axis_of, kept


class Selected(NamedTuple):
    """What an op that selects returns: ``values``, and ``indices`` that say where along the dimension they stood."""

    values: Any
    indices: Any


@op(symbol="take", method=False, linear=True)
def take_along(input: Any, indices: Any, /, dim: int) -> Any:
    """y[..., k, ...] = input[..., indices[..., k, ...], ...] along `dim`."""
    return np.take_along_axis(input, indices, axis_of(dim, input.ndim)) if input.ndim else input[...].copy()


@op(symbol="put", method=False, linear=True)
def put_along(input: Any, indices: Any, /, dim: int, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape`, with each element of `input` added at its index along `dim`."""
    if not shape:
        return input.reshape(()).copy()
    out, axis = np.zeros(shape, input.dtype), axis_of(dim, len(shape))
    strides = np.cumprod((1, *shape[:0:-1]))[::-1]  # of `out`, in elements: one flat index is what NumPy adds at fast
    flat = indices * strides[axis]
    for i, n in enumerate(indices.shape):
        if i != axis:
            flat = flat + (np.arange(n) * strides[i]).reshape((-1,) + (1,) * (len(shape) - i - 1))
    np.add.at(out.reshape(-1), flat.reshape(-1), input.reshape(-1))
    return out


take_along.derivative(
    input=lambda g, indices, dim, input_shape: put_along(g, indices, dim, input_shape),
    indices=None,
)
put_along.derivative(input=lambda g, indices, dim: take_along(g, indices, dim), indices=None)

_PICKS = np.array([[2, 0], [1, 1]])
take_along.samples(lambda draw, case: [case(draw(2, 3), _PICKS, dim=1), case(draw(3, 2), _PICKS, 0)])
put_along.samples(lambda draw, case: [case(draw(2, 2), _PICKS, 1, (2, 3)), case(draw(2, 2), _PICKS, 0, (3, 2))])


def put_back(g: Any, out: Any, shape: tuple[int, ...], dim: int, keepdim: bool = True) -> Any:
    """The formula of an op that selects: its cotangents `g` and outputs `out` are (values, indices)."""
    return put_along(kept(g[0], shape, dim, keepdim), kept(out[1], shape, dim, keepdim), dim, shape)


def select(input: Any, indices: Any, axis: int, keepdim: bool) -> Selected:
    """The body of an op that selects one element along `axis`; `indices` keep that axis."""
    values = np.take_along_axis(input, indices, axis)
    return Selected(values, indices) if keepdim else Selected(values.squeeze(axis), indices.squeeze(axis))
