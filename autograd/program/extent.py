"""Sizes that remember where they come from: what `compile(dynamic=True)` records in place of numbers.

While a function is recorded for all sizes, the shape of an array that depends on the arguments consists of `Extent`s:
numbers that know which dimension of which value they are, or how they were computed from such.  They go into the
equations as they are.  What a function decides by them becomes a guard, and whatever asks for a plain number, as
``range(n)`` and all C code do, pins them: the program is then one for this number alone.  So nothing that Python does
with a size is lost.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..pytree import tree_map
from .nesting import leaves
from .program import Var

if TYPE_CHECKING:
    from .sized import SizedRecorder

Shapes = Callable[[Var], tuple[int, ...]]


class Extent:
    """A number that is computed from sizes.

    No subclass of int, for C code reads those without a word; `isinstance` takes it for one all the same.
    """

    __slots__ = ("of", "recorder", "value")

    def __init__(self, recorder: SizedRecorder, value: Any, of: tuple[Any, ...]) -> None:
        self.recorder, self.value, self.of = recorder, value, of  # of: (variable, axis) or (function, *operands)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self.value)

    def among(self, shapes: Shapes) -> Any:
        """What it is where the variables have other shapes."""
        first, *rest = self.of
        if type(first) is Var:
            return shapes(first)[rest[0]]
        return first(*(x.among(shapes) if type(x) is Extent else x for x in rest))

    def _pinned(self) -> Any:
        self.recorder.guard(operator.eq, self, self.value)
        return self.value

    def __index__(self) -> int:
        return operator.index(self._pinned())

    def __int__(self) -> int:
        return int(self._pinned())

    def __float__(self) -> float:
        return float(self._pinned())

    def __hash__(self) -> int:
        return hash(self._pinned())

    def __bool__(self) -> bool:
        return self.recorder.guard(operator.ne, self, 0)

    def __repr__(self) -> str:
        return repr(self._pinned())

    def __format__(self, spec: str) -> str:
        return format(self._pinned(), spec)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._pinned(), dtype)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """With an array that is not traced it is a number; a traced one writes it down."""
        if any(isinstance(x, np.ndarray) and hasattr(x, "recorder") for x in inputs):
            return NotImplemented
        return getattr(ufunc, method)(*pinned(inputs), **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        ours = all(kind in (Extent, np.ndarray) for kind in types)
        return function(*pinned(args), **pinned(kwargs)) if ours else NotImplemented

    def __reduce__(self) -> Any:
        return type(self.value), (self._pinned(),)

    def __deepcopy__(self, memo: Any) -> Any:
        return self._pinned()


_NUMBERS = (Extent, int, float, bool)


def _computing(function: Callable[..., Any], reverse: bool = False) -> Callable[..., Any]:
    def method(self: Extent, *others: Any) -> Any:
        if not all(type(x) in _NUMBERS for x in others):
            return NotImplemented
        operands = (*others, self) if reverse else (self, *others)
        value = function(*map(number, operands))
        return Extent(self.recorder, value, (function, *operands)) if self.recorder.watches else value

    return method


def _deciding(function: Callable[..., bool]) -> Callable[..., Any]:
    def method(self: Extent, other: Any) -> Any:
        return self.recorder.guard(function, self, other) if type(other) in _NUMBERS else NotImplemented

    return method


def _pinned_first(name: str) -> Callable[[Extent], Any]:
    return lambda self: getattr(self._pinned(), name)


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift"):
    _function = getattr(operator, f"__{_name}__")
    setattr(Extent, f"__{_name}__", _computing(_function))
    setattr(Extent, f"__r{_name}__", _computing(_function, reverse=True))
for _name in ("neg", "pos", "abs"):
    setattr(Extent, f"__{_name}__", _computing(getattr(operator, _name)))
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(Extent, f"__{_name}__", _deciding(getattr(operator, _name)))
for _name in ("__round__", "__trunc__", "__floor__", "__ceil__", "__invert__", "__divmod__", "__rdivmod__",
              *(name for name in dir(int) if name[0] != "_")):  # fmt: skip
    setattr(Extent, _name, property(_pinned_first(_name)))


def number(x: Any) -> Any:
    """The plain number of an extent; anything else as it is."""
    return x.value if type(x) is Extent else x


def pinned(x: Any) -> Any:
    """A nesting with numbers for its extents, from then on those numbers only."""
    if not any(type(leaf) is Extent for leaf in leaves(x)):
        return x
    return tree_map(lambda leaf: leaf._pinned() if type(leaf) is Extent else leaf, x)
