"""Waiting for a number in memory to change: first with the processor, then asleep; without the GIL throughout.

To wake a thread that sleeps costs tens of microseconds, as much as a small kernel; one that looks at a number in memory
sees it change in a tenth of one.  So a thread that is likely to be needed again looks for a while before it sleeps.  It
must do both without the GIL, or the others would wait for it to let go.
"""

from __future__ import annotations

import os
from typing import Any

from llvmlite import ir
from numba import extending, types

from .door import kernel

intrinsic: Any = extending.intrinsic  # as Numba types it, the context is an argument of every call
_WORD = ir.IntType(64)
_READ = "read" if os.name == "posix" else "_read"
CALLS, DONE, ASLEEP = 0, 1, 2  # places in a helper's numbers


def _place(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
    return builder.bitcast(builder.gep(data, [arguments[1]]), _WORD.as_pointer())


@intrinsic
def _load(context: Any, numbers: Any, i: Any) -> Any:
    """Number `i`, read from memory each time."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_place(context, builder, signature, arguments), "seq_cst", 8)

    return types.int64(numbers, types.int64), generate


@intrinsic
def _store(context: Any, numbers: Any, i: Any, value: Any) -> Any:
    """Write number `i` for other threads to see, before anything that follows is read."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.atomic_rmw("xchg", _place(context, builder, signature, arguments), arguments[2], "seq_cst")
        return context.get_dummy_value()

    return types.void(numbers, types.int64, types.int64), generate


@intrinsic
def _read(context: Any, pipe: Any, buffer: Any) -> Any:
    """The C library's ``read`` of one byte, which sleeps until there is one."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte = ir.IntType(8).as_pointer()
        function = builder.module.globals.get(_READ) or ir.Function(
            builder.module, ir.FunctionType(_WORD, [ir.IntType(32), byte, _WORD]), _READ
        )
        data = context.make_array(signature.args[1])(context, builder, arguments[1]).data
        handle = builder.trunc(arguments[0], ir.IntType(32))
        return builder.call(function, [handle, builder.bitcast(data, byte), ir.Constant(_WORD, 1)])

    return types.int64(types.int64, buffer), generate


@kernel
def park(numbers, seen, pipe, buffer, rounds, pause):
    """Say that call `seen` is done, and return when there is another.

    It looks for so many rounds, of a nanosecond or two, and then sleeps on the pipe.  Before it returns it waits a few
    rounds more, in which the thread that calls gets to its own kernel and lets go of the GIL.
    """
    _store(numbers, DONE, seen)
    for _ in range(rounds):
        if _load(numbers, CALLS) != seen:
            for _ in range(pause):
                _load(numbers, CALLS)
            return
    _store(numbers, ASLEEP, 1)
    if _load(numbers, CALLS) == seen:
        _read(pipe, buffer)
    _store(numbers, ASLEEP, 0)


@kernel
def reached(numbers, goal, rounds):
    """Whether call `goal` is done within so many rounds."""
    left = rounds
    while left > 0 and _load(numbers, DONE) < goal:
        left -= 1
    return left > 0
