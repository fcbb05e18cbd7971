"""A program as JSON, and back: no pickle, nothing evaluated, and every mistake in a document named.

::

    {"format": "wengert program", "version": 1, "made with": {"wengert": ..., "numpy": ...},
     "inputs": [{"name": "a0", "dtype": "float32", "shape": [3], "strides": [1], "label": "x"}],
     "constants": [{"name": "c0", ..., "values": [1.0, 2.0]}],
     "equations": [{"function": "np.add", "name": "add", "args": [{"var": "a0"}, {"var": "c0"}], "outs": [...]}],
     "writes": [["a0", "t0"]], "results": ["t0"]}

Strides and offsets count elements.  Functions are written by name (`names.py`).  In arguments, numbers, texts, lists
and null stand for themselves; whatever else there is has a tag: ``{"var": "t1"}``, ``{"tuple": [1, 2]}``.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from ..errors import CheckpointError, TapeError, WengertError
from ..op import Op
from .names import function_of, name_of, op_of, tuple_name, tuple_of
from .program import Equation, Program, Var
from .runtime import seen

FORMAT, VERSION = "wengert program", 1
FEW = 16  # elements of a constant that are listed
EFFECTS = (None, "check", "draw")


def to_json(program: Program) -> str:
    """The program as a JSON document, one equation per line.

    Raises TapeError if a function has no name that another process could find it by, such as a draw from a generator.

    >>> print(to_json(Program()).splitlines()[1])
    "format": "wengert program",
    """
    program.named()
    equations = [_equation(i, e) for i, e in enumerate(program.equations)]
    sections: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "made with": {"wengert": _version(), "numpy": np.__version__},
        "inputs": [{**_var(v), "label": program.labels.get(v, "")} for v in program.inputs],
        "constants": [{**_var(v), **_values(np.asarray(array))} for v, array in program.constants.items()],
        "equations": equations,
        "writes": [[target.name, value.name] for target, value in program.writes],
        "results": [v.name for v in program.results],
    }
    return "{\n" + ",\n".join(f'"{key}": {_lines(part)}' for key, part in sections.items()) + "\n}\n"


def written(x: Any) -> Any:
    """A value, such as an argument or a constant, as JSON; TapeError if it holds what JSON cannot."""
    return _write(x, "a program")


def read(x: Any) -> Any:
    """The value that `written` wrote; CheckpointError for anything else."""
    return _Reader({})._read(x)


def from_json(text: str) -> Program:
    """The program in a document that `to_json` wrote.

    Raises CheckpointError, which says where, if the document is damaged, foreign or asks for an unknown function.

    >>> from_json(to_json(Program()))
    <Program: 0 inputs, 0 equations, 0 writes>
    """
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, TypeError, RecursionError) as error:
        raise CheckpointError(f"program: the document is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise CheckpointError(f'program: the document is not a program: it has no "format": "{FORMAT}"')
    if document.get("version") != VERSION:
        raise CheckpointError(
            f"program: the document has version {document.get('version')!r}, and this Wengert reads version {VERSION}"
        )
    return _Reader(document).program()


# -- writing -----------------------------------------------------------------------------------------------------------


def _version() -> str:
    try:
        return version("wengert")
    except PackageNotFoundError:
        return "not installed"


def _lines(x: Any) -> str:
    if isinstance(x, list) and x and isinstance(x[0], dict):
        return "[\n " + ",\n ".join(json.dumps(part, allow_nan=False) for part in x) + "\n]"
    return json.dumps(x, allow_nan=False)


def _var(v: Var) -> dict[str, Any]:
    found = {"name": v.name, "dtype": v.dtype.name, "shape": list(v.shape), "strides": list(v.strides)}
    return found if v.root is v else {**found, "root": v.root.name, "offset": v.offset}


def _values(array: np.ndarray) -> dict[str, Any]:
    exact = array.dtype.kind in "biu" or (array.dtype.kind == "f" and array.dtype.itemsize <= 8)
    if array.size <= FEW and exact and np.isfinite(array).all():
        return {"values": array.ravel().tolist()}
    ordered = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return {"base64": base64.b64encode(ordered.tobytes()).decode()}


def _equation(i: int, e: Equation) -> dict[str, Any]:
    what = f"equation {i} ({e.name})"
    found: dict[str, Any] = {
        "function": _function(e.function, what),
        "name": e.name,
        "args": [_write(x, what) for x in e.args],
    }
    if e.kwargs:
        found["kwargs"] = {key: _write(x, what) for key, x in e.kwargs.items()}
    found["outs"] = [_var(v) for v in e.outs]
    more = {"view": e.view, "effect": e.effect, "several": e.several, "where": e.where}
    return found | {key: x for key, x in more.items() if x}


def _function(f: Any, what: str) -> str:
    name = name_of(f)
    if name is None:
        shown = getattr(f, "__qualname__", None) or repr(f)
        raise TapeError(f"program: {what} calls {shown}, which has no name that another process could find it by")
    return name


def _write(x: Any, what: str) -> Any:
    """An argument as JSON."""
    if x is None or type(x) in (bool, int, str):
        return x
    if type(x) is float:
        return x if math.isfinite(x) else {"float": repr(x)}
    if type(x) is list:
        return [_write(part, what) for part in x]
    if type(x) is complex:
        return {"complex": [repr(x.real), repr(x.imag)]}
    if isinstance(x, Var):
        return {"var": x.name}
    if type(x) is tuple:
        return {"tuple": [_write(part, what) for part in x]}
    if isinstance(x, tuple) and tuple_name(type(x)):
        return {"named": [tuple_name(type(x)), *(_write(part, what) for part in x)]}
    if isinstance(x, Op):
        return {"op": x.name}
    if type(x) is dict:
        return {"dict": [[_write(key, what), _write(part, what)] for key, part in x.items()]}
    if isinstance(x, slice):
        return {"slice": [_write(part, what) for part in (x.start, x.stop, x.step)]}
    if x is Ellipsis:
        return {"ellipsis": None}
    if isinstance(x, np.dtype) or (isinstance(x, type) and issubclass(x, np.generic)):
        return {"dtype": np.dtype(x).name}
    if isinstance(x, np.generic | np.ndarray):
        array = np.asarray(x)
        kind = "scalar" if isinstance(x, np.generic) else "array"
        return {kind: {"dtype": array.dtype.name, "shape": list(array.shape), **_values(array)}}
    if callable(x):
        return {"function": _function(x, what)}
    raise TapeError(f"program: {what} has an argument of type {type(x).__name__}, which JSON cannot hold")


# -- reading -----------------------------------------------------------------------------------------------------------


class _Reader:
    """A program from a document, piece by piece; `what` is the piece that is being read."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document, self.what = document, "the document"
        self.vars: dict[str, Var] = {}

    def program(self) -> Program:
        """All of it; CheckpointError says which piece is damaged."""
        program = Program()
        try:
            for i, part in enumerate(self._list(self.document, "inputs")):
                self.what = f"input {i}"
                v = self._var(part)
                program.inputs.append(v)
                program.labels[v] = self._of(part, "label", str)
            for i, part in enumerate(self._list(self.document, "constants")):
                self.what = f"constant {i}"
                v = self._var(part)
                program.constants[v] = self._laid(v, self._array(part))
            for i, part in enumerate(self._list(self.document, "equations")):
                self.what = f"equation {i}"
                program.equations.append(self._equation(part))
            self.what = "the writes"
            program.writes = [
                (self._known(pair[0]), self._known(pair[1])) for pair in self._list(self.document, "writes")
            ]
            self.what = "the results"
            program.results = [self._known(name) for name in self._list(self.document, "results")]
            return program.check()
        except CheckpointError:
            raise
        except (WengertError, KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, MemoryError,
                RecursionError) as error:  # fmt: skip
            raise CheckpointError(f"program: {self.what} is damaged: {error}") from None

    def _wrong(self, problem: str) -> CheckpointError:
        return CheckpointError(f"program: {self.what}: {problem}")

    def _of(self, part: Any, key: str, kind: type, default: Any = ...) -> Any:
        if not isinstance(part, dict):
            raise self._wrong(f"expected an object, got {type(part).__name__}")
        if key not in part and default is not ...:
            return default
        if key not in part:
            raise self._wrong(f"{key!r} is missing")
        if type(part[key]) is not kind:
            raise self._wrong(f"{key!r} should be a {kind.__name__}, and is {part[key]!r:.60}")
        return part[key]

    def _list(self, part: Any, key: str) -> list[Any]:
        found: list[Any] = self._of(part, key, list)
        return found

    def _ints(self, part: Any, key: str) -> tuple[int, ...]:
        found = self._list(part, key)
        if any(type(n) is not int for n in found):
            raise self._wrong(f"{key!r} should be integers, and is {found!r:.60}")
        return tuple(found)

    def _dtype(self, name: Any) -> np.dtype:
        try:
            dtype = np.dtype(name) if isinstance(name, str) else None
        except TypeError:
            dtype = None
        if dtype is None or dtype.hasobject or dtype.names or (dtype.kind not in "biufc" and dtype.name != "bfloat16"):
            raise self._wrong(f"{name!r:.60} is no type of numbers that is known here")
        return dtype

    def _known(self, name: Any) -> Var:
        if not isinstance(name, str) or name not in self.vars:
            raise self._wrong(f"there is no variable {name!r:.60} before it")
        return self.vars[name]

    def _var(self, part: Any) -> Var:
        name, shape = self._of(part, "name", str), self._ints(part, "shape")
        strides, dtype = self._ints(part, "strides"), self._dtype(self._of(part, "dtype", str))
        if name in self.vars:
            raise self._wrong(f"the variable {name!r} is defined a second time")
        if len(shape) != len(strides) or min(shape, default=0) < 0:
            raise self._wrong(f"shape {list(shape)} and strides {list(strides)} do not fit each other")
        root = self._known(part["root"]) if "root" in part else None
        v = Var(shape, dtype, strides, root, self._of(part, "offset", int, 0))
        if root is not None and v.size:
            (low, high), (first, last) = v.span, root.span
            if root.root is not root or v.offset + low < first or v.offset + high > last:
                raise self._wrong(f"the view {name!r} does not lie in {part['root']!r}")
        v.name = name
        self.vars[name] = v
        return v

    def _array(self, part: Any) -> np.ndarray:
        shape, dtype = self._ints(part, "shape"), self._dtype(self._of(part, "dtype", str))
        n = math.prod(shape)
        if "values" in part:
            values = self._list(part, "values")
            if len(values) != n or any(type(x) not in (bool, int, float) for x in values):
                raise self._wrong(f"{n} numbers were expected, and there are {len(values)}, or some are no numbers")
            return np.array(values, dtype).reshape(shape)
        try:
            data = base64.b64decode(self._of(part, "base64", str), validate=True)
        except (binascii.Error, ValueError) as error:
            raise self._wrong(f"its values are not base64: {error}") from None
        if len(data) != n * dtype.itemsize:
            raise self._wrong(f"{n * dtype.itemsize} bytes were expected, and there are {len(data)}")
        return np.frombuffer(data, dtype.newbyteorder("<")).astype(dtype).reshape(shape)

    def _laid(self, v: Var, values: np.ndarray) -> np.ndarray:
        """The values, in memory as the variable says."""
        low, high = v.span
        if not v.size:
            return values
        if high - low > max(1 << 24, 64 * v.size):
            raise self._wrong(f"strides {list(v.strides)} spread {v.size} elements over {high - low + 1}")
        memory = np.zeros(high - low + 1, v.dtype)
        array = seen(memory, -low, v.shape, v.strides)
        array[...] = values
        return array

    def _equation(self, part: Any) -> Equation:
        name = self._of(part, "name", str)
        self.what += f" ({name:.40})"
        args = tuple(self._read(x) for x in self._list(part, "args"))
        kwargs = {key: self._read(x) for key, x in self._of(part, "kwargs", dict, {}).items()}
        function, effect = self._function(part.get("function")), part.get("effect")
        if effect not in EFFECTS:
            raise self._wrong(f"the effect {effect!r:.40} is unknown; there are {EFFECTS}")
        view, several = self._of(part, "view", bool, False), self._of(part, "several", bool, False)
        outs = tuple(self._var(v) for v in self._list(part, "outs"))
        where = self._of(part, "where", str, "")
        return Equation(function, args, kwargs, outs, name, view, effect, several, where)

    def _function(self, name: Any) -> Callable[..., Any]:
        f = function_of(name) if isinstance(name, str) else None
        if f is None:
            raise self._wrong(
                f"there is no function {name!r:.80} here; is the package that declares it imported, and as new as the "
                "document?"
            )
        return f

    def _read(self, x: Any) -> Any:
        """An argument."""
        if x is None or type(x) in (bool, int, float, str):
            return x
        if isinstance(x, list):
            return [self._read(part) for part in x]
        if not isinstance(x, dict) or len(x) != 1:
            raise self._wrong(f"{x!r:.60} is no argument")
        ((tag, value),) = x.items()
        readers: dict[str, Callable[[Any], Any]] = {
            "var": self._known,
            "float": float,
            "complex": lambda p: complex(float(p[0]), float(p[1])),
            "tuple": lambda p: tuple(self._read(part) for part in p),
            "named": self._named,
            "op": self._op,
            "dict": lambda p: {self._read(key): self._read(part) for key, part in p},
            "slice": lambda p: slice(*(self._read(part) for part in p)),
            "ellipsis": lambda _: Ellipsis,
            "dtype": self._dtype,
            "scalar": lambda p: self._array(p)[()],
            "array": self._array,
            "function": self._function,
        }
        if tag not in readers:
            raise self._wrong(f"{tag!r:.40} is no kind of argument")
        return readers[tag](value)

    def _named(self, parts: list[Any]) -> Any:
        kind = tuple_of(parts[0]) if isinstance(parts[0], str) else None
        if kind is None:
            raise self._wrong(f"there is no class of tuples {parts[0]!r:.80} here")
        return kind(*(self._read(part) for part in parts[1:]))

    def _op(self, name: Any) -> Op:
        op = op_of(name)
        if op is None:
            raise self._wrong(f"there is no op {name!r:.80} here")
        return op
