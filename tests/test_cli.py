"""`wengert train` and `wengert show`, as their user runs them: also interrupted, killed, and called wrongly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")
pytest.importorskip("tqdm")

from autograd import io
from autograd.cli import main
from autograd.errors import CheckpointError

ROOT = Path(__file__).parent.parent
QUICK = ["--limit", "256", "--epochs", "3", "--quiet"]


def run(*arguments: object) -> None:
    main([str(a) for a in arguments])


def process(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-u", "-m", "autograd.cli", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run that was never interrupted."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    run("train", *QUICK, "--out", folder)
    return folder


def same_run(a: Path, b: Path) -> None:
    """Two runs with the same bits: weights, and every batch's loss."""
    assert (a / "weights.safetensors").read_bytes() == (b / "weights.safetensors").read_bytes()
    ours, theirs = (json.loads((folder / "metrics.json").read_text()) for folder in (a, b))
    assert ours["losses"] == theirs["losses"]


def test_run_folder(finished):
    """Everything that the README promises is written, and is what it says."""
    for picture in ("curves.png", "confusion.png", "mistakes.png", "tape.png"):
        assert (finished / picture).read_bytes().startswith(b"\x89PNG"), picture
    assert (finished / "tape.svg").read_text().count("<title>") > 10
    metrics = json.loads((finished / "metrics.json").read_text())
    assert [e["epoch"] for e in metrics["epochs"]] == [1, 2, 3]
    assert metrics["losses"][-1] < metrics["losses"][0]
    rows = (finished / "metrics.csv").read_text().splitlines()
    assert rows[0] == "epoch,train_loss,test_loss,accuracy,seconds"
    assert len(rows) == 4
    page = (finished / "report.html").read_text()
    assert page.count("<img src='data:image/") == 4
    weights = io.load(finished / "weights.safetensors")
    assert weights["0.weight"].shape == (32, 1, 3, 3)


def test_same_seed_same_bits(finished, tmp_path):
    run("train", *QUICK, "--out", tmp_path / "again")
    same_run(finished, tmp_path / "again")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill -9"])
def test_interrupted_run_resumes_to_the_same_bits(how, finished, tmp_path):
    """Stopped in the second epoch, resumed: the same weights as if nothing had happened."""
    folder = tmp_path / "stopped"
    seen = []
    with process("train", *QUICK, "--out", folder) as child:
        assert child.stdout is not None
        for line in child.stdout:
            seen.append(line)
            if line.split()[:1] == ["1"]:  # the row of the first epoch
                child.send_signal(how)
                break
        rest = child.stdout.read()
    assert child.returncode == (130 if how == signal.SIGINT else -9), seen
    assert not (folder / "report.html").exists()
    if how == signal.SIGINT:
        assert f"wengert train --resume {folder}" in rest
        assert "Traceback" not in rest
    run("train", "--resume", folder, "--quiet")
    same_run(finished, folder)


def test_unfinished_run_is_not_overwritten(tmp_path):
    folder = tmp_path / "run"
    run("train", "--limit", "64", "--epochs", "1", "--quiet", "--out", folder)
    (folder / "report.html").unlink()
    before = (folder / "checkpoint.safetensors").read_bytes()
    with pytest.raises(SystemExit, match="unfinished run"):
        run("train", *QUICK, "--out", folder)
    assert (folder / "checkpoint.safetensors").read_bytes() == before


@pytest.mark.parametrize("damage", ["truncated", "nonsense", "other"])
def test_damaged_checkpoint(damage, finished, tmp_path):
    """A clear error, and the file stays as it is."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "settings.json").write_bytes((finished / "settings.json").read_bytes())
    whole = (finished / "checkpoint.safetensors").read_bytes()
    path = folder / "checkpoint.safetensors"
    if damage == "other":
        io.save({"a": 1}, path)
    else:
        path.write_bytes(whole[: len(whole) // 2] if damage == "truncated" else b"nonsense" * 100)
    before = path.read_bytes()
    with pytest.raises(SystemExit, match=r"checkpoint\.safetensors"):
        run("train", "--resume", folder, "--quiet")
    assert path.read_bytes() == before


def test_full_disk(tmp_path, monkeypatch):
    """No room for the second checkpoint: an error that says so, and the first is whole."""
    folder, real = tmp_path / "run", io.write_atomically
    done = []

    def full(path, write):
        if str(path).endswith("checkpoint.safetensors") and len(done) == 2:
            raise CheckpointError(f"{path} cannot be written: No space left on device")
        done.append(path)
        real(path, write)

    monkeypatch.setattr(io, "write_atomically", full)
    with pytest.raises(SystemExit, match="No space left on device"):
        run("train", *QUICK, "--out", folder)
    assert io.load(folder / "checkpoint.safetensors")["epoch"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "nowhere"], "fashion-mnist"),
        (["--data", "text", "--model", "cnn"], "rnn, lstm or gru"),
        (["--lr", "-1"], "positive learning rate"),
        (["--resume", "no/such/run"], "not a run folder"),
    ],
)
def test_wrong_calls(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=message):
        run("train", *arguments, "--quiet")


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(SystemExit, match="taken"):
        run("train", *QUICK, "--out", tmp_path / "taken")


@pytest.mark.parametrize("model", ["mlp", "rnn", "lstm", "gru"])
def test_models(model, tmp_path):
    run("train", "--limit", "128", "--epochs", "1", "--quiet", "--model", model, "--out", tmp_path / model)
    assert (tmp_path / model / "report.html").exists()


SCHEDULES = ["constant", "step", "exponential", "cosine", "warm-restarts", "cyclic", "cyclic-exponential"]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules(schedule, tmp_path):
    options = ["--limit", "512", "--epochs", "2", "--model", "mlp", "--optimizer", "sgd", "--quiet"]
    run("train", "--schedule", schedule, *options, "--out", tmp_path / "run")
    rates = json.loads((tmp_path / "run" / "metrics.json").read_text())["rates"]
    assert len(rates) == 16
    assert (len(set(rates)) == 1) == (schedule == "constant")


def test_text(tmp_path):
    options = ["--data", "text", "--model", "gru", "--limit", "64", "--epochs", "1", "--quiet"]
    run("train", *options, "--out", tmp_path / "run")
    assert len((tmp_path / "run" / "sample.txt").read_text()) == 500


def test_folder_of_images(tmp_path):
    """Two classes of .npy images, light and dark."""
    rng = np.random.default_rng(0)
    for name, low in (("dark", 0.0), ("light", 0.6)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(40):
            np.save(tmp_path / "data" / name / f"{i}.npy", rng.uniform(low, low + 0.4, (8, 8)).astype(np.float32))
    options = ["--data", tmp_path / "data", "--epochs", "3", "--batch-size", "16", "--quiet"]
    run("train", *options, "--out", tmp_path / "run")
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["epochs"][-1]["accuracy"] > 0.9


def test_show(tmp_path, capsys):
    run("show", "tanh(w * x + b)")
    printed = capsys.readouterr().out
    assert "tanh" in printed
    assert "w × x" in printed
    run("show", "w * x", "--out", tmp_path / "tape.svg")
    assert (tmp_path / "tape.svg").read_text().startswith("<?xml")
    (tmp_path / "model.py").write_text("import nn\nnet = nn.Linear(3, 2)\n")
    run("show", f"{tmp_path / 'model.py'}:net", "--input-shape", "1", "3")
    assert "weight" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["tan h(x)", "1 + 1", "nofile.py:net", "relu("])
def test_show_wrongly(what):
    with pytest.raises(SystemExit, match="wengert: "):
        run("show", what)
