"""`autograd.functional`, `autograd.func` and checkpoints beside PyTorch's: values, structures, what is on the tape."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

import numpy as np

import autograd
import autograd.forward_ad
import nn
from autograd.tensor import Tensor
from tests.oracle.bridge import numbers

pytestmark = [  # PyTorch's own warnings, in forward mode and in linearize
    pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node:UserWarning"),
]

ARRAYS = {name: np.random.default_rng(seed).standard_normal(shape) for seed, (name, shape) in enumerate(
    {"x": (3,), "y": (2,), "m": (2, 3), "b": (4, 3), "v": (3,), "w": (2,), "s": ()}.items())}  # fmt: skip


def inputs(lib, leaves):
    """The same tensors in either library."""
    make = torch.from_numpy if lib is torch else autograd.from_numpy
    return {k: make(np.array(a)).requires_grad_(leaves) for k, a in ARRAYS.items()}


def shape_of(x):
    """A result with its tensors as marks: its structure."""
    if isinstance(x, list | tuple):
        return type(x), [shape_of(y) for y in x]
    if isinstance(x, dict):
        return dict, {k: shape_of(y) for k, y in x.items()}
    return tuple(x.shape)


def tensors(x):
    if isinstance(x, list | tuple | dict):
        for y in x.values() if isinstance(x, dict) else x:
            yield from tensors(y)
    else:
        yield x


def same(ours, theirs, tape=False):
    assert shape_of(ours) == shape_of(theirs)
    for a, b in zip(tensors(ours), tensors(theirs), strict=True):
        assert numbers(a).dtype == numbers(b).dtype
        np.testing.assert_allclose(numbers(a), numbers(b), rtol=1e-10, atol=1e-12)  # float64, a few terms
        if tape:
            assert a.requires_grad == b.requires_grad


def both(case, leaves):
    """What `case` makes of either library; an error of either is one of both."""
    results = []
    for lib, layers in ((torch, torch.nn), (autograd, nn)):
        lib.manual_seed(0)
        module = torch.autograd.functional if lib is torch else autograd.functional
        results.append(case(module, lib.func, lib, layers, **inputs(lib, leaves)))
    return results[1], results[0]


def of_one(x):
    return x.exp() * x.sum()


def of_two(x, y):
    return (x.exp()[:, None] * y.sin()).sum(), x.cos()


def number(x, y):
    return (x.exp().sum() * y.sin().sum()) ** 2


def cube(x):
    return (x**3).sum()


FUNCTIONAL = {
    "vjp": lambda A, F, t, n, x, y, v, w, s, **_: A.vjp(of_one, x, v),
    "vjp tuples": lambda A, F, t, n, x, y, v, w, s, **_: A.vjp(of_two, (x, y), (s, v)),
    "vjp of a number": lambda A, F, t, n, x, y, **_: A.vjp(number, (x, y)),
    "vjp unused": lambda A, F, t, n, x, y, v, **_: A.vjp(lambda x, y: (x * 2,), (x, y), (v,)),
    "vjp constant": lambda A, F, t, n, x, v, **_: A.vjp(lambda x: t.ones(3), x, v),
    "vjp recorded": lambda A, F, t, n, x, y, v, s, **_: A.vjp(of_two, (x, y), (s, v), create_graph=True),
    "jvp": lambda A, F, t, n, x, v, **_: A.jvp(of_one, x, v),
    "jvp tuples": lambda A, F, t, n, x, y, v, w, **_: A.jvp(of_two, (x, y), (v, w)),
    "jvp of a number": lambda A, F, t, n, s, **_: A.jvp(lambda s: (s.exp(), s * 2), s),
    "jvp unused": lambda A, F, t, n, x, y, v, w, **_: A.jvp(lambda x, y: (x * 2, t.ones(1)), (x, y), (v, w)),
    "jvp recorded": lambda A, F, t, n, x, y, v, w, **_: A.jvp(of_two, (x, y), (v, w), create_graph=True),
    "jvp identity": lambda A, F, t, n, x, v, **_: A.jvp(lambda x: x, x, v),
    "jacobian": lambda A, F, t, n, x, **_: A.jacobian(of_one, x),
    "jacobian tuples": lambda A, F, t, n, x, y, **_: A.jacobian(of_two, (x, y)),
    "jacobian matrix": lambda A, F, t, n, m, **_: A.jacobian(lambda m: m @ m.T, m),
    "jacobian one of a tuple": lambda A, F, t, n, x, **_: A.jacobian(lambda x: (x.sum(),), (x,)),
    "jacobian unused": lambda A, F, t, n, x, y, **_: A.jacobian(lambda x, y: (x * 2, y), (x, y)),
    "jacobian recorded": lambda A, F, t, n, x, y, **_: A.jacobian(of_two, (x, y), create_graph=True),
    "jacobian vectorised": lambda A, F, t, n, x, y, **_: A.jacobian(of_two, (x, y), vectorize=True),
    "hessian": lambda A, F, t, n, x, **_: A.hessian(cube, x),
    "hessian tuples": lambda A, F, t, n, x, y, **_: A.hessian(number, (x, y)),
    "hessian linear": lambda A, F, t, n, x, **_: A.hessian(lambda x: x.sum(), x),
    "hessian recorded": lambda A, F, t, n, x, y, **_: A.hessian(number, (x, y), create_graph=True),
    "hessian strict": lambda A, F, t, n, x, y, **_: A.hessian(number, (x, y), strict=True),
    "vhp": lambda A, F, t, n, x, y, v, w, **_: A.vhp(number, (x, y), (v, w)),
    "vhp recorded": lambda A, F, t, n, x, y, v, w, **_: A.vhp(number, (x, y), (v, w), create_graph=True),
    "hvp": lambda A, F, t, n, x, y, v, w, **_: A.hvp(number, (x, y), (v, w)),
    "hvp single": lambda A, F, t, n, x, v, **_: A.hvp(cube, x, v),
    "hvp recorded": lambda A, F, t, n, x, v, **_: A.hvp(cube, x, v, create_graph=True),
    "hvp linear": lambda A, F, t, n, x, v, **_: A.hvp(lambda x: x.sum(), x, v),
}


@pytest.mark.parametrize("leaves", [False, True], ids=["constants", "leaves"])
@pytest.mark.parametrize("name", FUNCTIONAL)
def test_functional(name, leaves):
    ours, theirs = both(FUNCTIONAL[name], leaves)
    same(ours, theirs, tape=True)


FUNC = {
    "grad": lambda A, F, t, n, x, **_: F.grad(cube)(x),
    "grad of several": lambda A, F, t, n, x, y, **_: F.grad(number, argnums=(1, 0))(x, y),
    "grad of the last": lambda A, F, t, n, x, y, **_: F.grad(number, argnums=-1)(x, y),
    "grad of a tuple of one": lambda A, F, t, n, x, y, **_: F.grad(number, argnums=(0,))(x, y),
    "grad of a nest": lambda A, F, t, n, x, v, **_: F.grad(lambda d: (d["a"] * d["b"][0]).sum())({"a": x, "b": [v]}),
    "grad with aux": lambda A, F, t, n, x, **_: F.grad(lambda x: (cube(x), {"a": x * 2}), has_aux=True)(x),
    "grad and value": lambda A, F, t, n, x, **_: F.grad_and_value(cube)(x),
    "grad, value, aux": lambda A, F, t, n, x, **_: F.grad_and_value(lambda x: (cube(x), x * 2), has_aux=True)(x),
    "grad twice": lambda A, F, t, n, x, **_: F.grad(lambda x: F.grad(cube)(x).sum())(x),
    "grad around another": lambda A, F, t, n, x, **_: F.grad(lambda x: F.grad(lambda z: (z * x).sum() ** 2)(x).sum())(
        x
    ),
    "vjp": lambda A, F, t, n, x, y, v, s, **_: F.vjp(of_two, x, y)[1]((s, v)),
    "vjp's value": lambda A, F, t, n, x, y, **_: F.vjp(of_two, x, y)[0],
    "vjp of one": lambda A, F, t, n, x, v, **_: F.vjp(of_one, x)[1](v),
    "vjp to a nest": lambda A, F, t, n, x, v, **_: F.vjp(lambda x: {"a": x * x, "b": x}, x)[1]({"a": v, "b": x}),
    "vjp with aux": lambda A, F, t, n, x, **_: F.vjp(lambda x: (x * 2, x), x, has_aux=True)[2],
    "jvp": lambda A, F, t, n, x, y, v, w, **_: F.jvp(of_two, (x, y), (v, w)),
    "jvp of a nest": lambda A, F, t, n, x, v, **_: F.jvp(lambda d: {"o": d["a"] ** 2}, ({"a": x},), ({"a": v},)),
    "jvp of a constant": lambda A, F, t, n, x, v, **_: F.jvp(lambda x: t.ones(2), (x,), (v,)),
    "jvp of truth": lambda A, F, t, n, x, v, **_: F.jvp(lambda x: x > 0, (x,), (v,)),
    "jvp with aux": lambda A, F, t, n, x, v, **_: F.jvp(lambda x: (x * 2, x), (x,), (v,), has_aux=True),
    "jvp twice": lambda A, F, t, n, x, v, **_: F.jvp(lambda x: F.jvp(lambda z: z**3, (x,), (v,))[1], (x,), (x,)),
    "jvp of grad": lambda A, F, t, n, x, v, **_: F.jvp(F.grad(cube), (x,), (v,)),
    "grad of jvp": lambda A, F, t, n, x, v, **_: F.grad(lambda x: F.jvp(cube, (x,), (v,))[1])(x),
    "linearize": lambda A, F, t, n, x, y, v, w, **_: F.linearize(of_two, x, y)[1](v, w),
    "jacrev": lambda A, F, t, n, x, y, **_: F.jacrev(of_two, argnums=(0, 1))(x, y),
    "jacfwd": lambda A, F, t, n, x, y, **_: F.jacfwd(of_two, argnums=(0, 1))(x, y),
    "jacrev of one": lambda A, F, t, n, x, y, **_: F.jacrev(of_two, argnums=1)(x, y),
    "jacrev of nests": lambda A, F, t, n, x, v, **_: F.jacrev(lambda d: {"o": d["a"] * d["b"][0]})({"a": x, "b": [v]}),
    "jacfwd of nests": lambda A, F, t, n, x, v, **_: F.jacfwd(lambda d: {"o": d["a"] * d["b"][0]})({"a": x, "b": [v]}),
    "jacrev with aux": lambda A, F, t, n, x, **_: F.jacrev(lambda x: (of_one(x), x), has_aux=True)(x),
    "jacfwd with aux": lambda A, F, t, n, x, **_: F.jacfwd(lambda x: (of_one(x), x), has_aux=True)(x),
    "hessian": lambda A, F, t, n, x, **_: F.hessian(cube)(x),
    "hessian of a vector": lambda A, F, t, n, x, **_: F.hessian(of_one)(x),
    "hessian of several": lambda A, F, t, n, x, y, **_: F.hessian(number, argnums=(0, 1))(x, y),
    "forward of forward": lambda A, F, t, n, x, **_: F.jacfwd(F.jacfwd(of_one))(x),
    "reverse of reverse": lambda A, F, t, n, x, **_: F.jacrev(F.jacrev(of_one))(x),
    "reverse of forward": lambda A, F, t, n, x, **_: F.jacrev(F.jacfwd(of_one))(x),
}


@pytest.mark.parametrize("leaves", [False, True], ids=["constants", "leaves"])
@pytest.mark.parametrize("name", FUNC)
def test_func(name, leaves):
    same(*both(FUNC[name], leaves))


@pytest.mark.parametrize("name", ["grad", "grad of several", "grad twice", "vjp", "jvp", "jvp of grad", "grad of jvp"])
def test_an_outer_backward_pass_reaches_the_inputs(name):
    """Results of transforms of leaves are on the tape, and differentiate."""
    gradients = []
    for lib in (torch, autograd):
        given = inputs(lib, True)
        result = FUNC[name](None, lib.func, lib, None, **given)
        total = sum((r.sin().sum() for r in tensors(result)), start=lib.zeros((), dtype=lib.float64))
        total.backward()
        gradients.append({k: t.grad for k, t in given.items() if t.grad is not None})
    theirs, ours = gradients
    for k, g in theirs.items():
        np.testing.assert_allclose(numbers(ours[k]), numbers(g), rtol=1e-10, atol=1e-12)
    assert all(not numbers(ours[k]).any() for k in ours.keys() - theirs.keys())


VMAP = {
    "rows": lambda A, F, t, n, b, **_: t.vmap(lambda r: r.sum())(b),
    "columns": lambda A, F, t, n, b, **_: t.vmap(lambda c: c * 2, in_dims=-1)(b),
    "to columns": lambda A, F, t, n, b, **_: t.vmap(lambda r: r * 2, out_dims=1)(b),
    "to the last": lambda A, F, t, n, b, **_: t.vmap(lambda r: r * 2, out_dims=-1)(b),
    "several": lambda A, F, t, n, b, x, **_: t.vmap(lambda r, x: r * x, in_dims=(0, None))(b, x),
    "a number": lambda A, F, t, n, b, **_: t.vmap(lambda r, k: r * k, in_dims=(0, None))(b, 2),
    "a nest": lambda A, F, t, n, b, x, **_: t.vmap(
        lambda d: {"o": [d["a"] * d["b"]]}, in_dims=({"a": 0, "b": None},))({"a": b, "b": x}),
    "a nest, one dim": lambda A, F, t, n, b, **_: t.vmap(lambda d, k: d["a"] * d["b"] * k, (0, None))(
        {"a": b, "b": b}, 3),
    "two results": lambda A, F, t, n, b, **_: t.vmap(lambda r: (r, r.sum()), out_dims=(1, 0))(b),
    "one constant result": lambda A, F, t, n, b, **_: t.vmap(lambda r: (r, t.ones(2)), out_dims=(0, None))(b),
    "a constant result": lambda A, F, t, n, b, **_: t.vmap(lambda r: t.ones(2))(b),
    "keywords": lambda A, F, t, n, b, x, **_: t.vmap(lambda r, *, k: r * k)(b, k=x),
    "in chunks": lambda A, F, t, n, b, **_: t.vmap(lambda r: r.exp(), chunk_size=3)(b),
    "nested": lambda A, F, t, n, b, **_: t.vmap(t.vmap(lambda z: z * z), in_dims=1)(b),
    "outer product": lambda A, F, t, n, x, y, **_: t.vmap(t.vmap(lambda a, b: a * b, (None, 0)), (0, None))(x, y),
    "empty": lambda A, F, t, n, b, **_: t.vmap(lambda r: r.exp())(b[:0]),
    "gradients of examples": lambda A, F, t, n, b, x, **_: t.vmap(
        F.grad(lambda w, r: ((w * r).sum()) ** 2), in_dims=(None, 0))(x, b),
    "gradient through": lambda A, F, t, n, b, x, **_: F.grad(
        lambda z: t.vmap(lambda r: (r * z).sum() ** 2)(b).sum())(x),
    "hessians": lambda A, F, t, n, b, **_: t.vmap(F.hessian(cube))(b),
    "different": lambda A, F, t, n, b, **_: t.vmap(lambda r: r + t.rand(3), randomness="different")(b).shape,
    "same": lambda A, F, t, n, b, **_: t.vmap(lambda r: r * 0 + t.rand(3), randomness="same")(b).std(0) * 0,
}  # fmt: skip


@pytest.mark.parametrize("name", VMAP)
def test_vmap(name):
    ours, theirs = both(VMAP[name], False)
    if name == "different":
        assert tuple(ours) == tuple(theirs)
    else:
        same(ours, theirs)


ERRORS = {
    "v is missing": lambda A, F, t, n, x, **_: A.vjp(of_one, x),
    "v of another shape": lambda A, F, t, n, x, y, **_: A.vjp(of_one, x, y),
    "inputs in a list": lambda A, F, t, n, x, v, **_: A.jvp(of_one, [x], [v]),
    "a number as output": lambda A, F, t, n, x, v, **_: A.jvp(lambda x: 2, x, v),
    "strict constant": lambda A, F, t, n, x, v, **_: A.vjp(lambda x: t.ones(3), x, v, strict=True),
    "strict unused": lambda A, F, t, n, x, y, v, w, **_: A.jvp(lambda x, y: x * 2, (x, y), (v, w), strict=True),
    "strict linear": lambda A, F, t, n, x, v, **_: A.jvp(lambda x: x * 2, x, v, strict=True, create_graph=True),
    "strict pair": lambda A, F, t, n, x, y, **_: A.jacobian(lambda x, y: (x * 2, y), (x, y), strict=True),
    "strict linear gradient": lambda A, F, t, n, x, v, **_: A.hvp(lambda x: x.sum(), x, v, strict=True),
    "strict hessian": lambda A, F, t, n, x, **_: A.hessian(lambda x: x.sum(), x, strict=True),
    "a strategy": lambda A, F, t, n, x, **_: A.jacobian(of_one, x, strategy="sideways"),
    "a vector's hessian": lambda A, F, t, n, x, **_: A.hessian(of_one, x),
    "a tuple's hessian": lambda A, F, t, n, x, **_: A.hessian(lambda x: (x.sum(),), x),
    "integers": lambda A, F, t, n, **_: A.vjp(lambda x: x.sum(), t.tensor([1, 2])),
    "grad of a vector": lambda A, F, t, n, x, **_: F.grad(of_one)(x),
    "grad of a number": lambda A, F, t, n, x, **_: F.grad(lambda x: 3.0)(x),
    "grad of a pair": lambda A, F, t, n, x, **_: F.grad(lambda x: (x.sum(), x))(x),
    "no aux": lambda A, F, t, n, x, **_: F.grad(cube, has_aux=True)(x),
    "argnums beyond": lambda A, F, t, n, x, **_: F.grad(cube, argnums=1)(x),
    "argnums twice": lambda A, F, t, n, x, y, **_: F.grad(number, argnums=(0, -2))(x, y),
    "argnums empty": lambda A, F, t, n, x, **_: F.grad(cube, argnums=())(x),
    "argnums by name": lambda A, F, t, n, x, **_: F.grad(cube, argnums="x")(x),
    "grad by a number": lambda A, F, t, n, **_: F.grad(lambda x: x * 2)(2.0),
    "grad by integers": lambda A, F, t, n, **_: F.grad(lambda x: x.sum())(t.tensor([1])),
    "a cotangent's shape": lambda A, F, t, n, x, y, **_: F.vjp(of_one, x)[1](y),
    "a cotangent's structure": lambda A, F, t, n, x, v, **_: F.vjp(of_one, x)[1]((v,)),
    "vjp of a number": lambda A, F, t, n, x, **_: F.vjp(lambda x: 3, x),
    "primals no tuple": lambda A, F, t, n, x, v, **_: F.jvp(of_one, x, v),
    "tangents too many": lambda A, F, t, n, x, v, **_: F.jvp(of_one, (x,), (v, v)),
    "a tangent's shape": lambda A, F, t, n, x, y, **_: F.jvp(of_one, (x,), (y,)),
    "jvp strict": lambda A, F, t, n, x, v, **_: F.jvp(lambda x: t.ones(2), (x,), (v,), strict=True),
    "linearize shape": lambda A, F, t, n, x, y, **_: F.linearize(of_one, x)[1](y),
    "vmap of nothing": lambda A, F, t, n, **_: t.vmap(lambda: 1)(),
    "vmap to a number": lambda A, F, t, n, b, **_: t.vmap(lambda r: 3)(b),
    "vmap of a number": lambda A, F, t, n, b, **_: t.vmap(lambda r, k: r * k)(b, 2),
    "vmap dims": lambda A, F, t, n, b, **_: t.vmap(of_one, in_dims=2)(b),
    "vmap dims in a list": lambda A, F, t, n, b, **_: t.vmap(of_one, in_dims=[0])(b),
    "vmap dims of another structure": lambda A, F, t, n, b, **_: t.vmap(lambda a, b: a, in_dims=(0,))(b, b),
    "vmap no dims": lambda A, F, t, n, b, **_: t.vmap(of_one, in_dims=None)(b),
    "vmap sizes": lambda A, F, t, n, b, **_: t.vmap(lambda a, b: a)(b, b.T),
    "vmap out of range": lambda A, F, t, n, b, **_: t.vmap(of_one, out_dims=2)(b),
    "vmap out structure": lambda A, F, t, n, b, **_: t.vmap(of_one, out_dims=(0, 1))(b),
    "vmap differing": lambda A, F, t, n, b, **_: t.vmap(of_one, out_dims=None)(b),
    "vmap random": lambda A, F, t, n, b, **_: t.vmap(lambda r: r + t.rand(3))(b),
    "vmap randomness": lambda A, F, t, n, b, **_: t.vmap(of_one, randomness="some")(b),
    "vmap chunks": lambda A, F, t, n, b, **_: t.vmap(of_one, chunk_size=0)(b),
    "call strict": lambda A, F, t, n, x, **_: F.functional_call(n.Linear(3, 1), {"bias": x}, x, strict=True),
    "call twice": lambda A, F, t, n, x, **_: F.functional_call(n.Linear(3, 1), ({"bias": x}, {"bias": x}), x),
    "call with no dict": lambda A, F, t, n, x, **_: F.functional_call(n.Linear(3, 1), 3, x),
    "call with no tensor": lambda A, F, t, n, x, **_: F.functional_call(n.Linear(3, 1), {"bias": 3}, x),
    "stack of nothing": lambda A, F, t, n, **_: F.stack_module_state([]),
    "stack of classes": lambda A, F, t, n, **_: F.stack_module_state([n.Linear(1, 1), n.Bilinear(1, 1, 1)]),
    "stack of modes": lambda A, F, t, n, **_: F.stack_module_state([n.Linear(1, 1), n.Linear(1, 1).eval()]),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    """Where PyTorch raises, so do we, something that the same ``except`` clause catches."""
    with pytest.raises(Exception) as theirs:
        ERRORS[name](torch.autograd.functional, torch.func, torch, torch.nn, **inputs(torch, False))
    expected = theirs.type if theirs.type is not AssertionError else RuntimeError
    with pytest.raises(autograd.errors.WengertError) as ours:
        ERRORS[name](autograd.functional, autograd.func, autograd, nn, **inputs(autograd, False))
    assert isinstance(ours.value, expected | RuntimeError | ValueError | TypeError)


# ---------------------------------------------------------------------------------------------------------------------
# Modules as functions.


def twins(make):
    """A module of PyTorch's and ours with the same weights."""
    theirs = make(torch.nn).double()
    ours = make(nn).double()
    ours.load_state_dict({k: autograd.from_numpy(t.numpy().copy()) for k, t in theirs.state_dict().items()})
    return ours, theirs


