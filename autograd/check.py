"""Gradients held against finite differences: `gradcheck` and `gradgradcheck`.

The derivative of f at x is compared with the central difference (f(x + ε) - f(x - ε)) / 2ε, whose truncation error is
O(ε²) and whose rounding error is O(u/ε) for machine precision u: in float64 below 1e-9 at ε = 1e-6 (Nocedal and Wright,
Numerical Optimization, 2nd ed., section 8.1).  A disagreement says which input, which element, and by how much.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .dtypes import float64, is_differentiable
from .engine import grad
from .errors import ArgumentError, WengertError
from .forward import Push
from .tensor import Tensor, wrap

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]

Call = Callable[..., Any]
PROJECTIONS = 3  # random directions per pair in fast mode; one could miss by bad luck, three do not


class GradcheckError(WengertError, RuntimeError):
    """A derivative that disagrees with finite differences."""


def gradcheck(
    func: Call,
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Compare gradients with central differences: |analytic - numeric| <= atol + rtol·|numeric|.

    The `inputs` of `func` that require grad are checked, element by element, for every output; they should be
    float64.  With `fast_mode` only random projections vᵀJu are compared.  A repeated backward pass must agree within
    `nondet_tol`.  With `check_undefined_grad` each output is differentiated alone: the others have no cotangent at
    all.  `check_backward_ad` and `check_forward_ad` say which of the two modes are checked.  The other arguments are
    PyTorch's and change nothing here: `vmap` is a loop, so that batches cannot differ from what they consist of.
    Raises GradcheckError, or returns False if not `raise_exception`.

    >>> import autograd
    >>> from autograd.check import gradcheck
    >>> x = autograd.tensor([1.0, 2.0], dtype=autograd.float64, requires_grad=True)
    >>> gradcheck(lambda x: x * x * x, x)
    True
    """
    if not (check_forward_ad or check_backward_ad):
        raise ArgumentError("gradcheck: check_forward_ad and check_backward_ad are both False, so nothing is checked")
    check = _Check(func, _arguments(inputs), eps, atol, rtol, nondet_tol, check_undefined_grad, check_grad_dtypes)
    check.forward, check.backward = check_forward_ad, check_backward_ad
    return _verdict(check, fast_mode, raise_exception)


