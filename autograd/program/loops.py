"""The text of a loop: nested ``for`` statements over the dimensions that its arrays cannot merge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .fuse import Loop, iteration
from .program import Equation, Var
from .scalars import accumulated, converted, expression, literal, operands, start_of
from .traced import Reduction

# Steps that are constants in the text, and with them the places where they begin: LLVM then reads whole vectors and
# shuffles them, where it would gather element by element.
SHORT = (2, 3, 4)

Address = Callable[[Var], tuple[str, int]]  # a root -> the name of an array, and where in it the root begins


@dataclass(eq=False)
class Access:
    """An array in a loop: the variable, and the steps from element to element along the loop's dimensions."""

    var: Var
    strides: tuple[int, ...]


def spread(strides: tuple[int, ...], shape: tuple[int, ...], dims: tuple[int, ...]) -> tuple[int, ...]:
    """Strides along `shape` as strides along the finer `dims`."""
    found: list[int] = []
    finer = list(dims)
    for n, stride in zip(reversed(shape), reversed(strides)):
        while n > 1:
            k = finer.pop()
            found.append(stride)
            n //= k
            stride *= k
    found += [0] * (len(dims) - len(found))
    return tuple(reversed(found))


def _literal(n: int) -> str:
    return f"np.uint64({n})"


def _broadcast(v: Var, shape: tuple[int, ...]) -> tuple[int, ...]:
    lead = len(shape) - len(v.shape)
    own = tuple(0 if n == 1 and shape[lead + i] != 1 else s for i, (n, s) in enumerate(zip(v.shape, v.strides)))
    return (0,) * lead + own


def _reduced(e: Equation) -> tuple[int, ...]:
    """Strides of a reduction's result along the dimensions of what is reduced."""
    axes, out = e.kwargs["axis"], e.outs[0]
    kept = e.kwargs.get("keepdims", False)
    strides, found = list(out.strides), []
    for i in range(len(e.args[0].shape)):
        if i in axes:
            found.append(0)
            if kept:
                strides.pop(0)
        else:
            found.append(strides.pop(0))
    return tuple(found)


