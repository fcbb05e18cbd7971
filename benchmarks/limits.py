"""What this machine can do at most: multiply-adds from registers, and bytes through memory.

``python -m benchmarks.limits`` prints both as a line of JSON.  The kernels are Wengert's; without Numba there are none.

What memory gives may halve from one second to the next where others share it, so it is measured once more beside every
case that is about bytes: ``python -m benchmarks.limits beside`` answers each line with bytes a second.  That is a
median, as the times are with which it is compared; of the machine as such, the best run is the limit.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .machine import environment

DEPTH, TIMES = 256, 20_000  # a panel of B for this depth stays in the first-level cache


def limits() -> dict[str, float]:
    """`measured`, in a process of its own; nothing without Numba, or if that fails: its error is above."""
    command = [sys.executable, "-m", "benchmarks.limits"]
    run = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, text=True, check=False)
    return dict(json.loads(run.stdout)) if run.returncode == 0 else {}


@contextmanager
def beside() -> Iterator[Callable[[], float]]:
    """A function that measures the triad now, for 0.1 s, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.limits", "beside"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()) as run:
        reads, asks = run.stdout, run.stdin
        assert reads is not None
        assert asks is not None

        def triad() -> float:
            print(file=asks, flush=True)
            return float(reads.readline())

        yield triad
        asks.close()


def measured() -> dict[str, float]:
    """Operations and bytes a second, by all threads of Wengert's pool."""
    try:
        import numba as numba

        from autograd.kernels import door as door
    except ImportError:
        return {}
    return {"flops": _flops(), "bytes": max(_triad()(1.5))}


def _times(work: Callable[[int], None], seconds: float = 1.5) -> list[float]:
    """Seconds of each of as many runs as `seconds` allow: another process may hold a core for a while."""
    from autograd.kernels import get_num_threads
    from autograd.kernels.pool import run

    work(0)  # compiles
    times, end = [], time.perf_counter() + seconds
    while (before := time.perf_counter()) < end:
        run(get_num_threads(), work)
        times.append(time.perf_counter() - before)
    return times


def _flops() -> float:
    """Tiles of a matrix product whose operands do not leave the first-level cache."""
    from autograd.kernels import get_num_threads
    from autograd.kernels.door import ROWS, kernel
    from autograd.kernels.tile import columns_of, tile

    width, threads = columns_of(np.float32), get_num_threads()

    @kernel
    def tiles(a, b, c):  # type: ignore[no-untyped-def]
        for _ in range(TIMES):
            tile(a, 0, DEPTH, 1, b, 0, width, c, 0, width, DEPTH, ROWS, width, 0)

    sizes = ROWS * DEPTH, DEPTH * width, ROWS * width
    arrays: list[Any] = [[np.zeros(size, np.float32) for size in sizes] for _ in range(threads)]
    return threads * TIMES * 2.0 * ROWS * width * DEPTH / min(_times(lambda i: tiles(*arrays[i])))


def _aligned(size: int) -> np.ndarray:
    """Ones that begin where a cache line begins, as stores past the caches want them."""
    room = np.ones(size + 16, np.float32)
    return room[-room.ctypes.data % 64 // 4 :][:size]


def _triad(size: int = 1 << 24) -> Callable[[float], list[float]]:
    """The triad a = b + s c (McCalpin's STREAM) on arrays far larger than the caches, `a` stored past them.

    Bytes a second, of each run in so many seconds.
    """
    from llvmlite import ir
    from numba import types

    from autograd.kernels import get_num_threads
    from autograd.kernels.door import VECTOR_BYTES, kernel
    from autograd.kernels.tile import I32, Emitter, intrinsic

    @intrinsic
    def vector(context: Any, a: Any, b: Any, c: Any, i: Any, s: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            e = Emitter(builder, a.dtype)
            places = [
                builder.gep(context.make_array(array)(context, builder, value).data, [arguments[3]])
                for array, value in zip(signature.args[:3], arguments[:3])
            ]
            total = e.multiply_add(e.spread(arguments[4]), e.load(places[2]), e.load(places[1]))
            store = builder.store(total, builder.bitcast(places[0], e.vector.as_pointer()), align=VECTOR_BYTES)
            store.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(I32, 1)]))
            builder.asm(ir.FunctionType(ir.VoidType(), []), "", "", [], True)  # keeps the loop rolled, a tenth faster
            return context.get_dummy_value()

        return types.void(a, b, c, types.int64, a.dtype), generate

    @kernel
    def triad(a, b, c, s):  # type: ignore[no-untyped-def]
        for i in range(0, a.size, VECTOR_BYTES // 4):
            vector(a, b, c, i, s)

    a, b, c = (_aligned(size) for _ in range(3))
    threads, lanes = get_num_threads(), VECTOR_BYTES // 4
    ends = [i * size // threads // lanes * lanes for i in range(threads + 1)]
    parts = [[x[ends[i] : ends[i + 1]] for x in (a, b, c)] for i in range(threads)]
    return lambda seconds: [3 * 4 * size / t for t in _times(lambda i: triad(*parts[i], np.float32(2)), seconds)]


if __name__ == "__main__":
    if sys.argv[1:] == ["beside"]:
        now = _triad()
        for _ in sys.stdin:
            print(statistics.median(now(0.1)), flush=True)
    else:
        print(json.dumps(measured()))
