"""Every op that has a kernel, at sizes at which the kernel answers, beside the same op without Numba."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from autograd import quiet
from autograd.op import declared
from tests.kernel_cases import CALLS, outcome
from tests.samples import same_bits

pytest.importorskip("numba")

ROOT = Path(__file__).parents[1]
calls = pytest.mark.parametrize("name", CALLS)
both = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    """What another process says, which has no Numba."""
    path = tmp_path_factory.mktemp("twins") / "results.npz"
    subprocess.run([sys.executable, "-m", "tests.kernel_cases", str(path)], cwd=ROOT, check=True, timeout=300)
    return np.load(path)


def close(ours, theirs, part):
    """Within so much of the largest: sums of many numbers, some of which cancel."""
    np.testing.assert_allclose(ours, theirs, rtol=part, atol=part * float(np.abs(theirs).max(initial=1e-3)))


@calls
@both
def test_as_without_numba(name, dtype, twins):
    """Values, gradients and second derivatives."""
    for i, ours in enumerate(outcome(CALLS[name], dtype)):
        theirs = twins[f"{name} {i}"]
        assert ours.dtype == (theirs.dtype if theirs.dtype.kind == "i" else dtype)
        assert ours.shape == theirs.shape
        close(ours, theirs, 2e-4 if dtype == np.float32 else 1e-11)


@calls
@both
def test_threads_do_not_change_a_bit(name, dtype):
    same_bits(lambda: outcome(CALLS[name], dtype))


OPS = {op.run: op for op in declared if op.run is not op.body}


class Listener:
    """Runs bodies, and keeps the arguments with which a kernel answers."""

    def __init__(self):
        self.heard = {}

    def __call__(self):
        return self

    def run(self, function, *args, **kwargs):
        op = OPS.get(function)
        if op is not None and not kwargs and op.name not in self.heard and kernel_of(op)(*args) is not NotImplemented:
            self.heard[op.name] = op, args
        return quiet.silent().run(function, *args, **kwargs)


def kernel_of(op):
    """What may answer NotImplemented."""
    return inspect.getclosurevars(op.run).nonlocals["fast"]


@pytest.fixture(scope="module")
def questions():
    """For each op, arguments with which its kernel answers."""
    listener = Listener()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quiet, "quiet", listener)
        for call in CALLS.values():
            outcome(call, np.float32)
    return listener.heard


def test_every_kernel_is_asked(questions):
    """A new one that no call reaches is named here: give it one in kernel_cases.py."""
    assert set(questions) == {op.name for op in OPS.values()}


def unaligned(x):
    made = np.empty(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(x.shape)
    made[...] = x
    return made


def read_only(x):
    made = x.copy()
    made.flags.writeable = False
    return made


LAYOUTS = {
    "column by column": np.asfortranarray,
    "with gaps": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "backwards": lambda x: x[..., ::-1].copy()[..., ::-1],
    "one row for all": lambda x: np.broadcast_to(x[:1], x.shape),
    "one column for all": lambda x: np.broadcast_to(x[..., :1], x.shape),
    "read only": read_only,
    "unaligned": unaligned,
    "half precision": lambda x: x.astype(np.float16) if x.dtype.kind == "f" else x,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", sorted(op.name for op in OPS.values()))
def test_arrays_of_any_kind(name, layout, questions):
    """What no kernel takes, its body does; what a kernel takes, it reads as it lies, and does not write."""
    op, args = questions[name]
    given = [LAYOUTS[layout](x) if isinstance(x, np.ndarray) and x.ndim else x for x in args]
    before = [x.copy() if isinstance(x, np.ndarray) else x for x in given]
    ours, theirs = (answers(quiet.silent().run(f, *given)) for f in (op.run, op.body))
    for a, b in zip(ours, theirs, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        close(a, b, 0.05 if a.dtype == np.float16 else 2e-5)
    for a, b in zip(given, before):
        np.testing.assert_array_equal(a, b)


def answers(result):
    """Arrays, but for those of bytes, in which a recurrent kernel keeps what its derivative needs."""
    found = result if isinstance(result, tuple) else (result,)
    return [np.asarray(x) for x in found if x is not None and x.dtype != np.uint8]
