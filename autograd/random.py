"""Random tensors.  With one seed they are PyTorch's; see `autograd/generator.py` for how."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .dtypes import as_dtype, int64, is_floating
from .errors import ArgumentError, DTypeError, ShapeError
from .factories import finish, shape_of
from .generator import Generator as Generator
from .generator import default_generator as default_generator
from .tensor import Tensor, method, wrap

__all__ = [
    "Generator",
    "bernoulli",
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "multinomial",
    "normal",
    "poisson",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
    "seed",
    "set_rng_state",
]


def manual_seed(seed: int) -> Generator:
    """Start the default stream from `seed`.

    >>> import autograd
    >>> _ = autograd.manual_seed(0); autograd.rand(3)
    tensor([0.4963, 0.7682, 0.0885])
    """
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Start the default stream from a seed of the operating system's, which is returned."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default stream started from."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default stream."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Go on from a state that `get_rng_state` gave."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices: Any = None, enabled: bool = True) -> Iterator[None]:
    """Inside, draws are as ever; afterwards the default stream is where it was.

    >>> import autograd
    >>> with autograd.random.fork_rng():
    ...     a = autograd.rand(1)
    >>> bool(autograd.rand(1) == a)
    True
    """
    state = default_generator.get_state()
    try:
        yield
    finally:
        if enabled:
            default_generator.set_state(state)


# ---------------------------------------------------------------------------------------------------------------------
# New tensors.


def _float_type(name: str, dtype: Any) -> np.dtype[Any]:
    kind = as_dtype(float if dtype is None else dtype)
    if kind.kind != "f":
        raise DTypeError(f"{name}: dtype must be float16, float32 or float64, got {kind}")
    return kind


def rand(*size: Any, generator: Generator | None = None, out: Tensor | None = None, dtype: Any = None,
         device: Any = None, requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Uniform on [0, 1).

    >>> import autograd
    >>> autograd.rand(2, 3).shape
    Size([2, 3])
    """
    shape, kind = shape_of("rand", size), _float_type("rand", dtype)
    draws = (generator or default_generator).uniform(math.prod(shape), kind)
    return finish(draws.reshape(shape), out, requires_grad)


