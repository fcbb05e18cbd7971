"""Forward mode with dual numbers x + εv, as in ``torch.autograd.forward_ad``.

A dual tensor here is a variable of the tape with a tangent beside it.  What is computed from it is recorded as ever,
and the tangent of a result is worked out when it is asked for, by `autograd/forward.py`; so operations know nothing of
dual numbers.  Two things follow that differ from PyTorch's: dual tensors require grad, and what is computed within
`no_grad` has no tangent.

>>> import autograd
>>> import autograd.forward_ad as fwAD
>>> with fwAD.dual_level():
...     x = fwAD.make_dual(autograd.tensor(3.0), autograd.tensor(1.0))
...     fwAD.unpack_dual(x * x)
UnpackedDualTensor(primal=tensor(9.), tangent=tensor(6.))
"""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

from .errors import ArgumentError, DTypeError, ShapeError, TapeError
from .forward import Push
from .recording import is_grad_enabled
from .tape import LEAF, Node, Tape
from .tensor import Tensor
from .where import machinery

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]

machinery(__name__)


class UnpackedDualTensor(NamedTuple):
    """A value and its derivative along the tangents of a level; None if it depends on none of them."""

    primal: Tensor
    tangent: Tensor | None


class _Level:
    """The variables of one derivative, and their tangents."""

    def __init__(self) -> None:
        self.variables: list[Tensor] = []
        self.tangents: list[Tensor] = []


class _Levels(threading.local):
    """Those entered in this thread, outermost first."""

    def __init__(self) -> None:
        self.entered: list[_Level] = []


_levels = _Levels()


def enter_dual_level() -> int:
    """Begin a derivative; the number of its level is returned.

    >>> import autograd.forward_ad as fwAD
    >>> level = fwAD.enter_dual_level()
    >>> fwAD.exit_dual_level(level=level)
    """
    _levels.entered.append(_Level())
    return len(_levels.entered) - 1


def exit_dual_level(*, level: int | None = None) -> None:
    """End the innermost derivative: tangents of its dual tensors are forgotten.

    Raises ArgumentError if `level` is another, or there is none.
    """
    if not _levels.entered or level not in (None, len(_levels.entered) - 1):
        raise ArgumentError(f"exit_dual_level: level {level} is not the innermost of {len(_levels.entered)}")
    _levels.entered.pop()


class dual_level:
    """Context manager around `enter_dual_level` and `exit_dual_level`."""

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *exc: object) -> None:
        exit_dual_level()


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """`tensor` + ε `tangent`: a tensor like the first, in whose direction `unpack_dual` differentiates.

    Raises ShapeError unless the shapes are the same, DTypeError unless `tensor` is floating point, ArgumentError if it
    has a tangent already, and TapeError outside a level or where nothing is recorded.

    >>> import autograd
    >>> with dual_level():
    ...     make_dual(autograd.tensor([1.0, 2.0]), autograd.ones(2)).requires_grad
    True
    """
    found = _level("make_dual", level)
    if tangent.shape != tensor.shape:
        raise ShapeError(f"make_dual: tangent has shape {list(tangent.shape)}, tensor {list(tensor.shape)}")
    if tensor.dtype.kind != "f":
        raise DTypeError(f"make_dual: expected a floating-point tensor, got {tensor.dtype}; use .float()")
    if not is_grad_enabled():
        raise TapeError("make_dual: forward mode is made of the tape here, and within no_grad nothing is recorded")
    if any(tensor is x for x in found.variables):
        raise ArgumentError("make_dual: this tensor has a tangent already, at the same level")
    dual = tensor.view_as(tensor) if tensor.requires_grad else tensor.detach().requires_grad_()
    found.variables.append(dual)
    found.tangents.append(tangent)
    return dual


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The value of `tensor` and its tangent, which is worked out here: Jv for the variables of the level.

    The tangent has the shape of `tensor`, and is None if that depends on no dual tensor of the level.  Raises TapeError
    for a level that has not been entered.

    >>> import autograd
    >>> with dual_level():
    ...     x = make_dual(autograd.tensor([1.0, 2.0]), autograd.tensor([1.0, 0.0]))
    ...     unpack_dual(x.exp().sum()).tangent
    tensor(2.7183)
    """
    if not _levels.entered or tensor.node is None:
        return UnpackedDualTensor(tensor, None)
    found = _level("unpack_dual", level)
    (tangent,) = _tangents(found, tensor)
    return UnpackedDualTensor(tensor if _outer(found, tensor) else tensor.detach(), tangent)


def _tangents(level: _Level, tensor: Tensor) -> list[Tensor | None]:
    if not level.variables:
        return [None]
    record = is_grad_enabled() and (_outer(level, tensor) or any(t.requires_grad for t in level.tangents))
    return Push([tensor], level.variables)(level.tangents, record)


def _outer(level: _Level, tensor: Tensor) -> bool:
    """Whether `tensor` depends on a leaf that is no variable of the level: then reverse mode may follow."""
    own: set[Any] = {x.node for x in level.variables}
    nodes: list[Node] = Tape.of(tensor).nodes
    return any(node.op is LEAF and node not in own for node in nodes)


def _level(name: str, level: int | None) -> _Level:
    number = len(_levels.entered) - 1 if level is None else level
    if not 0 <= number < len(_levels.entered):
        raise TapeError(f"{name}: no such level; enter one with `with dual_level():`")
    return _levels.entered[number]
