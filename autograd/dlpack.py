"""DLPack: sharing memory with other array libraries, through NumPy's implementation of the protocol.

Definition: https://data-apis.org/array-api/latest/design_topics/data_interchange.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .conversions import leaving
from .dtypes import as_dtype
from .errors import ArgumentError, WengertError
from .tensor import Tensor, method, wrap

__all__ = ["from_dlpack"]

CPU = (1, 0)  # kDLCPU, the only device there is


class ExportError(WengertError, BufferError):
    """A tensor that cannot be handed to another library; the protocol asks for a BufferError."""


class _Capsule:
    """A bare capsule in the form in which NumPy takes it."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return CPU


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor that shares memory with an array of another library (or with a DLPack capsule).

    With `copy` the memory is its own.  Raises ArgumentError for what does not speak DLPack, DTypeError for an element
    type that tensors do not have.

    >>> import autograd, numpy as np
    >>> from autograd.dlpack import from_dlpack
    >>> a = np.zeros(2); t = from_dlpack(a); a[0] = 1; t
    tensor([1., 0.], dtype=float64)
    """
    if device is not None and str(device) != "cpu":
        raise ArgumentError(f"from_dlpack: device must be 'cpu' or None, got {device!r}")
    if type(ext_tensor).__name__ == "PyCapsule":
        ext_tensor = _Capsule(ext_tensor)
    if not hasattr(ext_tensor, "__dlpack__") or not hasattr(ext_tensor, "__dlpack_device__"):
        raise ArgumentError(
            f"from_dlpack: ext_tensor must be an array with the method __dlpack__, got {type(ext_tensor).__name__}; "
            "use autograd.tensor(...) to copy numbers or sequences"
        )
    where = tuple(ext_tensor.__dlpack_device__())
    if where[0] != CPU[0]:
        raise ArgumentError(f"from_dlpack: ext_tensor is on device {where}, not in main memory; move it there first")
    if isinstance(ext_tensor, Tensor):
        __dlpack__(ext_tensor)  # NumPy would take its array and miss what forbids the export
    try:
        array = np.from_dlpack(ext_tensor)
    except WengertError:
        raise
    except (BufferError, RuntimeError, ValueError, TypeError) as error:
        raise ArgumentError(f"from_dlpack: ext_tensor cannot be shared: {error}") from None
    as_dtype(array.dtype)
    return wrap(array.copy() if copy else array)


@method
def __dlpack__(
    self: Tensor,
    *,
    stream: Any = None,
    max_version: tuple[int, int] | None = None,
    dl_device: tuple[int, int] | None = None,
    copy: bool | None = None,
) -> Any:
    """A capsule for the consumer's ``from_dlpack``; raises a BufferError for what cannot be shared safely."""
    array = leaving(self.array)
    if self.requires_grad:
        raise ExportError("this tensor requires grad and the array would not; export t.detach()")
    if not array.flags.writeable and not copy:
        raise ExportError(
            "this tensor's memory is read-only (it was expanded, or made from a read-only array) and most libraries "
            "would write into it all the same; export t.clone()"
        )
    if any(step < 0 for step in array.strides) and not copy:
        raise ExportError("this tensor runs backwards through memory, which other libraries cannot; export t.clone()")
    try:
        return array.__dlpack__(stream=stream, max_version=max_version, dl_device=dl_device, copy=copy)
    except (BufferError, ValueError, RuntimeError) as error:
        raise ExportError(f"a tensor of type {array.dtype} cannot be exported: {error}") from None


@method
def __dlpack_device__(self: Tensor) -> tuple[int, int]:
    """Main memory."""
    return CPU
