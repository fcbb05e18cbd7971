"""Shapes."""

from __future__ import annotations


class Size(tuple[int, ...]):
    """A shape: a tuple that also knows its number of elements."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Size({list(self)})"

    def numel(self) -> int:
        """The product of the sizes."""
        n = 1
        for size in self:
            n *= size
        return n
