"""Declaring an operation: a NumPy function with a docstring, plus one formula per input.

::

    @elementwise(symbol="tanh", floats=True)
    def tanh(input, /):
        '''Hyperbolic tangent.'''
        return np.tanh(input)

    tanh.derivative(input=lambda g, out: g * (1 - out * out))

Parameters left of ``/`` are tensors, those right of it are plain values.  A formula names what it needs: ``g`` (the
cotangent of the output), ``out``, an input, ``<input>_shape``, or a parameter.  Only what some formula names is kept
alive.  The names are resolved once, here; an unknown one fails at import.  Formulas are duck-typed: on arrays they run
as NumPy, on Tensors they are recorded, which is how second derivatives come about.

From the declaration follow the public function, the Tensor method, the operator, its in-place form, the label in a
drawing and the tests.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from itertools import count
from types import MappingProxyType
from typing import Any

import numpy as np

from .dtypes import category, float32, float64, get_default_dtype, is_differentiable, result_type, scalar_dtype
from .errors import ArgumentError, DTypeError, ShapeError, WengertError
from .tape import SMALL, Node, next_stamp, recording
from .tensor import Tensor, attach, attach_numpy, track_view, wrap

Formula = Callable[..., Any]
ndarray = np.ndarray
ALIASES = MappingProxyType({"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other"})
declared: list[Op] = []  # every op, in the order of declaration: what the tests and the stub generator walk over


class Op:
    """One operation: its NumPy body, its formulas, and what follows from them."""

    def __init__(self, body: Callable[..., Any], *, symbol: str | None = None, elementwise: bool = False,
                 floats: bool = False, differentiable: bool = True, view: bool = False, multiple: bool = False,
                 linear: bool = False) -> None:  # fmt: skip
        code = body.__code__
        names, n = code.co_varnames, code.co_posonlyargcount
        self.variadic = bool(code.co_flags & 0x04)  # a body f(*tensors, dim): its inputs are one tuple
        if code.co_kwonlyargcount and not self.variadic:
            raise TypeError(f"{body.__name__}: parameters of an op are not keyword-only, for they are passed by position")
        count_all = code.co_argcount + code.co_kwonlyargcount
        self.body, self.name, self.symbol = body, body.__name__, symbol
        self.inputs = (names[count_all],) if self.variadic else names[:n]
        self.parameters = names[n:count_all]
        defaults = body.__defaults__ or ()
        self.optional = max(0, n - (code.co_argcount - len(defaults)))  # inputs that may be left out
        self.defaults = {**dict(zip(names[:code.co_argcount][::-1], defaults[::-1])), **(body.__kwdefaults__ or {})}
        self.elementwise, self.floats, self.differentiable = elementwise, floats, differentiable
        self.view, self.multiple, self.linear = view, multiple, linear
        self.formulas: dict[str, Formula | None] = {}
        self.asked: dict[str, tuple[int, ...]] = {}  # a saved name -> the inputs whose formulas ask for it
        self.pulls: Any = (None,) * len(self.inputs)
        self.recorded_pulls: Any = self.pulls
        self.samples: list[Callable[..., Any]] = []
        self.error_samples: list[Callable[..., Any]] = []
        self.domain: tuple[float, float] = (-2.0, 2.0)
        self.function: Any = None  # what users call
        declared.append(self)

    def __repr__(self) -> str:
        return f"<Op {self.name}({', '.join(self.inputs)}, /{''.join(', ' + p for p in self.parameters)})>"

    # -- formulas ------------------------------------------------------------------------------------------------------

    def derivative(self, **formulas: Formula | None) -> None:
        """Declare the vjp of each input: a formula, or None for an input that has no derivative."""
        for name in formulas:
            if name not in self.inputs:
                raise TypeError(f"{self.name}.derivative: no input is called {name!r}; inputs are {self.inputs}")
        self.formulas = {name: formulas.get(name) for name in self.inputs}
        asked: dict[str, set[int]] = {}
        for i, (own, formula) in enumerate(self.formulas.items()):
            for name in _asks(formula):
                if name in (f"{own}_shape", f"{own}_dtype"):
                    continue
                if name in self.inputs or name == "out" or self._shape_of(name) is not None:
                    asked.setdefault(name, set()).add(i)
                elif name not in self.parameters and not (name == "g" or self.variadic and name == "i"):
                    raise TypeError(f"{self.name}.derivative: a formula asks for {name!r}, which is not known here")
        self.asked = {name: tuple(sorted(who)) for name, who in asked.items()}
        self.pulls = self._pulls(recorded=False)
        self.recorded_pulls = self._pulls(recorded=True)

    def _shape_of(self, name: str) -> int | None:
        """The input whose shape ``<input>_shape`` means."""
        stem = name.removesuffix("_shapes" if self.variadic else "_shape")
        return self.inputs.index(stem) if stem != name and stem in self.inputs else None

    def _pulls(self, recorded: bool) -> Any:
        pulls = [formula and _bind(formula, [self._getter(name, i, recorded) for name in _asks(formula)])
                 for i, formula in enumerate(self.formulas.values())]  # fmt: skip
        return _EachInput(pulls[0]) if self.variadic and pulls[0] is not None else tuple(pulls)

    def _getter(self, name: str, i: int, recorded: bool) -> Any:
        """How to find what the formula of input `i` calls `name`, given the node."""
        if name == "g" or (self.variadic and name == "i"):
            return name  # _bind passes these two itself
        if name in self.parameters:
            k = self.parameters.index(name)
            return lambda node: node.params[k]
        if name == f"{self.inputs[i]}_shape":  # a differentiated input has a parent, which knows
            return lambda node: node.parents[i].shape
        if name == f"{self.inputs[i]}_dtype":
            return lambda node: node.parents[i].dtype
        shape_of = self._shape_of(name)
        if shape_of is not None:
            return lambda node: node.saved[-1][shape_of]
        k = len(self.inputs) if name == "out" else self.inputs.index(name)
        if not recorded:
            return k  # a position in node.saved, which _bind reads without another call
        if name == "out":
            return lambda node: outputs_of(node, node.saved[k])
        if self.variadic:
            return lambda node: tuple(map(_on_tape, node.saved[0], node.parents))
        return lambda node: _on_tape(node.saved[k], node.parents[k])

    # -- calling -------------------------------------------------------------------------------------------------------

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Sort a call's arguments into inputs and parameters, by PyTorch's names; defaults filled in."""
        if self.variadic:
            params = [self.defaults.get(name) for name in self.parameters]
            for name, value in kwargs.items():
                params[self._position(name, self.parameters)] = value
            return args, tuple(params)
        names = self.inputs + self.parameters
        if len(args) > len(names):
            raise ArgumentError(f"{self.name}() takes at most {len(names)} arguments ({', '.join(names)}), got {len(args)}")
        values = list(args) + [self.defaults.get(name, _missing) for name in names[len(args):]]
        for name, value in kwargs.items():
            at = self._position(name, names)
            if at < len(args):
                raise ArgumentError(f"{self.name}() got {names[at]!r} twice, by position and by name")
            values[at] = value
        for name, value in zip(names, values):
            if value is _missing:
                raise ArgumentError(f"{self.name}() needs the argument {name!r}; its arguments are ({', '.join(names)})")
        n = len(self.inputs)
        return tuple(values[:n]), tuple(values[n:])

    def _position(self, name: str, names: tuple[str, ...]) -> int:
        for candidate in (name, ALIASES.get(name)):
            if candidate in names:
                return names.index(candidate)
        raise ArgumentError(f"{self.name}() has no argument {name!r}; its arguments are ({', '.join(names)})")

    def apply(self, operands: tuple[Any, ...], params: tuple[Any, ...] = (), depth: int = 1) -> Any:
        """Compute, and record if an operand is on the tape.  On plain arrays alone, an op is a plain NumPy function."""
        if self.elementwise and (len(operands) > 1 or self.floats):
            operands = _promote(self, operands)
        arrays, parents, tensors = [], [], False
        for name, x in zip(self.inputs * len(operands) if self.variadic else self.inputs, operands):
            if isinstance(x, Tensor):
                arrays.append(x.array)
                parents.append(x.node)
                tensors = True
            elif x is None or isinstance(x, ndarray | np.generic | float | int | complex):
                arrays.append(x)
                parents.append(None)
            else:
                raise ArgumentError(f"{self.name}(): {name} must be a Tensor, got {type(x).__name__}; write "
                                    f"autograd.tensor(...) around it")  # fmt: skip
        try:
            out = self.body(*arrays, *params) if not self.variadic else self.body(
                *arrays, **dict(zip(self.parameters, params)))  # fmt: skip
        except (WengertError, NotImplementedError):
            raise
        except (ValueError, TypeError, IndexError, ArithmeticError, np.linalg.LinAlgError) as error:
            raise _explain(self, arrays, params, error) from None
        if not tensors:
            return out
        if not self.multiple:
            out = np.asarray(out)
        node = None
        if self.differentiable and recording.scope is not None and any(parents):
            frame = sys._getframe(depth)
            node = self.record(tuple(arrays), tuple(parents), params, out, frame.f_back if frame.f_code is _PUBLIC else frame)
        if self.multiple:
            return _named(out, outputs_of(node, out))
        if node is not None and not is_differentiable(node.dtype):
            node = None
        result = wrap(out, node)
        if self.view:
            track_view(result, operands[0], self, params)
        return result

    def record(self, arrays: tuple[Any, ...], parents: tuple[Node | None, ...], params: tuple[Any, ...], out: Any,
               frame: Any) -> Node:  # fmt: skip
        """The node for a computed `out`, keeping only what the formulas of the live parents ask for."""
        asked, node = self.asked, Node.__new__(Node)
        if self.variadic:
            saved: list[Any] = [arrays if self.inputs[0] in asked else None]
        else:
            saved = [x if (name in asked and any(parents[i] is not None for i in asked[name])) or type(x) in (float, int)
                     else None for name, x in zip(self.inputs, arrays)]  # fmt: skip
        saved.append(out if "out" in asked else None)
        if any(self._shape_of(name) is not None for name in asked):
            shapes = tuple(getattr(x, "shape", ()) for x in arrays)
            saved.append((shapes,) if self.variadic else shapes)
        node.op, node.parents, node.saved, node.params, node.stamp = self, parents, tuple(saved), params, next_stamp()
        if self.multiple:
            node.shape, node.dtype, node.value = tuple(o.shape for o in out), tuple(o.dtype for o in out), None
        else:
            node.shape, node.dtype, node.value = out.shape, out.dtype, out if out.size <= SMALL else None
        node.scope, node.where, node.hooks = recording.scope, (frame.f_code, frame.f_lasti), None
        return node


