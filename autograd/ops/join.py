"""Tensors put together and taken apart."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..dtypes import promote_types
from ..errors import ArgumentError, ShapeError
from ..op import op
from ..promotion import cast
from ..tensor import Tensor, method
from ..views import track_view
from .dims import axis_of
from .index import part_of
from .shape import narrow, unsqueeze

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "block_diag",
    "cat",
    "chunk",
    "column_stack",
    "concat",
    "concatenate",
    "dsplit",
    "dstack",
    "hsplit",
    "hstack",
    "row_stack",
    "split",
    "stack",
    "tensor_split",
    "unbind",
    "vsplit",
    "vstack",
]


@op(name="cat", symbol="cat", method=False, linear=True)
def join(*tensors: Any, dim: int = 0) -> Any:
    """Arrays one after the other along `dim`: the op behind `cat`."""
    return np.concatenate(tensors, dim)


def _slice(g: Any, i: int, shapes: tuple[tuple[int, ...], ...], dim: int) -> Any:
    start = sum([shape[dim] for shape in shapes[:i]])
    return g[(slice(None),) * (dim % g.ndim) + (slice(start, start + shapes[i][dim]),)]


join.derivative(tensors=lambda g, i, tensors_shapes, dim: _slice(g, i, tensors_shapes, dim))
join.samples(
    lambda draw, case: [case(draw(2, 3), draw(1, 3)), case(draw(2, 3), draw(2, 1), dim=1), case(draw(2), draw(0))]
)
join.errors(lambda draw, case: [case(draw(2, 3), draw(2, 2)), case(draw(2), draw(2), dim=1)])


def _sequence(name: str, tensors: Any) -> tuple[Tensor, ...]:
    several = isinstance(tensors, (list, tuple)) or (isinstance(tensors, Sequence) and not isinstance(tensors, Tensor))
    given = tuple(tensors) if several else (None,)
    for t in given:
        if not isinstance(t, Tensor):
            raise ArgumentError(f"{name}: tensors must be a list or tuple of Tensors, got {type(tensors).__name__}")
    if not given:
        raise ArgumentError(f"{name}: tensors is empty; there is nothing to put together")
    return given


def cat(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Tensors one after the other along an existing dimension; their other sizes must agree.

    >>> import autograd
    >>> autograd.cat([autograd.tensor([1, 2]), autograd.tensor([3])])
    tensor([1, 2, 3])
    """
    given = _sequence("cat", tensors)
    shapes, types = [t.array.shape for t in given], [t.array.dtype for t in given]
    if shapes.count(shapes[0]) != len(shapes) or not shapes[0]:
        given = _fitting(given, shapes, dim)
    if types.count(types[0]) != len(types):
        dtype = functools.reduce(promote_types, types)
        given = tuple([t if t.array.dtype == dtype else cast(t, dtype) for t in given])
    result = join.op.apply(given, (axis_of(dim, given[0].array.ndim),))
    return result if out is None else out._write(result, "cat(out=...)")


def _fitting(given: tuple[Tensor, ...], shapes: list[tuple[int, ...]], dim: int) -> tuple[Tensor, ...]:
    """Those of the tensors that have elements, if they differ along `dim` only; PyTorch skips empty vectors of any
    company."""
    if () in shapes:
        raise ShapeError("cat: a 0-d tensor has no dimension to join along; use stack, or unsqueeze(0) first")
    first = next((shape for shape in shapes if shape != (0,)), shapes[0])
    at = axis_of(dim, len(first))
    rest = first[:at] + first[at + 1 :]
    for i, shape in enumerate(shapes):
        if (len(shape) != len(first) or shape[:at] + shape[at + 1 :] != rest) and shape != (0,):
            raise ShapeError(
                f"cat: tensors[{i}] has shape {shape} and tensors[0] {first}; they may differ in dimension {at} only"
            )
    return tuple([t for t in given if t.array.shape != (0,)]) or given[:1]


concat = concatenate = cat


