"""The figures as tables: one line a rival while they come in, one line a case on the results page."""

from __future__ import annotations

from math import exp, log
from statistics import median
from typing import Any

from .case import TABLES
from .rivals import OURS, RIVALS
from .run import Row


def table(rows: list[Row]) -> str:
    """One case: time, how many times longer than ours, and how near to what the machine can do."""
    cells = [["case", "rival", "median", "minimum", "x ours", "3 calls s", "peak MB", "rate", "of the limit"]]
    cells.append(["---", "---", *["---:"] * 7])
    for r in rows:
        if "error" in r:
            cells.append([r["case"], r["rival"], "out", *[""] * 6])
            continue
        peak = f"{r['peak_mb']:.0f}" if r.get("peak_mb") else ""
        cells.append([r["case"], r["rival"], _time(r, "median"), _time(r, "minimum"), _times(r["ratio"]),
                      f"{r['three_calls']:.2f}", peak, _rate(r), _percent(r)])  # fmt: skip
    return _lines(cells)


def best(found: dict[str, Row]) -> dict[str, Any] | None:
    """The fastest rival of a case, and how many times longer it takes than we, and than the better of our two ways."""
    times = {rival: row["median"] for rival, row in found.items() if "median" in row}
    ours, others = [times[r] for r in OURS if r in times], {r: t for r, t in times.items() if r not in OURS}
    if not others or not ours:
        return None
    fastest = min(others, key=lambda rival: others[rival])
    eager = others[fastest] / times["wengert"] if "wengert" in times else None
    return {"rival": fastest, "eager": eager, "better": others[fastest] / min(ours)}


def means(rows: list[Row]) -> dict[str, tuple[float, int]]:
    """For each rival, and for the best of each case, the geometric mean of its ratios to us and over how many cases."""
    ratios: dict[str, list[float]] = {}
    for row in rows:
        if row.get("ratio") is not None and row["rival"] != "wengert":
            ratios.setdefault(row["rival"], []).append(row["ratio"])
    for found in by_case(rows).values():
        if (fastest := best(found)) is not None:
            for key, label in (("eager", "best"), ("better", "best to the better of ours")):
                if fastest[key] is not None:
                    ratios.setdefault(label, []).append(fastest[key])
    return {rival: (exp(sum(map(log, found)) / len(found)), len(found)) for rival, found in ratios.items()}


def summary(rows: list[Row], controls: list[float]) -> str:
    """The geometric means of each table and the noise, in words."""
    lines = []
    for key, title in TABLES.items():
        found = means([row for row in rows if row["table"] == key])
        lines += [f"{title}: {rival} takes {mean:.2f} times as long, in the geometric mean of {count} cases"
                  for rival, (mean, count) in found.items()]  # fmt: skip
    return "\n".join([*lines, noise(controls)])


def noise(controls: list[float]) -> str:
    """How far the control, which should not change, did change: (maximum - minimum) / median."""
    middle = median(controls)
    percent = 100 * (max(controls) - min(controls)) / middle
    warning = ": something else was running, measure again" if percent > 20 else ""
    return (
        f"control, a 512 x 512 NumPy product: {middle * 1e3:.3f} ms, "
        f"noise {percent:.0f} % over {len(controls)} readings{warning}"
    )


