"""``python -m autograd.cli`` is ``wengert``."""

from .main import main

main()
