"""Tensors in other forms: as numbers, arrays, NumPy's operand, a pickle; and what can be asked of their memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from . import quiet as bodies
from .dtypes import is_floating
from .errors import ArgumentError, ShapeError, TapeError
from .tensor import Tensor, attach, method, numpy_functions, plain, wrap


@method
def size(self: Tensor, dim: int | None = None) -> Any:
    """All sizes, or that of dimension `dim`."""
    return self.shape if dim is None else self.array.shape[dim]


@method
def dim(self: Tensor) -> int:
    """The number of dimensions."""
    return self.array.ndim


attach("ndimension", dim, dim)


@method
def numel(self: Tensor) -> int:
    """The number of elements."""
    return self.array.size


attach("nelement", numel, numel)


@method
def stride(self: Tensor, dim: int | None = None) -> Any:
    """Steps between neighbours along each dimension, in elements."""
    strides = tuple(s // self.array.itemsize for s in self.array.strides)
    return strides if dim is None else strides[dim]


@method
def is_contiguous(self: Tensor) -> bool:
    """Whether the elements lie in row-major order without gaps."""
    return self.array.flags.c_contiguous


@method
def is_floating_point(self: Tensor) -> bool:
    """Whether the elements are real floating-point numbers."""
    return is_floating(self.array.dtype)


@method
def is_complex(self: Tensor) -> bool:
    """Whether the elements are complex."""
    return self.array.dtype.kind == "c"


@method
def element_size(self: Tensor) -> int:
    """Bytes per element."""
    return self.array.itemsize


@method
def numpy(self: Tensor, *, force: bool = False) -> np.ndarray:
    """The values as an array that shares memory; a tensor on the tape must be detached first."""
    if self.node is not None and not force:
        raise TapeError("numpy(): this tensor requires grad and the array would not; write t.detach().numpy()")
    return leaving(self.array)


@method
def item(self: Tensor) -> Any:
    """The only element, as a Python number."""
    if self.array.size != 1:
        raise ShapeError(f"item(): expected one element, not shape {tuple(self.shape)}; use tolist()")
    return self.array.item()


@method
def tolist(self: Tensor) -> Any:
    """The values as nested lists."""
    return self.array.tolist()


@method
def __array__(self: Tensor, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
    if copy is False or (copy is None and (dtype is None or self.array.dtype == dtype)):
        return np.asarray(leaving(self.array), dtype)
    return np.array(leaving(self.array), dtype)


def leaving(array: np.ndarray) -> np.ndarray:
    """`array`, of which a recorder is told that NumPy may do anything with it now."""
    if bodies.watcher is not None and bodies.watcher.sees(array):
        bodies.watcher.gives_up("a tensor is handed to NumPy")
    return array


@method
def __bool__(self: Tensor) -> bool:
    if self.array.size != 1:
        raise ArgumentError(f"a tensor of shape {tuple(self.shape)} has no single truth value; use .any() or .all()")
    return bool(self.array.item())


@method
def __int__(self: Tensor) -> int:
    return int(self.item())


@method
def __float__(self: Tensor) -> float:
    return float(self.item())


@method
def __complex__(self: Tensor) -> complex:
    return complex(self.item())


@method
def __index__(self: Tensor) -> int:
    if self.array.dtype.kind not in "iub" or self.array.size != 1:
        raise TypeError(f"an index is an integer tensor of one element, not {self.array.dtype}{list(self.shape)}")
    return int(self.array.item())


@method
def __len__(self: Tensor) -> int:
    if self.array.ndim == 0:
        raise TypeError("len() of a 0-d tensor")
    return len(self.array)


@method
def __iter__(self: Tensor) -> Iterator[Tensor]:
    if self.array.ndim == 0:
        raise TypeError("iteration over a 0-d tensor; use .item()")
    return (self[i] for i in range(len(self.array)))


@method
def __contains__(self: Tensor, value: Any) -> bool:
    return bool((self.array == plain(value)).any())


@method
def __array_ufunc__(self: Tensor, ufunc: Any, how: str, *inputs: Any, **kwargs: Any) -> Any:
    function = numpy_functions.get(ufunc) if how == "__call__" else None
    if function is None:
        raise ArgumentError(f"numpy.{ufunc.__name__}{'' if how == '__call__' else '.' + how} has no counterpart on the "
                            "tape; apply it to t.detach().numpy()")  # fmt: skip
    return function(*(wrap(x) if isinstance(x, np.ndarray) else x for x in inputs), **kwargs)


@method
def __array_function__(self: Tensor, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
    function = numpy_functions.get(func)
    if function is None:
        raise ArgumentError(f"numpy.{func.__name__} has no counterpart on the tape; apply it to t.detach().numpy()")
    return function(*args, **kwargs)


@method
def __deepcopy__(self: Tensor, memo: dict[int, Any]) -> Tensor:
    if not self.is_leaf:
        raise TapeError("only leaves can be deep-copied: a computed tensor's copy would have no tape; use detach()")
    new = memo[id(self)] = self._rebuild(self.array.copy(), self.requires_grad)
    new.grad = None if self.grad is None else self.grad.__deepcopy__(memo)
    if hasattr(self, "__dict__"):  # a subclass's own attributes; Tensor itself has slots
        new.__dict__.update(self.__dict__)
    return new


@method
def __reduce_ex__(self: Tensor, protocol: Any) -> Any:
    if not self.is_leaf:
        raise TapeError("only leaves can be pickled; use detach()")
    return _unpickle, (type(self), self.array, self.requires_grad)


def _unpickle(cls: type[Tensor], array: np.ndarray, requires_grad: bool) -> Tensor:
    return cls._rebuild(array, requires_grad)


@method
def data_ptr(self: Tensor) -> int:
    """Address of the first element."""
    return int(self.array.__array_interface__["data"][0])
