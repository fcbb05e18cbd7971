"""Programs in tests: recorded, interpreted, and emitted with plain Python where Numba would be."""

from __future__ import annotations

import gc
import math
import types
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd
from autograd.generator import default_generator
from autograd.program import cache
from autograd.program.build import built
from autograd.program.capture import record
from autograd.program.emit import Emitter
from autograd.program.passes import optimised
from autograd.program.program import CheckFailed, Program
from autograd.program.recorder import Recorder
from autograd.program.recording import Argument, Hyper, Recording, difference
from autograd.program.replay import filled
from autograd.program.resized import resized
from autograd.program.runtime import seen
from autograd.tensor import Tensor


def traced(function: Callable[..., Any], *arrays: np.ndarray) -> tuple[Program, Any]:
    """The program of a NumPy function, and whether it could be recorded."""
    recorder = Recorder()
    inputs = [recorder.input(a) for a in arrays]
    with recorder.watching():
        out = function(*inputs)
        found = list(out) if isinstance(out, tuple | list) else [out]
        recorder.program.results = [recorder.variable(x) for x in found]
    recorder.program.writes = recorder.writes
    return recorder.program, recorder.obstacle


def program_of(function: Callable[..., Any], *arrays: np.ndarray) -> Program:
    """The program of a NumPy function that can be recorded."""
    program, obstacle = traced(function, *arrays)
    assert not obstacle
    return program.check()


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
    bind = module_of(text.source).bind
    store = np.full(text.arena + 64, 0xFF, np.uint8)  # NaN where nothing was written
    start = -store.ctypes.data % 64
    arena = store[start : start + text.arena]

    def run(*arrays: np.ndarray) -> list[Any]:
        places = [] if moving else list(arrays)
        step = bind(text.functions, text.objects, text.constants, places, arena)
        with np.errstate(all="ignore"):
            return [np.asarray(r) for r in step(*(arrays if moving else ()))]

    return run


def module_of(source: str) -> Any:
    """An emitted file as a module whose kernels are Python functions."""
    skipped = ("import math", "from autograd.kernels")
    lines = ["" if line.startswith(skipped) else line for line in source.splitlines()]
    names: dict[str, Any] = dict(_STANDING)
    exec(compile("\n".join(lines), "<emitted>", "exec"), names)
    return types.SimpleNamespace(**names)


def without_numba(monkeypatch: Any, tmp_path: Any) -> None:
    """For a fixture: compiled functions run their emitted text as it is, and nothing is kept.

    The loops of single formulas and of optimisers are compiled as ever, for they are kept as long as the process lives.
    """
    load = cache.load
    monkeypatch.setenv("WENGERT_CACHE", str(tmp_path))
    monkeypatch.setattr(cache, "load", lambda source: (module_of if "def bind(" in source else load)(source))


def _little_product(a: Any, at: int, a0: int, a1: int, b: Any, bt: int, b0: int, b1: int, c: Any, ct: int, c0: int,
                    n: int, k: int, m: int) -> None:  # fmt: skip
    left, right = seen(a, at, (n, k), (a0, a1)), seen(b, bt, (k, m), (b0, b1))
    seen(c, ct, (n, m), (c0, 1))[...] = left @ right


def _product(team: Any, helpers: int, a: Any, a_row: int, a_k: int, b: Any, b_k: int, b_n: int, bias: Any, c: Any,
             m: int, k: int, n: int, more: int) -> None:  # fmt: skip
    product, out = seen(a, 0, (m, k), (a_row, a_k)) @ seen(b, 0, (k, n), (b_k, b_n)), seen(c, 0, (m, n), (n, 1))
    out[...] = (out if more else bias[:n] if bias.size else 0) + product


def _for_all_sizes(step: Callable[..., Any], tensors: list[Tensor], want: list[np.ndarray],
                   tolerance: float) -> Recording:  # fmt: skip
    """Recorded with extents for sizes; made of that for the sizes that it was recorded with, which changes nothing."""
    autograd.manual_seed(5)
    result, sized = record(step, tuple(tensors), {}, tensors, dynamic=True)
    _same(_all(result, tensors), want, tolerance, "the call recorded for all sizes")
    made = resized(sized, tensors)
    assert not sized.obstacle
    assert made is not None
    assert not difference(made, sized)
    return made


