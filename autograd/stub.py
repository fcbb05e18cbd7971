"""The type stub of Tensor, written from the declarations: ``python -m autograd.stub``, or with ``--check`` compared.

Ops attach themselves to Tensor at import, where neither editors nor type checkers look.  The stub says it again in the
form they read: the members of `tensor.py` as they stand there, and one method for each entry of `tensor.methods`.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import functools
import importlib.util
import inspect
import sys
import textwrap
from inspect import Parameter
from pathlib import Path
from typing import Any

from .op import Op, declared
from .tensor import Tensor, methods

HOME: Any = sys.modules[Tensor.__module__]  # `autograd.tensor` is the function of that name
STUB = Path(HOME.__file__).with_suffix(".pyi")
WIDTH = 120
HEADER = "# Written by `python -m autograd.stub` from the declarations: change those, and run it again."


def main(arguments: list[str] | None = None) -> int:
    """Write the stub, or with ``--check`` say whether the one on disk is stale; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m autograd.stub", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the stub is stale")
    check, text = parser.parse_args(arguments).check, generate()
    if not check:
        STUB.write_text(text, encoding="utf-8")
    elif not STUB.exists() or STUB.read_text(encoding="utf-8") != text:
        print(f"{STUB.name} is stale; run: python -m autograd.stub", file=sys.stderr)
        return 1
    return 0


def generate() -> str:
    """The text of the stub."""
    page, ops = Page(), {op.body: op for op in declared}
    fields = [page.field(HOME, name, text) for name, text in vars(HOME)["__annotations__"].items()]
    page.line("class Tensor:")
    page.doc(Tensor.__doc__, "    ")
    page.line("")
    for name, text in vars(Tensor)["__annotations__"].items():
        page.line("    " + page.field(HOME, name, text))
    for name, member in vars(Tensor).items():
        if name not in methods:
            page.member(name, member)
    for name in sorted(methods):
        if not name.startswith("_") or name.startswith("__"):
            page.attached(name, methods[name], ops.get(methods[name]))
    for name, function in vars(HOME).items():
        if inspect.isfunction(function) and function.__module__ == HOME.__name__:
            page.line("")
            page.function(name, function)
    return "\n".join([HEADER, "", *page.imports(), "", *fields, "", *page.lines, ""])


