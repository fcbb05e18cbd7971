"""Calls large enough that kernels answer: at least one for each op that has one, there and back.

Run as a program it works them out where there is no Numba, in float64: what the kernels must give.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import autograd
import nn
import nn.functional as F
from autograd.tensor import Tensor, wrap

LARGE = (136, 127)  # beyond the least size of a loop, and no whole number of vectors
PAIR = (515, 517)
WIDE = (70, 1100)  # columns of several pieces


class Call(NamedTuple):
    """A function of tensors whose values are drawn from [low, high)."""

    function: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]
    low: float = -2.0
    high: float = 2.0

    def arrays(self) -> list[np.ndarray]:
        random = np.random.default_rng(len(self.shapes) + sum(map(sum, self.shapes)))
        return [random.uniform(self.low, self.high, shape) for shape in self.shapes]


def whole(n: int, below: int) -> Tensor:
    """Integers with repetitions."""
    return wrap(np.random.default_rng(n).integers(0, below, n))


def layer(kind: Callable[..., Any], *sizes: int, **options: Any) -> Callable[..., Any]:
    """A recurrent layer as a function of its input and its parameters."""

    def function(x: Tensor, *parameters: Tensor) -> Any:
        return autograd.func.functional_call(made, dict(zip(names, parameters)), (x,))[0]

    made = kind(*sizes, **options)
    names = [name for name, _ in made.named_parameters()]
    function.shapes = [tuple(p.shape) for p in made.parameters()]  # type: ignore[attr-defined]
    return function


def _recurrent() -> dict[str, Call]:
    found = {}
    for kind in (nn.LSTM, nn.GRU, nn.RNN):
        run: Any = layer(kind, 24, 40)
        found[kind.__name__.lower()] = Call(run, ((17, 20, 24), *run.shapes), -0.5, 0.5)
        letters = whole(340, 9).reshape(17, 20)
        text = partial(lambda run, letters, table, *p: run(F.embedding(letters, table), *p), run, letters)
        found[f"{kind.__name__.lower()}-text"] = Call(text, ((9, 24), *run.shapes), -0.5, 0.5)
    return found


def _reductions() -> dict[str, Call]:
    found = {}
    for f in (
        autograd.sum,
        autograd.mean,
        autograd.var,
        autograd.std,
        autograd.logsumexp,
        autograd.amax,
        autograd.amin,
    ):
        for dim, shape in ((0, WIDE), (1, (300, 257)), ((0, 1), (300, 257))):
            found[f"{f.__name__}-{dim}"] = Call(partial(f, dim=dim), (shape,))
    for f in (autograd.max, autograd.min):
        found[f"{f.__name__}-0"] = Call(partial(lambda f, x: f(x, 0).values, f), (WIDE,))
    for f in (autograd.argmax, autograd.argmin):
        found[f"{f.__name__}-0"] = Call(partial(f, dim=0), (WIDE,))
    found["sum-middle"] = Call(partial(autograd.sum, dim=1), ((20, 60, 70),))
    found["prod"] = Call(autograd.prod, ((40_003,),), 0.99, 1.01)
    found["norm-1"] = Call(partial(autograd.norm, dim=1), ((300, 257),))
    found["norm"] = Call(autograd.norm, ((300, 257),))
    found["cumsum"] = Call(partial(autograd.cumsum, dim=1), ((70, 257),))
    found["topk"] = Call(lambda x: autograd.topk(x, 7).values, ((70, 257),))
    return found


def _convolutions() -> dict[str, Call]:
    def conv(x: tuple[int, ...], w: tuple[int, ...], **options: Any) -> Call:
        return Call(partial(F.conv2d, **options), (x, w, w[:1]))

    return {
        "conv3x3": conv((4, 16, 14, 13), (24, 16, 3, 3), padding=1),
        "conv3x3-wide": conv((4, 64, 9, 9), (64, 64, 3, 3), padding=1),
        "conv1x1": conv((4, 32, 14, 13), (24, 32, 1, 1)),
        "conv7x7": conv((2, 3, 41, 40), (16, 3, 7, 7), stride=2, padding=3),
        "conv-stride": conv((4, 16, 15, 14), (24, 16, 3, 3), stride=2, padding=1),
        "conv-dilated": conv((4, 16, 15, 14), (24, 16, 3, 3), dilation=2, padding=(2, 1)),
        "conv-groups": conv((4, 16, 15, 14), (24, 8, 3, 3), groups=2, padding=1),
        "conv-depth": conv((4, 32, 15, 14), (32, 1, 3, 3), groups=32, padding=1),
        "conv-few": conv((2, 32, 15, 14), (3, 32, 3, 3), padding=1),
        "conv-narrow-8": conv((4, 16, 14, 13), (8, 16, 3, 3), padding=1),
        "conv-narrow-16": conv((4, 16, 14, 13), (16, 16, 3, 3), padding=1),
        "conv1d": Call(partial(F.conv1d, padding=2), ((8, 16, 101), (24, 16, 5), (24,))),
        "transposed": Call(partial(F.conv_transpose2d, stride=2, padding=1, output_padding=1),
                           ((4, 32, 9, 8), (32, 16, 3, 3), (16,))),
    }  # fmt: skip


def _layers() -> dict[str, Call]:
    attend = F.scaled_dot_product_attention
    heads = ((2, 3, 50, 16), (2, 3, 47, 16), (2, 3, 47, 24))
    mask = wrap(np.random.default_rng(0).random((50, 47)) < 0.8)
    rows = ((120, 90),)
    classes = whole(120, 90)
    weights = wrap(np.random.default_rng(1).random(90))
    return {
        "softmax-1": Call(partial(F.softmax, dim=1), rows),
        "softmax-0": Call(partial(F.softmax, dim=0), (WIDE,)),
        "log_softmax-1": Call(partial(F.log_softmax, dim=1), rows),
        "log_softmax-0": Call(partial(F.log_softmax, dim=0), (WIDE,)),
        "cross_entropy": Call(lambda x: F.cross_entropy(x, classes), rows),
        "cross_entropy-smooth": Call(lambda x: F.cross_entropy(x, classes, ignore_index=3, label_smoothing=0.1,
                                                               weight=weights.to(x.dtype)), rows),
        "attention": Call(attend, heads),
        "attention-causal": Call(partial(attend, is_causal=True), ((2, 3, 50, 16),) * 3),
        "attention-mask": Call(lambda q, k, v: attend(q, k, v, attn_mask=mask), heads),
        "batch_norm": Call(lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
                           ((16, 24, 19, 17), (24,), (24,))),
        "batch_norm-rows": Call(lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
                                ((1400, 60), (60,), (60,))),
        "batch_norm-eval": Call(lambda x, m, v, w, b: F.batch_norm(x, m.detach(), v.detach(), w, b),
                                ((16, 24, 19, 17), (24,), (24,), (24,), (24,)), 0.5, 2.0),
        "layer_norm": Call(lambda x, w, b: F.layer_norm(x, (90,), w, b), ((1100, 90), (90,), (90,))),
        "group_norm": Call(lambda x, w, b: F.group_norm(x, 4, w, b), ((16, 24, 19, 17), (24,), (24,))),
        "rms_norm": Call(lambda x, w: F.rms_norm(x, (90,), w), ((1100, 90), (90,))),
        "max_pool": Call(partial(F.max_pool2d, kernel_size=2), ((8, 12, 34, 32),)),
        "max_pool-overlap": Call(partial(F.max_pool2d, kernel_size=3, stride=2, padding=1), ((8, 12, 34, 32),)),
        "embedding": Call(lambda table: F.embedding(whole(700, 50), table), ((50, 40),)),
        "rows": Call(lambda table: table[whole(700, 50) - 25], ((50, 40),)),
        "linear": Call(F.linear, ((200, 130), (90, 130), (90,))),
        "linear-few": Call(F.linear, ((3, 300), (400, 300), (400,))),
    }  # fmt: skip


def _elementwise() -> dict[str, Call]:
    functions = (autograd.exp, autograd.sigmoid, autograd.erf, autograd.tanh, F.relu, F.leaky_relu, F.silu, F.gelu)
    found = {f.__name__: Call(f, (LARGE,)) for f in functions}
    found["gelu-tanh"] = Call(partial(F.gelu, approximate="tanh"), (LARGE,))
    found["log"] = Call(autograd.log, (LARGE,), 0.2, 3.0)
    for f in (autograd.add, autograd.sub, autograd.mul, autograd.div):
        found[f.__name__] = Call(f, (PAIR, PAIR), 0.5, 2.0)
    for f in (autograd.neg, autograd.square, autograd.reciprocal, autograd.abs, autograd.sqrt, autograd.rsqrt):
        found[f.__name__] = Call(f, (PAIR,), 0.5, 2.0)
    found["pow"] = Call(lambda x: x**3, (PAIR,))
    found["number"] = Call(lambda x: 2.5 / (1.5 - x) + 3 * x, (PAIR,), -1.0, 1.0)
    found["clamp"] = Call(partial(autograd.clamp, min=-1.0, max=0.5), (PAIR,))
    found["maximum"] = Call(autograd.maximum, (PAIR, PAIR))
    found["minimum"] = Call(autograd.minimum, (PAIR, PAIR))
    found["where"] = Call(lambda x, y: autograd.where(x > y, x, y), (PAIR, PAIR))
    return found


CALLS: dict[str, Call] = {
    **_elementwise(),
    **_reductions(),
    "matmul": Call(autograd.matmul, ((130, 90), (90, 120))),
    "matmul-batches": Call(autograd.matmul, ((5, 67, 66), (5, 66, 65))),
    **_layers(),
    **_convolutions(),
    **_recurrent(),
}


def outcome(call: Call, dtype: Any) -> list[np.ndarray]:
    """The result, the gradient of a weighted sum of it, and, of such a sum of that, the gradient on the tape."""
    inputs = [wrap(a.astype(dtype)).requires_grad_() for a in call.arrays()]
    found = [call.function(*inputs)]
    results = [y.array for y in found]
    for _ in range(2):
        weights = [np.cos(1.0 + k + np.arange(y.numel())).reshape(y.shape).astype(dtype) for k, y in enumerate(found)]
        total: Any = sum((y * wrap(w)).sum() for y, w in zip(found, weights))
        if total.node is None:
            break
        found = list(autograd.grad(total, inputs, create_graph=True, materialize_grads=True))
        results += [y.array for y in found]
    return results


if __name__ == "__main__":
    sys.modules["numba"] = None  # type: ignore[assignment]
    results = {name: outcome(call, np.float64) for name, call in CALLS.items()}
    np.savez(sys.argv[1], **{f"{name} {i}": y for name, found in results.items() for i, y in enumerate(found)})
