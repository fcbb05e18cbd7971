"""Other arrangements of the same elements: reshape, permute and their family.  Where NumPy gives a view, so do these."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import op

__all__ = ["reshape"]


@op(symbol="reshape", view=True, numpy=np.reshape, linear=True)
def reshape(input: Any, /, shape: tuple[int, ...]) -> Any:
    """The same elements, in row-major order, in another shape; one size may be -1."""
    return input.reshape(shape)


reshape.derivative(input=lambda g, input_shape: g.reshape(input_shape))
