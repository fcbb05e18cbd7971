"""``wengert show``: from an expression, or a name in a file, to its drawing."""

from __future__ import annotations

import ast
import math
import re
import runpy
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import autograd

from ..errors import ArgumentError, WengertError
from ..tensor import Tensor, wrap
from .drawing import Drawing, drawing_of

_FILE = re.compile(r"(?P<path>.+\.py)(?::(?P<name>.*))?")
_CONSTANTS = {"pi": math.pi, "inf": math.inf, "nan": math.nan, "np": np, "range": range, "len": len, "slice": slice}


def show(what: str, *, input_shape: Sequence[int] | None = None) -> Drawing:
    """The drawing of an expression, or of NAME in ``FILE.py:NAME``.

    In an expression, functions are autograd's, and names that are not called become leaves: 2.0, 3.0, ... in the
    order in which they appear.  A result of one element is differentiated.  NAME is a Tensor, a function without
    arguments that returns one, or a Module: it is called with its `example_input`, or with standard normal numbers
    of `input_shape`.

    Raises ArgumentError for anything that cannot be drawn.

    >>> from autograd.draw.show import show
    >>> print(show("x * y + x"))
    x  = leaf     () float32   = 0.5     grad 1.75
    y  = leaf     () float32   = 0.75    grad 0.5
    v3 = x × y    () float32   = 0.375   grad 1.0
    v4 = v3 + x   () float32   = 0.875   grad 1.0
    """
    file = _FILE.fullmatch(what.strip())
    if file:
        return _of_file(Path(file["path"]), file["name"] or "", input_shape)
    if input_shape is not None:
        raise ArgumentError("--input-shape is for a model in a file (FILE.py:NAME); the names in an expression are "
                            "scalars")  # fmt: skip
    return _of_expression(what.strip())


# ---------------------------------------------------------------------------------------------------------------------
# Expressions.


def _of_expression(source: str) -> Drawing:
    try:
        tree = ast.parse(source, "<expression>", mode="eval")
    except (SyntaxError, ValueError) as error:
        where = f" at column {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
        raise ArgumentError(f"{source!r} is not a Python expression{where}; write, say, 'tanh(x * w + b)'") from None
    known = _vocabulary()
    leaves: dict[str, Any] = {}
    for name in _free_names(tree, known):
        leaves[name] = autograd.tensor(0.5 + 0.25 * len(leaves), requires_grad=True)  # small: few functions saturate
    try:
        result = eval(compile(tree, "<expression>", "eval"), {"__builtins__": {}, **known, **leaves})
    except WengertError:
        raise
    except Exception as error:
        raise ArgumentError(f"{source!r} cannot be evaluated: {_reason(error)}") from None
    tensors = _tensors(result)
    if tensors is None:
        raise ArgumentError(
            f"{source!r} gives {type(result).__name__}, not a Tensor: nothing to draw. A name, such as x, makes a leaf"
        )
    if not any(t.requires_grad for t in tensors):
        raise ArgumentError(f"nothing in {source!r} is recorded: no variable reaches the result through an operation")
    for t in tensors:
        if t.requires_grad and t.array.size == 1:
            t.backward(retain_graph=True)  # the results may share a tape
    return drawing_of([t for t in tensors if t.requires_grad], [leaves])


def _vocabulary() -> dict[str, Any]:
    """What an expression may use: autograd's functions and element types, and a few constants."""
    public = {name: value for name, value in vars(autograd).items()
              if not name.startswith("_") and not isinstance(value, ModuleType)}  # fmt: skip
    return {**_CONSTANTS, **public, "autograd": autograd}


