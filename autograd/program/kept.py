"""What passes and emission made of a recording, kept beside the program, so that no later process does it again.

A recording is looked up by a hash of its text: equations with the names of their functions (`names.py`), the types of
all variables, and of constants what passes look at.  One with a function of the user's has no such text, for nothing
says when its source changes; it is made anew in each process.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import WengertError
from . import cache
from .build import Built, Interpreted, built
from .document import read, written
from .emit import Emitted
from .names import name_of, tuple_name, tuple_of
from .passes import is_plain, optimised, split
from .program import Program, Var


@dataclass(eq=False)
class Part:
    """A program that runs: its inputs, the numbers of those that it writes, and its function."""

    inputs: list[Var]
    targets: list[int]
    run: Built | Interpreted


@dataclass(eq=False)
class Parts:
    """The forward program, that of the derivative, and where among its inputs the last results of the first go."""

    forward: Part
    backward: Part | None = None
    places: tuple[int | None, ...] = ()


def parts_of(recorded: Program, forward: int, derivative: bool, moving: set[Var], dynamic: bool) -> Parts:
    """The programs that run a recording, whose first `forward` results are the function's own.

    They come from the disk if a process has made them before.
    """
    key = _key(recorded, forward, derivative, moving, dynamic)
    found = None if key is None else _found(key, recorded)
    if found is not None:
        return found
    programs = divided(recorded, forward, derivative)
    made = Parts(_built(programs[0], moving, dynamic))
    if programs[1] is not None:
        inputs = programs[1].inputs
        places = tuple(inputs.index(v) if v in inputs else None for v in programs[2])
        made = Parts(made.forward, _built(programs[1], set(inputs), dynamic), places)
    if key is not None:
        _keep(key, recorded, made, programs)
    return made


def divided(recorded: Program, forward: int, derivative: bool) -> tuple[Program, Program | None, list[Var]]:
    """The programs of both parts after all passes, and what the second takes from the first."""
    program = optimised(recorded)
    return split(program, forward) if derivative else (program, None, [])


def _built(program: Program, moving: set[Var], dynamic: bool) -> Part:
    targets = [program.inputs.index(target) for target, _ in program.writes]
    return Part(program.inputs, targets, built(program, moving & set(program.inputs), dynamic))


# -- the text of a recording -------------------------------------------------------------------------------------------


class _Unnamed(Exception):
    """There is something in a recording that has no name in other processes."""


def _key(recorded: Program, forward: int, derivative: bool, moving: set[Var], dynamic: bool) -> str | None:
    try:
        lines = [repr((forward, derivative, dynamic)), *_Text(recorded, moving).lines()]
        engine = _engine()
    except (_Unnamed, ImportError):  # or there is no Numba: it is interpreted, and nothing is kept
        return None
    return hashlib.sha256(engine + "\n".join(lines).encode()).hexdigest()[:20]


@functools.cache
def _engine() -> bytes:
    """A hash of all that passes and emission depend on: ops and formulas, too."""
    digest = hashlib.sha256(cache.meaning())
    for source in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.digest()


class _Text:
    """A recording line by line: two have the same only if the same is made of them."""

    def __init__(self, program: Program, moving: set[Var]) -> None:
        self.program, self.moving = program, moving
        self.names: dict[Var, str] = {}
        self.functions: dict[Any, str] = {}
        self.streams: dict[int, int] = {}

    def lines(self) -> Iterator[str]:
        """Inputs, constants, equations, writes and results."""
        program = self.program
        for v in program.inputs:
            yield f"{self._defined(v)} {v in self.moving} {program.labels.get(v)}"
        for v, array in program.constants.items():
            plain = not v.live and array.size > 4 and is_plain(array)
            value = array.tolist() if array.size <= 4 else array.flat[0].item() if plain else None
            yield f"{self._defined(v)} {v.live} {value!r}"
        for e in program.equations:
            given = f"{self._function(e.function, e.effect)} {self._shown(e.args)} {self._shown(e.kwargs)}"
            outs = " ".join(map(self._defined, e.outs))
            yield f"{outs} = {given} {e.name} {e.view} {e.effect} {e.several}"
        yield self._shown(program.writes)
        yield self._shown(program.results)

    def _defined(self, v: Var) -> str:
        name = self.names[v] = f"v{len(self.names)}"
        place = "" if v.root is v else f"@{self.names.get(v.root)}+{v.offset}"
        return f"{name}:{v.dtype.str}{v.shape}{v.strides}{place}"

    def _function(self, f: Any, effect: str | None = None) -> str:
        if effect == "draw":  # from one of some generators
            stream = self.streams.setdefault(id(f.__self__), len(self.streams))
            return f"{f.__func__.__module__}.{f.__func__.__qualname__}/{stream}"
        found = self.functions.get(f)
        if found is None:
            found = name_of(f)
            if found is None:
                raise _Unnamed
            self.functions[f] = found
        return found

    def _shown(self, x: Any) -> str:
        kind = type(x)
        if kind is Var:
            return self.names[x]
        if kind in (int, float, bool, str, complex) or x is None or x is Ellipsis:
            return repr(x)
        if kind in (tuple, list):
            return f"{kind.__name__}({', '.join([self._shown(part) for part in x])})"
        if kind is dict:
            return f"dict({', '.join([f'{key!r}: {self._shown(part)}' for key, part in x.items()])})"
        if kind is slice:
            return f"slice({self._shown(x.start)}:{self._shown(x.stop)}:{self._shown(x.step)})"
        if callable(x) and not isinstance(x, type):
            return self._function(x)
        try:
            return json.dumps(written(x))
        except WengertError:
            raise _Unnamed from None


# -- on the disk -------------------------------------------------------------------------------------------------------


def _keep(key: str, recorded: Program, made: Parts, programs: tuple[Program, Program | None, list[Var]]) -> None:
    """Write down what leads from the recording to the emitted files; nothing if something in it has no name."""
    try:
        entry: dict[str, Any] = {"forward": _entry(recorded, made.forward, programs[0]), "backward": None}
        if made.backward is not None and programs[1] is not None:
            entry |= {"backward": _entry(recorded, made.backward, programs[1]), "places": list(made.places)}
        text = json.dumps(entry)
    except (WengertError, _Unnamed, ValueError):
        return
    cache.keep(made.forward.run.source, key, text)


def _entry(recorded: Program, part: Part, program: Program) -> dict[str, Any]:
    emitted = part.run.emitted
    if emitted is None:  # there is no Numba
        raise _Unnamed
    inputs = [recorded.inputs.index(v) if v in recorded.inputs else [v.dtype.str, v.shape, v.strides]
              for v in part.inputs]  # fmt: skip
    return {
        "file": cache.place(emitted.source).name,
        "inputs": inputs,
        "targets": part.targets,
        "functions": [_named(f, recorded) for f in emitted.functions],
        "objects": [_object(x) for x in emitted.objects],
        "constants": [_constant(v, array, recorded) for v, array in program.constants.items()],
        "arena": emitted.arena,
        "moving": emitted.moving,
    }


def _named(f: Any, recorded: Program) -> str | int:
    """The name of a function; of one that has none, the number of the equation that brings it."""
    name = name_of(f)
    if name is not None:
        return name
    for i, e in enumerate(recorded.equations):
        if e.function == f:
            return i
    raise _Unnamed


def _object(x: Any) -> Any:
    """A value; a class of named tuples has no place among those."""
    name = tuple_name(x) if isinstance(x, type) else None
    return written(x) if name is None else {"class": name}


def _object_of(x: Any) -> Any:
    return tuple_of(x["class"]) if isinstance(x, dict) and "class" in x else read(x)


def _constant(v: Var, array: np.ndarray, recorded: Program) -> Any:
    """The number of the recording's constant that it is, or its values."""
    if v in recorded.constants:
        return list(recorded.constants).index(v)
    if not array.flags.c_contiguous:
        raise _Unnamed
    return written(array)