def stack(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Tensors of one shape side by side along a new dimension.

    >>> import autograd
    >>> autograd.stack([autograd.tensor([1, 2]), autograd.tensor([3, 4])], dim=1)
    tensor([[1, 3],
            [2, 4]])
    """
    given = _sequence("stack", tensors)
    for i, t in enumerate(given):
        if t.array.shape != given[0].array.shape:
            raise ShapeError(
                f"stack: tensors must have one shape; tensors[0] has {given[0].array.shape}, tensors[{i}] "
                f"{t.array.shape}"
            )
    at = axis_of(dim, given[0].array.ndim + 1)
    return cat([unsqueeze(t, at) for t in given], at, out=out)


def _at_least(n: int, t: Tensor) -> Tensor:
    """Sizes of 1 added as NumPy adds them: in front, and for 3 also one behind a matrix."""
    missing = n - t.array.ndim
    if missing <= 0:
        return t
    if n == 3:
        return t.reshape((1, *t.shape, 1) if t.array.ndim == 1 else (*t.shape, 1) if t.array.ndim == 2 else (1, 1, 1))
    return t.reshape((1,) * missing + tuple(t.shape))


def _each(n: int, tensors: tuple[Any, ...]) -> Any:
    if len(tensors) == 1:
        one = tensors[0]
        return _at_least(n, one) if isinstance(one, Tensor) else tuple(_at_least(n, t) for t in one)
    return tuple(_at_least(n, t) for t in tensors)


def atleast_1d(*tensors: Any) -> Any:
    """Numbers as vectors of one element."""
    return _each(1, tensors)


def atleast_2d(*tensors: Any) -> Any:
    """Vectors as matrices of one row."""
    return _each(2, tensors)


def atleast_3d(*tensors: Any) -> Any:
    """Matrices with a third dimension of size 1."""
    return _each(3, tensors)


def hstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Side by side: along the second dimension, or the only one."""
    parts = [_at_least(1, t) for t in _sequence("hstack", tensors)]
    return cat(parts, 0 if parts[0].array.ndim == 1 else 1, out=out)


def vstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """One below the other."""
    return cat([_at_least(2, t) for t in _sequence("vstack", tensors)], 0, out=out)


row_stack = vstack


def dstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """One behind the other: along the third dimension."""
    return cat([_at_least(3, t) for t in _sequence("dstack", tensors)], 2, out=out)


def column_stack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Vectors as the columns of a matrix."""
    parts = [t.reshape(-1, 1) if t.array.ndim <= 1 else t for t in _sequence("column_stack", tensors)]
    return cat(parts, 1, out=out)


def block_diag(*tensors: Tensor) -> Tensor:
    """Matrices along the diagonal of a larger one, zeros elsewhere."""
    from ..factories import zeros

    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors
    blocks = [_at_least(2, t) for t in given]
    if any(b.array.ndim > 2 for b in blocks):
        raise ShapeError("block_diag: tensors must have at most two dimensions")
    width = sum(b.array.shape[1] for b in blocks)
    rows, left = [], 0
    for b in blocks:
        n, m = b.array.shape
        rows.append(cat([zeros(n, left, dtype=b.dtype), b, zeros(n, width - left - m, dtype=b.dtype)], 1))
        left += m
    return cat(rows, 0)


# ---------------------------------------------------------------------------------------------------------------------
# Taking apart: views.  One node for all parts, so that the cotangent is one concatenation and T parts cost O(T); T
# slices would each lay theirs into zeros of the full size, O(T²).


@op(name="split", symbol="split", method=False, view=True, multiple=True, linear=True)
def parts_along(input: Any, /, dim: int, lengths: tuple[int, ...]) -> Any:
    """Views of `lengths` elements of dimension `dim`, one after the other."""
    return tuple([input[key] for key in _keys(dim, lengths)])


def _keys(dim: int, lengths: tuple[int, ...]) -> list[tuple[Any, ...]]:
    ends = np.cumsum(lengths).tolist()
    return [(*(slice(None),) * dim, slice(end - n, end), ...) for n, end in zip(lengths, ends)]


parts_along.derivative(input=lambda g, dim: join(*g, dim=dim))
parts_along.samples(lambda draw, case: [case(draw(5), 0, (2, 3)), case(draw(2, 4), 1, (1, 0, 3)),
                                             case(draw(2, 2), 0, (0, 2))])  # fmt: skip


@op(name="unbind", symbol="unbind", method=False, view=True, multiple=True, linear=True)
def slices_along(input: Any, /, dim: int) -> Any:
    """The slices of dimension `dim`, which is dropped: views."""
    return tuple([input[key] for key in _slice_keys(dim, input.shape[dim])])


def _slice_keys(dim: int, n: int) -> list[tuple[Any, ...]]:
    return [(*(slice(None),) * dim, i, ...) for i in range(n)]


def _stacked(g: Any, dim: int) -> Any:
    shape = g[0].shape
    return join(*[part.reshape((*shape[:dim], 1, *shape[dim:])) for part in g], dim=dim)


slices_along.derivative(input=lambda g, dim: _stacked(g, dim))
slices_along.samples(lambda draw, case: [case(draw(3), 0), case(draw(2, 3, 2), 1), case(draw(2, 0), 0)])


def _views(parts: tuple[Tensor, ...], of: Tensor, keys: list[tuple[Any, ...]]) -> tuple[Tensor, ...]:
    """The parts, each remembered as the view that it is."""
    for part, key in zip(parts, keys):
        track_view(part, of, part_of.op, (key,))
    return parts


def _split(input: Tensor, dim: int, lengths: Sequence[int]) -> tuple[Tensor, ...]:
    given = tuple(lengths)
    return _views(parts_along(input, dim, given), input, _keys(dim, given))


@method
def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of a given size (the last may be smaller), or of the given sizes.

    >>> import autograd
    >>> autograd.arange(5).split(2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    if not tensor.array.ndim:
        raise ShapeError("split: a 0-d tensor has no dimension to split")
    at = axis_of(dim, tensor.array.ndim)
    n = tensor.array.shape[at]
    given = split_size_or_sections
    if isinstance(given, int):
        if given < 0 or (given == 0 and n):
            raise ArgumentError(f"split: split_size must be positive, got {given}")
        lengths = [min(given, n - start) for start in range(0, n, given)] if n else [0]
    else:
        if not isinstance(given, list | tuple | Tensor):
            raise ArgumentError(f"split: give the size of the pieces or a list of sizes, not {given!r}")
        lengths = [int(k) for k in given]
        if sum(lengths) != n or min(lengths, default=0) < 0:
            raise ArgumentError(f"split: the sections {lengths} must add up to size {n} of dimension {dim}")
    return _split(tensor, at, lengths)


@method
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` pieces of equal size, the last possibly smaller."""
    if input.array.ndim == 0:
        raise ShapeError("chunk: a 0-d tensor has no dimension to split")
    if not isinstance(chunks, int | np.integer) or chunks < 1:
        raise ArgumentError(f"chunk: chunks must be at least 1, got {chunks}")
    n = input.array.shape[axis_of(dim, input.array.ndim)]
    return split(input, -(-n // chunks), dim) if n else tuple(narrow(input, dim, 0, 0) for _ in range(chunks))


@method
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces between the given indices, or a number of pieces of nearly equal size."""
    if input.array.ndim == 0:
        raise ShapeError("tensor_split: a 0-d tensor has no dimension to split")
    at, cuts = axis_of(dim, input.array.ndim), indices_or_sections
    n = input.array.shape[at]
    if isinstance(cuts, Tensor):
        if cuts.array.dtype.kind not in "iu" or cuts.array.ndim > 1:
            raise ArgumentError("tensor_split: indices must be an integer tensor of at most one dimension")
        cuts = cuts.tolist()
    if isinstance(cuts, int):
        if cuts < 1:
            raise ArgumentError(f"tensor_split: the number of sections must be positive, got {cuts}")
        small, extra = divmod(n, cuts)
        cuts = [i * small + min(i, extra) for i in range(1, cuts)]
    edges = [0, *(min(max(c + n if c < 0 else c, 0), n) for c in cuts), n]
    lengths = [b - a for a, b in pairwise(edges)]
    if min(lengths) >= 0:
        return _split(input, at, lengths)
    return tuple(narrow(input, at, a, max(0, b - a)) for a, b in pairwise(edges))  # parts may have elements in common


def _split_along(name: str, input: Tensor, cuts: Any, dim: int, least: int) -> tuple[Tensor, ...]:
    if input.array.ndim < least:
        raise ShapeError(f"{name}: expected at least {least} dimensions, got shape {tuple(input.shape)}")
    if not isinstance(cuts, int | list | tuple | Tensor):
        raise ArgumentError(f"{name}: give a number of sections or a list of indices, not {cuts!r}")
    if isinstance(cuts, int) and (cuts < 1 or input.array.shape[dim] % cuts):
        raise ArgumentError(f"{name}: {cuts} sections do not divide size {input.array.shape[dim]} of dimension {dim}")
    return tensor_split(input, cuts, dim)


@method
def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` along the second dimension, or the only one."""
    return _split_along("hsplit", input, indices_or_sections, 0 if input.array.ndim == 1 else 1, 1)


@method
def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` along the first dimension."""
    return _split_along("vsplit", input, indices_or_sections, 0, 2)


@method
def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` along the third dimension."""
    return _split_along("dsplit", input, indices_or_sections, 2, 3)


@method
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along `dim`, as a tuple."""
    at = axis_of(dim, input.array.ndim)
    if input.array.ndim == 0:
        raise ShapeError("unbind: a 0-d tensor has no dimension to take apart")
    n = input.array.shape[at]
    return _views(slices_along(input, at), input, _slice_keys(at, n)) if n else ()
