"""The IDX format: a four-byte magic number (0, 0, type, number of dimensions), big-endian sizes, then the elements.

Source: Y. LeCun, C. Cortes, C. Burges, *The MNIST database of handwritten digits*, "File formats".
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_PIECE = 1 << 24  # a damaged header must not make us ask for terabytes at once, so large files come in pieces of 16 MB


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """The array in an IDX file, plain or gzipped (told apart by content, not by name), in native byte order.

    Raises DataError where the file is missing, is not IDX, is damaged, or is shorter or longer than its header says.

    >>> import tempfile; from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "example-idx1-ubyte"
    >>> _ = path.write_bytes(bytes([0, 0, 8, 1,  0, 0, 0, 3,  7, 8, 9]))
    >>> read_idx(path)
    array([7, 8, 9], dtype=uint8)
    """
    path = Path(path)
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            return _read(gzip.GzipFile(fileobj=raw) if zipped else raw, path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: the gzip stream is damaged or cut short ({error}); fetch the file again") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def _read(file: Any, path: Path) -> np.ndarray:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES or magic[3] == 0:
        raise DataError(f"{path}: not an IDX file: it starts with {magic.hex(' ') or 'nothing'}, expected 00 00, a "
                        f"type (08, 09, 0b, 0c, 0d, 0e) and the number of dimensions")  # fmt: skip
    dtype, ndim = np.dtype(_TYPES[magic[2]]), magic[3]
    sizes = file.read(4 * ndim)
    if len(sizes) < 4 * ndim:
        raise DataError(f"{path}: cut short within its header of {ndim} sizes")
    shape = struct.unpack(f">{ndim}I", sizes)
    expected = math.prod(shape) * dtype.itemsize
    elements = _read_at_most(file, expected)
    if len(elements) < expected:
        raise DataError(f"{path}: cut short: the header promises {list(shape)} of {dtype.name}, {expected} bytes, but "
                        f"only {len(elements)} follow; fetch the file again")  # fmt: skip
    if file.read(1):
        raise DataError(f"{path}: more data than the {list(shape)} of {dtype.name} that the header promises; "
                        f"the file is damaged or not what it says")  # fmt: skip
    return np.frombuffer(elements, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _read_at_most(file: Any, size: int) -> bytearray:
    """The next `size` bytes, or fewer where the file ends."""
    content = bytearray()
    while len(content) < size:
        piece = file.read(min(size - len(content), _PIECE))
        if not piece:
            break
        content += piece
    return content