# ---------------------------------------------------------------------------------------------------------------------
# Formulas: from names to closures.

_missing = object()


def _asks(formula: Formula | None) -> tuple[str, ...]:
    return () if formula is None else formula.__code__.co_varnames[: formula.__code__.co_argcount]


def _bind(formula: Formula, getters: list[Any]) -> Callable[..., Any]:
    """``pull(g, node) -> cotangent`` for a formula whose arguments `getters` find.  The common shapes first."""
    match getters:
        case ["g"]:
            return lambda g, node: formula(g)
        case ["g", int(k)]:
            return lambda g, node: formula(g, node.saved[k])
        case ["g", int(k), int(m)]:
            return lambda g, node: formula(g, (saved := node.saved)[k], saved[m])
    getters = [_saved(get) if isinstance(get, int) else get for get in getters]
    return lambda g, node, i=0: formula(*[g if get == "g" else i if get == "i" else get(node) for get in getters])


def _saved(k: int) -> Callable[[Node], Any]:
    return lambda node: node.saved[k]


class _EachInput:
    """The pulls of an op with any number of inputs: one formula, told which input ``i`` it is for."""

    def __init__(self, pull: Callable[..., Any]) -> None:
        self._pull = pull

    def __iter__(self) -> Iterator[Callable[..., Any]]:
        return (functools.partial(self._pull, i=i) for i in count())


