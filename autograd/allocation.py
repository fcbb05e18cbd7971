"""Freed memory is kept for the next step of a training loop, which wants the same amounts again.

The C library of Linux (glibc) gives large blocks back to the system as soon as they are freed, and every page of the
next one costs a page fault, half a microsecond for 4 kB: a fifth of the time of an LSTM's training step, and a third of
that of an addition of large arrays.  So it is told (mallopt(3)) that blocks of up to `KEPT` bytes belong in the heap,
where twice as much may stay unused.  Elsewhere nothing happens.
"""

from . import blas as blas  # before NumPy is loaded

# isort: split
import ctypes

KEPT = 1 << 27
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # as <malloc.h> numbers them

try:
    _set = ctypes.CDLL(None).mallopt
except (AttributeError, OSError, TypeError):  # another C library, or none that is known by None
    pass
else:
    _set(_MMAP_THRESHOLD, KEPT)
    _set(_TRIM_THRESHOLD, 2 * KEPT)
