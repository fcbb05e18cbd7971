"""Convolutional layers."""

from __future__ import annotations

import math
from typing import Any

import autograd
from autograd import Tensor
from autograd.errors import ArgumentError
from autograd.ops.windows import sizes_of

from .. import functional as F
from .. import init
from ..module import Module
from ..parameter import Parameter


class _Conv(Module):
    """What all convolutions share: the arguments, the parameters and their initial values."""

    n: int
    transposed = False
    output_padding: tuple[int, ...]

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
                 dilation: Any = 1, groups: int = 1, bias: bool = True, padding_mode: str = "zeros",
                 dtype: Any = None, output_padding: Any = 0) -> None:  # fmt: skip
        super().__init__()
        name = type(self).__name__
        if groups <= 0 or in_channels % groups or out_channels % groups:
            raise ArgumentError(f"{name}: groups={groups} must be positive and divide in_channels={in_channels} and "
                                f"out_channels={out_channels}")  # fmt: skip
        if padding_mode not in ("zeros", "reflect", "replicate", "circular"):
            raise ArgumentError(
                f"{name}: padding_mode must be 'zeros', 'reflect', 'replicate' or 'circular', got {padding_mode!r}"
            )
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ArgumentError(f"{name}: padding must be 'same', 'valid' or ints, got {padding!r}")
        self.in_channels, self.out_channels, self.groups, self.padding_mode = (
            in_channels,
            out_channels,
            groups,
            padding_mode,
        )
        self.kernel_size = sizes_of(name, kernel_size, self.n, "kernel_size")
        self.stride = sizes_of(name, stride, self.n, "stride")
        if padding == "same" and any(s != 1 for s in self.stride):
            raise ArgumentError(f"{name}: padding='same' needs stride=1, got {self.stride}")
        self.padding: Any = padding if isinstance(padding, str) else sizes_of(name, padding, self.n, "padding", 0)
        self.dilation = sizes_of(name, dilation, self.n, "dilation")
        self.output_padding = sizes_of(name, output_padding, self.n, "output_padding", 0)
        outer, inner = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = Parameter(autograd.empty(outer, inner // groups, *self.kernel_size, dtype=dtype))
        self.bias = Parameter(autograd.empty(out_channels, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Fresh initial values: uniform on ±1/√fan-in."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in = init.fans(self.weight)[0]
            bound = 1 / math.sqrt(fan_in) if fan_in else 0
            init.uniform_(self.bias, -bound, bound)

    def _padded(self, input: Tensor) -> tuple[Tensor, Any]:
        """The input with the margins of `padding_mode`, and what padding is left to do."""
        if self.padding_mode == "zeros":
            return input, self.padding
        if self.padding == "valid":
            return input, 0
        sides = [(d * (k - 1) // 2, d * (k - 1) - d * (k - 1) // 2) for d, k in zip(self.dilation, self.kernel_size)]
        pairs = sides if self.padding == "same" else [(p, p) for p in self.padding]
        return F.pad(input, [side for pair in reversed(pairs) for side in pair], mode=self.padding_mode), 0

    def extra_repr(self) -> str:
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        zeros, ones = (0,) * self.n, (1,) * self.n
        parts += [f"padding={self.padding!r}"] if self.padding != zeros else []
        parts += [f"dilation={self.dilation}"] if self.dilation != ones else []
        parts += [f"output_padding={self.output_padding}"] if self.output_padding != zeros else []
        parts += [f"groups={self.groups}"] if self.groups != 1 else []
        parts += ["bias=False"] if self.bias is None else []
        parts += [f"padding_mode={self.padding_mode}"] if self.padding_mode != "zeros" else []
        return ", ".join(parts)


class _Forward(_Conv):
    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
                 dilation: Any = 1, groups: int = 1, bias: bool = True, padding_mode: str = "zeros", device: Any = None,
                 dtype: Any = None) -> None:  # fmt: skip
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, dtype
        )


class Conv1d(_Forward):
    """Convolution of (N, C, L) to (N, F, L'); weight (F, C/groups, K)."""

    n = 1

    def forward(self, input: Tensor) -> Tensor:
        x, padding = self._padded(input)
        return F.conv1d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv2d(_Forward):
    """Convolution of images (N, C, H, W) to (N, F, H', W'); weight (F, C/groups, kH, kW).

    >>> import autograd, nn
    >>> nn.Conv2d(1, 8, 3, padding=1)(autograd.zeros(2, 1, 5, 5)).shape
    Size([2, 8, 5, 5])
    """

    n = 2

    def forward(self, input: Tensor) -> Tensor:
        x, padding = self._padded(input)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv3d(_Forward):
    """Convolution of volumes (N, C, D, H, W); weight (F, C/groups, kD, kH, kW)."""

    n = 3

    def forward(self, input: Tensor) -> Tensor:
        x, padding = self._padded(input)
        return F.conv3d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class _Transposed(_Conv):
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ArgumentError(f"{type(self).__name__}: only padding_mode='zeros' is possible, got {padding_mode!r}")
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            dtype,
            output_padding,
        )

    def _extra(self, input: Tensor, output_size: Any) -> Any:
        """The output padding that gives `output_size`."""
        if output_size is None:
            return self.output_padding
        wanted = tuple(output_size)[-self.n :]
        least = [(i - 1) * s - 2 * p + d * (k - 1) + 1 for i, s, p, d, k in
                 zip(input.shape[-self.n :], self.stride, self.padding, self.dilation, self.kernel_size)]  # fmt: skip
        extra = tuple(w - m for w, m in zip(wanted, least))
        if any(not 0 <= e < s for e, s in zip(extra, self.stride)):
            top = [m + s - 1 for m, s in zip(least, self.stride)]
            raise ArgumentError(
                f"output_size: {wanted} must lie between {least} and {top} for an input of {list(input.shape)}"
            )
        return extra


class ConvTranspose1d(_Transposed):
    """The transpose of `Conv1d`; weight (C, F/groups, K)."""

    n = 1

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        return F.conv_transpose1d(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self._extra(input, output_size),
            self.groups,
            self.dilation,
        )


class ConvTranspose2d(_Transposed):
    """The transpose of `Conv2d`, which makes images larger; weight (C, F/groups, kH, kW)."""

    n = 2

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        return F.conv_transpose2d(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self._extra(input, output_size),
            self.groups,
            self.dilation,
        )


class ConvTranspose3d(_Transposed):
    """The transpose of `Conv3d`; weight (C, F/groups, kD, kH, kW)."""

    n = 3

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        return F.conv_transpose3d(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self._extra(input, output_size),
            self.groups,
            self.dilation,
        )
