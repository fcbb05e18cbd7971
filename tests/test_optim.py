"""What every optimiser does beside its formula: groups, state, hooks, closures, blocks, errors."""

from __future__ import annotations

import copy
import math
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import autograd
import optim
from autograd.errors import ArgumentError, ShapeError, TapeError
from autograd.tensor import wrap
from optim.blocks import BLOCK, Blocks

ROOT = Path(__file__).parent.parent
RULES = [
    optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop, optim.Adagrad, optim.Adadelta, optim.Adamax, optim.NAdam,
    optim.RAdam, optim.ASGD, optim.Rprop,
]  # fmt: skip
SETTINGS = {
    optim.SGD: {"momentum": 0.9, "dampening": 0.1, "weight_decay": 0.1},
    optim.Adam: {"amsgrad": True, "weight_decay": 0.1},
    optim.RMSprop: {"centered": True, "momentum": 0.9, "weight_decay": 0.1},
    optim.Adadelta: {"lr": 10.0},
}
each = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)


def leaf(*shape, dtype=np.float64):
    return wrap(np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)).requires_grad_()


def give_gradients(parameters, seed=0):
    random = np.random.default_rng(seed)
    for p in parameters:
        p.grad = wrap(np.asarray(random.standard_normal(p.shape).astype(p.dtype)))


def made(rule, parameters):
    return rule(parameters, **SETTINGS.get(rule, {}))


@each
def test_descends(rule):
    """A bowl's loss falls; upside down and with maximize, the path is the same."""
    w, v = (autograd.tensor([1.0, -2.0, 0.5], dtype=autograd.float64, requires_grad=True) for _ in range(2))
    down, up = rule([w], lr=0.01), rule([v], lr=0.01, maximize=True)
    for _ in range(50):
        for optimizer, p, sign in ((down, w, 1.0), (up, v, -1.0)):
            optimizer.zero_grad()
            (p * p * sign).sum().backward()
            optimizer.step()
    assert (w * w).sum().item() < 5.25
    np.testing.assert_array_equal(w.array, v.array)


@each
def test_state_goes_round(rule):
    """Saved, pickled and copied optimisers go on as the original does; the dict has PyTorch's form."""
    ours, others = [leaf(3, 2), leaf(4)], [leaf(3, 2), leaf(4)]
    a, b = made(rule, ours), made(rule, others)
    for seed in range(3):
        give_gradients(ours, seed)
        a.step()
    saved = a.state_dict()
    assert set(saved) == {"state", "param_groups"}
    assert saved["param_groups"][0]["params"] == [0, 1]
    assert set(saved["state"]) == {0, 1}
    for p, q in zip(ours, others):
        q.array[...] = p.array
    b.load_state_dict(pickle.loads(pickle.dumps(saved)))
    twin, twins = copy.deepcopy((a, ours))
    for seed in range(3, 6):
        for optimizer, parameters in ((a, ours), (b, others), (twin, twins)):
            give_gradients(parameters, seed)
            optimizer.step()
    for p, q, r in zip(ours, others, twins):
        np.testing.assert_array_equal(p.array, q.array)
        np.testing.assert_array_equal(p.array, r.array)


@each
def test_loaded_state_is_a_copy(rule):
    p, q = leaf(3), leaf(3)
    a, b = made(rule, [p]), made(rule, [q])
    give_gradients([p, q])
    a.step()
    b.load_state_dict(a.state_dict())
    before = {k: np.array(v.array) for k, v in b.state[q].items()}
    a.step()
    for key, value in before.items():
        np.testing.assert_array_equal(b.state[q][key].array, value)


@each
def test_large_parameters_go_in_blocks(rule):
    """A parameter of many blocks moves as its rows would alone, in whatever memory order its gradient comes."""
    rows, columns = 7, BLOCK // 3
    whole = leaf(rows, columns)
    alone = [wrap(row.copy()).requires_grad_() for row in whole.array]
    a, b = made(rule, [whole]), made(rule, alone)
    for seed in range(3):
        g = np.random.default_rng(seed).standard_normal((columns, rows)).T  # Fortran order
        whole.grad = wrap(g)
        for p, row in zip(alone, g):
            p.grad = wrap(np.ascontiguousarray(row))
        a.step()
        b.step()
        assert (whole.grad.array == g).all(), "the gradient was written"
    np.testing.assert_array_equal(whole.array, np.stack([p.array for p in alone]))


@each
def test_float32_stays_float32(rule):
    p = leaf(5, dtype=np.float32)
    memory = p.array
    optimizer = made(rule, [p])
    give_gradients([p])
    optimizer.step()
    assert p.array is memory
    assert {v.dtype for v in optimizer.state[p].values()} <= {np.dtype(np.float32)}
    assert np.isfinite(p.array).all()


