"""Matrix products alone: a @ b, a @ b.T as layers have it, and batches of small ones as attention has them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..case import Case, Work

SHAPES = [(256, 256, 256), (512, 512, 512), (1024, 1024, 1024), (128, 784, 512), (64, 9216, 128)]
TRANSPOSED = [(512, 512, 512), (128, 784, 512)]
BATCHES = [(32, 128, 32, 128), (32, 128, 128, 32), (64, 64, 64, 64)]


def _matrices(sizes: tuple[int, ...], turned: bool, toy: bool) -> tuple[np.ndarray, np.ndarray]:
    *batch, m, k, n = [2 + i for i in range(len(sizes))] if toy else sizes
    rng = np.random.default_rng(0)
    shapes = (*batch, m, k), (*batch, n, k) if turned else (*batch, k, n)
    a, b = (rng.standard_normal(shape).astype(np.float32) for shape in shapes)
    return a, b


def _multiply(a: Any, b: Any, turned: bool) -> Callable[[], Any]:
    if turned:
        return lambda: a @ b.T
    return lambda: a @ b


def build(sizes: tuple[int, ...], turned: bool, library: Any, toy: bool) -> Callable[[], Any]:
    """The product, for a library with PyTorch's names."""
    a, b = (library.torch.from_numpy(x) for x in _matrices(sizes, turned, toy))
    return _multiply(a, b, turned)


def build_numpy(sizes: tuple[int, ...], turned: bool, weights: Any, toy: bool) -> Callable[[], Any]:
    """The product by NumPy."""
    return _multiply(*_matrices(sizes, turned, toy), turned)


def build_jax(sizes: tuple[int, ...], turned: bool, weights: Any, toy: bool) -> Callable[[], Any]:
    """The product, jitted."""
    import jax
    import jax.numpy as jnp

    a, b = map(jnp.asarray, _matrices(sizes, turned, toy))
    product = jax.jit(lambda a, b: a @ b.T if turned else a @ b)
    return lambda: product(a, b)


def _case(sizes: tuple[int, ...], turned: bool = False) -> Case:
    *batch, m, k, n = sizes
    left, right = f"({m}, {k})", f"({n}, {k}).T" if turned else f"({k}, {n})"
    kind = "product-t" if turned else "batch" if batch else "product"
    name = "-".join([kind, *map(str, sizes)])
    what = f"{f'{batch[0]} times ' if batch else ''}{left} @ {right}"
    own = {"jax": partial(build_jax, sizes, turned), "numpy": partial(build_numpy, sizes, turned)}
    alone = dict.fromkeys(("wengert.compile", "torch.compile"), "one operation, nothing to compile")
    work = Work(2.0 * float(np.prod(sizes)))
    return Case(name, what, "product", partial(build, sizes, turned), own, work, without=alone)


CASES = [*map(_case, SHAPES), *(_case(sizes, turned=True) for sizes in TRANSPOSED), *map(_case, BATCHES)]
