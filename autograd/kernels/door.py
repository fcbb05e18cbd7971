"""The one door to Numba: which flags, which cache, which machine.

Kernels release the GIL and are serial; `pool.py` runs them on several threads.  So there is no second runtime with
threads of its own beside BLAS, forked workers are safe, and the split of the work, and with it every bit of the result,
depends on shapes alone.
"""

from __future__ import annotations

import contextlib
import pickle
import sys
import threading
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numba
from numba.core import caching, config, event
from numba.core.runtime import rtsys

from . import aligned as aligned
from .compiler import AloneCompiler, KernelCompiler

# Contraction to fused multiply-add, and reassociation of sums so that they vectorise.  No assumption that NaN or
# infinity do not occur: they must come out where NumPy has them.
FLAGS = {"contract", "reassoc", "nsz"}

if vars(config)["DISABLE_JIT"]:  # what kernels call is not Python; the NumPy bodies are there for that
    raise ImportError("NUMBA_DISABLE_JIT is set: there are no kernels")


def kernel(function: Callable[..., Any]) -> Any:
    """Compile `function` when it is first called, and keep the result on disk."""
    return _kept(function)


def inner_kernel(function: Callable[..., Any]) -> Any:
    """As `kernel`, without the way in from Python; see `apart`."""
    return _kept(function, AloneCompiler, no_cpython_wrapper=True)


class Stale(Exception):
    """What is on the disk refers to a kernel that has changed since."""


class _Home(caching.InTreeCacheLocator):  # type: ignore[misc]
    """A place in the folder of the programs, for where that of the sources cannot be written into."""

    def __init__(self, function: Any, file: str) -> None:
        super().__init__(function, file)
        from ..program.cache import home

        self._cache_path = str(home() / self.get_suitable_cache_subpath(file))


class _Files(caching.CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = [caching.UserProvidedCacheLocator, caching.InTreeCacheLocator, _Home]


class _Kept(caching.FunctionCache):
    """Numba's cache on disk, which it reads without first importing whatever it could compile, 0.25 s of it.

    Files that are damaged, or that cannot be written, cost time and nothing else.
    """

    _impl_class = _Files

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        rtsys.initialize(target_context)  # reference counts, which machine code calls
        with contextlib.suppress(Exception):  # whatever unpickling half a file raises; Stale
            return self._load_overload(sig, target_context)

    def save_overload(self, sig: Any, data: Any) -> None:
        with contextlib.suppress(OSError, RuntimeError):  # no room; an interrupt that has left no machine code to save
            try:
                self._save_overload(sig, data)
            except (pickle.UnpicklingError, EOFError, ValueError, TypeError, LookupError, ImportError, AttributeError):
                self.flush()  # the index is damaged
                self._save_overload(sig, data)


def _kept(function: Callable[..., Any], compiler: Any = KernelCompiler, **options: Any) -> Any:
    """As ``njit(cache=True)``, and where no file can be written as ``njit()``."""
    options |= {"no_cfunc_wrapper": True, "pipeline_class": compiler}  # C does not call it
    made: Any = numba.njit(nogil=True, fastmath=FLAGS, error_model="numpy", **options)(function)
    with contextlib.suppress(RuntimeError):
        made._cache = _Kept(function)
    return made


def stamp_of(kernel: Any) -> Any:
    """What changes with the file of a kernel; None if nothing of it is kept."""
    return kernel._cache._cache_file._source_stamp if kernel._cache.cache_path else None


def kernel_for(signature: str) -> Callable[[Any], Any]:
    """As `kernel`, but compiled at once, for arguments of these types and no others; for emitted files.

    Names of their kernels are hashes of their texts, so what one file has compiled serves another.
    """

    def compiled(function: Any) -> Any:
        if function.__name__ not in _emitted:
            made = _emitted[function.__name__] = _kept(function, AloneCompiler)
            made.compile(signature)
            made.disable_compile()
        return _emitted[function.__name__]

    return compiled


_emitted: dict[str, Any] = {}


def inlined(function: Callable[..., Any]) -> Any:
    """As `kernel`, for small functions that other kernels call: written into their callers, so that loops vectorise."""
    return numba.njit(nogil=True, fastmath=FLAGS, error_model="numpy", inline="always")(function)


def _features() -> dict[str, bool]:
    given = vars(config)["CPU_FEATURES"]  # from NUMBA_CPU_FEATURES
    if given is not None:
        return {name[1:]: name[0] == "+" for name in given.split(",") if name}
    return dict(llvm.get_host_cpu_features())


_have = _features()
if _have.get("avx512f"):
    VECTOR_BYTES, ROWS, VECTORS = 64, 8, 2  # 16 accumulators of 32 registers
elif _have.get("avx2") and _have.get("fma"):
    VECTOR_BYTES, ROWS, VECTORS = 32, 6, 2  # 12 of 16
else:
    VECTOR_BYTES, ROWS, VECTORS = 16, 6, 2  # NEON and SSE2


class _Voice(event.Listener):
    """Says what is being compiled when it takes longer than a second: a first call must not wait silently."""

    def __init__(self) -> None:
        self.timers: list[threading.Timer] = []

    def on_start(self, event: Any) -> None:
        name = event.data["dispatcher"].py_func.__name__
        timer = threading.Timer(
            1.0, lambda: sys.stderr.write(f"wengert: compiling kernel {name} (once; kept on disk)\n")
        )
        timer.daemon = True
        self.timers.append(timer)
        timer.start()

    def on_end(self, event: Any) -> None:
        self.timers.pop().cancel()


event.register("numba:compile", _Voice())
