"""The workloads, a file for each kind."""

from __future__ import annotations

from ..case import TABLES
from . import (
    call,
    char_rnn,
    convnet,
    convolution,
    dcgan,
    gpt,
    hvp,
    large,
    layers,
    mlp,
    product,
    resnet,
    scalar,
    skipgram,
    start,
    wide,
)

_ALL = [
    case
    for module in (mlp, hvp, convnet, resnet, dcgan, char_rnn, gpt, wide, skipgram, layers, large,
                   convolution, product, call, scalar, start)
    for case in module.CASES
]  # fmt: skip
CASES = sorted(_ALL, key=lambda case: list(TABLES).index(case.table))
