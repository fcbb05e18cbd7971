"""Scattering with a reduction: sum, mean, product, largest, smallest of what falls into one place."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..inplace import takes_out
from ..op import op
from ..tensor import Tensor, method, plain
from .gather import along, checked, scatter, scatter_add, scattered_sum, source_of
from .index import elements_of

__all__ = ["scatter_reduce"]

_KEY = along(np.array([[0, 2], [0, 0]]), 0)


@op(symbol="scatter Π", method=False)
def scattered_product(input: Any, src: Any, /, key: Any) -> Any:
    """`input` multiplied at `key` by `src`."""
    out = np.array(input)
    np.multiply.at(out, key, src)
    return out


def _other_factors(input: Any, src: Any, key: Any) -> Any:
    """For each element of `src` the product of all else that falls into its place, zeros counted apart."""
    is_zero = np.asanyarray(plain(src == 0))
    zeros = scattered_sum(np.zeros(input.shape), is_zero, key)
    rest = elements_of(scattered_product(input, np.where(is_zero, np.ones((), src.dtype), src), key), key)
    alone = np.where(elements_of(zeros, key) == is_zero, rest, np.zeros((), src.dtype))
    return alone / np.where(is_zero, np.ones((), src.dtype), src)


scattered_product.derivative(
    input=lambda g, src, key, input_shape: g * scattered_product(np.ones(input_shape, src.dtype), src, key),
    src=lambda g, input, src, key: elements_of(g, key) * _other_factors(input, src, key),
)


@op(symbol="scatter max/min", method=False)
def scattered_extreme(input: Any, src: Any, /, key: Any, largest: bool) -> Any:
    """`input` or, at `key`, the largest (smallest) of it and `src`."""
    out = np.array(input)
    (np.maximum if largest else np.minimum).at(out, key, src)
    return out


def _winners(input: Any, src: Any, out: Any, key: Any) -> tuple[Any, Any, Any]:
    """Who equals the extreme: among `input`, among `src`, and how many in each place."""
    a, x, best = (np.asanyarray(plain(v)) for v in (input, src, out))
    first, others = (a == best).astype(a.dtype), (x == best[key]).astype(a.dtype)
    return first, others, scattered_sum(first, others, key)


def _share_of_input(g: Any, input: Any, src: Any, out: Any, key: Any) -> Any:
    first, _, n = _winners(input, src, out, key)
    return g * (first / n)


def _share_of_src(g: Any, input: Any, src: Any, out: Any, key: Any) -> Any:
    _, others, n = _winners(input, src, out, key)
    return elements_of(g, key) * (others / n[key])


scattered_extreme.derivative(
    input=lambda g, input, src, out, key: _share_of_input(g, input, src, out, key),
    src=lambda g, input, src, out, key: _share_of_src(g, input, src, out, key),
)
scattered_product.samples(lambda draw, case: [case(draw(3, 2), draw(2, 2), _KEY)])
scattered_extreme.samples(lambda draw, case: [case(draw(3, 2), draw(2, 2), _KEY, most) for most in (True, False)])


@takes_out
@method(inplace=True)
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """A copy of `input` in which the elements of `src` that `index` sends to one place are combined by `reduce`.

    `reduce`: ``"sum"``, ``"mean"``, ``"prod"``, ``"amax"`` or ``"amin"``; `include_self`: together with what was there.

    >>> import autograd
    >>> autograd.zeros(2).scatter_reduce(0, autograd.tensor([0, 0, 1]), autograd.tensor([1.0, 5.0, 2.0]), "amax")
    tensor([5., 2.])
    """
    if reduce not in ("sum", "mean", "prod", "amax", "amin"):
        raise ArgumentError(f"scatter_reduce: reduce must be sum, mean, prod, amax or amin, got {reduce!r}")
    key, part = checked("scatter_reduce", input, dim, index), source_of("scatter_reduce", src, index, input)
    if index.array.size == 0:
        return input.clone()
    neutral = {"sum": 0, "mean": 0, "prod": 1, "amax": -np.inf, "amin": np.inf}[reduce]
    if not include_self:
        if input.array.dtype.kind in "iu" and reduce in ("amax", "amin"):
            limits = np.iinfo(input.array.dtype)
            neutral = limits.min if reduce == "amax" else limits.max
        input = scatter(input, dim, index, neutral)
    if reduce in ("amax", "amin"):
        return scattered_extreme(input, part, key, reduce == "amax")
    if reduce == "prod":
        return scattered_product(input, part, key)
    total = scatter_add(input, dim, index, src)
    if reduce == "sum":
        return total
    counts = np.full_like(input.array, int(include_self), np.int64)
    np.add.at(counts, key, 1)
    counts = np.maximum(counts, 1)
    if input.array.dtype.kind in "iu":
        return total.div(Tensor._rebuild(counts, False), rounding_mode="floor").to(input.array.dtype)
    return total / Tensor._rebuild(counts.astype(input.array.dtype), False)
