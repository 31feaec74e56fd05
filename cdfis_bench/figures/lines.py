"""The lines, intervals and markers in a panel of curves."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from cdfis_bench.analysis.arms import Arm
from cdfis_bench.figures.caption import LEAST_FOR_A_BAND
from cdfis_bench.figures.colours import Dashes

_PALE = 0.45
_MANY = 8  # arms, whose bands would hide each other
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

    Where some of its seeds have ended, an arm's line is pale. Fewer seeds than LEAST_FOR_A_BAND
    give no band: the interval of two says little but that there are two.

    Args:
        panel: Where to draw.
        shown: The part of `mean_curves` that belongs to the panel.
        colours: Colour by arm label.
        dashes: Dashes by arm label, in legend order.
    """
    if shown.empty:  # the training loss of no steps, or times that no two runs have in common
        panel.text(0.5, 0.5, "no values to draw", ha="center", transform=panel.transAxes)
        return
    alpha = 0.13 * min(1, _MANY / len(dashes))
    for label, line in shown.groupby("label", sort=False):
        colour, seeds = colours[str(label)], line["n"].max()
        style: Any = (0, dashes[str(label)]) if dashes[str(label)] else "-"
        whole = line[line["n"] == seeds]
        dot = "o" if len(line) == 1 else None  # a line through one point is invisible
        panel.plot(whole["x"], whole["mean"], color=colour, ls=style, marker=dot, ms=4)
        if len(whole) < len(line):  # some seeds have ended
            rest = line.iloc[max(len(whole) - 1, 0) :]
            panel.plot(rest["x"], rest["mean"], color=colour, ls=style, alpha=_PALE)
        known = line.dropna(subset=["low", "high"])
        if seeds >= LEAST_FOR_A_BAND:
            panel.fill_between(
                known["x"], known["low"], known["high"], color=colour, alpha=alpha, lw=0
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
