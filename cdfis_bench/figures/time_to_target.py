"""What it costs to reach an accuracy: a dot per seed, and the median of each arm."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cdfis_bench.analysis.arms import UNIFORM, Arm, arms_of, at_compared_budgets
from cdfis_bench.analysis.experiment import Experiment
from cdfis_bench.analysis.provenance import data_text, hardware_text, same_hardware
from cdfis_bench.analysis.target import Target, Targets
from cdfis_bench.analysis.time_to_target import CONSECUTIVE, COSTS, arm_table, seed_table
from cdfis_bench.core.errors import require, require_choice
from cdfis_bench.figures.base import ExperimentFigure
from cdfis_bench.figures.caption import missing_text, put_caption, range_text
from cdfis_bench.figures.colours import arm_colours
from cdfis_bench.figures.save import about_runs, save
from cdfis_bench.figures.style import GREY, style_context
from cdfis_bench.figures.text import entry, put_title

INTERVAL = "95 % order-statistic interval of the median over seeds (none below 6 seeds)"


class TimeToTarget(ExperimentFigure):
    """Cost until an accuracy is reached and kept, by arm, the cheapest first.

    The target is reached when the median of three consecutive evaluations is at least as high. A
    run that did not reach it within its budget is drawn at the end of the budget as "never". The
    CSV has a row per run; the JSON the medians.

    Args:
        x: seconds, steps or forward_equivalents.
        target: Accuracy to reach; None for that of the dataset.
        of: validation or test; None for that of the dataset.
        hue: What distinguishes arms: "method", or a dotted configuration key.
        title: Title of the figure; the experiment's name if None.
        allow_mixed: Whether x=seconds may mix runs from different hardware.
        of_datasets: The target of each dataset by its name.

    Raises:
        UserError: If x is no cost, or the target no accuracy.
    """

    def __init__(
        self,
        x: str = "forward_equivalents",
        target: float | None = None,
        of: str | None = None,
        hue: str = "method",
        title: str | None = None,
        allow_mixed: bool = False,
        of_datasets: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.x = require_choice("figure.x", x, tuple(COSTS))
        self.targets = Targets(target, of, of_datasets)
        self.hue = hue
        self.title = title
        self.allow_mixed = allow_mixed

    def check_dataset(self, dataset: Mapping[str, Any]) -> None:
        """Refuses a sweep on a dataset without the target, before it starts."""
        self.targets.check_planned(dataset)

    def draw(self, experiment: Experiment, folder: Path) -> list[Path]:
        """Raises UserError if there is no target for these runs, or seconds would mix hardware."""
        runs = experiment.require_runs()
        target = self.targets.of_runs(runs)
        require_one_hardware(experiment, self.x, self.allow_mixed)
        arms = at_compared_budgets(arms_of(runs, self.hue))
        seeds = seed_table(arms, target, self.x)
        table = arm_table(arms, seeds)
        drawn = seeds.assign(x=self.x, target=target.accuracy, of=target.of)
        about = about_runs(experiment, arms) | {
            "interval": INTERVAL,
            "x": self.x,
            "target": {"accuracy": target.accuracy, "of": target.of, "median_of": CONSECUTIVE},
            "arms": [_plain(row) for row in table.to_dict("records")],
        }
        with style_context():
            figure = self._figure(experiment, arms, seeds, table, target)
            return save(figure, folder, Path(experiment.name).name, drawn, about)

    def _figure(
        self,
        experiment: Experiment,
        arms: list[Arm],
        seeds: pd.DataFrame,
        table: pd.DataFrame,
        target: Target,
    ) -> Figure:
        order = table.sort_values(["median", "never"], kind="stable")
        figure = Figure(figsize=(7.5, 1.7 + 0.42 * len(order)), layout="constrained")
        panel = figure.subplots()
        colours = arm_colours(arms, self.hue, UNIFORM)
        titles = {arm.label: arm.title for arm in arms}
        names = []
        for place, row in zip(range(len(order) - 1, -1, -1), order.to_dict("records"), strict=True):
            own = seeds[seeds["label"] == row["label"]]
            _draw_arm(panel, place, own, row, colours[row["label"]])
            names.append(f"{entry(titles[row['label']])}\n{_verdict(row)}")
        for label in (arm.label for arm in arms if arm.method == UNIFORM):
            median = float(table.loc[table["label"] == label, "median"].iloc[0])
            if np.isfinite(median):
                panel.axvline(median, color=GREY, lw=0.9, ls="--", zorder=0)
        panel.set_yticks(range(len(order) - 1, -1, -1), names)
        panel.set(
            xlabel=f"{COSTS[self.x]}\nuntil {target.text} is reached", ylim=(-0.7, len(order) - 0.3)
        )
        panel.set_xlim(0, None)
        panel.grid(axis="y", visible=False)
        put_title(figure, self.title or experiment.name)
        put_caption(figure, self._caption(experiment, seeds, table))
        return figure

    def _caption(
        self, experiment: Experiment, seeds: pd.DataFrame, table: pd.DataFrame
    ) -> list[str]:
        low, high = int(table["seeds"].min()), int(table["seeds"].max())
        many = range_text(low, high)
        parts = [
            data_text(experiment.runs),
            f"dots: n = {many} seeds; bar and line: median and 95 % order-statistic interval"
            + ("" if high >= 6 else " (none below 6 seeds)"),
            f"reached: median of {CONSECUTIVE} consecutive evaluations",
        ]
        if not seeds["reached"].all():
            parts.append("triangle: never reached, drawn at the end of its budget")
        if self.x == "seconds":
            parts.append(hardware_text(experiment.runs))
        return parts + missing_text(experiment)


def require_one_hardware(experiment: Experiment, x: str, allow_mixed: bool) -> None:
    """Raises UserError if seconds of different hardware would be compared."""
    runs = experiment.runs
    require(
        allow_mixed or x != "seconds" or same_hardware(runs),
        f"{experiment.name}: seconds would mix runs from different hardware "
        f"({hardware_text(runs)}); use figure.x=forward_equivalents, or figure.allow_mixed=true",
    )


def _draw_arm(
    panel: Axes, place: int, own: pd.DataFrame, row: Mapping[Any, Any], colour: str
) -> None:
    """The seeds of an arm side by side, its median and interval."""
    spread = np.linspace(-0.16, 0.16, len(own)) if len(own) > 1 else np.zeros(1)
    at = pd.Series(place + spread, index=own.sort_values("seed").index)
    reached, never = own[own["reached"]], own[~own["reached"]]
    style: dict[str, Any] = {"color": colour, "ls": "", "ms": 4, "alpha": 0.65, "mew": 0.8}
    panel.plot(reached["cost"], at[reached.index], marker="o", **style)
    style["ms"] = 5
    panel.plot(never["budget"], at[never.index], marker=">", mfc="white", clip_on=False, **style)
    end = float(own["budget"].max())
    low, high = row["low"], row["high"]
    if np.isfinite(low):
        panel.plot([low, min(high, end)], [place, place], color=colour, lw=1.6, zorder=3)
    if np.isfinite(row["median"]):
        ends = [place - 0.27, place + 0.27]
        panel.plot([row["median"]] * 2, ends, color=colour, lw=2.6, zorder=4)


def _verdict(row: Mapping[Any, Any]) -> str:
    """Such as "0.62 x uniform (0.51 to 0.80), never in 1 of 10"."""
    parts = []
    if row["never"] == row["seeds"]:
        return "never"
    if np.isfinite(row["relative"]):
        low, high = row["relative_low"], row["relative_high"]
        bounds = "" if np.isnan(low) else f" ({_factor(low)} to {_factor(high)})"
        pairs = "" if row["pairs"] == row["seeds"] else f" in {row['pairs']} pairs"
        parts.append(f"{_factor(row['relative'])} x uniform{bounds}{pairs}")
    if row["never"]:
        parts.append(f"never in {row['never']} of {row['seeds']}")
    return ", ".join(parts)


def _factor(value: float) -> str:
    return "∞" if np.isinf(value) else f"{value:.2f}"


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """For JSON, which has no infinity: "never"; null where unknown."""
    plain: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, float):
            value = None if np.isnan(value) else "never" if np.isinf(value) else value
        plain[str(key)] = value
    return plain
