"""What every test shares: one seed, and global state that is as it was before."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch loads: its spinning threads disturb ours

import pytest

import autograd


@pytest.fixture(autouse=True)
def sealed():
    """Each test starts from one seed and leaves recording and the default dtype as it found them."""
    autograd.manual_seed(0)
    yield
    assert autograd.is_grad_enabled(), "the test left recording switched off"
    assert autograd.get_default_dtype() == autograd.float32, "the test left another default dtype"
