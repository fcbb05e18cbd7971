"""Activation functions and softmax."""

from __future__ import annotations

from typing import Any

import autograd
from autograd import Tensor
from autograd.errors import ShapeError
from autograd.ops import activation as smooth
from autograd.ops import piecewise
from autograd.ops.exponential import sigmoid as sigmoid
from autograd.ops.piecewise import prelu as prelu
from autograd.ops.trig import tanh as tanh
from autograd.tensor import wrap


def _kept(input: Tensor, result: Tensor, inplace: bool, name: str) -> Tensor:
    """`result`, written into `input` if asked for."""
    return input._write(result, f"{name}(inplace=True)") if inplace else result


def _safe(input: Tensor, inplace: bool) -> Tensor:
    """What to compute from: a copy of the values if they are about to be overwritten and the tape needs them."""
    return wrap(input.array.copy(), input.node) if inplace and input.requires_grad else input


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """y = max(0, x).

    >>> import autograd, nn.functional as F
    >>> F.relu(autograd.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return _kept(input, smooth.relu(_safe(input, inplace)), inplace, "relu")


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """y = x for x > 0, else negative_slope · x."""
    return _kept(input, smooth.leaky_relu(_safe(input, inplace), negative_slope), inplace, "leaky_relu")


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """y = x for x > 0, else alpha (e^x - 1)."""
    return _kept(input, smooth.elu(_safe(input, inplace), alpha), inplace, "elu")


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Self-normalising unit: `elu` scaled so that layers keep mean 0 and variance 1."""
    return _kept(input, smooth.selu(_safe(input, inplace)), inplace, "selu")


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """y = x for x > 0, else alpha (e^(x/alpha) - 1)."""
    return _kept(input, smooth.celu(_safe(input, inplace), alpha), inplace, "celu")


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """y = x Φ(x), with Φ the normal cumulative; ``approximate="tanh"`` for the cheaper form."""
    return smooth.gelu(input, approximate)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """y = x σ(x), also called swish."""
    return _kept(input, smooth.silu(_safe(input, inplace)), inplace, "silu")


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """y = x tanh(softplus(x))."""
    return _kept(input, smooth.mish(_safe(input, inplace)), inplace, "mish")


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """y = ln(1 + e^(beta x)) / beta, and x itself where beta x exceeds `threshold`."""
    return smooth.softplus(input, beta, threshold)


def logsigmoid(input: Tensor) -> Tensor:
    """y = ln σ(x), without overflow."""
    return smooth.logsigmoid(input)


def softsign(input: Tensor) -> Tensor:
    """y = x / (1 + |x|)."""
    return smooth.softsign(input)


def tanhshrink(input: Tensor) -> Tensor:
    """y = x - tanh x."""
    return smooth.tanhshrink(input)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """y = x cut off at `min_val` and `max_val`."""
    return _kept(input, piecewise.hardtanh(_safe(input, inplace), min_val, max_val), inplace, "hardtanh")


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """y = min(max(0, x), 6)."""
    return _kept(input, piecewise.relu6(_safe(input, inplace)), inplace, "relu6")


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """y = x/6 + 1/2 cut off at 0 and 1."""
    return _kept(input, piecewise.hardsigmoid(_safe(input, inplace)), inplace, "hardsigmoid")


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """y = x · hardsigmoid(x)."""
    return _kept(input, piecewise.hardswish(_safe(input, inplace)), inplace, "hardswish")


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """y = x where |x| > lambd, else 0."""
    return piecewise.hardshrink(input, lambd)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x moved towards 0 by `lambd`, and 0 once there."""
    return piecewise.softshrink(input, lambd)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """y = x where x > threshold, else value."""
    return _kept(input, piecewise.threshold(_safe(input, inplace), threshold, value), inplace, "threshold")


def rrelu(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False,
          inplace: bool = False) -> Tensor:  # fmt: skip
    """Leaky relu whose slope is drawn from [lower, upper) in training and is their mean otherwise."""
    return _kept(input, piecewise.rrelu(_safe(input, inplace), lower, upper, training), inplace, "rrelu")


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a σ(b) for the two halves a and b of `input` along `dim` (Dauphin et al., 2017)."""
    size = input.array.shape[dim] if input.array.ndim else 1
    if input.array.ndim == 0 or size % 2:
        raise ShapeError(f"glu: dimension dim={dim} of input {list(input.shape)} must be even, to be cut into halves")
    a, b = input.chunk(2, dim)
    return a * sigmoid(b)


_threshold = threshold


# ---------------------------------------------------------------------------------------------------------------------
# In place.


def relu_(input: Tensor) -> Tensor:
    """`relu` in place."""
    return relu(input, True)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """`leaky_relu` in place."""
    return leaky_relu(input, negative_slope, True)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`elu` in place."""
    return elu(input, alpha, True)


def selu_(input: Tensor) -> Tensor:
    """`selu` in place."""
    return selu(input, True)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`celu` in place."""
    return celu(input, alpha, True)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """`hardtanh` in place."""
    return hardtanh(input, min_val, max_val, True)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """`threshold` in place."""
    return _threshold(input, threshold, value, True)


def rrelu_(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Tensor:
    """`rrelu` in place."""
    return rrelu(input, lower, upper, training, True)


# ---------------------------------------------------------------------------------------------------------------------
# Softmax.


def _softmax_dim(name: str, dim: int | None, ndim: int) -> int:
    """PyTorch's rule for a missing `dim`: 0 for 0, 1 and 3 dimensions, else 1."""
    return (0 if ndim in (0, 1, 3) else 1) if dim is None else dim


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """y_i = e^{x_i} / Σ_j e^{x_j} along `dim`.

    >>> import autograd, nn.functional as F
    >>> F.softmax(autograd.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    return autograd.softmax(input, _softmax_dim("softmax", dim, input.array.ndim), dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """x_i - ln Σ_j e^{x_j} along `dim`, without overflow."""
    return autograd.log_softmax(input, _softmax_dim("log_softmax", dim, input.array.ndim), dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """`softmax` of -x."""
    return autograd.softmax(-input, _softmax_dim("softmin", dim, input.array.ndim), dtype)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A sample of the relaxed categorical distribution (Jang et al., 2017); `hard`: one-hot, its gradient relaxed."""
    noise = -autograd.empty_like(logits.detach()).exponential_().log()
    soft = ((logits + noise) / tau).softmax(dim)
    if not hard:
        return soft
    index = soft.detach().max(dim, keepdim=True).indices
    one = autograd.zeros_like(soft.detach()).scatter(dim, index, 1.0)
    return one - soft.detach() + soft
