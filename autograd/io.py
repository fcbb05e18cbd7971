"""`save` and `load`: nests of dicts, lists, numbers and tensors in a safetensors file.  No pickle, so no code is run.

A state dict becomes a plain safetensors file, which other programs read.  Any other nest has its tensors stored under
their paths ("model.0.weight") and its structure as JSON in the file's metadata.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
from collections.abc import Callable
from typing import Any

import numpy as np

from .dtypes import as_dtype
from .errors import CheckpointError, DTypeError
from .safetensors_format import METADATA, NAMES, damaged, read_arrays, write_arrays
from .tensor import Tensor, wrap

__all__ = ["load", "save"]

KEY = "wengert"  # the metadata entry that holds the structure
VERSION = 1


def save(obj: Any, path: str | os.PathLike[str]) -> None:
    """Write `obj`, a nest of dict, list, tuple, str, numbers, None, tensors and arrays, to `path`.

    The file appears complete or not at all: whatever goes wrong (a full disk, Ctrl-C, loss of power), a file that was
    there before stays as it was.  Raises CheckpointError.

    >>> import autograd, tempfile, os
    >>> from autograd.io import load, save
    >>> path = os.path.join(tempfile.mkdtemp(), "run.safetensors")
    >>> save({"model": {"weight": autograd.tensor([1.0, 2.0])}, "epoch": 3, "losses": [0.5, 0.25]}, path)
    >>> load(path)
    {'model': {'weight': tensor([1., 2.])}, 'epoch': 3, 'losses': [0.5, 0.25]}
    """
    if _is_plain(obj):
        arrays, metadata = {name: t.array for name, t in obj.items()}, {}
    else:
        arrays = {}
        try:
            tree = _pack(obj, "", arrays)
        except RecursionError:
            raise CheckpointError("save: the object contains itself, or is nested too deeply to be written") from None
        metadata = {KEY: json.dumps({"version": VERSION, "tree": tree}, separators=(",", ":"))}
    write_atomically(path, lambda file: write_arrays(file, arrays, metadata))


def load(path: str | os.PathLike[str]) -> Any:
    """Read what `save` wrote, or any safetensors file: then a dict of tensors.

    Raises CheckpointError if the file is missing, unreadable, truncated or damaged.
    """
    path = os.fspath(path)
    try:
        with open(path, "rb") as file:
            arrays, metadata = read_arrays(file, path)
    except OSError as error:
        raise _explain(error, path, "read") from None
    if not isinstance(metadata, dict) or KEY not in metadata:
        return {name: _tensor(array, name, path) for name, array in arrays.items()}
    try:
        saved = json.loads(metadata[KEY])
        version, tree = int(saved["version"]), saved["tree"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise damaged(path, "its structure cannot be read") from None
    if version > VERSION:
        raise CheckpointError(
            f"{path} was written by a newer version of Wengert (format {version}); upgrade to read it"
        )
    try:
        return _unpack(tree, arrays, path)
    except (KeyError, ValueError, TypeError, AttributeError):
        raise damaged(path, "its structure does not fit its tensors") from None


def write_atomically(path: str | os.PathLike[str], write: Callable[[Any], None]) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in the place of `path` in one step."""
    path = os.path.realpath(path)  # through a link, so that the link stays one
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{secrets.token_hex(4)}.tmp")
    try:
        try:
            with open(temporary, "xb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())  # the bytes before the name: or a crash leaves the name without the bytes
            os.replace(temporary, path)
            _sync_folder(folder)
        except OSError as error:
            raise _explain(error, path, "written") from None
    finally:
        if os.path.lexists(temporary):
            os.remove(temporary)


def _sync_folder(folder: str) -> None:
    """Make the new name itself durable, where folders can be opened (not on Windows)."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# ---------------------------------------------------------------------------------------------------------------------
# Structure.  A JSON scalar stands for itself; everything else is an object with one key that says what it is.


def _is_plain(obj: Any) -> bool:
    """Whether safetensors alone can hold `obj`: a dict of named tensors."""
    return isinstance(obj, dict) and all(
        isinstance(name, str) and name != METADATA and isinstance(t, Tensor) and t.dtype.name in NAMES
        for name, t in obj.items()
    )


def _pack(x: Any, where: str, arrays: dict[str, np.ndarray]) -> Any:
    """`x` as JSON, its arrays put into `arrays` under their paths."""
    if x is None or type(x) in (bool, int, float, str):
        return x
    if isinstance(x, dict):
        return {"dict": [[_pack(k, where, arrays), _pack(v, _join(where, k), arrays)] for k, v in x.items()]}
    if isinstance(x, list | tuple):
        items = [_pack(v, _join(where, i), arrays) for i, v in enumerate(x)]
        return {"list" if isinstance(x, list) else "tuple": items}
    if isinstance(x, Tensor):
        return {"tensor": _store(x.array, where, arrays)}
    if isinstance(x, np.ndarray):
        return {"array": _store(x, where, arrays)}
    if isinstance(x, np.generic):
        return {"number": _store(np.asarray(x), where, arrays)}
    if isinstance(x, complex):
        return {"complex": [x.real, x.imag]}
    if isinstance(x, bool | int | float | str):  # subclasses, such as members of an enumeration
        return _pack(next(kind(x) for kind in (int, float, str) if isinstance(x, kind)), where, arrays)
    remedy = "Save its state_dict()" if hasattr(x, "state_dict") else "Convert it, or leave it out"
    raise CheckpointError(
        f"save: {where or 'the object'} is a {type(x).__name__}; only dict, list, tuple, str, numbers, None, tensors "
        f"and arrays can be saved. {remedy}."
    )


def _join(where: str, key: Any) -> str:
    return f"{where}.{key}" if where else str(key)


def _store(array: np.ndarray, where: str, arrays: dict[str, np.ndarray]) -> list[str]:
    """Put `array` among `arrays`; the name under which it is found, with the dtype if safetensors lacks it."""
    name, n = where or "data", 1
    while name in arrays or name == METADATA:  # {"a": {"b": x}, "a.b": y}
        name, n = f"{where}#{n}", n + 1
    if array.dtype == np.complex128:
        arrays[name] = np.stack([array.real, array.imag], axis=-1)
        return [name, "complex128"]
    if array.dtype.name not in NAMES:
        raise CheckpointError(
            f"save: {where or 'the array'} has dtype {array.dtype}, which cannot be saved; convert it"
        )
    arrays[name] = array
    return [name]


def _fetch(reference: list[str], arrays: dict[str, np.ndarray]) -> np.ndarray:
    array = arrays[reference[0]]
    if len(reference) == 1:
        return array
    pairs = np.ascontiguousarray(array)
    return np.asarray(pairs.view(np.complex128)[..., 0])


def _unpack(x: Any, arrays: dict[str, np.ndarray], path: str) -> Any:
    """The inverse of `_pack`."""
    if not isinstance(x, dict):
        return x
    ((kind, inner),) = x.items()
    match kind:
        case "dict":
            return {_unpack(k, arrays, path): _unpack(v, arrays, path) for k, v in inner}
        case "list":
            return [_unpack(v, arrays, path) for v in inner]
        case "tuple":
            return tuple(_unpack(v, arrays, path) for v in inner)
        case "tensor":
            return _tensor(_fetch(inner, arrays), inner[0], path)
        case "array":
            return _fetch(inner, arrays)
        case "number":
            return _fetch(inner, arrays)[()]
        case "complex":
            return complex(*inner)
        case _:
            raise ValueError(kind)


def _tensor(array: np.ndarray, name: str, path: str) -> Tensor:
    try:
        as_dtype(array.dtype)
    except DTypeError as error:
        raise CheckpointError(f"{path}: {name!r} cannot be a tensor: {error}") from None
    return wrap(array)


# ---------------------------------------------------------------------------------------------------------------------

REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space or choose another place",
    errno.EDQUOT: "the disk quota is used up; free some space or choose another place",
    errno.EFBIG: "the file is larger than the file system or the process limit allows; choose another place",
    errno.EACCES: "no permission; check the rights of the file and its folder (ls -l), or choose another place",
    errno.EPERM: "no permission; check the rights of the file and its folder (ls -l), or choose another place",
    errno.EROFS: "the file system is read-only; choose another place",
    errno.EISDIR: "this is a folder; add a file name",
    errno.ENOTDIR: "a part of the path is a file, not a folder; check the path",
    errno.ENAMETOOLONG: "the name is too long; shorten it",
}


def _explain(error: OSError, path: str, done: str) -> CheckpointError:
    """The operating system's refusal, with what to do about it."""
    if error.errno == errno.ENOENT:
        folder = os.path.dirname(os.path.abspath(path))
        what = f"the folder {folder} does not exist; make it first (os.makedirs) or check the path"
        if os.path.isdir(folder):
            what = "there is no such file; check the path"
    else:
        what = REMEDIES.get(error.errno or 0, f"{error.strerror or error}; check the device and try again")
    kept = " The file that was there is unchanged." if done == "written" and os.path.isfile(path) else ""
    return CheckpointError(f"{path} could not be {done}: {what}.{kept}")
