"""Programs: what the checker refuses, what each pass does, and random programs against NumPy in every form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
from autograd.errors import TapeError
from autograd.ops.matmul import affine
from autograd.ops.pool import max_pool
from autograd.program.build import built
from autograd.program.functions import filled
from autograd.program.fuse import Loop, Matrix, schedule
from autograd.program.memory import Layout
from autograd.program.passes import (
    copied,
    optimised,
    simplified,
    with_plain_constants,
    without_copies,
    without_repeats,
)
from autograd.program.program import CheckFailed, Var, without_dead
from autograd.program.recompute import recomputed
from autograd.program.recorder import Recorder
from tests.programs import emitted, frozen_heap, program_of, traced

frozen_heap = pytest.fixture(autouse=True, scope="module")(frozen_heap)


def names(program):
    return [e.name for e in program.equations if not e.view]


X = np.linspace(-1, 1, 12).reshape(3, 4)
Y = np.linspace(2, 3, 4)


# ---------------------------------------------------------------------------------------------------------------------
# The checker and the interpreter.


def small():
    return copied(program_of(lambda x, y: (x * y).sum(axis=0) + y, X, Y))


def test_a_recorded_program_is_well_formed():
    program = small()
    assert str(program.check()).startswith("in    a0: f64[3,4]")
    np.testing.assert_array_equal(program.interpret(X, Y)[0], (X * Y).sum(axis=0) + Y)


FAULTS = {
    "used before": lambda p: p.equations.reverse(),
    "a second time": lambda p: p.equations.append(p.equations[0]),
    "nothing defines": lambda p: p.results.append(Var((3,), np.dtype(float), (1,))),
    "cannot be written": lambda p: p.writes.append((p.inputs[0], p.results[0])),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_found(fault):
    program = small()
    FAULTS[fault](program)
    with pytest.raises(TapeError, match="program: "):
        program.check()


def test_a_write_into_what_is_no_input():
    program = small()
    program.writes.append((program.equations[0].outs[0], program.equations[0].outs[0]))
    with pytest.raises(TapeError, match="written"):
        program.check()


def test_the_interpreter_counts_its_inputs():
    with pytest.raises(TapeError, match="expected 2 arrays, got 1"):
        small().interpret(X)


def test_nothing_is_written_when_a_check_fails():
    def f(x, y):
        y += 1
        if x.sum() > 100:
            y *= 2
        return y * 2

    x, y = X.copy(), Y.copy()
    program = program_of(f, x, y)
    x, y = np.full((3, 4), 50.0), Y.copy()
    for run in (program.interpret, optimised(program).interpret, emitted(optimised(program))):
        with pytest.raises(CheckFailed):
            run(x, y)
        np.testing.assert_array_equal(y, Y)


def test_writes_are_stored_at_the_end():
    """Two inputs that exchange their values."""

    def f(x, y):
        old = x.copy()
        x[...] = y
        y[...] = old
        return x + y

    program = program_of(f, Y.copy(), 2 * Y)
    for make in (lambda p: p.interpret, lambda p: optimised(p).interpret, lambda p: emitted(optimised(p))):
        a, b = Y.copy(), 5 * Y
        (total,) = make(program)(a, b)
        np.testing.assert_array_equal(a, 5 * Y)
        np.testing.assert_array_equal(b, Y)
        np.testing.assert_allclose(total, 6 * Y, rtol=1e-15)


def test_a_shape_that_depends_on_values():
    program = program_of(lambda x: x[x > 0] * 2, np.array([1.0, -1.0, 2.0]))
    np.testing.assert_array_equal(program.interpret(np.array([-1.0, 3.0, 4.0]))[0], [6, 8])
    for run in (program.interpret, emitted(optimised(program))):
        with pytest.raises(CheckFailed):
            run(np.ones(3))


# ---------------------------------------------------------------------------------------------------------------------
# Escapes: what leaves the recorder's sight is no program, or is followed all the same.


def test_an_ordinary_array_in_traced_memory_is_known():
    program = program_of(lambda x: np.multiply(x, np.asarray(x * 2)), X)
    np.testing.assert_allclose(program.interpret(X + 1)[0], 2 * (X + 1) ** 2)


@pytest.mark.parametrize("name", ["sort", "partition", "flat", "tofile", "setfield"])
def test_methods_out_of_sight(name):
    def f(x):
        y = x * 2
        if name == "flat":
            list(y.flat)
        elif name == "setfield":
            y.setfield(1.0, y.dtype)
        elif name == "tofile":
            y.tofile("/dev/null")
        else:
            getattr(y, name)(*([1] if name == "partition" else []))
        return y

    assert f"ndarray.{name}" in traced(f, X)[1]


def test_numbers_out_of_sight():
    assert "Python number" in traced(lambda x: x * float(x.sum()), X)[1]
    assert "Python number" in traced(lambda x: x * x.sum().item(), X)[1]
    assert "where=" in traced(lambda x: np.add(x, 1, out=x.copy(), where=x > 0), X)[1]
    assert "backwards" in traced(lambda x: x * 2, X[::-1])[1]


def test_results_that_lie_backwards():
    program = program_of(lambda x: np.flip(np.cumsum(x, 1), 1) * 2, X)
    for run in (program.interpret, emitted(optimised(program))):
        np.testing.assert_allclose(run(X + 1)[0], np.cumsum(X + 1, 1)[:, ::-1] * 2)


# ---------------------------------------------------------------------------------------------------------------------
# Passes.


def test_dead_code():
    def f(x, y):
        np.exp(x)
        return y * 2

    program = without_dead(program_of(f, X, Y))
    assert names(program) == ["multiply"]
    assert len(program.inputs) == 1


def test_checks_are_not_dead():
    def f(x):
        return x * 2 if x.sum() > -100 else x

    assert any(e.effect == "check" for e in optimised(program_of(f, X)).equations)


def test_common_subexpressions():
    program = program_of(lambda x: np.exp(x) * np.exp(x) + x.sum(axis=0) + x.sum(axis=1, keepdims=True), X)
    assert names(program).count("exp") == 2
    found = without_repeats(copied(program))
    assert names(found).count("exp") == 1
    assert names(found).count("add.reduce") == 2


def test_copies():
    program = program_of(lambda x: np.exp(np.positive(x.copy()).astype(x.dtype)).copy(), X)
    assert names(without_copies(copied(program))) == ["exp"]


def test_a_copy_in_another_order_stays():
    program = program_of(lambda x: x.T.copy() * 2, X)
    assert "copy" in names(without_copies(copied(program)))


def test_constants_that_are_one_number():
    program = program_of(lambda x: x * np.full((3, 4), 2.5) + np.arange(4.0), X)
    found = with_plain_constants(copied(program))
    assert len(program.constants) == 2
    assert len(found.constants) == 1
    assert [e.args[0] for e in found.equations if e.function is filled] == [2.5]


def test_neutral_numbers():
    program = program_of(lambda x: ((x * 1.0) / 1.0 + -0.0) - 0.0, X)
    assert names(simplified(copied(program))) == []
    signed = program_of(lambda x: (0 + x) - -0.0, X)  # 0 where x is -0
    assert names(simplified(copied(signed))) == ["add", "subtract"]
    whole = program_of(lambda i: (i + 0) - 0, np.arange(3))
    assert names(simplified(copied(whole))) == []
    kept = program_of(lambda x: x.astype(np.float32) * np.float64(1), X)  # the type changes
    assert "multiply" in names(simplified(copied(kept)))


def test_ops_are_taken_apart():
    def f(x):
        return np.tanh(x) * 2

    program = optimised(program_of(f, X))
    assert set(names(program)) == {"tanh", "multiply"}
    t = autograd.tensor(X)
    recorder = Recorder()
    t.array = recorder.input(X)
    with recorder.watching():
        recorder.program.results = [recorder.variable(t.softmax(-1).array)]
    assert names(recorder.program) == ["softmax"]
    assert "exp" in names(optimised(recorder.program))


def test_what_is_seen_in_parts_is_worked_out_there():
    def f(x, y):
        z = np.exp(x)
        return np.maximum(z[:, ::2], z[:, 1::2]) + y

    program = optimised(program_of(f, X, Y[:2]))
    assert [(e.name, e.outs[0].shape) for e in program.equations if e.name == "exp"] == [("exp", (3, 2))] * 2
    np.testing.assert_array_equal(emitted(program)(X, Y[:2])[0], f(X, Y[:2]))


def test_views_of_views_are_worked_out_there_too():
    f = lambda x: np.exp(x).T[1:].reshape(3, 3)[::2] * 2
    program = optimised(program_of(f, X))
    assert [e.outs[0].shape for e in program.equations if e.name == "exp"] == [(2, 3)]
    np.testing.assert_array_equal(emitted(program)(X)[0], f(X))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: (np.exp(x)[:, ::2], np.exp(x)),  # the whole is a result
        lambda x: np.exp(x)[:, :3] + np.exp(x)[:, 1:],  # the parts are more than the whole
        lambda x: np.cumsum(np.exp(x)[:, ::2], axis=1),  # a call reads them
    ],
)
def test_what_is_needed_as_a_whole_is_worked_out_once(f):
    program = optimised(program_of(f, X))
    assert [e.outs[0].shape for e in program.equations if e.name == "exp"] == [(3, 4)]


@pytest.mark.parametrize("half", [0, 1])
def test_a_body_is_looked_into_where_only_some_results_are_needed(half):
    """The largest of each window without its place, or the other way round: no kernel for both is called."""
    x = np.random.default_rng(0).standard_normal((2, 64, 24, 24)).astype(np.float32)
    pooled = lambda x: max_pool.op.run(x, (2, 2), (2, 2), (0, 0), (1, 1))[half]
    program = optimised(program_of(pooled, x))
    assert ("max_pool" in names(program)) == (half == 1)
    np.testing.assert_array_equal(emitted(program)(x)[0], pooled(x))


ROWS, COLUMNS = (np.random.default_rng(i).standard_normal(s) for i, s in enumerate([(40, 90), (90, 60)]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("f", "matrices"),
    [
        (lambda x, y: x @ y, 1),
        (lambda x, y: (y.T @ x.T).T, 1),
        (lambda x, y: np.tanh(x)[8:, 5:] @ y[5:], 1),
        (lambda x, y: affine.op.run(x, y.T, y[0]), 1),
        (lambda x, y: affine.op.run(x, np.tanh(y.T), None) + 1, 1),
        (lambda x, y: x[:, ::2] @ y[::2], 0),  # no run of elements: a call
    ],
    ids=["plain", "transposed", "offset", "bias", "no bias", "strided"],
)
def test_large_products_are_steps_of_their_own(f, matrices, dtype):
    x, y = ROWS.astype(dtype), COLUMNS.astype(dtype)
    program = optimised(program_of(f, x, y))
    assert sum(isinstance(step, Matrix) for step in schedule(program)) == matrices
    whole, exact = built(program, set(program.inputs)), {np.float32: 1e-5, np.float64: 1e-13}[dtype]  # of 90 terms
    for values in ((x, y), (np.exp(-x), y + 1)):
        for found in (emitted(program)(*values), whole(list(values))):
            np.testing.assert_allclose(found[0], f(*values), rtol=0, atol=exact * np.abs(f(*values)).max())


def test_passes_leave_the_recorded_program_alone():
    program = program_of(lambda x, y: np.exp(x * 1.0).copy().T.sum(axis=0) + y.sum(), X, Y)
    before = str(program)
    optimised(program)
    assert str(program) == before


@pytest.mark.parametrize(("axis", "expected"), [({}, (0,)), ({"axis": None}, (0, 1)), ({"axis": -1}, (1,))])
def test_axes_of_a_reduction(axis, expected):
    """NumPy's ufuncs take the first if there is none, and all for None."""
    program = program_of(lambda x: np.add.reduce(x, **axis), X)
    assert program.equations[0].kwargs["axis"] == expected
    np.testing.assert_allclose(program.interpret(X)[0], np.add.reduce(X, **axis))


