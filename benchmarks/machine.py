"""What this machine is, and how noisy: without these two a timing says nothing."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np


def describe() -> dict[str, Any]:
    """Processor, cores, versions, BLAS."""
    return {
        "processor": _processor(), "cores": os.cpu_count(), "python": platform.python_version(),
        "system": platform.platform(), "numpy": np.__version__, "blas": _blas(),
    }  # fmt: skip


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def _blas() -> str:
    try:
        from threadpoolctl import threadpool_info

        return "; ".join(f"{i['internal_api']} {i['version']} {i.get('architecture', '')}" for i in threadpool_info())
    except ImportError:
        return str(np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"])


def control(seconds: float = 0.3, n: int = 512) -> list[float]:
    """Seconds of a plain NumPy product of two n x n matrices: it should not change while the cases run."""
    a = np.ones((n, n), np.float32)
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        before = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - before)
    return times
