"""Tensors from nothing: filled, counted, diagonal, and in the likeness of others."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import quiet as bodies
from .dtypes import as_dtype, get_default_dtype, int64, is_floating, result_type
from .errors import ArgumentError, DTypeError, ShapeError
from .recording import is_grad_enabled
from .tensor import Tensor, method, wrap

__all__ = [
    "arange", "asarray", "as_tensor", "complex", "empty", "empty_like", "empty_strided", "eye", "full", "full_like",
    "linspace", "logspace", "ones", "ones_like", "scalar_tensor", "tril_indices", "triu_indices", "zeros", "zeros_like",
]  # fmt: skip


def shape_of(name: str, size: tuple[Any, ...]) -> tuple[int, ...]:
    """``f(2, 3)`` and ``f((2, 3))`` as a shape; sizes are ints and not negative."""
    if len(size) == 1 and isinstance(size[0], tuple | list):
        size = tuple(size[0])
    try:
        shape = tuple([n if n.__class__ is int else n.__index__() for n in size])
    except (AttributeError, TypeError):
        raise ArgumentError(f"{name}: size must be ints or one tuple of ints, got {size!r}") from None
    if any(n < 0 for n in shape):
        raise ShapeError(f"{name}: sizes must not be negative, got {shape}")
    return shape


def finish(array: np.ndarray, out: Tensor | None, requires_grad: bool, exact: bool = False) -> Tensor:
    """A new tensor around `array`, or `out` with its values; `exact`: only if `out` has its very type."""
    if out is not None:
        if exact and out.array.dtype != array.dtype:
            raise DTypeError(f"out: expected a tensor of {array.dtype}, got {out.array.dtype}")
        return out._write(wrap(array), "out=")
    if bodies.watcher is not None:
        array = bodies.watcher.born(array)
    return wrap(array).requires_grad_() if requires_grad else wrap(array)


def zeros(*size: Any, out: Tensor | None = None, dtype: Any = None, device: Any = None,
          requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Zeros of the given size.

    >>> import autograd
    >>> autograd.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    return finish(_full(shape_of("zeros", size), 0, as_dtype(dtype or float)), out, requires_grad)


def ones(*size: Any, out: Tensor | None = None, dtype: Any = None, device: Any = None,
         requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Ones of the given size.

    >>> import autograd
    >>> autograd.ones(2, dtype=autograd.int64)
    tensor([1, 1])
    """
    return finish(_full(shape_of("ones", size), 1, as_dtype(dtype or float)), out, requires_grad)


def empty(*size: Any, out: Tensor | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False,
          memory_format: Any = None) -> Tensor:  # fmt: skip
    """A tensor of the given size with whatever the memory holds.

    >>> import autograd
    >>> autograd.empty(2, 3).shape
    Size([2, 3])
    """
    return finish(np.empty(shape_of("empty", size), as_dtype(dtype or float)), out, requires_grad)


def full(size: Any, fill_value: Any, *, out: Tensor | None = None, dtype: Any = None, device: Any = None,
         requires_grad: bool = False) -> Tensor:  # fmt: skip
    """`fill_value` everywhere; its type decides the dtype unless that is given.

    >>> import autograd
    >>> autograd.full((2,), 7)
    tensor([7, 7])
    """
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    kind = result_type(value) if dtype is None else as_dtype(dtype)
    return finish(_full(shape_of("full", (size,)), value, kind), out, requires_grad)


def _full(shape: tuple[int, ...], value: Any, kind: Any) -> np.ndarray:
    if value.__class__ is int and value == 0 and bodies.watcher is None:
        return np.zeros(shape, kind)
    make = np.full if bodies.watcher is None else bodies.watcher.filled
    return _fitting(value, kind, lambda: make(shape, value, kind))


def _fitting(value: Any, kind: Any, make: Callable[[], np.ndarray]) -> np.ndarray:
    try:
        return make()
    except (OverflowError, TypeError, ValueError) as error:
        raise DTypeError(f"fill_value: {value!r} does not fit into {kind}") from error


def _counted(start: Any, step: Any, n: int, kind: Any) -> np.ndarray:
    return (start + np.arange(n) * step).astype(kind)


