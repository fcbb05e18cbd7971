"""One run of a function on variables of its own: what all transforms begin with.

The variables are new leaves, or, for arguments that are themselves on a tape, identities behind them, so that an outer
derivative passes through an inner one.  Whatever was recorded before the run, or has to do with it, is older than the
run's first stamp: a tape that reaches back beyond it belongs to an outer derivative too.  If none does, the results
leave no tape behind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import ArgumentError, ShapeError
from ..forward import pull
from ..pytree import Tree, flatten, tree_map
from ..recording import enable_grad, is_grad_enabled
from ..tape import Tape, next_stamp
from ..tensor import Tensor
from ..where import machinery

machinery(__name__)


class Run:
    """``func(*args)``, recorded from the tensors in the arguments at `places`."""

    def __init__(self, name: str, func: Callable[..., Any], args: Sequence[Any], places: Sequence[int],
                 kwargs: dict[str, Any], has_aux: bool) -> None:  # fmt: skip
        self.name, self.wanted = name, is_grad_enabled()
        self.first = next_stamp()
        self.inputs: list[Tensor] = []
        self.trees: list[Tree] = []  # one for each place
        given = list(args)
        with enable_grad():
            for i in places:
                leaves, tree = flatten(given[i])
                variables = [self.variable(leaf) for leaf in leaves]
                self.inputs += variables
                self.trees.append(tree)
                given[i] = tree.build(variables)
            result = func(*given, **kwargs)
        self.aux: Any = None
        if has_aux:
            if not isinstance(result, tuple) or len(result) != 2:
                raise ArgumentError(f"{name}: with has_aux=True func must return a pair (output, aux)")
            result, self.aux = result[0], tree_map(self.released, result[1])
        self.result = result
        self.outputs, self.tree = flatten(result)
        self.outside = self.wanted and any(map(self.reaches_back, self.outputs))

    def variable(self, x: Any) -> Tensor:
        """What stands for the argument `x` in the run."""
        if not isinstance(x, Tensor):
            raise ArgumentError(
                f"{self.name}: func is differentiated by arguments that must be Tensors, got {type(x).__name__}; leave "
                "others out of argnums, or close over them"
            )
        return x.view_as(x) if self.wanted and x.node is not None else x.detach().requires_grad_()

    def reaches_back(self, t: Any) -> bool:
        """Whether the tape of `t` began before this run."""
        return isinstance(t, Tensor) and t.node is not None and Tape.of(t).nodes[0].stamp < self.first

    def released(self, t: Any) -> Any:
        """`t` for the caller: on the tape only where an outer derivative needs that."""
        if not isinstance(t, Tensor) or (self.wanted and self.reaches_back(t)):
            return t
        return t.detach()

    def value(self) -> Any:
        """What func returned."""
        return self.tree.build([self.released(y) for y in self.outputs])

    def check_tensors(self) -> None:
        """Raise ArgumentError unless func returned tensors only."""
        for y in self.outputs:
            if not isinstance(y, Tensor):
                raise ArgumentError(f"{self.name}: func must return only Tensors, got {type(y).__name__}")

    def leaves_of(self, x: Any, tree: Tree, like: Sequence[Tensor], what: str, of: str) -> list[Tensor]:
        """The tensors in `x`, which must be as those in `like`, in a nest like `tree`."""
        found = tree.spread(x, whole=True)
        if found is None:
            raise ArgumentError(f"{self.name}: {what} must have the structure of {of}, {tree}, got {flatten(x)[1]}")
        for i, (t, y) in enumerate(zip(found, like)):
            if not isinstance(t, Tensor):
                raise ArgumentError(f"{self.name}: {what} must be Tensors, got {type(t).__name__}")
            if t.shape != y.shape:
                raise ShapeError(f"{self.name}: {what} {i} has shape {list(t.shape)}, {of} {list(y.shape)}")
        return found

    def pulled(self, cotangents: Sequence[Tensor], create_graph: bool | None = None) -> list[Tensor]:
        """uᵀJ for each input; zeros where there is no dependence."""
        outside = self.outside or any(map(on_tape, cotangents))
        record = is_grad_enabled() and outside if create_graph is None else create_graph
        found = pull(self.outputs, self.inputs, cotangents, record)
        return self.finished(found, self.inputs, record)

    def finished(self, found: Sequence[Tensor | None], like: Sequence[Tensor], record: bool) -> list[Tensor]:
        """Derivatives, with zeros for what is missing."""
        return [x.new_zeros(x.shape) if t is None else t if record else t.detach() for t, x in zip(found, like)]


def on_tape(t: Tensor) -> bool:
    """Whether it was computed from, or is, what requires grad."""
    return t.node is not None


def positions(argnums: Any, n: int, name: str) -> tuple[int, ...]:
    """The places that `argnums` mean, of `n` arguments."""
    every = argnums if isinstance(argnums, tuple) else (argnums,)
    if not every or not all(isinstance(i, int) and not isinstance(i, bool) for i in every):
        raise ArgumentError(f"{name}: argnums must be an int or a tuple of at least one, got {argnums!r}")
    for i in every:
        if not -n <= i < n:
            raise ArgumentError(f"{name}: argnums says {i}, but there are {n} positional arguments")
    found = tuple(i % n for i in every)
    if len(set(found)) < len(found):
        raise ArgumentError(f"{name}: argnums must be different, got {argnums}")
    return found
