"""From the names that a formula asks for to a closure that finds them.  Done once, when an op is declared."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from itertools import chain, count
from typing import Any

from .tape import Node

Formula = Callable[..., Any]


def asks(formula: Formula | None) -> tuple[str, ...]:
    """The names of a formula's arguments."""
    code = None if formula is None else inspect.unwrap(formula).__code__
    return () if code is None else code.co_varnames[: code.co_argcount]


def pull_with(formula: Formula, arguments: list[str], *names: Callable[..., Any]) -> Callable[..., Any]:
    """``pull(g, node) -> cotangent``: `formula` of `arguments`, which are expressions of g, of the node, and of i, the
    input that it is for.

    This runs once per node and parent of every backward pass.  So the arguments are not looked up one by one: all of
    them are put into one lambda, which is made only once of formulas that want the same.
    """
    return _pull_of(", ".join(arguments))(formula, *names)


@functools.cache
def _pull_of(arguments: str) -> Callable[..., Any]:
    return eval(f"lambda formula, on_tape, outputs_of: lambda g, node, i=0: formula({arguments})")


class EachInput:
    """The pulls of an op with any number of inputs: one formula, told which input ``i`` it is for."""

    def __init__(self, pull: Callable[..., Any]) -> None:
        self._pull = pull
        self._first = tuple(map(self._of, range(4)))  # the usual ones need not be made again

    def _of(self, i: int) -> Callable[..., Any]:
        pull = self._pull
        return lambda g, node: pull(g, node, i)

    def __iter__(self) -> Iterator[Callable[..., Any]]:
        return chain(self._first, map(self._of, count(len(self._first))))


class Together:
    """The pulls of an op with one formula for all inputs: the first that is asked works out every cotangent.

    Each pass over the pulls starts afresh; a pull is good until the next one is taken, and a cotangent is let go when
    it is handed over.
    """

    def __init__(self, pull: Callable[..., Any], inputs: int) -> None:
        self._pull, self._inputs = pull, inputs

    def __iter__(self) -> Iterator[Callable[..., Any]]:
        found: list[Any] = []

        def pull(g: Any, node: Node) -> Any:
            if not found:
                found.extend(self._pull(g, node))
            cotangent, found[i] = found[i], None
            return cotangent

        for i in range(self._inputs):  # noqa: B007  `pull` looks at it
            yield pull
