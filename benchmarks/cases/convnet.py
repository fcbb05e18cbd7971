"""A small convolutional net on 1x28x28 images: a training step at batch 64 with Adam; inference."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..case import Case, Work
from ..steps import jitted, training


def _data(batch: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((batch, 1, 28, 28)).astype(np.float32), rng.integers(0, 10, batch)


def model(nn: Any) -> Any:
    """Two convolutions, a pool, two linear layers."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip


def build(library: Any, toy: bool) -> Callable[[], Any]:
    """The step, for a library with PyTorch's names."""
    torch, nn, optim = library.torch, library.nn, library.optim
    torch.manual_seed(0)
    net = library.laid_out(model(nn))
    x, y = (torch.from_numpy(a) for a in _data(2 if toy else 64))
    x = library.laid_out(x)
    criterion = nn.CrossEntropyLoss()
    return training(optim.Adam(net.parameters(), lr=1e-3), library.compile(lambda x, y: criterion(net(x), y)), x, y)


def build_inference(batch: int, library: Any, toy: bool) -> Callable[[], Any]:
    """The logits of a batch, nothing recorded."""
    torch, nn = library.torch, library.nn
    torch.manual_seed(0)
    net = library.laid_out(model(nn).eval())
    x = library.laid_out(torch.from_numpy(_data(min(batch, 2) if toy else batch)[0]))
    forward = library.compile(net)

    def step() -> Any:
        with torch.no_grad():
            return forward(x)

    return step


def _jax_logits(params: Any, x: Any) -> Any:
    import jax
    import jax.numpy as jnp
    from jax import lax

    def conv(h: Any, w: Any, b: Any) -> Any:
        return jax.nn.relu(lax.conv(h, w, (1, 1), "VALID") + b[:, None, None])

    w1, b1, w2, b2, w3, b3, w4, b4 = params
    h = conv(conv(x, w1, b1), w2, b2)
    h = lax.reduce_window(h, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID").reshape(len(x), -1)
    return jax.nn.relu(h @ w3.T + b3) @ w4.T + b4


def build_jax(weights: Callable[[Callable[[Any], Any]], list[np.ndarray]], toy: bool) -> Callable[[], Any]:
    """The same step as one jitted function."""
    import jax
    import jax.numpy as jnp

    from ..jax_optim import adam, init

    params = [jnp.asarray(w) for w in weights(model)]
    x, y = map(jnp.asarray, _data(2 if toy else 64))

    def loss_of(params: Any) -> Any:
        return -jnp.mean(jax.nn.log_softmax(_jax_logits(params, x))[jnp.arange(len(y)), y])

    return jitted(loss_of, partial(adam, lr=1e-3), params, init(params))


def build_inference_jax(
    batch: int, weights: Callable[[Callable[[Any], Any]], list[np.ndarray]], toy: bool
) -> Callable[[], Any]:
    """The same logits as one jitted function."""
    import jax
    import jax.numpy as jnp

    params = [jnp.asarray(w) for w in weights(model)]
    x = jnp.asarray(_data(min(batch, 2) if toy else batch)[0])
    return partial(jax.jit(_jax_logits), params, x)


_FIRST = 2.0 * 26 * 26 * 32 * 9  # operations of the first layer on an image
_FORWARD = _FIRST + 2.0 * (24 * 24 * 64 * 32 * 9 + 9216 * 128 + 128 * 10)


def _inference(batch: int) -> Case:
    return Case(
        f"convnet-inference-{batch}", f"the convnet's inference, batch {batch}", "inference",
        partial(build_inference, batch), {"jax": partial(build_inference_jax, batch)}, Work(batch * _FORWARD),
        images=True,
    )  # fmt: skip


CASES = [
    Case(
        "convnet", "convnet 1x28x28 (32, 64 channels 3x3, pool, 9216-128-10), batch 64, Adam", "training",
        build, {"jax": build_jax}, Work(64 * (3 * _FORWARD - _FIRST)), images=True,
        without={"torch.compile": "its gradients of both convolutions are 0 (PyTorch 2.13.0 on CPU)"},
    ),
    _inference(1),
    _inference(64),
]  # fmt: skip
