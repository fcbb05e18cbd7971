"""Kernels that are compiled once, and that other kernels call where they are.

Numba writes a copy of each kernel that another one calls into that one, where it is optimised once more, with all that
it calls: four levels of calls compile the innermost code five times.  For work that takes longer than a call, a jump
costs nothing, and the machine code, down to the order of its sums, is the same for all who call it.

The machine code of a caller refers to a symbol, whose address the linker of the process is told before that code is
made or read from the disk.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import llvmlite.binding as llvm
from llvmlite import ir
from numba import extending, types
from numba.core import cgutils
from numba.core.imputils import impl_ret_new_ref

from .door import Stale, inner_kernel, stamp_of


class Jump(NamedTuple):
    """What a kernel needs that jumps to another: called before its machine code is read from the disk."""

    module: str
    name: str
    arguments: tuple[Any, ...]  # types
    stamp: Any  # of the source

    def __call__(self) -> None:
        module = sys.modules.get(self.module) or import_module(self.module)
        found = getattr(module, self.name, None)
        if found is None or _ready(getattr(found, "inner", found), self.arguments)[0] != self:
            raise Stale

    def symbol(self) -> str:
        """The name of the place to jump to, in any process."""
        digest = hashlib.sha256(", ".join(map(str, self.arguments)).encode()).hexdigest()
        return f"wengert.{self.module}.{self.name}.{digest[:16]}"


_known: dict[Any, tuple[Jump, Any]] = {}


def _ready(kernel: Any, arguments: tuple[Any, ...]) -> tuple[Jump, Any]:
    """The kernel, compiled for arguments of these types, with its address known to the linker."""
    key = kernel, arguments
    if key not in _known:
        if arguments not in kernel.overloads:
            kernel.compile(arguments)
        compiled = kernel.overloads[arguments]
        jump = Jump(kernel.py_func.__module__, kernel.py_func.__qualname__, arguments, stamp_of(kernel))
        llvm.add_symbol(jump.symbol(), compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))
        _known[key] = jump, compiled
    return _known[key]


def jumped(context: Any, builder: Any, kernel: Any, arguments: tuple[Any, ...], values: Any) -> Any:
    """Emit a call of the kernel where it is: its status, and the type and the value of its result."""
    jump, compiled = _ready(kernel, arguments)
    context.active_code_library._reload_init.add(jump)
    restype, symbol, functions = compiled.fndesc.restype, jump.symbol(), builder.module.globals
    kind = context.call_conv.get_function_type(restype, compiled.fndesc.argtypes)
    function = functions.get(symbol) or ir.Function(builder.module, kind, symbol)
    return *context.call_conv.call_function(builder, function, restype, compiled.fndesc.argtypes, values), restype


def apart(function: Callable[..., Any]) -> Any:
    """As `kernel`, for work that other kernels have done, not Python: compiled once for arrays of the same types.

    Integers come as int64, whatever they are for the caller.
    """
    inner = inner_kernel(function)

    def typed(context: Any, *given: Any) -> Any:
        wanted = tuple(types.int64 if isinstance(t, types.Integer) else types.unliteral(t) for t in given)
        _, compiled = _ready(inner, wanted)

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            status, value, restype = jumped(context, builder, inner, wanted, values)
            with cgutils.if_unlikely(builder, status.is_error):
                context.call_conv.return_status_propagate(builder, status)
            return impl_ret_new_ref(context, builder, restype, value)

        return compiled.fndesc.restype(*wanted), generate

    own = inspect.signature(function)
    first = inspect.Parameter("context", inspect.Parameter.POSITIONAL_ONLY)
    parameters = [p.replace(kind=inspect.Parameter.POSITIONAL_ONLY) for p in own.parameters.values()]
    vars(typed).update(__signature__=own.replace(parameters=[first, *parameters]), __name__=function.__name__)
    made: Any = extending.intrinsic(typed)
    made.inner = inner
    return made