def _on_tape(saved: Any, parent: Node | None) -> Any:
    """A saved input as the Tensor it was; None and Python numbers as they are."""
    return wrap(saved, parent) if isinstance(saved, ndarray) else saved


def outputs_of(node: Node | None, out: Any) -> Any:
    """What `node` computed, as Tensors: one, or for several outputs one per differentiable array, each with its pick."""
    if not isinstance(out, tuple):
        return wrap(out, node)
    return tuple(wrap(np.asarray(o), _pick(node, i, o)) for i, o in enumerate(out))


def _pick(node: Node | None, i: int, out: np.ndarray) -> Node | None:
    if node is None or not is_differentiable(out.dtype):
        return None
    return PICK.record((None,), (node,), (i,), out, sys._getframe(2))


def _named(body_result: Any, outputs: tuple[Any, ...]) -> Any:
    return type(body_result)(*outputs) if hasattr(body_result, "_fields") else outputs


def _explain(op: Op, arrays: list[Any], params: tuple[Any, ...], error: Exception) -> WengertError:
    """NumPy's complaint, told in the caller's terms."""
    shown = [f"{name}: {_describe(x)}" for name, x in zip(op.inputs * len(arrays) if op.variadic else op.inputs, arrays)]
    shown += [f"{name}={value!r}" for name, value in zip(op.parameters, params)]
    arrays_only = [x for x in arrays if isinstance(x, ndarray)]
    kind: type[WengertError] = ArgumentError
    if isinstance(error, ValueError | IndexError) and arrays_only:
        kind = ShapeError
    elif isinstance(error, TypeError) and "ufunc" in str(error):
        kind = DTypeError
    reason = str(error).split("\n")[0]
    if op.elementwise and len(arrays_only) > 1 and isinstance(error, ValueError):
        reason = "the shapes do not broadcast: compared from the right, sizes must be equal or 1"
    return kind(f"{op.name}({', '.join(shown)}): {reason}")


