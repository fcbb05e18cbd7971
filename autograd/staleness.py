"""When what a node saved can no longer be trusted, and how to say so."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import TapeError
from .tape import Node
from .writes import writes


class Freed:
    """What `saved` holds once a backward pass has used it up; of small tensors a drawing may still look at `was`."""

    __slots__ = ("was",)

    def __init__(self, was: Any) -> None:
        self.was = was

    def recall(self, node: Node) -> Any:
        """The values that `node` saved, if they can be had again; an error here, for they cannot."""
        raise freed(node)


FREED = Freed(None)


def freed(node: Node) -> TapeError:
    """A second pass over a tape that the first has used up."""
    return TapeError(
        f"backward reached `{node.name}` ({node.location()}), whose saved values were freed by an earlier backward "
        "pass. Pass retain_graph=True to that earlier call, or compute the result again."
    )


def check_not_overwritten(node: Node) -> None:
    """A formula must see the values of the forward pass."""
    for kept in node.saved or ():
        for array in kept if type(kept) is tuple else (kept,):
            if isinstance(array, np.ndarray):
                stamp, by = writes.of(array)
                if stamp > node.stamp:
                    raise TapeError(
                        f"`{node.name}`, recorded at {node.location()}{_inside(node)}, needs an array of shape "
                        f"{array.shape} for its derivative, but {by} has written into it since. Write out of place "
                        "(x = x + y instead of x += y), or write into a copy: x.clone()."
                    )


def _inside(node: Node) -> str:
    path = node.scope.path()
    return f" inside {' > '.join(path)}" if path else ""
