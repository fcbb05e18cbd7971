"""`explain`: counts that can be worked out by hand, and reasons for what stays a call."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd.program import explain, limits, units
from autograd.program.program import Equation, Program, Var
from autograd.program.traced import reduction
from autograd.program.work import bytes_of, flops_of, why_a_call

from .programs import recorded

F4 = np.dtype("float32")
ROUND = limits.Limits(flops=1e9, bytes=1e9, cached=2e9)


def var(*shape: int, dtype: np.dtype = F4) -> Var:
    strides = tuple(int(np.prod(shape[i + 1 :])) for i in range(len(shape)))
    return Var(shape, np.dtype(dtype), strides)


def chain(n: int) -> Program:
    """mean of (a·b + a)², without the division."""
    _, recording = recorded(lambda a, b: ((a * b + a) ** 2).sum(), autograd.ones(n), autograd.ones(n))
    return recording.program


def test_a_chain_is_one_loop_with_its_work_and_traffic():
    n = 1000
    found = chain(n).explain(ROUND)
    (row,) = found.rows
    assert row.kind == "loop"
    assert row.flops == 4 * n  # multiply, add, square, and the sum
    assert row.read == 2 * 4 * n
    assert row.written == 4
    assert found.alone == 4 * ((2 * n + n) * 2 + (n + n) + (n + 1))
    assert found.moved < found.alone
    assert found.arena == 0  # what one equation makes for the next stays in a register
    assert row.seconds == max(4 * n / 1e9, (8 * n + 4) / 2e9)


def test_a_program_larger_than_the_cache_pays_for_memory():
    n = 1 << 19
    (row,) = chain(n).explain(ROUND).rows
    assert row.seconds == (8 * n + 4) / 1e9


def test_stages_leave_the_program_as_it_was():
    program = chain(50)
    before = str(program)
    stages = explain.stages_of(program)
    assert str(program) == before
    assert stages[0][0] == "recorded"
    assert str(stages[0][1]) == before
    assert [len(p.equations) for _, p in stages] == sorted((len(p.equations) for _, p in stages), reverse=True)
    a, b = np.full(50, 0.5, np.float32), np.full(50, 3.0, np.float32)
    for _, stage in stages:
        (result,) = stage.interpret(a, b)[:1]
        assert result == pytest.approx(50 * 4.0, rel=1e-6)


@pytest.mark.parametrize(
    ("function", "shapes", "out", "flops"),
    [
        (np.matmul, [(3, 5), (5, 7)], (3, 7), 2 * 3 * 5 * 7),
        (np.add, [(4, 6), (6,)], (4, 6), 24),
        (reduction(np.add), [(8, 9)], (9,), 72),
        (np.ndarray.copy, [(8, 9)], (8, 9), 0),
        (np.linalg.inv, [(8, 8)], (8, 8), None),
    ],
)
def test_work(function, shapes, out, flops):
    args = tuple(var(*shape) for shape in shapes)
    e = Equation(function, args, {}, (var(*out),), "f")
    assert flops_of(e) == flops
    assert bytes_of(e) == (4 * sum(v.size for v in args), 4 * int(np.prod(out)))


def test_work_inside_a_function_is_that_of_its_body():
    def norm(x, w):
        return np.sqrt((x * x).sum(-1)) @ w

    e = Equation(norm, (var(6, 4), var(6)), {}, (var(),), "norm")
    assert flops_of(e) == 24 + 24 + 6 * 3 + 2 * 6


def test_a_body_that_calls_another_like_itself_has_unknown_work():
    class Again:
        def __call__(self, x):
            return watcher_call(Again(), x)

    def watcher_call(f, x):
        return x.recorder.call(f, (x,), {}) if hasattr(x, "recorder") else x * 2

    assert flops_of(Equation(Again(), (var(3),), {}, (var(3),), "again")) is None


@pytest.mark.parametrize(
    ("equation", "reason"),
    [
        (
            Equation(np.matmul, (var(100, 100), var(100, 100)), {}, (var(100, 100),), "matmul"),
            "1000000 multiplications",
        ),
        (Equation(np.nextafter, (var(3), 1.0), {}, (var(3),), "nextafter"), "np.nextafter of f4 has no form"),
        (Equation(np.exp, (var(0),), {}, (var(0),), "exp"), "no elements"),
        (Equation(np.ndarray.argmax, (var(9),), {}, (var(dtype=np.dtype(int)),), "argmax"), "NumPy's argmax"),
        (Equation(len, (5,), {}, (var(),), "draw", effect="draw"), "random stream"),
        (Equation(np.exp, (var(2, dtype=np.dtype("c8")),), {}, (var(2, dtype=np.dtype("c8")),), "exp"), "complex64"),
    ],
)
def test_reasons(equation, reason):
    assert reason in why_a_call(equation)


def test_compiled_functions_say_how_long_it_took(tmp_path, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setenv("WENGERT_CACHE", str(tmp_path))
    f = autograd.compile(lambda x: (x.tanh() * 2).sum())
    x = autograd.ones(20, requires_grad=True)
    for _ in range(4):
        f(x).backward()
    found = f.explain(ROUND)
    text = str(found)
    assert not found.timing.kept
    assert found.timing.loading > 0
    assert "compiled in" in text
    assert "its derivative" in text
    assert found.then.then is None
    assert "tanh" in text
    assert "without repeats" in text
    again = autograd.compile(lambda x: (x.tanh() * 2).sum())
    for _ in range(4):
        again(x).backward()
    assert again.explain(ROUND).timing.kept


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (units.quantity(1234), "1.23 k"),
        (units.quantity(999.9), "1 k"),
        (units.quantity(12), "12"),
        (units.size(2.5e6), "2.5 MB"),
        (units.seconds(1.5e-5), "15 µs"),
        (units.seconds(3e-10), "< 1 ns"),
        (units.seconds(0), "0 ns"),
    ],
)
def test_numbers_have_units(text, expected):
    assert text == expected


def test_limits_of_this_machine():
    found = limits.measured()
    assert found is limits.measured()
    assert 0 < found.bytes <= found.cached
    assert found.flops > 1e8
    assert "GFLOP/s" in str(found)
