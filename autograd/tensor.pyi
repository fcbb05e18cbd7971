# Written by `python -m autograd.stub` from the declarations: change those, and run it again.

import builtins
from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np

from .decompositions import USV
from .generator import Generator
from .hooks import Handle
from .ops.along import Selected
from .ops.dims import Dims
from .ops.extrema import MinMax
from .ops.solving import SignLog
from .size import Size
from .tape import Node
from .views import View, Views

numpy_functions: dict[Any, Callable[..., Any]]
methods: dict[str, Any]

class Tensor:
    """An n-dimensional array that can carry a gradient."""

    array: np.ndarray
    grad: Tensor | None
    node: Node | None
    family: View | Views | None
    def __init__(self, *data: Any, dtype: Any = None, requires_grad: builtins.bool = False) -> None:
        """`Tensor(array_like)` copies float32 data; `Tensor(2, 3)` is an uninitialised 2 x 3, as in PyTorch."""
    @property
    def requires_grad(self) -> builtins.bool:
        """Whether operations on this tensor are recorded."""
    @requires_grad.setter
    def requires_grad(self, on: builtins.bool) -> None: ...
    def requires_grad_(self, requires_grad: builtins.bool = True) -> Tensor:
        """Start (or stop) wanting a gradient; only for leaves."""
    @property
    def is_leaf(self) -> builtins.bool:
        """Whether no recorded operation made this tensor."""
    @property
    def grad_fn(self) -> Node | None:
        """The node of the operation that made this tensor."""
    def detach(self) -> Tensor:
        """The same memory, off the tape."""
    def detach_(self) -> Tensor:
        """Take this tensor itself off the tape."""
    @property
    def data(self) -> Tensor:
        """The same memory, off the tape; assigning replaces the values and keeps the identity."""
    @data.setter
    def data(self, new: Tensor) -> None: ...
    def _write(self, result: Tensor, by: str) -> Tensor:
        """Take over `result`'s values and history: the one way in which an op writes in place."""
    @property
    def shape(self) -> Size:
        """The sizes of the dimensions."""
    @property
    def dtype(self) -> np.dtype[Any]:
        """The element type."""
    @property
    def ndim(self) -> builtins.int:
        """The number of dimensions."""
    @property
    def device(self) -> str:
        """Always ``"cpu"``."""
    is_cuda: builtins.bool
    is_sparse: builtins.bool
    is_quantized: builtins.bool
    @property
    def nbytes(self) -> builtins.int:
        """Bytes of all elements."""
    def __repr__(self) -> str: ...
    def __hash__(self) -> builtins.int: ...
    @classmethod
    def _rebuild(cls, array: np.ndarray, requires_grad: builtins.bool) -> Tensor: ...
    @property
    def H(self) -> Tensor:
        """The last two dimensions exchanged."""
    @property
    def T(self) -> Tensor:
        """All dimensions in reverse order."""
    def __abs__(self) -> Tensor:
        """Magnitude, y = |input|; the derivative at 0 is taken as 0."""
    def __add__(self, other: Tensor | builtins.float) -> Tensor:
        """Sum of two tensors: what ``input + other`` runs."""
    def __and__(self, other: Tensor | builtins.float) -> Tensor:
        """And of each bit, y = input & other; of integers or bools."""
    def __array__(self, dtype: Any = None, copy: builtins.bool | None = None) -> np.ndarray: ...
    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any: ...
    def __array_ufunc__(self, ufunc: Any, how: str, *inputs: Any, **kwargs: Any) -> Any: ...
    def __bool__(self) -> builtins.bool: ...
    def __complex__(self) -> complex: ...
    def __contains__(self, value: Any) -> builtins.bool: ...
    def __deepcopy__(self, memo: dict[builtins.int, Any]) -> Tensor: ...
    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[builtins.int, builtins.int] | None = None,
        dl_device: tuple[builtins.int, builtins.int] | None = None,
        copy: builtins.bool | None = None,
    ) -> Any:
        """A capsule for the consumer's ``from_dlpack``; raises a BufferError for what cannot be shared safely."""
    def __dlpack_device__(self) -> tuple[builtins.int, builtins.int]:
        """Main memory."""
    def __eq__(self, other: Any) -> Any:
        """``self == other``: elementwise for tensors and numbers, False for anything else, such as None."""
    def __float__(self) -> builtins.float: ...
    def __floordiv__(self, other: Tensor | builtins.float) -> Tensor:
        """Quotient rounded down, y = ⌊input / other⌋; integers stay integers.  Its derivative is zero."""
    def __ge__(self, other: Tensor | builtins.float) -> Tensor:
        """Whether input ≥ other, elementwise with broadcasting."""
    def __getitem__(self, key: Any) -> Tensor:
        """``x[key]``: a view for slices and integers, a copy for masks and arrays of integers."""
    def __gt__(self, other: Tensor | builtins.float) -> Tensor:
        """Whether input > other, elementwise with broadcasting."""
    def __iadd__(self, other: Tensor | builtins.float) -> Self:
        """Sum of two tensors: what ``input + other`` runs."""
    def __iand__(self, other: Tensor | builtins.float) -> Self:
        """And of each bit, y = input & other; of integers or bools."""
    def __ifloordiv__(self, other: Tensor | builtins.float) -> Self:
        """Quotient rounded down, y = ⌊input / other⌋; integers stay integers.  Its derivative is zero."""
    def __ilshift__(self, other: Tensor | builtins.float) -> Self:
        """Bits moved up, y = input · 2^other."""
    def __imod__(self, other: Tensor | builtins.float) -> Self:
        """What ``//`` leaves, y = input - other · ⌊input / other⌋, with the sign of `other`."""
    def __imul__(self, other: Tensor | builtins.float) -> Self:
        """Product, y = input · other, elementwise with broadcasting."""
    def __index__(self) -> builtins.int: ...
    def __int__(self) -> builtins.int: ...
    def __invert__(self) -> Tensor:
        """Every bit turned over, y = ~input; of integers or bools, where it is "not"."""
    def __ior__(self, other: Tensor | builtins.float) -> Self:
        """Or of each bit, y = input | other; of integers or bools."""
    def __ipow__(self, exponent: Tensor | builtins.float) -> Self:
        """Power, y = input ^ exponent; either may be a number."""
    def __irshift__(self, other: Tensor | builtins.float) -> Self:
        """Bits moved down, y = ⌊input / 2^other⌋."""
    def __isub__(self, other: Tensor | builtins.float) -> Self:
        """Difference of two tensors: what ``input - other`` runs."""
    def __iter__(self) -> Iterator[Tensor]: ...
    def __itruediv__(self, other: Tensor | builtins.float) -> Self:
        """Quotient of two tensors: what ``input / other`` runs."""
    def __ixor__(self, other: Tensor | builtins.float) -> Self:
        """Exclusive or of each bit, y = input ^ other; of integers or bools."""
    def __le__(self, other: Tensor | builtins.float) -> Tensor:
        """Whether input ≤ other, elementwise with broadcasting."""
    def __len__(self) -> builtins.int: ...
    def __lshift__(self, other: Tensor | builtins.float) -> Tensor:
        """Bits moved up, y = input · 2^other."""
    def __lt__(self, other: Tensor | builtins.float) -> Tensor:
        """Whether input < other, elementwise with broadcasting."""
    def __matmul__(self, other: Tensor) -> Tensor:
        """Matrix product, Σ_k a_ik b_kj; vectors are rows on the left, columns on the right; leading dimensions
        broadcast."""
    def __mod__(self, other: Tensor | builtins.float) -> Tensor:
        """What ``//`` leaves, y = input - other · ⌊input / other⌋, with the sign of `other`."""
    def __mul__(self, other: Tensor | builtins.float) -> Tensor:
        """Product, y = input · other, elementwise with broadcasting."""
    def __ne__(self, other: Any) -> Any:
        """``self != other``: elementwise for tensors and numbers, True for anything else, such as None."""
    def __neg__(self) -> Tensor:
        """Negative, y = -input."""
    def __or__(self, other: Tensor | builtins.float) -> Tensor:
        """Or of each bit, y = input | other; of integers or bools."""
    def __pos__(self) -> Tensor:
        """The same values, y = +input; booleans have no sign."""
    def __pow__(self, exponent: Tensor | builtins.float) -> Tensor:
        """Power, y = input ^ exponent; either may be a number."""
    def __radd__(self, other: Tensor | builtins.float) -> Tensor:
        """Sum of two tensors: what ``input + other`` runs."""
    def __rand__(self, other: Tensor | builtins.float) -> Tensor:
        """And of each bit, y = input & other; of integers or bools."""
    def __reduce_ex__(self, protocol: Any) -> Any: ...
    def __rfloordiv__(self, other: Tensor | builtins.float) -> Tensor:
        """Quotient rounded down, y = ⌊input / other⌋; integers stay integers.  Its derivative is zero."""
    def __rlshift__(self, other: Tensor | builtins.float) -> Tensor:
        """Bits moved up, y = input · 2^other."""
    def __rmatmul__(self, other: Tensor) -> Tensor:
        """Matrix product, Σ_k a_ik b_kj; vectors are rows on the left, columns on the right; leading dimensions
        broadcast."""
    def __rmod__(self, other: Tensor | builtins.float) -> Tensor:
        """What ``//`` leaves, y = input - other · ⌊input / other⌋, with the sign of `other`."""
    def __rmul__(self, other: Tensor | builtins.float) -> Tensor:
        """Product, y = input · other, elementwise with broadcasting."""
    def __ror__(self, other: Tensor | builtins.float) -> Tensor:
        """Or of each bit, y = input | other; of integers or bools."""
    def __rpow__(self, exponent: Tensor | builtins.float) -> Tensor:
        """Power, y = input ^ exponent; either may be a number."""
    def __rrshift__(self, other: Tensor | builtins.float) -> Tensor:
        """Bits moved down, y = ⌊input / 2^other⌋."""
    def __rshift__(self, other: Tensor | builtins.float) -> Tensor:
        """Bits moved down, y = ⌊input / 2^other⌋."""
    def __rsub__(self, other: Tensor | builtins.float) -> Tensor:
        """Difference of two tensors: what ``input - other`` runs."""
    def __rtruediv__(self, other: Tensor | builtins.float) -> Tensor:
        """Quotient of two tensors: what ``input / other`` runs."""
    def __rxor__(self, other: Tensor | builtins.float) -> Tensor:
        """Exclusive or of each bit, y = input ^ other; of integers or bools."""
    def __setitem__(self, key: Any, value: Any) -> None:
        """``x[key] = value``, in place; recorded if `value`, x or what x is a view of is."""
    def __sub__(self, other: Tensor | builtins.float) -> Tensor:
        """Difference of two tensors: what ``input - other`` runs."""
    def __truediv__(self, other: Tensor | builtins.float) -> Tensor:
        """Quotient of two tensors: what ``input / other`` runs."""
    def __xor__(self, other: Tensor | builtins.float) -> Tensor:
        """Exclusive or of each bit, y = input ^ other; of integers or bools."""
    def abs(self) -> Tensor:
        """Magnitude, y = |input|; the derivative at 0 is taken as 0."""
    def abs_(self) -> Self:
        """`abs` in place."""
    def absolute(self) -> Tensor:
        """Magnitude, y = |input|; the derivative at 0 is taken as 0."""
    def absolute_(self) -> Self:
        """`absolute` in place."""
    def acos(self) -> Tensor:
        """Arc cosine, in [0, π]; NaN outside [-1, 1]."""
    def acos_(self) -> Self:
        """`acos` in place."""
    def acosh(self) -> Tensor:
        """Inverse hyperbolic cosine, not negative; NaN below 1."""
    def acosh_(self) -> Self:
        """`acosh` in place."""
    def add(self, other: Tensor | builtins.float, *, alpha: builtins.float = 1) -> Tensor:
        """Sum, y = input + alpha · other, with broadcasting."""
    def add_(self, other: Tensor | builtins.float, *, alpha: builtins.float = 1) -> Self:
        """`add` in place."""
    def addbmm(self, batch1: Tensor, batch2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor:
        """beta · input + alpha · Σ_b (batch1_b @ batch2_b)."""
    def addbmm_(self, batch1: Tensor, batch2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Self:
        """`addbmm` in place."""
    def addcdiv(
        self,
        tensor1: Tensor | builtins.float,
        tensor2: Tensor | builtins.float,
        value: builtins.float = 1,
    ) -> Tensor:
        """y = input + value · tensor1 / tensor2, with broadcasting; for integers write the division that you mean."""
    def addcdiv_(
        self,
        tensor1: Tensor | builtins.float,
        tensor2: Tensor | builtins.float,
        value: builtins.float = 1,
    ) -> Self:
        """`addcdiv` in place."""
    def addcmul(
        self,
        tensor1: Tensor | builtins.float,
        tensor2: Tensor | builtins.float,
        value: builtins.float = 1,
    ) -> Tensor:
        """y = input + value · tensor1 · tensor2, with broadcasting."""
    def addcmul_(
        self,
        tensor1: Tensor | builtins.float,
        tensor2: Tensor | builtins.float,
        value: builtins.float = 1,
    ) -> Self:
        """`addcmul` in place."""
    def addmm(self, mat1: Tensor, mat2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor:
        """beta · input + alpha · (mat1 @ mat2)."""
    def addmm_(self, mat1: Tensor, mat2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Self:
        """`addmm` in place."""
    def addmv(self, mat: Tensor, vec: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor:
        """beta · input + alpha · (mat @ vec)."""
    def addmv_(self, mat: Tensor, vec: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Self:
        """`addmv` in place."""
    def addr(self, vec1: Tensor, vec2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor:
        """beta · input + alpha · outer(vec1, vec2)."""
    def addr_(self, vec1: Tensor, vec2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Self:
        """`addr` in place."""
    def adjoint(self) -> Tensor:
        """The last two dimensions exchanged (and conjugated, were it complex)."""
    def all(self, dim: Dims = None, keepdim: builtins.bool = False) -> Tensor:
        """Whether all elements are true (not 0)."""
    def allclose(
        self,
        other: Tensor,
        rtol: builtins.float = 1e-05,
        atol: builtins.float = 1e-08,
        equal_nan: builtins.bool = False,
    ) -> builtins.bool:
        """Whether all elements are close, in the sense of `isclose`."""
    def amax(self, dim: Dims = (), keepdim: builtins.bool = False) -> Tensor:
        """The largest elements over `dim`; equal ones share the gradient."""
    def amin(self, dim: Dims = (), keepdim: builtins.bool = False) -> Tensor:
        """The smallest elements over `dim`; equal ones share the gradient."""
    def aminmax(self, *, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> MinMax:
        """`amin` and `amax`."""
    def any(self, dim: Dims = None, keepdim: builtins.bool = False) -> Tensor:
        """Whether an element is true (not 0)."""
    def arccos(self) -> Tensor:
        """Arc cosine, in [0, π]; NaN outside [-1, 1]."""
    def arccos_(self) -> Self:
        """`arccos` in place."""
    def arccosh(self) -> Tensor:
        """Inverse hyperbolic cosine, not negative; NaN below 1."""
    def arccosh_(self) -> Self:
        """`arccosh` in place."""
    def arcsin(self) -> Tensor:
        """Arc sine, in [-π/2, π/2]; NaN outside [-1, 1]."""
    def arcsin_(self) -> Self:
        """`arcsin` in place."""
    def arcsinh(self) -> Tensor:
        """Inverse hyperbolic sine."""
    def arcsinh_(self) -> Self:
        """`arcsinh` in place."""
    def arctan(self) -> Tensor:
        """Arc tangent, in (-π/2, π/2)."""
    def arctan2(self, other: Tensor | builtins.float) -> Tensor:
        """The angle of the point (other, input) seen from the origin, in (-π, π]."""
    def arctan2_(self, other: Tensor | builtins.float) -> Self:
        """`arctan2` in place."""
    def arctan_(self) -> Self:
        """`arctan` in place."""
    def arctanh(self) -> Tensor:
        """Inverse hyperbolic tangent; ±inf at ±1, NaN beyond."""
    def arctanh_(self) -> Self:
        """`arctanh` in place."""
    def argmax(self, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> Tensor:
        """The index of the largest element along `dim`, or among all."""
    def argmin(self, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> Tensor:
        """The index of the smallest element along `dim`, or among all."""
    def argsort(
        self,
        dim: builtins.int = -1,
        descending: builtins.bool = False,
        stable: builtins.bool = False,
    ) -> Tensor:
        """The indices that put the elements along `dim` in order."""
    def argwhere(self) -> Tensor:
        """`nonzero` as rows of indices."""
    def asin(self) -> Tensor:
        """Arc sine, in [-π/2, π/2]; NaN outside [-1, 1]."""
    def asin_(self) -> Self:
        """`asin` in place."""
    def asinh(self) -> Tensor:
        """Inverse hyperbolic sine."""
    def asinh_(self) -> Self:
        """`asinh` in place."""
    def astype(self, dtype: Any) -> Tensor:
        """NumPy's spelling of `to`, which the formulas use."""
    def atan(self) -> Tensor:
        """Arc tangent, in (-π/2, π/2)."""
    def atan2(self, other: Tensor | builtins.float) -> Tensor:
        """The angle of the point (other, input) seen from the origin, in (-π, π]."""
    def atan2_(self, other: Tensor | builtins.float) -> Self:
        """`atan2` in place."""
    def atan_(self) -> Self:
        """`atan` in place."""
    def atanh(self) -> Tensor:
        """Inverse hyperbolic tangent; ±inf at ±1, NaN beyond."""
    def atanh_(self) -> Self:
        """`atanh` in place."""
    def backward(
        self,
        gradient: Any = None,
        retain_graph: builtins.bool | None = None,
        create_graph: builtins.bool = False,
        inputs: Any = None,
    ) -> None:
        """Add the gradient of this tensor to ``.grad`` of the leaves behind it; see `autograd.backward`."""
    def baddbmm(self, batch1: Tensor, batch2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor:
        """beta · input + alpha · (batch1 @ batch2), a product for each pair."""
    def baddbmm_(self, batch1: Tensor, batch2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Self:
        """`baddbmm` in place."""
    def bernoulli_(self, p: Any = 0.5, *, generator: Generator | None = None) -> Self:
        """1 with probability `p`, else 0; `p` is a number or a tensor of probabilities."""
    def bfloat16(self, memory_format: Any = None) -> Tensor:
        """This tensor in bfloat16."""
    def bincount(self, weights: Tensor | None = None, minlength: builtins.int = 0) -> Tensor:
        """How often each of 0, 1, 2, ... occurs, or the sum of their weights."""
    def bitwise_and(self, other: Tensor | builtins.float) -> Tensor:
        """And of each bit, y = input & other; of integers or bools."""
    def bitwise_and_(self, other: Tensor | builtins.float) -> Self:
        """`bitwise_and` in place."""
    def bitwise_left_shift(self, other: Tensor | builtins.float) -> Tensor:
        """Bits moved up, y = input · 2^other."""
    def bitwise_left_shift_(self, other: Tensor | builtins.float) -> Self:
        """`bitwise_left_shift` in place."""
    def bitwise_not(self) -> Tensor:
        """Every bit turned over, y = ~input; of integers or bools, where it is "not"."""
    def bitwise_not_(self) -> Self:
        """`bitwise_not` in place."""
    def bitwise_or(self, other: Tensor | builtins.float) -> Tensor:
        """Or of each bit, y = input | other; of integers or bools."""
    def bitwise_or_(self, other: Tensor | builtins.float) -> Self:
        """`bitwise_or` in place."""
    def bitwise_right_shift(self, other: Tensor | builtins.float) -> Tensor:
        """Bits moved down, y = ⌊input / 2^other⌋."""
    def bitwise_right_shift_(self, other: Tensor | builtins.float) -> Self:
        """`bitwise_right_shift` in place."""
    def bitwise_xor(self, other: Tensor | builtins.float) -> Tensor:
        """Exclusive or of each bit, y = input ^ other; of integers or bools."""
    def bitwise_xor_(self, other: Tensor | builtins.float) -> Self:
        """`bitwise_xor` in place."""
    def bmm(self, mat2: Tensor) -> Tensor:
        """Matrix times matrix for each pair of two equal batches, (B, N, M) and (B, M, P)."""
    def bool(self, memory_format: Any = None, *, kind: Any = ...) -> Tensor:
        """This tensor in bool."""
    def broadcast_to(self, shape: tuple[builtins.int, ...]) -> Tensor:
        """Repeat along new dimensions and dimensions of size 1, without copying."""
    def byte(self, memory_format: Any = None, *, kind: Any = ...) -> Tensor:
        """This tensor in uint8."""
    def cdouble(self, memory_format: Any = None, *, kind: Any = ...) -> Tensor:
        """This tensor in complex128."""
    def ceil(self) -> Tensor:
        """The smallest integer that is not smaller, as the same type; its derivative is zero."""
    def ceil_(self) -> Self:
        """`ceil` in place."""
    def cfloat(self, memory_format: Any = None, *, kind: Any = ...) -> Tensor:
        """This tensor in complex64."""
    def char(self, memory_format: Any = None, *, kind: Any = ...) -> Tensor:
        """This tensor in int8."""
    def cholesky(self, upper: builtins.bool = False) -> Tensor:
        """The triangular factor of A; see `linalg.cholesky`."""
    def cholesky_inverse(self, upper: builtins.bool = False) -> Tensor:
        """A⁻¹ from the triangular factor of A."""
    def cholesky_solve(self, input2: Tensor, upper: builtins.bool = False) -> Tensor:
        """X with A X = B, where B is `input` and A = L Lᵀ is given by its factor `input2` (or Uᵀ U with `upper`)."""
    def chunk(self, chunks: builtins.int, dim: builtins.int = 0) -> tuple[Tensor, ...]:
        """At most `chunks` pieces of equal size, the last possibly smaller."""
    def clamp(self, min: Tensor | builtins.float | None = None, max: Tensor | builtins.float | None = None) -> Tensor:
        """Into [min, max], y = minimum(maximum(input, min), max); the bounds are numbers, tensors or None for no
        bound."""
    def clamp_(self, min: Tensor | builtins.float | None = None, max: Tensor | builtins.float | None = None) -> Self:
        """`clamp` in place."""
    def clamp_max(self, max: Tensor | builtins.float) -> Tensor:
        """Not above `max`, a number or tensor: `clamp` with one bound."""
    def clamp_max_(self, max: Tensor | builtins.float) -> Self:
        """`clamp_max` in place."""
    def clamp_min(self, min: Tensor | builtins.float) -> Tensor:
        """Not below `min`, a number or tensor: `clamp` with one bound."""
    def clamp_min_(self, min: Tensor | builtins.float) -> Self:
        """`clamp_min` in place."""
    def clip(self, min: Tensor | builtins.float | None = None, max: Tensor | builtins.float | None = None) -> Tensor:
        """Into [min, max], y = minimum(maximum(input, min), max); the bounds are numbers, tensors or None for no
        bound."""
    def clip_(self, min: Tensor | builtins.float | None = None, max: Tensor | builtins.float | None = None) -> Self:
        """`clip` in place."""
    def clone(self, memory_format: Any = None) -> Tensor:
        """The same values in memory of their own."""
    def contiguous(self, memory_format: Any = None) -> Tensor:
        """This tensor if its elements lie in row-major order, else a copy that does."""
    def copy_(self, src: Tensor, non_blocking: builtins.bool = False) -> Self:
        """The values of `src`, broadcast and converted, into this tensor."""
    def copysign(self, other: Tensor | builtins.float) -> Tensor:
        """The magnitude of `input` with the sign of `other`."""
    def copysign_(self, other: Tensor | builtins.float) -> Self:
        """`copysign` in place."""
    def cos(self) -> Tensor:
        """Cosine of an angle in radians."""
    def cos_(self) -> Self:
        """`cos` in place."""
    def cosh(self) -> Tensor:
        """Hyperbolic cosine, y = (e^x + e^-x) / 2."""
    def cosh_(self) -> Self:
        """`cosh` in place."""
    def count_nonzero(self, dim: Dims = None) -> Tensor:
        """How many elements are not 0."""
    def cpu(self) -> Tensor:
        """This tensor, which is on the CPU."""
    def cummax(self, dim: builtins.int) -> Selected:
        """The largest element so far along `dim`, and its index."""
    def cummin(self, dim: builtins.int) -> Selected:
        """The smallest element so far along `dim`, and its index."""
    def cumprod(self, dim: builtins.int, dtype: Any = None) -> Tensor:
        """Running product, y_i = Π_{j ≤ i} x_j along `dim`."""
    def cumprod_(self, dim: builtins.int, dtype: Any = None) -> Self:
        """`cumprod` in place."""
    def cumsum(self, dim: builtins.int, dtype: Any = None) -> Tensor:
        """Running sum, y_i = Σ_{j ≤ i} x_j along `dim`."""
    def cumsum_(self, dim: builtins.int, dtype: Any = None) -> Self:
        """`cumsum` in place."""
    def data_ptr(self) -> builtins.int:
        """Address of the first element."""
    def deg2rad(self) -> Tensor:
        """Degrees to radians, y = input · π / 180."""
    def deg2rad_(self) -> Self:
        """`deg2rad` in place."""
    def det(self) -> Tensor:
        """The determinant of square matrices."""
    def diag(self, diagonal: builtins.int = 0) -> Tensor:
        """Of a matrix its diagonal; of a vector the matrix that has it on the diagonal."""
    def diag_embed(self, offset: builtins.int = 0, dim1: builtins.int = -2, dim2: builtins.int = -1) -> Tensor:
        """The last dimension on the diagonal of new planes."""
    def diagflat(self, offset: builtins.int = 0) -> Tensor:
        """The matrix with the elements of `input` on the diagonal."""
    def diagonal(self, offset: builtins.int = 0, dim1: builtins.int = 0, dim2: builtins.int = 1) -> Tensor:
        """The diagonal of the planes of `dim1` and `dim2`, as a last dimension; a view."""
    def diagonal_scatter(
        self,
        src: Tensor,
        offset: builtins.int = 0,
        dim1: builtins.int = 0,
        dim2: builtins.int = 1,
    ) -> Tensor:
        """A copy of `input` with `src` on the diagonal."""
    def diff(
        self,
        n: builtins.int = 1,
        dim: builtins.int = -1,
        prepend: Tensor | None = None,
        append: Tensor | None = None,
    ) -> Tensor:
        """The n-th difference of neighbours along `dim`."""
    def digamma(self) -> Tensor:
        """Derivative of `lgamma`, y = Γ'(x) / Γ(x); -inf at 0, NaN at the negative integers."""
    def digamma_(self) -> Self:
        """`digamma` in place."""
    def dim(self) -> builtins.int:
        """The number of dimensions."""
    def dist(self, other: Tensor, p: builtins.float = 2) -> Tensor:
        """The p-norm of input - other."""
    def div(self, other: Tensor | builtins.float, *, rounding_mode: str | None = None) -> Tensor:
        """Quotient, y = input / other; integers give floats unless rounded."""
    def div_(self, other: Tensor | builtins.float, *, rounding_mode: str | None = None) -> Self:
        """`div` in place."""
    def divide(self, other: Tensor | builtins.float, *, rounding_mode: str | None = None) -> Tensor:
        """Quotient, y = input / other; integers give floats unless rounded."""
    def divide_(self, other: Tensor | builtins.float, *, rounding_mode: str | None = None) -> Self:
        """`divide` in place."""
    def dot(self, tensor: Tensor) -> Tensor:
        """Σ a_i b_i of two vectors."""
    def double(self, memory_format: Any = None, *, kind: Any = ...) -> Tensor:
        """This tensor in float64."""
    def dsplit(self, indices_or_sections: Any) -> tuple[Tensor, ...]:
        """`tensor_split` along the third dimension."""
    def element_size(self) -> builtins.int:
        """Bytes per element."""
    def eq(self, other: Tensor | builtins.float) -> Tensor:
        """Whether input = other, elementwise with broadcasting."""
    def eq_(self, other: Tensor | builtins.float) -> Self:
        """`eq` in place."""
    def equal(self, other: Tensor) -> builtins.bool:
        """Whether shapes and all elements are equal."""
    def erf(self) -> Tensor:
        """Error function, y = 2/√π · ∫₀ˣ e^(-t²) dt."""
    def erf_(self) -> Self:
        """`erf` in place."""
    def erfc(self) -> Tensor:
        """Complement of the error function, y = 1 - erf x, exact also where erf x is near 1."""
    def erfc_(self) -> Self:
        """`erfc` in place."""
    def erfinv(self) -> Tensor:
        """Inverse of the error function; ±inf at ±1, NaN beyond."""
    def erfinv_(self) -> Self:
        """`erfinv` in place."""
    def exp(self) -> Tensor:
        """Exponential, y = e^input."""
    def exp2(self) -> Tensor:
        """Power of two, y = 2^input."""
    def exp2_(self) -> Self:
        """`exp2` in place."""
    def exp_(self) -> Self:
        """`exp` in place."""
    def expand(self, *shape: Any) -> Tensor:
        """Dimensions of size 1 repeated without copying; -1 keeps a size."""
    def expand_as(self, other: Tensor) -> Tensor:
        """`expand` to the shape of `other`."""
    def expm1(self) -> Tensor:
        """y = e^input - 1, exact also near 0."""
    def expm1_(self) -> Self:
        """`expm1` in place."""
    def exponential_(self, lambd: builtins.float = 1, *, generator: Generator | None = None) -> Self:
        """Exponential with rate `lambd`."""
    def fill_(self, value: Any) -> Self:
        """Every element becomes `value`."""
    def fix(self) -> Tensor:
        """The integer part, rounded towards zero; its derivative is zero."""
    def fix_(self) -> Self:
        """`fix` in place."""
    def flatten(self, start_dim: builtins.int = 0, end_dim: builtins.int = -1) -> Tensor:
        """Dimensions `start_dim` to `end_dim` as one."""
    def flip(self, dims: Any) -> Tensor:
        """The order of elements along `dims` reversed."""
    def fliplr(self) -> Tensor:
        """Columns in reverse order."""
    def flipud(self) -> Tensor:
        """Rows in reverse order."""
    def float(self, memory_format: Any = None, *, kind: Any = ...) -> Tensor:
        """This tensor in float32."""
    def float_power(self, exponent: Tensor | builtins.float) -> Tensor:
        """Power computed in float64, y = input ^ exponent."""
    def float_power_(self, exponent: Tensor | builtins.float) -> Self:
        """`float_power` in place."""
    def floor(self) -> Tensor:
        """The largest integer that is not larger, as the same type; its derivative is zero."""
    def floor_(self) -> Self:
        """`floor` in place."""
    def floor_divide(self, other: Tensor | builtins.float) -> Tensor:
        """Quotient rounded down, y = ⌊input / other⌋; integers stay integers.  Its derivative is zero."""
    def floor_divide_(self, other: Tensor | builtins.float) -> Self:
        """`floor_divide` in place."""
    def fmax(self, other: Tensor | builtins.float) -> Tensor:
        """The larger of the two; a number wins over NaN.  Between equals the gradient goes to `input`."""
    def fmin(self, other: Tensor | builtins.float) -> Tensor:
        """The smaller of the two; a number wins over NaN.  Between equals the gradient goes to `input`."""
    def fmod(self, other: Tensor | builtins.float) -> Tensor:
        """What truncated division leaves, y = input - other · trunc(input / other), with the sign of `input`."""
    def fmod_(self, other: Tensor | builtins.float) -> Self:
        """`fmod` in place."""
    def frac(self) -> Tensor:
        """The part behind the point, y = input - trunc(input), with the input's sign."""
    def frac_(self) -> Self:
        """`frac` in place."""
    def gather(self, dim: builtins.int, index: Tensor, *, sparse_grad: builtins.bool = False) -> Tensor:
        """``out[i, j] = input[index[i, j], j]`` for dim=0, and so on."""
    def gcd(self, other: Tensor | builtins.float) -> Tensor:
        """Greatest common divisor of integers."""
    def gcd_(self, other: Tensor | builtins.float) -> Self:
        """`gcd` in place."""
    def ge(self, other: Tensor | builtins.float) -> Tensor:
        """Whether input ≥ other, elementwise with broadcasting."""
    def ge_(self, other: Tensor | builtins.float) -> Self:
        """`ge` in place."""
    def ger(self, vec2: Tensor) -> Tensor:
        """The products a_i b_j of two vectors."""
    def greater(self, other: Tensor | builtins.float) -> Tensor:
        """Whether input > other, elementwise with broadcasting."""
    def greater_(self, other: Tensor | builtins.float) -> Self:
        """`greater` in place."""
    def greater_equal(self, other: Tensor | builtins.float) -> Tensor:
        """Whether input ≥ other, elementwise with broadcasting."""
    def greater_equal_(self, other: Tensor | builtins.float) -> Self:
        """`greater_equal` in place."""
    def gt(self, other: Tensor | builtins.float) -> Tensor:
        """Whether input > other, elementwise with broadcasting."""
    def gt_(self, other: Tensor | builtins.float) -> Self:
        """`gt` in place."""
    def half(self, memory_format: Any = None, *, kind: Any = ...) -> Tensor:
        """This tensor in float16."""
    def hardshrink(self, lambd: builtins.float = 0.5) -> Tensor:
        """y = 0 for |x| <= lambd, else x."""
    def hardshrink_(self, lambd: builtins.float = 0.5) -> Self:
        """`hardshrink` in place."""
    def heaviside(self, values: Tensor | builtins.float) -> Tensor:
        """0 where input < 0, 1 where input > 0, and `values` where it is 0."""
    def heaviside_(self, values: Tensor | builtins.float) -> Self:
        """`heaviside` in place."""
    def histc(self, bins: builtins.int = 100, min: builtins.float = 0, max: builtins.float = 0) -> Tensor:
        """How many elements fall into each of `bins` equal intervals from `min` to `max`; both 0 mean the data's
        own."""
    def hsplit(self, indices_or_sections: Any) -> tuple[Tensor, ...]:
        """`tensor_split` along the second dimension, or the only one."""
    def hypot(self, other: Tensor | builtins.float) -> Tensor:
        """Hypotenuse, y = √(input² + other²), without overflow on the way."""
    def hypot_(self, other: Tensor | builtins.float) -> Self:
        """`hypot` in place."""
    def index_add(self, dim: builtins.int, index: Tensor, source: Tensor, *, alpha: builtins.float = 1) -> Tensor:
        """A copy of `input` with ``out[index[i]] += alpha · source[i]`` along `dim`."""
    def index_add_(self, dim: builtins.int, index: Tensor, source: Tensor, *, alpha: builtins.float = 1) -> Self:
        """`index_add` in place."""
    def index_copy(self, dim: builtins.int, index: Tensor, source: Tensor) -> Tensor:
        """A copy of `input` with ``out[index[i]] = source[i]`` along `dim`."""
    def index_copy_(self, dim: builtins.int, index: Tensor, source: Tensor) -> Self:
        """`index_copy` in place."""
    def index_fill(self, dim: builtins.int, index: Tensor, value: Any) -> Tensor:
        """A copy of `input` with the slices `index` of `dim` filled with one value."""
    def index_fill_(self, dim: builtins.int, index: Tensor, value: Any) -> Self:
        """`index_fill` in place."""
    def index_put(self, indices: Any, values: Tensor, accumulate: builtins.bool = False) -> Tensor:
        """A copy of `input` with ``out[indices] = values``, or ``+=`` with `accumulate`."""
    def index_put_(self, indices: Any, values: Tensor, accumulate: builtins.bool = False) -> Self:
        """`index_put` in place."""
    def index_select(self, dim: builtins.int, index: Tensor) -> Tensor:
        """The slices `index` of dimension `dim`, copied."""
    def inner(self, other: Tensor) -> Tensor:
        """Sums of products over the last dimension of both."""
    def int(self, memory_format: Any = None, *, kind: Any = ...) -> Tensor:
        """This tensor in int32."""
    def inverse(self) -> Tensor:
        """A⁻¹; see `linalg.inv`."""
    def is_complex(self) -> builtins.bool:
        """Whether the elements are complex."""
    def is_contiguous(self) -> builtins.bool:
        """Whether the elements lie in row-major order without gaps."""
    def is_floating_point(self) -> builtins.bool:
        """Whether the elements are real floating-point numbers."""
    def isclose(
        self,
        other: Tensor | builtins.float,
        rtol: builtins.float = 1e-05,
        atol: builtins.float = 1e-08,
        equal_nan: builtins.bool = False,
    ) -> Tensor:
        """Whether |input - other| <= atol + rtol · |other|, elementwise."""
    def isfinite(self) -> Tensor:
        """Whether it is neither infinite nor NaN."""
    def isin(
        self,
        test_elements: Tensor | builtins.float,
        *,
        assume_unique: builtins.bool = False,
        invert: builtins.bool = False,
    ) -> Tensor:
        """For each element whether it is among `test_elements`."""
    def isinf(self) -> Tensor:
        """Whether it is +∞ or -∞."""
    def isnan(self) -> Tensor:
        """Whether it is NaN, "not a number"."""
    def isneginf(self) -> Tensor:
        """Whether it is -∞."""
    def isposinf(self) -> Tensor:
        """Whether it is +∞."""
    def isreal(self) -> Tensor:
        """Whether the imaginary part is 0."""
    def item(self) -> Any:
        """The only element, as a Python number."""
    def kron(self, other: Tensor) -> Tensor:
        """The Kronecker product: each element of `input` times all of `other`."""
    def kthvalue(self, k: builtins.int, dim: builtins.int = -1, keepdim: builtins.bool = False) -> Selected:
        """(values, indices) of the k-th smallest element along `dim`, counted from 1."""
    def lcm(self, other: Tensor | builtins.float) -> Tensor:
        """Least common multiple of integers."""
    def lcm_(self, other: Tensor | builtins.float) -> Self:
        """`lcm` in place."""
    def le(self, other: Tensor | builtins.float) -> Tensor:
        """Whether input ≤ other, elementwise with broadcasting."""
    def le_(self, other: Tensor | builtins.float) -> Self:
        """`le` in place."""
    def lerp(self, end: Tensor | builtins.float, weight: Tensor | builtins.float) -> Tensor:
        """Linear interpolation, y = input + weight · (end - input); `weight` is a tensor or a number."""
    def lerp_(self, end: Tensor | builtins.float, weight: Tensor | builtins.float) -> Self:
        """`lerp` in place."""
    def less(self, other: Tensor | builtins.float) -> Tensor:
        """Whether input < other, elementwise with broadcasting."""
    def less_(self, other: Tensor | builtins.float) -> Self:
        """`less` in place."""
    def less_equal(self, other: Tensor | builtins.float) -> Tensor:
        """Whether input ≤ other, elementwise with broadcasting."""
    def less_equal_(self, other: Tensor | builtins.float) -> Self:
        """`less_equal` in place."""
    def lgamma(self) -> Tensor:
        """Logarithm of the gamma function's magnitude, y = ln |Γ(x)|; Γ(n) = (n - 1)!."""
    def lgamma_(self) -> Self:
        """`lgamma` in place."""
    def log(self) -> Tensor:
        """Natural logarithm, y = ln input; -inf at 0, NaN below."""
    def log10(self) -> Tensor:
        """Logarithm to base 10."""
    def log10_(self) -> Self:
        """`log10` in place."""
    def log1p(self) -> Tensor:
        """y = ln(1 + input), exact also near 0."""
    def log1p_(self) -> Self:
        """`log1p` in place."""
    def log2(self) -> Tensor:
        """Logarithm to base 2."""
    def log2_(self) -> Self:
        """`log2` in place."""
    def log_(self) -> Self:
        """`log` in place."""
    def log_normal_(
        self,
        mean: builtins.float = 1,
        std: builtins.float = 2,
        *,
        generator: Generator | None = None,
    ) -> Self:
        """e to the power of a normal number with the given mean and standard deviation."""
    def log_softmax(self, dim: builtins.int, dtype: Any = None) -> Tensor:
        """Logarithm of softmax, y_i = x_i - ln Σ_j e^{x_j} along `dim`, without overflow."""
    def logaddexp(self, other: Tensor | builtins.float) -> Tensor:
        """y = ln(e^input + e^other), without overflow on the way."""
    def logaddexp2(self, other: Tensor | builtins.float) -> Tensor:
        """y = log₂(2^input + 2^other), without overflow on the way."""
    def logaddexp2_(self, other: Tensor | builtins.float) -> Self:
        """`logaddexp2` in place."""
    def logaddexp_(self, other: Tensor | builtins.float) -> Self:
        """`logaddexp` in place."""
    def logcumsumexp(self, dim: builtins.int) -> Tensor:
        """Running log Σ exp, y_i = ln Σ_{j ≤ i} e^{x_j} along `dim`."""
    def logdet(self) -> Tensor:
        """ln det A: -inf where A is singular, NaN where the determinant is negative."""
    def logical_and(self, other: Tensor | builtins.float) -> Tensor:
        """Whether both are true (not 0)."""
    def logical_and_(self, other: Tensor | builtins.float) -> Self:
        """`logical_and` in place."""
    def logical_not(self) -> Tensor:
        """Whether it is false (0)."""
    def logical_not_(self) -> Self:
        """`logical_not` in place."""
    def logical_or(self, other: Tensor | builtins.float) -> Tensor:
        """Whether at least one is true (not 0)."""
    def logical_or_(self, other: Tensor | builtins.float) -> Self:
        """`logical_or` in place."""
    def logical_xor(self, other: Tensor | builtins.float) -> Tensor:
        """Whether exactly one is true (not 0)."""
    def logical_xor_(self, other: Tensor | builtins.float) -> Self:
        """`logical_xor` in place."""
    def logit(self, eps: builtins.float | None = None) -> Tensor:
        """Inverse of the logistic function, y = ln(x / (1 - x)), with the input x first clamped to [eps, 1 - eps]."""
    def logit_(self, eps: builtins.float | None = None) -> Self:
        """`logit` in place."""
    def logsumexp(self, dim: Any, keepdim: builtins.bool = False) -> Tensor:
        """ln Σ e^x over `dim`, without overflow."""
    def long(self, memory_format: Any = None, *, kind: Any = ...) -> Tensor:
        """This tensor in int64."""
    def lt(self, other: Tensor | builtins.float) -> Tensor:
        """Whether input < other, elementwise with broadcasting."""
    def lt_(self, other: Tensor | builtins.float) -> Self:
        """`lt` in place."""
    @property
    def mH(self) -> Tensor:
        """The last two dimensions exchanged."""
    @property
    def mT(self) -> Tensor:
        """The last two dimensions exchanged."""
    def masked_fill(self, mask: Tensor | builtins.float, value: Tensor | builtins.float) -> Tensor:
        """`input` with `value` (a number or a 0-d tensor) where `mask`, of bools, holds; the shapes broadcast."""
    def masked_fill_(self, mask: Tensor | builtins.float, value: Tensor | builtins.float) -> Self:
        """`masked_fill` in place."""
    def masked_scatter(self, mask: Tensor, source: Tensor) -> Tensor:
        """A copy of `input` with the elements where `mask` holds taken from `source` in order."""
    def masked_scatter_(self, mask: Tensor, source: Tensor) -> Self:
        """`masked_scatter` in place."""
    def masked_select(self, mask: Tensor) -> Tensor:
        """The elements of `input` where `mask` holds, in one dimension."""
    def matmul(self, other: Tensor) -> Tensor:
        """Matrix product, Σ_k a_ik b_kj; vectors are rows on the left, columns on the right; leading dimensions
        broadcast."""
    def matrix_power(self, n: builtins.int) -> Tensor:
        """Aⁿ; see `linalg.matrix_power`."""
    def max(self, dim: Any = None, keepdim: builtins.bool = False, *, other: Tensor | None = None) -> Any:
        """The largest element; with `dim`, (values, indices) along it; with a tensor, the larger of each pair."""
    def maximum(self, other: Tensor | builtins.float) -> Tensor:
        """The larger of the two; NaN if either is.  Equal elements share the gradient."""
    def maximum_(self, other: Tensor | builtins.float) -> Self:
        """`maximum` in place."""
    def mean(self, dim: Dims = None, keepdim: builtins.bool = False, dtype: Any = None) -> Tensor:
        """Arithmetic mean over `dim`, (1/n) Σ x."""
    def median(self, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> Any:
        """The lower median of all elements; with `dim`, (values, indices) along it."""
    def min(self, dim: Any = None, keepdim: builtins.bool = False, *, other: Tensor | None = None) -> Any:
        """The smallest element; with `dim`, (values, indices) along it; with a tensor, the smaller of each pair."""
    def minimum(self, other: Tensor | builtins.float) -> Tensor:
        """The smaller of the two; NaN if either is.  Equal elements share the gradient."""
    def minimum_(self, other: Tensor | builtins.float) -> Self:
        """`minimum` in place."""
    def mm(self, mat2: Tensor) -> Tensor:
        """Matrix times matrix."""
    def mode(self, dim: builtins.int = -1, keepdim: builtins.bool = False) -> Selected:
        """The commonest element along `dim` (the smallest of several) and the index where it last stands."""
    def moveaxis(self, source: Any, destination: Any) -> Tensor:
        """Dimensions `source` moved to `destination`, the others in order."""
    def movedim(self, source: Any, destination: Any) -> Tensor:
        """Dimensions `source` moved to `destination`, the others in order."""
    def msort(self) -> Tensor:
        """`sort` along the first dimension, the values alone."""
    def mul(self, other: Tensor | builtins.float) -> Tensor:
        """Product, y = input · other, elementwise with broadcasting."""
    def mul_(self, other: Tensor | builtins.float) -> Self:
        """`mul` in place."""
    def multiply(self, other: Tensor | builtins.float) -> Tensor:
        """Product, y = input · other, elementwise with broadcasting."""
    def multiply_(self, other: Tensor | builtins.float) -> Self:
        """`multiply` in place."""
    def mv(self, vec: Tensor) -> Tensor:
        """Matrix times vector."""
    def mvlgamma(self, p: builtins.int) -> Tensor:
        """Logarithm of the multivariate gamma function, y = p(p-1)/4 · ln π + Σⱼ lgamma(x - j/2), j = 0 ... p-1."""
    def mvlgamma_(self, p: builtins.int) -> Self:
        """`mvlgamma` in place."""
    def nan_to_num(
        self,
        nan: builtins.float = 0.0,
        posinf: builtins.float | None = None,
        neginf: builtins.float | None = None,
    ) -> Tensor:
        """NaN, +∞ and -∞ replaced by `nan`, `posinf` and `neginf` (None: the type's largest and smallest number)."""
    def nan_to_num_(
        self,
        nan: builtins.float = 0.0,
        posinf: builtins.float | None = None,
        neginf: builtins.float | None = None,
    ) -> Self:
        """`nan_to_num` in place."""
    def nanmean(self, dim: Any = None, keepdim: builtins.bool = False, *, dtype: Any = None) -> Tensor:
        """Mean of the elements that are not NaN."""
    def nanmedian(self, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> Any:
        """`median` of the elements that are not NaN."""
    def nansum(self, dim: Any = None, keepdim: builtins.bool = False, *, dtype: Any = None) -> Tensor:
        """Sum of the elements that are not NaN."""
    def narrow(self, dim: builtins.int, start: Any, length: builtins.int) -> Tensor:
        """Elements `start` to ``start + length`` of dimension `dim`; a view."""
    def ndimension(self) -> builtins.int:
        """The number of dimensions."""
    def ne(self, other: Tensor | builtins.float) -> Tensor:
        """Whether input ≠ other, elementwise with broadcasting."""
    def ne_(self, other: Tensor | builtins.float) -> Self:
        """`ne` in place."""
    def neg(self) -> Tensor:
        """Negative, y = -input."""
    def neg_(self) -> Self:
        """`neg` in place."""
    def negative(self) -> Tensor:
        """Negative, y = -input."""
    def negative_(self) -> Self:
        """`negative` in place."""
    def nelement(self) -> builtins.int:
        """The number of elements."""
    def new_empty(
        self,
        *size: Any,
        dtype: Any = None,
        device: Any = None,
        requires_grad: builtins.bool = False,
    ) -> Tensor:
        """Uninitialised memory of the given size and this tensor's type."""
    def new_full(
        self,
        size: Any,
        fill_value: Any,
        *,
        dtype: Any = None,
        device: Any = None,
        requires_grad: builtins.bool = False,
    ) -> Tensor:
        """`fill_value` in the given size and this tensor's type."""
    def new_ones(
        self,
        *size: Any,
        dtype: Any = None,
        device: Any = None,
        requires_grad: builtins.bool = False,
    ) -> Tensor:
        """Ones of the given size and this tensor's type."""
    def new_tensor(
        self,
        data: Any,
        *,
        dtype: Any = None,
        device: Any = None,
        requires_grad: builtins.bool = False,
    ) -> Tensor:
        """A copy of `data` in this tensor's type."""
    def new_zeros(
        self,
        *size: Any,
        dtype: Any = None,
        device: Any = None,
        requires_grad: builtins.bool = False,
    ) -> Tensor:
        """Zeros of the given size and this tensor's type."""
    def nonzero(self, *, as_tuple: builtins.bool = False) -> Any:
        """Positions of the elements that are not zero: rows of indices, or one tensor per dimension."""
    def norm(self, p: Any = "fro", dim: Any = None, keepdim: builtins.bool = False, dtype: Any = None) -> Tensor:
        """Norm of order `p` over `dim`: of a vector, or of all elements taken as one; ``"nuc"`` of matrices."""
    def normal_(self, mean: builtins.float = 0, std: builtins.float = 1, *, generator: Generator | None = None) -> Self:
        """Normal with the given mean and standard deviation."""
    def not_equal(self, other: Tensor | builtins.float) -> Tensor:
        """Whether input ≠ other, elementwise with broadcasting."""
    def not_equal_(self, other: Tensor | builtins.float) -> Self:
        """`not_equal` in place."""
    def numel(self) -> builtins.int:
        """The number of elements."""
    def numpy(self, *, force: builtins.bool = False) -> np.ndarray:
        """The values as an array that shares memory; a tensor on the tape must be detached first."""
    def outer(self, vec2: Tensor) -> Tensor:
        """The products a_i b_j of two vectors."""
    def permute(self, *dims: Any) -> Tensor:
        """Dimension ``dims[i]`` becomes dimension i; a view."""
    def pinverse(self, rcond: builtins.float = 1e-15) -> Tensor:
        """The Moore-Penrose inverse; singular values up to `rcond` · largest count as zero; see `linalg.pinv`."""
    def polygamma(self, n: builtins.int) -> Tensor:
        """`polygamma` of order `n`."""
    def positive(self) -> Tensor:
        """The same values, y = +input; booleans have no sign."""
    def pow(self, exponent: Tensor | builtins.float) -> Tensor:
        """Power, y = input ^ exponent; either may be a number."""
    def pow_(self, exponent: Tensor | builtins.float) -> Self:
        """`pow` in place."""
    def prelu(self, weight: Tensor | builtins.float) -> Tensor:
        """y = x for x > 0, else weight · x; `weight` has one element, or one per channel (C) of input (N, C, *)."""
    def prod(self, dim: builtins.int | None = None, keepdim: builtins.bool = False, *, dtype: Any = None) -> Tensor:
        """Product of the elements."""
    def qr(self, some: builtins.bool = True) -> Any:
        """A = Q R, Q with as many columns as A needs, or square with ``some=False``; see `linalg.qr`."""
    def rad2deg(self) -> Tensor:
        """Radians to degrees, y = input · 180 / π."""
    def rad2deg_(self) -> Self:
        """`rad2deg` in place."""
    def random_(
        self,
        low: builtins.int = 0,
        high: builtins.int | None = None,
        *,
        generator: Generator | None = None,
    ) -> Self:
        """Integers on [low, high); without `high`, all that the type holds exactly."""
    def ravel(self) -> Tensor:
        """All elements in one dimension."""
    def reciprocal(self) -> Tensor:
        """Reciprocal, y = 1 / input."""
    def reciprocal_(self) -> Self:
        """`reciprocal` in place."""
    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Handle:
        """Call ``hook(g)`` with this tensor's cotangent; a returned tensor takes its place."""
    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> Handle:
        """Call ``hook(tensor)`` each time ``.grad`` of this leaf has been added to."""
    def relu(self) -> Tensor:
        """Rectified linear unit, y = max(0, x); the derivative at 0 is taken as 0."""
    def relu_(self) -> Self:
        """`relu` in place."""
    def remainder(self, other: Tensor | builtins.float) -> Tensor:
        """What ``//`` leaves, y = input - other · ⌊input / other⌋, with the sign of `other`."""
    def remainder_(self, other: Tensor | builtins.float) -> Self:
        """`remainder` in place."""
    def renorm(self, p: builtins.float, dim: builtins.int, maxnorm: builtins.float) -> Tensor:
        """`input` with each slice along `dim` whose p-norm exceeds `maxnorm` scaled down to it."""
    def renorm_(self, p: builtins.float, dim: builtins.int, maxnorm: builtins.float) -> Self:
        """`renorm` in place."""
    def repeat(self, *repeats: Any) -> Tensor:
        """Copies along each dimension; more numbers than dimensions add new ones in front."""
    def repeat_interleave(
        self,
        repeats: Any,
        dim: builtins.int | None = None,
        *,
        output_size: builtins.int | None = None,
    ) -> Tensor:
        """Each element repeated in place: [1, 2] twice is [1, 1, 2, 2]."""
    def reshape(self, *shape: Any) -> Tensor:
        """The same elements, in row-major order, in another shape; one size may be -1.  A view where possible."""
    def reshape_as(self, other: Tensor) -> Tensor:
        """`reshape` to the shape of `other`."""
    def retain_grad(self) -> None:
        """Keep the gradient of this non-leaf in ``.grad``."""
    @property
    def retains_grad(self) -> builtins.bool:
        """Whether `retain_grad` was asked for."""
    def roll(self, shifts: Any, dims: Any = None) -> Tensor:
        """Elements shifted along `dims`, those that leave coming in at the other end."""
    def rot90(self, k: builtins.int = 1, dims: Any = (0, 1)) -> Tensor:
        """The plane of `dims` turned by k quarter turns, from the first of them towards the second."""
    def round(self, decimals: builtins.int = 0) -> Tensor:
        """To the nearest integer, or to `decimals` places; halves go to the even neighbour.  Its derivative is zero."""
    def round_(self, decimals: builtins.int = 0) -> Self:
        """`round` in place."""
    def rsqrt(self) -> Tensor:
        """Reciprocal of the square root, y = 1 / √input."""
    def rsqrt_(self) -> Self:
        """`rsqrt` in place."""
    def rsub(self, other: Tensor | builtins.float, *, alpha: builtins.float = 1) -> Tensor:
        """Reversed difference, y = other - alpha · input."""
    def scatter(
        self,
        dim: builtins.int,
        index: Tensor,
        src: Any = None,
        *,
        value: Any = None,
        reduce: str | None = None,
    ) -> Tensor:
        """A copy of `input` with ``out[index[i, j], j] = src[i, j]`` for dim=0; `src` may be a number."""
    def scatter_(
        self,
        dim: builtins.int,
        index: Tensor,
        src: Any = None,
        *,
        value: Any = None,
        reduce: str | None = None,
    ) -> Self:
        """`scatter` in place."""
    def scatter_add(self, dim: builtins.int, index: Tensor, src: Tensor) -> Tensor:
        """A copy of `input` with ``out[index[i, j], j] += src[i, j]`` for dim=0; repeated places add up."""
    def scatter_add_(self, dim: builtins.int, index: Tensor, src: Tensor) -> Self:
        """`scatter_add` in place."""
    def scatter_reduce(
        self,
        dim: builtins.int,
        index: Tensor,
        src: Tensor,
        reduce: str,
        *,
        include_self: builtins.bool = True,
    ) -> Tensor:
        """A copy of `input` in which the elements of `src` that `index` sends to one place are combined by `reduce`."""
    def scatter_reduce_(
        self,
        dim: builtins.int,
        index: Tensor,
        src: Tensor,
        reduce: str,
        *,
        include_self: builtins.bool = True,
    ) -> Self:
        """`scatter_reduce` in place."""
    def select(self, dim: builtins.int, index: builtins.int) -> Tensor:
        """Element `index` of dimension `dim`, which is dropped; a view."""
    def sgn(self) -> Tensor:
        """-1, 0 or 1 by the sign of the input; its derivative is zero."""
    def sgn_(self) -> Self:
        """`sgn` in place."""
    def short(self, memory_format: Any = None, *, kind: Any = ...) -> Tensor:
        """This tensor in int16."""
    def sigmoid(self) -> Tensor:
        """Logistic function, y = 1 / (1 + e^-input)."""
    def sigmoid_(self) -> Self:
        """`sigmoid` in place."""
    def sign(self) -> Tensor:
        """-1, 0 or 1 by the sign of the input; its derivative is zero."""
    def sign_(self) -> Self:
        """`sign` in place."""
    def signbit(self) -> Tensor:
        """Whether the sign bit is set: true for negative numbers and for -0.0."""
    def sin(self) -> Tensor:
        """Sine of an angle in radians."""
    def sin_(self) -> Self:
        """`sin` in place."""
    def sinc(self) -> Tensor:
        """Normalised cardinal sine, y = sin(πx) / (πx), and 1 at 0."""
    def sinc_(self) -> Self:
        """`sinc` in place."""
    def sinh(self) -> Tensor:
        """Hyperbolic sine, y = (e^x - e^-x) / 2."""
    def sinh_(self) -> Self:
        """`sinh` in place."""
    def size(self, dim: builtins.int | None = None) -> Any:
        """All sizes, or that of dimension `dim`."""
    def slogdet(self) -> SignLog:
        """(sign, ln |det|) of square matrices, without overflow."""
    def softmax(self, dim: builtins.int, dtype: Any = None) -> Tensor:
        """Softmax, y_i = e^{x_i} / Σ_j e^{x_j} along `dim`: positive, with sum 1."""
    def sort(
        self,
        dim: builtins.int = -1,
        descending: builtins.bool = False,
        stable: builtins.bool = False,
    ) -> Selected:
        """(values, indices): the elements along `dim` in order, equal ones in the order they had."""
    def split(self, split_size_or_sections: Any, dim: builtins.int = 0) -> tuple[Tensor, ...]:
        """Pieces of a given size (the last may be smaller), or of the given sizes."""
    def sqrt(self) -> Tensor:
        """Square root, y = √input; NaN below 0."""
    def sqrt_(self) -> Self:
        """`sqrt` in place."""
    def square(self) -> Tensor:
        """Square, y = input²."""
    def square_(self) -> Self:
        """`square` in place."""
    def squeeze(self, dim: Any = None) -> Tensor:
        """Without dimensions of size 1 (those of `dim`, or all)."""
    def std(
        self,
        dim: Any = None,
        unbiased: builtins.bool | None = None,
        keepdim: builtins.bool = False,
        *,
        correction: builtins.float | None = None,
    ) -> Tensor:
        """Standard deviation, the root of `var`."""
    def stride(self, dim: builtins.int | None = None) -> Any:
        """Steps between neighbours along each dimension, in elements."""
    def sub(self, other: Tensor | builtins.float, *, alpha: builtins.float = 1) -> Tensor:
        """Difference, y = input - alpha · other, with broadcasting."""
    def sub_(self, other: Tensor | builtins.float, *, alpha: builtins.float = 1) -> Self:
        """`sub` in place."""
    def subtract(self, other: Tensor | builtins.float, *, alpha: builtins.float = 1) -> Tensor:
        """Difference, y = input - alpha · other, with broadcasting."""
    def subtract_(self, other: Tensor | builtins.float, *, alpha: builtins.float = 1) -> Self:
        """`subtract` in place."""
    def sum(self, dim: Dims = None, keepdim: builtins.bool = False, dtype: Any = None) -> Tensor:
        """Sum over `dim` (an int, several, or all when None); integers sum as int64."""
    def svd(self, some: builtins.bool = True, compute_uv: builtins.bool = True) -> USV:
        """A = U diag(S) Vᵀ; see `linalg.svd`, which returns Vᵀ."""
    def swapaxes(self, dim0: builtins.int, dim1: builtins.int) -> Tensor:
        """Dimensions `dim0` and `dim1` exchanged; a view."""
    def swapdims(self, dim0: builtins.int, dim1: builtins.int) -> Tensor:
        """Dimensions `dim0` and `dim1` exchanged; a view."""
    def t(self) -> Tensor:
        """The transpose of a matrix; vectors and numbers as they are."""
    def take(self, index: Tensor) -> Tensor:
        """Elements by their position among all elements in row-major order."""
    def take_along_dim(self, indices: Tensor, dim: builtins.int | None = None) -> Tensor:
        """`gather` with broadcasting between `input` and `indices`, which may count from the end."""
    def tan(self) -> Tensor:
        """Tangent of an angle in radians."""
    def tan_(self) -> Self:
        """`tan` in place."""
    def tanh(self) -> Tensor:
        """Hyperbolic tangent, y = sinh x / cosh x, in (-1, 1)."""
    def tanh_(self) -> Self:
        """`tanh` in place."""
    def tensor_split(self, indices_or_sections: Any, dim: builtins.int = 0) -> tuple[Tensor, ...]:
        """Pieces between the given indices, or a number of pieces of nearly equal size."""
    def tile(self, *dims: Any) -> Tensor:
        """`repeat` with missing numbers taken as 1."""
    def to(
        self,
        *args: Any,
        dtype: Any = None,
        device: Any = None,
        non_blocking: builtins.bool = False,
        copy: builtins.bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        """This tensor in another element type: ``t.to(dtype)`` or ``t.to(other)``; the device is always the CPU."""
    def tolist(self) -> Any:
        """The values as nested lists."""
    def topk(
        self,
        k: builtins.int,
        dim: builtins.int = -1,
        largest: builtins.bool = True,
        sorted: builtins.bool = True,
    ) -> Selected:
        """(values, indices) of the k largest (or smallest) elements along `dim`, in order."""
    def trace(self) -> Tensor:
        """Σ x_ii of a matrix."""
    def transpose(self, dim0: builtins.int, dim1: builtins.int) -> Tensor:
        """Dimensions `dim0` and `dim1` exchanged; a view."""
    def tril(self, diagonal: builtins.int = 0) -> Tensor:
        """The lower triangle of each matrix, up to the given diagonal; zeros above."""
    def tril_(self, diagonal: builtins.int = 0) -> Self:
        """`tril` in place."""
    def triu(self, diagonal: builtins.int = 0) -> Tensor:
        """The upper triangle of each matrix, from the given diagonal on; zeros below."""
    def triu_(self, diagonal: builtins.int = 0) -> Self:
        """`triu` in place."""
    def true_divide(self, other: Tensor | builtins.float, *, rounding_mode: str | None = None) -> Tensor:
        """Quotient, y = input / other; integers give floats unless rounded."""
    def true_divide_(self, other: Tensor | builtins.float, *, rounding_mode: str | None = None) -> Self:
        """`true_divide` in place."""
    def trunc(self) -> Tensor:
        """The integer part, rounded towards zero; its derivative is zero."""
    def trunc_(self) -> Self:
        """`trunc` in place."""
    def type(self, dtype: Any = None) -> Any:
        """In another element type; without one, the name of this one."""
    def type_as(self, other: Tensor) -> Tensor:
        """This tensor in the element type of `other`."""
    def unbind(self, dim: builtins.int = 0) -> tuple[Tensor, ...]:
        """The slices along `dim`, as a tuple."""
    def unflatten(self, dim: builtins.int, sizes: Any) -> Tensor:
        """Dimension `dim` split into `sizes`; one of them may be -1."""
    def uniform_(self, a: builtins.float = 0, b: builtins.float = 1, *, generator: Generator | None = None) -> Self:
        """Uniform on [a, b)."""
    def unique(
        self,
        sorted: builtins.bool = True,
        return_inverse: builtins.bool = False,
        return_counts: builtins.bool = False,
        dim: builtins.int | None = None,
    ) -> Any:
        """The distinct elements (or slices along `dim`), in order; with inverse indices and counts if asked for."""
    def unique_consecutive(
        self,
        return_inverse: builtins.bool = False,
        return_counts: builtins.bool = False,
        dim: builtins.int | None = None,
    ) -> Any:
        """The elements without those that equal the one before."""
    def unsqueeze(self, dim: builtins.int) -> Tensor:
        """With a dimension of size 1 at `dim`."""
    def var(
        self,
        dim: Any = None,
        unbiased: builtins.bool | None = None,
        keepdim: builtins.bool = False,
        *,
        correction: builtins.float | None = None,
    ) -> Tensor:
        """Variance, Σ (x - mean)² / (n - correction); the correction is 1 (Bessel's) unless it is given."""
    def vdot(self, other: Tensor) -> Tensor:
        """Σ a_i b_i of two real vectors, as `dot`."""
    def view(self, *shape: Any) -> Tensor:
        """`reshape` that never copies: an error where the memory does not allow it."""
    def view_as(self, other: Tensor) -> Tensor:
        """`view` with the shape of `other`."""
    def vsplit(self, indices_or_sections: Any) -> tuple[Tensor, ...]:
        """`tensor_split` along the first dimension."""
    def where(self, condition: Tensor, other: Tensor | builtins.float) -> Tensor:
        """Elements of this tensor where `condition` holds, of `other` elsewhere."""
    def xlogy(self, other: Tensor | builtins.float) -> Tensor:
        """y = input · ln other, and 0 where input is 0 (unless other is NaN)."""
    def xlogy_(self, other: Tensor | builtins.float) -> Self:
        """`xlogy` in place."""
    def zero_(self) -> Self:
        """Every element becomes 0."""

def wrap(array: np.ndarray, node: Node | None = None) -> Tensor:
    """A Tensor around `array`, without copying."""

def plain(data: Any) -> Any:
    """The array of a Tensor; anything else as it is."""

def attach(name: str, function: Callable[..., Any] | property, body: Any, *, inplace: builtins.bool = False) -> None:
    """Make `function` the method `name` of Tensor, and with `inplace` also ``name_``."""

def attach_numpy(numpy_function: Any, function: Callable[..., Any]) -> None:
    """Let `numpy_function` mean `function` when it is called on a Tensor."""

def method(function: Any = None, *, name: str | None = None, inplace: builtins.bool = False, numpy: Any = None) -> Any:
    """Decorator: a composite function that is also a Tensor method."""
