"""Convolutions and their transposes.  The maths is in `autograd/ops/conv.py`; here are PyTorch's arguments."""

from __future__ import annotations

from typing import Any

from autograd import Tensor
from autograd.errors import ArgumentError, DTypeError, ShapeError
from autograd.ops.conv import convolution, convolution_input
from autograd.ops.pad import pad
from autograd.ops.windows import fold as fold
from autograd.ops.windows import output_size, sizes_of
from autograd.ops.windows import unfold as unfold

from .checks import tensors


def _checked(
    name: str, n: int, input: Tensor, weight: Tensor, bias: Tensor | None, groups: int, transposed: bool
) -> Tensor:
    """`input` with a batch dimension, after everything has been checked that does not depend on the window."""
    tensors(name, input=input, weight=weight)
    filters, given = weight.array.shape, input.array.shape
    if len(filters) != n + 2:
        layout = "(Cin, Cout/groups, *kernel)" if transposed else "(Cout, Cin/groups, *kernel)"
        raise ShapeError(f"{name}: weight must have {n + 2} dimensions {layout}, got shape {list(filters)}")
    if len(given) not in (n + 1, n + 2):
        raise ShapeError(
            f"{name}: input must have {n + 1} or {n + 2} dimensions, (N, C, ...) or (C, ...), got {list(given)}"
        )
    if not isinstance(groups, int) or groups < 1:
        raise ArgumentError(f"{name}: groups must be a positive int, got {groups!r}")
    channels = filters[0] if transposed else filters[1] * groups
    images = given[-n - 1 :]
    if images[0] != channels:
        raise ShapeError(
            f"{name}: weight {list(filters)} with groups={groups} expects input with {channels} channels, "
            f"got {images[0]} in {list(given)}"
        )
    if filters[0] % groups or 0 in filters:
        raise ShapeError(f"{name}: weight of shape {list(filters)} cannot be cut into groups={groups} non-empty parts")
    if 0 in images:
        raise ShapeError(f"{name}: input of shape {list(given)} has a dimension of size 0 other than the batch")
    kind = input.array.dtype
    if weight.array.dtype != kind or (bias is not None and bias.array.dtype != kind):
        kinds = [str(t.dtype) for t in (input, weight, bias) if t is not None]
        raise DTypeError(f"{name}: input, weight and bias must be of one dtype, got {', '.join(kinds)}")
    if bias is not None:
        outputs = filters[1] * groups if transposed else filters[0]
        if bias.array.shape != (outputs,):
            raise ShapeError(
                f"{name}: bias must have shape [{outputs}], one for each output channel, got {list(bias.shape)}"
            )
    return input if len(given) == n + 2 else input.unsqueeze(0)


def _convolve(name: str, n: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any,
              dilation: Any, groups: int) -> Tensor:  # fmt: skip
    x = _checked(name, n, input, weight, bias, groups, False)
    stride, dilation = sizes_of(name, stride, n, "stride"), sizes_of(name, dilation, n, "dilation")
    kernel = weight.array.shape[2:]
    if padding == "same":
        if any(s != 1 for s in stride):
            raise ArgumentError(f"{name}: padding='same' needs stride=1, got {stride}")
        total = [d * (k - 1) for d, k in zip(dilation, kernel)]
        if any(t % 2 for t in total):  # one more at the end
            x = pad(x, [p for t in reversed(total) for p in (0, t % 2)])
        padding = tuple(t // 2 for t in total)
    elif isinstance(padding, str):
        if padding != "valid":
            raise ArgumentError(f"{name}: padding must be 'valid', 'same' or ints, got {padding!r}")
        padding = 0
    padding = sizes_of(name, padding, n, "padding", 0)
    if min(map(output_size, x.array.shape[2:], kernel, stride, padding, dilation)) < 1:
        raise ShapeError(f"{name}: the kernel {list(kernel)} with dilation={dilation} is larger than the padded input "
                         f"({list(input.shape)}, padding={padding})")  # fmt: skip
    y = convolution.op.apply((x, weight, bias), (stride, padding, dilation, groups))
    return y if input.array.ndim == n + 2 else y.squeeze(0)  # type: ignore[no-any-return]


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution of (N, C, L) with filters (F, C/groups, K),
    y[n, f, i] = b_f + Σ_ck w[f, c, k] x[n, c, stride i + dilation k - padding].

    >>> import autograd, nn.functional as F
    >>> F.conv1d(autograd.tensor([[[1.0, 2.0, 4.0]]]), autograd.tensor([[[-1.0, 1.0]]]))
    tensor([[[1., 2.]]])
    """
    return _convolve("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution of images (N, C, H, W) with filters (F, C/groups, kH, kW); `padding` may also be "same" or "valid".

    >>> import autograd, nn.functional as F
    >>> F.conv2d(autograd.ones(1, 1, 3, 3), autograd.ones(1, 1, 2, 2))
    tensor([[[[4., 4.],
              [4., 4.]]]])
    """
    return _convolve("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution of volumes (N, C, D, H, W) with filters (F, C/groups, kD, kH, kW)."""
    return _convolve("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def _transpose(name: str, n: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any,
               output_padding: Any, groups: int, dilation: Any) -> Tensor:  # fmt: skip
    x = _checked(name, n, input, weight, bias, groups, True)
    stride, dilation = sizes_of(name, stride, n, "stride"), sizes_of(name, dilation, n, "dilation")
    padding, extra = sizes_of(name, padding, n, "padding", 0), sizes_of(name, output_padding, n, "output_padding", 0)
    if any(e >= s and e >= d for e, s, d in zip(extra, stride, dilation)):
        raise ArgumentError(
            f"{name}: output_padding={extra} must be smaller than stride={stride} or dilation={dilation}"
        )
    spatial = tuple(
        (o - 1) * s - 2 * p + d * (k - 1) + e + 1
        for o, s, p, d, k, e in zip(x.array.shape[2:], stride, padding, dilation, weight.array.shape[2:], extra)
    )
    if min(spatial) < 1:
        raise ShapeError(f"{name}: padding={padding} leaves an output of size {spatial}; it must be positive")
    y = convolution_input.op.apply((x, weight), (spatial, stride, padding, dilation, groups))
    if bias is not None:
        y = y + bias.reshape(1, -1, *(1,) * n)
    return y if input.array.ndim == n + 2 else y.squeeze(0)


def conv_transpose1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
                     output_padding: Any = 0, groups: int = 1, dilation: Any = 1) -> Tensor:  # fmt: skip
    """The transpose of `conv1d`, weight (Cin, Cout/groups, K)."""
    return _transpose("conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
                     output_padding: Any = 0, groups: int = 1, dilation: Any = 1) -> Tensor:  # fmt: skip
    """The transpose of `conv2d`, weight (Cin, Cout/groups, kH, kW): each element spreads a filter over the output.

    >>> import autograd, nn.functional as F
    >>> F.conv_transpose2d(autograd.ones(1, 1, 1, 1), autograd.ones(1, 1, 2, 2), stride=2)
    tensor([[[[1., 1.],
              [1., 1.]]]])
    """
    return _transpose("conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
                     output_padding: Any = 0, groups: int = 1, dilation: Any = 1) -> Tensor:  # fmt: skip
    """The transpose of `conv3d`, weight (Cin, Cout/groups, kD, kH, kW)."""
    return _transpose("conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups, dilation)
