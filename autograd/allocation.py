"""Freed memory is kept for the next step of a training loop, which wants the same amounts again.

The C library of Linux (glibc) gives large blocks back to the system as soon as they are freed, and every page of the
next one costs a page fault, half a microsecond for 4 kB: a fifth of the time of an LSTM's training step.  But it
learns: when a block that came straight from the system is freed, blocks up to its size stay in the heap from then on,
and up to twice as much may stay there unused (mallopt(3), M_MMAP_THRESHOLD).  So one block of nearly the largest size
that it learns from, 32 MB, is allocated and freed here; it is never touched, so it takes no memory.  Elsewhere nothing
happens.
"""

from . import blas as blas  # before NumPy is loaded

# isort: split
import numpy as np

np.empty(31 << 20, np.uint8)
