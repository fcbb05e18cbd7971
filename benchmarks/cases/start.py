"""What a script waits for before its first step: the import, and the first calls with nothing compiled yet."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial

from ..case import Case, Seconds
from ..machine import environment

_IMPORTS = {"wengert": "autograd, nn, optim", "torch": "torch", "jax": "jax, jax.numpy"}


def _run(program: str) -> float:
    before = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, env=environment())
    return time.perf_counter() - before


def _importing(rival: str, weights: object, toy: bool) -> Callable[[], Seconds]:
    program = "pass" if toy else f"import {_IMPORTS[rival]}"
    return lambda: Seconds(_run(program) - _run("pass"))


def _cold(rival: str, weights: object, toy: bool) -> Callable[[], Seconds]:
    """A worker of its own, whose compilers find empty folders where they keep what they have compiled."""
    name = "tiny-mlp" if toy else "convnet"

    def step() -> Seconds:
        with tempfile.TemporaryDirectory() as folder:
            caches = dict.fromkeys(("NUMBA_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "WENGERT_CACHE"), folder)
            command = [sys.executable, "-m", "benchmarks.worker", rival, "toy" if toy else "full"]
            run = subprocess.run(command, input=json.dumps(name), capture_output=True, text=True, check=True,
                                 env={**environment(), **caches})  # fmt: skip
        answer = json.loads(next(line for line in run.stdout.splitlines() if line.startswith("{")))
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return Seconds(answer["three"])

    return step


CASES = [
    Case("import", "the import, beyond a bare interpreter", "start", None,
         {rival: partial(_importing, rival) for rival in _IMPORTS}),
    Case("cold", "the first three steps of `convnet`, nothing kept on disk", "start", None,
         {rival: partial(_cold, rival) for rival in ("wengert", "wengert.compile", "torch", "torch.compile", "jax")},
         once=True),
]  # fmt: skip
