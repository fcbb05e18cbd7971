"""Rows of which many are alike, as an embedding's are: what is computed of a row need be computed once of each kind.

Rows are compared bit by bit, so that equal ones are equal in all that is made of them.
"""

from __future__ import annotations

import numpy as np

from .door import kernel

TIMES = 2  # as many rows as kinds, at least, for it to pay
WIDTH = 64  # elements of a row, for the same reason
FIRST = 256  # rows after which it is plain whether any are alike
REPEATED = FIRST // 16  # of them, at least


@kernel
def _kinds(words, factors, heads, firsts, hashes, kind):
    """How many kinds of rows there are, with the first row of each and the kind of every row; -1 if too many.

    `heads` is a table with linear probing, of a power of two of places.
    """
    found, patience, last = 0, 2 * len(words), len(heads) - 1
    for r in range(len(words)):
        row, mixed = words[r], np.uint32(0)
        for j in range(len(row)):  # numbers often end in zeros, and the low bits of products come from low bits
            mixed = np.uint32(mixed + np.uint32((row[j] ^ (row[j] >> np.uint32(16))) * factors[j]))
        at = np.int64(mixed ^ (mixed >> np.uint32(15))) & last
        while True:
            k = heads[at]
            if k < 0:
                if found == len(firsts):
                    return -1
                heads[at] = k = found
                firsts[k], hashes[k] = r, mixed
                found += 1
                break
            if hashes[k] == mixed:
                other, differ = words[firsts[k]], np.uint32(0)
                for j in range(len(row)):
                    differ |= row[j] ^ other[j]
                if differ == 0:
                    break
            at = (at + 1) & last
            patience -= 1
            if patience < 0:
                return -1
        kind[r] = k
        if r == FIRST and found > FIRST - REPEATED:
            return -1
    return found


def kinds(x: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """One row of each kind, and the kind of each row of `x`; None if there are not many rows of a kind."""
    most = len(x) // TIMES
    if not most or x.shape[1] < WIDTH or x.dtype.itemsize % 4:
        return None
    words = np.ascontiguousarray(x).view(np.uint32)
    factors = np.arange(1, 2 * words.shape[1], 2, dtype=np.uint32) * np.uint32(0x9E3779B1)  # odd
    heads, kind = np.full(1 << (2 * most).bit_length(), -1), np.empty(len(x), np.int64)
    firsts, hashes = np.empty(most, np.int64), np.empty(most, np.uint32)
    found = _kinds(words, factors, heads, firsts, hashes, kind)
    return None if found < 0 else (x[firsts[:found]], kind)
