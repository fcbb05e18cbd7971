"""``python -m benchmarks``: every case, every installed rival, interleaved; tables, JSON and a results page."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from .cases import CASES, Case
from .machine import environment, probe
from .report import markdown, summary, table
from .rivals import RIVALS, available, plays


class Worker:
    """A rival's process."""

    def __init__(self, case: Case, rival: str, toy: bool) -> None:
        command = [sys.executable, "-m", "benchmarks.worker", case.name, rival, "toy" if toy else "full"]
        self.rival = rival
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
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


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line, measure, report."""
    options = _parse(arguments)
    repeats, seconds = (1, 0.01) if options.toy else (options.repeats, options.seconds)
    rivals = [rival for rival in options.rivals if available(rival)]
    cases = [case for case in CASES if case.name in options.cases]

    machine, reading = probe(seconds)
    controls, rows = [reading], []
    print("\n".join(f"{key}: {value}" for key, value in machine.items()), flush=True)
    for case in cases:
        print(f"\n{case.name}: {case.what}", flush=True)
        rows += (new := measure(case, rivals, repeats, seconds, options.toy))
        controls.append(probe(seconds)[1])
        print(table(new), flush=True)
    print("\n" + summary(rows, controls))
    report = {"machine": machine, "control": controls, "cases": {c.name: c.what for c in cases}, "rows": rows}
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if options.markdown:
        command = f"python -m benchmarks{' --quick' * options.quick}{' --toy' * options.toy}"
        method = (
            f"Written by `{command}`: {repeats} runs of {seconds} s of each rival, each rival in a process of its own, "
            "the runs interleaved; of each run the median step, of those the median and the minimum. The first losses "
            "were asserted equal."
        )
        options.markdown.write_text(markdown(report, method), encoding="utf-8")


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--cases", nargs="+", choices=names, default=names, metavar="CASE", help=", ".join(names))
    parser.add_argument("--rivals", nargs="+", choices=RIVALS, metavar="RIVAL", help=f"{', '.join(RIVALS)} (all)")
    parser.add_argument("--repeats", type=int, help="interleaved runs of each rival (7)")
    parser.add_argument("--seconds", type=float, help="length of a run (0.4)")
    parser.add_argument("--quick", action="store_true", help="3 runs of 0.2 s, wengert and torch: under 3 minutes")
    parser.add_argument("--toy", action="store_true", help="tiny sizes, one short run: does it work?")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--markdown", type=Path, help="write the results page there")
    options = parser.parse_args(arguments)
    options.rivals = options.rivals or (["wengert", "torch"] if options.quick else RIVALS)
    options.repeats = options.repeats or (3 if options.quick else 7)
    options.seconds = options.seconds or (0.2 if options.quick else 0.4)
    return options


if __name__ == "__main__":
    main()
