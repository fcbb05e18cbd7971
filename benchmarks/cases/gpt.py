"""A small GPT (Radford et al., 2019): 4 blocks of width 128, 4 heads, 128 letters of context."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..case import Case, Work
from ..steps import jitted, training

HEADS = 4


def _sizes(toy: bool) -> tuple[int, int, int, int]:
    return (7, 1, 8, 5) if toy else (96, 4, 128, 128)  # letters, blocks, width, context


def _data(toy: bool, batch: int) -> tuple[np.ndarray, np.ndarray]:
    letters, _, _, steps = _sizes(toy)
    text = np.random.default_rng(0).integers(0, letters, (batch, steps + 1))
    return text[:, :-1], text[:, 1:].reshape(-1)


def _block(nn: Any, width: int) -> Any:
    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.before = nn.LayerNorm(width)
            self.qkv = nn.Linear(width, 3 * width)
            self.out = nn.Linear(width, width)
            self.mlp = nn.Sequential(
                nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
            )

        def forward(self, x: Any) -> Any:
            n, t, c = x.shape
            parts = self.qkv(self.before(x)).reshape(n, t, 3, HEADS, c // HEADS).permute(2, 0, 3, 1, 4)
            q, k, v = parts.unbind(0)
            y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(y.transpose(1, 2).reshape(n, t, c))
            return x + self.mlp(x)

    return Block()


def model(nn: Any, toy: bool) -> Any:
    """Letters and places embedded, blocks, a norm, logits."""
    letters, blocks, width, context = _sizes(toy)

    class GPT(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.letter = nn.Embedding(letters, width)
            self.place = nn.Embedding(context, width)
            self.blocks = nn.Sequential(*(_block(nn, width) for _ in range(blocks)))
            self.norm = nn.LayerNorm(width)
            self.head = nn.Linear(width, letters, bias=False)

        def forward(self, x: Any) -> Any:
            return self.head(self.norm(self.blocks(self.letter(x) + self.place.weight)))

    return GPT()


def build(library: Any, toy: bool) -> Callable[[], Any]:
    """The training step, for a library with PyTorch's names."""
    torch, nn, optim = library.torch, library.nn, library.optim
    torch.manual_seed(0)
    net = model(nn, toy)
    x, y = (torch.from_numpy(a) for a in _data(toy, 2 if toy else 8))
    criterion = nn.CrossEntropyLoss()
    loss_of = library.compile(lambda x, y: criterion(net(x).flatten(0, 1), y))
    return training(optim.AdamW(net.parameters(), lr=1e-3), loss_of, x, y)


def build_inference(batch: int, library: Any, toy: bool) -> Callable[[], Any]:
    """The logits of some texts, nothing recorded."""
    torch = library.torch
    torch.manual_seed(0)
    net = model(library.nn, toy).eval()
    x = torch.from_numpy(_data(toy, min(batch, 2) if toy else batch)[0])
    forward = library.compile(net)

    def step() -> Any:
        with torch.no_grad():
            return forward(x)

    return step


def _jax_logits(params: list[Any], x: Any) -> Any:
    import jax
    import jax.numpy as jnp

    def norm(x: Any, w: Any, b: Any) -> Any:
        mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        return (x - mean) / jnp.sqrt(variance + 1e-5) * w + b

    def block(x: Any, n1: Any, m1: Any, wa: Any, ba: Any, wo: Any, bo: Any, n2: Any, m2: Any, *mlp: Any) -> Any:
        n, t, c = x.shape
        q, k, v = jnp.moveaxis((norm(x, n1, m1) @ wa.T + ba).reshape(n, t, 3, HEADS, c // HEADS), 2, 0)
        x = x + jax.nn.dot_product_attention(q, k, v, is_causal=True).reshape(n, t, c) @ wo.T + bo
        w1, b1, w2, b2 = mlp
        return x + jax.nn.gelu(norm(x, n2, m2) @ w1.T + b1, approximate=False) @ w2.T + b2

    letter, place, *blocks, n, m, head = params
    h = letter[x] + place
    for i in range(0, len(blocks), 12):
        h = block(h, *blocks[i : i + 12])
    return norm(h, n, m) @ head.T


def build_jax(weights: Callable[[Callable[[Any], Any]], list[np.ndarray]], toy: bool) -> Callable[[], Any]:
    """The training step as one jitted function."""
    import jax
    import jax.numpy as jnp

    from ..jax_optim import adam, init

    params = [jnp.asarray(w) for w in weights(lambda nn: model(nn, toy))]
    x, y = map(jnp.asarray, _data(toy, 2 if toy else 8))

    def loss_of(params: Any) -> Any:
        logits = _jax_logits(params, x).reshape(len(y), -1)
        return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(len(y)), y])

    return jitted(loss_of, partial(adam, lr=1e-3, decay=0.01), params, init(params))


def build_inference_jax(
    batch: int, weights: Callable[[Callable[[Any], Any]], list[np.ndarray]], toy: bool
) -> Callable[[], Any]:
    """The same logits as one jitted function."""
    import jax
    import jax.numpy as jnp

    params = [jnp.asarray(w) for w in weights(lambda nn: model(nn, toy))]
    return partial(jax.jit(_jax_logits), params, jnp.asarray(_data(toy, min(batch, 2) if toy else batch)[0]))


def _forward(batch: int) -> float:
    """Operations of the logits: the matrices, and attention to half of all pairs."""
    letters, blocks, width, steps = _sizes(False)
    return 2.0 * batch * steps * (blocks * (12 * width * width + steps * width) + letters * width)


def _inference(batch: int) -> Case:
    what, own = f"the GPT's inference, T=128, batch {batch}", {"jax": partial(build_inference_jax, batch)}
    return Case(f"gpt-inference-{batch}", what, "inference", partial(build_inference, batch), own,
                Work(_forward(batch)))  # fmt: skip


CASES = [
    Case("gpt", "GPT 4 x 128, 4 heads, T=128, batch 8, AdamW", "training", build, {"jax": build_jax},
         Work(3 * _forward(8))),
    _inference(1),
    _inference(64),
]  # fmt: skip
