"""The kernels as other processors would run them, through Numba's CPU settings."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba")
ROOT = Path(__file__).parent.parent
FEATURES = {
    "haswell": "+sse,+sse2,+sse3,+ssse3,+sse4.1,+sse4.2,+avx,+avx2,+fma,+popcnt,+bmi,+bmi2",
    "x86-64": "+sse,+sse2",
}
FILES = [f"tests/test_{name}.py" for name in ("kernels_conv", "gemm", "kernels_attention", "kernels_winograd",
                                              "kernels_winograd_planes")]  # fmt: skip
CHOSEN = "float32 or gemm or attention or (winograd and not compiled)"


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="these settings are of x86 processors")
@pytest.mark.parametrize("name", FEATURES)
def test_kernels(name, tmp_path):
    """Other vectors, another tile: the same results."""
    settings = {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": FEATURES[name], "NUMBA_CACHE_DIR": str(tmp_path)}
    environment = {**os.environ, **settings, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *FILES, "-k", CHOSEN]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-3000:]