def arange(start: Any = 0, end: Any = None, step: Any = 1, *, out: Tensor | None = None, dtype: Any = None,
           device: Any = None, requires_grad: bool = False) -> Tensor:  # fmt: skip
    """start, start + step, ... below `end`; ``arange(n)`` counts from 0.  int64 if all three are ints.

    >>> import autograd
    >>> autograd.arange(1, 2.5, 0.5)
    tensor([1.0000, 1.5000, 2.0000])
    """
    if end is None:
        start, end = 0, start
    start, end, step = (x.item() if isinstance(x, Tensor | np.generic) else x for x in (start, end, step))
    if not all(isinstance(x, int | float) for x in (start, end, step)):
        raise ArgumentError(f"arange: start, end and step must be numbers, got {start!r}, {end!r} and {step!r}")
    if step == 0:
        raise ArgumentError("step must not be 0")
    if any(isinstance(x, float) and not math.isfinite(x) for x in (start, end)):
        raise ArgumentError(f"arange: start and end must be finite, got {start} and {end}")
    if (end - start) * step < 0:
        raise ArgumentError(f"arange: step={step} leads away from end: start={start}, end={end}")
    whole = all(isinstance(x, int) for x in (start, end, step))
    kind = (int64 if whole else get_default_dtype()) if dtype is None else as_dtype(dtype)
    n = math.ceil((end - start) / step) if not whole else -(-(end - start) // step)
    return finish(bodies.quiet().run(_counted, start, step, n, kind), out, requires_grad)


def linspace(start: Any, end: Any, steps: int, *, out: Tensor | None = None, dtype: Any = None, device: Any = None,
             requires_grad: bool = False) -> Tensor:  # fmt: skip
    """`steps` numbers from `start` to `end`, both included, at equal distances.

    >>> import autograd
    >>> autograd.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    if not isinstance(steps, int | np.integer) or steps < 0:
        raise ArgumentError(f"steps: expected a non-negative int, got {steps}")
    ends = [np.asanyarray(x.array if isinstance(x, Tensor) else x) for x in (start, end)]
    if any(x.dtype.kind not in "biufc" for x in ends):
        raise ArgumentError(f"linspace: start and end must be numbers or 0-d tensors, got {start!r} and {end!r}")
    if any(x.ndim for x in ends):
        raise ShapeError("linspace: start and end must be numbers or 0-d tensors")
    kind = as_dtype(dtype or (np.complex64 if any(x.dtype.kind == "c" for x in ends) else float))
    first, last = (x.astype(np.result_type(x, np.float64)) for x in ends)
    values = np.linspace(first, last, int(steps))
    return finish((np.trunc(values) if kind.kind in "iu" else values).astype(kind), out, requires_grad)


def logspace(start: Any, end: Any, steps: int, base: float = 10.0, *, out: Tensor | None = None, dtype: Any = None,
             device: Any = None, requires_grad: bool = False) -> Tensor:  # fmt: skip
    """`base` to the powers `linspace(start, end, steps)`.

    >>> import autograd
    >>> autograd.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    powers = linspace(start, end, steps, dtype=np.float64).array
    return finish(np.power(float(base), powers).astype(as_dtype(dtype or float)), out, requires_grad)


def eye(n: int, m: int | None = None, *, out: Tensor | None = None, dtype: Any = None, device: Any = None,
        requires_grad: bool = False) -> Tensor:  # fmt: skip
    """The identity matrix, n x m.

    >>> import autograd
    >>> autograd.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    shape = shape_of("eye", (n, n if m is None else m))
    return finish(np.eye(*shape, dtype=as_dtype(dtype or float)), out, requires_grad)


def scalar_tensor(s: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The number `s` as a 0-d tensor of the default float dtype."""
    return finish(np.array(s, as_dtype(dtype or float)), None, requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a tensor, sharing memory with an array or tensor of that dtype where possible.

    >>> import autograd, numpy as np
    >>> autograd.as_tensor(np.arange(3))
    tensor([0, 1, 2])
    """
    from .create import tensor
    from .ops.casting import to

    if isinstance(data, Tensor):
        return data if dtype is None else to(data, dtype)
    if isinstance(data, np.ndarray):
        return wrap(data.astype(as_dtype(data.dtype if dtype is None else dtype), copy=False))
    return tensor(data, dtype=dtype)


def asarray(obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None,
            requires_grad: bool = False) -> Tensor:  # fmt: skip
    """`as_tensor` with a say in whether to copy."""
    shared = as_tensor(obj, dtype)
    result = wrap(shared.array.copy()) if copy else shared
    return result.requires_grad_() if requires_grad else result


def empty_strided(size: Any, stride: Any, *, dtype: Any = None, device: Any = None,
                  requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Uninitialised memory seen with the given strides, in elements."""
    shape, kind = shape_of("empty_strided", (size,)), as_dtype(dtype or float)
    if len(shape) != len(stride):
        raise ShapeError(f"empty_strided: size {shape} and stride {tuple(stride)} have different lengths")
    length = 1 + sum((n - 1) * s for n, s in zip(shape, stride)) if math.prod(shape) else 0
    strides = [s * kind.itemsize for s in stride]
    return finish(np.lib.stride_tricks.as_strided(np.empty(length, kind), shape, strides), None, requires_grad)


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = int64, device: Any = None) -> Tensor:
    """The indices of the lower triangle, 2 x N.

    >>> import autograd
    >>> autograd.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    shape = shape_of("tril_indices", (row, col))
    return wrap(np.stack(np.tril_indices(shape[0], offset, shape[1])).astype(as_dtype(dtype)))


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = int64, device: Any = None) -> Tensor:
    """The indices of the upper triangle, 2 x N."""
    shape = shape_of("triu_indices", (row, col))
    return wrap(np.stack(np.triu_indices(shape[0], offset, shape[1])).astype(as_dtype(dtype)))


def complex(real: Tensor, imag: Tensor, *, out: Tensor | None = None) -> Tensor:
    """real + i imag; of constants, for complex tensors are not differentiated."""
    if not isinstance(real, Tensor) or not isinstance(imag, Tensor):
        kinds = f"{type(real).__name__} and {type(imag).__name__}"
        raise ArgumentError(f"complex: real and imag must be Tensors, got {kinds}; write autograd.tensor(...)")
    if is_grad_enabled() and (real.requires_grad or imag.requires_grad):
        raise DTypeError(
            "complex: real or imag requires grad, but complex tensors are not differentiated; detach() it first"
        )
    if real.dtype != imag.dtype or not is_floating(real.dtype):
        raise DTypeError(f"complex: real and imag must be floats of one type, got {real.dtype} and {imag.dtype}")
    return finish(real.array + 1j * imag.array, out, False, exact=True)


# ---------------------------------------------------------------------------------------------------------------------
# In the likeness of another tensor.


def _tensor(name: str, input: Any) -> None:
    if not isinstance(input, Tensor):
        raise ArgumentError(f"{name}: input must be a Tensor, got {type(input).__name__}; zeros, full, ... take a size")


def zeros_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
               memory_format: Any = None) -> Tensor:  # fmt: skip
    """Zeros of `input`'s shape and type.

    >>> import autograd
    >>> autograd.zeros_like(autograd.tensor([1, 2]))
    tensor([0, 0])
    """
    return full_like(input, 0, dtype=dtype, requires_grad=requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
              memory_format: Any = None) -> Tensor:  # fmt: skip
    """Ones of `input`'s shape and type."""
    return full_like(input, 1, dtype=dtype, requires_grad=requires_grad)


def empty_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
               memory_format: Any = None) -> Tensor:  # fmt: skip
    """An uninitialised tensor of `input`'s shape and type."""
    _tensor("empty_like", input)
    kind = input.array.dtype if dtype is None else as_dtype(dtype)
    return finish(np.empty_like(input.array, kind), None, requires_grad)


