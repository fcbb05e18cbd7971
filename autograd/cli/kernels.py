"""``wengert kernels warm``: every kernel called once, so that none is compiled when its user waits for it.

Each program below is a small use of a layer, an operation or an optimiser that reaches its kernels, there and back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import nn
import optim
from nn import functional as F

from .. import factories, random
from ..errors import ArgumentError
from ..ops import cumulative, expand, exponential, extrema, matmul, order, reduce, softmax, special, trig
from ..tensor import Tensor


def warm() -> None:
    """Compile all kernels for float32, or read them from the disk where they are kept."""
    try:
        from ..kernels.warm import cache_folder, kernels, name, ready
    except ImportError as error:
        raise ArgumentError(f"there are no kernels without Numba ({error}); pip install numba") from None
    everything = {name(kernel) for kernel in kernels()}
    print(f"{len(everything)} kernels, for float32; kept in {cache_folder()}")
    started, before = time.perf_counter(), ready()
    for what, program in PROGRAMS.items():
        begun = time.perf_counter()
        program()
        after = ready()
        print(f"{time.perf_counter() - begun:7.1f} s  {what}: {len(after - before)} kernels", flush=True)
        before = after
    print(f"{time.perf_counter() - started:7.1f} s  in all; from now on they are read from the disk")


def _back(function: Callable[..., Tensor], *shapes: tuple[int, ...]) -> None:
    """The function of random numbers, and the gradients of a weighted sum of what it gives."""
    y = function(*(random.rand(shape, requires_grad=True) for shape in shapes))
    (y * random.rand(y.shape)).sum().backward()


def _through(layer: Any, *shape: int) -> None:
    def first(x: Tensor) -> Tensor:
        y = layer(x)
        return y[0] if isinstance(y, tuple) else y

    _back(first, shape)


def _elementwise() -> None:
    functions = (exponential.exp, exponential.log, trig.tanh, special.erf, F.sigmoid, F.relu, F.silu, F.gelu)
    for function in (*functions, lambda x: F.gelu(x, approximate="tanh")):
        _back(function, (128, 128))


def _products() -> None:
    _back(matmul.matmul, (1024, 128), (128, 128))
    _back(matmul.matmul, (8, 64, 64), (8, 64, 64))
    _through(nn.Linear(128, 128), 1024, 128)
    _through(nn.Linear(1024, 1024), 1, 1024)


def _convolutions() -> None:
    from ..kernels.moves import lanes_of
    from ..kernels.winograd import LEAST_OF_WEIGHT

    _through(nn.Conv2d(3, 16, 7, stride=2, padding=3), 2, 3, 64, 64)
    _through(nn.Conv2d(16, 64, 3, padding=1), 4, 16, 16, 16)
    _through(nn.Conv2d(LEAST_OF_WEIGHT, LEAST_OF_WEIGHT, 3, padding=1), 4, LEAST_OF_WEIGHT, 16, 16)
    _through(nn.Conv2d(32, 16, 1), 4, 32, 16, 16)
    _through(nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False), 4, 16, 16, 16)
    _through(nn.Conv2d(64, 64, 3, padding=1, groups=64), 4, 64, 16, 16)
    _through(nn.Conv2d(64, 3, 3, padding=1), 2, 64, 8, 8)
    _through(nn.Conv2d(16, lanes_of("float32"), 3, padding=1), 4, 16, 12, 12)
    _through(nn.ConvTranspose2d(32, 16, 4, 2, 1), 2, 32, 8, 8)


def _pooling() -> None:
    _through(nn.MaxPool2d(2), 16, 8, 32, 32)
    _through(nn.MaxPool2d(3, 2, 1), 8, 8, 32, 32)


def _norms() -> None:
    _through(nn.BatchNorm2d(16), 8, 16, 16, 16)
    _through(nn.BatchNorm2d(16).eval(), 8, 16, 16, 16)
    _through(nn.BatchNorm1d(64), 256, 64)
    _through(nn.LayerNorm(64), 256, 64)


def _reductions() -> None:
    for function in (expand.sum, reduce.var, reduce.prod, extrema.amax):
        _back(function, (1 << 15,))
    _back(partial(extrema.amax, dim=1), (256, 128))
    _back(partial(expand.sum, dim=1), (16, 64, 64))
    _back(partial(cumulative.cumsum, dim=0), (1 << 13,))
    _back(lambda x: order.topk(x, 5).values, (16, 128))
    for dim in (0, 1):
        _back(partial(reduce.logsumexp, dim=dim), (256, 128))
    _back(lambda x: extrema.max(x, 0).values, (64, 128))


def _softmaxes() -> None:
    for function in (softmax.softmax, softmax.log_softmax):
        _back(partial(function, dim=-1), (64, 128))
    _back(partial(softmax.softmax, dim=0), (64, 128))
    _back(lambda x: F.cross_entropy(x, factories.arange(64)), (64, 128))


def _dropout() -> None:
    _back(F.dropout, (1 << 16,))


def _attention() -> None:
    for causal in (False, True):
        attend = partial(F.scaled_dot_product_attention, is_causal=causal)
        _back(attend, *[(2, 2, 40, 16)] * 3)


def _recurrent() -> None:
    from ..kernels.alike import WIDTH

    for layer in (nn.LSTM, nn.GRU, nn.RNN):
        _through(layer(WIDTH, 32), 40, 16, WIDTH)


def _embedding() -> None:
    _back(lambda table: F.embedding(factories.arange(600) % 100, table), (100, 32))


def _updates() -> None:
    rules: list[tuple[Any, dict[str, Any]]] = [
        (optim.SGD, {}), (optim.SGD, {"momentum": 0.9}), (optim.Adam, {}), (optim.RMSprop, {}),
    ]  # fmt: skip
    for rule, options in rules:
        parameter = random.rand((1 << 15,), requires_grad=True)
        parameter.grad = random.rand((1 << 15,))
        rule([parameter], lr=0.1, **options).step()


PROGRAMS = {
    "elementwise functions": _elementwise,
    "matrix products": _products,
    "convolutions": _convolutions,
    "pooling": _pooling,
    "normalisation": _norms,
    "reductions": _reductions,
    "softmax and cross-entropy": _softmaxes,
    "dropout": _dropout,
    "attention": _attention,
    "recurrent layers": _recurrent,
    "embeddings": _embedding,
    "optimisers": _updates,
}