def test_chains_are_one_loop():
    program = optimised(program_of(lambda x, y: np.tanh(x * y + 1).sum(axis=1) / 4, X, Y))
    loops = [step for step in schedule(program) if isinstance(step, Loop)]
    assert len(loops) == 2
    assert len(loops[0].equations) == 4


def centred(x):
    deviation = x - x.mean(axis=1, keepdims=True)
    return deviation / np.square(deviation).mean(axis=1, keepdims=True)


def costly(x):
    large = np.exp(x)
    return large / np.square(large).mean(axis=1, keepdims=True)


def known_there_alone(x):
    shifted = np.exp(x) - 1
    return shifted / np.square(shifted).mean(axis=1, keepdims=True)


def of_two(x):
    deviation = np.sort(x, 0) - np.sort(x, 1)  # two arrays to read for one
    return deviation / np.square(deviation).mean(axis=1, keepdims=True)


def overwritten(x):
    deviation = x - x.mean(axis=1, keepdims=True)
    variance = np.square(deviation).mean(axis=1, keepdims=True)
    out = deviation / variance
    np.multiply(x, 2, out=x)
    return out


@pytest.mark.parametrize(("f", "repeated"), [(centred, True), (costly, False), (known_there_alone, False),
                                             (of_two, False), (overwritten, False)])  # fmt: skip