@each
def test_empty_and_scalar_parameters(rule):
    parameters = [leaf(0, 3), leaf()]
    before = float(parameters[1])
    give_gradients(parameters)
    made(rule, parameters).step()
    assert float(parameters[1]) != before


@each
def test_parameters_without_gradient_stay(rule):
    p, q = leaf(2), leaf(2)
    before = p.array.copy()
    optimizer = made(rule, [p, q])
    give_gradients([q])
    optimizer.step()
    np.testing.assert_array_equal(p.array, before)
    assert 0 not in optimizer.state_dict()["state"]


@each
def test_overwritten_values_are_noticed(rule):
    """A tape that still needs a parameter's old value says so after a step."""
    w = leaf(3)
    loss = (w * w).sum()
    give_gradients([w])
    made(rule, [w]).step()
    with pytest.raises(TapeError, match=rf"{rule.__name__}\.step"):
        loss.backward()


def test_infinite_gradients_are_silent():
    """As in PyTorch: no warning (which would be an error here), only the values tell."""
    p = leaf(2, dtype=np.float32)
    p.grad = wrap(np.array([np.inf, np.nan], np.float32))
    optim.Adam([p]).step()
    assert np.isnan(p.array).all()


def test_groups_have_their_own_settings():
    p, q = leaf(2), leaf(2)
    before = p.array.copy(), q.array.copy()
    optimizer = optim.SGD([{"params": [p]}, {"params": q, "lr": 0.5}], lr=0.25)
    for x in (p, q):
        x.grad = wrap(np.ones(2))
    optimizer.step()
    np.testing.assert_array_equal(p.array, before[0] - 0.25)
    np.testing.assert_array_equal(q.array, before[1] - 0.5)
    extra = leaf(3)
    optimizer.add_param_group({"params": [extra], "momentum": 0.9})
    assert [len(g["params"]) for g in optimizer.param_groups] == [1, 1, 1]
    assert optimizer.param_groups[2]["lr"] == 0.25
    assert "momentum: 0.9" in repr(optimizer)


def test_names_are_kept():
    p, q = leaf(2), leaf(2)
    optimizer = optim.SGD([("weight", p), ("bias", q)])
    assert [id(x) for x in optimizer.param_groups[0]["params"]] == [id(p), id(q)]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]


def test_closures_run_with_recording_on():
    w = leaf(2)
    optimizer = optim.SGD([w], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    expected = float((w.array**2).sum())
    with autograd.no_grad():
        assert float(optimizer.step(closure)) == expected
    assert float(closure()) == pytest.approx(0.64 * expected, rel=1e-12)


def test_zero_grad():
    p = leaf(2)
    optimizer = optim.SGD([p])
    give_gradients([p])
    memory = p.grad.array
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.array is memory
    assert not memory.any()
    optimizer.zero_grad()
    assert p.grad is None


def test_hooks():
    p = leaf(2)
    optimizer, calls = optim.SGD([p]), []
    before = optimizer.register_step_pre_hook(lambda o, args, kwargs: calls.append(("before", args == (o,), kwargs)))
    optimizer.register_step_post_hook(lambda o, args, kwargs: calls.append("after"))
    optimizer.step()
    assert calls == [("before", True, {}), "after"]
    before.remove()
    optimizer.step()
    assert calls[2:] == ["after"]
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((o, lambda: "another closure"), {}))
    assert optimizer.step() == "another closure"
    optimizer.register_step_pre_hook(lambda o, args, kwargs: "nonsense")
    with pytest.raises(ArgumentError, match="pre-hook"):
        optimizer.step()


def test_steps_allocate_nothing_of_a_parameters_size():
    """After the first step only Python objects and scalars are made anew."""
    import tracemalloc

    p = leaf(4 * BLOCK)
    p.grad = wrap(np.ones(4 * BLOCK))
    for rule in (optim.SGD, optim.Adam, optim.RMSprop, optim.Adagrad, optim.Adadelta):
        optimizer = made(rule, [p])
        optimizer.step()
        tracemalloc.start()
        optimizer.step()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < BLOCK, rule  # bytes: an eighth of one block


def test_lbfgs_finds_the_minimum():
    w = autograd.tensor([-1.2, 1.0, 0.3], dtype=autograd.float64, requires_grad=True)
    z = autograd.tensor([1.0, -1.0, 0.0], dtype=autograd.float64, requires_grad=True)
    optimizer = optim.LBFGS([w, z], line_search_fn="strong_wolfe", max_iter=100, tolerance_change=1e-14)

    def closure():
        optimizer.zero_grad()
        loss = (100.0 * (z - w * w) * (z - w * w) + (1.0 - w) * (1.0 - w)).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    np.testing.assert_allclose(w.array, 1.0, atol=1e-6)
    np.testing.assert_allclose(z.array, 1.0, atol=1e-6)
    copied = optim.LBFGS([w, z])
    copied.load_state_dict(optimizer.state_dict())
    assert copied.state[w]["n_iter"] == optimizer.state[w]["n_iter"]