MODULES = {
    "linear": (lambda n: n.Linear(3, 2), (4, 3)),
    "mlp": (lambda n: n.Sequential(n.Linear(3, 5), n.Tanh(), n.Linear(5, 1)), (4, 3)),
    "group norm": (lambda n: n.Sequential(n.Linear(3, 4), n.GroupNorm(2, 4)), (6, 3)),
}


@pytest.mark.parametrize("name", MODULES)
def test_gradients_of_modules(name):
    """Of a loss by a dict of parameters, and of each example, by vmap over grad over functional_call."""
    make, shape = MODULES[name]
    array = np.random.default_rng(5).standard_normal(shape)
    results = []
    for module, lib in zip(twins(make), (autograd, torch)):
        x = lib.from_numpy(array.copy())
        weights = {k: p.detach() for k, p in module.named_parameters()}

        def loss(w, x, module=module, lib=lib):
            return lib.func.functional_call(module, w, (x,)).square().sum()

        found = [lib.func.grad(loss)(weights, x), lib.func.jvp(loss, (weights, x), (weights, x))]
        if name != "group norm":  # which wants a batch
            found.append(lib.vmap(lib.func.grad(loss), in_dims=(None, 0))(weights, x))
        results.append(found)
        assert all(p.grad is None for p in module.parameters())
    same(*results)


