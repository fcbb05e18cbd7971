"""Layers that add margins."""

from __future__ import annotations

from typing import Any

from autograd import Tensor
from autograd.ops.windows import sizes_of

from .. import functional as F
from ..module import Module


class _Pad(Module):
    n: int
    mode = "constant"
    value: float | None = None

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = sizes_of(type(self).__name__, padding, 2 * self.n, "padding", -(1 << 60))

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _Constant(_Pad):
    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_Constant):
    """Margins of a constant around (N, C, L)."""

    n = 1


class ConstantPad2d(_Constant):
    """Margins of a constant around (N, C, H, W)."""

    n = 2


class ConstantPad3d(_Constant):
    """Margins of a constant around (N, C, D, H, W)."""

    n = 3


class ZeroPad1d(_Pad):
    """Margins of zeros around (N, C, L)."""

    n = 1


class ZeroPad2d(_Pad):
    """Margins of zeros around (N, C, H, W)."""

    n = 2


class ZeroPad3d(_Pad):
    """Margins of zeros around (N, C, D, H, W)."""

    n = 3


class ReflectionPad1d(_Pad):
    """Margins that mirror (N, C, L)."""

    n, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """Margins that mirror (N, C, H, W)."""

    n, mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """Margins that mirror (N, C, D, H, W)."""

    n, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """Margins that repeat the edges of (N, C, L)."""

    n, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """Margins that repeat the edges of (N, C, H, W)."""

    n, mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """Margins that repeat the edges of (N, C, D, H, W)."""

    n, mode = 3, "replicate"


class CircularPad1d(_Pad):
    """Margins from the other end of (N, C, L)."""

    n, mode = 1, "circular"


class CircularPad2d(_Pad):
    """Margins from the other ends of (N, C, H, W)."""

    n, mode = 2, "circular"


class CircularPad3d(_Pad):
    """Margins from the other ends of (N, C, D, H, W)."""

    n, mode = 3, "circular"
