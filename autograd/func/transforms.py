"""Derivatives as functions of functions: PyTorch's ``torch.func``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError, TapeError
from ..forward import Push
from ..functional import block_like, columns, rows
from ..pytree import Tree
from ..recording import enable_grad, is_grad_enabled
from ..tensor import Tensor, wrap
from ..where import machinery
from .run import Run, on_tape, positions

__all__ = ["grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize", "vjp"]

machinery(__name__)
Function = Callable[..., Any]
Places = int | tuple[int, ...]


def grad(func: Function, argnums: Places = 0, has_aux: bool = False) -> Function:
    """The function x ↦ ∇func(x), where `func` returns a single number, with respect to the arguments `argnums`.

    Gradients have the structure of the argument; with several `argnums` they are a tuple.  With `has_aux` `func`
    returns a pair (number, aux), and the gradient function (gradients, aux).

    Raises ShapeError if `func` returns more than a number, ArgumentError for what is no tensor and other `argnums`.

    >>> import autograd
    >>> from autograd.func import grad
    >>> grad(lambda x: x**3)(autograd.tensor(2.0))
    tensor(12.)
    >>> grad(grad(lambda x: x**3))(autograd.tensor(2.0))
    tensor(12.)
    >>> grad(lambda p: (p["w"] * p["b"]).sum())({"w": autograd.ones(2), "b": autograd.zeros(2)})
    {'w': tensor([0., 0.]), 'b': tensor([1., 1.])}
    """

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        run, found = _gradients("grad", func, argnums, has_aux, args, kwargs)
        return (found, run.aux) if has_aux else found

    return gradient


def grad_and_value(func: Function, argnums: Places = 0, has_aux: bool = False) -> Function:
    """As `grad`, with the value: (gradients, value), or (gradients, (value, aux)).

    >>> import autograd
    >>> from autograd.func import grad_and_value
    >>> grad_and_value(lambda x: x**3)(autograd.tensor(2.0))
    (tensor(12.), tensor(8.))
    """

    @functools.wraps(func)
    def both(*args: Any, **kwargs: Any) -> Any:
        run, found = _gradients("grad_and_value", func, argnums, has_aux, args, kwargs)
        return found, (run.value(), run.aux) if has_aux else run.value()

    return both


def _gradients(name: str, func: Function, argnums: Any, has_aux: bool, args: Any, kwargs: Any) -> tuple[Run, Any]:
    run = Run(name, func, args, positions(argnums, len(args), name), kwargs, has_aux)
    y = run.result
    if not isinstance(y, Tensor):
        raise ArgumentError(f"{name}: func must return a Tensor, got {type(y).__name__}; aux needs has_aux=True")
    if y.ndim:
        raise ShapeError(
            f"{name}: func must return a tensor without dimensions, got shape {list(y.shape)}; reduce it with sum() or "
            "mean(), or use vjp or jacrev"
        )
    return run, _by_argument(run.pulled([wrap(np.ones_like(y.array))]), run.trees, argnums)


def _by_argument(leaves: Sequence[Any], trees: Sequence[Tree], argnums: Any) -> Any:
    """Derivatives in the structure of the arguments that they are for."""
    it = iter(leaves)
    found = tuple(tree.build([next(it) for _ in range(len(tree))]) for tree in trees)
    return found if isinstance(argnums, tuple) else found[0]


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """(func(*primals), pull) where pull(u) is the tuple of uᵀJ for each of `primals`; with `has_aux` aux comes third.

    u has the structure of the output, or it is an ArgumentError, and its shapes, or it is a ShapeError.  `func` runs
    once, however often `pull` is called.

    >>> import autograd
    >>> from autograd.func import vjp
    >>> y, pull = vjp(lambda x, y: x * y, autograd.tensor([1.0, 2.0]), autograd.tensor(3.0))
    >>> y, pull(autograd.ones(2))
    (tensor([3., 6.]), (tensor([3., 3.]), tensor(3.)))
    """
    run = Run("vjp", func, primals, range(len(primals)), {}, has_aux)
    run.check_tensors()

    def vjp_fn(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> tuple[Any, ...]:
        leaves = run.leaves_of(cotangents, run.tree, run.outputs, "cotangents", "the output")
        return _by_argument(run.pulled(leaves, create_graph), run.trees, ())

    return (run.value(), vjp_fn, run.aux) if has_aux else (run.value(), vjp_fn)


def jvp(func: Function, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> tuple[Any, ...]:
    """(func(*primals), Jv) for the direction v = `tangents`, a tuple like `primals`; with `has_aux` aux comes third.

    Raises ShapeError unless `tangents` have the shapes of `primals`.  An output that does not depend on these has
    derivative zero, or, with `strict`, is a TapeError.

    >>> import autograd
    >>> from autograd.func import jvp
    >>> jvp(lambda x: x * x, (autograd.tensor([1.0, 2.0]),), (autograd.tensor([1.0, 10.0]),))
    (tensor([1., 4.]), tensor([ 2., 40.]))

    Source: Townsend, A new trick for calculating Jacobian vector products (2017); `autograd/forward.py`.
    """
    if not isinstance(primals, tuple) or not primals:
        raise ArgumentError(f"jvp: primals must be a tuple of at least one argument, got {type(primals).__name__}")
    run = Run("jvp", func, primals, range(len(primals)), {}, has_aux)
    product = _Pushed(run)(tangents, strict)
    return (run.value(), product, run.aux) if has_aux else (run.value(), product)


def linearize(func: Function, *primals: Any) -> tuple[Any, Function]:
    """(func(*primals), push) where push(*tangents) is Jv: `func` runs and is transposed once, for many directions.

    >>> import autograd
    >>> from autograd.func import linearize
    >>> y, push = linearize(lambda x: x * x, autograd.tensor([1.0, 2.0]))
    >>> push(autograd.tensor([1.0, 0.0])), push(autograd.tensor([0.0, 1.0]))
    (tensor([2., 0.]), tensor([0., 4.]))
    """
    if not primals:
        raise ArgumentError("linearize: expected at least one argument of func")
    run = Run("linearize", func, primals, range(len(primals)), {}, False)
    push = _Pushed(run)
    return run.value(), lambda *tangents: push(tangents)


class _Pushed:
    """Jv in the structure of the output of a run."""

    def __init__(self, run: Run) -> None:
        run.check_tensors()
        self.run, self.push = run, Push(run.outputs, run.inputs)
        self.tree = Tree(tuple, (), tuple(run.trees))

    def __call__(self, tangents: Any, strict: bool = False) -> Any:
        run = self.run
        leaves = run.leaves_of(tangents, self.tree, run.inputs, "tangents", "primals")
        record = is_grad_enabled() and (run.outside or any(map(on_tape, leaves)))
        found = self.push(leaves, record)
        if strict and None in found:
            raise TapeError(f"{run.name}: output {found.index(None)} does not depend on primals, which strict forbids")
        return run.tree.build(run.finished(found, run.outputs, record))


# ---------------------------------------------------------------------------------------------------------------------


def jacrev(func: Function, argnums: Places = 0, *, has_aux: bool = False, chunk_size: int | None = None,
           _preallocate_and_copy: bool = False) -> Function:  # fmt: skip
    """The function x ↦ J(x), by reverse mode: one backward pass for each element of the output.

    J has shape (*output, *argument); for nested outputs and arguments it is nested, outputs first.  `chunk_size`
    changes nothing here.

    >>> import autograd
    >>> from autograd.func import jacrev
    >>> jacrev(lambda x: x * x.sum())(autograd.tensor([1.0, 2.0]))
    tensor([[4., 1.],
            [2., 5.]])
    """
    if chunk_size is not None and chunk_size < 1:
        raise ArgumentError(f"jacrev: chunk_size must be None or at least 1, got {chunk_size}")
    return _jacobian("jacrev", rows, func, argnums, has_aux)


def jacfwd(func: Function, argnums: Places = 0, has_aux: bool = False, *, randomness: str = "error") -> Function:
    """The function x ↦ J(x), by forward mode: one product for each element of the arguments.

    As `jacrev`, and less work where there are fewer inputs than outputs.  `func` runs once, so that `randomness`
    changes nothing here.

    >>> import autograd
    >>> from autograd.func import jacfwd
    >>> jacfwd(lambda t: autograd.stack([t.cos(), t.sin()]))(autograd.tensor(0.0))
    tensor([0., 1.])
    """
    return _jacobian("jacfwd", columns, func, argnums, has_aux)


def hessian(func: Function, argnums: Places = 0) -> Function:
    """The function x ↦ H(x), of second derivatives: forward mode over reverse mode, ``jacfwd(jacrev(func))``.

    >>> import autograd
    >>> from autograd.func import hessian
    >>> hessian(lambda x: (x**3).sum())(autograd.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)


def _jacobian(name: str, blocks_of: Function, func: Function, argnums: Any, has_aux: bool) -> Function:
    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        run = Run(name, func, args, positions(argnums, len(args), name), kwargs, has_aux)
        run.check_tensors()
        with enable_grad():
            blocks = blocks_of(run.outputs, run.inputs, run.outside)
        found = []
        for y, row in zip(run.outputs, blocks):
            leaves = run.finished(row, [block_like(y, x) for x in run.inputs], run.outside)
            found.append(_by_argument(leaves, run.trees, argnums))
        result = run.tree.build(found)
        return (result, run.aux) if has_aux else result

    return jacobian
