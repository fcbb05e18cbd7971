"""The benchmark's tables say what was measured."""

from __future__ import annotations

import pytest

from benchmarks.__main__ import _parse
from benchmarks.report import markdown, means, noise
from benchmarks.rivals import RIVALS


def row(case: str, rival: str, seconds: float, ratio: float | None) -> dict[str, object]:
    return {
        "case": case, "rival": rival, "median": seconds, "minimum": seconds / 2, "ratio": ratio,
        "first_call": 1.5, "peak_mb": 100.0,
    }  # fmt: skip


ROWS = [
    row("small", "wengert", 0.001, 1.0), row("small", "torch", 0.002, 2.0),
    row("large", "wengert", 0.010, 1.0), row("large", "torch", 0.080, 8.0), row("large", "jax", 0.005, 0.5),
]  # fmt: skip


def test_means_are_geometric_and_count_the_cases_played():
    found = means(ROWS)
    assert found == {"torch": (pytest.approx(4.0), 2), "jax": (pytest.approx(0.5), 1)}


def test_noise_is_the_spread_in_percent_of_the_median():
    assert "2.000 ms, noise 50 % over 3 readings: something else was running" in noise([0.002, 0.0015, 0.0025])
    assert noise([0.002, 0.0019, 0.0021]).endswith("noise 10 % over 3 readings")


def test_the_page_has_a_line_for_each_case_and_gaps_where_a_rival_does_not_play():
    report = {"machine": {"blas": "some"}, "control": [0.001], "cases": {"small": "a", "large": "b"}, "rows": ROWS}
    lines = markdown(report, "How.").splitlines()
    assert "| small | 1.000 | 0.500 | 2.000 | 1.000 | 2.00 |  |  |  |" in lines
    assert "| large | 10.000 | 5.000 | 80.000 | 40.000 | 8.00 | 5.000 | 2.500 | 0.50 |" in lines
    assert "| **geometric mean** |  |  |  |  | **4.00** |  |  | **0.50** |" in lines
    assert "| small | 1.50 | 100 | 1.50 | 100 |  |  |" in lines
    assert "- blas: some" in lines
    assert "- **large**: b" in lines


def test_quick_sets_only_what_was_not_asked_for():
    quick, asked = _parse(["--quick"]), _parse(["--quick", "--repeats", "5", "--rivals", "jax"])
    assert (quick.rivals, quick.repeats, quick.seconds) == (["wengert", "torch"], 3, 0.2)
    assert (asked.rivals, asked.repeats, asked.seconds) == (["jax"], 5, 0.2)
    assert (_parse([]).rivals, _parse([]).repeats) == (RIVALS, 7)
