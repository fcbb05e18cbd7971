"""A step length that satisfies the strong Wolfe conditions.

Along p + t d, with f(t) the loss and f'(t) = g . d its slope::

    f(t) <= f(0) + c1 t f'(0)        enough decrease (Armijo)
    |f'(t)| <= c2 |f'(0)|            a flat enough place (curvature)

First the step grows until such a t lies in a bracket, then the bracket shrinks around it; trial steps come from cubic
interpolation.  Source: Nocedal and Wright, "Numerical optimization" (2006), algorithms 3.5 and 3.6.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

import numpy as np


class Point(NamedTuple):
    """What is known at one step length."""

    t: float
    loss: float
    g: np.ndarray
    slope: float


def strong_wolfe(
    evaluate: Callable[[float], Point],
    start: Point,
    t: float,
    *,
    most: int,
    smallest: float,
    c1: float = 1e-4,
    c2: float = 0.9,
) -> Point:
    """The best point found within `most` trials after the first at `t`; brackets below `smallest` are not divided."""

    def too_high(new: Point) -> bool:
        return new.loss > start.loss + c1 * new.t * start.slope

    def flat(new: Point) -> bool:
        return abs(new.slope) <= -c2 * start.slope

    ends, done, tried = _bracket(evaluate, start, t, most, too_high, flat)
    low = 0 if ends[0].loss <= ends[-1].loss else 1
    stalled = False
    while not done and tried < most and abs(ends[1].t - ends[0].t) >= smallest:
        t, stalled = _inside(ends, stalled)
        new = evaluate(t)
        tried += 1
        if too_high(new) or new.loss >= ends[low].loss:
            ends[1 - low] = new
            low = 0 if ends[0].loss <= ends[1].loss else 1
            continue
        done = flat(new)
        if not done and new.slope * (ends[1 - low].t - ends[low].t) >= 0:
            ends[1 - low] = ends[low]
        ends[low] = new
    return ends[low]


def _bracket(
    evaluate: Callable[[float], Point],
    start: Point,
    t: float,
    most: int,
    too_high: Callable[[Point], bool],
    flat: Callable[[Point], bool],
) -> tuple[list[Point], bool, int]:
    """The two ends of an interval that holds a good step, or one good step itself; whether it is one; the trials."""
    before, new = start, evaluate(t)
    for tried in range(most):
        if too_high(new) or (tried > 1 and new.loss >= before.loss):
            return [before, new], False, tried
        if flat(new):
            return [new], True, tried
        if new.slope >= 0:
            return [before, new], False, tried
        t = cubic_minimum(before, new, new.t + 0.01 * (new.t - before.t), new.t * 10)
        before, new = new, evaluate(t)
    return [start, new], False, most


def _inside(ends: list[Point], stalled: bool) -> tuple[float, bool]:
    """The next trial in a bracket, and whether it is suspiciously near an end; never so twice in a row."""
    left, right = sorted((ends[0].t, ends[1].t))
    t = cubic_minimum(ends[0], ends[1], left, right)
    margin = 0.1 * (right - left)
    near = min(right - t, t - left) < margin
    if near and (stalled or t >= right or t <= left):
        return (right - margin if abs(t - right) < abs(t - left) else left + margin), False
    return t, near


def cubic_minimum(a: Point, b: Point, lowest: float, highest: float) -> float:
    """Where the cubic through two points with their slopes is smallest, within bounds; their middle if nowhere.

    >>> f = lambda t: Point(t, (t - 1) ** 2, np.zeros(0), 2 * (t - 1))
    >>> cubic_minimum(f(0.0), f(3.0), 0.0, 3.0)
    1.0
    """
    if a.t > b.t:
        a, b = b, a
    if a.t == b.t:
        return (lowest + highest) / 2
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return (lowest + highest) / 2
    d2 = sqrt(square)
    below = b.slope - a.slope + 2 * d2
    if below == 0:
        return (lowest + highest) / 2
    return min(max(b.t - (b.t - a.t) * ((b.slope + d2 - d1) / below), lowest), highest)
