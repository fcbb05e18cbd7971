"""Other element types, copies, and fills in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import (
    as_dtype,
    bfloat16,
    bool_,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
)  # fmt: skip
from ..errors import ArgumentError, DTypeError, ShapeError
from ..op import op
from ..promotion import cast
from ..tensor import Tensor, attach, method, wrap

__all__ = ["clone", "detach", "zero_"]


@op(symbol="clone", linear=True, numpy=np.copy)
def clone(input: Any, /, memory_format: Any = None) -> Any:
    """The same values in memory of their own.

    >>> import autograd
    >>> autograd.clone(autograd.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """
    return np.array(input, order="C" if memory_format is not None else "K")


clone.derivative(input=lambda g: clone(g))
clone.samples(lambda draw, case: [case(draw(2, 3)), case(draw()), case(draw(0, 2))])


@method
def contiguous(self: Tensor, memory_format: Any = None) -> Tensor:
    """This tensor if its elements lie in row-major order, else a copy that does."""
    return self if self.array.flags.c_contiguous else clone(self, "contiguous")


def detach(input: Tensor) -> Tensor:
    """The same memory, off the tape."""
    return input.detach()


@method
def to(self: Tensor, *args: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False,
       copy: bool = False, memory_format: Any = None) -> Tensor:  # fmt: skip
    """This tensor in another element type: ``t.to(dtype)`` or ``t.to(other)``; the device is always the CPU.

    >>> import autograd
    >>> autograd.tensor([1.7, -1.7]).to(autograd.int64)
    tensor([ 1, -1])
    """
    for given in args:
        if isinstance(given, Tensor):
            dtype = given.array.dtype
        elif isinstance(given, str):
            check_device(given)
        elif not isinstance(given, bool):
            dtype = given
    check_device(device)
    kind = self.array.dtype if dtype is None else as_dtype(dtype)
    if kind == self.array.dtype:
        return clone(self) if copy else self
    return cast(self, kind)


def check_device(device: Any) -> None:
    """There is one device: the CPU."""
    if device is not None and not str(device).startswith("cpu"):
        raise ArgumentError(f"device: only 'cpu' exists here, got {str(device)!r}")


@method
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """This tensor in the element type of `other`."""
    return to(self, other.array.dtype)


@method(name="type")
def _type(self: Tensor, dtype: Any = None) -> Any:
    """In another element type; without one, the name of this one."""
    return f"autograd.{self.dtype}" if dtype is None else to(self, dtype)


@method
def cpu(self: Tensor) -> Tensor:
    """This tensor, which is on the CPU."""
    return self


def _casts() -> None:
    """`t.float()`, `t.long()`, ... one method per type."""
    kinds = {
        "float": float32, "double": float64, "half": float16, "long": int64, "int": int32, "short": int16, "char": int8,
        "byte": uint8, "bool": bool_, "cfloat": complex64, "cdouble": complex128,
    }  # fmt: skip
    for name, kind in kinds.items():

        def convert(self: Tensor, memory_format: Any = None, *, kind: Any = kind) -> Tensor:
            return to(self, kind)

        convert.__name__, convert.__doc__ = name, f"This tensor in {kind}."
        attach(name, convert, convert)


_casts()


@method(name="bfloat16")
def _bfloat16(self: Tensor, memory_format: Any = None) -> Tensor:
    """This tensor in bfloat16."""
    return to(self, bfloat16())


# ---------------------------------------------------------------------------------------------------------------------
# Writing over what is there.


@op(method=False)
def filled(input: Any, value: Any, /) -> Any:
    """`value`, a number or a 0-d tensor, in `input`'s shape and type; nothing flows back to `input`."""
    if np.ndim(value):
        raise ShapeError(f"fill_: value must be a number or a 0-d tensor, got shape {np.shape(value)}")
    try:
        return np.full(input.shape, value, input.dtype)
    except (OverflowError, TypeError, ValueError):
        raise DTypeError(f"fill_: value={value!r} does not fit into {input.dtype}") from None


filled.derivative(input=lambda g: g * 0, value=lambda g: g.sum())
filled.samples(lambda draw, case: [case(draw(2, 3), draw()), case(draw(2), 1.5)])
filled.errors(lambda draw, case: [case(draw(2), draw(2))])


@op(method=False, linear=True)
def copied(input: Any, src: Any, /) -> Any:
    """`src` in `input`'s shape and type; nothing flows back to `input`."""
    try:
        return np.broadcast_to(src, input.shape).astype(input.dtype)
    except ValueError:
        raise ShapeError(f"copy_: src of shape {np.shape(src)} does not broadcast to {input.shape}") from None


copied.derivative(input=lambda g: g * 0, src=lambda g, src_dtype: g.astype(src_dtype))
copied.samples(lambda draw, case: [case(draw(2, 3), draw(3)), case(draw(2), draw(2))])
copied.errors(lambda draw, case: [case(draw(2), draw(3))])


@method
def fill_(self: Tensor, value: Any) -> Tensor:
    """Every element becomes `value`."""
    return self._write(filled(self, value), "fill_")


@method
def zero_(self: Tensor) -> Tensor:
    """Every element becomes 0."""
    return self._write(filled(self, 0), "zero_")


@method
def copy_(self: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    """The values of `src`, broadcast and converted, into this tensor."""
    return self._write(copied(self, src if isinstance(src, Tensor) else wrap(np.asarray(src))), "copy_")


@method(name="astype")
def _astype(self: Tensor, dtype: Any) -> Tensor:
    """NumPy's spelling of `to`, which the formulas use."""
    return to(self, dtype)
