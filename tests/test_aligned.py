"""Arrays of the engine begin at cache lines, and the caller's NumPy is left as it was."""

import contextvars
import random
import subprocess
import sys
import threading

import numpy as np
import pytest

import autograd
from autograd import quiet

aligned = pytest.importorskip("autograd.kernels.aligned", reason="needs llvmlite")


def made(n: int, dtype: str = "u1") -> np.ndarray:
    return quiet.quiet().run(np.empty, n, dtype)


@pytest.mark.parametrize("n", [0, 1, 7, 2047, 2048, 2049, 100_000, 1 << 22])
def test_large_arrays_begin_at_a_line(n):
    for array in (made(n), quiet.quiet().run(np.zeros, n, "u1")):
        assert array.ctypes.data % (64 if n >= aligned.LARGE else 16) == 0
        array[:] = 7
    assert not quiet.quiet().run(np.zeros, n, "u1").any()


def test_results_and_gradients_begin_at_a_line():
    x = autograd.randn(100, 100, requires_grad=True)
    y = (x @ x).tanh()
    y.sum().backward()
    for t in (y, x.grad):
        assert t.array.ctypes.data % 64 == 0
        assert t.array.base is None


def test_the_callers_numpy_is_as_before():
    name = np._core.multiarray.get_handler_name
    seen = []
    x = autograd.ones(3, requires_grad=True)
    x.register_hook(lambda g: seen.append(name()))
    (x * 2).sum().backward()
    assert name() == name(np.ones(3)) == "default_allocator"
    assert name(made(3)) == seen[0] == "wengert"  # a hook runs within the backward pass, as with np.errstate


def test_what_a_hook_sets_in_its_context_stays_set():
    mark = contextvars.ContextVar("mark", default="before")
    x = autograd.ones(3, requires_grad=True)
    x.register_hook(lambda g: mark.set("after") and None)
    (x * 2).sum().backward()
    assert mark.get() == "after"


def test_settings_that_come_within_a_backward_pass():
    """The first kernel of a process may be loaded there; afterwards what was set is set back."""
    code = """
import contextvars
from autograd import quiet
new = [contextvars.ContextVar(f"v{i}") for i in range(50)]
with quiet.here():
    quiet.change(lambda: [v.set(1) for v in new])
assert all(v.get(None) is None for v in new)
import numpy as np
assert np.geterr()["divide"] == "warn"
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr


def test_resized_arrays_keep_their_contents():
    for n, longer in [(10, 30), (10, 10_000), (5000, 5001), (5000, 3), (3000, 1_000_000)]:
        array = made(n, "i4")
        array[:] = np.arange(n)
        array.resize(longer, refcheck=False)
        kept = min(n, longer)
        assert array[:kept].tolist() == list(range(kept))
        assert not array[kept:].any()


def test_blocks_do_not_overlap_from_several_threads():
    wrong = []

    def work(seed: int) -> None:
        draw, alive = random.Random(seed), []
        for i in range(2000):
            array = made(draw.choice([1, 15, 16, 17, 1000, 2047, 2048, 5000, 70_000]))
            array[:] = i % 251
            alive.append((i, array))
            if len(alive) > 20:
                j, array = alive.pop(draw.randrange(20))
                if not (array == j % 251).all():
                    wrong.append(j)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_arrays_outlive_the_modules_at_exit():
    code = """
import autograd, autograd.kernels.door, builtins, sys
builtins.kept = [autograd.ones(10000).exp().array for _ in range(10)]
sys.modules["kept"] = autograd.ones(10000).exp().array
"""
    command = [sys.executable, "-X", "faulthandler", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr


def test_too_large_is_a_memory_error():
    with pytest.raises(MemoryError):
        made(1 << 60)
