"""Normalisation: by batch, layer, group, instance, root mean square, and by p-norm."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd import Tensor
from autograd.errors import ArgumentError, ShapeError
from autograd.ops.normalise import normalise, scale_and_shift
from autograd.ops.norms import vector_norm
from autograd.writes import mark_written

from .checks import tensors
from .pooling import avg_pool2d, avg_pool3d


def _normalised(input: Tensor, weight: Tensor | None, bias: Tensor | None, axes: tuple[int, ...], eps: float,
                centred: bool = True, over: tuple[int, ...] | None = None) -> Any:  # fmt: skip
    """(x - μ) / √(σ² + eps) · weight + bias over `axes`, μ and the factor; the weights in the shape `over`."""
    kind = input.array.dtype
    if (weight is None or weight.array.dtype == kind) and (bias is None or bias.array.dtype == kind):
        return normalise(input, weight, bias, axes, eps, centred, over)
    if over is not None:
        weight, bias = (None if t is None else t.reshape(over) for t in (weight, bias))
    y, mean, rstd = normalise(input, None, None, axes, eps, centred)
    y = y if weight is None else y * weight
    return (y if bias is None else y + bias), mean, rstd


def _blend(running: Tensor | None, now: np.ndarray, momentum: float, who: str) -> None:
    """running ← (1 - momentum) running + momentum · now, in place."""
    if running is not None:
        running.array += (momentum * (now.astype(running.array.dtype) - running.array)).astype(running.array.dtype)
        mark_written(running.array, who)


def _update(
    running_mean: Tensor | None,
    running_var: Tensor | None,
    mean: np.ndarray,
    rstd: np.ndarray,
    eps: float,
    n: int,
    momentum: float,
    who: str,
) -> None:
    """Blend the batch's mean and unbiased variance into the running ones."""
    variance = (1 / np.square(rstd.astype(np.float64)) - eps) * (n / max(n - 1, 1))
    _blend(running_mean, mean, momentum, who)
    _blend(running_var, variance, momentum, who)


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x - μ) / √(σ² + eps) · weight + bias for each channel (Ioffe and Szegedy, 2015).

    In training μ and σ² are the batch's own, over all but dimension 1, and are blended into the running ones;
    otherwise they are the running ones.
    """
    tensors("batch_norm", input=input)
    shape = input.array.shape
    if shape == (0,):
        return input.clone()
    if len(shape) < 2:
        raise ShapeError(f"batch_norm: input must be (N, C, ...), got shape {list(shape)}")
    for name, t in (("running_mean", running_mean), ("running_var", running_var), ("weight", weight), ("bias", bias)):
        if t is not None and t.array.shape != (shape[1],):
            raise ShapeError(
                f"batch_norm: {name} must have shape [{shape[1]}], one for each channel, got {list(t.shape)}"
            )
    across = (1, shape[1]) + (1,) * (len(shape) - 2)
    if not training:
        if running_mean is None or running_var is None:
            raise ArgumentError("batch_norm: without training, give running_mean and running_var")
        scale = (running_var + eps).rsqrt()
        scale = scale if weight is None else scale * weight
        shift = -running_mean * scale if bias is None else bias - running_mean * scale
        scale, shift = scale.reshape(across), shift.reshape(across)
        alike = scale.array.dtype == shift.array.dtype == input.array.dtype
        return scale_and_shift(input, scale, shift) if alike else input * scale + shift
    n = input.array.size // max(shape[1], 1)
    if input.array.size and n == 1:
        raise ArgumentError(f"batch_norm: in training each channel needs more than one value, got input {list(shape)}")
    y, mean, rstd = _normalised(input, weight, bias, (0, *range(2, len(shape))), eps, over=across)
    if input.array.size:
        now = mean.array.reshape(-1), rstd.array.reshape(-1)
        _update(running_mean, running_var, *now, eps, n, momentum, "batch_norm")
    return y


def layer_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, bias: Tensor | None = None,
               eps: float = 1e-5) -> Tensor:  # fmt: skip
    """(x - μ) / √(σ² + eps) · weight + bias over the last dimensions (Ba et al., 2016).

    >>> import autograd, nn.functional as F
    >>> F.layer_norm(autograd.tensor([1.0, 3.0]), (2,), eps=0.0)
    tensor([-1.,  1.])
    """
    sizes = _tail("layer_norm", input, normalized_shape, weight, bias)
    return _normalised(input, weight, bias, tuple(range(input.array.ndim - len(sizes), input.array.ndim)), eps)[0]


def _tail(name: str, input: Tensor, normalized_shape: Any, *parameters: Tensor | None) -> tuple[int, ...]:
    tensors(name, input=input)
    sizes = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not sizes or input.array.shape[-len(sizes) :] != sizes:
        raise ShapeError(f"{name}: normalized_shape={sizes} must be the last sizes of input {list(input.shape)}")
    for t in parameters:
        if t is not None and t.array.shape != sizes:
            raise ShapeError(f"{name}: weight and bias must have shape {list(sizes)}, got {list(t.shape)}")
    return sizes


def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """x / √(mean x² + eps) · weight over the last dimensions (Zhang and Sennrich, 2019)."""
    sizes = _tail("rms_norm", input, normalized_shape, weight)
    eps = float(np.finfo(input.array.dtype).eps) if eps is None else eps
    axes = tuple(range(input.array.ndim - len(sizes), input.array.ndim))
    return _normalised(input, weight, None, axes, eps, centred=False)[0]


def group_norm(input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None,
               eps: float = 1e-5) -> Tensor:  # fmt: skip
    """(x - μ) / √(σ² + eps) · weight + bias over each group of channels (Wu and He, 2018)."""
    tensors("group_norm", input=input)
    shape = input.array.shape
    if len(shape) < 2 or num_groups < 1 or shape[1] % num_groups:
        raise ShapeError(
            f"group_norm: num_groups={num_groups} must divide the channels of input (N, C, ...), got {list(shape)}"
        )
    for name, t in (("weight", weight), ("bias", bias)):
        if t is not None and t.array.shape != (shape[1],):
            raise ShapeError(f"group_norm: {name} must have shape [{shape[1]}], got {list(t.shape)}")
    if input.array.size and shape[0] * (shape[1] // num_groups) * math.prod(shape[2:]) == 1:
        raise ArgumentError(f"group_norm: each group needs more than one value, got input {list(shape)}")
    members = shape[1] // num_groups
    table = input.reshape(shape[0], num_groups, members, math.prod(shape[2:]))
    return _normalised(table, weight, bias, (2, 3), eps, over=(1, num_groups, members, 1))[0].reshape(shape)


def instance_norm(input: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None,
                  weight: Tensor | None = None, bias: Tensor | None = None, use_input_stats: bool = True,
                  momentum: float = 0.1, eps: float = 1e-5) -> Tensor:  # fmt: skip
    """(x - μ) / √(σ² + eps) · weight + bias for each sample and channel (Ulyanov et al., 2016)."""
    tensors("instance_norm", input=input)
    shape = input.array.shape
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    if math.prod(shape[2:]) <= 1:
        raise ArgumentError(
            f"instance_norm: each channel of each sample needs more than one value, got input {list(shape)}"
        )
    n = math.prod(shape[2:])
    table, over = input.reshape(shape[0], shape[1], 1, n), (1, shape[1], 1, 1)
    y, mean, rstd = _normalised(table, weight, bias, (2, 3), eps, over=over)
    if running_mean is not None or running_var is not None:
        variance = (1 / np.square(rstd.array.astype(np.float64)) - eps) * (n / (n - 1))
        _blend(running_mean, mean.array.reshape(shape[:2]).mean(0), momentum, "instance_norm")
        _blend(running_var, variance.reshape(shape[:2]).mean(0), momentum, "instance_norm")
    return y.reshape(shape)


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """x / (k + alpha · mean of x² over `size` neighbouring channels)^beta (Krizhevsky et al., 2012)."""
    from .vision import pad

    if input.array.ndim < 3:
        raise ShapeError(f"local_response_norm: input must be (N, C, L, ...), got shape {list(input.shape)}")
    if input.array.size == 0:
        return input
    squares = input.square().unsqueeze(1)
    if input.array.ndim == 3:
        mean = avg_pool2d(pad(squares, (0, 0, size // 2, (size - 1) // 2)), (size, 1), 1).squeeze(1)
    else:
        n, c, h = input.array.shape[:3]
        volume = squares.reshape(n, 1, c, h, -1)
        framed = pad(volume, (0, 0, 0, 0, size // 2, (size - 1) // 2))
        mean = avg_pool3d(framed, (size, 1, 1), 1).squeeze(1).reshape(input.array.shape)
    return input / (mean * alpha + k).pow(beta)


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """x / max(‖x‖_p, eps) along `dim`.

    >>> import autograd, nn.functional as F
    >>> F.normalize(autograd.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    return input / vector_norm(input, p, dim, True).clamp_min(eps).expand_as(input)
