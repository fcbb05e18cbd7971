"""Sums of products written with indices: einsum, tensordot and their relatives."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..inplace import takes_out
from ..op import op
from ..tensor import Tensor, attach_numpy
from .dims import axes_of
from .matmul import product, same_type

__all__ = ["bilinear", "cartesian_prod", "cdist", "combinations", "cross", "einsum", "meshgrid", "tensordot"]


@op(name="einsum", symbol="einsum", method=False)
def contraction(*tensors: Any, equation: str) -> Any:
    """Sums of products by an explicit equation such as ``"ij,jk->ik"``: the op behind `einsum`."""
    return np.asarray(np.einsum(equation, *tensors, optimize=len(tensors) > 2))


def _pull(g: Any, i: int, tensors: Any, shapes: Any, equation: str) -> Any:
    """The cotangent takes the output's place and input i becomes the output; indices that only it had are spread."""
    left, _, out = equation.partition("->")
    terms = left.split(",")
    mine = terms[i]
    others = [t for k, t in enumerate(terms) if k != i]
    factors = [t for k, t in enumerate(tensors) if k != i]
    unique = "".join(dict.fromkeys(mine))
    elsewhere = set(out).union(*others)
    alone = "".join(c for c in unique if c not in elsewhere)
    size = dict(zip(mine, shapes[i]))
    if alone:  # summed over on its own: every element gets the same
        ones = np.ones([size[c] for c in alone], g.dtype)
        others, factors = [*others, alone], [*factors, ones]
    result = contraction(g, *factors, equation=f"{','.join([out, *others])}->{unique}")
    expected = tuple(size[c] for c in unique)
    if tuple(result.shape) != expected:  # an index of size 1 elsewhere was broadcast
        result = np.broadcast_to(result, expected)
    return result if unique == mine else _on_diagonals(result, unique, mine, shapes[i])


def _on_diagonals(x: Any, unique: str, mine: str, shape: tuple[int, ...]) -> Any:
    """``ii`` reads a diagonal, so its cotangent goes there: multiply by Kronecker's delta."""
    letters = iter(c for c in string.ascii_letters if c not in mine)
    fresh, deltas, seen = "", [], set()
    for c in mine:
        if c in seen:
            d = next(letters)
            deltas.append((c + d, np.eye(shape[mine.index(c)], dtype=x.dtype)))
            fresh += d
        else:
            seen.add(c)
            fresh += c
    terms = ",".join([unique, *(t for t, _ in deltas)])
    return contraction(x, *(d for _, d in deltas), equation=f"{terms}->{fresh}")


contraction.derivative(
    tensors=lambda g, i, tensors, tensors_shapes, equation: _pull(g, i, tensors, tensors_shapes, equation)
)
contraction.samples(
    lambda draw, case: [
        case(draw(2, 3), draw(3, 4), equation="ij,jk->ik"),
        case(draw(3, 3), equation="ii->"),
        case(draw(2, 3), equation="ij->j"),
        case(draw(2, 2), draw(2), equation="ii,j->ij"),
        case(draw(2, 3), draw(3), draw(2), equation="ij,j,i->"),
        case(draw(), draw(2), equation=",i->i"),
    ]
)
contraction.errors(lambda draw, case: [case(draw(2, 3), draw(4), equation="ij,j->i")])


def einsum(equation: str, *operands: Any) -> Tensor:
    """Sums of products in Einstein's notation; ``...`` stands for further dimensions, which broadcast.

    >>> import autograd
    >>> a = autograd.tensor([[1, 2], [3, 4]])
    >>> autograd.einsum("ij,ij->i", a, a)
    tensor([ 5, 25])
    """
    tensors = tuple(operands[0]) if len(operands) == 1 and isinstance(operands[0], list | tuple) else operands
    if not isinstance(equation, str):
        raise ArgumentError(f"einsum: equation must be a string such as 'ij,jk->ik', got {type(equation).__name__}")
    if not tensors:
        raise ArgumentError("einsum: needs at least one tensor after the equation")
    same_type("einsum", *tensors)
    explicit = _explicit(equation.replace(" ", ""), [t.array.ndim for t in tensors])
    if len(tensors) == 2 and (fast := _as_product(explicit, *tensors)) is not None:
        return fast
    return contraction(*tensors, equation=explicit)