class Nest:
    """A loop with its arrays, their strides along merged dimensions, and its text."""

    def __init__(self, loop: Loop, outside: set[Var]) -> None:
        self.loop = loop
        made = {e.outs[0] for e in loop.equations}
        self.reads: dict[tuple[Var, tuple[int, ...], int], Access] = {}
        self._operand: dict[tuple[int, int], Access | Var] = {}
        self.writes: dict[Var, Access] = {}
        self.sums: list[tuple[Equation, Access]] = []
        for i, e in enumerate(loop.equations):
            shape = iteration(e)
            for j, v in enumerate(operands(e)):
                if isinstance(v, Var):
                    self._operand[i, j] = v.root if v.root in made else self._read(v, shape)
            out = e.outs[0]
            if isinstance(e.function, Reduction):
                self.sums.append((e, Access(out, spread(_reduced(e), shape, loop.dims))))
            elif out in outside:
                self.writes[out] = Access(out, spread(out.strides, shape, loop.dims))
        self._sum_names = {e: f"s{i}" for i, (e, _) in enumerate(self.sums)}
        self._merge()

    def _read(self, v: Var, shape: tuple[int, ...]) -> Access:
        strides = spread(_broadcast(v, shape), shape, self.loop.dims)
        return self.reads.setdefault((v.root, strides, v.offset), Access(v, strides))

    @property
    def accesses(self) -> list[Access]:
        """What is read, written and gathered."""
        return [*self.reads.values(), *self.writes.values(), *(a for _, a in self.sums)]

    def _merge(self) -> None:
        """Take neighbouring dimensions for one wherever all arrays allow it; what happens once is in none."""
        self.dims: tuple[int, ...] = ()
        if self.loop.n == 1:
            for a in self.accesses:
                a.strides = ()
            return
        dims = list(self.loop.dims)
        table = [list(a.strides) for a in self.accesses]
        for i in range(len(dims) - 2, -1, -1):
            if all(row[i] == row[i + 1] * dims[i + 1] for row in table):
                dims[i : i + 2] = [dims[i] * dims[i + 1]]
                for row in table:
                    del row[i]
        self.dims = tuple(dims)
        for a, row in zip(self.accesses, table):
            a.strides = tuple(row)

    # -- text ----------------------------------------------------------------------------------------------------------

    def lines(self, address: Address, number: Callable[[int], str], constant: Callable[[Any, Any], str],
              bounds: tuple[str, str] | None = None) -> list[str]:  # fmt: skip
        """The statements; `number` writes sizes and strides, `constant` other numbers.

        With `bounds` of the first dimension it is one piece of several, and what rounds add up in must have been filled
        with the start.
        """
        self._address, self._number, self._constant = address, number, constant
        depth = len(self.dims)
        lines, body_at = [], "    " * depth
        level = {e: self.level(a) for e, a in self.sums}
        for e, a in self.sums:
            if bounds is None and self.gathers(a, level[e]):
                lines += self._filled(e, a)
        names = {id(a): f"x{k}" for k, a in enumerate(self.reads.values())}
        for d in range(depth + 1):
            indent = "    " * d
            lines += [
                f"{indent}{names[id(a)]} = {self._element(a)}" for a in self.reads.values() if self._fixed(a) == d
            ]
            if d == depth:
                break
            for e, _ in self.sums:
                if level[e] == d:
                    lines.append("    " * d + f"{self._sum_names[e]} = {self._start(e)}")
            low, high = bounds if d == 0 and bounds else ("0", number(self.dims[d]))
            lines.append("    " * d + f"for i{d} in range({high if low == '0' else f'{low}, {high}'}):")
        lines += [body_at + text for text in self._body(level, names)]
        for d in reversed(range(depth)):
            for e, a in self.sums:
                if level[e] == d:
                    place = self._element(a)
                    how = f"{place} = {self._sum_names[e]}"
                    if self.gathers(a, d):
                        how = f"{place} = {accumulated(e.function.ufunc, e.outs[0].dtype, place, self._sum_names[e])}"
                    lines.append("    " * d + how)
        return lines

    def level(self, a: Access) -> int:
        """The first of the innermost dimensions over which a reduction keeps its sum in a register."""
        d = len(self.dims)
        while d and a.strides[d - 1] == 0:
            d -= 1
        return d

    def gathers(self, a: Access, level: int) -> bool:
        """Whether several rounds add to one element."""
        return any(s == 0 and n > 1 for s, n in zip(a.strides[:level], self.dims))

    def _filled(self, e: Equation, a: Access) -> list[str]:
        name, offset = self._address(a.var.root)
        bounds = f"{offset}, {offset + a.var.size}" if offset else self._number(a.var.size)
        return [f"for i in range({bounds}):", f"    {name}[i] = {self._start(e)}"]

    def _start(self, e: Equation) -> str:
        return literal(start_of(e.function.ufunc, e.outs[0].dtype), e.outs[0].dtype)

    def _fixed(self, a: Access) -> int:
        """The number of loops around which an element is the same in all that are inside."""
        return 1 + max((d for d, s in enumerate(a.strides) if s), default=-1)

    def _body(self, level: dict[Equation, int], names: dict[int, str]) -> list[str]:
        lines: list[str] = []
        values: dict[Var, str] = {}
        for i, e in enumerate(self.loop.equations):
            given = []
            for j in range(len(operands(e))):
                source = self._operand.get((i, j))
                given.append("" if source is None else values[source] if isinstance(source, Var) else names[id(source)])
            if isinstance(e.function, Reduction):
                term = converted(given[0], e.args[0].dtype, e.outs[0].dtype)
                a = next(a for f, a in self.sums if f is e)
                target = self._sum_names[e] if level[e] < len(self.dims) else self._element(a)
                sums = level[e] < len(self.dims) or self.gathers(a, level[e])  # else there is one term alone
                lines.append(f"{target} = {accumulated(e.function.ufunc, a.var.dtype, target, term) if sums else term}")
                continue
            values[e.outs[0]] = f"y{i}"
            lines.append(f"y{i} = {expression(e, given, self._constant)}")
        for v, a in self.writes.items():
            lines.append(f"{self._element(a)} = {values[v]}")
        return lines

    def _element(self, a: Access) -> str:
        name, start = self._address(a.var.root)
        start += a.var.offset
        steps: list[Any] = [self._number] * len(a.strides)
        short = a.strides and a.strides[-1] in SHORT and min(start, *a.strides) >= 0
        if short:
            steps[-1] = _literal
        terms = [f"i{d}" if s == 1 else f"{steps[d](s)} * i{d}" for d, s in enumerate(a.strides) if s]
        if start or not terms:
            terms.insert(0, (_literal if short else self._number)(start) if start else "0")
        return f"{name}[{' + '.join(terms)}]"

    @property
    def shares_rounds(self) -> bool:
        """Whether rounds of the first dimension add to the same element of some reduction."""
        return any(a.strides[0] == 0 for _, a in self.sums)
