"""NumPy's functions and methods as a recorder writes them down: what has two names is one equation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .functions import filled
from .nesting import over
from .traced import Traced, cast, plain

if TYPE_CHECKING:
    from .recorder import Recorder

_UNTOUCHED = {np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.may_share_memory, np.shares_memory,
              np.iscomplexobj, np.isrealobj, np.min_scalar_type}  # fmt: skip


def follow(recorder: Recorder, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """What the recorder makes of ``function(*args, **kwargs)``: of other names for ufuncs and reductions, those."""
    if function in (np.shape, np.size) and isinstance(args[0], Traced) and len(args) == 1:
        return args[0].shape if function is np.shape else args[0].size
    if function in _UNTOUCHED:
        given = over((args, kwargs), plain)
        return function(*given[0], **given[1])
    if function in _REDUCTIONS and isinstance(args[0], Traced) and not {"where", "initial"} & kwargs.keys():
        return getattr(args[0], _REDUCTIONS[function])(*args[1:], **kwargs)
    if function is np.copyto:
        recorder.write(args[0], (), args[1])
        return None
    if kwargs.get("out") is not None:
        out = kwargs["out"]
        rest = {key: value for key, value in kwargs.items() if key != "out"}
        return recorder.write(out, (), follow(recorder, function, args, rest))
    kwargs = {key: value for key, value in kwargs.items() if key != "out"}
    if function in (np.zeros_like, np.ones_like, np.empty_like, np.full_like):
        return _like(recorder, function, *args, **kwargs)
    if function in (np.clip, np.ndarray.clip):
        return _clipped(*args, **kwargs)
    if function is np.ndarray.astype:
        return _cast(recorder, *args, **kwargs)
    if function is np.ndarray.view:
        return recorder.reinterpreted(*args, **kwargs)
    return recorder.call(function, args, kwargs)


def _like(recorder: Recorder, function: Any, x: Any, fill: Any = 0, dtype: Any = None, order: str = "K",
          subok: bool = True, shape: Any = None) -> Any:  # fmt: skip
    if function is not np.full_like:
        fill, dtype = (1 if function is np.ones_like else 0), fill or dtype  # their second argument is the type
    fill = plain(fill).item() if isinstance(fill, np.ndarray) and not isinstance(fill, Traced) else fill
    size = x.shape if shape is None else shape
    return recorder.call(filled, (fill, size, np.dtype(x.dtype if dtype is None else dtype)), {})


def _cast(recorder: Recorder, x: Any, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True,
          copy: bool = True) -> Any:  # fmt: skip
    if x.dtype == np.dtype(dtype):
        return recorder.call(np.ndarray.copy, (x,), {}) if copy else x
    return recorder.call(cast, (x, np.dtype(dtype)), {})


def _clipped(x: Any, low: Any = None, high: Any = None, **names: Any) -> Any:
    low, high = names.get("a_min", names.get("min", low)), names.get("a_max", names.get("max", high))
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


_REDUCTIONS: dict[Any, str] = {np.sum: "sum", np.mean: "mean", np.max: "max", np.min: "min", np.amax: "max",
                               np.amin: "min", np.prod: "prod", np.all: "all", np.any: "any"}  # fmt: skip
