"""The figures as tables: one line a rival while they come in, one line a case on the results page."""

from __future__ import annotations

from math import exp, log
from statistics import median
from typing import Any

Row = dict[str, Any]


def table(rows: list[Row]) -> str:
    """Milliseconds, and how many times longer than ours."""
    lines = [
        "| case | rival | median ms | minimum ms | x ours | first call s | peak MB |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {r['case']} | {r['rival']} | {_ms(r['median'])} | {_ms(r['minimum'])} | "
        f"{_times(r['ratio'])} | {r['first_call']:.2f} | {r['peak_mb']:.0f} |"
        for r in rows
    ]
    return "\n".join(lines)


def means(rows: list[Row]) -> dict[str, tuple[float, int]]:
    """For each rival the geometric mean of its ratios to us, and over how many cases."""
    ratios: dict[str, list[float]] = {}
    for row in rows:
        if row["ratio"] is not None and row["rival"] != "wengert":
            ratios.setdefault(row["rival"], []).append(row["ratio"])
    return {rival: (exp(sum(map(log, found)) / len(found)), len(found)) for rival, found in ratios.items()}


def summary(rows: list[Row], controls: list[float]) -> str:
    """The geometric means and the noise, in words."""
    lines = [
        f"{rival} takes {mean:.2f} times as long, in the geometric mean of {count} cases"
        for rival, (mean, count) in means(rows).items()
    ]
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
    rows, rivals = report["rows"], list(dict.fromkeys(row["rival"] for row in report["rows"]))
    parts = [
        "# Benchmark results",
        f"{method} A ratio above 1 means that the rival takes longer than Wengert.",
        "## Machine",
        "\n".join(
            [*(f"- {key}: {value}" for key, value in report["machine"].items()), f"- {noise(report['control'])}"]
        ),
        "## Time of a step",
        _wide(rows, rivals),
        "## First call and memory",
        "Seconds of the first call, compilation included, and the peak memory of the process in MB.",
        _costs(rows, rivals),
        "## Cases",
        "\n".join(f"- **{name}**: {what}" for name, what in report["cases"].items()),
    ]
    return "\n\n".join(parts) + "\n"


def _wide(rows: list[Row], rivals: list[str]) -> str:
    """Median and minimum of every rival, its ratio to us; the geometric means below."""
    head, bar, last = ["case"], ["---"], ["**geometric mean**"]
    averages = means(rows)
    for rival in rivals:
        head += [f"{rival} median ms", "minimum ms"] + ["x"] * (rival != "wengert")
        bar += ["---:"] * (2 + (rival != "wengert"))
        mean = averages.get(rival)
        last += ["", ""] + [f"**{mean[0]:.2f}**" if mean else ""] * (rival != "wengert")
    body = []
    for case, found in _by_case(rows).items():
        cells = [case]
        for rival in rivals:
            r = found.get(rival)
            cells += [_ms(r["median"]), _ms(r["minimum"])] if r else ["", ""]
            cells += [_times(r["ratio"]) if r else ""] * (rival != "wengert")
        body.append(cells)
    return _lines([head, bar, *body, *([last] if averages else [])])


def _costs(rows: list[Row], rivals: list[str]) -> str:
    head = ["case", *(f"{rival} {what}" for rival in rivals for what in ("first s", "MB"))]
    body = []
    for case, found in _by_case(rows).items():
        cells = [case]
        for rival in rivals:
            r = found.get(rival)
            cells += [f"{r['first_call']:.2f}", f"{r['peak_mb']:.0f}"] if r else ["", ""]
        body.append(cells)
    return _lines([head, ["---", *["---:"] * (len(head) - 1)], *body])


def _by_case(rows: list[Row]) -> dict[str, dict[str, Row]]:
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row["case"], {})[row["rival"]] = row
    return found


def _lines(cells: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in cells)


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.3f}"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"
