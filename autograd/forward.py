"""Forward mode out of reverse mode: no op has a second rule.

Reverse mode computes u ↦ Jᵀu, and that map is linear in u.  Its own reverse mode is therefore its transpose, v ↦ Jv,
which is what forward mode computes (Jamie Townsend, "A new trick for calculating Jacobian vector products", 2017).  So
one records f, pulls back a cotangent u that is itself on the tape, and differentiates *that* with respect to u, with
cotangent v.  The value of u never enters.  It works wherever the formulas are written in operations that are recorded,
which second derivatives ask for anyway.

What it costs: the tape of f and that of its backward pass are in memory at once, and about two backward passes of work
go into the first product Jv, one into each further one.  A rule per op would need neither tape; it would need all rules
twice.  In a compiled program the pass with u is dead code, and only f and the products remain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .engine import grad
from .errors import ArgumentError
from .ops.join import stack
from .tensor import Tensor, wrap
from .where import machinery

machinery(__name__)


def pull(outputs: Sequence[Tensor], inputs: Sequence[Tensor], cotangents: Sequence[Any],
         create_graph: bool = False) -> list[Tensor | None]:  # fmt: skip
    """uᵀJ for each input: None where no output depends on it.  The tape can be used again."""
    live = [(y, u) for y, u in zip(outputs, cotangents) if y.node is not None and u is not None]
    if not live:
        return [None] * len(inputs)
    ys, us = zip(*live)
    return list(grad(ys, inputs, us, retain_graph=True, create_graph=create_graph, allow_unused=True))


def batched(outputs: Any, inputs: Any, cotangents: Any, retain_graph: bool, *options: Any) -> tuple[Any, ...]:
    """`grad` for every cotangent along the first dimension of `cotangents`, stacked."""
    given = tuple(cotangents) if isinstance(cotangents, tuple | list) else (cotangents,)
    if (
        not all(isinstance(u, Tensor) and u.ndim for u in given)
        or len({len(u) for u in given}) != 1
        or not len(given[0])
    ):
        raise ArgumentError(
            "is_grads_batched=True: grad_outputs must be Tensors whose first dimension counts the cotangents, with one "
            f"size for all; got {[list(u.shape) if isinstance(u, Tensor) else type(u).__name__ for u in given]}"
        )
    rows = list(zip(*given))
    found = [grad(outputs, inputs, row, retain_graph or row is not rows[-1], *options) for row in rows]
    return tuple(None if None in column else stack(column) for column in zip(*found))


class Push:
    """``Push(outputs, inputs)(tangents)`` is Jv for each output: None where it depends on no input."""

    def __init__(self, outputs: Sequence[Tensor], inputs: Sequence[Tensor]) -> None:
        self.cotangents = [_variable(y) for y in outputs]
        self.pulled = pull(outputs, inputs, self.cotangents, create_graph=True)

    def __call__(self, tangents: Sequence[Any], create_graph: bool = False) -> list[Tensor | None]:
        live = [i for i, u in enumerate(self.cotangents) if u is not None]
        found = pull([_off(g) for g in self.pulled], [self.cotangents[i] for i in live], tangents, create_graph)
        products: list[Tensor | None] = [None] * len(self.cotangents)
        for i, product in zip(live, found):
            products[i] = product
        return products


def _variable(y: Tensor) -> Any:
    """A cotangent of `y` to differentiate by; any value would do."""
    return None if y.node is None else wrap(np.ones_like(y.array)).requires_grad_()


def _off(g: Tensor | None) -> Tensor:
    """What does not depend on its input has no node, and is left out."""
    return wrap(np.zeros(())) if g is None else g
