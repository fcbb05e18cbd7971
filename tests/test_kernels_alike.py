"""Which rows are alike: against NumPy's unique rows."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from autograd.kernels.alike import FIRST, TIMES, WIDTH, kinds


def rows_of(table, n, seed=0):
    return table[np.random.default_rng(seed).integers(0, len(table), n)]


def table_of(n, width=WIDTH, dtype=np.float32):
    return np.random.default_rng(1).normal(size=(n, width)).astype(dtype)


def as_bytes(x):
    return np.ascontiguousarray(x).view(np.uint8).reshape(len(x), -1)


TEXTS = {
    "letters": rows_of(table_of(29), 600),
    "float64": rows_of(table_of(29, dtype=np.float64), 600),
    "one-hot": rows_of(np.eye(WIDTH + 3, dtype=np.float32), 600),
    "small-integers": rows_of(np.random.default_rng(2).integers(0, 2, (40, WIDTH)).astype(np.float32), 600),
    "many": rows_of(table_of(700), 4000),
    "strided": rows_of(table_of(29, 2 * WIDTH), 600)[:, ::2],
    "few": rows_of(table_of(1), TIMES),
    "signs of zero": rows_of(np.stack([np.zeros(WIDTH), -np.zeros(WIDTH)]), 10),
    "nan": rows_of(np.where(np.arange(WIDTH) == 3, np.nan, table_of(5)), 50),
}


@pytest.mark.parametrize("x", TEXTS.values(), ids=TEXTS)
def test_a_row_of_each_kind_and_the_kind_of_each_row(x):
    found = kinds(x)
    assert found is not None
    table, index = found
    assert len(table) == len(np.unique(as_bytes(x), axis=0))
    np.testing.assert_array_equal(as_bytes(table)[index], as_bytes(x))


NONE = {
    "all differ": table_of(2 * FIRST),
    "too many kinds": rows_of(table_of(FIRST), FIRST),
    "not at first": np.concatenate([table_of(FIRST + 1), rows_of(table_of(3), 9 * FIRST)]),
    "narrow": rows_of(table_of(2, WIDTH - 1), 600),
    "one row": table_of(1),
    "no rows": table_of(0),
    "half precision": rows_of(table_of(2), 600).astype(np.float16),
}


@pytest.mark.parametrize("x", NONE.values(), ids=NONE)
def test_it_would_not_pay(x):
    assert kinds(x) is None


def test_rows_that_differ_in_one_bit():
    x = np.repeat(table_of(1), 40, axis=0)
    for place in (0, WIDTH // 2, WIDTH - 1):
        other = x.copy()
        other[::3].view(np.uint32)[:, place] ^= 1
        table, index = kinds(other)
        assert len(table) == 2
        np.testing.assert_array_equal(index, np.arange(40) % 3 != 0)