def _describe(x: Any) -> str:
    return f"{x.dtype}{list(x.shape)}" if isinstance(x, ndarray) else repr(x)


# ---------------------------------------------------------------------------------------------------------------------
# Promotion of elementwise operands.


def _promote(op: Op, operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """Cast the operands to their common type; the casts are themselves on the tape.  Numbers stay numbers."""
    operands = tuple(x.item() if isinstance(x, np.generic) else x for x in operands)
    plain = [x.array if isinstance(x, Tensor) else x for x in operands]
    typed = [x for x in plain if isinstance(x, ndarray | bool | float | int | complex)]
    if not any(isinstance(x, ndarray) for x in typed):
        return operands
    dtype = result_type(*typed)
    if op.floats and category(dtype) < 2:
        dtype = get_default_dtype()
    return tuple(_as(dtype, x) for x in operands)


def _as(dtype: Any, x: Any) -> Any:
    if isinstance(x, Tensor):
        return x if x.array.dtype == dtype else cast(x, dtype)
    if isinstance(x, ndarray):
        return x.astype(dtype, copy=False)
    if isinstance(x, int) and (category(scalar_dtype(x)) < category(dtype) or dtype.kind in "iu"):
        return np.array(x).astype(dtype) if dtype.kind in "iu" else float(x)
    return x


# ---------------------------------------------------------------------------------------------------------------------
# The public function of an op.  Two hot forms, because a scalar graph is all overhead; everything else is `general`.


def _general(op: Op) -> Callable[..., Any]:
    def call(*args: Any, out: Tensor | None = None, **kwargs: Any) -> Any:
        operands, params = op.bind(args, kwargs)
        result = op.apply(operands, params, depth=2)
        return result if out is None else out._write(result, f"{op.name}(out=...)")

    return call


def _unary(op: Op) -> Callable[..., Any]:
    """``f(x)`` without parameters, specialised: no argument binding, no promotion of the common types."""
    body, keep_in, keep_out, differentiable = op.body, bool(op.asked.get(op.inputs[0])), "out" in op.asked, op.differentiable
    general, any_type, new_tensor, new_node = _general(op), not op.floats, Tensor.__new__, Node.__new__

    def call(input: Tensor) -> Tensor:
        x, parent = input.array, input.node
        if not (any_type or x.dtype is float32 or x.dtype is float64):
            return general(input)
        y = body(x)
        shape = y.shape
        if not shape:
            y = np.asarray(y)  # NumPy turns 0-d results into scalars
        t = new_tensor(Tensor)
        t.array, t.grad, t.family = y, None, None
        if parent is None or not differentiable or (scope := recording.scope) is None:
            t.node = None
            return t
        t.node = node = new_node(Node)
        node.op, node.parents, node.params, node.stamp = op, (parent,), (), next_stamp()
        node.saved = (x if keep_in else None, y if keep_out else None)
        node.shape, node.dtype, node.value = shape, y.dtype, y if y.size <= SMALL else None
        frame = sys._getframe(1)
        node.scope, node.where, node.hooks = scope, (frame.f_code, frame.f_lasti), None
        return t

    return call


def _binary(op: Op) -> Callable[..., Any]:
    """``f(x, y)`` of two tensors of one dtype, or of a float tensor and a number, specialised as `_unary`."""
    body, differentiable, floats = op.body, op.differentiable, op.floats
    asked = {name: op.asked.get(name, ()) for name in (*op.inputs, "out")}
    (x_for_x, x_for_y), (y_for_x, y_for_y) = (((0 in asked[n], 1 in asked[n])) for n in op.inputs)
    keep_out, general, new_tensor, new_node = bool(asked["out"]), _general(op), Tensor.__new__, Node.__new__

    def call(input: Tensor, other: Any) -> Tensor:
        x, first = input.array, input.node
        dtype = x.dtype
        if isinstance(other, Tensor):
            y, second = other.array, other.node
            if y.dtype is not dtype or (floats and dtype is not float32 and dtype is not float64):
                return general(input, other)
        elif (other.__class__ is float or other.__class__ is int) and (dtype is float32 or dtype is float64):
            y, second = other, None
        else:
            return general(input, other)
        try:
            z = body(x, y)
        except ValueError as error:
            raise _explain(op, [x, y], (), error) from None
        shape = z.shape
        if not shape:
            z = np.asarray(z)  # NumPy turns 0-d results into scalars
        t = new_tensor(Tensor)
        t.array, t.grad, t.family = z, None, None
        if not differentiable or (first is None and second is None) or (scope := recording.scope) is None:
            t.node = None
            return t
        t.node = node = new_node(Node)
        node.op, node.parents, node.params, node.stamp = op, (first, second), (), next_stamp()
        node.saved = (
            x if (x_for_y and second) or (x_for_x and first) else None,
            y if (y_for_x and first) or (y_for_y and second) or other is y else None,  # a number is kept for drawings
            z if keep_out else None,
        )
        node.shape, node.dtype, node.value = shape, dtype, z if z.size <= SMALL else None
        frame = sys._getframe(1)
        node.scope, node.where, node.hooks = scope, (frame.f_code, frame.f_lasti), None
        return t

    return call


class OpFunction:
    """The type of a declared function, for readers and type checkers: callable, with ``.op`` and ``.derivative``."""

    op: Op
    derivative: Callable[..., None]
    samples: Callable[..., None]
    errors: Callable[..., None]
    __name__: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...


def _reflected(call: Any) -> Callable[[Tensor, Any], Any]:
    return lambda self, other: call(other, self)


def _public(body: Callable[..., Any]) -> Any:
    """The function that users see: `body`'s name, help and signature; the hot form inside where the call is plain."""

    @functools.wraps(body)
    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) != call.hot_arguments or not isinstance(args[0], Tensor):
            return call.general(*args, **kwargs)
        result = call.hot(*args)
        if result.node is not None:
            frame = sys._getframe(1)
            result.node.where = (frame.f_code, frame.f_lasti)
        return result

    return call


