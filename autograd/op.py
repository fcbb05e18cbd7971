"""Declaring an operation: a NumPy function with a docstring, plus one formula per input.

::

    @elementwise(symbol="tanh", floats=True)
    def tanh(input, /):
        '''Hyperbolic tangent.'''
        return np.tanh(input)

    tanh.derivative(input=lambda g, out: g * (1 - out * out))

Parameters left of ``/`` are tensors, those right of it are plain values.  A formula names what it needs: ``g`` (the
cotangent of the output), ``out``, an input, ``<input>_shape``, ``<input>_dtype`` or a parameter.  Only what some
formula names is kept alive.  The names are resolved once, here; an unknown one fails at import.  Formulas are
duck-typed: on arrays they run as NumPy, on Tensors they are recorded, which is how second derivatives come about.

From the declaration follow the public function, the Tensor method, the operator, its in-place form, the label in a
drawing and the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import quiet as bodies
from .arguments import MISSING, explain, not_a_tensor
from .dtypes import is_differentiable
from .errors import WengertError
from .formula import EachInput, Formula, Together, asks, pull_with
from .recording import ROOT, recording
from .tape import SMALL, Node
from .tensor import Tensor, wrap
from .twin import as_one
from .views import track_view
from .where import calling_line, machinery
from .writes import next_stamp

ndarray = np.ndarray
_CONSTANTS = (ndarray, np.generic, float, int, complex)
machinery(__name__)
machinery(Tensor.__module__)
declared: list[Op] = []  # every op, in the order of declaration: what the tests and the stub generator walk over


class Op:
    """One operation: its NumPy body, its formulas, and what follows from them."""

    def __init__(self, body: Callable[..., Any], *, name: str | None = None, symbol: str | None = None,
                 elementwise: bool = False,
                 floats: bool = False, differentiable: bool = True, view: bool = False, multiple: bool = False,
                 linear: bool = False, domain: tuple[float, float] = (-2.0, 2.0)) -> None:  # fmt: skip
        code = body.__code__
        names, n = code.co_varnames, code.co_posonlyargcount
        self.variadic = bool(code.co_flags & 0x04)  # a body f(*tensors, dim): its inputs are one tuple
        if code.co_kwonlyargcount and not self.variadic:
            raise TypeError(f"{body.__name__}: parameters of an op are passed by position, so none is keyword-only")
        total = code.co_argcount + code.co_kwonlyargcount
        self.body, self.name, self.symbol = body, name or body.__name__.lstrip("_"), symbol
        self.run = self.small = body  # what computes: a kernel before the body; on small arrays, the body or its like
        self.inputs: tuple[str, ...] = (names[total],) if self.variadic else names[:n]
        self.parameters: tuple[str, ...] = names[n:total]
        defaults = body.__defaults__ or ()
        self.defaults = dict(zip(names[: code.co_argcount][::-1], defaults[::-1])) | (body.__kwdefaults__ or {})
        every = self.inputs + self.parameters
        self.tails = {  # number of arguments given -> the defaults of the others, where all have one
            k: tuple(self.defaults[name] for name in every[k:])
            for k in range(len(every) + 1)
            if all(name in self.defaults for name in every[k:])
        }
        self.unless_given = tuple([self.defaults.get(name, MISSING) for name in every])
        self.elementwise, self.floats, self.differentiable = elementwise, floats, differentiable
        self.view, self.multiple, self.linear = view, multiple, linear
        self.plain = not multiple  # the engine need not look twice
        self.materialize = True  # of several outputs' cotangents those that are missing are zeros
        self.uses: tuple[int, ...] | None = None  # of several outputs, those that formulas look at; all, if they ask
        self.formulas: dict[str, Formula | None] = {}
        self.together = False  # one formula for all inputs
        self.asked: dict[str, tuple[int, ...]] = {}  # a name to save -> the inputs whose formulas ask for it
        self.keeps: tuple[tuple[int, tuple[int, ...]], ...] = ()  # an input to save, by position -> as above
        self.keeps_shapes, self.frees = False, False  # frees: there are arrays to let go after a backward pass
        self.pulls: Any = (None,) * len(self.inputs)
        self.recorded_pulls: Any = self.pulls
        self.samples: list[Callable[..., Any]] = []
        self.error_samples: list[Callable[..., Any]] = []
        self.domain = domain  # where the tests draw their inputs
        self.function: Any = None  # what users call
        declared.append(self)

    def __repr__(self) -> str:
        return f"<Op {self.name}({', '.join(self.inputs)}, /{''.join(', ' + p for p in self.parameters)})>"

    def input_names(self, n: int) -> tuple[str, ...]:
        """A name for each of `n` inputs."""
        return self.inputs * n if self.variadic else self.inputs

    # -- formulas ------------------------------------------------------------------------------------------------------

    def derivative(self, together: Formula | None = None, /, **formulas: Formula | None) -> None:
        """Declare the vjp of each input: a formula, or None for an input that has no derivative.

        Where the cotangents of all inputs come out of one calculation, one formula `together` returns them as a tuple.
        It may ask for `needs`: for each input, whether its cotangent is wanted; if not, None will do.
        """
        if together is not None:
            self.together, formulas = True, dict.fromkeys(self.inputs, together)
        for name in formulas:
            if name not in self.inputs:
                raise TypeError(f"{self.name}.derivative: no input is called {name!r}; inputs are {self.inputs}")
        self.formulas = {name: formulas.get(name) for name in self.inputs}
        asked: dict[str, set[int]] = {}
        for i, (own, formula) in enumerate(self.formulas.items()):
            for name in asks(formula):
                if name in (f"{own}_shape", f"{own}_dtype") and not self.together:
                    continue
                if name in self.inputs or name == "out" or self._shape_of(name) is not None:
                    asked.setdefault(name, set()).add(i)
                elif name not in self.parameters and not (
                    name == "g" or (self.variadic and name == "i") or (self.together and name == "needs")
                ):
                    raise TypeError(f"{self.name}.derivative: a formula asks for {name!r}, which is not known here")
        self.asked = {name: tuple(sorted(who)) for name, who in asked.items()}
        self.keeps = tuple((i, self.asked[name]) for i, name in enumerate(self.inputs) if name in asked)
        self.keeps_shapes = any(self._shape_of(name) is not None for name in asked)
        self.frees = bool(self.keeps) or "out" in asked
        self.pulls, self.recorded_pulls = self._pulls(recorded=False), self._pulls(recorded=True)

    def _shape_of(self, name: str) -> int | None:
        """The input whose shape ``<input>_shape`` means."""
        stem = name.removesuffix("_shapes" if self.variadic else "_shape")
        return self.inputs.index(stem) if stem != name and stem in self.inputs else None

    def _pulls(self, recorded: bool) -> Any:
        def pull(formula: Formula | None, i: int | None) -> Any:
            if formula is None:
                return None
            return pull_with(formula, [self._found(name, i, recorded) for name in asks(formula)], _on_tape, outputs_of)

        if self.together:
            formula = self.formulas[self.inputs[0]]
            return Together(pull(formula if recorded or formula is None else as_one(formula), None), len(self.inputs))
        pulls = [pull(formula, i) for i, formula in enumerate(self.formulas.values())]
        return EachInput(pulls[0]) if self.variadic and pulls[0] is not None else tuple(pulls)

    def _found(self, name: str, i: int | None, recorded: bool) -> str:
        """Where the formula of input `i`, or of all of them, finds what it calls `name`; see `pull_with`."""
        if name == "g" or (self.variadic and name == "i"):
            return name
        if i is None and name == "needs":
            return "tuple([parent is not None for parent in node.parents])"
        if name in self.parameters:
            return f"node.params[{self.parameters.index(name)}]"
        if i is not None and name == f"{self.inputs[i]}_shape":  # a differentiated input has a parent, which knows
            return f"node.parents[{i}].shape"
        if i is not None and name == f"{self.inputs[i]}_dtype":
            return f"node.parents[{i}].dtype"
        shape_of = self._shape_of(name)
        if shape_of is not None:
            return f"node.saved[-1][{shape_of}]"
        k = len(self.inputs) if name == "out" else self.inputs.index(name)
        if not recorded:
            return f"node.saved[{k}]"
        if name == "out":
            return f"outputs_of(node, node.saved[{k}])"
        if self.variadic:
            return "tuple(map(on_tape, node.saved[0], node.parents))"
        return f"on_tape(node.saved[{k}], node.parents[{k}])"

    # -- calling -------------------------------------------------------------------------------------------------------

    def apply(self, operands: tuple[Any, ...], params: tuple[Any, ...] = ()) -> Any:
        """Compute, and record if an operand is on the tape.  On plain arrays alone, an op is a plain NumPy function."""
        if self.elementwise and (len(operands) > 1 or self.floats):
            operands = promote(operands, self.floats, self.name)
        arrays: list[Any] = []
        parents, tensors = [], False
        for x in operands:
            if isinstance(x, Tensor):
                arrays.append(x.array)
                parents.append(x.node)
                tensors = True
            elif x is None or isinstance(x, _CONSTANTS):
                arrays.append(x)
                parents.append(None)
            else:
                raise not_a_tensor(self, operands, x)
        try:
            if self.variadic:
                out = bodies.quiet().run(self.run, *arrays, **dict(zip(self.parameters, params)))
            else:
                out = bodies.quiet().run(self.run, *arrays, *params)
        except (WengertError, NotImplementedError):
            raise
        except (ValueError, TypeError, IndexError, AttributeError, ArithmeticError, np.linalg.LinAlgError) as error:
            raise explain(self, arrays, params, error) from None
        if not tensors:
            return out
        if not self.multiple:
            out = np.asanyarray(out)
        records = self.differentiable and recording.scope is not None and any(parents)
        if records and (self.multiple or is_differentiable(out.dtype)):
            node = self.record(tuple(arrays), tuple(parents), params, out)
        else:
            node = None
        if self.multiple:
            outputs = outputs_of(node, out)
            return type(out)(*outputs) if hasattr(out, "_fields") else outputs
        result = wrap(out, node)
        if self.view:
            track_view(result, operands[0], self, params)
        return result

    def record(self, arrays: Any, parents: tuple[Node | None, ...], params: tuple[Any, ...], out: Any) -> Node:
        """The node for a computed `out`, keeping only what the formulas of the live parents ask for."""
        node = Node.__new__(Node)
        saved: list[Any] = [None] * (len(self.inputs) + 1)
        for i, askers in self.keeps:
            if self.variadic:
                saved[i] = arrays
            elif any(map(parents.__getitem__, askers)):
                saved[i] = arrays[i]
        if "out" in self.asked:
            uses = self.uses
            saved[-1] = out if uses is None else tuple([o if i in uses else None for i, o in enumerate(out)])
        if self.elementwise:  # numbers are kept for the drawings
            for i, x in enumerate(arrays):
                if x.__class__ is float or x.__class__ is int:
                    saved[i] = x
        if self.keeps_shapes:
            shapes = tuple([getattr(x, "shape", ()) for x in arrays])
            saved.append((shapes,) if self.variadic else shapes)
        node.op, node.parents, node.saved, node.params, node.stamp = self, parents, tuple(saved), params, next_stamp()
        if self.multiple:
            node.shape, node.dtype, node.value = tuple([o.shape for o in out]), tuple([o.dtype for o in out]), None
        else:
            node.shape, node.dtype, node.value = out.shape, out.dtype, out if out.size <= SMALL else None
        node.scope, node.where, node.hooks = recording.scope or ROOT, calling_line(), None
        return node


def _on_tape(saved: Any, parent: Node | None) -> Any:
    """A saved input as the Tensor it was; None and Python numbers as they are."""
    return wrap(saved, parent) if isinstance(saved, ndarray) else saved


def outputs_of(node: Node | None, out: Any) -> Any:
    """What `node` computed, as Tensors: one, or for several outputs one each, with its pick."""
    if not isinstance(out, tuple):
        return wrap(out, node)
    return tuple([None if o is None else wrap(np.asanyarray(o), _pick(node, i, o)) for i, o in enumerate(out)])


def _pick(node: Node | None, i: int, out: np.ndarray) -> Node | None:
    """What `PICK.record` would say of output `i`, which nobody called by itself."""
    if node is None or not is_differentiable(out.dtype):
        return None
    pick = Node.__new__(Node)
    pick.op, pick.parents, pick.saved, pick.params, pick.stamp = PICK, (node,), (None, None), (i,), next_stamp()
    pick.shape, pick.dtype, pick.value = out.shape, out.dtype, out if out.size <= SMALL else None
    pick.scope, pick.where, pick.hooks = node.scope, node.where, None
    return pick


def pick(input: Any, /, index: int) -> Any:
    """One output of an op that has several.  The engine gathers the cotangents of all picks before it goes on."""
    return input[index]


PICK = Op(pick, linear=True)
PICK.plain = False

from .declare import elementwise as elementwise  # noqa: E402  last, for they build on all of the above
from .declare import op as op  # noqa: E402
from .promotion import promote  # noqa: E402
