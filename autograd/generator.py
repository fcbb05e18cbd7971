"""A stream of random numbers that follows PyTorch's CPU generator draw for draw.

The source is the Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998), seeded by its authors' ``init_genrand``.
Everything else is a map from its 32-bit words: which words, in which order, is what makes two libraries agree.
"""

from __future__ import annotations

import math
import secrets
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from . import quiet as bodies
from .errors import ArgumentError
from .twin import with_kernel

_KEY = 624
MANY = 1 << 16  # words from which a kernel is faster than NumPy's generator, whose state it must fetch and put back
_DIGITS = {2: 11, 4: 24, 8: 53}  # bits of the significand, by bytes of the type


class Generator:
    """A random stream of its own.

    >>> from autograd.random import Generator
    >>> Generator().manual_seed(0).words(2)
    array([2357136044, 2546248239], dtype=uint32)
    """

    device = "cpu"

    def __init__(self, device: Any = "cpu") -> None:
        self._seed = 67280421310721  # PyTorch's default
        self._bits: Any = None  # made at the first draw: NumPy's random package is not free to import
        self._spare: float | None = None  # the second of a pair of normal numbers, for the next single draw

    def manual_seed(self, seed: int) -> Generator:
        """Start again from `seed`."""
        if not -(1 << 63) <= seed < 1 << 64:
            raise ArgumentError(f"seed: expected an int of at most 64 bits, got {seed}")
        _told("a random stream is seeded")
        self._seed, self._bits, self._spare = int(seed) % (1 << 64), None, None
        return self

    def initial_seed(self) -> int:
        """The seed that this stream started from."""
        return self._seed

    def seed(self) -> int:
        """Start again from a seed of the operating system's, which is returned."""
        return self.manual_seed(secrets.randbits(63))._seed

    def words(self, n: int) -> np.ndarray:
        """The next `n` words, uint32."""
        return self._drawn(self._take, n)

    def _drawn(self, take: Callable[..., np.ndarray], *args: Any) -> np.ndarray:
        """``take(*args)``; a recorder makes an equation of it that draws anew each time."""
        for rule in _rules.active:
            rule.draws(self)
        return take(*args) if bodies.watcher is None else bodies.watcher.draw(take, *args)

    def _take(self, n: int) -> np.ndarray:
        if self._bits is None:
            self._bits = _twister(self._seed)
        return _words(self._bits, n)

    def long_words(self, n: int) -> np.ndarray:
        """The next `n` pairs of words, uint64; the first of a pair is the high half."""
        return _pairs(self.words(2 * n))

    # -- distributions: arrays of `n` draws ----------------------------------------------------------------------------

    def uniform(self, n: int, dtype: Any = np.float32) -> np.ndarray:
        """Uniform on [0, 1): the low bits of a word (of a pair for float64), as many as the significand has."""
        kind = np.dtype(dtype)
        return _fractions(self.long_words(n) if kind.itemsize == 8 else self.words(n), kind)

    def chances(self, n: int, p: float) -> np.ndarray:
        """Truth values, each true with probability `p`: whether a `uniform` float64 is below that."""
        return _below(self.words(2 * n), p)

    def normal(self, n: int, dtype: Any = np.float32) -> np.ndarray:
        """Standard normal, by Box and Muller (1958): in blocks of 8 + 8, or one by one if there are fewer than 16."""
        if n < 16:
            return self._drawn(self._few, n, dtype)
        uniform = self.uniform(n, dtype)
        whole = n - n % 16
        out = _box_muller(uniform[:whole])
        if n > whole:  # the last sixteen once more, from fresh words
            out = np.concatenate([out[: n - 16], _box_muller(self.uniform(16, dtype))])
        return out

    def _few(self, n: int, dtype: Any) -> np.ndarray:
        return np.array([self._single() for _ in range(n)], dtype)

    def _single(self) -> float:
        if self._spare is not None:
            value, self._spare = self._spare, None
            return value
        u, v = self.uniform(2, np.float64).tolist()
        radius, angle = math.sqrt(-2.0 * math.log1p(-v)), 2.0 * math.pi * u
        self._spare = radius * math.sin(angle)
        return radius * math.cos(angle)

    def integers(self, low: int, high: int, n: int) -> np.ndarray:
        """Integers on [low, high), int64: a word modulo the range, or a pair where the range needs it."""
        span = high - low
        raw = self.long_words(n) if span >= 1 << 32 else self.words(n).astype(np.uint64)
        return ((raw % np.uint64(span)).astype(np.int64) + low).astype(np.int64)

    def next_seed(self) -> int:
        """A non-negative int64, from one pair of words: what data loaders seed their samplers and workers with."""
        return int(self.long_words(1)[0]) & ((1 << 63) - 1)

    def permutation(self, n: int) -> np.ndarray:
        """0 .. n - 1 in random order, int64, by Fisher and Yates with one word for each place."""
        return self._drawn(self._shuffled, n)

    def _shuffled(self, n: int) -> np.ndarray:
        order = list(range(n))
        draws = (self.words(max(n - 1, 0)) % np.arange(n, 1, -1, dtype=np.uint32)).tolist()
        for i, step in enumerate(draws):
            j = i + step
            order[i], order[j] = order[j], order[i]
        return np.array(order, np.int64)

    def rand(self, *size: int, dtype: Any = np.float32) -> np.ndarray:
        """`uniform` in a shape."""
        return self.uniform(math.prod(size), dtype).reshape(size)

    # -- state ---------------------------------------------------------------------------------------------------------

    def get_state(self) -> Any:
        """The state, as a uint8 Tensor that `set_state` takes."""
        from .tensor import wrap

        _told("the state of a random stream is read")
        self.words(0)
        twister = self._bits.state["state"]
        spare = np.array([math.nan if self._spare is None else self._spare])
        head = np.array([self._seed, twister["pos"]], np.uint64)
        return wrap(np.concatenate([part.view(np.uint8) for part in (head, spare, twister["key"].astype(np.uint32))]))

    def set_state(self, new_state: Any) -> Generator:
        """Go on from a state that `get_state` gave."""
        _told("the state of a random stream is set")
        raw = np.ascontiguousarray(getattr(new_state, "array", new_state))
        if raw.dtype != np.uint8 or raw.shape != (24 + 4 * _KEY,):
            raise ArgumentError(
                f"new_state: expected the uint8 tensor of {24 + 4 * _KEY} bytes that get_state() gives, "
                f"got {raw.dtype} {list(raw.shape)}"
            )
        seed, position = raw[:16].view(np.uint64).tolist()
        spare = float(raw[16:24].view(np.float64)[0])
        self._seed, self._spare = seed, None if math.isnan(spare) else spare
        self._bits = _twister(0)
        self._bits.state = {"bit_generator": "MT19937", "state": {"key": raw[24:].view(np.uint32), "pos": position}}
        return self

    def position(self) -> Any:
        """Where the stream is, for `rewind`."""
        return self._bits and self._bits.state, self._spare

    def rewind(self, position: Any) -> None:
        """Go back to where the stream was, if it has been seeded no other way since."""
        bits, self._spare = position
        if bits is None:
            self._bits = None
        else:
            self._bits.state = bits

    def clone_state(self) -> Generator:
        """Another generator that goes on as this one would."""
        return Generator().set_state(self.get_state())


