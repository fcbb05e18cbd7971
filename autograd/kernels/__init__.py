"""Kernels: loops compiled by Numba for the sizes at which NumPy leaves the machine idle.

The modules of this folder import Numba, so ops import them inside the functions that `Op.kernel` registers, at first
use and only for inputs large enough to pay.  Every kernel computes what the NumPy body of its op computes, which is
its twin in the tests, and what runs where Numba is missing.
"""

from ..threads import get_num_threads as get_num_threads
from ..threads import set_num_threads as set_num_threads
