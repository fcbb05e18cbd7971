"""Large arrays: a chain of elementwise functions on 1e6 numbers, softmax cross-entropy over 10000 classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..case import Case, Work


def _numbers(toy: bool) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(100 if toy else 1_000_000).astype(np.float32)


def build_elementwise(library: Any, toy: bool) -> Callable[[], Any]:
    """Value and gradient, for a library with PyTorch's names."""
    torch = library.torch
    x = torch.from_numpy(_numbers(toy)).requires_grad_()
    chain = library.compile(lambda x: (torch.exp(-x * x) * torch.tanh(x) + torch.sigmoid(x) / 2).mean())
    return _there_and_back(chain, x)


def build_elementwise_jax(weights: Any, toy: bool) -> Callable[[], Any]:
    """The same, jitted."""
    import jax
    import jax.numpy as jnp

    x = jnp.asarray(_numbers(toy))
    both = jax.jit(jax.value_and_grad(lambda x: jnp.mean(jnp.exp(-x * x) * jnp.tanh(x) + jax.nn.sigmoid(x) / 2)))
    return lambda: jax.block_until_ready(both(x))[0]


def _logits(toy: bool) -> tuple[np.ndarray, np.ndarray]:
    rng, (rows, classes) = np.random.default_rng(0), (4, 9) if toy else (512, 10_000)
    return rng.standard_normal((rows, classes)).astype(np.float32), rng.integers(0, classes, rows)


def build_softmax(library: Any, toy: bool) -> Callable[[], Any]:
    """Value and gradient, for a library with PyTorch's names."""
    logits, labels = (library.torch.from_numpy(a) for a in _logits(toy))
    cross_entropy = library.nn.functional.cross_entropy
    return _there_and_back(library.compile(lambda x: cross_entropy(x, labels)), logits.requires_grad_())


def build_softmax_jax(weights: Any, toy: bool) -> Callable[[], Any]:
    """The same, jitted."""
    import jax
    import jax.numpy as jnp

    logits, labels = map(jnp.asarray, _logits(toy))
    both = jax.jit(jax.value_and_grad(lambda x: -jnp.mean(jax.nn.log_softmax(x)[jnp.arange(len(labels)), labels])))
    return lambda: jax.block_until_ready(both(logits))[0]


def _there_and_back(function: Callable[[Any], Any], x: Any) -> Callable[[], Any]:
    def step() -> Any:
        x.grad = None  # before, not after: what nobody can see a compiler leaves out
        loss = function(x)
        loss.backward()
        return loss

    return step


CASES = [
    Case("elementwise", "mean of exp(-x^2) tanh(x) + sigmoid(x) / 2 on 1e6 numbers, forward and backward", "training",
         build_elementwise, {"jax": build_elementwise_jax}, Work(bytes=3 * 4 * 1e6)),
    Case("softmax", "softmax cross-entropy 512 x 10000, forward and backward", "training",
         build_softmax, {"jax": build_softmax_jax}, Work(bytes=3 * 4 * 512 * 10_000)),
]  # fmt: skip
