"""One elementwise operation or sum on 2^24 numbers, far more than the caches hold: the speed of memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..case import Case, Work

SIZE = 1 << 24


def _arrays(toy: bool) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(10 if toy else SIZE, np.float32) for _ in range(2)]


_FORMULAS: dict[str, tuple[str, int, Callable[..., Any]]] = {  # text, arrays from and to memory, xp -> f(a, b)
    "add": ("a + b", 3, lambda xp, a, b: a + b),
    "mul": ("a * b", 3, lambda xp, a, b: a * b),
    "exp": ("exp(a)", 2, lambda xp, a, b: xp.exp(a)),
    "tanh": ("tanh(a)", 2, lambda xp, a, b: xp.tanh(a)),
    "sum": ("sum(a)", 1, lambda xp, a, b: a.sum()),
}


def build(name: str, library: Any, toy: bool) -> Callable[[], Any]:
    """The operation, for a library with PyTorch's names."""
    return partial(_FORMULAS[name][2], library.torch, *map(library.torch.from_numpy, _arrays(toy)))


def build_numpy(name: str, weights: Any, toy: bool) -> Callable[[], Any]:
    """The operation by NumPy."""
    return partial(_FORMULAS[name][2], np, *_arrays(toy))


def build_jax(name: str, weights: Any, toy: bool) -> Callable[[], Any]:
    """The operation, jitted."""
    import jax
    import jax.numpy as jnp

    return partial(jax.jit(partial(_FORMULAS[name][2], jnp)), *map(jnp.asarray, _arrays(toy)))


def _case(name: str) -> Case:
    text, arrays, _ = _FORMULAS[name]
    own = {"jax": partial(build_jax, name), "numpy": partial(build_numpy, name)}
    alone = dict.fromkeys(("wengert.compile", "torch.compile"), "one operation, nothing to compile")
    return Case(f"large-{name}", f"{text} on 2^24 numbers", "operation", partial(build, name), own,
                Work(bytes=4.0 * arrays * SIZE), without=alone)  # fmt: skip


CASES = [_case(name) for name in _FORMULAS]
