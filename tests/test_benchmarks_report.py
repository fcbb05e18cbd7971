"""The benchmark's tables say what was measured."""

from __future__ import annotations

import pytest

from benchmarks.__main__ import QUICK, _parse, _reasons
from benchmarks.case import SHARED, TABLES, Case, Work
from benchmarks.cases import CASES
from benchmarks.plot import MARKS
from benchmarks.report import best, by_case, markdown, means, noise, summary, table
from benchmarks.rivals import RIVALS
from benchmarks.run import Failed, agree, compared, limited, measure


def row(case: str, rival: str, seconds: float, ratio: float | None, **more: object) -> dict[str, object]:
    return {
        "case": case, "rival": rival, "median": seconds, "minimum": seconds / 2, "ratio": ratio, "table": "training",
        "first_call": 1.0, "three_calls": 1.5, "peak_mb": 100.0, **more,
    }  # fmt: skip


ROWS = [
    row("small", "wengert", 0.001, 1.0), row("small", "wengert.compile", 0.0005, 0.5),
    row("small", "torch", 0.002, 2.0),
    row("large", "wengert", 0.010, 1.0, flops=3e9, percent=60.0), row("large", "torch", 0.080, 8.0),
    row("large", "jax", 0.005, 0.5),
]  # fmt: skip
LIMITS = {"flops": 4e9, "bytes": 1e9}
LOST = {"case": "large", "rival": "numpy", "table": "training", "error": "computes 1, not 2"}


def test_the_best_rival_meets_eager_and_the_better_of_our_two():
    small, large = by_case(ROWS).values()
    assert best(small) == {"rival": "torch", "eager": pytest.approx(2.0), "better": pytest.approx(4.0)}
    assert best(large) == {"rival": "jax", "eager": pytest.approx(0.5), "better": pytest.approx(0.5)}
    assert best({"wengert": ROWS[0]}) is None


def test_means_are_geometric_and_count_the_cases_played():
    assert means(ROWS) == {
        "wengert.compile": (pytest.approx(0.5), 1), "torch": (pytest.approx(4.0), 2), "jax": (pytest.approx(0.5), 1),
        "best": (pytest.approx(1.0), 2), "best to the better of ours": (pytest.approx(2**0.5), 2),
    }  # fmt: skip
    assert "Training steps: torch takes 4.00 times as long, in the geometric mean of 2 cases" in summary(ROWS, [0.001])


def test_noise_is_the_spread_in_percent_of_the_median():
    assert "2.000 ms, noise 50 % over 3 readings: something else was running" in noise([0.002, 0.0015, 0.0025])
    assert noise([0.002, 0.0019, 0.0021]).endswith("noise 10 % over 3 readings")


def test_a_line_for_each_rival_in_the_units_of_its_table():
    lines = table([ROWS[3], row("add", "torch", 0.001, 2.0, calls=1000), LOST]).splitlines()
    assert lines[2] == "| large | wengert | 10.000 | 5.000 | 1.00 | 1.50 | 100 | 3 GFLOP/s | 60 % |"
    assert lines[3] == "| add | torch | 1.00 us | 0.50 us | 2.00 | 1.50 | 100 |  |  |"
    assert lines[4] == "| large | numpy | out |  |  |  |  |  |  |"


def test_the_page_has_a_line_for_each_case_and_gaps_where_a_rival_does_not_play():
    report = {
        "machine": {"blas": "some"}, "limits": {"flops": 5e9}, "control": [0.001],
        "cases": {"small": "a", "large": "b"}, "without": ["small: jax: too small for it"], "rows": [*ROWS, LOST],
    }  # fmt: skip
    lines = markdown(report, "How.").splitlines()
    assert (
        "| small | 1.000 (0.500) | 0.500 (0.250) | 0.50 | 2.000 (1.000) | 2.00 |  |  | torch | 2.00 | 4.00 |  |  |"
        in lines
    )
    assert (
        "| large | 10.000 (5.000) |  |  | 80.000 (40.000) | 8.00 | 5.000 (2.500) | 0.50 | jax | 0.50 | 0.50 | "
        "3 GFLOP/s | 60 % |" in lines
    )
    assert "| **geometric mean** |  |  | **0.50** |  | **4.00** |  | **0.50** |  | **1.00** | **1.41** |  |  |" in lines
    assert "| small | 1.50 | 100 | 1.50 | 100 | 1.50 | 100 |  |  |" in lines
    for line in ("blas: some", "limit, multiply-adds from registers: 5 G/s", "**large**: b",
                 "small: jax: too small for it", "large: numpy: computes 1, not 2"):  # fmt: skip
        assert f"- {line}" in lines


def test_rates_and_percentages_come_from_the_work():
    case = Case("a", "", "product", None, work=Work(flops=4e6, bytes=1e6))
    slow, lost = limited(
        compared([{"rival": "wengert", "median": 0.002}, {"rival": "jax", "error": "x"}], case), LIMITS
    )
    assert (slow["flops"], slow["percent"], slow["bytes"], slow["ratio"]) == (2e9, 50.0, 5e8, 1.0)
    assert lost == {"rival": "jax", "error": "x"}


