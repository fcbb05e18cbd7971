"""Which line of the user's program a node was recorded at; cheap to note, for it is noted at every recorded call."""

from __future__ import annotations

import sys
from typing import Any

machines: set[int] = set()  # the globals of files whose frames say nothing about the user's program


def machinery(module: str) -> None:
    """Frames of `module` are not where the user called something."""
    machines.add(id(vars(sys.modules[module])))


def calling_line() -> tuple[Any, int]:
    """The nearest instruction outside the machinery, as (code, offset)."""
    frame: Any = sys._getframe(2)
    while id(frame.f_globals) in machines:
        frame = frame.f_back
    return frame.f_code, frame.f_lasti
