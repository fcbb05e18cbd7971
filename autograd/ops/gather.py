"""Elements chosen by tensors of indices along a dimension, and the transposes of that, which scatter and add."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import quiet as bodies
from ..errors import ArgumentError, DimensionError, DTypeError, ShapeError
from ..inplace import takes_out
from ..op import op
from ..promotion import cast
from ..tensor import Tensor, method, wrap
from .dims import axis_of
from .index import added_at, elements_of, read, stayed

__all__ = [
    "argwhere", "gather", "index_add", "index_copy", "index_fill", "index_put", "index_select", "masked_scatter",
    "masked_select", "nonzero", "scatter", "scatter_add", "take", "take_along_dim",
]  # fmt: skip


def _indices(name: str, index: Any) -> np.ndarray:
    """The array of an index tensor."""
    array = index.array if isinstance(index, Tensor) else np.asarray(index)
    if array.dtype.kind not in "iu":
        raise DTypeError(f"{name}: index must be an integer tensor (int64), got {array.dtype}")
    return array


def along(index: np.ndarray, dim: int) -> tuple[np.ndarray, ...]:
    """The NumPy key of the elements ``[i, ..., index[i, ..., k], ..., k]``."""
    grid = open_grid(index.shape)
    grid[dim] = index
    return tuple(grid)


def open_grid(shape: tuple[int, ...]) -> list[Any]:
    """For each dimension its numbers from 0, along it: together they broadcast to `shape`."""
    tails = [(1,) * (len(shape) - 1 - i) for i in range(len(shape))]
    return [bodies.quiet().run(np.arange, n).reshape(n, *tail) for n, tail in zip(shape, tails)]


def checked(name: str, input: Tensor, dim: int, index: Any) -> tuple[Any, ...]:
    """The key for `gather` and `scatter`: index within range, of no larger size elsewhere; 0-d is like one element."""
    array, shape = _indices(name, index), input.array.shape
    at = axis_of(dim, len(shape))
    if array.size == 0:
        return (np.zeros(array.shape, np.int64),) * max(1, len(shape))
    if max(array.ndim, 1) != max(len(shape), 1):
        raise ShapeError(f"{name}: index has {array.ndim} dimensions and input {len(shape)}; they must be equal")
    n = shape[at] if shape else 1
    if ((array < 0) | (array >= n)).any():
        raise DimensionError(f"{name}: index has values outside 0..{n - 1}, the range of dimension {dim} of {shape}")
    if any(a > b for i, (a, b) in enumerate(zip(array.shape, shape)) if i != at):
        raise ShapeError(
            f"{name}: index of shape {array.shape} is larger than input of shape {shape} apart from dim={dim}"
        )
    return along(np.atleast_1d(array), at) if shape else (Ellipsis,)


@takes_out
@method
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """``out[i, j] = input[index[i, j], j]`` for dim=0, and so on.

    >>> import autograd
    >>> autograd.gather(autograd.tensor([[1, 2], [3, 4]]), 1, autograd.tensor([[0], [1]]))
    tensor([[1],
            [4]])
    """
    key = checked("gather", input, dim, index)
    if input.array.ndim == 0 or index.array.size == 0:
        picked = elements_of(input.reshape(-1), (np.zeros(index.array.size, np.int64),))
        return picked.reshape(index.array.shape)
    picked = elements_of(input, key)
    return picked if index.array.ndim else picked.reshape(())


def source_of(name: str, src: Any, index: Any, input: Tensor) -> Tensor:
    """The part of `src` that `index` covers, with as many dimensions as the key of `checked` has."""
    if not isinstance(src, Tensor) or not isinstance(index, Tensor):
        kinds = f"{type(index).__name__} and {type(src).__name__}"
        raise ArgumentError(f"{name}: index and src must be Tensors, got {kinds}; write autograd.tensor(...)")
    if src.array.dtype != input.array.dtype:
        raise DTypeError(f"{name}: src must have the dtype of input, {input.array.dtype}, got {src.array.dtype}")
    covered, given = index.array.shape, src.array.shape
    if max(len(given), 1) != max(len(covered), 1) or any(a > b for a, b in zip(covered, given)):
        raise ShapeError(f"{name}: index of shape {covered} is larger than src of shape {given}")
    if covered and given and covered != given:
        src = src[tuple(slice(n) for n in covered)]
    return src if src.array.ndim == input.array.ndim or not src.array.size else src.reshape((1,) * input.array.ndim)


@op(symbol="scatter", method=False, linear=True)
def scattered(input: Any, src: Any, /, key: Any) -> Any:
    """`input` with `src` written at `key`; of several writes into one place, the last stays."""
    out = np.array(input)
    out[key] = src
    return out


scattered.derivative(input=lambda g, key: scattered(g, np.zeros((), g.dtype), key), src=lambda g, key: stayed(g, key))
scattered.samples(
    lambda draw, case: [
        case(draw(4), draw(3), (np.array([1, 3, 1]),)),
        case(draw(3, 2), draw(2, 2), along(np.array([[0, 2], [1, 0]]), 0)),
    ]
)


@op(symbol="scatter +", method=False, linear=True)
def scattered_sum(input: Any, src: Any, /, key: Any) -> Any:
    """`input` with `src` added at `key`."""
    out = np.array(input)
    np.add.at(out, key, src)
    return out


scattered_sum.derivative(input=lambda g: g, src=lambda g, key: elements_of(g, key))
scattered_sum.samples(lambda draw, case: [case(draw(3, 2), draw(2, 2), along(np.array([[0, 2], [0, 0]]), 0))])


@takes_out
@method(inplace=True)
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """A copy of `input` with ``out[index[i, j], j] = src[i, j]`` for dim=0; `src` may be a number.

    >>> import autograd
    >>> autograd.zeros(1, 3).scatter(1, autograd.tensor([[2]]), 5.0)
    tensor([[0., 0., 5.]])
    """
    given = value if src is None else src
    key = checked("scatter", input, dim, index)
    if isinstance(given, Tensor):
        part = source_of("scatter", given, index, input)
    else:
        part = source_of("scatter", wrap(np.full(index.array.shape, given, input.array.dtype)), index, input)
    if reduce is not None:
        from .scatter_reduce import scatter_reduce

        if reduce not in ("add", "multiply"):
            raise ArgumentError(f"scatter: reduce must be 'add' or 'multiply', got {reduce!r}")
        return scatter_reduce(input, dim, index, part, "sum" if reduce == "add" else "prod")
    if index.array.size == 0:
        return input.clone()
    return scattered(input, part, key)


@takes_out
@method(inplace=True)
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy of `input` with ``out[index[i, j], j] += src[i, j]`` for dim=0; repeated places add up."""
    key = checked("scatter_add", input, dim, index)
    part = source_of("scatter_add", src, index, input)
    if index.array.size == 0:
        return input.clone()
    return scattered_sum(input, part, key)


