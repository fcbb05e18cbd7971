"""The rival's library, imported before NumPy, as a script of its users would: some settings only act then."""

import importlib
import sys

LIBRARIES = {"wengert": "autograd", "torch": "torch", "torch.compile": "torch", "jax": "jax"}

if len(sys.argv) > 2 and sys.argv[2] in LIBRARIES:
    importlib.import_module(LIBRARIES[sys.argv[2]])