def test_cheap_values_are_made_again_where_they_would_be_stored(f, repeated):
    x = np.random.default_rng(0).normal(size=(6, 50)) + 3
    program = optimised(program_of(f, x.copy()))
    once = sum(len(step.equations) for step in schedule(program) if isinstance(step, Loop))
    steps = recomputed(program, schedule(program))
    assert sum(len(step.equations) for step in steps if isinstance(step, Loop)) == once + repeated
    stored = [v for v, place in Layout(program, steps).places.items() if place.kind == "arena" and v.size == x.size]
    assert len(stored) == (not repeated)
    expected = f(x.copy())
    for run in (emitted(program), lambda a: built(program, set(program.inputs))([a])):
        np.testing.assert_allclose(run(x.copy())[0], expected, rtol=1e-13, atol=1e-13)  # differences of near numbers


def test_values_share_memory_when_they_do_not_live_together():
    def f(x):
        for _ in range(6):  # a product in between, so that nothing is handed on in registers
            x = np.tanh(x @ x)
        return x

    x = np.ones((40, 40))
    program = optimised(program_of(f, x))
    layout = Layout(program, schedule(program))
    made = sum(v.size * 8 for v, place in layout.places.items() if place.kind == "arena")
    assert layout.bytes < made


# ---------------------------------------------------------------------------------------------------------------------
# Random programs.

