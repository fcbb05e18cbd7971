"""A small convolutional net on 1x28x28 images, batch 64, Adam: one whole training step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

WHAT = "convnet 1x28x28 (32, 64 channels 3x3, pool, 9216-128-10), batch 64, Adam: a training step"


def _data(toy: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    batch = 2 if toy else 64
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
    net = model(nn)
    optimizer = optim.Adam(net.parameters(), lr=1e-3)
    x, y = (torch.from_numpy(a) for a in _data(toy))
    criterion = nn.CrossEntropyLoss()
    loss_of = library.compile(lambda x, y: criterion(net(x), y))

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_of(x, y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def build_jax(weights: Callable[[Callable[[Any], Any]], list[np.ndarray]], toy: bool) -> Callable[[], Any]:
    """The same step as one jitted function."""
    import jax
    import jax.numpy as jnp
    from jax import lax

    from ..jax_adam import adam, init

    params = [jnp.asarray(w) for w in weights(model)]
    x, y = map(jnp.asarray, _data(toy))

    def conv(h: Any, w: Any, b: Any) -> Any:
        return jax.nn.relu(lax.conv(h, w, (1, 1), "VALID") + b[:, None, None])

    def loss_of(params: Any) -> Any:
        w1, b1, w2, b2, w3, b3, w4, b4 = params
        h = conv(conv(x, w1, b1), w2, b2)
        h = lax.reduce_window(h, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID").reshape(len(x), -1)
        h = jax.nn.relu(h @ w3.T + b3) @ w4.T + b4
        return -jnp.mean(jax.nn.log_softmax(h)[jnp.arange(len(y)), y])

    @jax.jit
    def update(params: Any, state: Any) -> Any:
        loss, grads = jax.value_and_grad(loss_of)(params)
        return loss, *adam(params, grads, state, lr=1e-3)

    held = [params, init(params)]

    def step() -> Any:
        loss, *held[:] = update(*held)
        return loss

    return step
