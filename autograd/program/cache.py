"""The folder of emitted programs: private, bounded, and safe to share between processes.

A file is named by a hash of its text and of everything that its meaning depends on: this engine's sources, the versions
of Python, NumPy and Numba, the processor.  It is written under another name and then renamed, so nobody sees half;
two processes that write the same program write the same bytes.  Numba keeps the machine code beside it.
"""

from __future__ import annotations

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
from pathlib import Path
from types import ModuleType

import numpy as np

LIMIT = 256 * 2**20  # bytes


def folder() -> Path:
    """Where programs are kept: $WENGERT_CACHE, or ``wengert`` in the user's cache folder."""
    given = os.environ.get("WENGERT_CACHE")
    if given:
        return Path(given)
    home = os.environ.get("XDG_CACHE_HOME") or (
        os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else str(Path.home() / ".cache")
    )
    return Path(home or tempfile.gettempdir()) / "wengert"


@functools.cache
def _ready(path: Path) -> Path:
    """The folder, made and private; a new temporary one where that cannot be."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = path.stat()
        mine = not hasattr(os, "getuid") or state.st_uid == os.getuid()
        if mine and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and os.access(path, os.W_OK):
            return path
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="wengert-"))


@functools.cache
def meaning() -> bytes:
    """A hash of what emitted text depends on beyond itself."""
    import numba

    digest = hashlib.sha256()
    here = Path(__file__).parent
    for source in sorted([*here.glob("*.py"), *(here.parent / "kernels").glob("*.py")]):
        digest.update(source.read_bytes())
    from ..kernels.door import VECTOR_BYTES

    about = (sys.version, np.__version__, numba.__version__, platform.machine(), platform.processor(), VECTOR_BYTES)
    digest.update(repr(about).encode())
    return digest.digest()


def place(source: str) -> Path:
    """The file of the program with the text `source`, whether it is there or not."""
    return _ready(folder()) / f"program_{hashlib.sha256(meaning() + source.encode()).hexdigest()[:20]}.py"


def load(source: str) -> ModuleType:
    """The module with the text `source`, from the folder, where it is written if it is not there or damaged."""
    path = place(source)
    name = path.stem
    if not path.exists() or path.read_bytes() != source.encode():
        forget(path)
        _write(path, source)
        prune(path.parent)
    try:
        return _executed(name, path)
    except Exception:  # Numba's files beside it may be damaged: once more, from nothing
        forget(path)
        _write(path, source)
        return _executed(name, path)


def _executed(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # Numba's machine code looks for it there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
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
        beside = _ready(folder()) / "__pycache__"
        for name in os.listdir(beside):
            if name.endswith(f".{key}.json"):
                return (beside / name).read_text()
    return None


def text_of(name: str) -> str:
    """The text of the program in the file `name`."""
    return (_ready(folder()) / name).read_bytes().decode()


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
