"""Optimisers for the JAX rivals, so that nothing but JAX is needed."""

from __future__ import annotations

from typing import Any


def sgd(params: Any, grads: Any, state: Any, lr: float) -> Any:
    """p - lr g."""
    import jax

    return jax.tree.map(lambda p, g: p - lr * g, params, grads), state


def init(params: Any) -> Any:
    """(t, m, v) of Adam at the start."""
    import jax
    import jax.numpy as jnp

    zeros = jax.tree.map(jnp.zeros_like, params)
    return jnp.zeros(()), zeros, zeros


def adam(params: Any, grads: Any, state: Any, lr: float, decay: float = 0.0, b1: float = 0.9, b2: float = 0.999) -> Any:
    """New parameters and state: Adam (Kingma & Ba, 2015), its decay decoupled (Loshchilov & Hutter, 2019)."""
    import jax
    import jax.numpy as jnp

    t, m, v = state
    t = t + 1
    m = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, m, grads)
    v = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, v, grads)

    def move(p: Any, m: Any, v: Any) -> Any:
        return p * (1 - lr * decay) - lr * (m / (1 - b1**t)) / (jnp.sqrt(v / (1 - b2**t)) + 1e-8)

    return jax.tree.map(move, params, m, v), (t, m, v)
