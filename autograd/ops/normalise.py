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


def _suits(x: Any, *others: Any) -> bool:
    """Whether kernels take these: arrays of floats, row after row, of one type, and not small."""
    if type(x) is not np.ndarray or x.size < LEAST or x.dtype.char not in "fd":
        return False
    return all(type(a) is np.ndarray and a.flags.c_contiguous and a.dtype == x.dtype for a in (x, *others))


@standardise.kernel
def _(input: Any, axes: tuple[int, ...], eps: float) -> Any:
    if not _suits(input):
        return NotImplemented
    from ..kernels import normalise

    if (sizes := normalise.table(input.shape, axes)) is None:
        return NotImplemented
    y, mean, rstd = normalise.standardise(input, sizes, eps)
    single = tuple(1 if i in axes else n for i, n in enumerate(input.shape))
    return Standard(y, mean.reshape(single), rstd.reshape(single))


def _fast_pull(g: Any, out: Any, input_shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    (gy, gm, gr), (y, _, r) = g, out
    if not _suits(gy, y, r):
        return NotImplemented
    from ..kernels import normalise

    if (sizes := normalise.table(y.shape, axes)) is None:
        return NotImplemented
    return normalise.pull(gy, y, r, gm, gr, sizes)


_pull_array = with_kernel(_pull, _fast_pull)
standardise.derivative(input=lambda g, out, input_shape, axes: _pull_array(g, out, input_shape, axes))
standardise.samples(lambda draw, case: [case(draw(4, 3), (0,), 1e-5), case(draw(2, 3, 2), (1, 2), 1e-3)])


# ---------------------------------------------------------------------------------------------------------------------
# What follows normalisation.


@op(symbol="y w + b", method=False)
def scale_and_shift(input: Any, weight: Any, bias: Any, /) -> Any:
    """y w + b, with w and b of one shape, which broadcasts to that of y."""
    return input * weight + bias


@scale_and_shift.kernel
def _fast_scale(input: Any, weight: Any, bias: Any = None) -> Any:
    if not _suits(input, weight, weight if bias is None else bias):
        return NotImplemented
    bias = np.zeros_like(weight) if bias is None else bias
    if weight.shape != bias.shape:
        return NotImplemented
    from ..kernels import normalise

    if (sizes := normalise.shared(input.shape, weight.shape)) is None:
        return NotImplemented
    return normalise.scale(input, weight, bias, sizes)


def _gather(g: Any, y: Any, given: tuple[int, ...]) -> Any:
    """Σ g y, or Σ g without y, over the elements that share a number of an array of shape `given`."""
    total, spare = g if y is None else g * y, len(g.shape) - len(given)
    axes = (*range(spare), *(spare + i for i, n in enumerate(given) if n == 1 and g.shape[spare + i] != 1))
    return total.sum(axis=axes, keepdims=True).reshape(given) if axes else total


def _fast_gather(g: Any, y: Any, given: tuple[int, ...]) -> Any:
    if not _suits(g, g if y is None else y):
        return NotImplemented
    from ..kernels import normalise

    if (sizes := normalise.shared(g.shape, given)) is None:
        return NotImplemented
    return normalise.gathered(g, y, given, sizes)


_gathered = with_kernel(_gather, _fast_gather)
_scaled = with_kernel(lambda g, weight: g * weight, _fast_scale)
scale_and_shift.derivative(
    input=lambda g, weight: _scaled(g, weight),
    weight=lambda g, input, weight_shape: _gathered(g, input, weight_shape),
    bias=lambda g, bias_shape: _gathered(g, None, bias_shape),
)
scale_and_shift.samples(
    lambda draw, case: [case(draw(2, 3), draw(3), draw(3)), case(draw(2, 3, 2), draw(1, 3, 1), draw(1, 3, 1)),
                        case(draw(2, 3), draw(2, 3), draw(2, 3)), case(draw(0, 3), draw(3), draw(3))]
)  # fmt: skip
