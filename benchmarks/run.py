"""Rivals' processes, and one case run in all of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from statistics import median
from typing import Any

from .case import TOLERANCE, Case
from .machine import environment

Row = dict[str, Any]


class Failed(Exception):
    """A rival could not run a case."""


class Worker:
    """A rival's process."""

    def __init__(self, rival: str, toy: bool) -> None:
        command = [sys.executable, "-m", "benchmarks.worker", rival, "toy" if toy else "full"]
        self.rival = rival
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
        )

    def ask(self, request: str | float) -> dict[str, Any]:
        """The answer to a case's name or a number of seconds; see worker.py."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
        except BrokenPipeError:
            raise Failed("its process has ended") from None
        for line in self.process.stdout:  # a library may print a warning of its own first
            if line.startswith("{"):
                answer = dict(json.loads(line))
                if "error" in answer:
                    raise Failed(answer["error"])
                return answer
        raise Failed("its process ended without an answer")

    def close(self) -> None:
        with suppress(BrokenPipeError), self.process:  # which closes its pipes and waits for it
            pass


@contextmanager
def workers(rivals: Iterable[str], toy: bool) -> Iterator[list[Worker]]:
    """The rivals' processes, ended afterwards."""
    started = [Worker(rival, toy) for rival in rivals]
    try:
        yield started
    finally:
        for worker in started:
            worker.close()


def measure(
    case: Case, rivals: list[Worker], repeats: int, seconds: float, triad: Callable[[], float] | None = None
) -> list[Row]:
    """A row for each rival that takes part: the times of its steps, runs interleaved, order alternating.

    Of a case that is about bytes, with the most that memory gave meanwhile, if `triad` tells.
    """
    most: list[float] = []
    playing = {w.rival: w for w in rivals if case.plays(w.rival)}
    rows: dict[str, Row] = {rival: {"case": case.name, "table": case.table, "rival": rival} for rival in playing}
    reference: list[float] = []
    times: dict[str, list[float]] = {}

    def drop(rival: str, why: str) -> None:
        rows[rival]["error"] = why
        print(f"{case.name}: {rival} is out: {why}", file=sys.stderr, flush=True)
        del playing[rival]

    for rival, worker in list(playing.items()):
        try:
            answer = worker.ask(case.name)
        except Failed as failure:
            drop(rival, str(failure))
            continue
        expected = reference or answer["losses"]
        if not agree(expected, answer["losses"]):
            drop(rival, f"computes {answer['losses']}, not {reference or 'numbers'}")
            continue
        reference = expected
        rows[rival] |= {"first_call": answer["first"], "three_calls": answer["three"]}
        times[rival] = [answer["three"]] if case.once else []
    for turn in range(0 if case.once else repeats):
        if triad is not None and case.work.bytes:
            most.append(triad())
        for rival, worker in list(playing.items())[:: 1 if turn % 2 == 0 else -1]:
            try:
                answer = worker.ask(seconds)
            except Failed as failure:
                drop(rival, str(failure))
            else:
                times[rival].append(median(answer["times"]))
                rows[rival]["peak_mb"] = answer["peak"]
    for rival in playing:
        rows[rival] |= {"median": median(times[rival]), "minimum": min(times[rival])}
        rows[rival] |= {"bytes_beside": median(most)} if most else {}
    return list(rows.values())


def agree(reference: list[float], found: list[float]) -> bool:
    """A race between different computations proves nothing: the first results must be equal but for rounding."""
    return all(abs(a - b) <= TOLERANCE * max(1.0, abs(a)) for a, b in zip(reference, found, strict=True))


def compared(rows: list[Row], case: Case) -> list[Row]:
    """The rows of a case with their ratio to ours and their rates."""
    ours = next((r["median"] for r in rows if r["rival"] == "wengert" and "median" in r), None)
    for row in rows:
        if "median" not in row:
            continue
        row["ratio"] = row["median"] / ours if ours else None
        row["calls"] = case.work.calls
        for kind, amount in (("flops", case.work.flops), ("bytes", case.work.bytes)):
            if amount:
                row[kind] = amount / row["median"]
    return rows


def limited(rows: list[Row], limits: dict[str, float]) -> list[Row]:
    """The rows with the percentage of what the machine can do, of operations if they are counted, or else of bytes."""
    for row in rows:
        if kind := next((kind for kind in ("flops", "bytes") if kind in row and kind in limits), None):
            row["percent"] = 100 * row[kind] / row.get(f"{kind}_beside", limits[kind])
    return rows