def test_bytes_are_the_measure_where_no_operations_are_counted():
    assert limited([{"bytes": 5e9}, {"flops": 1e9}, {}], {"bytes": 1e10}) == [
        {"bytes": 5e9, "percent": 50.0}, {"flops": 1e9}, {},
    ]  # fmt: skip
    assert limited([{"bytes": 5e9}], {}) == [{"bytes": 5e9}]


def test_reasons_name_a_whole_table_by_its_title():
    a, b, c = (Case(name, "", table, None, without={"jax": "why"}) for name, table in
               (("a", "product"), ("b", "product"), ("c", "call")))  # fmt: skip
    other = Case("d", "", "call", None)
    assert _reasons([a, b, c, other], ["jax"])[1:] == ["Matrix products, c: jax: why"]
    assert _reasons([a, b], ["torch"])[1:] == []


def test_results_are_equal_but_for_rounding():
    nan = float("nan")
    assert agree([2.0, 1e6], [2.0001, 1e6 + 1])
    assert not agree([2.0, 1.0], [2.0, 1.001])
    assert not agree([2.0], [nan])
    assert not agree([nan], [nan])


class Told:
    """A rival's process that gives the answers it is told to."""

    def __init__(self, rival: str, losses: list[float], failing: bool = False) -> None:
        self.rival, self.losses, self.failing = rival, losses, failing

    def ask(self, request: str | float) -> dict[str, object]:
        if isinstance(request, str):
            return {"losses": self.losses, "first": 2.0, "three": 3.0}
        if self.failing:
            raise Failed("it broke")
        return {"times": [request, 2 * request, 9 * request], "peak": 1.0}


def test_who_computes_something_else_is_out_and_no_reference_for_the_others(capsys):
    case = Case("a", "", "training", build=lambda library, toy: None, own={"jax": None, "numpy": None})
    told = [Told("wengert", [float("nan")]), Told("torch", [1.0]), Told("jax", [1.5]), Told("numpy", [1.0], True)]
    lost, kept, other, broken = measure(case, [*told, Told("python", [1.0])], repeats=3, seconds=0.1)
    assert lost["error"] == "computes [nan], not numbers"
    assert (kept["median"], kept["minimum"], kept["first_call"]) == (0.2, 0.2, 2.0)
    assert other["error"] == "computes [1.5], not [1.0]"
    assert broken["error"] == "it broke"
    assert "median" not in broken
    assert "a: jax is out: computes [1.5], not [1.0]" in capsys.readouterr().err


def test_what_is_about_bytes_meets_what_memory_gave_meanwhile():
    case = Case("a", "", "operation", build=lambda library, toy: None, work=Work(bytes=1e8))
    found = measure(case, [Told("wengert", [1.0])], 3, 0.1, iter([2e9, 1e9, 4e9]).__next__)
    (row,) = limited(compared(found, case), LIMITS)
    assert row["bytes"] == pytest.approx(1e8 / 0.2)
    assert row["percent"] == pytest.approx(25.0)


def test_what_is_too_long_to_repeat_is_its_first_calls():
    case = Case("a", "", "start", build=lambda library, toy: None, once=True)
    (row,) = measure(case, [Told("wengert", [])], repeats=3, seconds=0.1)
    assert (row["median"], row["minimum"]) == (3.0, 3.0)


def test_quick_sets_only_what_was_not_asked_for():
    quick, asked = _parse(["--quick"]), _parse(["--quick", "--repeats", "5", "--rivals", "jax", "--tables", "start"])
    assert (quick.rivals, quick.repeats, quick.seconds) == (QUICK, 2, 0.1)
    assert (asked.rivals, asked.repeats, asked.seconds) == (["jax"], 5, 0.1)
    assert asked.cases == [case.name for case in CASES if case.table == "start"]
    assert (_parse([]).rivals, _parse([]).repeats) == (RIVALS, 7)
    assert _parse(["--cases", "mlp"]).cases == ["mlp"]


def test_cases_have_names_of_their_own_and_tables_and_rivals_that_exist():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert {case.table for case in CASES} == set(TABLES)
    assert set(TABLES) >= SHARED
    assert {rival for case in CASES for rival in (*case.own, *case.without)} <= set(RIVALS)
    assert set(MARKS) == set(RIVALS) - {"wengert"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [("--repeats 0", "positive"), ("--seconds -1", "positive"), ("--cases none", "invalid choice"),
     ("--json no/such/figures.json", "no folder"), ("--plot no/such/ratios.png", "no folder")],
)  # fmt: skip
def test_what_cannot_be_done_is_said_at_once(arguments, said, capsys):
    """Not when everything has been measured."""
    with pytest.raises(SystemExit):
        _parse(arguments.split())
    assert said in capsys.readouterr().err
