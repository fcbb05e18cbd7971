"""One rival, in a process of its own: answers a line of JSON for each line that it is sent.

A line is the name of a case, which is built and called three times, or a number of seconds, for which its steps are
timed.  Between two requests the process waits on its standard input, so that no runtime's spinning threads disturb
another's turn.
"""

from __future__ import annotations

from . import first as first  # before NumPy

# isort: split
import json
import math
import resource
import sys
import time
import traceback
from typing import Any

import numpy as np

from .case import Seconds, Step
from .cases import CASES
from .rivals import step_of


def serve(rival: str, toy: bool) -> None:
    """Answer until there is no more input; an exception is an answer too."""
    step: Step | None = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if isinstance(request, str):
                step = None  # the last case's arrays are given back first
                step, answer = _meet(rival, request, toy)
            else:
                assert step is not None
                answer = {"times": timed(step, request), "peak": _peak()}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
        print(json.dumps(answer), flush=True)


def _meet(rival: str, name: str, toy: bool) -> tuple[Step, dict[str, Any]]:
    """The step of a case, its first results, and how long the first call and the first three took."""
    case = next(case for case in CASES if case.name == name)
    step = step_of(rival, case, toy)
    before = time.perf_counter()
    result = step()
    if isinstance(result, Seconds):
        return step, {"losses": [], "first": float(result), "three": float(result)}
    losses, first = [number(result)], time.perf_counter() - before
    losses += [number(step()) for _ in range(2)]
    return step, {"losses": losses, "first": first, "three": time.perf_counter() - before}


def timed(step: Step, seconds: float) -> list[float]:
    """Seconds of each step, for about `seconds` and three steps at least; the last result is waited for."""
    times, end = [], time.perf_counter() + seconds
    while True:
        before = time.perf_counter()
        result = step()
        for part in parts(result):
            getattr(part, "block_until_ready", lambda: None)()
        after = time.perf_counter()
        itself = isinstance(result, Seconds)
        times.append(float(result) if itself else after - before)
        if after > end and (len(times) >= 3 or itself):
            return times


def number(result: Any) -> float:
    """A loss, or the Euclidean norm of another result, of several together."""
    arrays = [np.asarray(part.detach() if hasattr(part, "detach") else part) for part in parts(result)]
    if len(arrays) == 1 and arrays[0].ndim == 0:
        return float(arrays[0])
    return math.hypot(*(float(np.linalg.norm(array)) for array in arrays))


def parts(result: Any) -> list[Any]:
    """The arrays of a result, however they are grouped."""
    return [part for group in result for part in parts(group)] if isinstance(result, tuple | list) else [result]


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2] == "toy")