@takes_out
@method
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """`gather` with broadcasting between `input` and `indices`, which may count from the end.

    Over all elements in row-major order when dim is None.
    """
    array = _indices("take_along_dim", indices)
    if dim is None:
        return read(input.reshape(-1), (array.reshape(-1),))
    at = axis_of(dim, input.array.ndim)
    if array.ndim != input.array.ndim:
        raise ShapeError(f"take_along_dim: indices have {array.ndim} dimensions and input {input.array.ndim}")
    common = [max(a, b) if a and b else 0 for a, b in zip(input.array.shape, array.shape)]
    wide = [n if i != at else input.array.shape[i] for i, n in enumerate(common)]
    narrow = [n if i != at else array.shape[i] for i, n in enumerate(common)]
    array = np.where(array < 0, array + input.array.shape[at], array)
    return gather(input.broadcast_to(tuple(wide)), at, wrap(np.broadcast_to(array, narrow)))


def _one_dimension(name: str, input: Tensor, dim: int, index: Any) -> tuple[int, np.ndarray]:
    array = _indices(name, index)
    if array.ndim > 1:
        raise ShapeError(f"{name}: index must have at most one dimension, got shape {array.shape}")
    at = axis_of(dim, input.array.ndim)
    n = input.array.shape[at] if input.array.ndim else 1
    if array.size and (array.min() < -n or array.max() >= n or (name == "index_select" and array.min() < 0)):
        raise DimensionError(f"{name}: index has values outside 0..{n - 1}, the range of dimension {dim}")
    return at, array.reshape(-1)


