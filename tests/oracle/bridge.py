"""Between PyTorch's world and ours: the same function by name, the same arguments by value."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

import autograd
import nn.functional
from autograd.tensor import Tensor, wrap

DTYPES = {
    torch.float16: np.float16, torch.float32: np.float32, torch.float64: np.float64, torch.bool: np.bool_,
    torch.int8: np.int8, torch.int16: np.int16, torch.int32: np.int32, torch.int64: np.int64, torch.uint8: np.uint8,
    torch.complex64: np.complex64, torch.complex128: np.complex128,
}  # fmt: skip


def counterpart(name: str) -> Callable[..., Any] | None:
    """Our function of PyTorch's dotted name; None if we do not have it."""
    parts = name.split(".")
    place: Any = nn.functional if parts[:2] == ["nn", "functional"] else autograd
    parts = parts[2:] if place is nn.functional else parts
    for part in parts:
        place = getattr(place, part, None)
        if place is None:
            place = getattr(Tensor, name, None)
            break
    if isinstance(place, property):  # x.T and its like
        return place.fget
    return place if callable(place) else None


def to_ours(x: Any) -> Any:
    """A PyTorch argument as ours: tensors copied, leaves stay leaves."""
    if isinstance(x, torch.Tensor):
        array = x.detach().numpy(force=True)
        strides = array.strides
        copy = np.lib.stride_tricks.as_strided(_memory_copy(x), array.shape, strides) if array.size else array.copy()
        return wrap(copy).requires_grad_() if x.requires_grad else wrap(copy)
    if isinstance(x, torch.dtype):
        return np.dtype(DTYPES[x])
    if isinstance(x, torch.device):
        return "cpu"
    if x is torch.nn.functional.relu or x is torch.nn.functional.gelu:  # an activation that a module takes
        return getattr(nn.functional, x.__name__)
    if isinstance(x, torch.nn.PairwiseDistance):
        return nn.functional.pairwise_distance
    if isinstance(x, slice):
        return slice(to_ours(x.start), to_ours(x.stop), to_ours(x.step))
    if isinstance(x, torch.Size):
        return tuple(x)
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*(to_ours(y) for y in x))
    if isinstance(x, list | tuple):
        return type(x)(to_ours(y) for y in x)
    if isinstance(x, dict):
        return {k: to_ours(v) for k, v in x.items()}
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        raise TypeError(f"unexpected argument {x!r}")
    return x


def _memory_copy(x: torch.Tensor) -> np.ndarray:
    """The stretch of memory that `x` looks at, copied, so that strides (and overlaps) survive."""
    return x.detach().as_strided((_span(x),), (1,), x.storage_offset()).numpy(force=True).copy()


def _span(x: torch.Tensor) -> int:
    return 1 + sum((size - 1) * stride for size, stride in zip(x.shape, x.stride(), strict=True))


def flat(x: Any) -> Iterator[Any]:
    """The tensors (and numbers) in a result, in order."""
    if isinstance(x, list | tuple):
        for y in x:
            yield from flat(y)
    else:
        yield x


def leaves(x: Any) -> Iterator[Any]:
    """The tensors in arguments that want gradients, in order."""
    if isinstance(x, dict):
        x = tuple(x.values())
    if isinstance(x, list | tuple):
        for y in x:
            yield from leaves(y)
    elif isinstance(x, torch.Tensor | Tensor) and x.requires_grad:
        yield x


def numbers(x: Any) -> np.ndarray:
    """A result as an array."""
    if isinstance(x, torch.Tensor):
        return x.detach().resolve_conj().resolve_neg().numpy(force=True)
    return np.asarray(x.array if isinstance(x, Tensor) else x)


# Relative error by the precision of the type: a few units in the last place, times the square root of the number of
# terms in the largest sums of the samples.  PyTorch's own tests use 1.3e-6 and 1e-7.
RTOL = {
    np.dtype(np.float32): 1.3e-6,
    np.dtype(np.float64): 1e-7,
    np.dtype(np.complex64): 1.3e-6,
    np.dtype(np.complex128): 1e-7,
}
ATOL = {
    np.dtype(np.float32): 1e-5,
    np.dtype(np.float64): 1e-7,
    np.dtype(np.complex64): 1e-5,
    np.dtype(np.complex128): 1e-7,
}


def in_double(sample: Any) -> Any:
    """A sample of PyTorch's database with float64 in place of float32."""

    def double(x: Any) -> Any:
        if isinstance(x, torch.Tensor) and x.dtype == torch.float32:
            return x.detach().double().requires_grad_(x.requires_grad)
        return torch.float64 if x is torch.float32 else x

    return sample.transform(double)


def assert_same(ours: Any, theirs: Any, what: str, scale: float = 1.0, double: bool = False) -> None:
    """Same shape, same dtype, same values; with `double`, PyTorch computed in float64 what we did in float32."""
    a, b = numbers(ours), numbers(theirs)
    if double and b.dtype == np.float64:
        b = b.astype(np.float32)
    assert a.shape == b.shape, f"{what}: shape {a.shape}, PyTorch has {b.shape}"
    if isinstance(theirs, torch.Tensor) or double:
        assert a.dtype == b.dtype, f"{what}: dtype {a.dtype}, PyTorch has {b.dtype}"
    rtol, atol = RTOL.get(b.dtype, 0), ATOL.get(b.dtype, 0)
    np.testing.assert_allclose(a, b, rtol=rtol * scale, atol=atol * scale, err_msg=what)
