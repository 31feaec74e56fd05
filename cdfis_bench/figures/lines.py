"""The lines, intervals and markers in a panel of curves."""

from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from cdfis_bench.analysis.arms import Arm
from cdfis_bench.figures.colours import Dashes

_TRIANGLE = {"ms": 5, "mec": "0.15", "mew": 0.6, "zorder": 5}


def legend_handle(colour: str, dashes: Dashes) -> Line2D:
    """The line that stands for an arm in the legend."""
    style: Any = (0, dashes) if dashes else "-"
    return Line2D([], [], color=colour, linestyle=style)


def draw_lines(
    panel: Axes,
    shown: pd.DataFrame,
    colours: dict[str, str],
    dashes: dict[str, Dashes],
) -> None:
    """Draws the mean of each arm and its interval.

    The intervals are in the table already; seaborn's own bootstrap would take a minute.

    Args:
        panel: Where to draw.
        shown: The part of `mean_curves` that belongs to the panel.
        colours: Colour by arm label.
        dashes: Dashes by arm label, in legend order.
    """
    if shown.empty:  # the training loss of no steps, or times that no two runs have in common
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
        dashes=dict[Any, Any](dashes),
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
    """Draws a triangle on each mean curve at the median step at which the arm's gate opened.

    Args:
        panel: Where to draw; its limits must be set.
        shown: The part of `mean_curves` that belongs to the panel.
        arms: The arms of the figure.
        table: All curves, see `curves`.
        x: The column on the x axis. If it is not the step, the triangle is at the mean of the
            values that the runs had reached at that step.
        colours: Colour by arm label.
    """
    for arm in arms:
        line = shown[shown["label"] == arm.label]
        if not arm.gate_step() > 0 or line.empty:  # NaN: never; 0: from the start
            continue
        columns = list(dict.fromkeys(("run", "step", x)))  # grouping fewer columns is faster
        runs = table.loc[table["label"] == arm.label, columns].groupby("run", sort=False)
        place = np.mean([np.interp(arm.gate_step(), run["step"], run[x]) for _, run in runs])
        height = np.interp(place, line["x"], line["mean"])
        height = max(height, panel.get_ylim()[0])  # at the edge where the curve is below it
        panel.plot(place, height, "v", color=colours[arm.label], clip_on=False, **_TRIANGLE)