class _Rules(threading.local):
    """What stands over draws in this thread, outermost first."""

    active: tuple[Draws, ...] = ()


_rules = _Rules()


class Draws:
    """Inside this context draws of `who`'s rounds are an "error", "different", as they come, or the "same" each time.

    >>> from autograd.random import Generator
    >>> from autograd.generator import Draws
    >>> stream = Generator().manual_seed(0)
    >>> with Draws("a loop", "same") as draws:
    ...     for _ in range(2):
    ...         draws.again()
    ...         print(stream.words(1))
    [2357136044]
    [2357136044]
    """

    def __init__(self, who: str, randomness: str) -> None:
        self.who, self.randomness = who, randomness
        self._starts: dict[Generator, Any] = {}  # where each stream was when it was first drawn from
        self._met: set[Generator] = set()  # in this round

    def __enter__(self) -> Draws:
        self._before = _rules.active
        _rules.active = (*self._before, self)
        return self

    def __exit__(self, *exc: object) -> None:
        _rules.active = self._before

    def again(self) -> None:
        """The next round begins."""
        self._met = set()

    def draws(self, stream: Generator) -> None:
        """`stream` is about to be drawn from."""
        if self.randomness == "error":
            raise ArgumentError(
                f"{self.who}: a random number was drawn inside, which randomness='error' forbids; pass 'different' for "
                "other numbers in each slice, 'same' for the same in all, or draw outside"
            )
        if self.randomness == "same" and stream not in self._met:
            self._met.add(stream)
            if stream in self._starts:
                _told("a random stream goes back")
                stream.rewind(self._starts[stream])
            else:
                self._starts[stream] = stream.position()


def _told(what: str) -> None:
    """Tell a recorder what a program would not repeat."""
    if bodies.watcher is not None:
        bodies.watcher.gives_up(what)


def _twister(seed: int) -> Any:
    """MT19937 in the state that ``init_genrand`` makes of the low 32 bits of `seed`."""
    key = [seed & 0xFFFFFFFF]
    for i in range(1, _KEY):
        key.append((1812433253 * (key[-1] ^ (key[-1] >> 30)) + i) & 0xFFFFFFFF)
    bits = np.random.MT19937(0)
    bits.state = {"bit_generator": "MT19937", "state": {"key": np.array(key, np.uint32), "pos": _KEY}}
    return bits


def _random_words(bits: Any, n: int) -> np.ndarray:
    return np.asarray(bits.random_raw(n)).astype(np.uint32)


def _random_words_fast(bits: Any, n: int) -> Any:
    if n < MANY:
        return NotImplemented
    from .kernels import twister

    state = bits.state
    key = state["state"]["key"]
    found, state["state"]["pos"] = twister.words(key, state["state"]["pos"], n)
    bits.state = state
    return found


def _pairs(words: Any) -> Any:
    return (words[0::2].astype(np.uint64) << np.uint64(32)) | words[1::2].astype(np.uint64)


def _fractions(raw: Any, kind: np.dtype[Any]) -> Any:
    """The low bits of `raw` behind the point, as many as the type holds: no rounding anywhere."""
    digits = _DIGITS[kind.itemsize]
    return (raw & raw.dtype.type((1 << digits) - 1)).astype(kind) * kind.type(2.0**-digits)


def _fractions_below(words: Any, p: float) -> Any:
    return _fractions(_pairs(words), np.dtype(np.float64)) < p


def _fractions_below_fast(words: Any, p: float) -> Any:
    if type(words) is not np.ndarray or words.size < MANY:
        return NotImplemented
    from .kernels import twister

    return twister.below(words, math.ceil(p * 2**53))


_words = with_kernel(_random_words, _random_words_fast, opaque=False)
_below = with_kernel(_fractions_below, _fractions_below_fast, opaque=False)


def _box_muller(uniform: np.ndarray) -> np.ndarray:
    """Normal numbers from uniform ones, in blocks of sixteen: eight radii, then eight angles."""
    blocks = uniform.reshape(-1, 2, 8)
    radius = np.sqrt(-2 * np.log(1 - blocks[:, 0]))
    angle = (2 * math.pi) * blocks[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(-1)


default_generator = Generator()
