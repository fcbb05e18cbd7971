"""Initial values of parameters, drawn in PyTorch's order, so that one seed gives the same network in both."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd import Tensor
from autograd.errors import ArgumentError, ShapeError
from autograd.generator import Generator, default_generator
from autograd.writes import mark_written


def _put(tensor: Tensor, values: Any, who: str) -> Tensor:
    tensor.array[...] = values
    mark_written(tensor.array, who)
    return tensor


def _kind(tensor: Tensor) -> Any:
    return tensor.array.dtype if tensor.array.dtype.kind == "f" else np.dtype(np.float32)


def calculate_gain(nonlinearity: str, param: Any = None) -> float:
    """The factor by which weights are larger to make up for what a nonlinearity shrinks.

    >>> import nn
    >>> nn.init.calculate_gain("tanh")
    1.6666666666666667
    """
    if nonlinearity in (
        "linear",
        "conv1d",
        "conv2d",
        "conv3d",
        "conv_transpose1d",
        "conv_transpose2d",
        "conv_transpose3d",
        "sigmoid",
    ):
        return 1
    if nonlinearity == "tanh":
        return 5 / 3
    if nonlinearity == "relu":
        return math.sqrt(2)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, int | float):
            raise ArgumentError(f"negative_slope {param!r} is not a valid number")
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3 / 4
    raise ArgumentError(
        f"nonlinearity: {nonlinearity!r} is not known; one of linear, sigmoid, tanh, relu, leaky_relu, selu, conv*"
    )


def fans(tensor: Tensor) -> tuple[int, int]:
    """(fan-in, fan-out): how many inputs one output has, and the reverse, for weights (out, in, *kernel)."""
    shape = tensor.array.shape
    if len(shape) < 2:
        raise ShapeError(f"fan in and fan out need a tensor with at least 2 dimensions, got shape {list(shape)}")
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


_calculate_fan_in_and_fan_out = fans


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform on [a, b)."""
    kind = _kind(tensor)
    draws = (generator or default_generator).uniform(tensor.array.size, kind).reshape(tensor.array.shape)
    low = kind.type(a)
    if kind == np.float32:  # rounded once, as by the fused multiply-add that PyTorch is compiled to
        return _put(tensor, draws * np.float64(kind.type(b) - low) + np.float64(low), "init.uniform_")
    return _put(tensor, draws * (kind.type(b) - low) + low, "init.uniform_")


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with the given mean and standard deviation."""
    draws = (generator or default_generator).normal(tensor.array.size, _kind(tensor)).reshape(tensor.array.shape)
    return _put(tensor, draws * std + mean, "init.normal_")


def trunc_normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0,
                  generator: Generator | None = None) -> Tensor:  # fmt: skip
    """Normal, cut off at `a` and `b`, by inversion of the cumulative."""
    from autograd.ops.special import erfinv

    low, high = (0.5 * (1 + math.erf((x - mean) / std / math.sqrt(2))) for x in (a, b))
    draws = (generator or default_generator).uniform(tensor.array.size, _kind(tensor)).reshape(tensor.array.shape)
    values = erfinv(draws * (2 * high - 2 * low) + (2 * low - 1)) * (std * math.sqrt(2)) + mean
    return _put(tensor, np.clip(values, a, b), "init.trunc_normal_")


def constant_(tensor: Tensor, val: float) -> Tensor:
    """`val` everywhere."""
    return _put(tensor, val, "init.constant_")


def ones_(tensor: Tensor) -> Tensor:
    """1 everywhere."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """0 everywhere."""
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix."""
    if tensor.array.ndim != 2:
        raise ShapeError(f"eye_: expected a matrix, got shape {list(tensor.shape)}")
    return _put(tensor, np.eye(*tensor.array.shape), "init.eye_")


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """A convolution that passes its input channels through."""
    shape = tensor.array.shape
    if len(shape) not in (3, 4, 5) or shape[0] % groups:
        raise ShapeError(
            f"dirac_: expected a 3-, 4- or 5-d weight whose first size {groups} divides, got {list(shape)}"
        )
    out = np.zeros(shape)
    per = shape[0] // groups
    for g in range(groups):
        for d in range(min(per, shape[1])):
            out[(g * per + d, d, *(n // 2 for n in shape[2:]))] = 1
    return _put(tensor, out, "init.dirac_")


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform with variance gain² · 2 / (fan-in + fan-out) (Glorot and Bengio, 2010)."""
    bound = math.sqrt(3.0) * gain * math.sqrt(2.0 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with variance gain² · 2 / (fan-in + fan-out) (Glorot and Bengio, 2010)."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(fans(tensor))), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode.lower() not in ("fan_in", "fan_out"):
        raise ArgumentError(f"mode: expected 'fan_in' or 'fan_out', got {mode!r}")
    fan = fans(tensor)[mode.lower() == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def kaiming_uniform_(tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
                     generator: Generator | None = None) -> Tensor:  # fmt: skip
    """Uniform with variance gain² / fan (He et al., 2015); `a` is the slope of a leaky relu."""
    if 0 in tensor.array.shape:
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
                    generator: Generator | None = None) -> Tensor:  # fmt: skip
    """Normal with variance gain² / fan (He et al., 2015)."""
    if 0 in tensor.array.shape:
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """A (semi-)orthogonal matrix, from the QR decomposition of a normal one (Saxe et al., 2014)."""
    shape = tensor.array.shape
    if len(shape) < 2:
        raise ShapeError(f"orthogonal_: expected at least 2 dimensions, got shape {list(shape)}")
    rows, columns = shape[0], math.prod(shape[1:])
    flat = (generator or default_generator).normal(rows * columns, _kind(tensor)).reshape(rows, columns)
    q, r = np.linalg.qr(flat.T if rows < columns else flat)
    q = q * np.sign(np.diag(r))
    return _put(tensor, ((q.T if rows < columns else q) * gain).reshape(shape), "init.orthogonal_")


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """Normal, with the share `sparsity` of each column set to 0 (Martens, 2010)."""
    if tensor.array.ndim != 2:
        raise ShapeError(f"sparse_: expected a matrix, got shape {list(tensor.shape)}")
    source = generator or default_generator
    normal_(tensor, 0, std, source)
    rows = tensor.array.shape[0]
    for column in range(tensor.array.shape[1]):
        tensor.array[source.permutation(rows)[: math.ceil(sparsity * rows)], column] = 0
    return tensor
