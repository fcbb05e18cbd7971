"""The command `wengert`: train a model, or draw a tape.  This room sees all the others; nothing imports it."""

from .main import main as main
