"""One rival on one case, in a process of its own: answers a line of JSON for each line that it is sent.

Between two requests it waits on its standard input, so that no runtime's spinning threads disturb another's turn.
"""

from __future__ import annotations

from . import first as first  # before NumPy

# isort: split
import json
import resource
import sys
import time
from typing import Any

import numpy as np

from .rivals import step_of


def serve(case: str, rival: str, toy: bool) -> None:
    """Build the step, report its first losses and the time of the first call; then time it whenever asked."""
    started = time.perf_counter()
    step = step_of(rival, case, toy)
    built = time.perf_counter()
    losses = [_number(step())]
    first = time.perf_counter() - built
    losses += [_number(step()) for _ in range(2)]
    _say({"losses": losses, "first": first, "build": built - started})
    for line in sys.stdin:
        seconds = float(line)
        _say({"times": _time(step, seconds), "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024})


def _time(step: Any, seconds: float) -> list[float]:
    """Seconds of each step, for about `seconds`; the last result is waited for."""
    times, end = [], time.perf_counter() + seconds
    while True:
        before = time.perf_counter()
        result = step()
        getattr(result, "block_until_ready", lambda: None)()
        after = time.perf_counter()
        times.append(after - before)
        if after > end and len(times) >= 3:
            return times


def _number(result: Any) -> float:
    """A loss, or the Euclidean norm of another result."""
    array = np.asarray(result.detach() if hasattr(result, "detach") else result)
    return float(array if array.ndim == 0 else np.linalg.norm(array))


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], sys.argv[3] == "toy")
