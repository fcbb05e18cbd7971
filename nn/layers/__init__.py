"""The layers, one family to a file."""