def test_an_ensemble():
    results = []
    pairs = [twins(lambda n: n.Linear(3, 2)) for _ in range(3)]
    for models, lib in zip(zip(*pairs), (autograd, torch)):
        parameters, buffers = lib.func.stack_module_state(models)
        assert all(p.requires_grad and p.is_leaf for p in parameters.values())
        x = lib.from_numpy(np.array(ARRAYS["b"]))

        def call(p, b, model=models[0], lib=lib, x=x):
            return lib.func.functional_call(model, (p, b), (x,))

        results.append([parameters, lib.vmap(call)(parameters, buffers)])
    same(*results)


def test_tied_weights():
    results = []
    for lib, layers in ((autograd, nn), (torch, torch.nn)):
        module = layers.Module()
        module.a = layers.Linear(3, 3, bias=False).double()
        module.b = module.a
        module.forward = lambda x, module=module: module.b(module.a(x))
        x, w = lib.from_numpy(np.array(ARRAYS["b"])), lib.ones(3, 3, dtype=lib.float64) * 0.5
        results.append(lib.func.functional_call(module, {"a.weight": w}, (x,)))
        with pytest.raises(ValueError, match="tie_weights=False"):
            lib.func.functional_call(module, {"a.weight": w, "b.weight": w * 2}, (x,))
    same(*results)


