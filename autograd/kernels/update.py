"""One pass over a parameter, its gradient and its state: the update rules of optimisers.

An update rule does a dozen operations on each element that it reads, so its time is that of memory.  The formulas are
those of `optim`, written for one element; coefficients that do not depend on the element come in an array, computed in
float64 and rounded once.
"""

from __future__ import annotations

import math

import numpy as np

from .door import inlined, kernel
from .flat import flat, in_pieces


@inlined
def _descent(g, p, sign, decay):
    """±g + decay p; without decay p is not looked at, for 0 · inf is NaN."""
    d = sign * g
    if decay != 0:
        d += decay * p
    return d


@kernel
def _adam(p, g, m, v, c, start, stop):
    sign, decay, keep, beta1, other1, beta2, other2, eps, rate = c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8]
    p, g, m, v = p[start:stop], g[start:stop], m[start:stop], v[start:stop]
    for i in range(p.size):
        d = _descent(g[i], p[i], sign, decay)
        mean = beta1 * m[i] + other1 * d
        square = beta2 * v[i] + other2 * (d * d)
        m[i], v[i] = mean, square
        p[i] = keep * p[i] - rate * (mean / (math.sqrt(square) + eps))


@kernel
def _momentum(p, g, b, c, start, stop):
    sign, decay, momentum, fresh, from_b, from_g = c[0], c[1], c[2], c[3], c[4], c[5]
    p, g, b = p[start:stop], g[start:stop], b[start:stop]
    for i in range(p.size):
        d = _descent(g[i], p[i], sign, decay)
        velocity = momentum * b[i] + fresh * d
        b[i] = velocity
        step = from_b * velocity
        if from_g != 0:
            step += from_g * d
        p[i] -= step


@kernel
def _descend(p, g, c, start, stop):
    sign, decay, rate = c[0], c[1], c[2]
    p, g = p[start:stop], g[start:stop]
    for i in range(p.size):
        p[i] -= rate * _descent(g[i], p[i], sign, decay)


@kernel
def _rmsprop(p, g, v, c, start, stop):
    sign, decay, alpha, other, eps, rate = c[0], c[1], c[2], c[3], c[4], c[5]
    p, g, v = p[start:stop], g[start:stop], v[start:stop]
    for i in range(p.size):
        d = _descent(g[i], p[i], sign, decay)
        square = alpha * v[i] + other * (d * d)
        v[i] = square
        p[i] -= rate * (d / (math.sqrt(square) + eps))


def _over(kernel, arrays: tuple[np.ndarray, ...], coefficients: tuple[float, ...]) -> bool:
    """Run `kernel` over arrays that it can take; False if it cannot."""
    if (runs := flat(*arrays)) is None or not arrays[0].flags.writeable:
        return False
    c = np.array(coefficients, arrays[0].dtype)
    in_pieces(arrays[0].size, lambda start, stop: kernel(*runs, c, start, stop))
    return True


def adam(p: np.ndarray, g: np.ndarray, m: np.ndarray, v: np.ndarray, *, sign: float, decay: float, keep: float,
         betas: tuple[float, float], eps: float, rate: float) -> bool:  # fmt: skip
    """d = sign g + decay p;  m <- β₁ m + (1 - β₁) d;  v <- β₂ v + (1 - β₂) d²;  p <- keep p - rate m / (√v + eps)."""
    return _over(_adam, (p, g, m, v), (sign, decay, keep, betas[0], 1 - betas[0], betas[1], 1 - betas[1], eps, rate))


def momentum(p: np.ndarray, g: np.ndarray, b: np.ndarray, *, sign: float, decay: float, momentum: float, fresh: float,
             from_b: float, from_g: float) -> bool:  # fmt: skip
    """d = sign g + decay p;  b <- momentum b + fresh d;  p <- p - from_b b - from_g d."""
    return _over(_momentum, (p, g, b), (sign, decay, momentum, fresh, from_b, from_g))


def descend(p: np.ndarray, g: np.ndarray, *, sign: float, decay: float, rate: float) -> bool:
    """p <- p - rate (sign g + decay p)."""
    return _over(_descend, (p, g), (sign, decay, rate))


def rmsprop(p: np.ndarray, g: np.ndarray, v: np.ndarray, *, sign: float, decay: float, alpha: float, eps: float,
            rate: float) -> bool:  # fmt: skip
    """d = sign g + decay p;  v <- α v + (1 - α) d²;  p <- p - rate d / (√v + eps)."""
    return _over(_rmsprop, (p, g, v), (sign, decay, alpha, 1 - alpha, eps, rate))
