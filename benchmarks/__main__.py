"""``python -m benchmarks``: every case, every installed rival, interleaved; a table and a JSON file."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from .cases import CASES, Case
from .machine import control, describe
from .rivals import RIVALS, available, plays


class Worker:
    """A rival's process."""

    def __init__(self, case: Case, rival: str, toy: bool) -> None:
        environment = {
            k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")
        }  # the BLAS chooses its core
        command = [sys.executable, "-m", "benchmarks.worker", case.name, rival, "toy" if toy else "full"]
        self.rival = rival
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.hello = self._hear()
        self.times: list[float] = []
        self.peak = 0.0

    def _hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:  # a library may print a warning of its own first
            if line.startswith("{"):
                return dict(json.loads(line))
        raise SystemExit(f"{self.rival} ended without an answer; its error is above")

    def run(self, seconds: float) -> None:
        assert self.process.stdin is not None
        print(seconds, file=self.process.stdin, flush=True)
        answer = self._hear()
        self.times.append(median(answer["times"]))
        self.peak = answer["peak"]

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def measure(case: Case, rivals: list[str], repeats: int, seconds: float, toy: bool) -> list[dict[str, Any]]:
    """Median and minimum seconds of a step for each rival, runs interleaved, order alternating."""
    workers = [Worker(case, rival, toy) for rival in rivals if plays(rival, case)]
    try:
        _assert_same_values(case, workers)
        for turn in range(repeats):
            for worker in workers if turn % 2 == 0 else reversed(workers):
                worker.run(seconds)
    finally:
        for worker in workers:
            worker.close()
    ours = next((median(w.times) for w in workers if w.rival == "wengert"), None)
    return [
        {
            "case": case.name, "rival": w.rival, "median": median(w.times), "minimum": min(w.times),
            "first_call": w.hello["first"], "peak_mb": w.peak, "ratio": median(w.times) / ours if ours else None,
        }
        for w in workers
    ]  # fmt: skip


def _assert_same_values(case: Case, workers: list[Worker]) -> None:
    """A race between different computations proves nothing: the first losses must agree."""
    reference = workers[0].hello["losses"]
    for worker in workers:
        for a, b in zip(reference, worker.hello["losses"], strict=True):
            if abs(a - b) > 2e-4 * max(1.0, abs(a)):
                raise SystemExit(f"{case.name}: {worker.rival} computes {worker.hello['losses']}, not {reference}")


def table(rows: list[dict[str, Any]]) -> str:
    """Milliseconds, and how many times longer than ours."""
    lines = [
        "| case | rival | median ms | minimum ms | x ours | first call s | peak MB |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {r['case']} | {r['rival']} | {r['median'] * 1e3:.3f} | {r['minimum'] * 1e3:.3f} | "
        f"{'' if r['ratio'] is None else format(r['ratio'], '.2f')} | {r['first_call']:.2f} | {r['peak_mb']:.0f} |"
        for r in rows
    ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line, measure, report."""
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--cases", nargs="+", choices=names, default=names, metavar="CASE", help=", ".join(names))
    parser.add_argument("--rivals", nargs="+", choices=RIVALS, default=RIVALS, metavar="RIVAL", help=", ".join(RIVALS))
    parser.add_argument("--repeats", type=int, default=7, help="interleaved runs of each rival (7)")
    parser.add_argument("--seconds", type=float, default=0.4, help="length of a run (0.4)")
    parser.add_argument("--toy", action="store_true", help="tiny sizes, one short run: does it work?")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args(arguments)
    repeats, seconds = (1, 0.01) if options.toy else (options.repeats, options.seconds)
    rivals = [rival for rival in options.rivals if available(rival)]

    machine, before, rows = describe(), median(control(0.1 if options.toy else 1.0)), []
    print("\n".join(f"{key}: {value}" for key, value in machine.items()), flush=True)
    for case in CASES:
        if case.name in options.cases:
            print(f"\n{case.name}: {case.what}", flush=True)
            rows += (new := measure(case, rivals, repeats, seconds, options.toy))
            print(table(new), flush=True)
    after = median(control(0.1 if options.toy else 1.0))
    print(f"\ncontrol, a 512 x 512 NumPy product: {before * 1e3:.3f} ms before, {after * 1e3:.3f} ms after")
    if options.json:
        report = {"machine": machine, "control": [before, after], "rows": rows}
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