def _found(key: str, recorded: Program) -> Parts | None:
    """What was kept; None if that is nothing, or damaged."""
    try:
        text = cache.kept(key)
        if text is None:
            return None
        entry = json.loads(text)
        forward = _part(entry["forward"], recorded)
        if entry["backward"] is None:
            return Parts(forward)
        return Parts(forward, _part(entry["backward"], recorded), tuple(entry["places"]))
    except (ImportError, OSError, WengertError, ValueError, TypeError, LookupError):
        return None


def _part(entry: dict[str, Any], recorded: Program) -> Part:
    began = time.perf_counter()
    source = cache.text_of(entry["file"])
    inputs = [recorded.inputs[x] if isinstance(x, int) else Var(tuple(x[1]), np.dtype(x[0]), tuple(x[2]))
              for x in entry["inputs"]]  # fmt: skip
    functions = [recorded.equations[f].function if isinstance(f, int) else read({"function": f})
                 for f in entry["functions"]]  # fmt: skip
    own = list(recorded.constants.values())
    constants = [own[x] if isinstance(x, int) else read(x) for x in entry["constants"]]
    objects = [_object_of(x) for x in entry["objects"]]
    emitted = Emitted(source, functions, objects, constants, entry["arena"], entry["moving"])
    return Part(inputs, entry["targets"], Built(emitted, len(inputs), time.perf_counter() - began))
