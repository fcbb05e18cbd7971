"""The arguments of a call: sorted by PyTorch's names, and described when they are wrong."""

from __future__ import annotations

import inspect
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import ArgumentError, DTypeError, ShapeError, WengertError

if TYPE_CHECKING:
    from .op import Op

# NumPy's names, which PyTorch accepts too.
ALIASES = MappingProxyType(
    {"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other"}
)
EXPLAINED = (ValueError, TypeError, IndexError, AttributeError, ArithmeticError)  # NumPy's, of a body; see `explain`
MISSING: Any = object()  # an argument that was not given and has no default


def sort_arguments(op: Op, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """A call's inputs and its parameters, in the order of the declaration, defaults filled in."""
    if not kwargs and not op.variadic and len(args) in op.tails:
        args += op.tails[len(args)]
        return args[: len(op.inputs)], args[len(op.inputs) :]
    if op.variadic:
        params = [op.defaults.get(name) for name in op.parameters]
        for name, value in kwargs.items():
            params[_position(op, name, op.parameters)] = value
        return args, tuple(params)
    names = op.inputs + op.parameters
    if len(args) > len(names):
        raise ArgumentError(f"{op.name}() takes at most {len(names)} arguments ({', '.join(names)}), got {len(args)}")
    values = [*args, *op.unless_given[len(args) :]]
    for name, value in kwargs.items():
        at = names.index(name) if name in names else _position(op, name, names)
        if at < len(args):
            raise ArgumentError(f"{op.name}() got {names[at]!r} twice, by position and by name")
        values[at] = value
    for name, value in zip(names, values):
        if value is MISSING:
            raise ArgumentError(f"{op.name}() needs the argument {name!r}; its arguments are ({', '.join(names)})")
    n = len(op.inputs)
    return tuple(values[:n]), tuple(values[n:])


def _position(op: Op, name: str, names: tuple[str, ...]) -> int:
    for candidate in (name, ALIASES.get(name)):
        if candidate in names:
            return names.index(candidate)
    raise ArgumentError(f"{op.name}() has no argument {name!r}; its arguments are ({', '.join(names)})")


def not_a_tensor(op: Op, operands: tuple[Any, ...], value: Any) -> ArgumentError:
    """`value`, one of the operands, stands where a tensor must."""
    name = next(name for name, x in zip(op.input_names(len(operands)), operands) if x is value)
    return ArgumentError(
        f"{op.name}(): {name} must be a Tensor, got {type(value).__name__}; write autograd.tensor(...) around it"
    )


def misused(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], error: Exception) -> Exception:
    """Why a composite `function` failed, if something that is no tensor stood where it wants one; else `error`."""
    from .tensor import Tensor

    if isinstance(error, WengertError):
        return error
    signature = inspect.signature(function)
    try:
        given = signature.bind(*args, **kwargs).arguments
    except TypeError:
        return error
    for name, value in given.items():
        if signature.parameters[name].annotation == "Tensor" and not isinstance(value, Tensor | tuple):
            what = f"{function.__name__}: {name} must be a Tensor, got {type(value).__name__}"
            return ArgumentError(f"{what}; write autograd.tensor(...) around it")
    return error


def explain(op: Op, arrays: Any, params: tuple[Any, ...], error: Exception) -> Exception:
    """NumPy's complaint about the body of `op`, told in the caller's terms."""
    if isinstance(error, AttributeError):  # the body asked a number for its shape or type; else it is our mistake
        numbers = [x for x in arrays if isinstance(x, bool | int | float | complex)]
        return not_a_tensor(op, arrays, numbers[0]) if numbers else error
    shown = [f"{name}: {_describe(x)}" for name, x in zip(op.input_names(len(arrays)), arrays)]
    shown += [f"{name}={value!r}" for name, value in zip(op.parameters, params)]
    shaped = [x for x in arrays if isinstance(x, np.ndarray)]
    kind: type[WengertError] = ArgumentError
    if isinstance(error, ValueError | IndexError) and shaped:
        kind = ShapeError
    elif isinstance(error, TypeError) and "ufunc" in str(error):
        kind = DTypeError
    reason = str(error).split("\n")[0]
    if op.elementwise and len(shaped) > 1 and isinstance(error, ValueError):
        reason = "the shapes do not broadcast: compared from the right, sizes must be equal or 1"
    return kind(f"{op.name}({', '.join(shown)}): {reason}")


def _describe(x: Any) -> str:
    return f"{x.dtype}{list(x.shape)}" if isinstance(x, np.ndarray) else repr(x)