def _free_names(tree: ast.Expression, known: Mapping[str, Any]) -> list[str]:
    """Names that stand for data, in the order of the source.

    A function's name stands for data where it is not called: in ``t * 2``, t is a variable, though autograd has a
    function t.
    """
    functions = {id(node.func): node.func.id for node in ast.walk(tree)
                 if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}  # fmt: skip
    bound = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
    for name in functions.values():
        if name not in known and name not in bound:
            raise ArgumentError(f"{name}() is not a function of autograd{_like(name, known)}")
    free: dict[str, None] = {}
    for node in sorted(names, key=lambda node: (node.lineno, node.col_offset)):
        usable = node.id in known and (not callable(known[node.id]) or isinstance(known[node.id], type))
        if id(node) not in functions and node.id not in bound and not usable:
            free[node.id] = None
    both = [name for name in functions.values() if name in free]
    if both:
        raise ArgumentError(f"{both[0]} is used both as a function and as a variable; rename the variable")
    return list(free)


def _like(name: str, known: Mapping[str, Any]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, [k for k, v in known.items() if callable(v)], 1)
    return f"; did you mean {close[0]}()?" if close else ""


# ---------------------------------------------------------------------------------------------------------------------
# Files.


def _of_file(path: Path, name: str, shape: Sequence[int] | None) -> Drawing:
    if not path.is_file():
        raise ArgumentError(f"no file {str(path)!r}; expected FILE.py:NAME or an expression")
    space = _run(path)
    if not name.isidentifier() or name not in space:
        found = [n for n, value in space.items() if not n.startswith("_") and _drawable(value)]
        asked = f"has no {name!r}" if name else "is a file: add what to draw, FILE.py:NAME"
        raise ArgumentError(f"{path} {asked}; it has: {', '.join(found) or 'nothing to draw'}")
    thing, module = space[name], None
    if _is_module(thing):
        module, result = thing, _call_module(name, thing, shape)
    elif isinstance(thing, Tensor) or not callable(thing):
        result = thing
    else:
        result = _guarded(f"{name}()", thing)
    tensors = _tensors(result)
    if tensors is None:
        raise ArgumentError(f"{name} is a {type(result).__name__}; expected a Tensor, a Module, or a function without "
                            "arguments that returns a Tensor")  # fmt: skip
    recorded = [t for t in tensors if t.requires_grad]  # an LSTM's state, say, may not be
    return drawing_of(recorded or tensors, [space], module=module)


def _run(path: Path) -> dict[str, Any]:
    """The names that a script defines; it finds its neighbours as if it were run."""
    sys.path.insert(0, str(path.resolve().parent))
    try:
        return _guarded(str(path), runpy.run_path, str(path), run_name="__show__")
    finally:
        sys.path.pop(0)


def _call_module(name: str, module: Any, shape: Sequence[int] | None) -> Any:
    if shape is not None:
        noise = np.random.default_rng(0).standard_normal(tuple(shape))
        return _guarded(f"{name}(input of shape {tuple(shape)})", module, wrap(noise.astype(np.float32)))
    example = getattr(module, "example_input", None)
    if not isinstance(example, Tensor):
        raise ArgumentError(f"{name} is a Module and needs an input: pass --input-shape, for one image say "
                            f"--input-shape 1 1 28 28, or set {name}.example_input to a Tensor")  # fmt: skip
    return _guarded(f"{name}({name}.example_input)", module, example)


def _guarded(what: str, function: Any, *args: Any, **kwargs: Any) -> Any:
    """Call the user's code; what it raises becomes one line."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        raise ArgumentError(f"{what} failed: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, WengertError) else f"{type(error).__name__}: {error}"


def _tensors(result: Any) -> list[Tensor] | None:
    """The tensors of a result, which may be a tuple (of tuples, as an LSTM returns); None if there are none."""
    if isinstance(result, Tensor):
        return [result]
    if not isinstance(result, tuple | list):
        return None
    found = [t for part in result for t in _tensors(part) or ()]
    return found or None


def _is_module(thing: Any) -> bool:
    return not isinstance(thing, type) and callable(thing) and hasattr(type(thing), "named_parameters")


def _drawable(value: Any) -> bool:
    return isinstance(value, Tensor) or _is_module(value) or type(value).__name__ == "function"
