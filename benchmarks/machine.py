"""What this machine is, and how noisy: without these two a timing says nothing.

``python -m benchmarks.machine SECONDS`` prints both as a line of JSON.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

import numpy as np


def environment() -> dict[str, str]:
    """This process's environment for the measured ones, but the BLAS chooses its core itself."""
    return {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}


def probe(seconds: float) -> tuple[dict[str, str], float]:
    """`describe` and the median of `control`, in a process of its own, as the rivals have."""
    command = [sys.executable, "-m", "benchmarks.machine", str(seconds)]
    run = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(run.stdout)
    return found["machine"], found["control"]


def describe() -> dict[str, str]:
    """Processor, cores, versions, BLAS."""
    return {
        "processor": _processor(), "cores": str(os.cpu_count()), "system": platform.platform(),
        "python": platform.python_version(), **_versions(), "blas": _blas(),
    }  # fmt: skip


def _versions() -> dict[str, str]:
    found = {}
    for name in ("numpy", "numba", "torch", "jax"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


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
    a @ a  # wakes the BLAS's threads
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        before = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - before)
    return times


if __name__ == "__main__":
    print(json.dumps({"machine": describe(), "control": median(control(float(sys.argv[1])))}))
