"""``x[key]``, read and written: slices, integers, masks, arrays of integers and their mixtures, as NumPy has them.

Reading by slices is a view.  Its transpose lays a cotangent into zeros; reading by arrays may meet an element twice, so
its transpose adds.  Each pair is declared as two ops, each the other's derivative.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import ArgumentError, DimensionError, DTypeError, ShapeError
from ..op import op
from ..promotion import cast
from ..recording import recording
from ..tensor import Tensor, attach, wrap
from ..twin import as_one
from ..views import View
from ..writes import mark_written

__all__: list[str] = []


def plain_key(key: Any) -> tuple[Any, ...]:
    """A key as NumPy wants it: a tuple of ints, slices, None, Ellipsis and arrays."""
    parts = key if isinstance(key, tuple) else (key,)
    if isinstance(key, list) and any(isinstance(k, slice | Tensor | type(None)) or k is Ellipsis for k in key):
        parts = tuple(key)
    return tuple([part if part.__class__ is int else _part(part) for part in parts])


def _part(part: Any) -> Any:
    if isinstance(part, slice):
        start, stop, step = part.start, part.stop, part.step
        if step is None and (start is None or start.__class__ is int) and (stop is None or stop.__class__ is int):
            return part
        start, stop, step = [v if v is None or v.__class__ is int else int(v.__index__()) for v in (start, stop, step)]
        if step is not None and step < 1:
            raise ArgumentError(f"index: the step of a slice must be positive, got {step}; use flip() to reverse")
        return slice(start, stop, step)
    if part is None or part is Ellipsis or isinstance(part, bool | np.bool_):
        return part
    if isinstance(part, Tensor):
        part = part.array
    elif isinstance(part, list | tuple | range):
        part = np.asarray([p.array if isinstance(p, Tensor) else p for p in part])
        part = part.astype(np.int64) if part.size == 0 else part
    if isinstance(part, np.ndarray):
        if part.dtype.kind not in "iub":
            raise DTypeError(f"index: tensors used as indices must be integers or booleans, got {part.dtype}")
        return part if part.ndim or part.dtype.kind == "b" else int(part)
    try:
        return int(part.__index__())
    except AttributeError:
        raise ArgumentError(
            f"index: expected an int, a slice, None, ..., a tensor, a list or a mask, got {type(part).__name__}"
        ) from None


_BASIC = frozenset((int, slice, type(None), type(Ellipsis)))


def is_basic(key: tuple[Any, ...]) -> bool:
    """Whether `key`, which is plain, selects a view."""
    return _BASIC.issuperset(map(type, key))


def _read(input: np.ndarray, key: tuple[Any, ...]) -> Any:
    try:
        return input[key]
    except IndexError as error:
        raise DimensionError(f"index: input of shape {input.shape}: {error}") from None


@op(symbol="[ ]", method=False, view=True, linear=True)
def part_of(input: Any, /, key: Any) -> Any:
    """``input[key]`` for slices and integers: a view."""
    return _read(input, key if Ellipsis in key else (*key, Ellipsis))  # with "...", even one element is a view


@op(symbol="[ ] =", method=False, linear=True)
def laid_in(input: Any, /, shape: tuple[int, ...], key: Any) -> Any:
    """Zeros of `shape` with ``input`` at `key`: the transpose of `part_of`."""
    out = np.zeros(shape, input.dtype)
    out[key] = input
    return out


part_of.derivative(input=lambda g, input_shape, key: laid_in(g, input_shape, key))
part_of.samples(lambda draw, case: [case(draw(3, 4), (1,)), case(draw(3, 4), (slice(None), slice(0, 4, 2))),
                                    case(draw(3), (None, -1)), case(draw(2, 3), (Ellipsis, 1))])  # fmt: skip
part_of.errors(lambda draw, case: [case(draw(3), (3,)), case(draw(3), (0, 0))])
laid_in.derivative(input=lambda g, key: part_of(g, key))
laid_in.samples(lambda draw, case: [case(draw(2), (3, 2), (1,))])


@op(symbol="[ ]", method=False, linear=True)
def elements_of(input: Any, /, key: Any) -> Any:
    """``input[key]`` with masks or arrays of integers among the key: a copy."""
    return _read(input, key)


def _places(key: Any, n: int) -> np.ndarray | None:
    """The places of whole rows, if a kernel may read and write there."""
    from ..kernels import rows

    index = np.ascontiguousarray(key[0], np.int64)
    return index if rows.inside(index.reshape(-1), n) else None


@elements_of.kernel
def _(input: Any, key: Any) -> Any:
    if not _whole_rows(input.shape, key) or input.dtype.char not in "fd" or not input.flags.c_contiguous:
        return NotImplemented
    if key[0].size * math.prod(input.shape[1:]) < 1 << 14 or (index := _places(key, len(input))) is None:
        return NotImplemented
    from ..kernels import rows

    return rows.rows_at(input, index)


@op(symbol="[ ] +=", method=False, linear=True)
def added_at(input: Any, /, shape: tuple[int, ...], key: Any) -> Any:
    """Zeros of `shape` with ``input`` added at `key`, repeated places adding up: the transpose of `elements_of`."""
    out = np.zeros(shape, input.dtype)
    if _whole_rows(shape, key):
        _add_rows(out, key[0].reshape(-1), input)
    elif any(isinstance(part, np.ndarray) and part.dtype.kind != "b" for part in key):
        np.add.at(out, key, input)
    else:
        out[key] = input  # a mask meets no element twice
    return out


def _whole_rows(shape: tuple[int, ...], key: Any) -> bool:
    return len(key) == 1 and isinstance(key[0], np.ndarray) and key[0].dtype.kind != "b" and len(shape) > 1


def _add_rows(out: np.ndarray, index: np.ndarray, input: np.ndarray) -> None:
    """Add whole rows, as an embedding's gradient does: sorted, equal indices stand together and are summed at once."""
    if not input.size:
        return
    index = index % len(out)
    order = index.argsort(kind="stable")
    index = index[order]
    first = np.flatnonzero(np.diff(index, prepend=-1))
    out[index[first]] = np.add.reduceat(input.reshape(-1, *out.shape[1:])[order], first, axis=0)


