"""What one call costs when there is next to nothing to compute: on 8 elements or 8 x 8.

Each operation without a graph, and recorded with its way back: ``sum(f(x))`` and ``backward``, less than which no
gradient costs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..case import Case, Work

_UNROLLED = {
    "wengert.compile": "a compiled loop would keep its last result alone",
    "torch.compile": "a compiled loop would keep its last result alone",
}
_OPERATIONS: dict[str, Callable[..., Any]] = {  # (library, vectors x and y, matrix m)
    "add": lambda t, x, y, m: x + y,
    "mul": lambda t, x, y, m: x * y,
    "exp": lambda t, x, y, m: t.exp(x),
    "relu": lambda t, x, y, m: t.relu(x),
    "softmax": lambda t, x, y, m: t.softmax(x, 0),
    "sum": lambda t, x, y, m: x.sum(),
    "max": lambda t, x, y, m: x.max(),
    "matmul": lambda t, x, y, m: m @ x,
    "reshape": lambda t, x, y, m: x.reshape(2, 4),
    "transpose": lambda t, x, y, m: m.transpose(0, 1) * 1.0,
    "index": lambda t, x, y, m: x[2:5],
    "cat": lambda t, x, y, m: t.cat([x, y]),
}


def _arrays() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape).astype(np.float32) for shape in ((8,), (8,), (8, 8))]


def build_plain(name: str, library: Any, toy: bool) -> Callable[[], Any]:
    """The operation 100 times, nothing recorded."""
    torch, operation, repeats = library.torch, _OPERATIONS[name], range(2 if toy else 100)
    x, y, m = map(torch.from_numpy, _arrays())

    def step() -> Any:
        for _ in repeats:
            z = operation(torch, x, y, m)
        return z

    return step


def build_back(name: str, library: Any, toy: bool) -> Callable[[], Any]:
    """The operation, a sum and the way back 50 times."""
    torch, operation, repeats = library.torch, _OPERATIONS[name], range(2 if toy else 50)
    leaves = x, y, m = [torch.from_numpy(a).requires_grad_() for a in _arrays()]

    def step() -> Any:
        for _ in repeats:
            z = operation(torch, x, y, m).sum()
            z.backward()
            for leaf in leaves:
                leaf.grad = None
        return z

    return step


def build_add(library: Any, toy: bool) -> Callable[[], Any]:
    """1000 times ``a + b``."""
    a, b = (library.torch.ones(8).requires_grad_() for _ in range(2))
    repeats = range(10 if toy else 1000)

    def step() -> Any:
        for _ in repeats:
            c = a + b
        return c.sum()

    return step


def build_chain(library: Any, toy: bool) -> Callable[[], Any]:
    """x <- x * b + a, fifty times, and back."""
    a, b = (library.torch.full((8,), value).requires_grad_() for value in (0.25, 0.5))

    def run(a: Any, b: Any) -> Any:
        x = a
        for _ in range(5 if toy else 50):
            x = x * b + a
        return x.sum()

    forward = library.compile(run)

    def step() -> Any:
        a.grad = b.grad = None
        loss = forward(a, b)
        loss.backward()
        return loss

    return step


def _numpy(operation: Callable[[Any, Any], Any]) -> Callable[..., Callable[[], Any]]:
    def build(weights: Any, toy: bool) -> Callable[[], Any]:
        x, y, _ = _arrays()

        def step() -> Any:
            for _ in range(2 if toy else 100):
                z = operation(x, y)
            return z

        return step

    return build


def _cases(name: str) -> list[Case]:
    shown = "a matrix times a vector" if name == "matmul" else name
    own = {"add": {"numpy": _numpy(np.add)}, "mul": {"numpy": _numpy(np.multiply)}}.get(name, {})
    return [
        Case(f"call-{name}", f"{shown}, no graph", "call", partial(build_plain, name), own, Work(calls=100),
             without=_UNROLLED),
        Case(f"call-{name}-back", f"{shown}, a sum and backward", "call", partial(build_back, name),
             work=Work(calls=50), without=_UNROLLED),
    ]  # fmt: skip


CASES = [
    Case("add", "an addition of two 8-element tensors, recorded", "call", build_add, work=Work(calls=1000),
         without=_UNROLLED),
    Case("chain", "an operation in a chain of 100 on 8 elements, forward and backward", "call", build_chain,
         work=Work(calls=100)),
    *(case for name in _OPERATIONS for case in _cases(name)),
]  # fmt: skip