def _explicit(equation: str, ndims: list[int]) -> str:
    """The equation with its output written out and letters in place of ``...``."""
    left, arrow, right = equation.partition("->")
    terms = left.split(",")
    used = set(equation) - set(",->.")
    if not all(c.isalpha() for c in used) or equation.count("->") > 1:
        strange = sorted(c for c in used if not c.isalpha())
        raise ArgumentError(f"einsum: equation {equation!r} may hold letters, ',', '->' and '...', not {strange}")
    if len(terms) != len(ndims):
        raise ArgumentError(f"einsum: equation {equation!r} has {len(terms)} terms for {len(ndims)} tensors")
    spare = [c for c in string.ascii_letters if c not in used]
    widest = 0
    for k, (term, ndim) in enumerate(zip(terms, ndims)):
        named = len(term.replace("...", ""))
        if "." in term.replace("...", "", 1) or (named != ndim if "..." not in term else named > ndim):
            raise ShapeError(
                f"einsum: term {k} ({term!r}) of {equation!r} names {named} dimensions, its tensor has {ndim}"
            )
        if "..." in term:
            widest = max(widest, ndim - named)
    dots = "".join(spare[:widest])
    for k, (term, ndim) in enumerate(zip(terms, ndims)):
        n = ndim - len(term.replace("...", ""))
        terms[k] = term.replace("...", dots[len(dots) - n :] if n else "")
    if not arrow:
        letters = "".join(terms)
        right = dots + "".join(sorted(c for c in set(letters) if letters.count(c) == 1 and c not in dots))
    right = right.replace("...", dots)
    unknown = [c for c in right if c not in "".join(terms)]
    if unknown or len(set(right)) != len(right) or "." in right:
        raise ArgumentError(
            f"einsum: the output of {equation!r} repeats an index or names one that no input has: {unknown}"
        )
    return f"{','.join(terms)}->{right}"


def _as_product(equation: str, a: Tensor, b: Tensor) -> Tensor | None:
    """Two operands as one matrix product, which BLAS does; None where that does not fit."""
    left, _, out = equation.partition("->")
    x, y = left.split(",")
    sizes: dict[str, int] = {}
    for term, t in ((x, a), (y, b)):
        for c, n in zip(term, t.array.shape):
            if sizes.setdefault(c, n) != n:
                return None
    if len(set(x)) < len(x) or len(set(y)) < len(y):
        return None
    both = [c for c in x if c in y]
    batch, summed = [c for c in both if c in out], [c for c in both if c not in out]
    rows, columns = [c for c in x if c not in y], [c for c in y if c not in x]
    if not summed or any(c not in out for c in rows + columns):
        return None

    def volume(letters: list[str]) -> int:
        return math.prod(sizes[c] for c in letters)

    p = a.permute([x.index(c) for c in batch + rows + summed]).reshape(volume(batch), volume(rows), volume(summed))
    q = b.permute([y.index(c) for c in batch + summed + columns]).reshape(
        volume(batch), volume(summed), volume(columns)
    )
    order = batch + rows + columns
    if not batch:
        p, q = p.squeeze(0), q.squeeze(0)
    shaped = product(p, q).reshape([sizes[c] for c in order])
    return shaped.permute([order.index(c) for c in out])


attach_numpy(np.einsum, einsum)


@takes_out
def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Sums of products over the last `dims` dimensions of `a` and the first of `b`, or over the two lists given.

    >>> import autograd
    >>> autograd.tensordot(autograd.ones(2, 3), autograd.ones(3, 4), 1).shape
    Size([2, 4])
    """
    same_type("tensordot", a, b)
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if not 0 <= dims <= min(a.array.ndim, b.array.ndim):
            raise ArgumentError(
                f"tensordot: dims={dims} must lie between 0 and the number of dimensions of both tensors"
            )
        dims = (list(range(a.array.ndim - dims, a.array.ndim)), list(range(dims)))
    first, second = (axes_of(tuple(d), t.array.ndim) if len(d) else () for d, t in zip(dims, (a, b)))
    if len(first) != len(second):
        raise ArgumentError(f"tensordot: dims={dims} name different numbers of dimensions")
    for i, j in zip(first, second):
        m, n = a.array.shape[i], b.array.shape[j]
        if m == 1 != n:  # a size of 1 is repeated, so it meets the sum of the other's elements
            b = b.sum(j, keepdim=True)
        elif n == 1 != m:
            a = a.sum(i, keepdim=True)
        elif m != n:
            raise ShapeError(f"tensordot: dimension {i} of {list(a.shape)} and {j} of {list(b.shape)} differ in size")
    rows = [i for i in range(a.array.ndim) if i not in first]
    columns = [j for j in range(b.array.ndim) if j not in second]
    k = math.prod(a.array.shape[i] for i in first)
    p = a.permute([*rows, *first]).reshape(math.prod(a.array.shape[i] for i in rows), k)
    q = b.permute([*second, *columns]).reshape(k, math.prod(b.array.shape[j] for j in columns))
    return product(p, q).reshape([a.array.shape[i] for i in rows] + [b.array.shape[j] for j in columns])


attach_numpy(np.tensordot, tensordot)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y_k = Σ_ij x1_i W_kij x2_j + b_k."""
    y = einsum("...i,kij,...j->...k", input1, weight, input2)
    return y if bias is None else y + bias


