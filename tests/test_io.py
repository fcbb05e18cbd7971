"""Saved is saved: every kind of value comes back, other programs can read it, and failures leave the old file."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import autograd
from autograd.errors import CheckpointError
from autograd.io import load, save
from autograd.tensor import Tensor, wrap

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


def same(a, b):
    """Same types, values, shapes, dtypes and bits, all the way down."""
    assert type(a) is type(b), (a, b)
    if isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            same(x, y)
    elif isinstance(a, Tensor | np.ndarray | np.generic):
        x, y = (np.asarray(v.array if isinstance(v, Tensor) else v) for v in (a, b))
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        assert x.tobytes() == y.tobytes()
    else:
        assert a == b or a != a


def round_trip(obj, tmp_path):
    save(obj, tmp_path / "x.safetensors")
    return load(tmp_path / "x.safetensors")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,), (2, 0, 3)], ids=str)
def test_every_dtype_and_shape(dtype, shape, tmp_path):
    values = np.random.default_rng(0).standard_normal(shape) * 3
    array = np.asarray(values + 1j if dtype.startswith("c") else values).astype(dtype)
    same(round_trip({"t": wrap(array)}, tmp_path), {"t": wrap(array)})
    same(round_trip([array, array[...]], tmp_path), [array, array[...]])


def test_bfloat16(tmp_path):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    array = np.array([1.5, -2, 3e38], ml_dtypes.bfloat16)
    same(round_trip({"t": wrap(array)}, tmp_path), {"t": wrap(array)})


def test_nests_of_everything(tmp_path):
    obj = {
        "model": {"0.weight": autograd.ones(2, 3), "0.bias": autograd.zeros(3)},
        "model.0.bias": autograd.ones(1),  # the same path by another way
        "__metadata__": autograd.ones(2),
        "optimizer": {"state": {0: {"step": 7, "exp_avg": autograd.ones(2)}, (1, "a"): None}, "lr": [1e-3, 0.1 + 0.2]},
        "text": ["naïve ∂", "", "a\"b\n"],
        "numbers": (True, False, 0, -1, 10**30, 1.5, float("inf"), -float("inf"), float("nan"), 2 - 1j),
        "numpy": [np.float32(0.1), np.int64(5), np.bool_(True), np.arange(6).reshape(2, 3)],
        "empty": [{}, [], (), None],
        3: {None: 1, True: 2},
    }  # fmt: skip
    same(round_trip(obj, tmp_path), obj)


@pytest.mark.parametrize("obj", [autograd.ones(2), np.arange(3), 3, None, "text", [], {}], ids=repr)
def test_the_outermost_value_may_be_anything(obj, tmp_path):
    same(round_trip(obj, tmp_path), obj)


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x.T,
        lambda x: x[::2],
        lambda x: x[:, 1:3],
        lambda x: x[::-1, ::-1],
        lambda x: np.broadcast_to(x[0], (4, 6)),
    ],
    ids=["transposed", "every other row", "columns", "reversed", "broadcast"],
)
def test_layout_in_memory_does_not_matter(view, tmp_path):
    """safetensors' own writer stores the wrong bytes for some of these."""
    array = view(np.arange(24, dtype=np.float32).reshape(4, 6))
    again = round_trip({"plain": wrap(array)}, tmp_path)["plain"]
    np.testing.assert_array_equal(again.array, array)
    assert again.array.flags.c_contiguous
    np.testing.assert_array_equal(round_trip([array], tmp_path)[0], array)
    swapped = array.astype(array.dtype.newbyteorder(">"))
    np.testing.assert_array_equal(round_trip([swapped], tmp_path)[0], array)


def test_what_is_loaded_is_ready_for_use(tmp_path):
    """A leaf's values come back off the tape, writeable, of our own dtype objects, in memory of their own."""
    w = autograd.ones(2, requires_grad=True)
    again = round_trip({"w": w}, tmp_path)["w"]
    assert not again.requires_grad
    assert again.dtype is autograd.float32
    assert again.array.flags.writeable
    assert again.array.flags.owndata


def test_a_state_dict_is_a_plain_safetensors_file(tmp_path):
    numpy_io = pytest.importorskip("safetensors.numpy")
    state = {
        "a": wrap(np.arange(6.0).reshape(2, 3).T), "flag": wrap(np.array([True])), "n": wrap(np.array(3)),
        "half": wrap(np.ones(3, np.float16)), "empty": wrap(np.zeros((0, 2))),
    }  # fmt: skip
    save(state, tmp_path / "state.safetensors")
    theirs = numpy_io.load_file(tmp_path / "state.safetensors")
    assert theirs.keys() == state.keys()
    for name, array in theirs.items():
        same(wrap(np.array(array)), state[name])


def test_a_nest_is_a_safetensors_file_too(tmp_path):
    numpy_io = pytest.importorskip("safetensors.numpy")
    save({"model": {"w": autograd.ones(2)}, "epoch": 3}, tmp_path / "run.safetensors")
    assert list(numpy_io.load_file(tmp_path / "run.safetensors")) == ["model.w"]


def test_a_foreign_file(tmp_path):
    numpy_io = pytest.importorskip("safetensors.numpy")
    arrays = {"b": np.arange(3, dtype=np.int16), "a": np.ones((2, 2), np.float32), "c": np.zeros((0, 3))}
    numpy_io.save_file(arrays, tmp_path / "foreign.safetensors", metadata={"format": "np"})
    loaded = load(tmp_path / "foreign.safetensors")
    assert loaded.keys() == arrays.keys()
    for name in arrays:
        same(loaded[name], wrap(arrays[name]))


class Model:
    def state_dict(self):
        return {}


