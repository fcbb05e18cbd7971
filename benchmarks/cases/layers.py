"""Single operations of a network, forward and backward: attention, norms, an embedding's gradient, Adam's update."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..case import Case, Work

Arrays = list[np.ndarray]


def _normal(*shapes: tuple[int, ...]) -> Arrays:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def _pulled(library: Any, function: Callable[..., Any], arrays: Arrays, leaves: int) -> Callable[[], Any]:
    """function(leaves, others) and the cotangents of the leaves for a given one of the result, the last array.

    All of them are returned: what nobody can see a compiler leaves out.
    """
    tensors = [library.torch.from_numpy(a) for a in arrays]
    inputs, cotangent = tensors[:-1], tensors[-1]
    for leaf in inputs[:leaves]:
        leaf.requires_grad_()
    forward = library.compile(function)

    def step() -> Any:
        y = forward(*inputs)
        return y.detach(), *library.grad(y, inputs[:leaves], cotangent)

    return step


def _jax_pulled(function: Callable[..., Any], arrays: Arrays, leaves: int) -> Callable[[], Any]:
    """The same, jitted."""
    import jax
    import jax.numpy as jnp

    *inputs, cotangent = map(jnp.asarray, arrays)
    constant = inputs[leaves:]

    @jax.jit
    def both(leaves: Any, g: Any) -> Any:
        y, pull = jax.vjp(lambda *leaves: function(*leaves, *constant), *leaves)
        return y, pull(g)

    return lambda: both(tuple(inputs[:leaves]), cotangent)


# -- scaled dot-product attention ------------------------------------------------------------------------------------

ATTENTION = [(8, 4, 128, 32), (1, 8, 1024, 64)]  # batch, heads, steps, features


def _attention_arrays(sizes: tuple[int, ...], toy: bool) -> Arrays:
    return _normal(*[(2, 2, 5, 3) if toy else sizes] * 4)


def build_attention(sizes: tuple[int, ...], library: Any, toy: bool) -> Callable[[], Any]:
    """Causal attention."""
    attend = partial(library.nn.functional.scaled_dot_product_attention, is_causal=True)
    return _pulled(library, lambda q, k, v: attend(q, k, v), _attention_arrays(sizes, toy), 3)


def build_attention_jax(sizes: tuple[int, ...], weights: Any, toy: bool) -> Callable[[], Any]:
    """The same; JAX has the heads after the steps."""
    import jax

    arrays = [a.transpose(0, 2, 1, 3) for a in _attention_arrays(sizes, toy)]
    return _jax_pulled(lambda q, k, v: jax.nn.dot_product_attention(q, k, v, is_causal=True), arrays, 3)


# -- normalisation -----------------------------------------------------------------------------------

LAYER, BATCH, ROWS, GROUPS = (1024, 512), (32, 64, 28, 28), (1024, 256), 8


def _norm_arrays(shape: tuple[int, ...], features: int) -> Arrays:
    return _normal(shape, (features,), (features,), shape)


def build_layer_norm(library: Any, toy: bool) -> Callable[[], Any]:
    """Over the last dimension."""
    shape = (4, 5) if toy else LAYER
    norm = library.nn.functional.layer_norm
    arrays = _norm_arrays(shape, shape[-1])
    return _pulled(library, lambda x, w, b: norm(x, (shape[-1],), w, b), arrays, 3)


def build_rms_norm(library: Any, toy: bool) -> Callable[[], Any]:
    """Over the last dimension, without a mean."""
    shape = (4, 5) if toy else LAYER
    norm = library.nn.functional.rms_norm
    x, w, _, cotangent = _norm_arrays(shape, shape[-1])
    return _pulled(library, lambda x, w: norm(x, (shape[-1],), w, 1e-5), [x, w, cotangent], 2)


def build_group_norm(library: Any, toy: bool) -> Callable[[], Any]:
    """Over groups of channels."""
    shape, groups = ((2, 4, 4, 4), 2) if toy else (BATCH, GROUPS)
    norm = library.nn.functional.group_norm
    return _pulled(library, lambda x, w, b: norm(x, groups, w, b), _norm_arrays(shape, shape[1]), 3)


def build_batch_norm(sizes: tuple[int, ...], library: Any, toy: bool) -> Callable[[], Any]:
    """Over all but the second dimension, in training."""
    shape = (2, 3, 4, 4)[: len(sizes)] if toy else sizes
    norm = library.nn.functional.batch_norm
    arrays = _norm_arrays(shape, shape[1])
    return _pulled(library, lambda x, w, b: norm(x, None, None, w, b, training=True), arrays, 3)


def _jax_norm(axes: tuple[int, ...], shape: tuple[int, ...]) -> Callable[..., Any]:
    import jax.numpy as jnp

    def norm(x: Any, w: Any, b: Any) -> Any:
        mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
        return (x - mean) / jnp.sqrt(variance + 1e-5) * w.reshape(shape) + b.reshape(shape)

    return norm


def build_layer_norm_jax(weights: Any, toy: bool) -> Callable[[], Any]:
    """The same."""
    shape = (4, 5) if toy else LAYER
    return _jax_pulled(_jax_norm((1,), (1, -1)), _norm_arrays(shape, shape[-1]), 3)


def build_rms_norm_jax(weights: Any, toy: bool) -> Callable[[], Any]:
    """The same."""
    import jax.numpy as jnp

    def norm(x: Any, w: Any) -> Any:
        return x / jnp.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * w

    x, w, _, cotangent = _norm_arrays((4, 5) if toy else LAYER, 5 if toy else LAYER[-1])
    return _jax_pulled(norm, [x, w, cotangent], 2)


def build_group_norm_jax(weights: Any, toy: bool) -> Callable[[], Any]:
    """The same."""
    shape, groups = ((2, 4, 4, 4), 2) if toy else (BATCH, GROUPS)
    table = (shape[0], groups, shape[1] // groups, *shape[2:])
    grouped = _jax_norm((2, 3, 4), (1, groups, -1, 1, 1))
    return _jax_pulled(lambda x, w, b: grouped(x.reshape(table), w, b).reshape(shape), _norm_arrays(shape, shape[1]), 3)


def build_batch_norm_jax(sizes: tuple[int, ...], weights: Any, toy: bool) -> Callable[[], Any]:
    """The same."""
    shape = (2, 3, 4, 4)[: len(sizes)] if toy else sizes
    axes, over = (0, *range(2, len(sizes))), (1, -1, 1, 1)[: len(sizes)]
    return _jax_pulled(_jax_norm(axes, over), _norm_arrays(shape, shape[1]), 3)


# -- the gradient of an embedding's table ----------------------------------------------------------------------------


def _embedding_arrays(toy: bool) -> Arrays:
    words, features, places = (7, 3, 5) if toy else (20_000, 100, 6144)
    table, cotangent = _normal((words, features), (places, features))
    return [table, np.random.default_rng(1).integers(0, words, places), cotangent]


def build_embedding(library: Any, toy: bool) -> Callable[[], Any]:
    """Rows looked up, and their cotangents added where they came from."""
    embedding = library.nn.functional.embedding
    return _pulled(library, lambda table, index: embedding(index, table), _embedding_arrays(toy), 1)


def build_embedding_jax(weights: Any, toy: bool) -> Callable[[], Any]:
    """The same."""
    return _jax_pulled(lambda table, index: table[index], _embedding_arrays(toy), 1)


# -- an optimiser's update -------------------------------------------------------------------------------------------


def build_adam(library: Any, toy: bool) -> Callable[[], Any]:
    """Adam's update of one large parameter; its gradient stays."""
    p, g = (library.torch.from_numpy(a) for a in _normal(*[(9,) if toy else (1 << 20,)] * 2))
    p.requires_grad_().grad = g
    optimizer = library.optim.Adam([p], lr=1e-3)

    def step() -> Any:
        optimizer.step()
        return p

    return step


