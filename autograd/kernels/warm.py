"""Which kernels there are, and which of them this process has compiled or read from the disk."""

from __future__ import annotations

import gc
from importlib import import_module
from pathlib import Path
from typing import Any

from numba.core.dispatcher import Dispatcher

INNER = {"little"}  # modules whose kernels are called by generated programs alone, and compiled into each of those


def kernels() -> list[Any]:
    """Every kernel of this folder that Python calls: none that is only written into, or called by, another."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem != "__init__":
            import_module(f"{__package__}.{path.stem}")
    # by type(x): some objects act when they are asked for their __class__, as isinstance does
    found = [x for x in gc.get_objects() if issubclass(type(x), Dispatcher) and _is_here(x)]
    inner = {id(called) for kernel in found for called in _called_by(kernel)}
    return [x for x in found if id(x) not in inner and not _is_inner(x)]


def name(kernel: Any) -> str:
    """As in "softmax._softmax"; an elementwise loop by the function that it computes."""
    module = import_module(kernel.py_func.__module__)
    owner = kernel.py_func.__name__
    for attribute, run in vars(module).items():  # loops are closures of what the module offers
        if any(cell.cell_contents is kernel for cell in getattr(run, "__closure__", None) or ()):
            owner = attribute
    return f"{module.__name__.rpartition('.')[2]}.{owner}"


def ready() -> set[str]:
    """The names of the kernels that this process can call without compiling them, for some type at least."""
    return {name(kernel) for kernel in kernels() if kernel.signatures}


def cache_folder() -> str:
    """Where Numba keeps the compiled kernels."""
    return str(next(iter(kernels())).stats.cache_path)


def _is_here(kernel: Any) -> bool:
    folder, _, module = str(kernel.py_func.__module__).rpartition(".")
    return folder == __package__ and module not in INNER


def _is_inner(kernel: Any) -> bool:
    """Whether it is only written into others, or `apart`."""
    options = kernel.targetoptions
    return options.get("inline") == "always" or bool(options.get("no_cpython_wrapper"))


def _called_by(kernel: Any) -> list[Any]:
    function = kernel.py_func
    named = [function.__globals__.get(name) for name in function.__code__.co_names]
    closed_over = [cell.cell_contents for cell in function.__closure__ or ()]
    return [x for x in (*named, *closed_over) if isinstance(x, Dispatcher)]
