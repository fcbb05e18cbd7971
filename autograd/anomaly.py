"""Anomaly mode: the first NaN or infinity is an error that names the operation, its line and its operands.

Forward, an op is to blame if its operands are finite and its result is not; backward, if the cotangent that reached it
is finite and one that it hands on is not.  The mode swaps two names that are looked up at each call (how a body is run,
in `quiet`, and `propagate` in `engine`), so that it costs nothing while it is off.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import engine
from . import op as declaring
from . import quiet as bodies
from .engine import propagate
from .errors import ArgumentError, TapeError
from .recording import recording
from .tape import LEAF, Node, Tape

__all__ = ["detect_anomaly", "is_anomaly_check_nan_enabled", "is_anomaly_enabled", "set_detect_anomaly"]

OURS = {"autograd", "nn", "optim"}  # packages whose frames are not the user's program


class _Mode:
    """Whether the mode is on; for all threads, as in PyTorch."""

    enabled = False
    check_nan = True


class _Walking(threading.local):
    """Whether this thread is within a backward pass, where the formulas' own calls are not the user's."""

    now = False


_mode, _walking = _Mode(), _Walking()


class set_detect_anomaly:
    """Switch anomaly mode on or off at once; as a context manager, put the old state back at the end."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = (_mode.enabled, _mode.check_nan)
        _switch(bool(mode), bool(check_nan))

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        _switch(*self._before)


class detect_anomaly:
    """Inside, the first operation that makes a NaN or an infinity raises TapeError, forward and backward.

    An error in a derivative formula gets a note that says where its operation was recorded; with ``check_nan=False``
    that is all.  Slow: every array is looked at.

    >>> import autograd
    >>> from autograd.anomaly import detect_anomaly
    >>> x = autograd.tensor([1.0, -1.0], requires_grad=True)
    >>> with detect_anomaly():  # doctest: +ELLIPSIS
    ...     x**0.5
    Traceback (most recent call last):
    autograd.errors.TapeError: `pow` made nan at [1] out of finite operands ...
    """

    def __init__(self, check_nan: bool = True) -> None:
        if not isinstance(check_nan, bool):
            raise ArgumentError(f"detect_anomaly: check_nan must be True or False, got {check_nan!r}")
        self._check_nan = check_nan
        self._before: list[tuple[bool, bool]] = []

    def __enter__(self) -> None:
        self._before.append((_mode.enabled, _mode.check_nan))
        _switch(True, self._check_nan)

    def __exit__(self, *exc: object) -> None:
        _switch(*self._before.pop())


def is_anomaly_enabled() -> bool:
    """Whether anomaly mode is on."""
    return _mode.enabled


def is_anomaly_check_nan_enabled() -> bool:
    """Whether anomaly mode looks for NaN and infinities."""
    return _mode.check_nan


def _switch(enabled: bool, check_nan: bool) -> None:
    _mode.enabled, _mode.check_nan = enabled, check_nan
    bodies.quiet = _Watched if enabled and check_nan else bodies.silent
    vars(engine)["propagate"] = _watched_propagate if enabled else propagate


# ---------------------------------------------------------------------------------------------------------------------
# Forward.


def _name(function: Callable[..., Any]) -> str:
    """The op that runs `function`: its body, the NumPy function that equals it, or its kernel."""
    found = (op.name for op in declaring.declared if function in (op.body, op.small, op.run))
    return next(found, function.__name__.lstrip("_"))


class _Watched:
    """In place of the silent context: runs the body of an op and looks at what comes out."""

    def run(self, body: Callable[..., Any], *operands: Any, **params: Any) -> Any:
        out = bodies.silent().run(body, *operands, **params)
        bad = None if _walking.now else _first_bad(out)
        if bad is not None and all(_first_bad(x) is None for x in (*operands, *params.values())):
            shapes = ", ".join(_describe(x) for x in operands)
            raise TapeError(
                f"`{_name(body)}` made {bad} out of finite operands ({shapes}), called at {_users_line()}"
                f"{_inside(recording.scope)}"
            )
        return out


