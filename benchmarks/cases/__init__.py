"""The workloads.  Each is written once, against PyTorch's names, and handed either library; JAX gets its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from . import char_rnn, convnet, dcgan, gpt, hvp, mlp, overhead, resnet, skipgram, wide


@dataclass(frozen=True)
class Case:
    """A workload: `build(library, toy)` and `build_jax(weights, toy)` give a step that returns the loss or a result."""

    name: str
    what: str
    build: Callable[..., Callable[[], Any]]
    build_jax: Callable[..., Callable[[], Any]] | None
    compiles: bool  # whether torch.compile is a rival here


def _recurrent(kind: str) -> Case:
    what, build, jax = char_rnn.WHAT, char_rnn.build, char_rnn.build_jax
    return Case(f"char-{kind.lower()}", what.format(kind=kind), partial(build, kind), partial(jax, kind), False)


def _inference(batch: int) -> Case:
    what, build, jax = convnet.INFERENCE, convnet.build_inference, convnet.build_inference_jax
    name = f"convnet-inference-{batch}"
    return Case(name, what.format(batch=batch), partial(build, batch), partial(jax, batch), True)


CASES = [
    Case("add", overhead.ADD, overhead.build_add, None, False),
    Case("chain", overhead.CHAIN, overhead.build_chain, None, False),
    Case("tiny-mlp", mlp.TINY, mlp.build_tiny, mlp.build_tiny_jax, True),
    Case("mlp", mlp.WHAT, mlp.build, mlp.build_jax, True),
    Case("mlp-hvp", hvp.WHAT, hvp.build, hvp.build_jax, False),
    Case("convnet", convnet.WHAT, convnet.build, convnet.build_jax, True),
    _inference(1),
    _inference(64),
    Case("resnet-20", resnet.WHAT, resnet.build, None, True),
    Case("dcgan", dcgan.WHAT, dcgan.build, None, True),
    _recurrent("LSTM"),
    _recurrent("GRU"),
    _recurrent("RNN"),
    Case("gpt", gpt.WHAT, gpt.build, gpt.build_jax, True),
    Case("gpt-inference-1", gpt.INFERENCE, gpt.build_inference, gpt.build_inference_jax, True),
    Case("elementwise", wide.ELEMENTWISE, wide.build_elementwise, wide.build_elementwise_jax, True),
    Case("softmax", wide.SOFTMAX, wide.build_softmax, wide.build_softmax_jax, True),
    Case("skip-gram", skipgram.WHAT, skipgram.build, skipgram.build_jax, True),
]