def test_batch_norms_without_running_statistics():
    """Then a derivative may go through them: nothing is written into."""
    results = []
    for module, lib in zip(twins(lambda n: n.Sequential(n.Linear(3, 4), n.BatchNorm1d(4))), (autograd, torch)):
        x = lib.from_numpy(np.array(ARRAYS["b"]))
        lib.func.replace_all_batch_norm_modules_(module)
        assert not dict(module.named_buffers())
        weights = {k: p.detach() for k, p in module.named_parameters()}
        loss = lambda w, x=x, module=module, lib=lib: lib.func.functional_call(module, w, (x,)).exp().sum()
        results.append(lib.func.grad(loss)(weights))
    same(*results)


# ---------------------------------------------------------------------------------------------------------------------
# Dual numbers, many cotangents, checkpoints.


DUAL = {
    "a function": lambda D, t, x, v, **_: D.unpack_dual(of_one(D.make_dual(x, v))),
    "two": lambda D, t, x, y, v, w, **_: D.unpack_dual(number(D.make_dual(x, v), D.make_dual(y, w))),
    "itself": lambda D, t, x, v, **_: D.unpack_dual(D.make_dual(x, v)),
    "a step": lambda D, t, x, v, **_: D.unpack_dual(D.make_dual(x, v) > 0)[:1],
}


