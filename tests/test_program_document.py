"""Programs as JSON: there and back to the same bits, and a clear word about every document that is not one."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

import autograd
import nn
import nn.functional as F
import optim
from autograd.errors import CheckpointError, TapeError
from autograd.op import declared
from autograd.program.functions import Forwards, Part
from autograd.program.names import function_of, name_of, same_function
from autograd.program.passes import optimised
from autograd.program.program import Equation, Program, Var
from autograd.program.traced import reduction

from .programs import arrays_for, emitted, recorded


def chain(x):
    return (x.tanh() * 2 + x[:, ::2].sum()).softmax(-1)


def indexed(x):
    y = x.clone()
    y[1, :2] = x[0, :2] * float("inf")
    return y.nan_to_num(posinf=1e9).sort(-1).values, y.argmax()


def training_step():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))
    optimizer = optim.AdamW(model.parameters(), lr=0.1)

    def step(x):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), autograd.tensor([0, 2, 1]))
        loss.backward()
        optimizer.step()
        return loss

    for _ in range(2):
        step(autograd.randn(3, 1, 4, 4))
    return step


def programs():
    autograd.manual_seed(1)
    for function, x in ((chain, autograd.randn(3, 4)), (indexed, autograd.randn(3, 4)),
                        (training_step(), autograd.randn(3, 1, 4, 4))):  # fmt: skip
        _, recording = recorded(function, x)
        assert not recording.obstacle
        yield recording, recording.program, [x]
        yield recording, optimised(recording.program), [x]


def test_there_and_back():
    """The document of the document's program is the document; values are the same to the bit, writes too."""
    for recording, program, given in programs():
        text = program.to_json()
        back = Program.from_json(text)
        assert back.to_json() == text
        assert str(back) == str(program)
        arrays = arrays_for(recording, program, given)
        mine, theirs = ([np.array(a) for a in arrays] for _ in "ab")
        for x, y in zip(program.interpret(*mine), back.interpret(*theirs), strict=True):
            np.testing.assert_array_equal(x, y, strict=True)
        for x, y in zip(mine, theirs, strict=True):
            np.testing.assert_array_equal(x, y, strict=True)


def test_types_strides_and_roots_stay():
    for _, program, _ in programs():
        back = Program.from_json(program.to_json())
        for e, f in zip(program.equations, back.equations, strict=True):
            for v, w in zip(e.outs, f.outs, strict=True):
                assert (v.shape, v.dtype, v.strides, v.offset) == (w.shape, w.dtype, w.strides, w.offset)
                assert v.root.name == w.root.name
            assert (e.view, e.effect, e.several, e.where) == (f.view, f.effect, f.several, f.where)


@pytest.mark.parametrize(
    "array",
    [
        np.array([1.5, -0.0, 3.0], np.float32),
        np.array([np.nan, np.inf, 5e-324]),
        np.arange(40, dtype=np.int16).reshape(5, 8)[::-1, ::2],
        np.asfortranarray(np.arange(40.0).reshape(5, 8)),
        np.broadcast_to(np.float32(0.25), (30,)),
        np.array([True, False]),
        np.array([1 + 2j, np.nan * 1j]),
        np.zeros((0, 3)),
        np.array(2**63, np.uint64),
    ],
)
def test_constants_keep_bits_and_layout(array):
    v = Var(array.shape, array.dtype, tuple(s // array.itemsize for s in array.strides))
    program = Program([], {v: array}, [], [], [v])
    (back,) = Program.from_json(program.to_json()).constants.values()
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()
    assert not array.size or back.strides == array.strides


@pytest.mark.parametrize(
    "x",
    [None, True, 3, 0.1, float("inf"), "t0", 1 - 2j, (1, (2,)), [1, "a"], {"a": 1, 2: "b"}, slice(1, None, -2), ...,
     np.float32(0.1), np.int8(-3), np.dtype("int64"), np.exp, bool],
)  # fmt: skip
def test_arguments(x):
    out = Var((), np.dtype(float), ())
    program = Program([], {}, [Equation(np.add, (x,), {"key": x}, (out,), "f")], [], [out])
    (e,) = Program.from_json(program.to_json()).equations
    assert e.args == (x,)
    assert e.kwargs == {"key": x}
    assert type(e.args[0]) is type(x)


def test_every_op_is_found_by_its_name():
    for op in declared:
        for function in (op.run, op.body, *filter(None, op.formulas.values())):
            name = name_of(function)
            assert name is not None, op
            assert same_function(function_of(name), function), name


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (np.add, "np.add"),
        (reduction(np.maximum), "np.maximum.reduce"),
        (np.add.accumulate, "np.add:accumulate"),
        (np.ndarray.copy, "np.ndarray.copy"),
        (np.linalg.solve, "np.linalg.solve"),
        (np.concatenate, "np.concatenate"),
        (Part(np.ndarray.nonzero, 1), "part.1.np.ndarray.nonzero"),
        (Forwards(np.flip), "forwards.np.flip"),
    ],
)
def test_names(function, name):
    assert name_of(function) == name
    assert same_function(function_of(name), function)


