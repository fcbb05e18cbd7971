"""The Mersenne Twister's words, many at a time, and what is made of them in one pass.

Matsumoto and Nishimura, "Mersenne Twister: a 623-dimensionally equidistributed uniform pseudorandom number generator"
(1998).  The state is renewed in place, 624 words at once; each depends on words that stand at least 227 places away, so
the loops vectorise.
"""

from __future__ import annotations

import numpy as np

from .door import inlined, kernel

N, M = 624, 397
U = np.uint32


@inlined
def _twisted(high, low, far):
    y = (high & U(0x80000000)) | (low & U(0x7FFFFFFF))
    return far ^ (y >> U(1)) ^ (U(0x9908B0DF) * (y & U(1)))


@kernel
def _words(key, position, out):
    """Fill `out` from the state, and return the position in it that was reached."""
    done = 0
    while done < out.size:
        if position == N:
            for k in range(N - M):
                key[k] = _twisted(key[k], key[k + 1], key[k + M])
            for k in range(N - M, N - 1):
                key[k] = _twisted(key[k], key[k + 1], key[k + M - N])
            key[N - 1] = _twisted(key[N - 1], key[0], key[M - 1])
            position = 0
        count = min(N - position, out.size - done)
        for j in range(count):
            y = key[position + j]
            y ^= y >> U(11)
            y ^= (y << U(7)) & U(0x9D2C5680)
            y ^= (y << U(15)) & U(0xEFC60000)
            out[done + j] = y ^ (y >> U(18))
        position += count
        done += count
    return position


@kernel
def _below(words, limit, out):
    """Whether the low 53 bits of each pair of words, the high one first, are below `limit`."""
    for i in range(out.size):
        pair = (np.uint64(words[2 * i]) << np.uint64(32)) | np.uint64(words[2 * i + 1])
        out[i] = (pair & np.uint64((1 << 53) - 1)) < limit


def words(key: np.ndarray, position: int, n: int) -> tuple[np.ndarray, int]:
    """The next `n` words of the state `key`, which is renewed, and the position in it that was reached."""
    out = np.empty(n, np.uint32)
    return out, int(_words(key, position, out))


def below(words: np.ndarray, limit: int) -> np.ndarray:
    """Whether the low 53 bits of each pair of words, the high one first, are below `limit`."""
    out = np.empty(len(words) // 2, np.bool_)
    _below(words, np.uint64(limit), out)
    return out