def markdown(report: dict[str, Any], method: str) -> str:
    """The results page."""
    rows = report["rows"]
    limits = {"flops": "multiply-adds from registers", "bytes": "triad through memory"}
    machine = [f"- {key}: {value}" for key, value in report["machine"].items()]
    machine += [f"- limit, {limits[key]}: {value / 1e9:.0f} G/s" for key, value in report["limits"].items()]
    parts = [
        "# Benchmark results",
        f"{method} Times are medians, in milliseconds unless said, the minimum in brackets. x is how many times as "
        "long a rival takes as `wengert`, which runs eagerly; `wengert.compile` is the whole step given to "
        "`autograd.compile`. The last columns: the best rival against `wengert` and against the better of our two; "
        "what that one reaches of the machine's limit, where the case says what it cannot do without; memory's is "
        "measured once more beside each case, for it changes from second to second.",
        "## Machine",
        "\n".join([*machine, f"- {noise(report['control'])}"]),
    ]
    for key, title in TABLES.items():
        if some := [row for row in rows if row["table"] == key]:
            parts += [f"## {title}", _wide(some)]
    if steps := [row for row in rows if row.get("peak_mb") and row["table"] in ("training", "inference")]:
        parts += ["## First calls and memory",
                  "Seconds of the first three calls, compilation included, and the peak memory of the process in MB.",
                  _costs(steps)]  # fmt: skip
    parts += ["## Cases", "\n".join(f"- **{name}**: {what}" for name, what in report["cases"].items())]
    out = [*report["without"], *(f"{r['case']}: {r['rival']}: {r['error']}" for r in rows if "error" in r)]
    if out:
        parts += ["## Who did not take part", "\n".join(f"- {line}" for line in out)]
    return "\n\n".join(parts) + "\n"


def _wide(rows: list[Row]) -> str:
    """Every rival's time and its ratio to us; the geometric means below."""
    rivals = _in_order(rows)
    head, averages = ["case"], means(rows)
    for rival in rivals:
        head += [rival] + ["x"] * (rival != "wengert")
    body = []
    for case, found in by_case(rows).items():
        cells, fastest = [case], best(found)
        for rival in rivals:
            r = found.get(rival, {})
            cells += [f"{_time(r, 'median')} ({_time(r, 'minimum')})" if "median" in r else ""]
            cells += [_times(r.get("ratio"))] * (rival != "wengert")
        cells += [fastest["rival"], _times(fastest["eager"]), _times(fastest["better"])] if fastest else ["", "", ""]
        ours = min((found[r] for r in OURS if "median" in found.get(r, {})), key=lambda r: r["median"], default={})
        body.append([*cells, _rate(ours), _percent(ours)])
    last = ["**geometric mean**"]
    for rival in rivals:
        last += [""] + [_mean(averages, rival)] * (rival != "wengert")
    last += ["", _mean(averages, "best"), _mean(averages, "best to the better of ours"), "", ""]
    head += ["best rival", "x", "x better", "rate", "of the limit"]
    return _lines([head, ["---", *["---:"] * (len(head) - 1)], *body, *([last] if averages else [])])


def _costs(rows: list[Row]) -> str:
    rivals = _in_order(rows)
    head = ["case", *(f"{rival} {what}" for rival in rivals for what in ("3 calls s", "MB"))]
    body = []
    for case, found in by_case(rows).items():
        cells = [case]
        for rival in rivals:
            r = found.get(rival)
            cells += [f"{r['three_calls']:.2f}", f"{r['peak_mb']:.0f}"] if r else ["", ""]
        body.append(cells)
    return _lines([head, ["---", *["---:"] * (len(head) - 1)], *body])


def _in_order(rows: list[Row]) -> list[str]:
    """The rivals that were timed."""
    return [rival for rival in RIVALS if any(row["rival"] == rival and "median" in row for row in rows)]


def by_case(rows: list[Row]) -> dict[str, dict[str, Row]]:
    """Rows by case and rival, in their order."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row["case"], {})[row["rival"]] = row
    return found


def _lines(cells: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in cells)


def _time(row: Row, which: str) -> str:
    """Milliseconds of a step, or microseconds of each of its calls."""
    return f"{row[which] / row['calls'] * 1e6:.2f} us" if row.get("calls") else f"{row[which] * 1e3:.3f}"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def _mean(averages: dict[str, tuple[float, int]], rival: str) -> str:
    return f"**{averages[rival][0]:.2f}**" if rival in averages else ""


def _rate(row: Row) -> str:
    if "flops" in row:
        return f"{row['flops'] / 1e9:.0f} GFLOP/s"
    return f"{row['bytes'] / 1e9:.0f} GB/s" if "bytes" in row else ""


def _percent(row: Row) -> str:
    return f"{row['percent']:.0f} %" if "percent" in row else ""
