"""The pictures of a run, and one page that shows them all."""

from __future__ import annotations

import base64
import html
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import WengertError
from .metrics import predictions

if TYPE_CHECKING:
    from .train import Run

INK, LIGHT, ACCENT = "#1f2933", "#9aa5b1", "#c2410c"
MISTAKES = 24  # images that are shown


def write_report(run: Run) -> None:
    """Metrics, curves, confusion matrix, mistakes, the model's tape, and report.html."""
    run.metrics.save(run.folder)
    _curves(run)
    parts: dict[str, str] = {}
    if run.sets.text is None:
        logits, labels = predictions(run.model, run.sets.test)
        _confusion(run, logits.argmax(1), labels)
        _mistakes(run, logits, labels)
        parts = {"Confusion matrix": "confusion.png", "Most confidently wrong": "mistakes.png"}
    else:
        (run.folder / "sample.txt").write_text(run.sets.text.sample(run.model, 500))
    _tape(run)
    _page(run, {"Loss and learning rate": "curves.png", **parts})


def _figure(width: float, height: float) -> Any:
    """A Matplotlib figure that needs no display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _curves(run: Run) -> None:
    figure = _figure(9, 3.4)
    left, right = figure.subplots(1, 2)
    per_epoch = len(run.metrics.losses) / max(1, len(run.metrics.epochs))
    ends = [e["epoch"] * per_epoch for e in run.metrics.epochs]
    left.plot(run.metrics.losses, color=LIGHT, linewidth=0.6, label="training batch")
    left.plot(ends, [e["train_loss"] for e in run.metrics.epochs], color=INK, label="training epoch")
    left.plot(ends, [e["test_loss"] for e in run.metrics.epochs], color=ACCENT, marker="o", markersize=3, label="test")
    left.set(xlabel="step", ylabel="cross-entropy", yscale="log")
    left.legend(frameon=False)
    right.plot(run.metrics.rates, color=INK)
    right.set(xlabel="step", ylabel="learning rate")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(run.folder / "curves.png", dpi=150)


def _confusion(run: Run, predicted: np.ndarray, labels: np.ndarray) -> None:
    from sklearn.metrics import confusion_matrix

    classes = run.sets.classes
    counts = confusion_matrix(labels, predicted, labels=range(len(classes)))
    side = max(4.5, 0.5 * len(classes) + 1.5)
    figure = _figure(side, side)
    axes = figure.subplots()
    axes.imshow(np.log1p(counts), cmap="Greys")
    axes.set(xlabel="predicted", ylabel="true", xticks=range(len(classes)), yticks=range(len(classes)))
    axes.set_xticklabels(
        classes, rotation=45 if max(map(len, classes)) > 2 else 0, ha="right" if len(classes[0]) > 2 else "center"
    )
    axes.set_yticklabels(classes)
    dark = np.log1p(counts) > np.log1p(counts).max() / 2
    for (i, j), n in np.ndenumerate(counts):
        if n:
            axes.text(
                j,
                i,
                n,
                ha="center",
                va="center",
                fontsize=8,
                color="white" if dark[i, j] else ACCENT if i != j else INK,
            )
    figure.savefig(run.folder / "confusion.png", dpi=150)


def _mistakes(run: Run, logits: np.ndarray, labels: np.ndarray) -> None:
    """The test images that the model got wrong, the surest first."""
    shifted = np.exp(logits - logits.max(1, keepdims=True))
    sure = (shifted / shifted.sum(1, keepdims=True)).max(1)
    predicted = logits.argmax(1)
    wrong = np.flatnonzero(predicted != labels)
    wrong = wrong[np.argsort(-sure[wrong])][:MISTAKES]
    columns = 8
    rows = max(1, -(-len(wrong) // columns))
    figure = _figure(9, 1.45 * rows + 0.2)
    for i, axes in enumerate(np.ravel(figure.subplots(rows, columns, squeeze=False))):
        axes.axis("off")
        if i < len(wrong):
            k = int(wrong[i])
            axes.imshow(run.sets.test[k][0].array.mean(0), cmap="Greys")
            names = run.sets.classes
            axes.set_title(
                f"{names[predicted[k]]}, not {names[labels[k]]}\n{100 * sure[k]:.0f} %", fontsize=7, color=INK
            )
    if not len(wrong):
        figure.text(0.5, 0.5, "no mistakes on the test set", ha="center")
    figure.savefig(run.folder / "mistakes.png", dpi=150)


def _tape(run: Run) -> None:
    """The tape of one loss, as SVG and PNG where a renderer is installed, as text always."""
    from ..data import default_collate
    from ..draw import draw

    run.model.train()
    x, y = default_collate([run.sets.train[i] for i in range(2)])
    drawing = draw(run.loss_of(x, y), names={"x": x}, module=run.model)
    (run.folder / "tape.txt").write_text(drawing.text() + "\n")
    try:
        drawing.save(run.folder / "tape.svg")
        drawing.save(run.folder / "tape.png")
    except WengertError as error:
        print(f"tape.svg and tape.png are left out: {error}")


def _page(run: Run, pictures: dict[str, str]) -> None:
    """report.html: everything in one file, nothing fetched."""
    folder = run.folder
    rows = "".join(
        f"<tr><td>{e['epoch']:.0f}</td><td>{e['train_loss']:.4f}</td><td>{e['test_loss']:.4f}</td>"
        f"<td>{100 * e['accuracy']:.2f} %</td><td>{e['seconds']:.1f}</td></tr>"
        for e in run.metrics.epochs
    )
    settings = "".join(f"<tr><td>{k}</td><td>{html.escape(str(v))}</td></tr>" for k, v in asdict(run.settings).items())
    figures = "".join(
        f"<h2>{title}</h2><img src='{_inline(folder / name)}' alt='{title}'>" for title, name in pictures.items()
    )
    svg = folder / "tape.svg"
    tape = f"<img src='{_inline(svg)}' alt='tape'>" if svg.exists() else ""
    text = html.escape((folder / "tape.txt").read_text())
    sample = folder / "sample.txt"
    spoken = f"<h2>What it writes</h2><pre>{html.escape(sample.read_text())}</pre>" if sample.exists() else ""
    last = run.metrics.epochs[-1]
    title = f"{run.settings.data}, {run.settings.model}"
    (folder / "report.html").write_text(
        f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; color: {INK}; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
h1 {{ font-weight: 600 }} h2 {{ font-weight: 600; margin-top: 2rem }} img {{ max-width: 100% }}
table {{ border-collapse: collapse }}
td, th {{ padding: .15rem .8rem; text-align: right; border-bottom: 1px solid #e4e7eb }}
pre {{ font-size: 12px; overflow-x: auto; background: #f5f7fa; padding: 1rem }}
</style>
<h1>{title}: {100 * last["accuracy"]:.2f} % on the test set</h1>
<h2>Epochs</h2><table>
<tr><th>epoch</th><th>train loss</th><th>test loss</th><th>accuracy</th><th>seconds</th></tr>{rows}
</table>
{figures}{spoken}
<h2>The tape of one training step</h2>{tape}
<details><summary>as text</summary><pre>{text}</pre></details>
<h2>Settings</h2><table>{settings}</table><h2>Model</h2><pre>{html.escape(repr(run.model))}</pre></html>
"""
    )


def _inline(path: Path) -> str:
    kind = "svg+xml" if path.suffix == ".svg" else "png"
    return f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
