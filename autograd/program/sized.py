"""A recorder for all sizes: the arrays that it hands out have extents for their shapes (`extent.py`)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..op import declared
from .extent import Extent, Shapes, number
from .functions import filled
from .nesting import leaves, over
from .program import Program, Var, variables
from .recorder import Recorder
from .traced import Traced


class Sized(Traced):
    """A traced array whose sizes are extents.  Its bytes are not: what asks for those cares for memory, not meaning."""

    recorder: SizedRecorder

    @property  # type: ignore[misc]
    def shape(self) -> Any:  # type: ignore[override]
        shape = np.ndarray.shape.__get__(self)
        if not hasattr(self, "var") or self.var not in self.recorder.growing or not self.recorder.watches:
            return shape
        return tuple([Extent(self.recorder, n, (self.var, axis)) for axis, n in enumerate(shape)])

    @property
    def size(self) -> Any:  # type: ignore[override]
        total = 1
        for n in self.shape:
            total = n * total
        return total

    @property  # type: ignore[misc]
    def strides(self) -> Any:  # type: ignore[override]
        for n in self.shape:
            int(n)
        return np.ndarray.strides.__get__(self)

    def __len__(self) -> int:
        return int(self.shape[0])


@dataclass(frozen=True, eq=False)
class Guard:
    """What the function found of two sizes before equation number `before`."""

    function: Callable[[Any, Any], bool]
    a: Any
    b: Any
    found: bool
    before: int

    def holds(self, shapes: Shapes) -> bool:
        """Whether it finds the same where variables have other shapes."""
        a, b = (x.among(shapes) if type(x) is Extent else x for x in (self.a, self.b))
        return self.function(a, b) == self.found


@dataclass(eq=False)
class Sizes:
    """A recorded program whose arguments may hold extents, and what was decided by those, in order."""

    program: Program
    guards: list[Guard] = field(default_factory=list)
    layouts: dict[Var, tuple[bool, bool]] = field(default_factory=dict)  # of arguments

    def now(self) -> Program:
        """The program for the sizes that were recorded."""
        equations = []
        for e in self.program.equations:
            args, kwargs = over((e.args, e.kwargs), number)
            equations.append(replace(e, args=args, kwargs=kwargs))
        return replace(self.program, equations=equations)


class SizedRecorder(Recorder):
    """A recorder for all sizes."""

    kind = Sized

    def __init__(self) -> None:
        super().__init__()
        self.growing: set[Var] = set()  # what depends on the arguments, and may have another shape in another call
        self.sizes = Sizes(self.program)
        self._asked: set[Any] = set()
        self._kernels = {id(op.small): op.run for op in declared}

    def argument(self, x: Traced) -> None:
        """Sizes of `x`, an input, are extents; how it lies in memory is taken for granted."""
        self.growing.add(x.var)
        self.sizes.layouts[x.var] = layout_of(x)

    def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """As any recorder does, but whether a kernel pays is left to what is good for all sizes."""
        if function is np.zeros:
            return self.filled(args[0], 0, args[1])
        return super().run(self._kernels.get(id(function), function), *args, **kwargs)

    def sees(self, *values: Any) -> bool:
        return super().sees(*values) or (self.watches and any(type(x) is Extent for x in leaves(values)))

    def guard(self, function: Callable[..., bool], a: Any, b: Any) -> bool:
        """What the function finds of two sizes, which is noted."""
        found = function(number(a), number(b))
        if self.watches and not _about_speed(sys._getframe(2)):
            key = function, _key(a), _key(b)
            if key not in self._asked:
                self._asked.add(key)
                self.sizes.guards.append(Guard(function, a, b, found, len(self.program.equations)))
        return found

    def filled(self, shape: tuple[Any, ...], value: Any, dtype: Any) -> Any:
        if any(type(n) is Extent for n in shape) and self.watches:
            return self.call(filled, (value, shape, dtype), {})
        return super().filled(shape, value, dtype)

    def _equation(self, function: Any, args: Any, kwargs: Any, outs: Any, name: str, **more: Any) -> None:
        super()._equation(function, args, kwargs, outs, name, **more)
        if any(type(x) is Extent for x in leaves((args, kwargs))) or not self.growing.isdisjoint(
            variables((args, kwargs))
        ):
            self.growing.update(outs)


def layout_of(array: np.ndarray) -> tuple[bool, bool]:
    """Whether it lies row by row, and column by column."""
    return array.flags.c_contiguous, array.flags.f_contiguous


def _about_speed(frame: Any) -> bool:
    """Whether ops ask, to choose between a kernel and NumPy and what to keep for drawings."""
    return frame.f_globals["__name__"] in ("autograd.hot", "autograd.op")


def _key(x: Any) -> Any:
    return tuple(map(_key, x.of)) if type(x) is Extent else x
