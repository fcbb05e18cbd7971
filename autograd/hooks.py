"""Hooks: a user's word in the reverse pass."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

from .changes import changed
from .errors import TapeError
from .tape import Leaf
from .tensor import Tensor, attach, method


class Handle(NamedTuple):
    """What registering a hook returns: ``handle.remove()`` takes it off again; also a context manager."""

    hooks: list[Any]
    hook: Any

    def remove(self) -> None:
        changed()
        if self.hook in self.hooks:
            self.hooks.remove(self.hook)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


@method
def register_hook(self: Tensor, hook: Callable[[Tensor], Tensor | None]) -> Handle:
    """Call ``hook(g)`` with this tensor's cotangent; a returned tensor takes its place."""
    if self.node is None:
        raise TapeError("register_hook: this tensor does not require grad, so no cotangent reaches it")
    if self.node.hooks is None:
        self.node.hooks = []
    changed()
    self.node.hooks.append(hook)
    return Handle(self.node.hooks, hook)


@method
def register_post_accumulate_grad_hook(self: Tensor, hook: Callable[[Tensor], None]) -> Handle:
    """Call ``hook(tensor)`` each time ``.grad`` of this leaf has been added to."""
    if not isinstance(self.node, Leaf):
        raise TapeError("register_post_accumulate_grad_hook: only a leaf that requires grad accumulates one")
    self.node.after.append(hook)
    return Handle(self.node.after, hook)


@method
def retain_grad(self: Tensor) -> None:
    """Keep the gradient of this non-leaf in ``.grad``."""
    if self.node is None:
        raise TapeError("retain_grad: this tensor does not require grad")
    if self.is_leaf or self.retains_grad:
        return
    me = weakref.ref(self)

    def keep(g: Tensor) -> None:
        tensor = me()
        if tensor is not None:
            tensor.grad = g if tensor.grad is None else tensor.grad + g

    keep.retains = True  # type: ignore[attr-defined]
    self.register_hook(keep)


def _retains_grad(self: Tensor) -> bool:
    """Whether `retain_grad` was asked for."""
    hooks = self.node.hooks if self.node is not None else None
    return any(hasattr(hook, "retains") for hook in hooks or ())


attach("retains_grad", property(_retains_grad), _retains_grad)
