"""The rival's library, imported before NumPy, as a script of its users would: some settings only act then."""

import importlib
import sys

LIBRARIES = {"wengert": "autograd", "torch": "torch", "jax": "jax"}

if len(sys.argv) > 1 and (library := LIBRARIES.get(sys.argv[1].split(".")[0])):
    importlib.import_module(library)