@takes_out
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The vector product of vectors of three along `dim` (by default the first dimension of size 3)."""
    shape = np.broadcast_shapes(input.array.shape, other.array.shape)
    if dim is None:
        dim = next((i for i, n in enumerate(shape) if n == 3), len(shape))
    axis = axes_of(dim, len(shape))[0] if dim != len(shape) else -1
    if axis < 0 or shape[axis] != 3:
        raise ShapeError(
            f"cross: inputs must have a dimension of size 3, got {list(input.shape)} and {list(other.shape)}"
        )
    a, b = input.expand(shape), other.expand(shape)
    return a.roll(-1, axis) * b.roll(-2, axis) - a.roll(-2, axis) * b.roll(-1, axis)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Coordinates on the grid of the given axes: matrix order (``"ij"``) or Cartesian (``"xy"``).

    >>> import autograd
    >>> x, y = autograd.meshgrid(autograd.arange(2), autograd.arange(3), indexing="ij"); x
    tensor([[0, 0, 0],
            [1, 1, 1]])
    """
    axes: Sequence[Tensor] = (
        tuple(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors
    )
    if indexing not in ("ij", "xy"):
        raise ArgumentError(f"meshgrid: indexing must be 'ij' or 'xy', got {indexing!r}")
    if not axes or any(t.array.ndim > 1 for t in axes):
        raise ShapeError("meshgrid: expected at least one tensor, each with at most one dimension")
    if len({t.array.dtype for t in axes}) > 1:
        raise ArgumentError("meshgrid: the tensors must have one dtype")
    swapped = indexing == "xy" and len(axes) > 1
    ordered = [axes[1], axes[0], *axes[2:]] if swapped else list(axes)
    n, shape = len(ordered), [t.array.size for t in ordered]
    grids = [t.reshape((1,) * i + (-1,) + (1,) * (n - i - 1)).expand(shape) for i, t in enumerate(ordered)]
    if swapped:
        grids = [g.transpose(0, 1) for g in (grids[1], grids[0], *grids[2:])]
        grids = [g.transpose(0, 1) for g in grids]
    return tuple(grids)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All combinations of one element from each, as rows."""
    if len(tensors) == 1:
        return tensors[0]
    from .join import stack

    return stack([g.reshape(-1) for g in meshgrid(*tensors)], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of `r` elements in order, as rows."""
    import itertools

    if input.array.ndim != 1:
        raise ShapeError(f"combinations: input must be a vector, got shape {list(input.shape)}")
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = np.array(list(choose(range(input.array.size), r)), np.int64).reshape(-1, r)
    return input[rows] if rows.size else input[:0].reshape(0, r)


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = None) -> Tensor:
    """p-norm distances between the rows of `x1` (..., P, M) and of `x2` (..., R, M)."""
    from .norms import vector_norm

    if not isinstance(x1, Tensor) or not isinstance(x2, Tensor):
        raise ArgumentError(f"cdist: x1 and x2 must be Tensors, got {type(x1).__name__} and {type(x2).__name__}")
    if x1.array.ndim < 2 or x2.array.ndim < 2 or x1.array.shape[-1] != x2.array.shape[-1]:
        raise ShapeError(f"cdist: rows must have one length, got shapes {list(x1.shape)} and {list(x2.shape)}")
    if p < 0:
        raise ArgumentError(f"cdist: p must not be negative, got {p}")
    return vector_norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1)
