"""Windows that slide over the last dimensions: reading them all (im2col) and adding them back (its transpose)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..op import op

Sizes = tuple[int, ...]


def sizes_of(name: str, value: Any, n: int, what: str, least: int = 1) -> Sizes:
    """`value`, an int or `n` of them, as a tuple; each at least `least`."""
    if value.__class__ is int and value >= least:
        return (value,) * n
    if value.__class__ is tuple and len(value) == n and {*map(type, value)} == {int} and min(value) >= least:
        return value  # type: ignore[no-any-return]
    sizes = tuple(value) if isinstance(value, tuple | list) else (value,) * n
    sizes = sizes * n if len(sizes) == 1 else sizes
    if len(sizes) != n or not all(isinstance(s, int | np.integer) for s in sizes):
        raise ArgumentError(f"{name}: {what} must be an int or {n} ints, got {value!r}")
    if any(s < least for s in sizes):
        raise ArgumentError(f"{name}: {what} must be at least {least}, got {value!r}")
    return tuple(int(s) for s in sizes)


def output_size(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """⌊(size + 2 padding - dilation (kernel - 1) - 1) / stride⌋ + 1."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def padded(x: np.ndarray, padding: Sizes, value: Any = 0, extra: Sizes | None = None) -> np.ndarray:
    """`x` with `padding` of `value` on both sides of its last dimensions, and `extra` more at the end."""
    extra = extra or (0,) * len(padding)
    if not any(padding) and not any(extra):
        return x
    n = len(padding)
    shape = x.shape[:-n] + tuple(s + 2 * p + e for s, p, e in zip(x.shape[-n:], padding, extra))
    out = np.zeros(shape, x.dtype) if value == 0 else np.full(shape, value, x.dtype)
    place: Any = (..., *(slice(p, p + s) for s, p in zip(x.shape[-n:], padding)))
    out[place] = x
    return out


