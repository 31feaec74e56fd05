"""The lines, bands and marks in a panel of curves."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from cdfis_bench.analysis.arms import Arm
from cdfis_bench.figures.colours import Dashes

_TRIANGLE = {"ms": 5, "mec": "0.15", "mew": 0.6, "zorder": 5}


def legend_handle(colour: str, dashes: Dashes) -> Line2D:
    return Line2D([], [], color=colour, linestyle=(0, dashes) if dashes else "-")


def draw_lines(
    panel: Axes,
    shown: pd.DataFrame,
    colours: dict[str, str],
    dashes: dict[str, Dashes],
) -> None:
    """Mean lines, and bands that were computed before: seaborn's own bootstrap takes a minute."""
    if shown.empty:  # a training loss when nothing was trained, or seconds that no two runs share
        return
    order = [label for label in dashes if (shown["label"] == label).any()]
    sns.lineplot(
        data=shown,
        x="x",
        y="mean",
        hue="label",
        hue_order=order,
        palette=colours,
        style="label",
        style_order=order,
        dashes=dashes,
        estimator=None,
        legend=False,
        ax=panel,
    )
    for label, line in shown.dropna(subset=["low", "high"]).groupby("label", sort=False):
        panel.fill_between(
            line["x"], line["low"], line["high"], color=colours[str(label)], alpha=0.13, lw=0
        )


def mark_gates(
    panel: Axes,
    shown: pd.DataFrame,
    arms: list[Arm],
    table: pd.DataFrame,
    x: str,
    colours: dict[str, str],
) -> None:
    """A triangle on the mean curve at the median step at which the arm's gate opened.

    On another axis than steps: at the mean of what the runs had reached at that step. Called when
    the panel's limits are set.
    """
    for arm in arms:
        line = shown[shown["label"] == arm.label]
        if not arm.gate_step() > 0 or line.empty:  # NaN: never; 0: from the start
            continue
        columns = list(dict.fromkeys(("run", "step", x)))  # fewer are grouped faster
        runs = table.loc[table["label"] == arm.label, columns].groupby("run", sort=False)
        place = np.mean([np.interp(arm.gate_step(), run["step"], run[x]) for _, run in runs])
        height = np.interp(place, line["x"], line["mean"])
        height = max(height, panel.get_ylim()[0])  # at the edge where the curve is below it
        panel.plot(place, height, "v", color=colours[arm.label], clip_on=False, **_TRIANGLE)
