"""DLPack with NumPy on the other side: memory is shared both ways, and what cannot be shared says why."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd.dlpack import from_dlpack
from autograd.errors import ArgumentError, DTypeError, WengertError
from autograd.tensor import wrap

DTYPES = [
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "bool",
    "complex64",
    "complex128",
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 2)], ids=str)
def test_memory_is_shared_both_ways(dtype, shape):
    array = np.ones(shape, dtype)
    tensor = from_dlpack(array)
    assert np.from_dlpack(tensor).ctypes.data == tensor.data_ptr() == array.ctypes.data
    array[...] = 0
    np.testing.assert_array_equal(tensor.array, array)
    np.from_dlpack(tensor)[...] = 1
    np.testing.assert_array_equal(array, np.ones(shape, dtype))


def test_strides_survive():
    array = np.arange(24.0).reshape(4, 6)[::2, 1:4].T
    np.testing.assert_array_equal(from_dlpack(array).array, array)
    np.testing.assert_array_equal(np.from_dlpack(wrap(array)), array)
    assert from_dlpack(array).array.strides == array.strides


def test_memory_outlives_its_first_owner():
    array = np.arange(1000.0)
    tensor = from_dlpack(array)
    del array
    assert tensor.array.sum() == 499500


def test_capsules_and_copies():
    array = np.ones(3)
    assert from_dlpack(array.__dlpack__()).data_ptr() == array.ctypes.data
    copy = from_dlpack(array, copy=True, device="cpu")
    array[0] = 5
    np.testing.assert_array_equal(copy.array, [1, 1, 1])


def test_another_tensor():
    t = autograd.ones(2)
    assert from_dlpack(t).data_ptr() == t.data_ptr()
    with pytest.raises(BufferError, match="requires grad"):
        from_dlpack(autograd.ones(2, requires_grad=True))


def test_a_read_only_array_stays_read_only():
    array = np.ones(2)
    array.flags.writeable = False
    assert not from_dlpack(array).array.flags.writeable


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: autograd.ones(2, requires_grad=True), r"export t\.detach\(\)"),
        (lambda: autograd.ones(2, requires_grad=True) * 2, "requires grad"),
        (lambda: wrap(np.broadcast_to(np.ones(1), 3)), r"read-only .* export t\.clone\(\)"),
        (lambda: wrap(np.arange(3.0)[::-1]), "backwards through memory"),
    ],
)
def test_what_cannot_be_exported(make, message):
    with pytest.raises(BufferError, match=message) as caught:
        np.from_dlpack(make())
    assert isinstance(caught.value, WengertError)


def test_bfloat16_is_unknown_to_numpys_dlpack():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    with pytest.raises(BufferError, match="bfloat16 cannot be exported"):
        wrap(np.ones(2, ml_dtypes.bfloat16)).__dlpack__()


class OnAnotherDevice:
    def __dlpack__(self):
        raise AssertionError("must not be asked")

    def __dlpack_device__(self):
        return (2, 0)


@pytest.mark.parametrize(
    ("argument", "kind", "message"),
    [
        (3, ArgumentError, "ext_tensor must be an array with the method __dlpack__, got int"),
        (OnAnotherDevice(), ArgumentError, r"device \(2, 0\)"),
        (np.array(["2020"], "M8[D]"), ArgumentError, "ext_tensor cannot be shared"),
        (np.ones(2, np.uint16), DTypeError, "uint16"),
    ],
)
def test_what_cannot_be_imported(argument, kind, message):
    with pytest.raises(kind, match=message):
        from_dlpack(argument)


def test_there_is_one_device():
    assert autograd.ones(2).__dlpack_device__() == (1, 0)
    with pytest.raises(ArgumentError, match="device must be 'cpu'"):
        from_dlpack(np.ones(2), device="cuda")
