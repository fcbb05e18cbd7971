"""Skip-gram with negative sampling (Mikolov et al., 2013): two tables of vectors, dense gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..case import Case
from ..steps import jitted, training


def _sizes(toy: bool) -> tuple[int, int, int]:
    return (20, 4, 6) if toy else (20_000, 100, 1024)  # words, features, batch


def _data(toy: bool) -> tuple[np.ndarray, np.ndarray]:
    """Centre words (N,) and, for each, its neighbour and five others (N, 6)."""
    words, _, batch = _sizes(toy)
    rng = np.random.default_rng(0)
    return rng.integers(0, words, batch), rng.integers(0, words, (batch, 6))


_SIGNS = np.array([1, -1, -1, -1, -1, -1], np.float32)  # the neighbour is wanted, the others are not


def model(nn: Any, toy: bool) -> Any:
    """The two tables."""
    words, features, _ = _sizes(toy)
    return nn.ModuleList([nn.Embedding(words, features), nn.Embedding(words, features)])


def build(library: Any, toy: bool) -> Callable[[], Any]:
    """The step, for a library with PyTorch's names."""
    torch, nn, optim = library.torch, library.nn, library.optim
    torch.manual_seed(0)
    net = model(nn, toy)
    centre, context, signs = (torch.from_numpy(a) for a in (*_data(toy), _SIGNS))

    def loss_of(centre: Any, context: Any) -> Any:
        scores = torch.bmm(net[1](context), net[0](centre).unsqueeze(2)).squeeze(2)
        return -nn.functional.logsigmoid(scores * signs).sum(1).mean()

    return training(optim.SGD(net.parameters(), lr=0.1), library.compile(loss_of), centre, context)


def build_jax(weights: Callable[[Callable[[Any], Any]], list[np.ndarray]], toy: bool) -> Callable[[], Any]:
    """The same step as one jitted function."""
    import jax
    import jax.numpy as jnp

    from ..jax_optim import sgd

    params = [jnp.asarray(w) for w in weights(lambda nn: model(nn, toy))]
    centre, context = map(jnp.asarray, _data(toy))

    def loss_of(params: Any) -> Any:
        scores = jnp.einsum("nkf,nf->nk", params[1][context], params[0][centre])
        return -jnp.mean(jnp.sum(jax.nn.log_sigmoid(scores * _SIGNS), 1))

    return jitted(loss_of, partial(sgd, lr=0.1), params, ())


CASES = [
    Case("skip-gram", "skip-gram, 20000 words x 100, batch 1024, 5 negatives, SGD", "training",
         build, {"jax": build_jax})
]  # fmt: skip