def gradgradcheck(
    func: Call,
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Compare the second derivatives of `func` with central differences of its gradients.

    The gradients are a function of the inputs and of the cotangents `grad_outputs` (random by default, and with
    `gen_non_contig_grad_outputs` not contiguous); `gradcheck` is applied to that function, in reverse mode, forward
    mode, or both.

    >>> import autograd
    >>> from autograd.check import gradgradcheck
    >>> x = autograd.tensor([1.0, 2.0], dtype=autograd.float64, requires_grad=True)
    >>> gradgradcheck(lambda x: x * x * x, x)
    True
    """
    if not (check_fwd_over_rev or check_rev_over_rev):
        raise ArgumentError(
            "gradgradcheck: check_fwd_over_rev and check_rev_over_rev are both False, so nothing is checked"
        )
    arguments = _arguments(inputs)
    positions = _checked_positions(arguments)
    outputs = _differentiable(func(*arguments))
    if not outputs:
        raise ArgumentError(
            "gradgradcheck: no output of func requires grad, so there is nothing to differentiate twice"
        )
    random = grad_outputs is None
    seeds = _cotangents(outputs, gen_non_contig_grad_outputs) if random else list(_arguments(grad_outputs))
    n = len(arguments)

    def gradient(*both: Any) -> Any:
        found = _differentiable(func(*both[:n]))
        wanted = [both[i] for i in positions]
        return grad(found, wanted, both[n:], create_graph=True, materialize_grads=True)

    check = _Check(gradient, (*arguments, *seeds), eps, atol, rtol, nondet_tol, check_undefined_grad, check_grad_dtypes)
    check.what, check.forward, check.backward = "gradgradcheck", check_fwd_over_rev, check_rev_over_rev
    check.input_names = [f"input {i}" for i in range(n)] + [f"the cotangent of output {j}" for j in range(len(seeds))]
    check.output_names = [f"the gradient of input {i}" for i in positions]
    check.constants_too = True  # a gradient that lost its tape has second derivative 0, and must then be constant
    return _verdict(check, fast_mode, raise_exception)


def _cotangents(outputs: list[Tensor], apart: bool) -> list[Tensor]:
    """Random ones; if `apart` their elements do not lie side by side."""
    rng = np.random.default_rng(0)
    drawn = [rng.uniform(0.5, 1.5, t.array.shape).astype(t.dtype) for t in outputs]
    drawn = [np.repeat(g[..., None], 2, -1)[..., 0] for g in drawn] if apart else drawn
    return [wrap(np.asarray(g)).requires_grad_() for g in drawn]


def _verdict(check: _Check, fast: bool, raise_exception: bool) -> bool:
    try:
        check.run(fast)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _arguments(inputs: Any) -> tuple[Any, ...]:
    return tuple(inputs) if isinstance(inputs, list | tuple) else (inputs,)


def _checked_positions(inputs: tuple[Any, ...]) -> list[int]:
    """The inputs to check; an error if there is none or one cannot be moved element by element."""
    positions = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    if not positions:
        raise ArgumentError("gradcheck: no input requires grad; make one with requires_grad=True")
    for i in positions:
        array = inputs[i].array
        if array.dtype != float64:
            warnings.warn(
                f"gradcheck: input {i} is {array.dtype}; finite differences need float64, so this check will probably "
                "fail. Use x.double().",
                stacklevel=4,
            )
        expanded = array.size and any(s == 0 and n > 1 for s, n in zip(array.strides, array.shape))
        if expanded or not array.flags.writeable:
            raise ArgumentError(
                f"gradcheck: input {i} is expanded or read-only, so no element can be moved; clone() it"
            )
    return positions


def _tensors(result: Any) -> list[Tensor]:
    every = result if isinstance(result, list | tuple) else (result,)
    return [t for t in every if isinstance(t, Tensor) and is_differentiable(t.dtype)]


def _differentiable(result: Any) -> list[Tensor]:
    return [t for t in _tensors(result) if t.requires_grad]


@dataclass
class _Check:
    """One check: what is compared, how exactly, and what things are called in a message."""

    func: Call
    inputs: tuple[Any, ...]
    eps: float
    atol: float
    rtol: float
    nondet_tol: float
    alone: bool  # other outputs get no cotangent, rather than zeros
    dtypes: bool
    what: str = "gradcheck"
    constants_too: bool = False
    forward: bool = False  # the modes to check
    backward: bool = True

    def __post_init__(self) -> None:
        self.positions = _checked_positions(self.inputs)
        self.input_names = [f"input {i}" for i in range(len(self.inputs))]
        self.output_names: list[str] = []

    def run(self, fast: bool) -> None:
        """Raise GradcheckError at the first pair of input and output that disagrees."""
        outputs = self.outputs()
        self.output_names = self.output_names or [f"output {j}" for j in range(len(outputs))]
        wanted = [self.inputs[i] for i in self.positions]
        if self.forward:
            self.run_forward(fast, outputs, wanted)
        if not self.backward:
            return
        for j in range(len(outputs)):
            if fast and all(self.projections_agree(j, outputs, wanted, k) for k in range(PROJECTIONS)):
                continue
            analytic = self.jacobian(j, outputs, wanted)
            for i, x, rows in zip(self.positions, wanted, analytic):
                self.compare(i, j, rows, self.numeric_jacobian(x, j), outputs[j].array.shape)
            if fast:
                raise GradcheckError(
                    f"{self.what}: random projections of {self.output_names[j]} disagree, though every single element "
                    "is within the tolerance; lower eps or raise atol"
                )
        self.check_zero_cotangent(outputs, wanted)

    def run_forward(self, fast: bool, outputs: list[Tensor], wanted: list[Tensor]) -> None:
        """The same in forward mode: Jv for every unit vector v, or for random ones, against differences along v."""
        push, what = Push(outputs, wanted), self.what
        self.what = f"{what} in forward mode"
        zeros = [wrap(np.zeros_like(x.array)) for x in wanted]
        for k, (i, x) in enumerate(zip(self.positions, wanted)):
            steps = list(_random_steps(x.array) if fast else _unit_steps(x.array, 1.0))
            products = [push([*zeros[:k], wrap(step), *zeros[k + 1 :]]) for step in steps]
            for j, y in enumerate(outputs):
                analytic = np.zeros((y.array.size, len(steps)))
                numeric = np.zeros_like(analytic)
                for column, (step, product) in enumerate(zip(steps, products)):
                    if (found := product[j]) is not None:
                        analytic[:, column] = found.array.reshape(-1)
                    numeric[:, column] = self.difference(x, self.eps * step, j) / self.eps
                self.compare(i, j, analytic, numeric, y.array.shape, along=fast)
        self.what = what

    def outputs(self) -> list[Tensor]:
        """What is differentiated; outputs off the tape only if all are (their derivative must then be zero)."""
        every = _tensors(self.func(*self.inputs))
        live = [t for t in every if t.requires_grad]
        return every if self.constants_too or not live else live

    # -- analytic ------------------------------------------------------------------------------------------------------

    def pull(self, j: int, outputs: list[Tensor], wanted: list[Tensor], seed: np.ndarray) -> list[np.ndarray]:
        """seedᵀ · d(output j)/d(input), for each wanted input."""
        out = outputs[j]
        if not out.requires_grad:
            return [np.zeros_like(x.array) for x in wanted]
        seeds = [seed if t is out else np.zeros_like(t.array) for t in outputs if t.requires_grad]
        sources = [out] if self.alone else [t for t in outputs if t.requires_grad]
        given = [wrap(s) for s in ([seed] if self.alone else seeds)]
        found = grad(sources, wanted, given, retain_graph=True, allow_unused=True)
        for i, x, g in zip(self.positions, wanted, found):
            if g is not None and self.dtypes and g.dtype != x.dtype:
                raise GradcheckError(f"{self.what}: {self.input_names[i]} is {x.dtype}, its gradient {g.dtype}")
        return [np.zeros_like(x.array) if g is None else g.array for x, g in zip(wanted, found)]

    def check_zero_cotangent(self, outputs: list[Tensor], wanted: list[Tensor]) -> None:
        """Cotangents are linear: zero in, zero out.  A scalar function that forgets `g` is caught here only."""
        for j, out in enumerate(outputs):
            for i, g in zip(self.positions, self.pull(j, outputs, wanted, np.zeros_like(out.array))):
                if g.any():
                    at = np.argmax(np.abs(g))
                    raise GradcheckError(
                        f"{self.what}: the gradient of {self.input_names[i]} {_position(at, g.shape)} is "
                        f"{g.flat[at]:.9g} for a zero cotangent of {self.output_names[j]}: it must be linear in that"
                    )

    def jacobian(self, j: int, outputs: list[Tensor], wanted: list[Tensor]) -> list[np.ndarray]:
        """d(output j)/d(input) as (elements of the output, elements of the input), one backward pass per row."""
        shape = outputs[j].array.shape
        jacobians = [np.zeros((outputs[j].array.size, x.array.size)) for x in wanted]
        for row in range(outputs[j].array.size):
            seed = np.zeros(shape, outputs[j].dtype)
            seed.reshape(-1)[row] = 1
            first, second = (self.pull(j, outputs, wanted, seed) for _ in range(2))
            for i, jacobian, a, b in zip(self.positions, jacobians, first, second):
                self.check_determinism(i, j, a, b)
                jacobian[row] = a.reshape(-1)
        return jacobians

    def check_determinism(self, i: int, j: int, first: np.ndarray, second: np.ndarray) -> None:
        gap = np.abs(first - second)
        if (gap > self.nondet_tol).any():
            at = np.argmax(gap)
            raise GradcheckError(
                f"{self.what}: backward of {self.output_names[j]} is not deterministic: the gradient of "
                f"{self.input_names[i]} {_position(at, gap.shape)} was {first.flat[at]:.9g}, then "
                f"{second.flat[at]:.9g}; the allowed difference is nondet_tol={self.nondet_tol:g}"
            )

    # -- numeric -------------------------------------------------------------------------------------------------------

    def values(self, j: int) -> np.ndarray:
        return self.outputs()[j].array.astype(np.float64).reshape(-1)

    def difference(self, x: Tensor, step: np.ndarray, j: int) -> np.ndarray:
        """(f(x + step) - f(x - step)) / 2 for output j; `x` is put back."""
        before = x.array.copy()
        try:
            x.array[...] = before + step
            high = self.values(j)
            x.array[...] = before - step
            return (high - self.values(j)) / 2
        finally:
            x.array[...] = before

    def numeric_jacobian(self, x: Tensor, j: int) -> np.ndarray:
        columns = []
        for step in _unit_steps(x.array, self.eps):
            columns.append(self.difference(x, step, j) / self.eps)
        return np.stack(columns, axis=1) if columns else np.zeros((self.values(j).size, 0))

    # -- comparison ----------------------------------------------------------------------------------------------------

    def projections_agree(self, j: int, outputs: list[Tensor], wanted: list[Tensor], seed: int) -> bool:
        """vᵀJu for random u and v: one backward pass and two calls per input, whatever their size."""
        rng = np.random.default_rng(seed)
        v = _direction(rng, outputs[j].array.shape)
        first, second = (self.pull(j, outputs, wanted, v.astype(outputs[j].dtype)) for _ in range(2))
        for i, x, a, b in zip(self.positions, wanted, first, second):
            self.check_determinism(i, j, a, b)
            u = _direction(rng, x.array.shape)
            numeric = v.reshape(-1) @ self.difference(x, self.eps * u, j) / self.eps
            if not self.close((a * u).sum(), numeric):
                return False
        return True

    def close(self, analytic: Any, numeric: Any) -> Any:
        return np.abs(analytic - numeric) <= self.atol + self.rtol * np.abs(numeric)

    def compare(self, i: int, j: int, analytic: np.ndarray, numeric: np.ndarray, out_shape: tuple[int, ...],
                along: bool = False) -> None:  # fmt: skip
        wrong = ~self.close(analytic, numeric)  # NaN is never close
        if not wrong.any():
            return
        excess = np.where(wrong, np.nan_to_num(np.abs(analytic - numeric), nan=np.inf), -1.0)
        row, column = (int(k) for k in np.unravel_index(np.argmax(excess), excess.shape))
        a, n = analytic[row, column], numeric[row, column]
        shape = self.inputs[i].array.shape
        place = "along a random direction" if along else _position(column, shape)
        raise GradcheckError(
            f"{self.what}: the derivative of {self.output_names[j]} {_position(row, out_shape)} with respect to "
            f"{self.input_names[i]} {place} is wrong: analytic {a:.9g}, numeric {n:.9g}, difference "
            f"{abs(a - n):.3g}, allowed {self.atol + self.rtol * abs(n):.3g}. {int(wrong.sum())} of {wrong.size} "
            f"entries are wrong{_pattern(analytic[wrong], numeric[wrong])}."
        )


def _unit_steps(x: np.ndarray, eps: float) -> Iterator[np.ndarray]:
    for k in range(x.size):
        step = np.zeros(x.shape, x.dtype)
        step.reshape(-1)[k] = eps
        yield step


def _random_steps(x: np.ndarray) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    for _ in range(PROJECTIONS):
        yield _direction(rng, x.shape).astype(x.dtype)


def _direction(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A random direction in which no element is small, so that no wrong element can hide."""
    return np.asarray(rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape))


def _position(k: Any, shape: tuple[int, ...]) -> str:
    if not shape:
        return "(a scalar)"
    return f"at [{', '.join(str(int(n)) for n in np.unravel_index(int(k), shape))}]"


def _pattern(analytic: np.ndarray, numeric: np.ndarray) -> str:
    """What the wrong entries have in common: usually the mistake itself."""
    if np.allclose(analytic, -numeric, rtol=1e-3):
        return ": the sign is turned around"
    if not analytic.any():
        return ": the gradient is zero there"
    if len(analytic) > 1 and numeric.all():
        ratios = analytic / numeric
        if np.allclose(ratios, ratios[0], rtol=1e-3):
            return f": analytic is {ratios[0]:.4g} times numeric in all of them"
    return ""