def test_lbfgs_overflows_in_silence():
    """Gradients whose sum, difference and step are all too large for float32."""
    w = leaf(3, dtype=np.float32)
    optimizer, signs = optim.LBFGS([w], lr=1e30, max_iter=3, tolerance_change=-1.0), iter([1, -1, 1, -1])

    def closure():
        w.grad = wrap(np.full(3, 3e38 * next(signs), np.float32))
        return 0.0

    optimizer.step(closure)
    assert np.isinf(w.array).all()


def test_blocks_cover_everything_once():
    blocks = Blocks(scratch=2)
    for shape in [(), (0, 4), (3,), (BLOCK + 1,), (5, BLOCK // 2 + 1), (2, 2 * BLOCK), (1, 3 * BLOCK)]:
        x = np.zeros(shape)
        for part, s, t in blocks(x):
            assert part.shape == s.shape == t.shape
            assert not np.shares_memory(s, t)
            part += 1
        assert (x == 1).all(), shape


# -- errors ------------------------------------------------------------------------------------------------------------


def computed():
    return leaf(2) * 2.0


def frozen():
    array = np.zeros(2)
    array.flags.writeable = False
    return wrap(array)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: optim.SGD([]), "empty"),
    (lambda: optim.SGD(leaf(2)), "write \\[tensor\\]"),
    (lambda: optim.SGD([{"params": {leaf(2)}}]), "set has no fixed order"),
    (lambda: optim.SGD([3.0]), "float"),
    (lambda: optim.SGD([computed()]), "leaf"),
    (lambda: optim.SGD([frozen()]), "read-only"),
    (lambda: optim.SGD([{"lr": 0.1}]), "'params' is missing"),
    (lambda: optim.SGD([leaf(2)], lr=-1.0), "lr: .* -1.0"),
    (lambda: optim.SGD([leaf(2)], lr=math.nan), "lr"),
    (lambda: optim.SGD([leaf(2)], lr="fast"), "lr: .* 'fast'"),
    (lambda: optim.SGD([{"params": [leaf(2)], "lr": -1.0}]), "lr"),
    (lambda: optim.SGD([leaf(2)], nesterov=True), "nesterov"),
    (lambda: optim.SGD([leaf(2)], differentiable=True), "differentiable"),
    (lambda: optim.Adam([leaf(2)], betas=(0.9, 1.0)), "betas\\[1\\]"),
    (lambda: optim.Adam([leaf(2)], betas=0.9), "betas"),
    (lambda: optim.Adam([leaf(2)], foreach=True, fused=True), "fused"),
    (lambda: optim.Adadelta([leaf(2)], rho=1.5), "rho"),
    (lambda: optim.Rprop([leaf(2)], etas=(1.2, 0.5)), "etas"),
    (lambda: optim.LBFGS([{"params": [leaf(2)]}, {"params": [leaf(2)]}]), "parameter groups"),
    (lambda: optim.LBFGS([leaf(2)], line_search_fn="golden"), "line_search_fn"),
    (lambda: optim.LBFGS([leaf(2)]).step(), "closure"),
    (lambda: optim.SGD([leaf(2)]).add_param_group([leaf(2)]), "dict"),
    (lambda: optim.SGD([leaf(2)]).load_state_dict({}), "'state' and 'param_groups'"),
    (lambda: optim.SGD([leaf(2)]).load_state_dict(optim.SGD([leaf(2), leaf(3)]).state_dict()), "size"),
    (lambda: optim.SGD([leaf(2)]).load_state_dict(
        optim.SGD([{"params": [leaf(2)]}, {"params": [leaf(3)]}]).state_dict()), "number of parameter groups"),
])  # fmt: skip
def test_errors_teach(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_another_autograd_is_recognised(tmp_path):
    """A package of the same name in front of ours: the error says which, and how to mend it."""
    (tmp_path / "autograd").mkdir()
    (tmp_path / "autograd" / "__init__.py").write_text("def elementwise_grad(): ...")
    program = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]; import optim"
    result = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert "ImportError" in result.stderr
    assert str(tmp_path) in result.stderr
    assert "pip uninstall -y autograd" in result.stderr


def test_one_parameter_in_two_places():
    p = leaf(2)
    with pytest.raises(ArgumentError, match="more than one"):
        optim.SGD([{"params": [p]}, {"params": [p]}])
    with pytest.warns(UserWarning, match="duplicate"):
        optim.SGD([p, p])


def test_a_gradient_of_another_shape():
    p = leaf(2)
    p.grad = wrap(np.ones((2, 1)))
    with pytest.raises(ShapeError, match=r"\(2,\).*\(2, 1\)"):
        optim.SGD([p]).step()