def build_adam_jax(weights: Any, toy: bool) -> Callable[[], Any]:
    """The same, jitted."""
    import jax
    import jax.numpy as jnp

    from ..jax_optim import adam, init

    p, g = (jnp.asarray(a) for a in _normal(*[(9,) if toy else (1 << 20,)] * 2))
    update = jax.jit(partial(adam, lr=1e-3))
    held = [p, init(p)]

    def step() -> Any:
        held[:] = update(held[0], g, held[1])
        return held[0]

    return step


def _attention(sizes: tuple[int, ...]) -> Case:
    n, h, t, f = sizes
    what, own = f"causal attention, {sizes}, forward and backward", {"jax": partial(build_attention_jax, sizes)}
    work = Work(7 * n * h * t * t * f)  # two products forward and five backward, with half of all pairs
    return Case(f"attention-{t}", what, "operation", partial(build_attention, sizes), own, work)


def _batch(name: str, sizes: tuple[int, ...]) -> Case:
    what, own = f"batch norm {sizes}, forward and backward", {"jax": partial(build_batch_norm_jax, sizes)}
    return Case(name, what, "operation", partial(build_batch_norm, sizes), own, Work(bytes=4 * 5 * math.prod(sizes)))


CASES = [
    *map(_attention, ATTENTION),
    Case("layer-norm", f"layer norm {LAYER}, forward and backward", "operation", build_layer_norm,
         {"jax": build_layer_norm_jax}, Work(bytes=4 * 5 * 1024 * 512)),
    Case("rms-norm", f"root-mean-square norm {LAYER}, forward and backward", "operation", build_rms_norm,
         {"jax": build_rms_norm_jax}, Work(bytes=4 * 5 * 1024 * 512)),
    Case("group-norm", f"group norm {BATCH}, {GROUPS} groups, forward and backward", "operation", build_group_norm,
         {"jax": build_group_norm_jax}, Work(bytes=4 * 5 * 32 * 64 * 784)),
    _batch("batch-norm", BATCH),
    _batch("batch-norm-rows", ROWS),
    Case("embedding", "6144 rows of 20000 x 100 looked up, and their gradient", "operation", build_embedding,
         {"jax": build_embedding_jax}, Work(bytes=4 * 100 * (20_000 + 4 * 6144))),
    Case("adam", "Adam's update of 2^20 numbers", "operation", build_adam, {"jax": build_adam_jax},
         Work(bytes=4 * 7 * (1 << 20)), without={"torch.compile": "nothing here is compiled by its users"}),
]  # fmt: skip
