"""Arrays that tell a `Recorder` what is done with them, and hold real values all the while.

A formula, an op's body, an optimiser's rule are NumPy functions.  Run on `Traced` arrays they compute what they always
compute, and every ufunc, function, method, index and write in place becomes an equation of the program.  There is no
second definition of anything.

What leaves NumPy's sight is caught where it can be: turning a traced array into a Python number or a truth value is
reported to the recorder, which makes a check of it or gives up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .extent import number

if TYPE_CHECKING:
    from .program import Var
    from .recorder import Recorder

Step = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]  # a view: function(array, *args, **kwargs)


class Traced(np.ndarray):
    """A view of an ordinary array that knows which variable of the program it is."""

    recorder: Recorder
    var: Var  # type: ignore[assignment]  # what it held when `version` was its root's
    version: int  # of a root: how many writes there were
    above: Traced | None  # the root that it is a view of; none for a root, which would keep itself alive
    steps: tuple[Step, ...]  # how the view is made of the root
    weak = False  # a number that adapts to the type of the arrays that it meets, as Python's do

    def __array_finalize__(self, source: Any) -> None:
        """NumPy made this from `source` on its own; only the recorder gives it a variable."""
        if isinstance(source, Traced) and hasattr(source, "recorder"):
            self.recorder = source.recorder  # to be told if this is used

    @property
    def root(self) -> Traced:
        """The array in whose memory this lies: it, if it is no view."""
        return self if self.above is None else self.above

    # -- NumPy's own protocols -----------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        recorder = self._recorder_of(inputs, out or ())
        inputs, weak = _adapted(inputs)
        if method == "at":
            return recorder.scatter(ufunc, inputs)
        function = ufunc if method == "__call__" else reduction(ufunc) if method == "reduce" else getattr(ufunc, method)
        if method == "reduce":
            axes = _axes(kwargs.get("axis", 0), inputs[0].ndim)  # None is all of them, no axis the first
            kept = {key: value for key, value in kwargs.items() if value is not None and value is not np._NoValue}
            kwargs = kept | {"axis": axes}
        if out is None:
            result = recorder.call(function, inputs, kwargs)
            if weak and isinstance(result, Traced):
                result.weak = True
            return result
        (target,) = out if isinstance(out, tuple) and len(out) == 1 else (None,)
        if target is None or "where" in kwargs:
            recorder.gives_up(f"np.{ufunc.__name__} with where= or with several out=")
            given = [plain(x) for x in inputs]
            return getattr(ufunc, method)(
                *given, out=tuple(map(plain, out)), **{k: plain(v) for k, v in kwargs.items()}
            )
        return recorder.write(target, (), recorder.call(function, inputs, kwargs))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return self._recorder_of(args, kwargs.values()).function(function, args, kwargs)

    def _recorder_of(self, *groups: Any) -> Recorder:
        for group in groups:
            for x in group:
                if isinstance(x, Traced) and hasattr(x, "recorder"):
                    return x.recorder
        return self.recorder

    # -- elements ------------------------------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Any:
        return self.recorder.call(get, (self, key), {})

    def __setitem__(self, key: Any, value: Any) -> None:
        self.recorder.write(self, key, value)

    @property
    def T(self) -> Any:  # type: ignore[override, misc]
        return self.recorder.call(np.ndarray.transpose, (self,), {})

    @property
    def mT(self) -> Any:  # type: ignore[override]
        return self.recorder.call(np.swapaxes, (self, -1, -2), {})

    @property  # type: ignore[misc]
    def real(self) -> Any:  # type: ignore[override]
        return self.recorder.call(np.real, (self,), {})

    @property  # type: ignore[misc]
    def imag(self) -> Any:  # type: ignore[override]
        return self.recorder.call(np.imag, (self,), {})

    @property
    def flat(self) -> Any:  # type: ignore[override, misc]
        self.recorder.gives_up("ndarray.flat")
        return plain(self).flat

    def fill(self, value: Any) -> None:
        self.recorder.write(self, (), value)

    # -- out of NumPy's sight ------------------------------------------------------------------------------------------

    def __bool__(self) -> bool:
        return self.recorder.decided(self, bool)

    def __int__(self) -> int:
        return self.recorder.decided(self, int)

    def __index__(self) -> int:
        return self.recorder.decided(self, int)

    def __float__(self) -> float:
        return self.recorder.decided(self, float)

    def __complex__(self) -> complex:
        return self.recorder.decided(self, complex)

    def item(self, *args: Any) -> Any:
        return self.recorder.decided(self[args] if args else self, np.ndarray.item)

    def number(self) -> Any:
        """The only element as a number that the program can follow."""
        result = self.recorder.call(cast, (self.reshape(()), np.dtype(np.float64)), {})
        result.weak = True
        return result

    def tolist(self) -> Any:
        return self.recorder.decided(self, np.ndarray.tolist)

    def __iter__(self) -> Any:
        return iter([self[i] for i in range(len(self))])

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def __reduce__(self) -> Any:
        self.recorder.gives_up("pickling a tensor")
        return plain(self).__reduce__()

    def __format__(self, spec: str) -> str:
        return format(self.recorder.decided(self, np.ndarray.tolist), spec)

    def __repr__(self) -> str:
        return f"Traced({plain(self)!r})"

    def __str__(self) -> str:
        return str(np.asarray(self.recorder.decided(self, np.ndarray.tolist)))


def plain(x: Any) -> Any:
    """The ordinary array of a traced one, the number of an extent; anything else as it is."""
    return np.ndarray.view(x, np.ndarray) if isinstance(x, Traced) else number(x)


def get(array: Any, key: Any) -> Any:
    """``array[key]`` as a function."""
    return array[key]


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    axes = tuple(range(ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return tuple(sorted(a % ndim for a in axes)) if ndim else ()


def cast(x: np.ndarray, dtype: Any) -> np.ndarray:
    """`x` with elements of another type."""
    return x.astype(dtype)


def _adapted(inputs: Any) -> tuple[Any, bool]:
    """Weak numbers in the type of the floats that they meet; and whether there are only such."""
    weak = [isinstance(x, Traced) and x.weak for x in inputs]
    if not any(weak):
        return inputs, False
    types = [x.dtype for x, w in zip(inputs, weak) if isinstance(x, np.ndarray | np.generic) and not w]
    if not types:
        return inputs, True
    kind = np.result_type(*types)
    if kind.kind != "f":
        return inputs, False
    return tuple(x.recorder.call(cast, (x, kind), {}) if w else x for x, w in zip(inputs, weak)), False


class Reduction:
    """``ufunc.reduce`` over some axes; one object for each ufunc."""

    def __init__(self, ufunc: Any) -> None:
        self.ufunc, self.__name__ = ufunc, f"{ufunc.__name__}.reduce"

    def __call__(self, array: Any, axis: Any = 0, dtype: Any = None, keepdims: bool = False, **more: Any) -> Any:
        return self.ufunc.reduce(array, axis=axis, dtype=dtype, keepdims=keepdims, **more)


_reductions: dict[Any, Reduction] = {}


def reduction(ufunc: Any) -> Reduction:
    """The `Reduction` of `ufunc`."""
    return _reductions.setdefault(ufunc, Reduction(ufunc))


# ---------------------------------------------------------------------------------------------------------------------
# Methods.  Sums, means and extrema become reductions; the others stand for themselves.


def _reducing(ufunc: Any) -> Callable[..., Any]:
    def method(self: Traced, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
               initial: Any = None) -> Any:  # fmt: skip
        if ufunc not in (np.add, np.multiply) and dtype is not None:  # max(axis, out): no dtype
            dtype, out = None, dtype
        if out is not None or initial is not None:
            return self.recorder.function(ufunc.reduce, (self, axis, dtype, out, keepdims, initial), {})
        axes = _axes(axis, self.ndim)
        if dtype is None and ufunc in (np.add, np.multiply) and self.dtype.kind in "biu":
            dtype = np.dtype(np.uint64 if self.dtype.kind == "u" else np.int64)
        kwargs = {"axis": axes, "keepdims": bool(keepdims)} | ({} if dtype is None else {"dtype": np.dtype(dtype)})
        return self.recorder.call(reduction(ufunc), (self,), kwargs)

    return method


def _mean(self: Traced, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    if out is not None or self.dtype.kind not in "f" or dtype is not None:
        return self.recorder.call(np.ndarray.mean, (self, axis, dtype, None, keepdims), {})
    total = self.sum(axis=axis, keepdims=keepdims)
    n = self.size // total.size if total.size else 0
    return total / (self.dtype.type(n) if type(n) is int else n)


def _plain_method(name: str) -> Callable[..., Any]:
    function = getattr(np.ndarray, name)

    def method(self: Traced, *args: Any, **kwargs: Any) -> Any:
        return self.recorder.function(function, (self, *args), kwargs)

    return method


_STANDING = (
    "argmax argmin argpartition argsort astype choose clip compress conj conjugate copy cumprod cumsum "
    "diagonal dot nonzero ravel repeat reshape round searchsorted squeeze std swapaxes take trace "
    "transpose var view flatten"
)
_UNSEEN = "byteswap dump dumps getfield itemset newbyteorder partition put resize setfield setflags sort tobytes tofile"


def _unseen(name: str) -> Callable[..., Any]:
    def method(self: Traced, *args: Any, **kwargs: Any) -> Any:
        self.recorder.gives_up(f"ndarray.{name}")
        return getattr(plain(self), name)(*args, **kwargs)

    return method


for _name in _STANDING.split():
    setattr(Traced, _name, _plain_method(_name))
for _name in _UNSEEN.split():
    setattr(Traced, _name, _unseen(_name))
for _name, _ufunc in (("sum", np.add), ("prod", np.multiply), ("max", np.maximum), ("min", np.minimum),
                      ("all", np.logical_and), ("any", np.logical_or)):  # fmt: skip
    setattr(Traced, _name, _reducing(_ufunc))
Traced.mean = _mean  # type: ignore[method-assign, assignment]
