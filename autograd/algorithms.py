"""Which algorithms kernels may take, per thread."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from . import quiet


class _Switch(threading.local):
    on = True


_switch = _Switch()


class winograd:
    """Switch Winograd's algorithm for convolutions on or off at once; as a context manager or decorator, put back.

    It is on by default, and taken where it is faster: filters of 3 x 3 in float32, stride, dilation and groups 1,
    enough channels.  It needs a quarter of the multiplications, but rounds more: the error of a result, measured
    against float64, is up to 2e-6 of the largest (direct: 6e-7), and three times as large on average.  Infinities and
    NaN come out as from the direct algorithm, which is run again where there are any.

    What is switched is what runs inside, in this thread: a backward pass outside is not, and a compiled function is as
    where it is called.

    >>> import autograd
    >>> with autograd.winograd(False):
    ...     autograd.is_winograd_enabled()
    False
    >>> autograd.is_winograd_enabled()
    True

    Lavin and Gray, "Fast algorithms for convolutional neural networks" (2016).
    """

    def __init__(self, mode: bool) -> None:
        self._mode, self._before = bool(mode), _switch.on
        _turn(self._mode)

    def __enter__(self) -> None:
        _turn(self._mode)

    def __exit__(self, *exc: object) -> None:
        _turn(self._before)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        _turn(self._before)

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with winograd(self._mode):
                return function(*args, **kwargs)

        return wrapped


def _turn(mode: bool) -> None:
    if quiet.watcher is not None and mode != _switch.on:
        quiet.watcher.gives_up("winograd is switched, which a replay would not repeat; switch it around the call")
    _switch.on = mode


def is_winograd_enabled() -> bool:
    """Whether convolutions in this thread may use Winograd's algorithm."""
    return _switch.on