@added_at.kernel
def _(input: Any, shape: tuple[int, ...], key: Any) -> Any:
    if not _whole_rows(shape, key) or input.size < 1 << 14 or input.dtype.kind != "f" or input.itemsize < 4:
        return NotImplemented
    from ..kernels import rows

    index = _places(key, shape[0])
    return NotImplemented if index is None else rows.added_rows(input, shape, index)


_KEY = (np.array([0, 2, 0]),)
elements_of.derivative(input=lambda g, input_shape, key: added_at(g, input_shape, key))
elements_of.samples(lambda draw, case: [case(draw(3, 2), _KEY), case(draw(3), (np.array([True, False, True]),)),
                                        case(draw(3, 4), (*_KEY, slice(1, 3)))])  # fmt: skip
elements_of.errors(lambda draw, case: [case(draw(2), _KEY), case(draw(2), (np.array([True, False, True]),))])
added_at.derivative(input=lambda g, key: elements_of(g, key))
added_at.samples(
    lambda draw, case: [
        case(draw(3, 2), (4, 2), _KEY),
        case(draw(3, 2, 2), (3, 2), (_KEY[0][:, None] - [1, 2],)),
        case(draw(3), (4,), _KEY),
        case(draw(3, 2), (4, 3), (*_KEY, slice(1, 3))),
    ]
)


@op(symbol="[ ] =", method=False, linear=True)
def replaced_at(input: Any, value: Any, /, key: Any) -> Any:
    """`input` with `value`, broadcast, at `key`: what ``x[key] = value`` makes of x."""
    out = input.copy()
    _assign(out, key, value)
    return out


def _assign(array: np.ndarray, key: Any, value: Any) -> None:
    try:
        array[key] = value
    except IndexError as error:
        raise DimensionError(f"index: input of shape {array.shape}: {error}") from None
    except ValueError:
        raise ShapeError(
            f"index: value of shape {np.shape(value)} does not broadcast to the part it replaces, of shape "
            f"{array[key].shape}"
        ) from None


def read(input: Any, key: Any) -> Any:
    """``input[key]`` for a plain key."""
    return part_of(input, key) if is_basic(key) else elements_of(input, key)


def stayed(g: Any, key: Any) -> Any:
    """The cotangent of what was written at `key`: of several writes into one place, only the last has a part in it."""
    part = read(g, key)
    if not any(isinstance(k, np.ndarray) and k.dtype.kind != "b" for k in key):
        return part
    mine = _last_write(g.shape, part.shape, key)
    return part if mine.all() else np.where(mine, part, 0)


@as_one
def _last_write(shape: tuple[int, ...], written: tuple[int, ...], key: Any) -> Any:
    """Where what is written at `key` stays, for a value of shape `written`."""
    order, last = np.arange(math.prod(written)).reshape(written), np.empty(shape, np.int64)
    last[key] = order
    return np.asarray(last[key] == order)


replaced_at.derivative(
    input=lambda g, key: replaced_at(g, np.zeros((), g.dtype), key), value=lambda g, key: stayed(g, key)
)
replaced_at.samples(lambda draw, case: [case(draw(3, 2), draw(2), (1,)), case(draw(4), draw(), (slice(0, 4, 2),)),
                                        case(draw(3), draw(2), (np.array([True, False, True]),)),
                                        case(draw(4), draw(3), _KEY), case(draw(3, 2), draw(2), _KEY)])  # fmt: skip
replaced_at.errors(lambda draw, case: [case(draw(3), draw(2), (slice(None),)), case(draw(3), draw(), (3,))])


def getitem(self: Tensor, key: Any) -> Tensor:
    """``x[key]``: a view for slices and integers, a copy for masks and arrays of integers."""
    return read(self, plain_key(key))


def setitem(self: Tensor, key: Any, value: Any) -> None:
    """``x[key] = value``, in place; recorded if `value`, x or what x is a view of is."""
    place = plain_key(key)
    if not isinstance(value, Tensor):
        value = wrap(np.asarray(value))
    base = self.family.base if isinstance(self.family, View) else self
    if recording.scope is None or (self.node is None and value.node is None and base.node is None):
        _assign(self.array, place, value.array)
        mark_written(self.array, "x[...] = value")
        return
    value = value if value.array.dtype == self.array.dtype else cast(value, self.array.dtype)
    before = wrap(self.array.copy(), self.node)
    self._write(replaced_at(before, value, place), "x[...] = value")


attach("__getitem__", getitem, getitem)
attach("__setitem__", setitem, setitem)
