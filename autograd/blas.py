"""NumPy's BLAS told to rest between products.

After a product OpenBLAS keeps its threads spinning for 2^26 clock cycles, some twenty milliseconds, in case another one
follows.  Meanwhile they hold the cores that the next kernel's threads want: a convolutional net's step takes half as
long again.  OpenBLAS reads how long when it is loaded, so this has an effect only if NumPy is not loaded yet; a value
that the user has set stays.
"""

import os
import sys

if "numpy" not in sys.modules:
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")  # the least that it takes: 2^4 cycles
