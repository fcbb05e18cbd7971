"""The safetensors format: eight bytes of header length, a JSON header, then the arrays' bytes without gaps.

The header maps a name to ``{"dtype", "shape", "data_offsets": [begin, end]}``, and ``"__metadata__"`` to strings.
Written and read here rather than by the package of that name: it is an extra, its writer takes the memory of the
arrays twice, and version 0.8 writes the wrong bytes, silently, for an array that is not C-contiguous.
Definition: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from .dtypes import bfloat16
from .errors import CheckpointError, DTypeError

METADATA = "__metadata__"
BIG_ENDIAN = sys.byteorder == "big"
NAMES = {
    "bool": "BOOL", "uint8": "U8", "int8": "I8", "int16": "I16", "uint16": "U16", "float16": "F16", "bfloat16": "BF16",
    "int32": "I32", "uint32": "U32", "float32": "F32", "complex64": "C64", "float64": "F64", "int64": "I64",
    "uint64": "U64",
}  # fmt: skip
DTYPES = {short: name for name, short in NAMES.items()}


def write_arrays(file: BinaryIO, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Write `arrays` by name; wide elements first, so that each array starts at a multiple of its element size."""
    header: dict[str, Any] = {METADATA: dict(metadata)} if metadata else {}
    header |= {name: {} for name in arrays}  # in the caller's order, whatever that of the bytes
    order = sorted(arrays, key=lambda name: -arrays[name].dtype.itemsize)
    at = 0
    for name in order:
        array = arrays[name]
        header[name] = {
            "dtype": NAMES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [at, at + array.nbytes],
        }
        at += array.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    file.write(struct.pack("<Q", len(text)) + text)
    for name in order:
        file.write(_as_bytes(arrays[name]))


def _as_bytes(array: np.ndarray) -> Any:
    """The elements in row-major order, little-endian; a copy unless they lie in memory that way."""
    array = np.ascontiguousarray(array)
    if array.dtype.byteorder == ">" or (array.dtype.byteorder == "=" and BIG_ENDIAN):
        array = array.byteswap()
    return array.reshape(-1).view(np.uint8).data


def read_arrays(file: BinaryIO, path: str) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """All arrays of a file by name, in memory of their own, and its metadata."""
    size = os.fstat(file.fileno()).st_size
    header, start = _read_header(file, size, path)
    metadata = header.pop(METADATA, {})
    spans = {name: _span(name, entry, path) for name, entry in header.items()}
    expected = start + max((end for _, end, *_ in spans.values()), default=0)
    if size != expected:
        what = "truncated" if size < expected else "longer than its header says"
        raise damaged(path, f"{what}: {size} bytes instead of {expected}")
    arrays: dict[str, Any] = dict.fromkeys(spans)
    done = 0
    for name, (begin, end, dtype, shape) in sorted(spans.items(), key=lambda item: item[1][:2]):
        if begin != done:
            raise damaged(path, f"the bytes of {name!r} begin at {begin}, not at {done}")
        array = np.empty(shape, dtype)
        file.seek(start + begin)
        if file.readinto(array.reshape(-1).view(np.uint8).data) != array.nbytes:  # type: ignore[attr-defined]
            raise damaged(path, f"the bytes of {name!r} end early")
        if BIG_ENDIAN:
            array.byteswap(inplace=True)
        arrays[name], done = array, end
    return arrays, metadata


def _read_header(file: BinaryIO, size: int, path: str) -> tuple[dict[str, Any], int]:
    """The header, and where the bytes of the arrays start."""
    head = file.read(8)
    if len(head) < 8:
        raise damaged(path, f"only {size} bytes long")
    (length,) = struct.unpack("<Q", head)
    if length > size - 8:
        raise damaged(path, "not a safetensors file, or truncated within its header")
    try:
        header = json.loads(file.read(length))
    except (ValueError, RecursionError):
        raise damaged(path, "its header is not JSON, so it is not a safetensors file") from None
    if not isinstance(header, dict):
        raise damaged(path, "its header is not a JSON object")
    return header, 8 + length


def _span(name: str, entry: Any, path: str) -> tuple[int, int, np.dtype[Any], tuple[int, ...]]:
    """First byte, last byte, dtype and shape of one array."""
    try:
        short, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
        sound = all(type(n) is int and n >= 0 for n in (*shape, begin, end))
    except (KeyError, TypeError, ValueError):
        sound = False
    if not sound:
        raise damaged(path, f"its header describes {name!r} as {entry!r:.80}")
    dtype = _dtype(name, short, path)
    count = 1
    for n in shape:
        count *= n
    if end - begin != count * dtype.itemsize:
        raise damaged(path, f"{name!r} has shape {shape} of {dtype} but {end - begin} bytes")
    return begin, end, dtype, shape


def _dtype(name: str, short: Any, path: str) -> np.dtype[Any]:
    if short == "BF16":
        try:
            return bfloat16()
        except DTypeError as error:
            raise CheckpointError(f"{path}: {name!r} is bfloat16; {error}") from None
    if not isinstance(short, str) or short not in DTYPES:
        raise CheckpointError(
            f"{path}: {name!r} has element type {short}, which NumPy lacks; known are {', '.join(DTYPES)}. Convert the "
            "file with the program that wrote it."
        )
    return np.dtype(DTYPES[short])


def damaged(path: str, why: str) -> CheckpointError:
    """The file cannot be what it should be."""
    return CheckpointError(f"{path} is damaged: {why}. Use an earlier checkpoint, or copy or download the file again.")
