"""From the names that a formula asks for to a closure that finds them.  Done once, when an op is declared."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from .tape import Node

Formula = Callable[..., Any]


def asks(formula: Formula | None) -> tuple[str, ...]:
    """The names of a formula's arguments."""
    code = None if formula is None else inspect.unwrap(formula).__code__
    return () if code is None else code.co_varnames[: code.co_argcount]


def pull_with(formula: Formula, getters: list[Any]) -> Callable[..., Any]:
    """``pull(g, node) -> cotangent``, where `getters` find the formula's arguments.

    A getter is "g" (the cotangent), "i" (which input), a position in ``node.saved``, or a function of the node.  The
    commonest patterns come first and unrolled, because this runs once per node and parent of every backward pass.
    """
    match getters:
        case ["g"]:
            return lambda g, node: formula(g)
        case ["g", int(k)]:
            return lambda g, node: formula(g, node.saved[k])
        case ["g", int(k), int(m)]:
            return lambda g, node: formula(g, (saved := node.saved)[k], saved[m])
    getters = [_saved(get) if isinstance(get, int) else get for get in getters]
    return lambda g, node, i=0: formula(*[g if get == "g" else i if get == "i" else get(node) for get in getters])


def _saved(k: int) -> Callable[[Node], Any]:
    return lambda node: node.saved[k]


class EachInput:
    """The pulls of an op with any number of inputs: one formula, told which input ``i`` it is for."""

    def __init__(self, pull: Callable[..., Any]) -> None:
        self._pull = pull

    def __iter__(self) -> Iterator[Callable[..., Any]]:
        return (functools.partial(self._pull, i=i) for i in count())


class Together:
    """The pulls of an op with one formula for all inputs: the first that is asked works out every cotangent.

    Each pass over the pulls starts afresh, and a cotangent is let go when it is handed over.
    """

    def __init__(self, pull: Callable[..., Any], inputs: int) -> None:
        self._pull, self._inputs = pull, inputs

    def __iter__(self) -> Iterator[Callable[..., Any]]:
        found: list[Any] = []

        def pull(g: Any, node: Node, i: int) -> Any:
            if not found:
                found.extend(self._pull(g, node))
            cotangent, found[i] = found[i], None
            return cotangent

        return (functools.partial(pull, i=i) for i in range(self._inputs))
