"""Nested tuples, lists and dicts of values: taken apart into leaves and a structure, and put together again."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
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
    """The nest with `function` of each leaf, where slices and whatever is a tuple, list or dict are nests, too.

    >>> from autograd.pytree import tree_map
    >>> tree_map(lambda leaf: leaf * 10, ({"a": 1}, [2, slice(3, 4, 5)]))
    ({'a': 10}, [20, slice(30, 40, 50)])
    """
    kind = type(x)
    if isinstance(x, tuple):
        values = [tree_map(function, part) for part in x]
        return tuple(values) if kind is tuple else kind(*values) if hasattr(kind, "_fields") else kind(values)
    if isinstance(x, list):
        values = [tree_map(function, part) for part in x]
        return values if kind is list else _refilled(x, enumerate(values))
    if isinstance(x, dict):
        named = {key: tree_map(function, part) for key, part in x.items()}
        return named if kind is dict else _refilled(x, named.items())
    if kind is slice:
        return slice(*(tree_map(function, part) for part in (x.start, x.stop, x.step)))
    return function(x)


def _refilled(x: Any, values: Iterable[tuple[Any, Any]]) -> Any:
    """A copy with these values, of whatever class."""
    made = copy.copy(x)
    for key, value in values:
        made[key] = value
    return made
