"""Infinities and NaN without a word, as in PyTorch, where NumPy warns of division by zero, overflow and the like.

NumPy keeps its error state in a context variable, and a library must not change its caller's.  So every op runs its
body in a `contextvars.Context` of our own, in which that state is "ignore" throughout.  A copy of a context costs 30
ns, where ``with np.errstate`` costs 800, and being a copy it can be entered from any thread and at any depth.

It is also where all bodies pass, so it is where a recorder stands that writes down what is computed (`program/`).
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np

_context = contextvars.Context()
_settings: list[tuple[contextvars.ContextVar[Any], Any]] = []  # what is set in it


def change(setting: Callable[[], Any]) -> None:
    """Call `setting`, which sets context variables, in the context of all bodies to come."""
    _context.run(setting)
    _settings[:] = _context.items()


change(lambda: np.seterr(all="ignore"))


class here:
    """The same settings in the caller's context: where functions of his are called, which may set variables too."""

    __slots__ = ("_tokens",)

    def __enter__(self) -> None:
        self._tokens = [variable.set(value) for variable, value in _settings]

    def __exit__(self, *_: object) -> None:
        for token in self._tokens:  # of what was set then: the first kernel, which may have come since, adds a setting
            token.var.reset(token)


class Runner(Protocol):
    """Runs bodies."""

    def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any: ...


class Watcher(Runner, Protocol):
    """Runs bodies, and takes note of those whose operands it sees."""

    def sees(self, *values: Any) -> bool: ...

    def draw(self, take: Callable[..., np.ndarray], *args: Any) -> np.ndarray: ...

    def born(self, array: np.ndarray) -> np.ndarray: ...

    def filled(self, shape: tuple[int, ...], value: Any, dtype: Any) -> np.ndarray: ...

    def gives_up(self, what: str) -> None: ...

    def hyperparameters(self, group: dict[str, Any]) -> dict[str, Any]: ...


silent: Callable[[], Any] = _context.copy  # a `Runner`
quiet: Callable[[], Any] = silent  # quiet().run(f, *args) is f(*args), silently; looked up anew for each call
watcher: Watcher | None = None


@contextlib.contextmanager
def watched_by(new: Watcher) -> Iterator[None]:
    """Inside, bodies are run by `new`."""
    global quiet, watcher
    before = quiet, watcher
    quiet, watcher = (lambda: new), new
    try:
        yield
    finally:
        quiet, watcher = before
