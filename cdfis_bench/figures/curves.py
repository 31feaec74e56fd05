"""Curves over steps or seconds: figures 2 and 3, and every sweep."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cdfis_bench.analysis.closing import hardware_text
from cdfis_bench.analysis.experiment import Experiment
from cdfis_bench.analysis.labels import arm_labels
from cdfis_bench.analysis.stats import mean_interval, on_grid
from cdfis_bench.analysis.table import curves
from cdfis_bench.core.errors import UserError, require
from cdfis_bench.figures.save import save
from cdfis_bench.figures.style import AXIS_NAMES, METHOD_NAMES, colours, look


@dataclass(frozen=True, slots=True)
class Arm:
    """One legend entry: its runs' curves and where its gates opened."""

    label: str
    table: pd.DataFrame  # rows of analysis.table.curves
    gate_steps: list[int]  # of the runs whose gate opened

    def runs(self) -> list[pd.DataFrame]:
        return [table for _, table in self.table.groupby("run", sort=False)]


class Curves:
    """A panel per x and y; lines are means over seeds, bands their intervals.

    One x: the panels of all y side by side, as in the paper. Several: a column per x, a row per y.

    x, y: columns of the curve table. hue: what tells arms apart, "method" or a configuration key.
    baseline: the label that is drawn dashed. allow_mixed: let an axis in seconds mix hardware.
    """

    def __init__(
        self,
        x: list[str] | None = None,
        y: list[str] | None = None,
        hue: str = "method",
        hue_title: str | None = None,
        baseline: str = "uniform",
        title: str | None = None,
        allow_mixed: bool = False,
    ) -> None:
        self.x = x or ["step"]
        self.y = y or ["test_accuracy", "train_loss"]
        for name in (*self.x, *self.y):
            require(
                name in AXIS_NAMES,
                f"figure: {name} cannot be an axis; choose from {', '.join(AXIS_NAMES)}",
            )
        self.hue = hue
        self.hue_title = hue_title or hue
        self.baseline = baseline
        self.title = title
        self.allow_mixed = allow_mixed

    def draw(self, experiment: Experiment, folder: Path) -> list[Path]:
        """Writes the picture, its numbers and its runs; returns their paths.

        Raises UserError if there is no finished run, or if an axis in seconds would mix hardware.
        """
        require(bool(experiment.runs), f"{experiment.name}: no run is finished, nothing to draw")
        self._refuse_mixed_hardware(experiment)
        with look():
            figure, drawn = self.picture(experiment)
            return save(figure, folder, experiment, drawn, self.hue)

    def picture(self, experiment: Experiment) -> tuple[Figure, pd.DataFrame]:
        """The figure and the numbers in it: panel x and y, label, x, mean, low, high, n."""
        arms = self._arms(experiment)
        palette = colours([arm.label for arm in arms], self.hue)
        rows, columns = (1, len(self.y)) if len(self.x) == 1 else (len(self.y), len(self.x))
        size = (4.2 * columns + 2.2, 2.9 * rows + 0.8)
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).flat
        everything = []
        for panel, (y, x) in zip(panels, product(self.y, self.x), strict=True):
            drawn = _drawn(arms, x, y)
            everything.append(drawn)
            self._panel(panel, drawn, arms, palette, x, y)
        handles, labels = panel.get_legend_handles_labels()
        figure.legend(
            handles, labels, title=self.hue_title, loc="outside right center", frameon=False
        )
        figure.suptitle(self.title or experiment.name)
        figure.supxlabel(self._caption(experiment, arms), fontsize=7, color="0.35")
        return figure, pd.concat(everything, ignore_index=True)

    def _arms(self, experiment: Experiment) -> list[Arm]:
        labels = arm_labels(experiment.runs, self.hue)
        table = curves(experiment.runs, labels)
        gates: dict[str, list[int]] = {}
        for run in experiment.runs:
            opened = run.card["summary"]["gate_open_step"]
            gates.setdefault(labels[run.card["arm"]], []).extend([] if opened is None else [opened])
        return [
            Arm(str(label), group, gates[str(label)])
            for label, group in table.groupby("label", sort=False)
        ]

    def _panel(
        self,
        panel: Axes,
        drawn: pd.DataFrame,
        arms: list[Arm],
        palette: dict[str, tuple[float, float, float]],
        x: str,
        y: str,
    ) -> None:
        names = {arm.label: self._name(arm) for arm in arms}
        shown = drawn.assign(label=drawn["label"].map(names))
        sns.lineplot(
            data=shown,
            x="x",
            y="mean",
            hue="label",
            style="label",
            palette={names[label]: colour for label, colour in palette.items()},
            dashes={names[a.label]: (3, 1.5) if a.label == self.baseline else "" for a in arms},
            errorbar=None,
            linewidth=1.3,
            legend="full",
            ax=panel,
        )
        for arm in arms:
            line = drawn[drawn["label"] == arm.label]
            panel.fill_between(
                line["x"], line["low"], line["high"], color=palette[arm.label], alpha=0.15, lw=0
            )
        panel.set(xlabel=AXIS_NAMES[x], ylabel=AXIS_NAMES[y], xlim=(0, None))
        panel.get_legend().remove()
        if y == "test_accuracy":
            panel.set_ylim(*_accuracy_limits(drawn))
        for arm in arms:
            line = drawn[drawn["label"] == arm.label]
            if (at := _gate_position(arm, x)) is not None:
                height = np.interp(at, line["x"], line["mean"])
                height = max(
                    float(height), panel.get_ylim()[0]
                )  # at the edge if the curve is below
                panel.plot(
                    at,
                    height,
                    "v",
                    ms=5,
                    color=palette[arm.label],
                    mec="black",
                    mew=0.6,
                    clip_on=False,
                    zorder=3,
                )

    def _name(self, arm: Arm) -> str:
        name = METHOD_NAMES.get(arm.label, arm.label)
        gates = [gate for gate in arm.gate_steps if gate > 0]
        return f"{name} (opens at {np.median(gates):.0f})" if gates else name

    def _caption(self, experiment: Experiment, arms: list[Arm]) -> str:
        counts = sorted({len(arm.runs()) for arm in arms})
        seeds = "-".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
        data = ", ".join(sorted({run.card["dataset"] for run in experiment.runs}))
        band = "mean and 95 % t-interval, " if counts[-1] > 1 else ""
        parts = [f"{data}; {band}n = {seeds}"]
        if any(arm.gate_steps and max(arm.gate_steps) > 0 for arm in arms):
            parts.append("▼ median step at which importance sampling began")
        if "train_seconds" in self.x:
            parts.append("; ".join(sorted({hardware_text(run) for run in experiment.runs})))
        if experiment.missing:
            total = len(experiment.missing) + len(experiment.runs)
            parts.append(f"MISSING: {len(experiment.missing)} of {total} runs")
        return "   |   ".join(parts)

    def _refuse_mixed_hardware(self, experiment: Experiment) -> None:
        hardware = {str(run.card["hardware"]) for run in experiment.runs}
        if "train_seconds" in self.x and len(hardware) > 1 and not self.allow_mixed:
            raise UserError(
                f"{experiment.name}: an axis in seconds would mix runs from different hardware "
                f"({' and '.join(sorted(hardware))}); draw over steps or set figure.allow_mixed"
            )