def _first_bad(x: Any) -> str | None:
    """Value and place of the first NaN or infinity in an array, a number or a tuple of these; None if all is finite."""
    if isinstance(x, tuple | list):
        return next((bad for bad in map(_first_bad, x) if bad is not None), None)
    array = np.asarray(getattr(x, "array", x))
    if array.dtype.kind not in "fcV" or array.dtype.names:
        return None
    bad = ~np.isfinite(array)
    if not bad.any():
        return None
    at = tuple(int(k) for k in np.unravel_index(np.argmax(bad), bad.shape))
    return f"{array[at]}{f' at {list(at)}' if at else ''}"


def _describe(x: Any) -> str:
    return f"{x.dtype}{list(x.shape)}" if isinstance(x, np.ndarray) else repr(x)


def _users_line() -> str:
    """``file:line`` of the innermost frame that is not ours."""
    frame: Any = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] in OURS:
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _inside(scope: Any) -> str:
    path = scope.path() if scope is not None else ()
    return f" inside {' > '.join(path)}" if path else ""


# ---------------------------------------------------------------------------------------------------------------------
# Backward.


def _watched_propagate(
    tape: Tape, cotangents: dict[Node, Any], wanted: set[Node], *, record: bool, retain: bool
) -> None:
    """`propagate` over ops that look at the cotangents they hand on."""
    ops = [(node, node.op) for node in tape if node.op.plain or node.op.multiple]
    outer, _walking.now = _walking.now, True
    try:
        for node, op in ops:
            node.op = _WatchedOp(op)  # type: ignore[assignment]
        propagate(tape, cotangents, wanted, record=record, retain=retain)
    finally:
        _walking.now = outer
        for node, op in ops:
            node.op = op
    for node, g in cotangents.items():
        if _mode.check_nan and (bad := _first_bad(g)) is not None:
            what = "leaf" if node.op is LEAF else f"`{node.name}`"
            raise TapeError(
                f"the cotangents of a {what} of shape {tuple(node.shape)} add up to {bad}, though each is finite, or "
                "the cotangent to start from was not"
            )


class _WatchedOp:
    """Stands in for an op during one backward pass."""

    def __init__(self, op: Any) -> None:
        self._op, self.name, self.symbol, self.view = op, op.name, op.symbol, op.view
        self.plain, self.multiple, self.materialize, self.frees = op.plain, op.multiple, op.materialize, op.frees

    @property
    def pulls(self) -> Iterator[Callable[..., Any] | None]:
        return map(_watched_pull, self._op.pulls)

    @property
    def recorded_pulls(self) -> Iterator[Callable[..., Any] | None]:
        return map(_watched_pull, self._op.recorded_pulls)


def _watched_pull(pull: Callable[..., Any] | None) -> Callable[..., Any] | None:
    if pull is None:
        return None

    def watched(g: Any, node: Node) -> Any:
        before = _first_bad(g) if _mode.check_nan else None
        if before is not None:
            raise TapeError(
                f"the cotangent that reached {_where(node)} is {before}: it was started from, made by a hook, or is "
                "the overflowing sum of finite ones"
            )
        try:
            c = pull(g, node)
        except Exception as error:
            error.add_note(f"while differentiating {_where(node)}")
            raise
        after = _first_bad(c) if _mode.check_nan and c is not None else None
        if after is not None:
            raise TapeError(f"backward of {_where(node)} made a cotangent that is {after} out of a finite one")
        return c

    return watched


def _where(node: Node) -> str:
    """The op, its operands and the line that recorded it."""
    operands = [f"{p.dtype}{list(p.shape)}" if p is not None else "a constant" for p in node.parents]
    return f"`{node.name}` ({', '.join(operands)}), recorded at {node.location()}{_inside(node.scope)},"