UNARY = [np.tanh, np.negative, np.absolute, np.square, lambda x: np.exp(np.tanh(x)), lambda x: np.sqrt(np.abs(x)),
         np.floor, np.sign, lambda x: np.log(np.abs(x) + 1), lambda x: x**3, lambda x: 1 / (2 + np.abs(x)),
         lambda x: np.clip(x, -0.5, 0.5), lambda x: x.astype(np.float32), lambda x: x.copy(), np.cos]  # fmt: skip
BINARY = [np.add, np.subtract, np.multiply, np.maximum, np.minimum, lambda x, y: np.where(x > y, x, y * 2),
          lambda x, y: (x > y) * x, lambda x, y: x / (np.abs(y) + 1), np.matmul,
          lambda x, y: np.concatenate([x, y], -1)]  # fmt: skip
REDUCE = [lambda x, a, k: x.sum(axis=a, keepdims=k), lambda x, a, k: x.max(axis=a, keepdims=k),
          lambda x, a, k: np.mean(x, axis=a, keepdims=k), lambda x, a, k: (x > 0).all(axis=a, keepdims=k) * 1.0,
          lambda x, a, k: np.prod(np.tanh(x), axis=a, keepdims=k),
          lambda x, a, k: x.min(axis=a, keepdims=k)]  # fmt: skip
VIEWS = [lambda x: x.T, lambda x: x.reshape(-1), lambda x: x[..., ::2], lambda x: x[..., None], lambda x: x[None],
         lambda x: x[..., 1:], lambda x: x.swapaxes(0, -1), lambda x: np.broadcast_to(x, (2, *x.shape)),
         lambda x: x[..., 0], lambda x: x.reshape(x.shape[0], -1)]  # fmt: skip


def _write_part(x, y):
    z = np.tanh(x)
    z[..., 1:] = y[..., :1]
    z += 1
    row = z[0]
    row *= 2
    return z


