"""Words in memory that several threads read and write, and calls of compiled functions by their addresses.

What Numba's language has no words for, as LLVM IR: atomic reads and writes, pointers, and the C library.
"""

from __future__ import annotations

import os
from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils

from .apart import jumped

intrinsic: Any = extending.intrinsic  # as Numba types it, the context is an argument of every call
WORD, BYTES, I32 = ir.IntType(64), ir.IntType(8).as_pointer(), ir.IntType(32)
PIECE = ir.FunctionType(I32, [BYTES, WORD])  # (arguments, number of the piece) -> 0, or another status


def _place(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
    return builder.bitcast(builder.gep(data, [arguments[1]]), WORD.as_pointer())


@intrinsic
def load(context: Any, words: Any, i: Any) -> Any:
    """Word `i`, read from memory each time."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_place(context, builder, signature, arguments), "seq_cst", 8)

    return types.int64(words, types.int64), generate


@intrinsic
def store(context: Any, words: Any, i: Any, value: Any) -> Any:
    """Write word `i` for other threads to see, before anything that follows is read."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.atomic_rmw("xchg", _place(context, builder, signature, arguments), arguments[2], "seq_cst")
        return context.get_dummy_value()

    return types.void(words, types.int64, types.int64), generate


@intrinsic
def counted(context: Any, words: Any, i: Any) -> Any:
    """Add 1 to word `i`, and return what it was."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, signature, arguments)
        return builder.atomic_rmw("add", place, ir.Constant(WORD, 1), "seq_cst")

    return types.int64(words, types.int64), generate


@intrinsic
def exchanged(context: Any, words: Any, i: Any, old: Any, new: Any) -> Any:
    """Write `new` into word `i` if it is `old`, and return whether it was."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, signature, arguments)
        return builder.extract_value(builder.cmpxchg(place, *arguments[2:], "seq_cst", "seq_cst"), 1)

    return types.boolean(words, types.int64, types.int64, types.int64), generate


def _declared(builder: Any, name: str, arguments: list[Any]) -> Any:
    """A function of the C library that returns a word."""
    module = builder.module
    return module.globals.get(name) or ir.Function(module, ir.FunctionType(WORD, arguments), name)


def _transfer(name: str) -> Any:
    """``read`` or ``write`` of one byte: handle, words, and the word whose first byte it is."""

    @intrinsic
    def transfer(context: Any, handle: Any, words: Any, i: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            data = context.make_array(signature.args[1])(context, builder, arguments[1]).data
            byte = builder.bitcast(builder.gep(data, [arguments[2]]), BYTES)
            function = _declared(builder, name, [I32, BYTES, WORD])
            return builder.call(function, [builder.trunc(arguments[0], I32), byte, ir.Constant(WORD, 1)])

        return types.int64(types.int64, words, types.int64), generate

    return transfer


read_byte = _transfer("read" if os.name == "posix" else "_read")  # sleeps until there is one
write_byte = _transfer("write" if os.name == "posix" else "_write")


@intrinsic
def yielded(context: Any) -> Any:
    """Let another thread run, if one waits for this core."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if os.name == "posix":
            builder.call(_declared(builder, "sched_yield", []), [])
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def kept(context: Any, arguments: Any) -> Any:
    """The address of a copy of a tuple, which lasts as long as the function that asks for it runs."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.ptrtoint(cgutils.alloca_once_value(builder, given[0]), WORD)

    return types.int64(arguments), generate


@intrinsic
def entry(context: Any, function: Any, arguments: Any) -> Any:
    """The address of a PIECE that calls ``function(i, *arguments)``, for a kernel, best one that is `apart`."""
    kernel = function.dispatcher if isinstance(function, types.Dispatcher) else function.typing_key.inner
    wanted = (types.int64, *map(types.unliteral, arguments))

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        outer = builder.module
        piece = ir.Function(outer, PIECE, f"{outer.name}.piece.{len(outer.functions)}")
        piece.linkage = "internal"
        inner = ir.IRBuilder(piece.append_basic_block())
        values = inner.load(inner.bitcast(piece.args[0], given[1].type.as_pointer()))
        own = [inner.extract_value(values, i) for i in range(len(arguments))]
        status, _, _ = jumped(context, inner, kernel, wanted, [piece.args[1], *own])
        inner.ret(status.code)
        return builder.ptrtoint(piece, WORD)

    return types.int64(function, arguments), generate


@intrinsic
def call(context: Any, address: Any, arguments: Any, i: Any) -> Any:
    """Call the PIECE at `address`."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        function = builder.inttoptr(given[0], PIECE.as_pointer())
        return builder.sext(builder.call(function, [builder.inttoptr(given[1], BYTES), given[2]]), WORD)

    return types.int64(types.int64, types.int64, types.int64), generate
