"""`draw`: a tape to look at."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import ArgumentError, TapeError, WengertError
from ..tape import Tape
from ..tensor import Tensor
from .dot import LARGE, to_dot
from .graph import Graph, graph_of
from .names import find_names
from .render import HINT, NoRenderer, render
from .text import to_text

DIRECTIONS = (None, "LR", "TB")


class Drawing:
    """A tape as it was when `draw` was called: as text, DOT, SVG or PNG.  A notebook shows it by itself."""

    def __init__(self, graph: Graph, *, direction: str | None = None, max_nodes: int = 500) -> None:
        self.graph, self.direction, self.max_nodes = graph, direction, max_nodes

    def text(self) -> str:
        """Wengert's list: one line for each value."""
        return to_text(self.graph)

    __str__ = text

    def __repr__(self) -> str:
        return f"<Drawing of {len(self.graph.lines)} lines; print it, or .save('tape.svg')>"

    def dot(self) -> str:
        """The picture in Graphviz's language."""
        return self._dot

    @cached_property
    def _dot(self) -> str:
        return to_dot(self.graph, self.direction, self.max_nodes)

    def svg(self) -> str:
        """The picture as SVG; needs a renderer (`NoRenderer` says how to get one)."""
        return self._svg

    @cached_property
    def _svg(self) -> str:
        return render(self._dot, "svg").decode()

    def png(self, dpi: int | None = None) -> bytes:
        """The picture as PNG, at 144 dots per inch, or 72 if it is large; needs a renderer."""
        return render(self._dot, "png", dpi or (72 if len(self.graph.lines) > LARGE else 144))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the drawing in the form that the suffix names: .svg, .png, .dot or .txt.  All of it or nothing."""
        path = Path(path)
        forms: dict[str, Callable[[], str | bytes]] = {
            ".svg": self.svg,
            ".png": self.png,
            ".dot": self.dot,
            ".gv": self.dot,
            ".txt": self.text,
        }
        form = forms.get(path.suffix.lower())
        if form is None:
            raise ArgumentError(f"path: expected a name ending in .svg, .png, .dot or .txt, got {str(path)!r}")
        content = form()
        _write(path, content if isinstance(content, bytes) else (content.rstrip("\n") + "\n").encode())
        return path

    # -- notebooks -----------------------------------------------------------------------------------------------------

    def _repr_svg_(self) -> str | None:
        try:
            return self.svg()
        except WengertError:
            return None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        try:
            return {"image/svg+xml": self.svg(), "text/plain": self.text()}
        except NoRenderer:
            return {"text/plain": f"{self.text()}\n\n{HINT}"}
        except WengertError as error:
            return {"text/plain": f"{self.text()}\n\n{error}"}


def draw(tensor: Tensor | Sequence[Tensor], names: Any = None, *, module: Any = None, direction: str | None = None,
         max_nodes: int = 500) -> Drawing:  # fmt: skip
    """Draw the tape that leads to `tensor` (or to several): leaves, constants, ops, values, gradients, modules.

    `names` is a dict ``{"name": tensor}`` or one name per leaf, oldest first; further names come from the parameters
    of `module` and from the caller's variables.  Values of up to 16 elements are shown, and after a backward pass
    their gradients.  `direction` is ``"LR"`` or ``"TB"``; by default large pictures run from top to bottom.  A
    picture of more than `max_nodes` boxes is drawn with its modules folded.

    Raises TapeError if the tensor is not on a tape.

    >>> import autograd
    >>> from autograd.draw import draw
    >>> x = autograd.tensor(2.0, requires_grad=True)
    >>> y = x * x
    >>> y.backward()
    >>> print(draw(y))
    x = leaf    () float32   = 2.0   grad 4.0
    y = x × x   () float32   = 4.0   grad 1.0

    Wengert (1964), "A simple automatic derivative evaluation program": the list.
    """
    frame = sys._getframe(1)
    return drawing_of(tensor, (frame.f_locals, frame.f_globals), names, module, direction, max_nodes)


def drawing_of(tensor: Any, variables: Iterable[Mapping[str, Any]], names: Any = None, module: Any = None,
               direction: str | None = None, max_nodes: int = 500) -> Drawing:  # fmt: skip
    """`draw`, with the variables to look names up in given."""
    if direction not in DIRECTIONS:
        raise ArgumentError(f"direction: expected 'LR' (left to right) or 'TB' (top to bottom), got {direction!r}")
    if not isinstance(max_nodes, int) or max_nodes < 1:
        raise ArgumentError(f"max_nodes: expected a positive integer, got {max_nodes!r}")
    tensors = (tensor,) if isinstance(tensor, Tensor) else tensor
    if not isinstance(tensors, Sequence) or not tensors or not all(isinstance(t, Tensor) for t in tensors):
        raise ArgumentError(f"tensor: expected a Tensor or a sequence of Tensors, got {type(tensor).__name__}")
    nodes = []
    for t in tensors:
        if t.node is None:
            raise TapeError(
                f"draw: the tensor of shape {tuple(t.shape)} is not on a tape, so nothing is known of how it was made. "
                "Call requires_grad_() on an input before computing it, outside no_grad()."
            )
        nodes.append(t.node)
    tape = Tape.of(*tensors)
    graph = graph_of(tape, tuple(nodes), find_names(tape, names, module, variables))
    return Drawing(graph, direction=direction, max_nodes=max_nodes)


def _write(path: Path, content: bytes) -> None:
    """Write beside `path`, then rename: a reader sees the old file or the new one."""
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(part, 0o666 & ~mask)  # mkstemp is private; the file is not
        os.replace(part, path)
    except BaseException:
        os.unlink(part)
        raise
