"""The folder of emitted programs: private, bounded, and safe to share between processes.

A file is named by a hash of its text and of everything that its meaning depends on: this engine's sources, the versions
of Python, NumPy and Numba, the processor.  It is written under another name and then renamed, so nobody sees half;
two processes that write the same program write the same bytes.  Numba keeps the machine code beside it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import importlib.util
import os
import platform
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np

LIMIT = 256 * 2**20  # bytes


def folder() -> Path:
    """Where programs are kept: $WENGERT_CACHE, or ``wengert`` in the user's cache folder."""
    given = os.environ.get("WENGERT_CACHE")
    if given:
        return Path(given)
    found = os.environ.get("XDG_CACHE_HOME") or (os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else None)
    return Path(found or os.path.expanduser("~/.cache"), "wengert")


def home() -> Path:
    """The folder, made and private; where that cannot be, a temporary one for this process."""
    return _ready(folder())


@functools.cache
def _ready(path: Path) -> Path:
    with contextlib.suppress(OSError):
        if path.parts[:1] == ("~",):
            raise FileNotFoundError("there is no home")  # not one in the working directory
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = path.stat()
        mine = not hasattr(os, "getuid") or state.st_uid == os.getuid()
        if mine and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and os.access(path, os.W_OK):
            return path
    with contextlib.suppress(OSError):  # nothing at all may be writable
        temporary = Path(tempfile.mkdtemp(prefix="wengert-"))
        atexit.register(_remove, temporary, os.getpid())
        return temporary
    return path


def _remove(temporary: Path, owner: int) -> None:
    if os.getpid() == owner:  # not a child that was forked
        shutil.rmtree(temporary, ignore_errors=True)


@functools.cache
def meaning() -> bytes:
    """A hash of what emitted text depends on beyond itself."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for source in sorted([*here.glob("*.py"), *(here.parent / "kernels").glob("*.py")]):
        digest.update(source.read_bytes())
    from ..kernels.door import VECTOR_BYTES, numba

    about = (sys.version, np.__version__, numba.__version__, platform.machine(), platform.processor(), VECTOR_BYTES)
    digest.update(repr(about).encode())
    return digest.digest()


def place(source: str) -> Path:
    """The file of the program with the text `source`, whether it is there or not."""
    return home() / f"program_{hashlib.sha256(meaning() + source.encode()).hexdigest()[:20]}.py"


def load(source: str) -> ModuleType:
    """The module with the text `source`, from the folder, where it is written if it is not there or damaged.

    Where there is no room for it, it is a module of this process alone.
    """
    path = place(source)
    try:
        if not path.exists() or path.read_bytes() != source.encode():
            forget(path)
            _write(path, source)
            prune(path.parent)
    except OSError:
        return _executed(path, lambda module: exec(compile(source, path, "exec"), vars(module)))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    try:
        return _executed(path, spec.loader.exec_module)
    except Exception:  # Numba's files beside it may be damaged: once more, from nothing
        forget(path)
        _write(path, source)
        return _executed(path, spec.loader.exec_module)


def _executed(path: Path, execute: Callable[[ModuleType], None]) -> ModuleType:
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    sys.modules[path.stem] = module  # Numba's machine code looks for it there
    try:
        execute(module)
    except BaseException:
        del sys.modules[path.stem]
        raise
    return module


def _write(path: Path, source: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # it may have been removed since
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(source.encode())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def keep(source: str, key: str, text: str) -> None:
    """Keep a text beside the program `source`, as long as that is kept; see `kept`."""
    beside = place(source).parent / "__pycache__"
    with contextlib.suppress(OSError):  # nothing but time depends on it
        _write(beside / f"{place(source).stem}.{key}.json", text)


def kept(key: str) -> str | None:
    """The text that was kept with this key, if it still is."""
    with contextlib.suppress(OSError):
        beside = home() / "__pycache__"
        for name in os.listdir(beside):
            if name.endswith(f".{key}.json"):
                return (beside / name).read_text()
    return None


def text_of(name: str) -> str:
    """The text of the program in the file `name`; LookupError if it is damaged."""
    text = (home() / name).read_bytes().decode()
    if place(text).name != name:
        raise LookupError(name)
    return text


def forget(path: Path) -> None:
    """Remove a program with its machine code."""
    for kept in (path, *(path.parent / "__pycache__").glob(f"{path.stem}.*")):
        kept.unlink(missing_ok=True)


def programs() -> list[tuple[Path, int, float]]:
    """The files, with bytes (machine code included) and the time when each was made; the oldest first."""
    found = {path.stem: (path, 0, -1.0) for path in folder().glob("program_*.py")}
    for kept in [*folder().glob("program_*.py"), *(folder() / "__pycache__").glob("program_*")]:
        stem = kept.name.split(".")[0]
        with contextlib.suppress(FileNotFoundError):  # another process has just forgotten it
            state = kept.stat()
            if stem in found:
                path, size, made = found[stem]
                found[stem] = (path, size + state.st_size, state.st_mtime if kept == path else made)
    return sorted((entry for entry in found.values() if entry[2] >= 0), key=lambda entry: entry[2])


def prune(home: Path, limit: int = LIMIT) -> None:
    """Forget the oldest programs until the others fit."""
    found = programs() if home == folder() else []
    total = sum(size for _, size, _ in found)
    for path, size, _ in found[:-1]:
        if total <= limit:
            break
        forget(path)
        total -= size


def clear() -> int:
    """Forget all programs; how many there were."""
    found = programs()
    for path, _, _ in found:
        forget(path)
    shutil.rmtree(folder() / "__pycache__", ignore_errors=True)
    return len(found)
