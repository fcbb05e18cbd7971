"""Tensor: an array, its gradient, and the tape node that made it.  No maths here: ops attach themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .dtypes import as_dtype, is_floating
from .errors import DTypeError, TapeError
from .recording import recording
from .size import Size
from .tape import LEAF, Leaf, Node
from .writes import mark_written

if TYPE_CHECKING:
    from .views import View, Views


class Tensor:
    """An n-dimensional array that can carry a gradient.

    Make one with `autograd.tensor`, `zeros`, `randn`, `from_numpy`, ...

    >>> import autograd
    >>> x = autograd.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4., 6.])
    """

    __slots__ = ("__weakref__", "array", "family", "grad", "node")

    array: np.ndarray
    grad: Tensor | None
    node: Node | None  # what recorded this tensor; a Leaf if it wants a gradient itself; None if neither
    family: View | Views | None  # what it is a view of, or the views of it

    def __init__(self, *data: Any, dtype: Any = None, requires_grad: bool = False) -> None:
        """`Tensor(array_like)` copies float32 data; `Tensor(2, 3)` is an uninitialised 2 x 3, as in PyTorch."""
        sizes = len(data) != 1 or isinstance(data[0], int)
        kind = as_dtype(float if dtype is None else dtype)
        self.array = np.empty(data, kind) if sizes else np.array(plain(data[0]), kind)
        self.grad, self.node, self.family = None, None, None
        if requires_grad:
            self.requires_grad_()

    # -- the tape ------------------------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, on: bool) -> None:
        self.requires_grad_(on)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Start (or stop) wanting a gradient; only for leaves."""
        if not self.is_leaf:
            if not requires_grad:
                raise TapeError("this tensor was computed, so it stays on the tape; detach() gives one off it")
            return self
        if not requires_grad:
            self.node = None
        elif self.node is None:
            if self.array.dtype.kind == "c":
                raise DTypeError("complex tensors are not differentiated; use their real and imaginary parts")
            if not is_floating(self.array.dtype):
                raise DTypeError(f"only floating-point tensors can require grad, not {self.array.dtype}; use .float()")
            self.node = Leaf(self)
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this tensor."""
        return self.node is None or self.node.op is LEAF

    @property
    def grad_fn(self) -> Node | None:
        """The node of the operation that made this tensor."""
        return None if self.is_leaf else self.node

    def detach(self) -> Tensor:
        """The same memory, off the tape."""
        return wrap(self.array)

    def detach_(self) -> Tensor:
        """Take this tensor itself off the tape."""
        self.node = None
        return self

    @property
    def data(self) -> Tensor:
        """The same memory, off the tape; assigning replaces the values and keeps the identity."""
        return wrap(self.array)

    @data.setter
    def data(self, new: Tensor) -> None:
        self.array = new.array
        if isinstance(self.node, Leaf):
            self.node.shape, self.node.dtype = new.array.shape, new.array.dtype

    def _write(self, result: Tensor, by: str) -> Tensor:
        """Take over `result`'s values and history: the one way in which an op writes in place."""
        from .inplace import check_fits, rebase

        check_fits(self, result.array, by)
        if recording.scope is not None:
            rebase(self, result, by)
        np.copyto(self.array, result.array, casting="same_kind")
        mark_written(self.array, by)
        return self

    # -- description ---------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The sizes of the dimensions."""
        return Size(self.array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The element type."""
        return self.array.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim

    @property
    def device(self) -> str:
        """Always ``"cpu"``."""
        return "cpu"

    is_cuda = is_sparse = is_quantized = False

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.array.nbytes

    def __repr__(self) -> str:
        from .printing import tensor_repr

        return tensor_repr(self)

    __hash__ = object.__hash__  # identity: `==` compares elements

    @classmethod
    def _rebuild(cls, array: np.ndarray, requires_grad: bool) -> Tensor:
        new = cls.__new__(cls)
        new.array, new.grad, new.node, new.family = array, None, None, None
        return new.requires_grad_() if requires_grad else new


def wrap(array: np.ndarray, node: Node | None = None) -> Tensor:
    """A Tensor around `array`, without copying."""
    t = Tensor.__new__(Tensor)
    t.array, t.grad, t.node, t.family = array, None, node, None
    return t


def plain(data: Any) -> Any:
    """The array of a Tensor; anything else as it is."""
    return data.array if isinstance(data, Tensor) else data


# ---------------------------------------------------------------------------------------------------------------------
# How ops reach the class.

numpy_functions: dict[Any, Callable[..., Any]] = {}  # a NumPy function -> what it means on Tensors
methods: dict[str, Any] = {}  # what was attached, for the stub generator: name -> the declared body


def attach(name: str, function: Callable[..., Any] | property, body: Any, *, inplace: bool = False) -> None:
    """Make `function` the method `name` of Tensor, and with `inplace` also ``name_``."""
    function, body = (getattr(f, "as_method", f) for f in (function, body))  # methods take no ``out=``
    setattr(Tensor, name, function)
    methods[name] = body
    if not inplace:
        return

    def write(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        # A recorded op must keep the values from before the write, so it works on a copy of them.
        safe = wrap(self.array.copy(), self.node) if self.node is not None and recording.scope is not None else self
        return self._write(function(safe, *args, **kwargs), f"{name}_")

    write.__name__, write.__doc__ = f"{name}_", f"`{name}` in place."
    setattr(Tensor, f"{name}_", write)
    methods[f"{name}_"] = body


def attach_numpy(numpy_function: Any, function: Callable[..., Any]) -> None:
    """Let `numpy_function` mean `function` when it is called on a Tensor."""
    numpy_functions[numpy_function] = function


def method(function: Any = None, *, name: str | None = None, inplace: bool = False, numpy: Any = None) -> Any:
    """Decorator: a composite function that is also a Tensor method."""

    def declare(function: Any) -> Any:
        attach(name or function.__name__, function, function, inplace=inplace)
        if numpy is not None:
            attach_numpy(numpy, function)
        return function

    return declare if function is None else declare(function)
