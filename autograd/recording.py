"""Recording on and off, per thread, and where on the map a node was recorded."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any


class Scope:
    """Where on the map a node was recorded: the root, or inside a module's call.  A tree, for drawings and errors."""

    __slots__ = ("name", "parent")

    def __init__(self, name: str, parent: Scope | None) -> None:
        self.name, self.parent = name, parent

    def path(self) -> tuple[str, ...]:
        """Names from the outermost module inwards; empty at the root."""
        return () if self.parent is None else (*self.parent.path(), self.name)


ROOT = Scope("", None)


class _Recording(threading.local):
    """What this thread records into: a scope, or None while recording is off."""

    scope: Scope | None = ROOT
    inference = False


recording = _Recording()


class _Switch:
    """A context manager that is also a decorator, with or without parentheses, as in PyTorch."""

    def __new__(cls, function: Any = None) -> Any:
        switch = super().__new__(cls)
        if not callable(function):
            return switch
        switch.__init__()  # type: ignore[misc]
        return switch(function)

    def __init__(self, function: Any = None) -> None:
        self._before: list[tuple[Scope | None, bool]] = []

    def scope(self) -> Scope | None:
        raise NotImplementedError

    def __enter__(self) -> None:
        self._before.append((recording.scope, recording.inference))
        recording.scope = self.scope()

    def __exit__(self, *exc: object) -> None:
        recording.scope, recording.inference = self._before.pop()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with type(self)(*self._arguments()):
                return function(*args, **kwargs)

        return wrapped

    def _arguments(self) -> tuple[Any, ...]:
        return ()


class no_grad(_Switch):
    """Record nothing inside.

    >>> import autograd
    >>> x = autograd.ones(2, requires_grad=True)
    >>> with autograd.no_grad():
    ...     (x * 2).requires_grad
    False
    """

    def scope(self) -> Scope | None:
        return None


class enable_grad(_Switch):
    """Record inside, even within `no_grad`."""

    def scope(self) -> Scope | None:
        return recording.scope or ROOT


class inference_mode(_Switch):
    """Record nothing inside, as `no_grad`; ``is_inference_mode_enabled()`` tells."""

    def __new__(cls, mode: Any = True) -> Any:
        return super().__new__(cls, mode)

    def __init__(self, mode: Any = True) -> None:
        super().__init__()
        self._mode = mode is not False

    def scope(self) -> Scope | None:
        recording.inference = self._mode
        return None if self._mode else recording.scope or ROOT

    def _arguments(self) -> tuple[Any, ...]:
        return (self._mode,)


class set_grad_enabled(_Switch):
    """Switch recording at once; as a context manager, put the old state back at the end."""

    def __new__(cls, mode: bool) -> Any:
        return super().__new__(cls)

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self._mode, self._at_call = bool(mode), (recording.scope, recording.inference)
        recording.scope = self.scope()

    def scope(self) -> Scope | None:
        return recording.scope or ROOT if self._mode else None

    def __enter__(self) -> None:
        self._before.append(self._at_call)
        recording.scope = self.scope()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        recording.scope, recording.inference = self._at_call
        return super().__call__(function)

    def _arguments(self) -> tuple[Any, ...]:
        return (self._mode,)


def is_grad_enabled() -> bool:
    """Whether this thread records."""
    return recording.scope is not None


def is_inference_mode_enabled() -> bool:
    """Whether this thread is inside `inference_mode`."""
    return recording.inference
