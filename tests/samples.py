"""Samples of the declared ops, and finite differences to hold their formulas against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd
from autograd.op import Op
from autograd.tensor import Tensor, wrap
from autograd.threads import get_num_threads, set_num_threads

EPS = 1e-5  # central differences: truncation EPS^2 against rounding 1e-16/EPS, both near 1e-10


@dataclass
class Sample:
    """One call of an op."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __str__(self) -> str:
        shown = [str(x.shape) if isinstance(x, np.ndarray) else repr(x) for x in self.args]
        return ", ".join(shown + [f"{k}={v!r}" for k, v in self.kwargs.items()])


def case(*args: Any, **kwargs: Any) -> Sample:
    return Sample(args, kwargs)


class Draw:
    """Reproducible float64 arrays from an op's domain, away from the kinks at multiples of a half."""

    def __init__(self, op: Op) -> None:
        self.low, self.high = op.domain
        self.rng = np.random.default_rng(sum(map(ord, op.name)))

    def __call__(self, *shape: int) -> np.ndarray:
        x = self.rng.uniform(self.low, self.high, shape)
        offset = x * 2 - np.round(x * 2)
        moved = np.asarray(x + np.where(np.abs(offset) < 0.05, np.where(offset < 0, -0.06, 0.06), 0))
        return np.asarray(np.clip(moved, self.low, self.high))


def samples_of(op: Op) -> list[Sample]:
    """The declared samples; for an elementwise op without parameters, those that its form implies."""
    draw = Draw(op)
    declared = [sample for declare in op.samples for sample in declare(draw, case)]
    if declared or not op.elementwise:
        return declared
    if len(op.inputs) == 1:
        return [case(draw(*shape)) for shape in ((), (3,), (2, 3), (0, 2))]
    shapes = [((), ()), ((3,), (3,)), ((3, 1), (4,)), ((2, 1, 3), (4, 1)), ((0, 2), (1, 2)), ((2, 3), ())]
    return [case(*(draw(*shape) for shape in (pair * len(op.inputs))[: len(op.inputs)])) for pair in shapes]


def error_samples_of(op: Op) -> list[Sample]:
    return [sample for declare in op.error_samples for sample in declare(Draw(op), case)]


def leaves(sample: Sample, dtype: Any = np.float64) -> list[Tensor]:
    """A leaf for every float array among the arguments, also inside sequences."""
    return [t for t in _walk(as_tensors(sample, dtype).args) if t.requires_grad]


def as_tensors(sample: Sample, dtype: Any = np.float64, strided: bool = False) -> Sample:
    """The sample with its arrays as tensors: floats as leaves, everything else as constants."""

    def convert(x: Any) -> Any:
        if isinstance(x, np.ndarray):
            array = x.astype(dtype) if x.dtype.kind == "f" else x.copy()
            if strided and array.ndim:
                array = np.repeat(array, 2, axis=-1)[..., ::2]  # every other element of a larger array
            tensor = wrap(array)
            return tensor.requires_grad_() if array.dtype.kind == "f" else tensor
        if isinstance(x, list | tuple) and any(isinstance(y, np.ndarray) and y.dtype.kind == "f" for y in x):
            return type(x)(convert(y) for y in x)  # a sequence of tensors, not the arrays of an index
        return x

    return Sample(tuple(convert(x) for x in sample.args), {k: convert(v) for k, v in sample.kwargs.items()})


def _walk(values: Any) -> Iterator[Tensor]:
    for x in values:
        if isinstance(x, Tensor):
            yield x
        elif isinstance(x, list | tuple):
            yield from _walk(x)


def tensors_in(sample: Sample) -> list[Tensor]:
    return [*_walk(sample.args), *_walk(sample.kwargs.values())]


def outputs(result: Any) -> list[Tensor]:
    """The differentiable outputs of a call."""
    found = [result] if isinstance(result, Tensor) else list(_walk(result))
    return [t for t in found if t.dtype.kind == "f"]


def scalar_of(call: Callable[..., Any], sample: Sample) -> Tensor:
    """A weighted sum of all outputs: one number whose gradient feels every element of every output."""
    total: Any = 0.0
    for k, out in enumerate(outputs(call(*sample.args, **sample.kwargs))):
        weights = np.cos(1.0 + k + np.arange(out.array.size)).reshape(out.array.shape)
        total = total + (out * wrap(weights.astype(out.array.dtype))).sum()
    return total


def numeric_gradient(f: Callable[[], float], x: np.ndarray) -> np.ndarray:
    """df/dx by central differences, one element at a time; `f` reads `x`, which is put back."""
    g = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        before = x[index]
        x[index] = before + EPS
        high = f()
        x[index] = before - EPS
        low = f()
        x[index] = before
        g[index] = (high - low) / (2 * EPS)
    return g


def gradients(
    call: Callable[..., Any], sample: Sample, create_graph: bool = False
) -> tuple[list[Tensor], list[Tensor]]:
    """The leaves of `sample`, and dL/d(leaf) of its weighted sum."""
    inputs = [t for t in tensors_in(sample) if t.requires_grad]
    total = scalar_of(call, sample)
    if not isinstance(total, Tensor) or total.node is None:
        return inputs, [autograd.zeros_like(x) for x in inputs]
    return inputs, list(autograd.grad(total, inputs, create_graph=create_graph, materialize_grads=True))


class Cube(autograd.Function):
    """x³, written by a user."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return g * 3 * x * x


def same_bits(work: Callable[[], list[np.ndarray]], many: tuple[int, ...] = (2, 4)) -> None:
    """Asserts that `work` gives the same bits on so many threads as on one."""
    before, found = get_num_threads(), {}
    try:
        for threads in (1, *many):
            set_num_threads(threads)
            found[threads] = work()
    finally:
        set_num_threads(before)
    for threads in many:
        for one, other in zip(found[1], found[threads], strict=True):
            np.testing.assert_array_equal(one, other)
