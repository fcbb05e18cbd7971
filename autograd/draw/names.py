"""What to call the tensors of a drawing: the names that the user's program gives them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..errors import ArgumentError
from ..tape import LEAF, Tape
from ..tensor import Tensor

MANY = 100  # containers longer than this are not searched for names


class Names:
    """A name for each node that has one, and for arrays that enter the tape as constants.

    Names may come from `names=`, from a module's parameters and from the caller's variables, in this order of
    precedence: the first name that reaches a tensor stays, and no name is given twice.
    """

    def __init__(self) -> None:
        self._of: dict[int, str] = {}
        self._kept: list[Any] = []  # keys are ids, so what they belong to must not die meanwhile
        self._taken: set[str] = set()

    def of(self, thing: Any) -> str | None:
        """The name of a node or of an array."""
        return self._of.get(id(thing))

    def free(self, name: str) -> bool:
        """Whether nothing is called `name` yet."""
        return name not in self._taken

    def add(self, pairs: Iterable[tuple[str, Tensor]]) -> None:
        """Take over names for tensors that have none."""
        for name, tensor in pairs:
            thing = tensor.array if tensor.node is None else tensor.node
            if name not in self._taken and id(thing) not in self._of:
                self._of[id(thing)] = name
                self._kept.append(thing)
            self._taken.add(name)


def find_names(tape: Tape, given: Any, module: Any, variables: Iterable[Mapping[str, Any]]) -> Names:
    """Names from `names=`, then from `module`, then from the caller's variables, innermost first."""
    names = Names()
    if given is not None:
        names.add(_given(tape, given))
    if module is not None:
        if not _is_module(module):
            raise ArgumentError(f"module: expected an nn.Module, got {type(module).__name__}")
        names.add(module.named_parameters())
    for space in variables:
        names.add(_variables(space))
    return names


def _given(tape: Tape, names: Any) -> Iterator[tuple[str, Tensor]]:
    """Pairs from a dict name -> tensor, or from a sequence that names the leaves in the order of their making."""
    if isinstance(names, Mapping):
        for name, tensor in names.items():
            if not isinstance(name, str) or not isinstance(tensor, Tensor):
                raise ArgumentError(
                    f'names: expected {{"name": tensor}}, got {type(name).__name__}: {type(tensor).__name__}'
                )
            yield name, tensor
        return
    leaves = [node for node in tape if node.op is LEAF]
    if isinstance(names, str) or not isinstance(names, Sequence) or not all(isinstance(n, str) for n in names):
        raise ArgumentError(f'names: expected a dict {{"name": tensor}} or a sequence of strings, got {names!r:.60}')
    if len(names) != len(leaves):
        raise ArgumentError(
            f"names: the tape has {len(leaves)} leaves, but {len(names)} names were given; a sequence names all "
            'leaves, oldest first; a dict {"name": tensor} names some'
        )
    for name, leaf in zip(names, leaves):
        tensor = leaf.tensor()  # type: ignore[attr-defined]
        if tensor is not None:
            yield name, tensor


def _variables(space: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
    """Tensors among variables; then those in lists, dicts and modules.  Private names are skipped (IPython's too)."""
    public = [(name, value) for name, value in space.items() if not name.startswith("_")]
    yield from ((name, value) for name, value in public if isinstance(value, Tensor))
    for name, value in public:
        if isinstance(value, list | tuple) and len(value) <= MANY:
            yield from ((f"{name}[{i}]", x) for i, x in enumerate(value) if isinstance(x, Tensor))
        elif type(value) is dict and len(value) <= MANY and name != "Out":
            yield from ((f"{name}[{key!r}]", x) for key, x in value.items() if isinstance(x, Tensor))
        elif _is_module(value):
            yield from ((f"{name}.{path}", x) for path, x in value.named_parameters())


def _is_module(value: Any) -> bool:
    """Known by what it can do, for this package does not import `nn`."""
    return not isinstance(value, type) and callable(getattr(type(value), "named_parameters", None))
