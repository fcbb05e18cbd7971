"""One picture of all ratios: a line for each case, a mark for each rival."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .report import by_case

MARKS = {
    "wengert.compile": ("*", "#d1495b"), "torch": ("o", "#2e4057"), "torch.channels-last": ("s", "#66a182"),
    "torch.compile": ("^", "#8d6a9f"), "jax": ("D", "#edae49"), "numpy": ("v", "#00798c"), "python": ("P", "#777777"),
}  # fmt: skip


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """How many times as long as ours each rival takes, on a logarithmic axis; right of 1 we are ahead."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    cases = by_case(rows)
    figure = Figure(figsize=(9, 1.2 + 0.17 * len(cases)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for rival, (mark, colour) in MARKS.items():
        points = [
            (found[rival]["ratio"], i)
            for i, found in enumerate(cases.values())
            if found.get(rival, {}).get("ratio") is not None
        ]
        if points:
            ratios, places = zip(*points)
            axes.scatter(ratios, places, marker=mark, color=colour, label=rival, s=22, zorder=2)
    axes.axvline(1, color="black", linewidth=1, zorder=1)
    axes.set_xscale("log")
    axes.set_yticks(range(len(cases)), list(cases), fontsize=7)
    axes.set_ylim(len(cases) - 0.5, -0.5)
    axes.grid(alpha=0.3, zorder=0)
    axes.set_xlabel("time of the rival / time of Wengert, eager (right of 1: Wengert is faster)")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.6 / figure.get_figheight()), ncols=4, fontsize=7)
    figure.savefig(path, dpi=120)
