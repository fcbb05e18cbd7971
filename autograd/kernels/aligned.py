"""Arrays of the engine begin at a cache line.

NumPy's begin 16 bytes after one, so every vector of 64 bytes that is read or written lies across two lines; layer
normalisation loses a sixth of its time to that.  NumPy lets its memory be managed by others (NEP 49), as a context
variable says.  Ours is set only in the context in which the engine's bodies run (`quiet.py`): what a caller makes
himself is made as before.

A block is one of NumPy's own, longer by a line.  The array begins at the next line, or, if it is small, 16 bytes later;
the word before it is where the block begins.
"""

from __future__ import annotations

import ctypes
from typing import Any

import llvmlite.binding as llvm
from numpy._core import _multiarray_umath  # type: ignore[attr-defined]

from .. import quiet

LINE, LARGE = 64, 2048  # bytes; of an array whose alignment matters

# The functions are NumPy's type PyDataMemAllocator; the first argument is NumPy's own allocator, of that type too.
_CODE = """
%own = type { i8*, i8* (i8*, i64)*, i8* (i8*, i64, i64)*, i8* (i8*, i8*, i64)*, void (i8*, i8*, i64)* }

define private i8* @begin(i8* %block, i8* %array) {  ; the array, after a note of where its block begins
  %note = getelementptr i8, i8* %array, i64 -8
  %place = bitcast i8* %note to i8**
  store i8* %block, i8** %place
  ret i8* %array
}

define private i8* @block(i8* %array) {
  %note = getelementptr i8, i8* %array, i64 -8
  %place = bitcast i8* %note to i8**
  %block = load i8*, i8** %place
  ret i8* %block
}

define private i8* @place(i8* %block, i64 %bytes) {
  %none = icmp eq i8* %block, null
  br i1 %none, label %no, label %yes
no:
  ret i8* null
yes:
  %large = icmp uge i64 %bytes, LARGE
  %line = select i1 %large, i64 LINE, i64 16
  %start = ptrtoint i8* %block to i64
  %past = add i64 %start, %line
  %mask = sub i64 0, %line
  %at = and i64 %past, %mask
  %array = inttoptr i64 %at to i8*
  %ready = call i8* @begin(i8* %block, i8* %array)
  ret i8* %ready
}

define i8* @malloc(%own* %own, i64 %bytes) {
  %more = add i64 %bytes, LINE
  %context.at = getelementptr %own, %own* %own, i64 0, i32 0
  %context = load i8*, i8** %context.at
  %make.at = getelementptr %own, %own* %own, i64 0, i32 1
  %make = load i8* (i8*, i64)*, i8* (i8*, i64)** %make.at
  %block = call i8* %make(i8* %context, i64 %more)
  %array = call i8* @place(i8* %block, i64 %bytes)
  ret i8* %array
}

define i8* @calloc(%own* %own, i64 %count, i64 %size) {
  %bytes = mul i64 %count, %size  ; which NumPy has seen not to overflow
  %more = add i64 %bytes, LINE
  %context.at = getelementptr %own, %own* %own, i64 0, i32 0
  %context = load i8*, i8** %context.at
  %make.at = getelementptr %own, %own* %own, i64 0, i32 2
  %make = load i8* (i8*, i64, i64)*, i8* (i8*, i64, i64)** %make.at
  %block = call i8* %make(i8* %context, i64 %more, i64 1)
  %array = call i8* @place(i8* %block, i64 %bytes)
  ret i8* %array
}

define i8* @realloc(%own* %own, i8* %array, i64 %bytes) {  ; as far into the new block as into the old one
  %none = icmp eq i8* %array, null
  br i1 %none, label %new, label %old
new:
  %made = call i8* @malloc(%own* %own, i64 %bytes)
  ret i8* %made
old:
  %block = call i8* @block(i8* %array)
  %from = ptrtoint i8* %block to i64
  %to = ptrtoint i8* %array to i64
  %into = sub i64 %to, %from
  %more = add i64 %bytes, LINE
  %context.at = getelementptr %own, %own* %own, i64 0, i32 0
  %context = load i8*, i8** %context.at
  %change.at = getelementptr %own, %own* %own, i64 0, i32 3
  %change = load i8* (i8*, i8*, i64)*, i8* (i8*, i8*, i64)** %change.at
  %moved = call i8* %change(i8* %context, i8* %block, i64 %more)
  %failed = icmp eq i8* %moved, null
  br i1 %failed, label %no, label %yes
no:
  ret i8* null
yes:
  %at = getelementptr i8, i8* %moved, i64 %into
  %ready = call i8* @begin(i8* %moved, i8* %at)
  ret i8* %ready
}

define void @free(%own* %own, i8* %array, i64 %bytes) {
  %none = icmp eq i8* %array, null
  br i1 %none, label %done, label %some
some:
  %block = call i8* @block(i8* %array)
  %more = add i64 %bytes, LINE
  %context.at = getelementptr %own, %own* %own, i64 0, i32 0
  %context = load i8*, i8** %context.at
  %drop.at = getelementptr %own, %own* %own, i64 0, i32 4
  %drop = load void (i8*, i8*, i64)*, void (i8*, i8*, i64)** %drop.at
  call void %drop(i8* %context, i8* %block, i64 %more)
  br label %done
done:
  ret void
}
"""


class _Allocator(ctypes.Structure):
    """PyDataMemAllocator of ndarraytypes.h."""

    _fields_ = [(name, ctypes.c_void_p) for name in ("ctx", "malloc", "calloc", "realloc", "free")]


class _Handler(ctypes.Structure):
    """PyDataMem_Handler of ndarraytypes.h."""

    _fields_ = [("name", ctypes.c_char * 127), ("version", ctypes.c_uint8), ("allocator", _Allocator)]


_SET_HANDLER, _DEFAULT_HANDLER, _TABLE = 304, 306, 307  # places in NumPy's table of functions for C, and its length
_python = ctypes.pythonapi
_pointer_of: Any = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", _python)
)
_capsule: Any = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(
    ("PyCapsule_New", _python)
)


def _compiled() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(_CODE.replace("LINE", str(LINE)).replace("LARGE", str(LARGE)))
    engine = llvm.create_mcjit_compiler(module, llvm.Target.from_default_triple().create_target_machine())
    engine.finalize_object()
    return engine


def _lasting(thing: Any) -> Any:
    """`thing`, which is never let go: arrays are freed after modules are."""
    _python.Py_IncRef(ctypes.py_object(thing))
    return thing


def _manage() -> None:
    """Manage the memory of arrays that are made in this context."""
    table = (ctypes.c_void_p * _TABLE).from_address(_pointer_of(_multiarray_umath._ARRAY_API, None))
    default = ctypes.py_object.from_address(table[_DEFAULT_HANDLER] or 0).value
    own = _Handler.from_address(_pointer_of(default, b"mem_handler")).allocator
    engine = _lasting(_compiled())
    functions = [engine.get_function_address(name) for name in ("malloc", "calloc", "realloc", "free")]
    handler = _lasting(_Handler(b"wengert", 1, _Allocator(ctypes.addressof(own), *functions)))
    set_handler: Any = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(table[_SET_HANDLER] or 0)
    set_handler(_capsule(ctypes.addressof(handler), b"mem_handler", None))


if ctypes.sizeof(ctypes.c_void_p) == 8:  # as the code has it
    quiet.change(_manage)
