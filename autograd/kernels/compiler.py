"""How kernels are compiled: as Numba does, without what does not pay.

Before a function is put together with those that it calls, Numba optimises each one by itself, an eighth of the time,
and then all of them together, which finds the same.  As much goes into looking for garbage among the objects that a
compiler makes, which all stay until it is done.
"""

from __future__ import annotations

import gc
from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler


class _Library(JITCodeLibrary):
    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout


class KernelCompiler(Compiler):
    """The pipeline for ``numba.njit(pipeline_class=...)``."""

    def compile_extra(self, func: Any) -> Any:
        if self.state.library is None:
            self.state.library = _Library(self.state.targetctx.codegen(), func.__qualname__)
            self.state.library.enable_object_caching()
        collecting = gc.isenabled()
        gc.disable()
        try:
            return super().compile_extra(func)
        finally:
            if collecting:
                gc.enable()
