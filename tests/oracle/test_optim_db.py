"""PyTorch's own database of optimisers: twenty steps on the same gradients, and the constructions that must fail."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_optimizers import optim_db

import autograd
import optim
from autograd.tensor import wrap
from tests.oracle.bridge import to_ours

FOUND = [info for info in optim_db if hasattr(optim, info.optim_cls.__name__)]
SHAPES = [(3, 4), (5,), (), (0, 2)]
CASES = [
    pytest.param(info, i, id=f"{info.optim_cls.__name__}-{case.desc.replace(' ', '_')}-{i}")
    for info in FOUND
    for i, case in enumerate(info.optim_inputs_func(device="cpu"))
    if info.optim_cls is not torch.optim.LBFGS  # takes a closure: see test_lbfgs
]


def test_all_of_the_promised_are_there():
    promised = {"SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "LBFGS"}
    assert promised <= {info.optim_cls.__name__ for info in FOUND}


def as_double(x):
    """Tensor hyperparameters in float64: we compute with Python numbers, PyTorch in the tensor's dtype."""
    if isinstance(x, torch.Tensor):
        return x.double()
    return tuple(as_double(y) for y in x) if isinstance(x, tuple) else x


def twins(seed=0):
    """The same float64 parameters for both."""
    random = np.random.default_rng(seed)
    arrays = [random.standard_normal(shape) for shape in SHAPES]
    theirs = [torch.tensor(a.copy(), dtype=torch.float64, requires_grad=True) for a in arrays]
    return [autograd.tensor(a, requires_grad=True) for a in arrays], theirs


def assert_equal(ours, theirs, what):
    """Both compute in float64, in another order: a few units in the last place a step, 1e-12 over twenty."""
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.array, b.detach().numpy(), rtol=1e-12, atol=1e-14, err_msg=what)


def assert_same_state(ours, theirs, what):
    """The saved state has the same keys, dtypes and values."""
    assert ours.keys() == theirs.keys(), what
    for key, value in theirs.items():
        if isinstance(value, torch.Tensor):
            assert str(ours[key].dtype) == str(value.dtype).removeprefix("torch."), (what, key)
            assert_equal([ours[key]], [value], f"{what}: {key}")


@pytest.mark.parametrize(("info", "i"), CASES)
def test_twenty_steps(info, i):
    """Values, and the saved state, stay equal to PyTorch's."""
    case = info.optim_inputs_func(device="cpu")[i]
    kwargs = {name: as_double(value) for name, value in case.kwargs.items()}
    ours, theirs = twins()
    a = getattr(optim, info.optim_cls.__name__)(ours, **{name: to_ours(value) for name, value in kwargs.items()})
    b = info.optim_cls(theirs, **kwargs)
    random = np.random.default_rng(1)
    for step in range(20):
        for p, q in zip(ours, theirs):
            g = random.standard_normal(p.shape) * 10.0 ** random.integers(-3, 2)
            p.grad, q.grad = wrap(np.asarray(g)), torch.tensor(g, dtype=torch.float64)
        a.step()
        b.step()
        assert_equal(ours, theirs, f"{kwargs}, step {step}")
    saved, expected = a.state_dict(), b.state_dict()
    assert saved["state"].keys() == expected["state"].keys()
    for number in expected["state"]:
        assert_same_state(saved["state"][number], expected["state"][number], f"{kwargs}, parameter {number}")
    for group, other in zip(saved["param_groups"], expected["param_groups"]):
        assert group.keys() == other.keys()


@pytest.mark.parametrize(("info", "i"), CASES)
def test_state_saved_by_pytorch(info, i):
    """What PyTorch saved after five steps, loaded here, goes on as PyTorch does; and the other way round."""
    kwargs = {name: as_double(value) for name, value in info.optim_inputs_func(device="cpu")[i].kwargs.items()}
    ours, theirs = twins()
    a = getattr(optim, info.optim_cls.__name__)(ours, **{name: to_ours(value) for name, value in kwargs.items()})
    b = info.optim_cls(theirs, **kwargs)
    random = np.random.default_rng(3)
    for step in range(15):
        gradients = [random.standard_normal(p.shape) for p in ours]
        for p, q, g in zip(ours, theirs, gradients):
            p.grad, q.grad = wrap(np.asarray(g)), torch.tensor(g, dtype=torch.float64)
        if step < 5 or step >= 10:
            b.step()
        if step >= 5:
            a.step()
        if step == 4:
            a.load_state_dict(to_ours(b.state_dict()))
            for p, q in zip(ours, theirs):
                p.array[...] = q.detach().numpy()
        if step == 9:
            b.load_state_dict(to_theirs(a.state_dict()))
            with torch.no_grad():
                for p, q in zip(ours, theirs):
                    q.copy_(torch.from_numpy(np.array(p.array)))
    assert_equal(ours, theirs, f"{kwargs}")


