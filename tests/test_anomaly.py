"""Anomaly mode finds the first NaN or infinity, says where it was made, and leaves no trace when it is off."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import autograd
from autograd import engine
from autograd import quiet as bodies
from autograd.anomaly import detect_anomaly, is_anomaly_check_nan_enabled, is_anomaly_enabled, set_detect_anomaly
from autograd.errors import TapeError
from autograd.function import Function


def leaf(*values):
    return autograd.tensor(list(values), requires_grad=True)


def line_of(below):
    """This file and the line that many lines below the caller's."""
    return rf"test_anomaly\.py:{inspect.currentframe().f_back.f_lineno + below}"


@pytest.fixture(autouse=True)
def off():
    plain = (engine.propagate, bodies.quiet)
    yield
    assert not is_anomaly_enabled()
    assert (engine.propagate, bodies.quiet) == plain


class Bad(Function):
    """x + 1, with a backward pass that divides by zero."""

    @staticmethod
    def forward(ctx, x):
        return x + 1

    @staticmethod
    def backward(ctx, g):
        return g / 0


@pytest.mark.parametrize(
    ("call", "name", "value"),
    [
        (lambda x: x / 0, "div", "inf"),
        (lambda x: autograd.log(x - 2), "log", "nan"),
        (lambda x: autograd.exp(x * 1000), "exp", "inf"),
        (lambda x: (x * 3e38).sum(), "mul", "inf"),
    ],
)
def test_forward_names_the_op_and_the_line(call, name, value):
    x = leaf(1.0, 2.0)
    assert call(x) is not None  # off, nothing happens
    message = rf"`{name}` made -?{value} .*\(float32\[2\].*test_anomaly\.py"
    with detect_anomaly(), pytest.raises(TapeError, match=message):
        call(x)


def test_forward_names_the_exact_line_and_position():
    x = leaf(1.0, 0.0, 4.0)
    call = line_of(+2)
    with detect_anomaly(), pytest.raises(TapeError, match=rf"inf at \[1\] .*{call}$"):
        1 / x


def test_forward_works_without_recording():
    with detect_anomaly(), autograd.no_grad(), pytest.raises(TapeError, match="`div` made inf"):
        autograd.ones(2) / 0


def test_infinities_that_were_put_in_are_no_ones_fault():
    x = autograd.tensor([1.0, float("inf"), float("nan")])
    with detect_anomaly():
        (x * 2 + 1).sum()
        autograd.ones(2) * float("inf")
        autograd.ones(2).masked_fill(autograd.tensor([True, False]), -float("inf"))


def test_backward_names_the_op_and_the_line():
    x = leaf(0.0, 4.0)
    y = autograd.sqrt(x)
    line = line_of(-1)
    message = rf"`sqrt` \(float32\[2\]\), recorded at .*{line}.* inf at \[0\]"
    with detect_anomaly(), pytest.raises(TapeError, match=message):
        y.sum().backward()
    assert x.grad is None


@pytest.mark.parametrize("create_graph", [False, True])
def test_backward_of_a_function_of_ones_own(create_graph):
    x = leaf(1.0)
    y = Bad.apply(x) * 2
    with detect_anomaly(), pytest.raises(TapeError, match=r"backward of `Bad` .* made a cotangent that is inf"):
        y.backward(create_graph=create_graph)


def test_backward_from_a_bad_cotangent_blames_nobody():
    x = leaf(1.0)
    with detect_anomaly(), pytest.raises(TapeError, match=r"the cotangent that reached `mul` .* is nan"):
        (x * x).backward(autograd.tensor([float("nan")]))


def test_finite_gradients_are_the_same():
    results = []
    for mode in (False, True):
        with set_detect_anomaly(mode):
            x = leaf(1.0, 2.0)
            first, second = (x * x * x).reshape(2, 1).unbind()
            (g,) = autograd.grad((first * second).sum(), x, create_graph=True)
            results.append((g.array, autograd.grad(g.sum(), x)[0].array))
    np.testing.assert_array_equal(*results)


def test_a_tape_is_whole_after_an_anomaly():
    x = leaf(0.0)
    y = autograd.sqrt(x) * 2
    ops = [node.op for node in autograd.Tape.of(y)]
    with detect_anomaly(), pytest.raises(TapeError):
        y.backward(retain_graph=True)
    assert [node.op for node in autograd.Tape.of(y)] == ops
    y.backward()
    np.testing.assert_array_equal(x.grad, [np.inf])


def test_errors_in_a_formula_get_a_note():
    class Broken(Bad):
        @staticmethod
        def backward(ctx, g):
            raise KeyError("oops")

    y = Broken.apply(leaf(1.0))
    line = line_of(-1)
    with detect_anomaly(check_nan=False), pytest.raises(KeyError) as caught:
        y.backward()
    (note,) = caught.value.__notes__
    assert "while differentiating `Broken`" in note
    assert line.replace("\\", "") in note


def test_without_check_nan_nothing_is_looked_at():
    with detect_anomaly(check_nan=False):
        assert not is_anomaly_check_nan_enabled()
        Bad.apply(leaf(1.0) / 0).backward()


def test_switching():
    with detect_anomaly():
        assert is_anomaly_enabled()
        with set_detect_anomaly(False):
            assert not is_anomaly_enabled()
        assert is_anomaly_enabled()
    set_detect_anomaly(True)
    assert is_anomaly_enabled()
    set_detect_anomaly(False)
