"""Margins around the last dimensions: a constant, a mirror image, the nearest element, or the other end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..op import op
from ..tensor import Tensor, wrap

__all__ = ["pad"]

Margins = tuple[tuple[int, int], ...]  # (before, after) for each of the last dimensions


def _inside(shape: tuple[int, ...], margins: Margins) -> tuple[Any, ...]:
    return (..., *(slice(a, a + n) for (a, _), n in zip(margins, shape[len(shape) - len(margins) :])))


@op(name="pad", symbol="pad", method=False, linear=False)
def framed(input: Any, /, margins: Margins, value: float) -> Any:
    """`input` in a frame of `value`."""
    lead = input.ndim - len(margins)
    shape = input.shape[:lead] + tuple(n + a + b for n, (a, b) in zip(input.shape[lead:], margins))
    out = np.full(shape, value, input.dtype)
    out[_inside(input.shape, margins)] = input
    return out


framed.derivative(input=lambda g, input_shape, margins: g[_inside(tuple(input_shape), margins)])
framed.samples(lambda draw, case: [case(draw(2, 3), ((1, 2),), 0.5), case(draw(2, 2), ((0, 1), (1, 0)), 0.0)])


def _sources(mode: str, n: int, before: int, after: int) -> np.ndarray:
    """Which element stands at each place of the padded dimension."""
    at = np.arange(-before, n + after)
    if mode == "circular":  # goes round what negative margins leave
        first, last = max(0, -before), n - max(0, -after)
        return first + (at - first) % (last - first)
    if mode == "replicate":
        return at.clip(0, n - 1)
    return np.abs(at - 2 * np.maximum(at - (n - 1), 0))  # reflect about the first and the last element


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """`input` with margins: (left, right) of the last dimension, then of the one before, and so on; negative ones crop.

    `mode`: ``"constant"`` (with `value`), ``"reflect"``, ``"replicate"`` or ``"circular"``.

    >>> import autograd, nn.functional as F
    >>> F.pad(autograd.tensor([1.0, 2.0]), (1, 1))
    tensor([0., 1., 2., 0.])
    """
    if len(pad) % 2 or len(pad) // 2 > input.array.ndim:
        raise ArgumentError(
            f"pad: expected pairs of margins for at most {input.array.ndim} dimensions, got {tuple(pad)}"
        )
    if mode not in ("constant", "reflect", "replicate", "circular"):
        raise ArgumentError(f"pad: mode must be 'constant', 'reflect', 'replicate' or 'circular', got {mode!r}")
    margins = tuple((int(pad[i]), int(pad[i + 1])) for i in reversed(range(0, len(pad), 2)))
    lead = input.array.ndim - len(margins)
    sizes = input.array.shape[lead:]
    if any(n + a + b < 0 or (mode != "constant" and n + a + b < 1) for n, (a, b) in zip(sizes, margins)):
        raise ShapeError(f"pad: pad={tuple(pad)} takes more than there is of input {list(input.shape)}")
    if mode == "constant":
        crop = tuple(slice(max(0, -a), n - max(0, -b)) for n, (a, b) in zip(sizes, margins))
        x = input[(..., *crop)] if any(a < 0 or b < 0 for a, b in margins) else input
        frame = tuple((max(a, 0), max(b, 0)) for a, b in margins)
        return framed(x, frame, 0.0 if value is None else value) if any(map(any, frame)) else x.clone()
    if value not in (None, 0):
        raise ArgumentError(f"pad: value={value} has no meaning with mode={mode!r}")
    if len(margins) not in (1, 2, 3) or input.array.ndim not in (len(margins) + 1, len(margins) + 2):
        raise ShapeError(f"pad: mode={mode!r} pads the last 1, 2 or 3 dimensions of (N, C, ...) or (C, ...), got input "
                         f"{list(input.shape)} and pad={tuple(pad)}")  # fmt: skip
    if 0 in input.array.shape[input.array.ndim - len(margins) - 1 :]:
        raise ShapeError(f"pad: input of shape {list(input.shape)} has nothing to repeat")
    x = input
    for i, (n, (a, b)) in enumerate(zip(sizes, margins)):
        limit = {"reflect": n - 1, "circular": n, "replicate": max(a, b)}[mode]
        if max(a, b) > limit:
            raise ShapeError(
                f"pad: mode={mode!r} needs margins of at most {limit} for size {n}, got {(a, b)} in pad={tuple(pad)}"
            )
        if a or b:
            x = x.index_select(lead + i, wrap(_sources(mode, n, a, b)))
    return x