_PUBLIC = _public(lambda: None).__code__  # skipped when a node notes the line that called it


def _declare(op: Op, *, method: bool | str, dunder: str | None, inplace: bool, numpy: Any) -> OpFunction:
    """Build the public function and attach it where it belongs; formulas follow with ``.derivative``."""

    call = _public(op.body)

    def settle() -> None:
        call.general = general = _general(op)
        plain = op.elementwise and not op.parameters and not op.variadic and len(op.inputs) <= 2
        call.hot = (_unary if len(op.inputs) == 1 else _binary)(op) if plain else general
        call.hot_arguments = len(op.inputs) if plain else -1
        name = method if isinstance(method, str) else op.name
        if method:
            attach(name, call, op.body, inplace=inplace)
        if dunder:
            attach(f"__{dunder}__", call.hot if plain else call, op.body, inplace=False)
            if len(op.inputs) == 2 and op.elementwise and dunder not in ("eq", "ne", "lt", "le", "gt", "ge"):
                attach(f"__r{dunder}__", _reflected(call), op.body, inplace=False)
                if inplace:
                    attach(f"__i{dunder}__", getattr(Tensor, f"{name}_"), op.body, inplace=False)
        for function in numpy if isinstance(numpy, tuple) else (numpy,) if numpy else ():
            attach_numpy(function, call)

    def derivative(**formulas: Formula | None) -> None:
        op.derivative(**formulas)
        settle()

    call.op, call.derivative, op.function = op, derivative, call
    call.samples, call.errors = op.samples.append, op.error_samples.append
    settle()
    return call  # type: ignore[return-value]