def to_theirs(x):
    """A saved state of ours as PyTorch's."""
    if isinstance(x, dict):
        return {key: to_theirs(value) for key, value in x.items()}
    if isinstance(x, list):
        return [to_theirs(value) for value in x]
    return torch.from_numpy(np.array(x.array)) if isinstance(x, autograd.Tensor) else x


def valley(x, y, z):
    """Rosenbrock's valley in ten dimensions, and a quartic bowl."""
    return (10.0 * (y - x * x) * (y - x * x) + (1.0 - x) * (1.0 - x)).sum() + (z * z * z * z + z * z).sum()


@pytest.mark.parametrize("kwargs", [
    {}, {"lr": 0.01}, {"lr": 0.5, "history_size": 3}, {"tolerance_grad": 1e-1, "lr": 0.1}, {"max_iter": 7, "lr": 0.1},
    {"line_search_fn": "strong_wolfe"}, {"line_search_fn": "strong_wolfe", "lr": 0.3, "max_iter": 5, "max_eval": 4},
    {"line_search_fn": "strong_wolfe", "lr": 30.0, "history_size": 2}, {"line_search_fn": "strong_wolfe", "lr": 1e-4},
], ids=str)  # fmt: skip
def test_lbfgs(kwargs):
    """The same evaluations, and the same path as far as rounding lets two orders of summation agree."""
    random = np.random.default_rng(2)
    arrays = [random.uniform(-0.5, 0.5, shape) for shape in (5, 5, (2, 2))]
    ours = [autograd.tensor(a, requires_grad=True) for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    a, b = optim.LBFGS(ours, **kwargs), torch.optim.LBFGS(theirs, **kwargs)
    for step in range(4):
        losses = []
        for optimizer, parameters in ((a, ours), (b, theirs)):

            def closure(optimizer=optimizer, parameters=parameters):
                optimizer.zero_grad()
                loss = valley(*parameters)
                loss.backward()
                return loss

            losses.append(optimizer.step(closure).item())
        mine, other = a.state_dict()["state"][0], b.state_dict()["state"][0]
        assert mine.keys() == other.keys() - {"al"}
        assert (mine["func_evals"], mine["n_iter"]) == (other["func_evals"], other["n_iter"]), step
        # Each iteration divides by differences of gradients, which multiplies rounding: hence 1e-7, not 1e-12, and 1e-8
        # for what is near 0; how much depends on the order in which the machine's BLAS sums.
        np.testing.assert_allclose(losses[0], losses[1], rtol=1e-7, atol=1e-14, equal_nan=True)
        for p, q in zip(ours, theirs):
            np.testing.assert_allclose(p.array, q.detach().numpy(), rtol=1e-7, atol=1e-8, equal_nan=True)


@pytest.mark.parametrize("info", FOUND, ids=lambda info: info.optim_cls.__name__)
def test_error_inputs(info):
    """Whatever PyTorch refuses is refused, with the same type of error."""
    for case in info.optim_error_inputs_func(device="cpu", dtype=torch.float64):
        given = case.optimizer_error_input
        params = _leaves(given.params) if given.params is not None else [autograd.tensor([1.0], requires_grad=True)]
        kwargs = {name: to_ours(value) for name, value in given.kwargs.items()}
        with pytest.raises(case.error_type) as caught:
            getattr(optim, info.optim_cls.__name__)(params, **kwargs)
        assert not kwargs or any(name in str(caught.value) for name in kwargs), given.desc


def _leaves(params):
    """PyTorch's parameters as ours, each the same object wherever it occurs."""
    known = {}

    def leaf(x):
        if isinstance(x, torch.Tensor):
            return known.setdefault(id(x), to_ours(x.detach()).requires_grad_())
        if isinstance(x, dict):
            return {key: leaf(value) for key, value in x.items()}
        return type(x)(leaf(y) for y in x) if isinstance(x, list | tuple) else x

    return leaf(params)