@pytest.mark.parametrize("leaves", [False, True], ids=["constants", "leaves"])
@pytest.mark.parametrize("name", DUAL)
def test_dual_numbers(name, leaves):
    results = []
    for lib, module in ((autograd, autograd.forward_ad), (torch, torch.autograd.forward_ad)):
        with module.dual_level():
            results.append(tuple(DUAL[name](module, lib, **inputs(lib, leaves))))
    same(*results)


def test_many_cotangents():
    results = []
    for lib, grad in ((autograd, autograd.grad), (torch, torch.autograd.grad)):
        given = inputs(lib, True)
        outputs, cotangents = of_two(given["x"], given["y"]), (lib.ones(4, dtype=lib.float64), given["b"].detach())
        results.append(grad(outputs, (given["x"], given["y"]), cotangents, is_grads_batched=True))
    same(*results)


@pytest.mark.parametrize("use_reentrant", [False, True])
def test_checkpoints(use_reentrant):
    """Gradients with dropout inside, which must drop the same in both runs, and the stream after it."""
    from torch.utils.checkpoint import checkpoint as their_checkpoint

    from autograd.utils.checkpoint import checkpoint

    results = []
    for lib, layers, call in ((autograd, nn, checkpoint), (torch, torch.nn, their_checkpoint)):
        lib.manual_seed(0)
        x = lib.from_numpy(np.array(ARRAYS["m"])).requires_grad_()
        y = call(lambda x, F=layers.functional: F.dropout(x.exp(), 0.4).sin(), x, use_reentrant=use_reentrant)
        y.sum().backward()
        results.append([y, x.grad, lib.rand(3)])
    same(*results)
    assert isinstance(results[0][0], Tensor)
