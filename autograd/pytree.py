"""Nested tuples, lists and dicts of values: taken apart into leaves and a structure, and put together again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

DICTS = (dict, OrderedDict)


@dataclass(frozen=True)
class Tree:
    """The structure of a nest: its kind and the structures within; a leaf has neither."""

    kind: Any = None
    keys: tuple[Any, ...] = ()  # of a dict
    children: tuple[Tree, ...] = ()

    def __str__(self) -> str:
        """Each leaf a star, as in ``(*, {'k': *})``."""
        if self.kind is None:
            return "*"
        inner = [str(child) for child in self.children]
        if self.kind is list:
            return f"[{', '.join(inner)}]"
        if self.kind in DICTS:
            return f"{{{', '.join(f'{key!r}: {text}' for key, text in zip(self.keys, inner))}}}"
        return f"({', '.join(inner)}{',' * (len(inner) == 1)})"

    def __len__(self) -> int:
        """The number of leaves."""
        return 1 if self.kind is None else sum(map(len, self.children))

    def build(self, leaves: Sequence[Any]) -> Any:
        """The nest with these leaves."""
        return self._take(iter(leaves))

    def _take(self, leaves: Iterator[Any]) -> Any:
        if self.kind is None:
            return next(leaves)
        values = [child._take(leaves) for child in self.children]
        if self.kind in DICTS:
            return self.kind(zip(self.keys, values))
        return self.kind(*values) if hasattr(self.kind, "_fields") else self.kind(values)

    def spread(self, prefix: Any, whole: bool = False) -> list[Any] | None:
        """A value for each leaf: a leaf of `prefix` stands for all that is at its place; None if it does not fit.

        With `whole` each leaf must have its own, so these are the leaves of a nest of this very structure.
        """
        if _kind(prefix) is None:
            return None if whole and self.kind is not None else [prefix] * len(self)
        if type(prefix) is not self.kind or len(prefix) != len(self.children):
            return None
        if self.kind in DICTS:
            if any(key not in prefix for key in self.keys):
                return None
            prefix = [prefix[key] for key in self.keys]  # a dict's order is of no account
        values = []
        for child, part in zip(self.children, prefix):
            found = child.spread(part, whole)
            if found is None:
                return None
            values += found
        return values


def _kind(x: Any) -> Any:
    """The type of a nest; None for a leaf."""
    nest = type(x) in (tuple, list, *DICTS) or (isinstance(x, tuple) and hasattr(x, "_fields"))
    return type(x) if nest else None


def flatten(x: Any) -> tuple[list[Any], Tree]:
    """The leaves of a nest, in order, and its structure.

    >>> from autograd.pytree import flatten
    >>> leaves, tree = flatten(({"a": 1, "b": [2, 3]}, 4))
    >>> leaves, str(tree)
    ([1, 2, 3, 4], "({'a': *, 'b': [*, *]}, *)")
    >>> tree.build([leaf * 10 for leaf in leaves])
    ({'a': 10, 'b': [20, 30]}, 40)
    """
    kind = _kind(x)
    if kind is None:
        return [x], Tree()
    parts = [flatten(child) for child in (x.values() if kind in DICTS else x)]
    keys = tuple(x) if kind in DICTS else ()
    return [leaf for leaves, _ in parts for leaf in leaves], Tree(kind, keys, tuple(tree for _, tree in parts))


def tree_map(function: Callable[[Any], Any], x: Any) -> Any:
    """The nest with `function` of each leaf."""
    leaves, tree = flatten(x)
    return tree.build([function(leaf) for leaf in leaves])