def _signed(x: Any) -> Any:
    """Kernels take strides as uint64, in which negative ones wrap around."""
    return x - (1 << 64) if isinstance(x, int) and x >= 1 << 63 else x


def _erf(x: Any) -> Any:
    return type(x)(math.erf(x))


_STANDING = {
    "math": types.SimpleNamespace(**{name: getattr(np, name) for name in ("sqrt", "sin", "cos", "log1p", "expm1")}),
    "kernel_for": lambda signature: lambda function: lambda *given: function(*map(_signed, given)),
    "little_product": _little_product, "product_among": _product,
    "together": lambda kernel, *given: kernel(None, 0, *given),
    "each": lambda team, helpers, pieces, work, given: [work(i, *given) for i in range(pieces)],
    "entry": lambda function, given: function, "kept": lambda given: given,
    "run": lambda pieces, work: [work(i) for i in range(pieces)],
    "verf": _erf, "vexp": np.exp, "vlog": np.log, "vtanh": np.tanh, "vmaximum": np.maximum, "vminimum": np.minimum,
}  # fmt: skip


def check(step: Callable[..., Any], given: Callable[[], list[Tensor]], others: Callable[[], list[Tensor]],
          tolerance: float, compiled: bool = False) -> str:  # fmt: skip
    """Record `step` on one set of tensors; run the program in every form on both, and hold it against plain calls.

    Returned tensors, tensors written in place and the random stream must be those of the plain call.  The result is ""
    or why there is no program; a program that refuses the other values by a check is one.
    """
    want, want_other = _plainly(step, given()), _plainly(step, others())
    autograd.manual_seed(5)
    tensors = given()
    result, recording = recorded(step, *tensors)
    _same(_all(result, tensors), want, 0, "the recorded call")
    if recording.obstacle:
        return recording.obstacle
    program = recording.program.check()
    simple = optimised(program)
    forms = {"interpreted": (recording, program, program.interpret), "optimised": (recording, simple, simple.interpret)}
    forms |= {"emitted": (recording, simple, emitted(simple)),
              "emitted and bound": (recording, simple, emitted(simple, moving=False))}  # fmt: skip
    if compiled:
        whole = built(simple, set(simple.inputs))
        forms = {"compiled": (recording, simple, lambda *arrays: whole(list(arrays)))}
    else:
        sized = _for_all_sizes(step, given(), want, tolerance)
        forms |= {"for all sizes": (sized, sized.program, sized.program.interpret)}
    for name, (recording, form, run) in forms.items():
        for make, expected in ((given, want), (others, want_other), (given, want)):
            autograd.manual_seed(5)
            tensors = make()
            arrays = arrays_for(recording, form, tensors)
            before = [a.copy() for a in arrays]
            try:
                found = run(*arrays)
            except CheckFailed:
                assert make is others, f"{name}: a check fails on the values that it was recorded with"
                for a, b in zip(arrays, before):
                    np.testing.assert_array_equal(a, b, err_msg="something was written before a check failed")
                continue
            found = filled(recording.structure, found, tensors)
            _same(_all(found, tensors), expected, tolerance, f"{name}, {'same' if make is given else 'other'}\n{form}")
    return ""


def _plainly(step: Callable[..., Any], tensors: list[Tensor]) -> list[np.ndarray]:
    autograd.manual_seed(5)
    return _all(step(*tensors), tensors)


def _all(result: Any, tensors: list[Tensor]) -> list[np.ndarray]:
    """What a call leaves behind: results, arguments, the next number of the random stream."""
    words = default_generator.words(1)
    return [np.array(t.array if isinstance(t, Tensor) else t) for t in [*_leaves(result), *tensors]] + [words]


def _leaves(x: Any) -> list[Any]:
    if isinstance(x, tuple | list):
        return [leaf for part in x for leaf in _leaves(part)]
    return [] if x is None else [x]


def _same(found: list[np.ndarray], expected: list[np.ndarray], tolerance: float, what: str) -> None:
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        assert (a.dtype, a.shape) == (b.dtype, b.shape), what
        scale = max(1.0, float(np.abs(b[np.isfinite(b)]).max(initial=0))) if b.dtype.kind in "fc" else 1.0
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale, err_msg=what)


def frozen_heap() -> Any:
    """For a fixture: recording collects garbage, and need not walk over what lives since before the tests."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