def test_what_cannot_be_saved_is_named(tmp_path):
    path = tmp_path / "x.safetensors"
    loop = []
    loop.append(loop)
    for obj, message in [
        ({"a": [1, object()]}, r"a\.1 is a object"),
        (print, "the object is a builtin_function"),
        ({"model": Model()}, r"model is a Model.* Save its state_dict\(\)"),
        ({"a": np.array(["x"])}, "a has dtype <U1"),
        (loop, "contains itself"),
    ]:
        with pytest.raises(CheckpointError, match=message):
            save(obj, path)
    assert os.listdir(tmp_path) == []


# -- files that are not what they should be ---------------------------------------------------------------------------


def test_every_truncation_is_noticed(tmp_path):
    path = tmp_path / "x.safetensors"
    save({"a": [autograd.ones(3), "text"]}, path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=r"x\.safetensors is damaged"):
            load(path)
    path.write_bytes(whole + b"!")
    with pytest.raises(CheckpointError, match="longer than its header says"):
        load(path)


def file_with(path, header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


FOUR = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"not json", "not JSON"),
        ([1], "not a JSON object"),
        ({"a": 3}, "describes 'a' as 3"),
        ({"a": FOUR | {"shape": [2]}}, r"'a' has shape \(2,\) of float32 but 4 bytes"),
        ({"a": FOUR | {"shape": [-1]}}, "describes 'a'"),
        ({"a": FOUR | {"dtype": "F8_E4M3"}}, "element type F8_E4M3"),
        ({"a": FOUR | {"dtype": []}}, "element type"),
        ({"a": FOUR, "b": FOUR}, "the bytes of 'b' begin at 0, not at 4"),
        ({"a": FOUR | {"dtype": "U32"}}, "'a' cannot be a tensor: .*uint32"),
        ({"a": FOUR, "__metadata__": {"wengert": "?"}}, "structure"),
        ({"a": FOUR, "__metadata__": {"wengert": '{"version": 9, "tree": 0}'}}, "newer version"),
        ({"a": FOUR, "__metadata__": {"wengert": '{"version": 1, "tree": {"tensor": ["b"]}}'}}, "does not fit"),
        ({"a": FOUR, "__metadata__": {"wengert": '{"version": 1, "tree": {"code": 1}}'}}, "does not fit"),
    ],
)
def test_damaged_headers_are_explained(header, message, tmp_path):
    file_with(tmp_path / "x", header, b"\0" * 4)
    with pytest.raises(CheckpointError, match=message) as caught:
        load(tmp_path / "x")
    assert str(tmp_path / "x") in str(caught.value)


def test_random_damage_never_escapes(tmp_path):
    """Whatever bytes are in the file: a value or a CheckpointError."""
    path, rng = tmp_path / "x", np.random.default_rng(0)
    save({"a": [autograd.ones(3), {"b": 1}]}, path)
    whole = path.read_bytes()
    for _ in range(500):
        bytes_ = bytearray(whole)
        for at in rng.integers(0, len(whole), 2):
            bytes_[at] = rng.integers(0, 256)
        path.write_bytes(bytes_)
        try:
            load(path)
        except CheckpointError:
            pass


def test_paths_that_cannot_be_used(tmp_path):
    (tmp_path / "file").write_text("")
    for path, message in [
        ("none/x", "folder .*none does not exist; make it first"),
        (".", "is a folder; add a file name"),
        ("file/x", "a part of the path is a file"),
    ]:
        with pytest.raises(CheckpointError, match=message):
            save({}, tmp_path / path)
    with pytest.raises(CheckpointError, match="no such file"):
        load(tmp_path / "x")
    with pytest.raises(CheckpointError, match=r"folder .* does not exist"):
        load(tmp_path / "none/x")
    assert os.listdir(tmp_path) == ["file"]


# -- writing that is interrupted --------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "could not be written: the disk is full.* is unchanged"),
        (OSError(errno.EACCES, "Permission denied"), "no permission"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error; check the device"),
        (KeyboardInterrupt(), None),
    ],
    ids=["full", "denied", "device", "Ctrl-C"],
)
def test_an_interrupted_save_leaves_the_old_file(error, message, where, tmp_path, monkeypatch):
    path = tmp_path / "x"
    save({"a": autograd.ones(2)}, path)
    before = path.read_bytes()

    def fail(*args):
        raise error

    monkeypatch.setattr(f"autograd.io.os.{where}", fail)
    with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else CheckpointError, match=message):
        save({"a": autograd.zeros(2)}, path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="the system has no limit on the size of files")
def test_a_write_that_the_system_refuses(tmp_path):
    """A real refusal in the middle of the data: the process may write no more than 1,000 bytes."""
    path = tmp_path / "x"
    save([1], path)
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(CheckpointError, match="larger than the file system or the process limit allows"):
            save(autograd.ones(100_000), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert load(path) == [1]
    assert os.listdir(tmp_path) == ["x"]


def test_a_killed_process_leaves_a_whole_file(tmp_path):
    program = (
        "import sys, autograd; from autograd.io import save\n"
        "for i in range(10**9): save([i, autograd.ones(100_000)], sys.argv[1]); print(i, flush=True)"
    )
    path = tmp_path / "x"
    process = subprocess.Popen(
        [sys.executable, "-c", program, path], stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent
    )
    with process:
        for _ in range(3):
            process.stdout.readline()
        process.kill()
    number, ones = load(path)
    assert number >= 2
    assert ones.array.all()


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").write_bytes(b"")
    (tmp_path / "link").symlink_to("real")
    save([1], tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert load(tmp_path / "real") == [1]