def randn(*size: Any, generator: Generator | None = None, out: Tensor | None = None, dtype: Any = None,
          device: Any = None, requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Standard normal: mean 0, variance 1.

    >>> import autograd
    >>> autograd.randn(2, 3).shape
    Size([2, 3])
    """
    shape, kind = shape_of("randn", size), _float_type("randn", dtype)
    draws = (generator or default_generator).normal(math.prod(shape), kind)
    return finish(draws.reshape(shape), out, requires_grad)


def randint(low: int, high: Any = None, size: Any = None, *, generator: Generator | None = None,
            out: Tensor | None = None, dtype: Any = int64, device: Any = None,
            requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Integers on [low, high); ``randint(high, size)`` starts at 0.

    >>> import autograd
    >>> bool((autograd.randint(3, (100,)) < 3).all())
    True
    """
    if size is None:
        low, high, size = 0, low, high
    shape = shape_of("randint", (size,))
    if not low < high:
        raise ArgumentError(f"randint: low must be below high, got low={low} and high={high}")
    draws = (generator or default_generator).integers(low, high, math.prod(shape))
    return finish(draws.reshape(shape).astype(as_dtype(dtype)), out, requires_grad)


def randperm(n: int, *, generator: Generator | None = None, out: Tensor | None = None, dtype: Any = int64,
             device: Any = None, requires_grad: bool = False) -> Tensor:  # fmt: skip
    """0 .. n - 1 in random order.

    >>> import autograd
    >>> autograd.randperm(5).sort().values
    tensor([0, 1, 2, 3, 4])
    """
    if not isinstance(n, int | np.integer) or n < 0:
        raise ArgumentError(f"n: expected a non-negative int, got {n}")
    return finish((generator or default_generator).permutation(n).astype(as_dtype(dtype)), out, requires_grad)


def rand_like(input: Tensor, *, generator: Generator | None = None, dtype: Any = None, device: Any = None,
              requires_grad: bool = False, memory_format: Any = None) -> Tensor:  # fmt: skip
    """Uniform on [0, 1), in `input`'s shape and type."""
    return rand(input.shape, generator=generator, dtype=dtype or input.dtype, requires_grad=requires_grad)


def randn_like(input: Tensor, *, generator: Generator | None = None, dtype: Any = None, device: Any = None,
               requires_grad: bool = False, memory_format: Any = None) -> Tensor:  # fmt: skip
    """Standard normal, in `input`'s shape and type."""
    return randn(input.shape, generator=generator, dtype=dtype or input.dtype, requires_grad=requires_grad)


def randint_like(input: Tensor, low: int, high: int | None = None, *, generator: Generator | None = None,
                 dtype: Any = None, device: Any = None, requires_grad: bool = False,
                 memory_format: Any = None) -> Tensor:  # fmt: skip
    """Integers on [low, high), in `input`'s shape and type."""
    if high is None:
        low, high = 0, low
    kind = dtype or input.dtype
    return randint(low, high, input.shape, generator=generator, dtype=kind, requires_grad=requires_grad)


def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Any = None,
    device: Any = None,
    layout: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """mean + std · (standard normal); `mean` and `std` are numbers (with `size`) or tensors; a constant of theirs."""
    parts = [x.array if isinstance(x, Tensor) else x for x in (mean, std)]
    if np.any(np.asanyarray(parts[1]) < 0):
        raise ArgumentError(f"std: expected non-negative values, got {parts[1]}")
    arrays = [x for x in parts if isinstance(x, np.ndarray)]
    shape = shape_of("normal", (size,)) if size is not None else np.broadcast_shapes(*(x.shape for x in arrays))
    if not arrays and size is None:
        raise ArgumentError("normal: with numbers for mean and std, give size")
    kind = arrays[0].dtype if arrays and dtype is None else _float_type("normal", dtype)
    draws = (generator or default_generator).normal(math.prod(shape), kind).reshape(shape)
    return finish((draws * parts[1] + parts[0]).astype(kind), out, requires_grad)


def bernoulli(input: Tensor, p: float | None = None, *, generator: Generator | None = None,
              out: Tensor | None = None) -> Tensor:  # fmt: skip
    """1 with probability `input` (or `p` everywhere), else 0."""
    if p is not None:
        return bernoulli_(wrap(np.empty_like(input.array)), p, generator=generator)
    if not isinstance(input, Tensor):
        raise ArgumentError(f"bernoulli: input must be a Tensor of probabilities, got {type(input).__name__}")
    x = input.array
    if not is_floating(x.dtype) or (x.size and not (x.min() >= 0 and x.max() <= 1)):
        raise ArgumentError(f"input: expected float probabilities between 0 and 1, got {x.dtype} values outside")
    draws = (generator or default_generator).uniform(x.size, x.dtype).reshape(x.shape)
    return finish((draws < x).astype(x.dtype), out, False)


def multinomial(input: Tensor, num_samples: int, replacement: bool = False, *,
                generator: Generator | None = None, out: Tensor | None = None) -> Tensor:  # fmt: skip
    """Indices drawn with the weights in the last dimension of `input`, a vector or a matrix of row distributions.

    >>> import autograd
    >>> autograd.multinomial(autograd.tensor([0.0, 1.0, 0.0]), 3, replacement=True)
    tensor([1, 1, 1])
    """
    weights = input.array
    if weights.ndim not in (1, 2):
        raise ShapeError(f"multinomial: input must have 1 or 2 dimensions, got shape {weights.shape}")
    if not is_floating(weights.dtype):
        raise DTypeError(f"multinomial: input must be floating-point weights, got {weights.dtype}")
    if not isinstance(num_samples, int | np.integer) or num_samples <= 0:
        raise ArgumentError(f"num_samples: expected a positive int, got {num_samples}")
    if not np.isfinite(weights).all() or (weights < 0).any() or (weights.sum(-1) <= 0).any():
        raise ArgumentError("input: weights must be finite, not negative, and positive in sum")
    if not replacement and num_samples > weights.shape[-1]:
        raise ArgumentError(f"num_samples: {num_samples} of {weights.shape[-1]} categories needs replacement=True")
    source = generator or default_generator
    rows = np.atleast_2d(weights).astype(np.float64)
    if not replacement or num_samples == 1:  # the largest of p / Exp(1) (Efraimidis and Spirakis, 2006)
        keys = rows / -np.log1p(-source.uniform(rows.size, np.float64).reshape(rows.shape))
        chosen = np.argsort(-keys, axis=1, kind="stable")[:, :num_samples]
    else:
        cumulative = np.cumsum(rows, 1) / rows.sum(1, keepdims=True)
        draws = source.uniform(len(rows) * num_samples, np.float64).reshape(len(rows), num_samples)
        chosen = np.stack([np.searchsorted(c, u) for c, u in zip(cumulative, draws)])
    return finish(chosen.reshape(*weights.shape[:-1], num_samples).astype(np.int64), out, False, exact=True)


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Poisson counts with the given rates, by inversion of the cumulative; the draws are not PyTorch's."""
    rates = input.array.astype(np.float64)
    if (rates < 0).any():
        raise ArgumentError("input: rates must not be negative")
    left = (generator or default_generator).uniform(rates.size, np.float64).reshape(rates.shape)
    count, term = np.zeros(rates.shape), np.exp(-rates)
    while (left >= term).any() and count.max(initial=0) < 1e6:
        more = left >= term
        left, count = np.where(more, left - term, left), count + more
        term = np.where(more, term * rates / np.maximum(count, 1), term)
    return wrap(count.astype(input.dtype))


# ---------------------------------------------------------------------------------------------------------------------
# In place.


def _fill(self: Tensor, draws: np.ndarray, by: str) -> Tensor:
    return self._write(wrap(draws.reshape(self.array.shape).astype(self.array.dtype, copy=False)), by)


def _drawn_type(self: Tensor) -> np.dtype[Any]:
    return self.array.dtype if self.array.dtype.kind == "f" else np.dtype(np.float32)


@method
def uniform_(self: Tensor, a: float = 0, b: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Uniform on [a, b)."""
    if not a <= b:
        raise ArgumentError(f"uniform_: expected a <= b, got a={a} and b={b}")
    kind = _drawn_type(self)
    draws = (generator or default_generator).uniform(self.array.size, kind)
    return _fill(self, draws * kind.type(b - a) + kind.type(a), "uniform_")


@method
def normal_(self: Tensor, mean: float = 0, std: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Normal with the given mean and standard deviation."""
    if not std >= 0:
        raise ArgumentError(f"std: expected a non-negative number, got {std}")
    draws = (generator or default_generator).normal(self.array.size, _drawn_type(self))
    return _fill(self, draws * std + mean, "normal_")


@method
def log_normal_(self: Tensor, mean: float = 1, std: float = 2, *, generator: Generator | None = None) -> Tensor:
    """e to the power of a normal number with the given mean and standard deviation."""
    draws = (generator or default_generator).normal(self.array.size, _drawn_type(self))
    return _fill(self, np.exp(draws * std + mean), "log_normal_")


@method
def exponential_(self: Tensor, lambd: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Exponential with rate `lambd`."""
    if not lambd > 0:
        raise ArgumentError(f"lambd: expected a positive rate, got {lambd}")
    draws = (generator or default_generator).uniform(self.array.size, np.float64)
    return _fill(self, -np.log1p(-draws) / lambd, "exponential_")


@method
def random_(self: Tensor, low: int = 0, high: int | None = None, *, generator: Generator | None = None) -> Tensor:
    """Integers on [low, high); without `high`, all that the type holds exactly."""
    if high is None:
        digits = np.finfo(self.array.dtype).nmant + 1 if self.array.dtype.kind == "f" else 0
        low, high = (
            (0, (1 << digits) + 1 if digits else int(np.iinfo(self.array.dtype).max) + 1) if not low else (0, low)
        )
    source = generator or default_generator
    if high - low >= 1 << 63:
        draws = (source.long_words(self.array.size) & np.uint64((1 << 63) - 1)).astype(np.int64)
    else:
        draws = source.integers(low, high, self.array.size)
    return _fill(self, draws, "random_")


@method
def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """1 with probability `p`, else 0; `p` is a number or a tensor of probabilities."""
    if isinstance(p, Tensor):
        return self._write(wrap(bernoulli(p, generator=generator).array.astype(self.array.dtype)), "bernoulli_")
    if not 0 <= p <= 1:
        raise ArgumentError(f"p: expected a probability between 0 and 1, got {p}")
    draws = (generator or default_generator).chances(self.array.size, p)
    return _fill(self, draws, "bernoulli_")
