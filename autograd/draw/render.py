"""From DOT to a picture, by whichever Graphviz is there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ..errors import WengertError

HINT = 'To see this as a picture: pip install "wengert[draw]" (or install Graphviz, https://graphviz.org).'
PATIENCE = 120  # seconds


class DrawingError(WengertError, RuntimeError):
    """A picture that could not be made."""


class NoRenderer(DrawingError):
    """Neither ``dot`` nor ``graphviz-pure`` is installed."""


def renderer() -> str:
    """The executable to use: ``dot`` on the PATH, else ``graphviz-pure`` on the PATH or beside this Python."""
    beside = str(Path(sys.executable).parent)
    found = (
        shutil.which("dot")
        or shutil.which("graphviz-pure")
        or shutil.which("graphviz-pure", path=os.pathsep.join([beside, str(Path(sys.prefix) / "bin")]))
    )
    if found is None:
        raise NoRenderer(f"drawing: no Graphviz was found to make the picture. {HINT} print(drawing) needs none.")
    return found


def render(dot: str, form: str, dpi: int | None = None) -> bytes:
    """`dot` laid out and drawn as ``"svg"`` or ``"png"``."""
    program = renderer()
    command = [program, f"-T{form}", "-q", *([f"-Gdpi={dpi}"] if dpi else [])]
    try:
        done = subprocess.run(command, input=dot.encode(), capture_output=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        raise DrawingError(
            f"drawing: {program} took more than {PATIENCE} s; pass a smaller max_nodes= to fold modules, or draw an "
            "earlier tensor"
        ) from None
    except OSError as error:
        raise DrawingError(f"drawing: {program} could not be run: {error.strerror}") from None
    if done.returncode or not done.stdout:
        raise DrawingError(f"drawing: {program} failed: {done.stderr.decode(errors='replace').strip()[:500]}")
    return done.stdout
