"""A multilayer perceptron, 784-512-256-10, batch 128, Adam: one whole training step."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

WHAT = "MLP 784-512-256-10, batch 128, Adam: a training step"


def _sizes(toy: bool) -> tuple[int, list[int]]:
    return (8, [12, 8, 3]) if toy else (128, [784, 512, 256, 10])


def _data(toy: bool) -> tuple[np.ndarray, np.ndarray]:
    batch, sizes = _sizes(toy)
    rng = np.random.default_rng(0)
    return rng.standard_normal((batch, sizes[0])).astype(np.float32), rng.integers(0, sizes[-1], batch)


def model(nn: Any, toy: bool) -> Any:
    """Linear layers with ReLU between."""
    layers: list[Any] = []
    sizes = _sizes(toy)[1]
    for n, m in pairwise(sizes):
        layers += [nn.Linear(n, m), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def build(library: Any, toy: bool) -> Callable[[], Any]:
    """The step, for a library with PyTorch's names."""
    torch, nn, optim = library.torch, library.nn, library.optim
    torch.manual_seed(0)
    net = model(nn, toy)
    optimizer = optim.Adam(net.parameters(), lr=1e-3)
    x, y = (torch.from_numpy(a) for a in _data(toy))
    criterion = nn.CrossEntropyLoss()

    def loss_of(x: Any, y: Any) -> Any:
        return criterion(net(x), y)

    loss_of = library.compile(loss_of)

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_of(x, y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def build_jax(weights: Callable[[Callable[[Any], Any]], list[np.ndarray]], toy: bool) -> Callable[[], Any]:
    """The same step as one jitted function of parameters and Adam's state."""
    import jax
    import jax.numpy as jnp

    from ..jax_adam import adam, init

    params = [jnp.asarray(w) for w in weights(lambda nn: model(nn, toy))]
    x, y = map(jnp.asarray, _data(toy))

    def loss_of(params: Any) -> Any:
        h = x
        for i in range(0, len(params), 2):
            h = h @ params[i].T + params[i + 1]
            h = jax.nn.relu(h) if i + 2 < len(params) else h
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
