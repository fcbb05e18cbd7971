"""Every benchmark runs at toy size, and all rivals that are installed compute the same."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.case import Seconds
from benchmarks.cases import CASES
from benchmarks.rivals import available, step_of
from benchmarks.run import Failed, agree, workers
from benchmarks.worker import number, timed

ROOT = Path(__file__).parent.parent
STEPS = [case for case in CASES if case.table != "start"]
OTHERS = [(case, rival) for case in STEPS for rival in ("torch", "torch.channels-last", "jax", "numpy", "python")
          if case.plays(rival)]  # fmt: skip


def results(rival, case):
    step = step_of(rival, case, toy=True)
    return [number(step()) for _ in range(3)]


@pytest.mark.parametrize("case", STEPS, ids=lambda case: case.name)
def test_ours_runs(case):
    values = results("wengert", case)
    assert all(abs(value) < 1e6 for value in values)


@pytest.mark.parametrize(("case", "rival"), [pair for pair in OTHERS if pair[1] in ("numpy", "python")],
                         ids=lambda given: getattr(given, "name", given))  # fmt: skip
def test_rivals_without_a_library_agree(case, rival):
    assert agree(results("wengert", case), results(rival, case))


@pytest.mark.slow
@pytest.mark.parametrize(("case", "rival"), [pair for pair in OTHERS if pair[1] not in ("numpy", "python")],
                         ids=lambda given: getattr(given, "name", given))  # fmt: skip
def test_rivals_agree(case, rival):
    pytest.importorskip(rival.split(".")[0])
    assert agree(results("wengert", case), results(rival, case))


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in STEPS if case.plays("wengert.compile")], ids=lambda case: case.name)
def test_our_compiled_steps_agree(case):
    assert agree(results("wengert", case), results("wengert.compile", case))


def test_a_step_that_trains_changes_its_loss():
    """So that a rival whose optimiser does nothing would be found out."""
    for case in CASES:
        if case.table == "training" and case.name not in ("mlp-hvp", "elementwise", "softmax"):
            first, second, _ = results("wengert", case)
            assert first != second, case.name


@pytest.mark.parametrize("name", ["import", "cold"])
def test_what_measures_itself(name):
    case = next(case for case in CASES if case.name == name)
    seconds = step_of("wengert", case, toy=True)()
    assert isinstance(seconds, Seconds)
    assert timed(lambda: Seconds(0.25), 0.0) == [0.25]


def test_a_result_of_several_parts_has_one_number():
    assert number((np.array([3.0]), [np.array([[4.0]]), (np.array([12.0]),)])) == 13.0
    assert number(np.array(-2.0)) == -2.0


def test_a_worker_answers_and_survives_a_failure():
    with workers(["wengert"], toy=True) as (worker,):
        with pytest.raises(Failed, match="StopIteration"):
            worker.ask("no-such-case")
        assert len(worker.ask("tiny-mlp")["losses"]) == 3
        assert len(worker.ask(0.001)["times"]) >= 3
        worker.process.kill()
        worker.process.wait()
        with pytest.raises(Failed, match="ended"):
            worker.ask("tiny-mlp")


def test_ours_compiled_takes_part_once_it_is_there():
    import autograd

    assert available("wengert.compile") == hasattr(autograd, "compile")
    assert not available("no_such_library")


def test_the_command_writes_what_it_measured(tmp_path):
    out = {kind: tmp_path / f"out.{kind}" for kind in ("json", "markdown", "plot")}
    cases = ["tiny-mlp", "product-256-256-256", "scalar"]
    command = [sys.executable, "-m", "benchmarks", "--toy", "--rivals", "wengert", "numpy", "python", "--cases", *cases]
    if importlib.util.find_spec("matplotlib") is None:
        del out["plot"]
    for kind, path in out.items():
        command += [f"--{kind}", f"{path}.png" if kind == "plot" else str(path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert run.returncode == 0, run.stderr
    report = json.loads(out["json"].read_text())
    assert [(row["case"], row["rival"]) for row in report["rows"]] == [
        ("tiny-mlp", "wengert"), ("product-256-256-256", "wengert"), ("product-256-256-256", "numpy"),
        ("scalar", "wengert"), ("scalar", "python"),
    ]  # fmt: skip
    assert report["best"]["scalar"]["rival"] == "python"
    assert "## Matrix products" in out["markdown"].read_text()
    if "plot" in out:
        assert (tmp_path / "out.plot.png").read_bytes().startswith(b"\x89PNG")
