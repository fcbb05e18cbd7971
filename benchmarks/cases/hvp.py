"""A Hessian-vector product of the multilayer perceptron's loss, by two backward passes (Pearlmutter, 1994)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..case import Case
from . import mlp


def _directions(shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def build(library: Any, toy: bool) -> Callable[[], Any]:
    """H v for all weights, for a library with PyTorch's names."""
    torch, nn, grad = library.torch, library.nn, library.grad
    torch.manual_seed(0)
    net = mlp.model(nn, toy)
    params = list(net.parameters())
    directions = [torch.from_numpy(v) for v in _directions([tuple(p.shape) for p in params])]
    x, y = (torch.from_numpy(a) for a in mlp.data(toy))
    criterion = nn.CrossEntropyLoss()

    def step() -> Any:
        gradients = grad(criterion(net(x), y), params, create_graph=True)
        return grad(gradients, params, grad_outputs=directions)

    return step


def build_jax(weights: Callable[[Callable[[Any], Any]], list[np.ndarray]], toy: bool) -> Callable[[], Any]:
    """The same product, jitted, forward over reverse: JAX's best way."""
    import jax
    import jax.numpy as jnp

    params = [jnp.asarray(w) for w in weights(lambda nn: mlp.model(nn, toy))]
    directions = [jnp.asarray(v) for v in _directions([p.shape for p in params])]
    x, y = map(jnp.asarray, mlp.data(toy))

    @jax.jit
    def product(params: Any, directions: Any) -> Any:
        return jax.jvp(jax.grad(lambda params: mlp.jax_loss(params, x, y)), (params,), (directions,))[1]

    return lambda: product(params, directions)


CASES = [
    Case("mlp-hvp", "Hessian-vector product of the MLP's loss, backward twice", "training", build, {"jax": build_jax},
         without={"torch.compile": "its backward pass cannot be differentiated again"})
]  # fmt: skip
