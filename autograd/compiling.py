"""The door to `program/`, which is imported when something is compiled first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def compile(model: Callable[..., Any] | None = None, *, fullgraph: bool = False, dynamic: bool | None = None,
            backend: Any = None, mode: str | None = None, options: dict[str, Any] | None = None,
            disable: bool = False) -> Any:  # fmt: skip
    """`model`, a function, module or whole training step, recorded and replayed as one compiled program.

    The first calls with a signature (shapes, dtypes, other arguments) are recorded while they run as always; when two
    in a row did the same, later calls replay the program: forward, backward, clipping and the optimiser's update, with
    elementwise chains fused and buffers planned.  Everything that the function reads in Python is compared before each
    call; where something has changed it is recorded again, and what cannot be recorded runs as it is, with one warning
    that names the line.  Results, parameters, buffers, gradients and random streams are those of the plain function.

    `fullgraph`: an error in place of that warning.  `dynamic`: another batch size is not recorded, and little is
    compiled for it, since kernels take sizes as arguments; what the function decides by a size is compared, and if it
    asks for one as a plain number, as ``range(x.shape[0])`` does, each such number is recorded.  `disable`: return
    `model` as it is.  `backend`, `mode` and `options` are PyTorch's and change nothing here.

    >>> import autograd
    >>> @autograd.compile
    ... def f(x):
    ...     return (x * x + 1).sum()
    >>> [f(autograd.tensor([1.0, 2.0])).item() for _ in range(3)]
    [7.0, 7.0, 7.0]

    Source: the tape as a program, R. E. Wengert (1964).
    """
    if disable and model is not None:
        return model
    from .program.compile import compiled

    return compiled(model, fullgraph=fullgraph, dynamic=bool(dynamic), disable=disable)
