"""The functions of equations that are not NumPy's: writes in place as copies, checks, one of several results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .program import CheckFailed
from .traced import Step


def filled(value: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """`value`, broadcast to a new array."""
    out = np.empty(shape, dtype)
    out[...] = value
    return out


def replaced(array: np.ndarray, value: Any, key: Any) -> np.ndarray:
    """A copy of `array` with `value` at `key`."""
    out = array.copy(order="K")
    out[key] = value
    return out


def part_replaced(array: np.ndarray, value: np.ndarray, steps: tuple[Step, ...]) -> np.ndarray:
    """A copy of `array` in which the view that `steps` make holds `value`."""
    out = view = array.copy(order="K")
    for function, args, kwargs in steps:
        view = function(view, *args, **kwargs)
    view[...] = value
    return out


def scattered(ufunc: Any, array: np.ndarray, key: Any, *values: Any) -> np.ndarray:
    """A copy of `array` after ``ufunc.at``."""
    out = array.copy(order="K")
    ufunc.at(out, key, *values)
    return out


def sum_of_products(row: Any, *factors: Any) -> Any:
    """A B + C D + ... for the factors A, B, C, D, ...; and `row` added to every row of that, unless it is None."""
    total = factors[0] @ factors[1]
    for a, b in zip(factors[2::2], factors[3::2]):
        total = total + a @ b
    return total if row is None else total + row


def same_value(function: Callable[..., Any], expected: Any, args: Any, kwargs: Any) -> None:
    """Raise CheckFailed unless the function still has the value that was found while recording."""
    if function(*args, **kwargs) != expected:
        raise CheckFailed


class Part:
    """Output `i` of a function that returns several views."""

    def __init__(self, function: Callable[..., Any], i: int) -> None:
        self.function, self.i, self.__name__ = function, i, f"{called(function)}[{i}]"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)[self.i]

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Part) and (self.function, self.i) == (other.function, other.i)

    def __hash__(self) -> int:
        return hash((self.function, self.i))


class Forwards:
    """A function whose results lie backwards in memory, followed by copies that do not."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.__name__ = function, called(function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        out = self.function(*args, **kwargs)
        if isinstance(out, tuple | list):
            parts: list[Any] = [None if part is None else forwards(np.asarray(part)) for part in out]
            return type(out)(*parts) if hasattr(out, "_fields") else type(out)(parts)
        return forwards(out)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Forwards) and self.function == other.function

    def __hash__(self) -> int:
        return hash((Forwards, self.function))


def forwards(array: np.ndarray) -> np.ndarray:
    """`array`, or a copy if a stride is negative."""
    return array.copy() if min(array.strides, default=0) < 0 else array


def called(function: Any) -> str:
    """What a program calls a function."""
    return getattr(function, "__name__", None) or type(function).__name__
