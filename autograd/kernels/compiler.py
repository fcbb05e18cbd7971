"""How kernels are compiled: as Numba does, without what does not pay.

Before a function is put together with those that it calls, it is optimised by itself, without which loops that come of
it are not seen as such; at the first level, which shows them, that takes half of the time.  A tenth of all goes into
looking for garbage among the objects that a compiler makes, which stay until it is done.
"""

from __future__ import annotations

import gc
from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler


class _Library(JITCodeLibrary):
    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout
        manager, builder = self._codegen._function_pass_manager(opt=1)
        for function in ll_module.functions:
            if not function.is_declaration:
                manager.run(function, builder)


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