@takes_out
@method
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices `index` of dimension `dim`, copied."""
    at, array = _one_dimension("index_select", input, dim, index)
    if input.array.ndim == 0:
        return read(input.reshape(1), (array,)).reshape(())
    return elements_of(input, (slice(None),) * at + (array,))


def _rows(name: str, input: Tensor, dim: int, index: Any, source: Tensor) -> tuple[Any, Tensor]:
    """The key of `index` along `dim` and the source, checked to fit it."""
    at, array = _one_dimension(name, input, dim, index)
    if source.array.dtype != input.array.dtype:
        raise DTypeError(f"{name}: source must have the dtype of input, {input.array.dtype}, got {source.array.dtype}")
    if input.array.ndim == 0:
        return (Ellipsis,), source.reshape(())
    expected = (*input.array.shape[:at], array.size, *input.array.shape[at + 1 :])
    if source.array.ndim == 0 and array.size == 1:
        source = source.reshape((1,) * input.array.ndim).broadcast_to(expected)
    if source.array.shape != expected:
        raise ShapeError(f"{name}: source must have shape {expected} to fit index, got {tuple(source.shape)}")
    return (slice(None),) * at + (array,), source


@takes_out
@method(inplace=True)
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """A copy of `input` with ``out[index[i]] += alpha · source[i]`` along `dim`."""
    key, part = _rows("index_add", input, dim, index, source)
    return scattered_sum(input, part if alpha == 1 else part * alpha, key)


@takes_out
@method(inplace=True)
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """A copy of `input` with ``out[index[i]] = source[i]`` along `dim`."""
    key, part = _rows("index_copy", input, dim, index, source)
    return scattered(input, part, key)


@method(inplace=True)
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A copy of `input` with the slices `index` of `dim` filled with one value."""
    at, array = _one_dimension("index_fill", input, dim, index)
    if not isinstance(value, Tensor):
        value = wrap(np.asarray(value, input.array.dtype))
    if value.array.ndim:
        raise ShapeError(f"index_fill: value must be a number or a 0-d tensor, got shape {tuple(value.shape)}")
    key = (slice(None),) * at + (array,) if input.array.ndim else (Ellipsis,)
    return scattered(input, cast(value, input.array.dtype), key)


@method(inplace=True)
def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of `input` with ``out[indices] = values``, or ``+=`` with `accumulate`."""
    from .index import plain_key, replaced_at

    key = plain_key(tuple(slice(None) if i is None else i for i in indices))
    if values.array.dtype != input.array.dtype:
        raise DTypeError(
            f"index_put: values must have the dtype of input, {input.array.dtype}, got {values.array.dtype}"
        )
    if not accumulate:
        return replaced_at(input, values, key)
    shape = input.array[key].shape
    return input + added_at(values.broadcast_to(shape), input.array.shape, key)


@takes_out
@method
def take(input: Tensor, index: Tensor) -> Tensor:
    """Elements by their position among all elements in row-major order."""
    array, n = _indices("take", index), input.array.size
    if array.size and (array.min() < -n or array.max() >= n):
        raise DimensionError(f"take: index has values outside {-n}..{n - 1}, the {n} elements of input")
    return elements_of(input.reshape(-1), (array,)) if array.ndim else read(input.reshape(-1), (int(array),))


def _mask(name: str, mask: Any) -> np.ndarray:
    if not isinstance(mask, Tensor) or mask.array.dtype.kind != "b":
        raise DTypeError(f"{name}: mask must be a bool tensor, got {getattr(mask, 'dtype', type(mask).__name__)}")
    return mask.array


@takes_out
@method
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements of `input` where `mask` holds, in one dimension.

    >>> import autograd
    >>> x = autograd.tensor([1, 2, 3]); x.masked_select(x > 1)
    tensor([2, 3])
    """
    array = _mask("masked_select", mask)
    try:
        shape = np.broadcast_shapes(input.array.shape, array.shape)
    except ValueError:
        raise ShapeError(
            f"masked_select: mask of shape {array.shape} does not broadcast with {tuple(input.shape)}"
        ) from None
    wide = input.broadcast_to(shape) if shape != input.array.shape else input
    return elements_of(wide, (np.broadcast_to(array, shape),)).reshape(-1)


@method(inplace=True)
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy of `input` with the elements where `mask` holds taken from `source` in order."""
    array = _mask("masked_scatter", mask)
    shape = np.broadcast_shapes(input.array.shape, array.shape)
    array, n = np.broadcast_to(array, shape), int(np.broadcast_to(array, shape).sum())
    if source.array.size < n:
        raise ShapeError(f"masked_scatter: source has {source.array.size} elements, mask selects {n}")
    if source.array.dtype != input.array.dtype:
        raise DTypeError(f"masked_scatter: source must have dtype {input.array.dtype}, got {source.array.dtype}")
    wide = input.broadcast_to(shape) if shape != input.array.shape else input
    return scattered(wide, source.reshape(-1)[:n], (array,))


@takes_out
@method
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Positions of the elements that are not zero: rows of indices, or one tensor per dimension."""
    found = np.nonzero(np.atleast_1d(input.array))
    if as_tuple:
        return tuple(wrap(i.astype(np.int64)) for i in found)
    rows = np.stack(found, 1).astype(np.int64)
    return wrap(rows if input.array.ndim else rows[:, :0])


@method
def argwhere(input: Tensor) -> Tensor:
    """`nonzero` as rows of indices."""
    return nonzero(input)
