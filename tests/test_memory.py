"""Depth and memory: long tapes need no stack, and long trainings no garbage collector."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest

import autograd

ROOT = Path(__file__).parent.parent


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("length", [10_000, 1_000_000])
def test_a_long_chain_differentiates(length):
    """Recording, walking and freeing the tape are all without recursion."""
    x = autograd.tensor(1.0, dtype=autograd.float64, requires_grad=True)
    y = x
    for _ in range(length):
        y = y * 1.000001
    y.backward()
    np.testing.assert_allclose(x.grad.item(), 1.000001**length, rtol=1e-9)  # length · 2^-53 rounding errors


def test_a_long_chain_is_dropped_without_backward():
    y = autograd.ones((), requires_grad=True)
    for _ in range(200_000):
        y = y + 1
    del y


def test_a_wide_fan_in_differentiates():
    x = autograd.ones(3, requires_grad=True)
    total = autograd.zeros(3)
    for _ in range(10_000):
        total = total + x
    total.sum().backward()
    np.testing.assert_array_equal(x.grad, [10_000] * 3)


def small_net():
    """Two layers by hand, 8 -> 16 -> 1: broadcast products, sums and a rectifier, with plain gradient descent."""
    rng = np.random.default_rng(0)
    x, target = (autograd.from_numpy(rng.standard_normal(shape).astype(np.float32)) for shape in ((32, 8, 1), (32, 1)))
    w1 = autograd.from_numpy(rng.standard_normal((8, 16)).astype(np.float32) / 3).requires_grad_()
    w2 = autograd.from_numpy(rng.standard_normal((16, 1)).astype(np.float32) / 4).requires_grad_()

    def step():
        hidden = (x * w1).sum(1)
        hidden = hidden * (hidden > 0)
        error = (hidden.unsqueeze(2) * w2).sum(1) - target
        loss = (error * error).sum() / 32
        loss.backward()
        with autograd.no_grad():
            for w in (w1, w2):
                w.add_(w.grad * -0.01)
                w.grad = None
        return loss

    return step


def test_a_step_leaves_nothing_behind(no_collector):
    step = small_net()
    step()
    loss = weakref.ref(step().array)
    assert loss() is None
    before = len(gc.get_objects())
    for _ in range(20):
        step()
    assert len(gc.get_objects()) <= before + 5  # not one object a step


def test_second_derivatives_leave_nothing_behind(no_collector):
    x = autograd.ones(3, requires_grad=True)

    def step():
        (g,) = autograd.grad((x * x * x).sum(), x, create_graph=True)
        autograd.grad((g * g).sum(), x)

    step()
    before = len(gc.get_objects())
    for _ in range(20):
        step()
    assert len(gc.get_objects()) <= before + 5


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads the size of the process from /proc")
def test_training_does_not_grow():
    """Over 10,000 steps resident memory grows by less than 1 % with the collector off; in a process of its own."""
    program = (
        "import gc; gc.disable()\n"
        "from tests.test_memory import small_net\n"
        "def resident(): return int(open('/proc/self/statm').read().split()[1])\n"
        "step = small_net()\n"
        "for i in range(200): step()\n"
        "before = resident()\n"
        "for i in range(10_000): step()\n"
        "print(before, resident())"
    )
    out = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    before, after = map(int, out.split())
    assert after < 1.01 * before, f"{before} pages became {after}"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's way of giving memory back")
def test_freed_memory_is_used_again():
    """Large arrays that come and go cost no page faults, in a process that has done nothing else."""
    program = """
import resource, autograd
import numpy as np
def step():
    kept = [np.ones(4 << 20, np.float32) for _ in range(2)]  # 16 MB each: 4096 pages
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
step(); step(); before = faults(); step(); print(faults() - before)
"""
    if b"glibc" not in subprocess.run(["getconf", "GNU_LIBC_VERSION"], capture_output=True, check=False).stdout:
        pytest.skip("another C library")
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert int(run.stdout) < 100
