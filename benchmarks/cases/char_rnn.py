"""A character-level recurrent net, hidden size 256, 64 time steps, batch 32, Adam, gradient norm clipped at 1."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..case import Case, Work


def _sizes(toy: bool) -> tuple[int, int, int, int]:
    return (7, 8, 5, 2) if toy else (96, 256, 64, 32)  # letters, hidden, steps, batch


def _data(toy: bool) -> tuple[np.ndarray, np.ndarray]:
    letters, _, steps, batch = _sizes(toy)
    text = np.random.default_rng(0).integers(0, letters, (batch, steps + 1))
    return text[:, :-1], text[:, 1:].reshape(-1)


def model(kind: str, nn: Any, toy: bool) -> Any:
    """Embedding, recurrent layer, linear layer; `kind` is the layer's class."""
    letters, hidden = _sizes(toy)[:2]

    class Model(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(letters, hidden)
            self.rnn = getattr(nn, kind)(hidden, hidden, batch_first=True)
            self.head = nn.Linear(hidden, letters)

        def forward(self, x: Any) -> Any:
            return self.head(self.rnn(self.embed(x))[0])

    return Model()


def build(kind: str, library: Any, toy: bool) -> Callable[[], Any]:
    """The step, for a library with PyTorch's names."""
    torch, nn, optim = library.torch, library.nn, library.optim
    torch.manual_seed(0)
    net = model(kind, nn, toy)
    optimizer = optim.Adam(net.parameters(), lr=1e-3)
    x, y = (torch.from_numpy(a) for a in _data(toy))
    criterion = nn.CrossEntropyLoss()

    def step() -> Any:
        optimizer.zero_grad()
        loss = criterion(net(x).flatten(0, 1), y)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        return loss

    return step


def _mixed(toy: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Twice as many texts of mixed lengths, as many letters in all; the lengths fall, as packing has it."""
    letters, _, steps, batch = _sizes(toy)
    short = np.arange(batch) % (steps - 1) + 1
    lengths = np.sort(np.concatenate([short, steps - short]))[::-1]
    text = np.random.default_rng(0).integers(0, letters, (2 * batch, steps + 1))
    return text[:, :-1], text[:, 1:], lengths.copy()


def build_packed(kind: str, library: Any, toy: bool) -> Callable[[], Any]:
    """The step on packed texts, for a library with PyTorch's names."""
    torch, nn, optim = library.torch, library.nn, library.optim
    torch.manual_seed(0)
    net = model(kind, nn, toy)
    optimizer = optim.Adam(net.parameters(), lr=1e-3)
    x, y, lengths = (torch.from_numpy(a) for a in _mixed(toy))
    criterion, pack = nn.CrossEntropyLoss(), nn.utils.rnn.pack_padded_sequence
    target = pack(y, lengths, batch_first=True).data

    def step() -> Any:
        optimizer.zero_grad()
        hidden = net.rnn(pack(net.embed(x), lengths, batch_first=True))[0]
        loss = criterion(net.head(hidden.data), target)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        return loss

    return step


def _cell(kind: str) -> Callable[..., Any]:
    """One time step for JAX: (state, projected input, recurrent weight and bias) -> (state, output)."""
    import jax
    import jax.numpy as jnp

    def tanh(h: Any, z: Any, w: Any, b: Any) -> Any:
        h = jnp.tanh(z + h @ w.T + b)
        return h, h

    def gru(h: Any, z: Any, w: Any, b: Any) -> Any:  # Cho et al. (2014), the reset gate after the product
        (zr, zu, zn), (hr, hu, hn) = (jnp.split(a, 3, -1) for a in (z, h @ w.T + b))
        u = jax.nn.sigmoid(zu + hu)
        h = (1 - u) * jnp.tanh(zn + jax.nn.sigmoid(zr + hr) * hn) + u * h
        return h, h

    def lstm(state: Any, z: Any, w: Any, b: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(z + h @ w.T + b, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    return {"RNN": tanh, "GRU": gru, "LSTM": lstm}[kind]


def build_jax(kind: str, weights: Callable[[Callable[[Any], Any]], list[np.ndarray]], toy: bool) -> Callable[[], Any]:
    """The same step as one jitted function: the inputs projected at once, then a scan."""
    import jax
    import jax.numpy as jnp

    from ..jax_optim import adam, init
    from ..steps import jitted

    params = [jnp.asarray(w) for w in weights(lambda nn: model(kind, nn, toy))]
    x, y = map(jnp.asarray, _data(toy))
    cell, start = _cell(kind), jnp.zeros((len(x), _sizes(toy)[1]))

    def loss_of(params: Any) -> Any:
        embed, w, u, b, c, head, bias = params
        z = embed[x.T] @ w.T + b
        state = (start, start) if kind == "LSTM" else start
        outputs = jax.lax.scan(lambda h, z: cell(h, z, u, c), state, z)[1]
        logits = (outputs.transpose(1, 0, 2) @ head.T + bias).reshape(len(y), -1)
        return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(len(y)), y])

    def update(params: Any, grads: Any, state: Any) -> Any:
        norm = jnp.sqrt(sum(jnp.sum(g * g) for g in grads))
        factor = jnp.minimum(1.0, 1.0 / (norm + 1e-6))
        return adam(params, [g * factor for g in grads], state, lr=1e-3)

    return jitted(loss_of, update, params, init(params))


_EAGER = {"torch.compile": "it leaves recurrent layers to eager execution"}


def _case(kind: str, gates: int) -> Case:
    letters, hidden, steps, batch = _sizes(False)
    return Case(
        f"char-{kind.lower()}", f"char-{kind} 256, T=64, batch 32, Adam, clip 1.0", "training",
        partial(build, kind), {"jax": partial(build_jax, kind)},
        # Each letter need only be projected once, and so for the gradients of that.
        Work(3 * 2.0 * hidden * (batch * steps * (gates * hidden + letters) + letters * gates * hidden)),
        without=_EAGER,
    )  # fmt: skip


_PACKED = "char-LSTM as above, 64 packed texts of 1 to 63 letters, as many in all"
CASES = [
    _case("LSTM", 4),
    Case("char-lstm-packed", _PACKED, "training", partial(build_packed, "LSTM"), without=_EAGER),
    _case("GRU", 3),
    _case("RNN", 1),
]