def run(plan, arrays):
    """Apply a plan of numbers: an operation that does not fit its operands is left out."""
    values = list(arrays)
    for kind, which, i, j, axis, keep in plan:
        x, y = values[i % len(values)], values[j % len(values)]
        try:
            if kind == 0:
                new = UNARY[which % len(UNARY)](x)
            elif kind == 1:
                new = BINARY[which % len(BINARY)](x, y)
            elif kind == 2:
                new = REDUCE[which % len(REDUCE)](x, axis % x.ndim if keep < 2 else None, bool(keep % 2))
            elif kind == 3:
                new = VIEWS[which % len(VIEWS)](x)
            else:
                new = _write_part(x, y)
        except (ValueError, IndexError, ZeroDivisionError, TypeError):
            continue
        if 0 < np.size(new) <= 400 and np.ndim(new) <= 4:
            values.append(new)
    return values[len(arrays) :][-3:]


PLANS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 20), st.integers(0, 30), st.integers(0, 30), st.integers(0, 3),
              st.integers(0, 3)), min_size=1, max_size=12,
)  # fmt: skip


def inputs(seed, kind=np.float64):
    rng = np.random.default_rng(seed)
    return [rng.uniform(-1, 1, shape).astype(kind) for shape in ((3, 4), (4,), (4, 3), (3, 1), (2, 3, 4))]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(PLANS, st.sampled_from([np.float64, np.float32]))
def test_random_programs(plan, kind):
    """Equal to NumPy, on the recorded values and on others: interpreted, optimised, emitted."""
    with np.errstate(all="ignore"):
        expected = {seed: [np.array(x) for x in run(plan, inputs(seed, kind))] for seed in (0, 1)}
    program, obstacle = traced(lambda *arrays: run(plan, arrays), *inputs(0, kind))
    if not program.results or any(not isinstance(v, Var) for v in program.results):
        return
    assert not obstacle
    single = any(v.dtype == np.float32 for e in program.equations for v in e.outs)
    tolerance = 2e-5 if single else 1e-11  # a chain of twelve, sums in another order
    simple = optimised(program)
    for form, call in ((program, program.interpret), (simple, simple.interpret), (simple, emitted(simple))):
        for seed in (0, 1, 0):
            arrays = inputs(seed, kind)
            used = [arrays[program.inputs.index(v)] for v in form.inputs]
            for a, b in zip(call(*used), expected[seed], strict=True):
                assert (a.shape, a.dtype) == (b.shape, b.dtype)
                scale = max(1.0, float(np.abs(b, dtype=float).max(initial=0)))
                np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale, err_msg=str(form))


def large(x, w, b):
    h = np.tanh(x * w + b)
    return (h * h).sum(axis=0), h.sum(axis=1), (h - h.mean(axis=1, keepdims=True)).T, np.exp(h).max()


@pytest.fixture
def kernels(monkeypatch, tmp_path):
    monkeypatch.setenv("WENGERT_CACHE", str(tmp_path))
    pytest.importorskip("numba")


def test_the_same_bits_for_any_number_of_threads(kernels):
    """A compiled program of loops in several pieces, its sums among them."""
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape).astype(np.float32) for shape in ((600, 400), (400,), (600, 1))]
    program = optimised(program_of(large, *arrays))
    call = built(program, set(program.inputs))
    results, before = [], autograd.get_num_threads()
    try:
        for threads in (1, 2, 4, 1):
            autograd.set_num_threads(threads)
            results.append([r.tobytes() for r in call(arrays)])
    finally:
        autograd.set_num_threads(before)
    assert results[0] == results[1] == results[2] == results[3]
    for a, b in zip(call(arrays), large(*(a.astype(np.float64) for a in arrays))):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-4)  # float32 sums of 600


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_random_programs_compiled(seed, kernels):
    """Some of them by Numba itself."""
    rng = np.random.default_rng(seed)
    plan = [tuple(int(n) for n in rng.integers(0, (5, 21, 31, 31, 4, 4))) for _ in range(14)]
    with np.errstate(all="ignore"):
        expected = {s: [np.array(x) for x in run(plan, inputs(s))] for s in (0, 1)}
    program = optimised(program_of(lambda *arrays: run(plan, arrays), *inputs(0)))
    call = built(program, set(program.inputs))
    recorded = program_of(lambda *arrays: run(plan, arrays), *inputs(0))
    kept = [v.shape for v in recorded.inputs]
    for s in (0, 1, 0):
        arrays = {a.shape: a for a in inputs(s)}
        assert set(kept) == set(arrays)
        for a, b in zip(call([arrays[v.shape] for v in program.inputs]), expected[s], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
