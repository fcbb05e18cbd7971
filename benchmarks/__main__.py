"""``python -m benchmarks``: every case, every installed rival, interleaved; tables, JSON, a plot, a results page."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Any

from .case import SHARED, TABLES, Case, Work
from .cases import CASES
from .limits import beside, limits
from .machine import probe
from .plot import plot
from .report import best, by_case, markdown, summary, table
from .rivals import ABSENT, RIVALS, available
from .run import Row, compared, limited, measure, workers

QUICK = ["wengert", "wengert.compile", "torch"]


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line, measure, report; the exit status is 1 if a rival failed or computed something else."""
    options = _parse(arguments)
    repeats, seconds = (1, 0.01) if options.toy else (options.repeats, options.seconds)
    rivals = [rival for rival in options.rivals if available(rival)]
    cases = [case for case in CASES if case.name in options.cases]
    if options.toy:
        cases = [replace(case, work=Work()) for case in cases]  # which is that of the full size

    machine, reading = probe(seconds)
    most = {} if options.toy else limits()
    controls, rows = [reading], list[Row]()
    print("\n".join(f"{key}: {value}" for key, value in {**machine, **most}.items()), flush=True)
    shared = set(TABLES) if options.quick else SHARED
    for group in _in_processes(cases, shared):
        length = seconds / 4 if group[0].table in SHARED else seconds
        taking_part = [rival for rival in rivals if any(case.plays(rival) for case in group)]
        with ExitStack() as running:
            processes = running.enter_context(workers(taking_part, options.toy))
            bytes_count = "bytes" in most and any(case.work.bytes for case in group)
            triad = running.enter_context(beside()) if bytes_count else None
            for case in group:
                print(f"\n{case.name}: {case.what}", flush=True)
                new = limited(compared(measure(case, processes, repeats, length, triad), case), most)
                if case.table in shared:
                    for row in new:
                        row.pop("peak_mb", None)  # of all the cases before, too
                rows += new
                print(table(new), flush=True)
        controls.append(probe(seconds)[1])
    if not options.toy:  # once more: something else may have been running
        most = {kind: max(value, most.get(kind, 0)) for kind, value in limits().items()} or most
        limited(rows, most)
    print("\n" + summary(rows, controls))
    report = {
        "machine": machine, "limits": most, "control": controls, "cases": {c.name: c.what for c in cases},
        "without": _reasons(cases, rivals), "rows": rows,
        "best": {name: best(found) for name, found in by_case(rows).items()},
    }  # fmt: skip
    _write(report, options, repeats, seconds)
    if any("error" in row for row in rows):
        raise SystemExit(1)


def _in_processes(cases: list[Case], shared: set[str]) -> list[list[Case]]:
    """The cases that one process runs one after another: those of a shared table, or a single one."""
    return [list(group) for _, group in groupby(cases, lambda c: c.table if c.table in shared else c.name)]


def _reasons(cases: list[Case], rivals: list[str]) -> list[str]:
    """Who is left out where, and why."""
    found: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        for rival, why in case.without.items():
            if rival in rivals:
                found.setdefault((rival, why), []).append(case)
    lines = [f"{_together(some, cases)}: {rival}: {why}" for (rival, why), some in found.items()]
    return [f"all cases: {ABSENT}", *lines]


def _together(some: list[Case], cases: list[Case]) -> str:
    """The names of some cases; where they are all of a table, its title."""
    names = []
    for title, group in groupby(some, lambda case: case.table):
        here, all_of_it = list(group), [case for case in cases if case.table == title]
        names += [TABLES[title]] if len(here) == len(all_of_it) > 1 else [case.name for case in here]
    return ", ".join(names)


def _positive(kind: Callable[[str], float]) -> Callable[[str], float]:
    def convert(text: str) -> float:
        number = kind(text)
        if not number > 0:
            raise ValueError(text)
        return number

    convert.__name__ = "positive number"  # as argparse names it
    return convert


def _write(report: dict[str, Any], options: argparse.Namespace, repeats: int, seconds: float) -> None:
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if options.plot:
        plot(report["rows"], options.plot)
    if options.markdown:
        command = f"python -m benchmarks{' --quick' * options.quick}{' --toy' * options.toy}"
        method = (
            f"Written by `{command}`: {repeats} runs of {seconds} s of each rival (a quarter of that for operations, "
            "convolutions, products and calls), each rival in a process of its own, the runs interleaved; of each run "
            "the median step, of those the median and the minimum. The first results were asserted equal."
        )
        options.markdown.write_text(markdown(report, method), encoding="utf-8")


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    names = [case.name for case in CASES]
    tables = ", ".join(TABLES)
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--tables", nargs="+", choices=TABLES, metavar="TABLE", help=f"the cases of {tables}")
    parser.add_argument("--cases", nargs="+", choices=names, metavar="CASE", help=", ".join(names))
    parser.add_argument("--rivals", nargs="+", choices=RIVALS, metavar="RIVAL", help=f"{', '.join(RIVALS)} (all)")
    parser.add_argument("--repeats", type=_positive(int), help="interleaved runs of each rival (7)")
    parser.add_argument("--seconds", type=_positive(float), help="length of a run (0.4)")
    parser.add_argument("--quick", action="store_true", help=f"2 runs of 0.1 s, {', '.join(QUICK)}: under 3 minutes")
    parser.add_argument("--toy", action="store_true", help="tiny sizes, one short run: does it work?")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--plot", type=Path, help="write a picture of the ratios there (needs matplotlib)")
    parser.add_argument("--markdown", type=Path, help="write the results page there")
    options = parser.parse_args(arguments)
    for path in (options.json, options.plot, options.markdown):  # now, not when everything has been measured
        if path and not path.parent.is_dir():
            parser.error(f"{path}: there is no folder {path.parent}")
    if options.plot and find_spec("matplotlib") is None:
        parser.error("--plot needs matplotlib: pip install matplotlib")
    chosen = options.tables or [key for key in TABLES if not (options.quick and key == "start")]
    options.cases = options.cases or [case.name for case in CASES if case.table in chosen]
    options.rivals = options.rivals or (QUICK if options.quick else RIVALS)
    options.repeats = options.repeats or (2 if options.quick else 7)
    options.seconds = options.seconds or (0.1 if options.quick else 0.4)
    return options


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("interrupted: what was measured stands above, and no file was written") from None