def _drawn(arms: list[Arm], x: str, y: str) -> pd.DataFrame:
    """Mean and interval of every arm, on the arm's common x axis."""
    parts = []
    for arm in arms:
        runs = arm.runs()
        grid, values = on_grid([r[x].to_numpy() for r in runs], [r[y].to_numpy() for r in runs])
        mean, low, high = mean_interval(values)
        line = {"x": grid, "mean": mean, "low": low, "high": high, "n": len(runs)}
        parts.append(pd.DataFrame({"panel_x": x, "panel_y": y, "label": arm.label, **line}))
    return pd.concat(parts, ignore_index=True)


def _gate_position(arm: Arm, x: str) -> float | None:
    """Where on the x axis the arm's gates opened, the median; None if never or from the start."""
    gates = [gate for gate in arm.gate_steps if gate > 0]
    if not gates:
        return None
    gate = float(np.median(gates))
    return float(np.mean([np.interp(gate, run["step"], run[x]) for run in arm.runs()]))


def _accuracy_limits(drawn: pd.DataFrame) -> tuple[float, float]:
    """Limits that show the differences at the end: the first part of the axis may be cut off."""
    late = drawn[drawn["x"] >= 0.04 * drawn["x"].max()]
    low = late["mean"].quantile(0.02)
    high = min(1.0, late[["mean", "high"]].max().max())
    return low - 0.08 * (high - low), high + 0.08 * (high - low)
