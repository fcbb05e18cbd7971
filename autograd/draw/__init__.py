"""A tape to look at: as text, as a picture, in a notebook."""

from .drawing import Drawing as Drawing
from .drawing import draw as draw
from .render import DrawingError as DrawingError
from .render import NoRenderer as NoRenderer

__all__ = ["Drawing", "DrawingError", "NoRenderer", "draw"]
