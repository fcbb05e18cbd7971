"""Programs in tests: recorded, interpreted, and emitted with plain Python where Numba would be."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd
from autograd.program.emit import Emitter
from autograd.program.program import Program
from autograd.program.recording import Argument, Hyper, Recording, record
from autograd.program.runtime import seen
from autograd.tensor import Tensor


def recorded(function: Callable[..., Any], *args: Any) -> tuple[Any, Recording]:
    """One real call on `args`, of which the tensors are inputs."""
    return record(function, args, {}, [x for x in args if isinstance(x, Tensor)])


def arrays_for(recording: Recording, program: Program, given: list[Tensor]) -> list[np.ndarray]:
    """The inputs of `program`, a pass's result perhaps, as a call with the tensors `given` would find them."""
    found = []
    for v in program.inputs:
        source = recording.sources[v]
        if isinstance(source, Argument):
            found.append(given[source.index].array)
        elif isinstance(source, Hyper):
            found.append(np.array(source.read(), np.float64))
        else:
            t = source.tensor.grad if source.grad else source.tensor
            found.append(t.array)
    return found


def emitted(program: Program, moving: bool = True) -> Callable[..., list[Any]]:
    """The program's emitted text, run by Python itself: what the generated code says, without compiling it."""
    text = Emitter(program, set(program.inputs) if moving else set()).emit()
    skipped = ("import math", "from autograd.kernels")
    source = "\n".join("" if line.startswith(skipped) else line for line in text.source.splitlines())
    names: dict[str, Any] = dict(_STANDING)
    exec(compile(source, "<emitted>", "exec"), names)
    store = np.full(text.arena + 64, 0xFF, np.uint8)  # NaN where nothing was written
    start = -store.ctypes.data % 64
    arena = store[start : start + text.arena]

    def run(*arrays: np.ndarray) -> list[Any]:
        places = [] if moving else list(arrays)
        step = names["bind"](text.functions, text.objects, text.constants, places, arena)
        with np.errstate(all="ignore"):
            return [np.asarray(r) for r in step(*(arrays if moving else ()))]

    return run


def _little_product(a: Any, at: int, a0: int, a1: int, b: Any, bt: int, b0: int, b1: int, c: Any, ct: int, c0: int,
                    n: int, k: int, m: int) -> None:  # fmt: skip
    left, right = seen(a, at, (n, k), (a0, a1)), seen(b, bt, (k, m), (b0, b1))
    seen(c, ct, (n, m), (c0, 1))[...] = left @ right


def _erf(x: Any) -> Any:
    return type(x)(math.erf(x))


_STANDING = {
    "math": types.SimpleNamespace(**{name: getattr(np, name) for name in ("sqrt", "sin", "cos", "log1p", "expm1")}),
    "kernel_for": lambda signature: lambda function: function,
    "little_product": _little_product,
    "run": lambda pieces, work: [work(i) for i in range(pieces)],
    "verf": _erf, "vexp": np.exp, "vlog": np.log, "vtanh": np.tanh, "vmaximum": np.maximum, "vminimum": np.minimum,
}  # fmt: skip


def tensor(array: np.ndarray, grad: bool = False) -> Tensor:
    """A tensor with a copy of `array`."""
    t = autograd.tensor(array)
    return t.requires_grad_() if grad else t