class Page:
    """The lines of the stub, and the names that they need."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.froms: dict[str, set[str]] = {}  # module -> the names imported from it
        self.modules = {"import builtins"}  # whole lines

    def line(self, text: str) -> None:
        self.lines.append(text)

    def doc(self, text: str | None, indent: str) -> None:
        """The first line of a docstring."""
        first = (text or "").strip().partition("\n")[0].replace("\\", "\\\\")
        if first:
            self.lines += textwrap.wrap(
                f'"""{first}"""', WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False
            )

    def field(self, module: Any, name: str, annotation: str) -> str:
        return f"{name}: {self.annotation(annotation, module)}"

    # -- members of the class ------------------------------------------------------------------------------------------

    def member(self, name: str, member: Any) -> None:
        """What the class statement itself says."""
        if isinstance(member, property):
            self.property(name, member)
        elif isinstance(member, classmethod):
            self.line("    @classmethod")
            self.function(name, member.__func__, "    ")
        elif inspect.isfunction(member):
            self.function(name, member, "    ")
        elif isinstance(member, bool):
            self.line(f"    {name}: builtins.bool")
        elif name == "__hash__":
            self.line("    def __hash__(self) -> builtins.int: ...")

    def property(self, name: str, member: property) -> None:
        self.line("    @property")
        self.function(name, member.fget, "    ")
        if member.fset is not None:
            self.line(f"    @{name}.setter")
            self.function(name, member.fset, "    ")

    def attached(self, name: str, body: Any, op: Op | None) -> None:
        """A method that an op or a composite function became."""
        if isinstance(vars(Tensor)[name], property):
            self.line("    @property")
        signature = inspect.signature(body)
        first, *others = signature.parameters.values()
        duck = first.annotation in ("Any", Parameter.empty)  # arrays in, arrays out; tensors in, tensors out
        writes = name.endswith("_") and not name.endswith("__")
        if writes or (name.startswith("__i") and f"__{name[3:]}" in methods):  # `__iadd__`, but not `__int__`
            result = "Self"
        elif signature.return_annotation in ("Any", Parameter.empty) and duck:
            result = "tuple[Tensor, ...]" if op and op.multiple else "Tensor"
        else:
            result = signature.return_annotation
        inputs = op.inputs if op else [p.name for p in others if duck and p.annotation == "Any"]
        parameters = [Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)]
        for p in others:
            positional = Parameter.POSITIONAL_OR_KEYWORD if p.kind is Parameter.POSITIONAL_ONLY else p.kind
            operand = "Tensor | float | None" if p.default is None else "Tensor | float"
            parameters.append(p.replace(kind=positional, annotation=operand if p.name in inputs else p.annotation))
        self.function(name, body, "    ", signature.replace(parameters=parameters, return_annotation=result))

    # -- functions -----------------------------------------------------------------------------------------------------

    def function(self, name: str, function: Any, indent: str = "", signature: inspect.Signature | None = None) -> None:
        """A function without its body, on one line if it fits."""
        signature = signature or inspect.signature(function)
        doc = f"`{name[:-1]}` in place." if name.endswith("_") and name[:-1] in methods else function.__doc__
        parameters = self.parameters(signature, function, method=bool(indent))
        result = self.annotation(signature.return_annotation, function)
        head = f"{indent}def {name}({', '.join(parameters)}) -> {result}:"
        end = "" if doc else " ..."
        if len(head + end) > WIDTH:
            self.line(f"{indent}def {name}(")
            self.lines += [f"{indent}    {parameter}," for parameter in parameters]
            head = f"{indent}) -> {result}:"
        self.line(head + end)
        self.doc(doc, indent + "    ")

    def parameters(self, signature: inspect.Signature, function: Any, method: bool) -> list[str]:
        written, star = [], False
        for i, p in enumerate(signature.parameters.values()):
            if p.kind is Parameter.VAR_POSITIONAL:
                star = True
            elif p.kind is Parameter.KEYWORD_ONLY and not star:
                star = True
                written.append("*")
            if method and i == 0:
                written.append(p.name if p.name == "cls" else "self")
                continue
            prefix = "*" if p.kind is Parameter.VAR_POSITIONAL else "**" if p.kind is Parameter.VAR_KEYWORD else ""
            default = "" if p.default is Parameter.empty else f" = {_literal(p.default)}"
            written.append(f"{prefix}{p.name}: {self.annotation(p.annotation, function)}{default}")
        return written

    # -- names ---------------------------------------------------------------------------------------------------------

    def annotation(self, text: Any, where: Any) -> str:
        """An annotation made at `where`, with what its names need imported, and none hidden by a method's name."""
        if text is Parameter.empty:
            text = "Any"
        tree = ast.parse(text, mode="eval")
        for name in ast.walk(tree):
            if isinstance(name, ast.Name):
                name.id = self.name(name.id, sys.modules[getattr(where, "__module__", where.__name__)])
        return ast.unparse(tree)

    def name(self, name: str, module: Any) -> str:
        if name in ("Any", "Self"):
            self.froms.setdefault("typing", set()).add(name)
        elif name == "Tensor":
            pass
        elif name in imports_of(module):
            source = imports_of(module)[name]
            if source.startswith("import "):
                self.modules.add(source)
            elif source != HOME.__name__:
                self.froms.setdefault(source, set()).add(name)
        elif hasattr(builtins, name):
            return f"builtins.{name}" if name in vars(Tensor) else name
        elif module is not HOME:
            self.froms.setdefault(module.__name__, set()).add(name)
        return name

    def imports(self) -> list[str]:
        """Import lines, sorted: the standard library, NumPy, the package."""
        package = HOME.__package__ + "."
        ours = sorted(name for name in self.froms if name.startswith(package))
        plain = sorted(self.modules - {"import numpy as np"})
        others = [_from(name, self.froms[name]) for name in sorted(self.froms.keys() - ours)]
        relative = [_from("." + name.removeprefix(package), self.froms[name]) for name in ours]
        return [*plain, *others, "", "import numpy as np", "", *relative]


@functools.cache
def imports_of(module: Any) -> dict[str, str]:
    """Where a module's names come from: its module, or the whole line ``import module as name``."""
    found: dict[str, str] = {}
    for statement in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(statement, ast.ImportFrom):
            source = importlib.util.resolve_name("." * statement.level + (statement.module or ""), module.__package__)
            found |= {alias.asname or alias.name: source for alias in statement.names}
        elif isinstance(statement, ast.Import):
            found |= {alias.asname or alias.name: ast.unparse(statement) for alias in statement.names}
    return found


def _from(module: str, names: set[str]) -> str:
    return f"from {module} import {', '.join(sorted(names))}"


def _literal(default: Any) -> str:
    """A default as it would be written; what is no literal is left out."""
    if isinstance(default, str):
        return f'"{default}"'
    return repr(default) if isinstance(default, (int, float, tuple, type(None))) else "..."


if __name__ == "__main__":
    sys.exit(main())
