"""How kernels are compiled: as Numba does, without what does not pay.

Before a function is put together with those that it calls, it is optimised by itself, without which loops that come of
it are not seen as such; at the first level, which shows them, that takes half of the time.  A tenth of all goes into
looking for garbage among the objects that a compiler makes, which stay until it is done.
"""

from __future__ import annotations

import gc
from typing import Any

import llvmlite.binding as llvm
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler


class _Library(JITCodeLibrary):
    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout
        manager, builder = self._codegen._function_pass_manager(opt=1)
        for function in ll_module.functions:
            if not function.is_declaration:
                manager.run(function, builder)


class _Alone(_Library):
    """One that is never written into another: of its code, only the names are kept beside the machine code."""

    def _get_module_for_linking(self) -> Any:
        names = [function.name for function in self.get_defined_functions()]
        return llvm.parse_assembly("\n".join(f'define void @"{name}"() {{ ret void }}' for name in names))


class KernelCompiler(Compiler):
    """The pipeline for ``numba.njit(pipeline_class=...)``."""

    library: type[_Library] = _Library

    def compile_extra(self, func: Any) -> Any:
        if self.state.library is None:
            self.state.library = self.library(self.state.targetctx.codegen(), func.__qualname__)
            self.state.library.enable_object_caching()
        collecting = gc.isenabled()
        gc.disable()
        try:
            return super().compile_extra(func)
        finally:
            if collecting:
                gc.enable()


class AloneCompiler(KernelCompiler):
    """For kernels that no other contains."""

    library = _Alone
