"""Mean 0, variance 1: the op behind batch, layer, group and instance normalisation."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..op import op
from ..twin import with_kernel

LEAST = 4096  # elements from which a kernel is faster than NumPy


class Standard(NamedTuple):
    """What `standardise` returns: the result, and the statistics that it was made with."""

    out: Any
    mean: Any
    rstd: Any


@op(symbol="standardise", method=False, multiple=True)
def standardise(input: Any, /, axes: tuple[int, ...], eps: float) -> Any:
    """y = (x - μ) / √(σ² + eps) over `axes`, with the biased variance; and μ and 1/√(σ² + eps)."""
    mean = input.mean(axis=axes, keepdims=True)
    centred = input - mean
    rstd = 1 / np.sqrt(np.square(centred).mean(axis=axes, keepdims=True) + input.dtype.type(eps))
    centred *= rstd
    return Standard(centred, mean, rstd)


def _pull(g: Any, out: Any, input_shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """r (ḡ - mean ḡ - y mean(ḡ y)) for y (Ioffe and Szegedy, 2015), plus what came for μ and r themselves."""
    y, _, r = out
    n = math.prod(input_shape[a] for a in axes)
    gy, gm, gr = g
    total = gy.sum(axis=axes, keepdims=True)
    weighted = (gy * y).sum(axis=axes, keepdims=True) + gr * r  # dr/dx = -r² y / n
    return r * (gy - (total / n) - y * (weighted / n)) + gm / n


def _sizes(x: Any, axes: tuple[int, ...], *others: Any) -> Any:
    """The table (a, b, s) that the kernels take `x` for; None if they do not."""
    if type(x) is not np.ndarray or x.size < LEAST or x.dtype.char not in "fd":
        return None
    if not all(a.flags.c_contiguous and a.dtype == x.dtype for a in (x, *others)):
        return None
    from ..kernels import normalise

    return normalise.table(x.shape, axes)


@standardise.kernel
def _(input: Any, axes: tuple[int, ...], eps: float) -> Any:
    if (sizes := _sizes(input, axes)) is None:
        return NotImplemented
    from ..kernels import normalise

    y, mean, rstd = normalise.standardise(input, sizes, eps)
    single = tuple(1 if i in axes else n for i, n in enumerate(input.shape))
    return Standard(y, mean.reshape(single), rstd.reshape(single))


def _fast_pull(g: Any, out: Any, input_shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    (gy, gm, gr), (y, _, r) = g, out
    if (sizes := _sizes(y, axes, *(x for x in (gy, r) if x is not None))) is None or type(gy) is not np.ndarray:
        return NotImplemented
    from ..kernels import normalise

    return normalise.pull(gy, y, r, gm, gr, sizes)


_pull_array = with_kernel(_pull, _fast_pull)
standardise.derivative(input=lambda g, out, input_shape, axes: _pull_array(g, out, input_shape, axes))
standardise.samples(lambda draw, case: [case(draw(4, 3), (0,), 1e-5), case(draw(2, 3, 2), (1, 2), 1e-3)])
