"""One training step, of a library with PyTorch's names and of JAX: what most cases share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def training(optimizer: Any, loss_of: Callable[..., Any], *batch: Any) -> Callable[[], Any]:
    """Clear the gradients, forward, backward, update: as every tutorial writes it."""

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_of(*batch)
        loss.backward()
        optimizer.step()
        return loss

    return step


def jitted(loss_of: Callable[[Any], Any], update: Callable[..., Any], params: Any, state: Any) -> Callable[[], Any]:
    """The same as one jitted function; ``update(params, grads, state)`` gives the new parameters and state."""
    import jax

    @jax.jit
    def whole(params: Any, state: Any) -> Any:
        loss, grads = jax.value_and_grad(loss_of)(params)
        return loss, *update(params, grads, state)

    held = [params, state]

    def step() -> Any:
        loss, *held[:] = whole(*held)
        return loss

    return step
