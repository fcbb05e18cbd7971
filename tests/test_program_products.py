"""Products of matrices in programs: turned round, and added by the kernel that makes them."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd.ops.matmul import affine
from autograd.program.build import built
from autograd.program.fuse import Loop, Matrix, schedule
from autograd.program.passes import optimised
from tests.programs import emitted, frozen_heap, program_of

frozen_heap = pytest.fixture(autouse=True, scope="module")(frozen_heap)

RNG = np.random.default_rng(0)
X, Y, U, V, ROW = (RNG.uniform(-1, 1, s) for s in ((40, 90), (90, 60), (40, 50), (50, 60), 60))
EXACT = {np.float32: 1e-5, np.float64: 1e-13}  # sums of up to 141 products of numbers up to 1


def steps_of(f, dtype=np.float64):
    """The steps of a function of X, Y, U, V and ROW, whose program computes the same, interpreted and emitted."""
    arrays = [a.astype(dtype) for a in (X, Y, U, V, ROW)]
    recorded = program_of(f, *arrays)
    program = optimised(recorded)
    runs = program.interpret, emitted(program), lambda *a: built(program, set(program.inputs))(list(a))
    for values in (arrays, [np.cos(a + 1) for a in arrays]):
        expected = np.asarray(f(*values))
        used = [a for a, v in zip(values, recorded.inputs) if v in program.inputs]
        for run in runs:
            np.testing.assert_allclose(run(*used)[0], expected, rtol=0, atol=EXACT[dtype] * np.abs(expected).max())
    return schedule(program)


SUMS = {
    "two": (lambda x, y, u, v, row: x @ y + u @ v, 2, False),
    "two and a row": (lambda x, y, u, v, row: u @ v + (row + x @ y), 2, True),
    "a row of a matrix": (lambda x, y, u, v, row: x @ y + np.broadcast_to(y[7:8], (40, 60)), 1, True),
    "layers": (lambda x, y, u, v, row: affine.op.run(x, y.T, row) + affine.op.run(u, v.T, None), 2, True),
    "three": (lambda x, y, u, v, row: x @ y + (u @ v + row) + x[:, 4:54] @ v, 3, True),
    "transposed": (lambda x, y, u, v, row: (y.T @ x.T + v.T @ u.T).T, 2, False),
    "seen transposed": (lambda x, y, u, v, row: (y.T @ x.T).T + row, 1, True),
}


@pytest.mark.parametrize("dtype", EXACT)
@pytest.mark.parametrize(("f", "products", "bias"), SUMS.values(), ids=SUMS)
def test_sums_of_products_are_one_step(f, products, bias, dtype):
    (step,) = steps_of(f, dtype)
    assert isinstance(step, Matrix)
    assert (len(step.factors), step.bias is not None) == (products, bias)


APART = {
    "one part is read elsewhere": lambda x, y, u, v, row: (p := x @ y) + u @ v + np.tanh(p),
    "twice the same": lambda x, y, u, v, row: (p := x @ y) + p + np.tanh(u @ v),
    "two layers with rows": lambda x, y, u, v, row: affine.op.run(x, y.T, row) + affine.op.run(u, v.T, row),
    "a column": lambda x, y, u, v, row: x @ y + u[:, :1] + np.tanh(u @ v),
    "small": lambda x, y, u, v, row: x[:8, :9] @ y[:9, :8] + u[:8, :9] @ v[:9, :8],
}


@pytest.mark.parametrize("f", APART.values(), ids=APART)
def test_other_sums_are_added_by_loops(f):
    assert all(len(step.factors) == 1 for step in steps_of(f) if isinstance(step, Matrix))


def test_a_product_that_is_read_transposed_is_made_so():
    """Its result lies row after row for the loop, and needs no copy."""
    product, loop = steps_of(lambda x, y, u, v, row: np.tanh((y.T @ x.T).T))
    assert isinstance(product, Matrix)
    assert isinstance(loop, Loop)
    assert product.equation.outs[0].shape == (40, 60)


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y, u, v, row: (p := y.T @ x.T).T + p[:1, :1],
        lambda x, y, u, v, row: np.tanh((y.T @ x.T).T[3:]),
    ],
    ids=["as it is, too", "in part"],
)
def test_a_product_that_is_read_in_other_ways_stays(f):
    (product,) = [step for step in steps_of(f) if isinstance(step, Matrix)]
    assert product.equation.outs[0].shape == (60, 40)


def _activated(y):
    h = np.tanh(y) * (0.5 * y)
    return h, (h * h).sum(axis=1)


def test_threads_divide_a_loop_after_a_product():
    """Where a layer's activation takes as long as its product: whole rows, so the bits are those of one thread."""
    arrays = [RNG.uniform(-1, 1, shape).astype(np.float32) for shape in ((128, 90), (90, 250))]
    program = optimised(program_of(lambda x, w: _activated(x @ w), *arrays))
    call, found, before = built(program, set(program.inputs)), [], autograd.get_num_threads()
    assert "each(team, helpers" in call.source
    try:
        for threads in (1, 2, 4):
            autograd.set_num_threads(threads)
            found.append([a.tobytes() for a in call(arrays)])
    finally:
        autograd.set_num_threads(before)
    assert found[0] == found[1] == found[2]
    expected = _activated(np.matmul(*(a.astype(np.float64) for a in arrays)))
    for run in (call(arrays), emitted(program)(*arrays)):
        for a, b in zip(run, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5 * np.abs(b).max())  # float32 sums of 250