def windows(x: np.ndarray, kernel: Sizes, stride: Sizes, dilation: Sizes) -> np.ndarray:
    """A view (..., *kernel, *output) of the windows over the last dimensions of `x`."""
    n = len(kernel)
    outputs = tuple((s - d * (k - 1) - 1) // t + 1 for s, k, t, d in zip(x.shape[-n:], kernel, stride, dilation))
    inner = tuple(s * d for s, d in zip(x.strides[-n:], dilation))
    outer = tuple(s * t for s, t in zip(x.strides[-n:], stride))
    return np.lib.stride_tricks.as_strided(
        x, x.shape[:-n] + kernel + outputs, x.strides[:-n] + inner + outer, writeable=False
    )


def spans(offset: Sizes, outputs: Sizes, stride: Sizes, dilation: Sizes) -> Any:
    """Where the windows' elements at one offset lie in the last dimensions."""
    return (..., *(slice(o * d, o * d + (m - 1) * t + 1, t) for o, d, m, t in zip(offset, dilation, outputs, stride)))


def add_windows(out: np.ndarray, columns: np.ndarray, kernel: Sizes, stride: Sizes, dilation: Sizes) -> None:
    """Add `columns` (..., *kernel, *output) to where `windows` would have read them in `out`."""
    n = len(kernel)
    outputs = columns.shape[-n:]
    for offset in np.ndindex(*kernel):
        out[spans(offset, outputs, stride, dilation)] += columns[(..., *offset, *(slice(None),) * n)]


def cropped(x: np.ndarray, padding: Sizes, sizes: Sizes) -> np.ndarray:
    """`x` without its padding."""
    place: Any = tuple(slice(p, p + s) for p, s in zip(padding, sizes))
    return x[(..., *place)]


# ---------------------------------------------------------------------------------------------------------------------
# The two as ops of their own.


@op(name="unfold", symbol="im2col", method=False, linear=True)
def unfolded(input: Any, /, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Any:
    """(N, C, *spatial) -> (N, C, *kernel, *output): all windows, side by side."""
    return np.ascontiguousarray(windows(padded(input, padding), kernel, stride, dilation))


@op(name="fold", symbol="col2im", method=False, linear=True)
def folded(input: Any, /, spatial: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Any:
    """(N, C, *kernel, *output) -> (N, C, *spatial): windows added where they overlap; the transpose of `unfolded`."""
    lead = input.shape[: input.ndim - 2 * len(kernel)]
    out = np.zeros(lead + tuple(s + 2 * p for s, p in zip(spatial, padding)), input.dtype)
    add_windows(out, input, kernel, stride, dilation)
    return np.ascontiguousarray(cropped(out, padding, spatial))


unfolded.derivative(
    input=lambda g, input_shape, kernel, stride, padding, dilation: folded(
        g, tuple(input_shape[-len(kernel) :]), kernel, stride, padding, dilation
    )
)
folded.derivative(input=lambda g, kernel, stride, padding, dilation: unfolded(g, kernel, stride, padding, dilation))
unfolded.samples(lambda draw, case: [case(draw(1, 2, 4, 5), (2, 3), (1, 1), (0, 0), (1, 1)),
                                     case(draw(1, 1, 5), (2,), (2,), (1,), (2,))])  # fmt: skip
folded.samples(lambda draw, case: [case(draw(1, 1, 2, 2, 2, 3), (3, 4), (2, 2), (1, 1), (0, 0), (1, 1))])


def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Windows of images as columns: (N, C, H, W) -> (N, C · kh · kw, L) with L windows.

    >>> import autograd, nn.functional as F
    >>> F.unfold(autograd.ones(1, 2, 3, 3), 2).shape
    Size([1, 8, 4])
    """
    kernel, stride = sizes_of("unfold", kernel_size, 2, "kernel_size"), sizes_of("unfold", stride, 2, "stride")
    padding, dilation = sizes_of("unfold", padding, 2, "padding", 0), sizes_of("unfold", dilation, 2, "dilation")
    single = input.array.ndim == 3
    x = input.unsqueeze(0) if single else input
    if x.array.ndim != 4 or 0 in x.array.shape[1:]:
        raise ShapeError(f"unfold: input must be (N, C, H, W) or (C, H, W), got shape {list(input.shape)}")
    if min(map(output_size, x.array.shape[2:], kernel, stride, padding, dilation)) < 1:
        raise ShapeError(
            f"unfold: kernel_size={kernel} with dilation={dilation} is larger than the padded input {list(x.shape)}"
        )
    columns = unfolded(x, kernel, stride, padding, dilation)
    n, c = x.array.shape[:2]
    blocks = columns.array.shape[-2] * columns.array.shape[-1]
    result = columns.reshape(n, c * kernel[0] * kernel[1], blocks)
    return result.squeeze(0) if single else result


def fold(input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Columns of windows added up into images: (N, C · kh · kw, L) -> (N, C, H, W).

    >>> import autograd, nn.functional as F
    >>> F.fold(autograd.ones(1, 4, 4), (3, 3), 2)[0, 0]
    tensor([[1., 2., 1.],
            [2., 4., 2.],
            [1., 2., 1.]])
    """
    size = sizes_of("fold", output_size, 2, "output_size")
    kernel, stride = sizes_of("fold", kernel_size, 2, "kernel_size"), sizes_of("fold", stride, 2, "stride")
    padding, dilation = sizes_of("fold", padding, 2, "padding", 0), sizes_of("fold", dilation, 2, "dilation")
    single = input.array.ndim == 2
    x = input.unsqueeze(0) if single else input
    outputs = tuple(map(_output_size, size, kernel, stride, padding, dilation))
    area = kernel[0] * kernel[1]
    if x.array.ndim != 3 or min(outputs) < 1 or x.array.shape[1] % area or x.array.shape[2] != outputs[0] * outputs[1]:
        raise ShapeError(f"fold: input must be (N, C · {area}, {outputs[0] * outputs[1]}) for output_size={size}, "
                         f"kernel_size={kernel}, got shape {list(input.shape)}")  # fmt: skip
    columns = x.reshape(x.array.shape[0], x.array.shape[1] // area, *kernel, *outputs)
    result = folded(columns, size, kernel, stride, padding, dilation)
    return result.squeeze(0) if single else result


_output_size = output_size