def op(*, symbol: str | None = None, method: bool | str = True, dunder: str | None = None, inplace: bool = False,
       numpy: Any = None, differentiable: bool = True, view: bool = False, multiple: bool = False,
       linear: bool = False) -> Callable[[Callable[..., Any]], OpFunction]:  # fmt: skip
    """Declare an operation of the general form.

    `method`: also a Tensor method (under another name if a string); `dunder`: also an operator, without underscores;
    `numpy`: NumPy functions that mean this op when called on Tensors; `view`: the output shares the first input's
    memory when NumPy's does; `multiple`: the body returns a tuple; `linear`: linear in each differentiable input.
    """

    def declare(body: Callable[..., Any]) -> OpFunction:
        made = Op(body, symbol=symbol, differentiable=differentiable, view=view, multiple=multiple, linear=linear)
        return _declare(made, method=method, dunder=dunder, inplace=inplace, numpy=numpy)

    return declare


def elementwise(*, symbol: str | None = None, method: bool | str = True, dunder: str | None = None, inplace: bool = True,
                numpy: Any = None, differentiable: bool = True, floats: bool = False,
                domain: tuple[float, float] = (-2.0, 2.0)) -> Callable[[Callable[..., Any]], OpFunction]:  # fmt: skip
    """Declare an operation on each element: broadcast, promoted, its formula diagonal in ``g``.

    `floats`: integers are promoted to the default float type first; `domain`: where the tests draw their inputs.
    """

    def declare(body: Callable[..., Any]) -> OpFunction:
        made = Op(body, symbol=symbol, differentiable=differentiable, elementwise=True, floats=floats)
        made.domain = domain
        return _declare(made, method=method, dunder=dunder, inplace=inplace, numpy=numpy)

    return declare


# ---------------------------------------------------------------------------------------------------------------------
# The two ops that the machinery itself needs.


@op(method=False, linear=True)
def cast(input: Any, /, dtype: Any) -> Any:
    """``input`` with elements of type `dtype`: how promotion appears on the tape."""
    return input.astype(dtype)


@op(method=False, linear=True)
def pick(input: Any, /, index: int) -> Any:
    """One output of an op that has several.  The engine gathers the cotangents of all picks before it goes on."""
    return input[index]


cast.derivative(input=lambda g, input_dtype: cast(g, input_dtype))
PICK = pick.op
