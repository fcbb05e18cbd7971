"""Functions by name, for programs that leave the process: a name is given only if it leads back to the function.

=========================  ===========================================================
``np.add``                 a ufunc, or one of the functions of NumPy that only compute
``np.ndarray.copy``        a method of arrays that only computes
``np.add.reduce``          our `Reduction`; ``np.add:reduce`` is the ufunc's own method
``scipy.special.psi``      a ufunc of SciPy
``op.tanh``                what an op runs; ``op.tanh.derivative.input`` one of its formulas
``program.cast``           what programs bring along
``autograd.ops.f``         a function at the top of one of our modules
``bool``                   a type of numbers
``part.0.NAME``            the first of several results
``forwards.NAME``          with results that do not lie backwards in memory
=========================  ===========================================================

Nothing is imported or evaluated for a name, so a foreign document can only ask for what is listed here.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from ..op import Op, declared
from . import functions
from .runtime import in_places
from .traced import Reduction, cast, get, reduction

Function = Callable[..., Any]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FUNCTIONS = _words(
    "all amax amin any argmax argmin argpartition argsort argwhere around atleast_1d atleast_2d average bincount "
    "broadcast_to choose clip compress concatenate convolve copy correlate count_nonzero cov cross cumprod cumsum "
    "diag diagonal diff digitize dot einsum expand_dims extract flatnonzero flip fliplr flipud histogram hstack imag "
    "inner interp isclose kron lexsort linspace max mean median min moveaxis nan_to_num nanmax nanmean nanmin nansum "
    "ndim nonzero outer pad partition percentile prod ptp quantile ravel real repeat reshape roll rollaxis rot90 "
    "searchsorted sinc size sort split squeeze stack std sum swapaxes take take_along_axis tensordot tile trace "
    "transpose trapezoid tril triu unique unwrap vdot var vstack where zeros_like ones_like full_like"
)
_LINALG = _words(
    "cholesky cond det eig eigh eigvals eigvalsh inv lstsq matrix_power matrix_rank norm pinv qr slogdet solve svd"
)
_FFT = _words("fft ifft rfft irfft fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn irfftn hfft ihfft fftshift ifftshift")
_METHODS = _words(
    "all any argmax argmin argpartition argsort astype choose clip compress conj conjugate copy cumprod cumsum "
    "diagonal dot flatten item max mean min nonzero prod ravel repeat reshape round searchsorted squeeze std "
    "sum swapaxes take tolist trace transpose var view"
)
_UFUNC_METHODS = ("reduce", "accumulate", "outer", "reduceat")
_OURS = {f.__name__: f for f in (cast, get, in_places, functions.filled, functions.replaced, functions.part_replaced,
                                 functions.scattered, functions.same_value,
                                 functions.sum_of_products)}  # fmt: skip
_TYPES = {t.__name__: t for t in (bool, int, float, complex)}
_ROOMS = ("autograd.ops.", "nn.", "optim.")


def name_of(function: Any) -> str | None:
    """The name of a function, or None if no name would lead back to it.

    >>> name_of(np.linalg.inv), name_of(reduction(np.add)), name_of(lambda x: x)
    ('np.linalg.inv', 'np.add.reduce', None)
    """
    for name in _candidates(function):
        if same_function(function_of(name), function):
            return name
    return None


def same_function(f: Any, g: Any) -> bool:
    """Whether both are one function: `Part` makes new objects, and methods are bound anew each time."""
    return f is not None and (f is g or f == g)


def _candidates(f: Any) -> list[str]:
    if isinstance(f, functions.Part):
        inner = name_of(f.function)
        return [] if inner is None else [f"part.{f.i}.{inner}"]
    if isinstance(f, functions.Forwards):
        inner = name_of(f.function)
        return [] if inner is None else [f"forwards.{inner}"]
    if isinstance(f, Reduction):
        inner = name_of(f.ufunc)
        return [] if inner is None else [f"{inner}.reduce"]
    if isinstance(getattr(f, "__self__", None), np.ufunc):
        inner = name_of(f.__self__)
        return [] if inner is None else [f"{inner}:{f.__name__}"]
    word = getattr(f, "__name__", "")
    if isinstance(f, np.ufunc):
        return [f"np.{word}", f"scipy.special.{word}"]
    if isinstance(f, type):
        return [word]
    if isinstance(f, types.MethodDescriptorType):
        return [f"np.ndarray.{word}"]
    found = [f"np.{word}", f"np.linalg.{word}", f"np.fft.{word}", f"program.{word}", *_op_names(f)]
    home = getattr(getattr(f, "body", f), "__module__", None) or ""
    if home.startswith(_ROOMS):
        held = vars(sys.modules[home]).items()
        found += [f"{home}.{key}" for key, value in held if value is f or getattr(value, "__wrapped__", None) is f]
    return found


def _op_names(f: Any) -> list[str]:
    for op in declared:
        for kind in ("run", "small", "body"):
            if getattr(op, kind) is f:
                return [f"op.{op.name}" if kind == "run" else f"op.{op.name}.{kind}"]
        for name, formula in op.formulas.items():
            if formula is f:
                return [f"op.{op.name}.derivative.{name}"]
    return []


def function_of(name: str) -> Function | None:
    """The function with this name, or None.

    >>> function_of("np.add") is np.add, function_of("os.system") is None
    (True, True)
    """
    room, _, rest = name.partition(".")
    if not rest:
        return _TYPES.get(name)
    if room == "part":
        number, _, inner = rest.partition(".")
        f = function_of(inner)
        return functions.Part(f, int(number)) if f is not None and number.isdecimal() else None
    if room == "forwards":
        f = function_of(rest)
        return None if f is None else functions.Forwards(f)
    if room == "program":
        return _OURS.get(rest)
    if room == "op":
        return _of_op(*rest.split("."))
    if room in ("np", "scipy"):
        return _of_arrays(name)
    return _of_ours(name) if name.startswith(_ROOMS) else None


def _of_op(name: str, *more: str) -> Function | None:
    op = op_of(name)
    if op is None:
        return None
    if not more or (len(more) == 1 and more[0] in ("small", "body")):
        function: Function = getattr(op, more[0] if more else "run")
        return function
    return op.formulas.get(more[1]) if len(more) == 2 and more[0] == "derivative" else None


def _of_arrays(name: str) -> Function | None:
    plain, colon, method = name.partition(":")
    if colon:
        ufunc = _ufunc(plain)
        return getattr(ufunc, method) if ufunc is not None and method in _UFUNC_METHODS else None
    ufunc = _ufunc(name.removesuffix(".reduce"))
    if ufunc is not None:
        return reduction(ufunc) if name.endswith(".reduce") else ufunc
    for prefix, holder, allowed in (("np.ndarray.", np.ndarray, _METHODS), ("np.linalg.", np.linalg, _LINALG),
                                    ("np.fft.", np.fft, _FFT), ("np.", np, _FUNCTIONS)):  # fmt: skip
        if name.startswith(prefix):
            word = name.removeprefix(prefix)
            return getattr(holder, word, None) if word in allowed else None
    return None


def _ufunc(name: str) -> np.ufunc | None:
    if name.startswith("scipy.special."):
        try:
            import scipy.special as holder
        except ImportError:
            return None
        found = getattr(holder, name.removeprefix("scipy.special."), None)
    else:
        found = getattr(np, name.removeprefix("np."), None)
    return found if isinstance(found, np.ufunc) else None


def _of_ours(name: str) -> Function | None:
    """A function at the top of a module of ours that is there already; of one that `as_one` marks, what it marks."""
    module, _, word = name.rpartition(".")
    found = getattr(sys.modules.get(module), word, None)
    found = found if hasattr(found, "body") else getattr(found, "__wrapped__", found)  # a kernel's wrapper is meant
    body = getattr(found, "body", found)
    mine = isinstance(found, types.FunctionType) and getattr(body, "__module__", None) == module
    return found if mine else None


def tuple_name(kind: type) -> str | None:
    """The name of a class of named tuples, or None."""
    name = f"{kind.__module__}.{kind.__name__}"
    return name if tuple_of(name) is kind else None


def tuple_of(name: str) -> type | None:
    """The class of named tuples with this name, or None."""
    module, _, word = name.rpartition(".")
    found = getattr(sys.modules.get(module), word, None) if name.startswith(_ROOMS) else None
    return found if isinstance(found, type) and issubclass(found, tuple) and hasattr(found, "_fields") else None


def op_of(name: str) -> Op | None:
    """The op that is declared with this name, or None."""
    return next((op for op in declared if op.name == name), None)