def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
              memory_format: Any = None) -> Tensor:  # fmt: skip
    """`fill_value` in `input`'s shape and type."""
    _tensor("full_like", input)
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    kind = input.array.dtype if dtype is None else as_dtype(dtype)
    return finish(_fitting(value, kind, lambda: np.full_like(input.array, value, kind)), None, requires_grad)


@method
def new_zeros(self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of the given size and this tensor's type."""
    return zeros(*size, dtype=dtype or self.dtype, requires_grad=requires_grad)


@method
def new_ones(self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of the given size and this tensor's type."""
    return ones(*size, dtype=dtype or self.dtype, requires_grad=requires_grad)


@method
def new_empty(self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uninitialised memory of the given size and this tensor's type."""
    return empty(*size, dtype=dtype or self.dtype, requires_grad=requires_grad)


@method
def new_full(self: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None,
             requires_grad: bool = False) -> Tensor:  # fmt: skip
    """`fill_value` in the given size and this tensor's type."""
    return full(size, fill_value, dtype=dtype or self.dtype, requires_grad=requires_grad)


@method
def new_tensor(self: Tensor, data: Any, *, dtype: Any = None, device: Any = None,
               requires_grad: bool = False) -> Tensor:  # fmt: skip
    """A copy of `data` in this tensor's type."""
    from .create import tensor

    return tensor(data, dtype=dtype or self.dtype, requires_grad=requires_grad)
