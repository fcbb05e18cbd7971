"""``wengert cache``: the compiled programs on the disk."""

from __future__ import annotations

import re
import time
from pathlib import Path

from ..program import cache


def folder() -> Path:
    """Where they are."""
    return cache.folder()


def show() -> None:
    """List the programs, the newest first, with their size, machine code included, and their age."""
    found = cache.programs()
    for path, size, made in reversed(found):
        print(f"{path.stem}  {_size(size):>9}  {_age(time.time() - made):>11}  {_title(path)}")
    total = sum(size for _, size, _ in found)
    print(f"{_counted(len(found))}, {_size(total)} of at most {_size(cache.LIMIT)}, in {cache.folder()}")


def clear() -> None:
    """Forget all programs; each is compiled again when it is needed."""
    print(f"{_counted(cache.clear())} forgotten, in {cache.folder()}")


def _counted(n: int) -> str:
    return f"{n} program" + "s" * (n != 1)


def _title(path: Path) -> str:
    """What a program is, from its first line."""
    try:
        with path.open(encoding="utf-8") as file:
            found = re.match(r'"""A program of (\d+ equations?)', file.readline())
    except (OSError, UnicodeDecodeError):
        return "unreadable"
    return found[1] if found else "damaged"


def _size(n: int) -> str:
    return f"{n / 2**20:.1f} MiB" if n >= 2**20 else f"{n / 2**10:.0f} KiB"


def _age(seconds: float) -> str:
    for length, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        n = int(seconds // length)
        if n:
            return f"{n} {unit}" + "s" * (n != 1)
    return "just now"
