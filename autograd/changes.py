"""How often anything changed in objects that say so.

A compiled function depends on the attributes of the modules and optimisers that it uses.  There may be thousands, too
many to look at before each call; so these objects count their changes, and while the number stands, nothing moved.
"""

from __future__ import annotations


class Counted:
    """Base of classes whose attributes change only through methods that call `changed`."""

    __slots__ = ()


class _Changes:
    count = 0


changes = _Changes()


def changed() -> None:
    """An attribute of a `Counted` object was set or deleted."""
    changes.count += 1
