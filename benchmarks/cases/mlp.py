"""Multilayer perceptrons: 784-512-256-10 with Adam and a tiny one with SGD, one whole training step each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from ..case import Case, Work
from ..steps import jitted, training


def _sizes(toy: bool) -> tuple[int, list[int]]:
    return (8, [12, 8, 6, 3]) if toy else (128, [784, 512, 256, 10])


def data(toy: bool) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and labels."""
    batch, sizes = _sizes(toy)
    rng = np.random.default_rng(0)
    return rng.standard_normal((batch, sizes[0])).astype(np.float32), rng.integers(0, sizes[-1], batch)


def _stack(nn: Any, sizes: list[int], activation: Callable[[], Any]) -> Any:
    layers: list[Any] = []
    for n, m in pairwise(sizes):
        layers += [nn.Linear(n, m), activation()]
    return nn.Sequential(*layers[:-1])


def model(nn: Any, toy: bool) -> Any:
    """Linear layers with ReLU between."""
    return _stack(nn, _sizes(toy)[1], nn.ReLU)


def build(library: Any, toy: bool) -> Callable[[], Any]:
    """The step, for a library with PyTorch's names."""
    torch, nn, optim = library.torch, library.nn, library.optim
    torch.manual_seed(0)
    net = model(nn, toy)
    x, y = (torch.from_numpy(a) for a in data(toy))
    criterion = nn.CrossEntropyLoss()
    return training(optim.Adam(net.parameters(), lr=1e-3), library.compile(lambda x, y: criterion(net(x), y)), x, y)


def jax_loss(params: list[Any], x: Any, y: Any) -> Any:
    """The cross-entropy of `model`, for JAX."""
    import jax
    import jax.numpy as jnp

    h = x
    for i in range(0, len(params), 2):
        h = h @ params[i].T + params[i + 1]
        h = jax.nn.relu(h) if i + 2 < len(params) else h
    return -jnp.mean(jax.nn.log_softmax(h)[jnp.arange(len(y)), y])


def build_jax(weights: Callable[[Callable[[Any], Any]], list[np.ndarray]], toy: bool) -> Callable[[], Any]:
    """The same step as one jitted function of parameters and Adam's state."""
    import jax.numpy as jnp

    from ..jax_optim import adam, init

    params = [jnp.asarray(w) for w in weights(lambda nn: model(nn, toy))]
    x, y = map(jnp.asarray, data(toy))
    return jitted(lambda params: jax_loss(params, x, y), partial(adam, lr=1e-3), params, init(params))


def build_numpy(weights: Callable[[Callable[[Any], Any]], list[np.ndarray]], toy: bool) -> Callable[[], Any]:
    """The same step by hand: the chain rule and Adam (Kingma & Ba, 2015) written out."""
    w1, b1, w2, b2, w3, b3 = params = [w.copy() for w in weights(lambda nn: model(nn, toy))]
    first, second, t = [np.zeros_like(p) for p in params], [np.zeros_like(p) for p in params], 0
    (x, y), rows = data(toy), np.arange(_sizes(toy)[0])

    def update(gradients: list[np.ndarray]) -> None:
        nonlocal t
        t += 1
        rate = 1e-3 * (1 - 0.999**t) ** 0.5 / (1 - 0.9**t)
        for p, g, m, v in zip(params, gradients, first, second):
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            p -= rate * m / (np.sqrt(v) + 1e-8 * (1 - 0.999**t) ** 0.5)

    def step() -> Any:
        h1 = np.maximum(x @ w1.T + b1, 0)
        h2 = np.maximum(h1 @ w2.T + b2, 0)
        z = h2 @ w3.T + b3
        e = np.exp(z - z.max(1, keepdims=True))
        share = e / e.sum(1, keepdims=True)
        loss = -np.log(share[rows, y]).mean()
        share[rows, y] -= 1
        g3 = share / len(rows)
        g2 = (g3 @ w3) * (h2 > 0)
        g1 = (g2 @ w2) * (h1 > 0)
        update([g1.T @ x, g1.sum(0), g2.T @ h1, g2.sum(0), g3.T @ h2, g3.sum(0)])
        return loss

    return step


def _points() -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(0).standard_normal((32, 2)).astype(np.float32)
    return x, np.sign(x[:, :1] * x[:, 1:])


def _tiny(nn: Any) -> Any:
    return _stack(nn, [2, 16, 16, 1], nn.Tanh)


def build_tiny(library: Any, toy: bool) -> Callable[[], Any]:
    """The step of the tiny one, which is a toy already."""
    torch, nn, optim = library.torch, library.nn, library.optim
    torch.manual_seed(0)
    net = _tiny(nn)
    x, y = (torch.from_numpy(a) for a in _points())
    criterion = nn.MSELoss()
    return training(optim.SGD(net.parameters(), lr=0.1), library.compile(lambda x, y: criterion(net(x), y)), x, y)


def build_tiny_jax(weights: Callable[[Callable[[Any], Any]], list[np.ndarray]], toy: bool) -> Callable[[], Any]:
    """The tiny one's step as one jitted function."""
    import jax.numpy as jnp

    from ..jax_optim import sgd

    params = [jnp.asarray(w) for w in weights(_tiny)]
    x, y = map(jnp.asarray, _points())

    def loss_of(params: Any) -> Any:
        w1, b1, w2, b2, w3, b3 = params
        return jnp.mean((jnp.tanh(jnp.tanh(x @ w1.T + b1) @ w2.T + b2) @ w3.T + b3 - y) ** 2)

    return jitted(loss_of, partial(sgd, lr=0.1), params, ())


def flops(batch: int, sizes: list[int]) -> float:
    """Forward, and twice that backward, but no cotangent of the data."""
    return 2.0 * batch * (3 * sum(n * m for n, m in pairwise(sizes)) - sizes[0] * sizes[1])


CASES = [
    Case("tiny-mlp", "tiny MLP 2-16-16-1, tanh, batch 32, SGD", "training", build_tiny, {"jax": build_tiny_jax},
         Work(flops(32, [2, 16, 16, 1]))),
    Case("mlp", "MLP 784-512-256-10, batch 128, Adam", "training", build, {"jax": build_jax, "numpy": build_numpy},
         Work(flops(*_sizes(False)))),
]  # fmt: skip
