"""Whose package is `autograd`?  Another distribution on the index installs one of that name, too; imported first."""

import autograd

if not hasattr(autograd, "Tape"):
    raise ImportError(
        f"nn needs Wengert's package `autograd`, but the one found, {autograd.__file__}, belongs to another "
        "distribution; the two cannot share an environment. Run: pip uninstall -y autograd, then "
        "pip install --force-reinstall --no-deps wengert"
    )
