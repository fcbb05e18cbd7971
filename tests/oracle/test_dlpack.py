"""DLPack with PyTorch on the other side."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd.dlpack import from_dlpack
from autograd.tensor import wrap

torch = pytest.importorskip("torch")

DTYPES = [
    torch.float16, torch.float32, torch.float64, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8,
    torch.bool, torch.complex64, torch.complex128,
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 2)], ids=str)
def test_a_write_on_either_side_shows_on_the_other(dtype, shape):
    theirs = torch.ones(shape, dtype=dtype)
    ours = from_dlpack(theirs)
    back = torch.from_dlpack(ours)
    assert back.data_ptr() == theirs.data_ptr() or theirs.numel() == 0
    assert (back.dtype, back.shape) == (theirs.dtype, theirs.shape)
    theirs.zero_()
    assert not ours.array.any()
    ours.array[...] = 1
    assert torch.equal(theirs, torch.ones(shape, dtype=dtype))
    assert torch.equal(back, theirs)


def test_our_memory_in_their_hands():
    ours = wrap(np.arange(12.0).reshape(3, 4)[:, ::2].T)
    theirs = torch.from_dlpack(ours)
    assert theirs.data_ptr() == ours.data_ptr()
    assert theirs.stride() == ours.stride()
    del ours
    theirs[0, 0] = 7
    np.testing.assert_array_equal(theirs.numpy(), [[7, 4, 8], [2, 6, 10]])


def test_both_refuse_what_requires_grad():
    with pytest.raises(BufferError, match="detach"):
        torch.from_dlpack(autograd.ones(2, requires_grad=True))
    with pytest.raises(BufferError, match="detach"):
        np.from_dlpack(torch.ones(2, requires_grad=True))


def test_what_would_bring_their_process_down_is_refused():
    """torch.from_dlpack aborts the interpreter on negative strides and writes into read-only memory."""
    for array in (np.arange(3.0)[::-1], np.broadcast_to(np.ones(1), 3)):
        with pytest.raises(BufferError, match="clone"):
            torch.from_dlpack(wrap(array))
