"""A sequence taken apart into its steps."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from ..op import op
from .join import join

__all__: list[str] = []


@op(symbol="steps", method=False, multiple=True, linear=True)
def steps_of(input: Any, /, sizes: tuple[int, ...]) -> Any:
    """Runs of `sizes` rows, one after the other, which together are all rows.

    One op for all of them, so that the cotangent is one concatenation and T steps cost O(T); T slices would each lay
    their part into zeros of the full size, O(T²).
    """
    return tuple(input[end - size : end] for size, end in zip(sizes, accumulate(sizes)))


steps_of.derivative(input=lambda g: join(*g))
steps_of.samples(lambda draw, case: [case(draw(5, 2), (2, 2, 1)), case(draw(3), (3,)), case(draw(2, 2), (0, 2))])