@pytest.mark.parametrize(
    "name",
    ["np.load", "np.save", "np.fromfile", "np.ndarray.tofile", "np.ndarray.dump", "np.os.system", "np.add:at", "eval",
     "autograd.io.load", "os.system", "op.tanh.derivative", "op.nothing", "nn.os", "optim.os.system", "part.x.np.add",
     "np.ndarray.__class__", "np.__builtins__", "", ".", "program.", "np.ufunc"],
)  # fmt: skip
def test_a_document_cannot_ask_for_more(name):
    assert function_of(name) is None


def test_a_function_without_a_name_is_an_error_that_names_the_equation():
    out = Var((), np.dtype(float), ())
    program = Program([], {}, [Equation(lambda: 1.0, (), {}, (out,), "mine")], [], [out])
    with pytest.raises(TapeError, match=r"equation 0 \(mine\).*lambda.*no name"):
        program.to_json()
    _, recording = recorded(lambda x: x + autograd.randn(3), autograd.ones(3))
    with pytest.raises(TapeError, match=r"\(draw\)"):
        recording.program.to_json()
    with pytest.raises(TapeError, match="type object"):
        Program([], {}, [Equation(np.add, (object(),), {}, (out,), "f")]).to_json()


def document() -> dict:
    _, recording = recorded(lambda x: (x * 2)[1:].exp() + autograd.arange(3.0), autograd.ones(4))
    return json.loads(recording.program.to_json())


def change(path, value):
    def changed(found):
        part = found
        for key in path[:-1]:
            part = part[key]
        if value is ...:
            del part[path[-1]]
        else:
            part[path[-1]] = value
        return found

    return changed


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["format"], "another", "not a program"),
        (["version"], 99, "version 99.*reads version 1"),
        (["inputs"], ..., "'inputs' is missing"),
        (["inputs", 0, "dtype"], "object", "'object' is no type of numbers"),
        (["inputs", 0, "strides"], [], "do not fit"),
        (["inputs", 0, "shape"], [1.5], "integers"),
        (["constants", 0, "values"], [1.0], "3 numbers were expected, and there are 1"),
        (["constants", 0, "strides"], [1 << 40], "spread"),
        (["equations", 0, "function"], "os.system", "no function 'os.system'"),
        (["equations", 0, "effect"], "boom", "effect 'boom'"),
        (["equations", 0, "args", 0], {"var": "zz"}, r"equation 0 \(\w+\): there is no variable 'zz'"),
        (["equations", 0, "args", 0], {"pickle": "gASV"}, "no kind of argument"),
        (["equations", 0, "args", 0], {"dict": 5}, "equation 0"),
        (["equations", 1, "outs", 0, "offset"], 3, "does not lie in"),
        (["equations", 1, "outs", 0, "name"], "a0", "a second time"),
        (["writes"], [["t0", "t0"]], "cannot be written"),
        (["results"], ["nobody"], "the results: there is no variable 'nobody'"),
    ],
)
def test_what_is_wrong_is_said(path, value, message):
    with pytest.raises(CheckpointError, match=message):
        Program.from_json(json.dumps(change(path, value)(document())))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "42", '{"format": "wengert program"}', "[" * 5000])
def test_what_is_no_program(text):
    with pytest.raises(CheckpointError):
        Program.from_json(text)


def test_damaged_bytes_of_a_constant():
    array = np.arange(100.0)
    v = Var(array.shape, array.dtype, (1,))
    text = Program([], {v: array}, [], [], [v]).to_json()
    with pytest.raises(CheckpointError, match="800 bytes were expected"):
        Program.from_json(text.replace('"base64": "AAAA', '"base64": "'))
    with pytest.raises(CheckpointError, match="not base64"):
        Program.from_json(text.replace('"base64": "AAAA', '"base64": "?AAA'))


def test_any_damage_is_a_checkpoint_error_or_another_program():
    """No other exception, whatever part is replaced by whatever else."""
    rng, text = random.Random(0), json.dumps(document())
    others = [
        None,
        True,
        -1,
        10**30,
        1.5,
        "t0",
        "",
        [],
        [1],
        {},
        {"var": "t0"},
        {"tuple": 3},
        {"slice": [1]},
        {"dtype": []},
    ]
    for _ in range(400):
        found = json.loads(text)
        part, key = found, rng.choice(list(found))
        while isinstance(part[key], dict | list) and part[key] and rng.random() < 0.8:
            part = part[key]
            key = rng.choice(list(part) if isinstance(part, dict) else range(len(part)))
        part[key] = rng.choice(others)
        try:
            Program.from_json(json.dumps(found))
        except CheckpointError:
            pass


def test_a_program_that_was_read_can_be_emitted():
    for recording, program, given in programs():
        back = Program.from_json(program.to_json())
        arrays = [np.array(a) for a in arrays_for(recording, program, given)]
        expected = program.interpret(*(a.copy() for a in arrays))
        for x, y in zip(emitted(back)(*arrays), expected, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6)  # float32; sums in another order
