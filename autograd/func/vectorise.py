"""`vmap`: a function of one example as a function of many."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, DimensionError
from ..generator import Draws
from ..ops.join import stack
from ..pytree import Tree, flatten
from ..tensor import Tensor, wrap
from ..where import machinery

__all__ = ["vmap"]

machinery(__name__)
Dims = int | None | tuple[Any, ...]


def vmap(func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error", *,
         chunk_size: int | None = None) -> Callable[..., Any]:  # fmt: skip
    """The function that applies `func` to every slice of its arguments and stacks the results.

    `in_dims` says along which dimension each positional argument is cut (None: not at all, every slice gets all of it),
    as an int or a nest like the arguments; `out_dims` where the new dimension of each result goes (None: the results
    are all the same, give the first).  Keyword arguments are not cut.

    `func` is simply called once for each slice.  So whatever it does is right, for every operation and control flow of
    any kind, and derivatives pass through; and it saves nothing over the loop that it replaces.  `chunk_size`, which
    limits memory in PyTorch, changes nothing here.

    `randomness`: what becomes of random numbers drawn inside.  "error" forbids them, with "different" each slice draws
    its own, with "same" all slices draw the same.

    >>> import autograd
    >>> from autograd.func import grad, vmap
    >>> x = autograd.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> vmap(autograd.dot)(x, x)
    tensor([ 5., 25.])
    >>> vmap(grad(lambda w, x: (w * x).sum() ** 2), in_dims=(None, 0))(autograd.ones(2), x)
    tensor([[ 6., 12.],
            [42., 56.]])
    """
    if randomness not in ("error", "different", "same"):
        raise ArgumentError(f"vmap: randomness must be 'error', 'different' or 'same', got {randomness!r}")
    if chunk_size is not None and chunk_size < 1:
        raise ArgumentError(f"vmap: chunk_size must be None or at least 1, got {chunk_size}")

    @functools.wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        leaves, tree = flatten(args)
        dims = _in_dims(in_dims, leaves, tree)
        sizes = {leaf.shape[d] for leaf, d in zip(leaves, dims) if d is not None}
        if len(sizes) > 1:
            raise ArgumentError(f"vmap: the dimensions to cut must have one size, got {sorted(sizes)}")
        (n,) = sizes
        slices = [_cut(leaf, d, n) for leaf, d in zip(leaves, dims)]
        results = []
        with Draws("vmap", randomness) as draws:
            for own in zip(*slices):
                draws.again()
                results.append(flatten(func(*tree.build(own), **kwargs)))
        trees = {tree for _, tree in results}
        if len(trees) > 1:
            raise ArgumentError(f"vmap: func returned several structures, {', '.join(sorted(map(str, trees)))}")
        return _joined([values for values, _ in results], trees.pop(), out_dims, n)

    return mapped


def _in_dims(in_dims: Any, leaves: Sequence[Any], tree: Tree) -> list[int | None]:
    """Along which dimension each leaf of the arguments is cut."""
    if not leaves:
        raise ArgumentError("vmap: expected at least one positional argument to cut; keyword arguments are not cut")
    if not isinstance(in_dims, int | tuple):
        raise ArgumentError(f"vmap: in_dims must be an int or a tuple like the arguments, got {in_dims!r}")
    spread = tree.spread(in_dims)
    if spread is None:
        raise ArgumentError(f"vmap: in_dims={in_dims} does not fit the structure of the arguments, {tree}")
    dims: list[int | None] = []
    for leaf, d in zip(leaves, spread):
        if d is None:
            dims.append(None)
            continue
        if not isinstance(leaf, Tensor):
            raise ArgumentError(
                f"vmap: in_dims says {d} for an argument of type {type(leaf).__name__}; write None for it"
            )
        if not isinstance(d, int) or not -leaf.ndim <= d < leaf.ndim:
            raise ArgumentError(f"vmap: in_dims says {d!r} for an argument of shape {list(leaf.shape)}")
        dims.append(d % leaf.ndim)
    if all(d is None for d in dims):
        raise ArgumentError("vmap: in_dims is None for all arguments; at least one must be cut")
    return dims


def _cut(leaf: Any, d: int | None, n: int) -> Sequence[Any]:
    """What each slice gets; in an empty batch there is one, of zeros, which only shows what shapes the results have."""
    if d is None:
        return [leaf] * max(n, 1)
    return leaf.unbind(d) if n else [wrap(np.zeros(leaf.shape[:d] + leaf.shape[d + 1 :], leaf.dtype))]


def _joined(outputs: list[list[Any]], tree: Tree, out_dims: Any, n: int) -> Any:
    """The results of all slices as one."""
    dims = tree.spread(out_dims)
    if dims is None:
        raise ArgumentError(f"vmap: out_dims={out_dims} does not fit the structure of what func returns, {tree}")
    return tree.build([_stacked([values[i] for values in outputs], d, n) for i, d in enumerate(dims)])


def _stacked(values: list[Any], d: Any, n: int) -> Any:
    for value in values:
        if not isinstance(value, Tensor) and d is not None:
            raise ArgumentError(
                f"vmap: func must return only Tensors, got {type(value).__name__}; return a tensor, or say None in "
                "out_dims for a result that is the same for all slices"
            )
    if d is None:
        first = values[0]
        if any(not _same(first, value) for value in values[1:]):
            raise ArgumentError("vmap: out_dims is None for a result that differs between slices; give it a dimension")
        return first
    if not isinstance(d, int) or not -values[0].ndim - 1 <= d <= values[0].ndim:
        raise DimensionError(f"vmap: out_dims says {d!r} for results of shape {list(values[0].shape)}")
    if len({value.shape for value in values}) > 1:
        raise ArgumentError(f"vmap: func returned several shapes, {sorted({tuple(v.shape) for v in values})}")
    whole = stack(values, d)
    return whole if n else whole.narrow(d, 0, 0)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return np.array_equal(a.array, b.array, equal_nan=a.dtype.kind == "f")
    return bool(a is b or a == b)
