"""Mean 0, variance 1, scaled and shifted: the op behind batch, layer, group, instance and rms normalisation."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..engine import unbroadcast
from ..op import op
from ..twin import with_kernel
from .zero import zero

LEAST = 4096  # elements from which a kernel is faster than NumPy


class Normal(NamedTuple):
    """What `normalise` returns: the result, and the statistics that it was made with."""

    out: Any
    mean: Any
    rstd: Any


@op(symbol="normalise", method=False, multiple=True)
def normalise(
    input: Any, weight: Any, bias: Any, /, axes: tuple[int, ...], eps: float = 1e-5, centred: bool = True,
    over: tuple[int, ...] | None = None,
) -> Any:  # fmt: skip
    """y = (x - μ) r w + b; μ over `axes`, or 0 unless `centred`; and r = 1/√(σ² + eps), with the biased variance.

    w and b, in the shape `over` if it is given, broadcast to that of x; they may be None.
    """
    mean = input.mean(axis=axes, keepdims=True)
    mean = mean if centred else np.zeros_like(mean)
    deviation = input - mean
    rstd = 1 / np.sqrt(np.square(deviation).mean(axis=axes, keepdims=True) + input.dtype.type(eps))
    out = deviation * rstd
    weight, bias = _lying(weight, over), _lying(bias, over)
    out = out if weight is None else out * weight
    return Normal(out if bias is None else out + bias, mean, rstd)


def _lying(w: Any, over: tuple[int, ...] | None) -> Any:
    return w if w is None or over is None else w.reshape(over)


normalise.op.uses = (1, 2)  # of its outputs, what the derivative looks at; the result may be overwritten
normalise.op.materialize = False


def _pull(g: Any, input: Any, weight: Any, bias: Any, out: Any, axes: tuple[int, ...], centred: bool,
          over: tuple[int, ...] | None = None) -> Any:  # fmt: skip
    """r (ḡ - mean ḡ - y mean(ḡ y)) for y = (x - μ) r and ḡ = g w (Ioffe and Szegedy, 2015), and what came for μ and r.

    The cotangents of w and b are g y and g, summed where they broadcast; a copy of g, for in a compiled program this
    is one function, whose result may not be its argument.
    """
    _, mean, r = out
    gy, gm, gr = g
    n = math.prod(input.shape[a] for a in axes)
    y = (input - mean) * r
    gy = zero(input) if gy is None else gy  # of a recorded derivative that looked at the statistics alone
    w, b = _lying(weight, over), _lying(bias, over)
    gw = gy if weight is None else gy * w
    weighted = (gw * y).sum(axis=axes, keepdims=True)
    weighted = weighted if gr is None else weighted + gr * r  # dr/dx = -r² y / n
    by_input = gw - y * (weighted / n)
    if centred:
        by_input = by_input - gw.sum(axis=axes, keepdims=True) / n
    by_input = r * by_input
    if centred and gm is not None:
        by_input = by_input + gm / n
    by_weight = None if weight is None else unbroadcast(gy * y, w.shape).reshape(weight.shape)
    by_bias = None if bias is None else unbroadcast(np.positive(gy), b.shape).reshape(bias.shape)
    return by_input, by_weight, by_bias


def _suits(x: Any, *others: Any) -> bool:
    """Whether kernels take these: arrays of floats, row after row, of one type, and not small; or None."""
    if type(x) is not np.ndarray or x.size < LEAST or x.dtype.char not in "fd" or not x.flags.c_contiguous:
        return False
    for a in others:  # a generator takes longer than all the rest
        if a is not None and (type(a) is not np.ndarray or not a.flags.c_contiguous or a.dtype != x.dtype):
            return False
    return True


def _alike(weight: Any, bias: Any) -> bool:
    """Whether the bias lies as the weight does, or there is none."""
    return bias is None or (weight is not None and weight.shape == bias.shape)


@normalise.kernel
def _(input: Any, weight: Any, bias: Any, axes: tuple[int, ...], eps: float = 1e-5, centred: bool = True,
      over: tuple[int, ...] | None = None) -> Any:  # fmt: skip
    if not _suits(input, weight, bias) or not _alike(weight, bias):
        return NotImplemented
    from ..kernels import normalise

    given = None if weight is None else over or weight.shape
    if (lies := normalise.layout(input.shape, axes, given, centred)) is None:
        return NotImplemented
    out, mean, rstd = normalise.forward(input, weight, bias, lies, eps, centred)
    single = tuple([1 if i in axes else n for i, n in enumerate(input.shape)])
    return Normal(out, mean.reshape(single), rstd.reshape(single))


def _fast_pull(g: Any, input: Any, weight: Any, bias: Any, out: Any, axes: tuple[int, ...], centred: bool,
               over: tuple[int, ...] | None = None) -> Any:  # fmt: skip
    (gy, gm, gr), (_, mean, rstd) = g, out
    if gy is None or gm is not None or gr is not None:
        return NotImplemented
    if not _suits(input, gy, weight, bias, mean, rstd) or not _alike(weight, bias):
        return NotImplemented
    from ..kernels import normalise

    given = None if weight is None else over or weight.shape
    if (lies := normalise.layout(input.shape, axes, given, centred)) is None:
        return NotImplemented
    by_input, gyy, gs = normalise.pull(gy, input, weight, mean, rstd, lies, centred)
    by_weight = None if weight is None else gyy.reshape(weight.shape)
    return by_input, by_weight, None if bias is None else gs.reshape(bias.shape)


normalise.derivative(with_kernel(_pull, _fast_pull))
normalise.samples(
    lambda draw, case: [
        case(draw(4, 3), None, None, (0,)), case(draw(2, 3, 2), draw(3, 2), draw(3, 2), (1, 2), 1e-3),
        case(draw(3, 2, 4), draw(1, 2, 1), draw(1, 2, 1), (0, 2)), case(draw(4, 3), draw(3), None, (1,), 1e-3, False),
        case(draw(2, 2, 3, 2), draw(6), draw(6), (2, 3), over=(1, 2, 3, 1)),
    ]
)  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------------
# With statistics that are given.


@op(symbol="x w + b", method=False)
def scale_and_shift(input: Any, weight: Any, bias: Any, /) -> Any:
    """x w + b, with w and b of one shape, which broadcasts to that of x."""
    return input * weight + bias


@scale_and_shift.kernel
def _(input: Any, weight: Any, bias: Any) -> Any:
    if not _suits(input, weight, bias) or weight is None or bias is None or weight.shape != bias.shape:
        return NotImplemented
    from ..kernels import normalise

    if not (s := normalise.run_length(input.shape, weight.shape)):
        return NotImplemented
    return normalise.scale(input, weight, bias, s)


def _fast_scale_pull(g: Any, input: Any, weight: Any) -> Any:
    if not _suits(input, g, weight):
        return NotImplemented
    from ..kernels import normalise

    if not (s := normalise.run_length(input.shape, weight.shape)):
        return NotImplemented
    return normalise.scale_pull(g, input, weight, s)


scale_and_shift.derivative(
    with_kernel(lambda g, input, weight: (g * weight, g * input, np.positive(g)), _fast_scale_pull)
)
scale_and_shift.samples(
    lambda draw, case: [case(draw(2, 3), draw(3), draw(3)), case(draw(2, 3, 2), draw(1, 3, 1), draw(1, 3, 1)),
                        case(draw(2, 3), draw(2, 3), draw(2, 3)), case(draw(0, 3), draw(3), draw(3))]
)  # fmt: skip
