"""Which methods beat uniform sampling: a dot and an interval per arm."""

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cdfis_bench.analysis.arms import UNIFORM, Arm, arms_of, baseline_of
from cdfis_bench.analysis.experiment import Experiment
from cdfis_bench.analysis.provenance import data_text
from cdfis_bench.analysis.summary_table import summary_table
from cdfis_bench.core.errors import require
from cdfis_bench.figures.base import ExperimentFigure
from cdfis_bench.figures.caption import missing_text, put_caption, range_text
from cdfis_bench.figures.colours import arm_colours
from cdfis_bench.figures.save import about_runs, save
from cdfis_bench.figures.style import GREY, NEVER_ACTED, style_context
from cdfis_bench.figures.text import entry, put_title

_BOX: dict[str, Any] = {"fontsize": 7, "backgroundcolor": "white", "zorder": 3}


def verdict(low: float, high: float) -> str:
    """Interprets the difference to uniform sampling.

    Args:
        low: Lower bound of its 95 % interval.
        high: Upper bound.

    Returns:
        "better", "worse" or "undecided".
    """
    if low > 0:
        return "better"
    return "worse" if high < 0 else "undecided"


class Ranking(ExperimentFigure):
    """Final test accuracy minus that of uniform sampling, paired by seed, best arm first.

    Every arm that shares at least two seeds with a uniform arm on the same data is drawn. An arm
    whose gate never opened trained as uniform sampling does: it is listed last, without a verdict.
    The CSV is the table behind the figure, see `summary_table`.

    Args:
        hue: What distinguishes arms: "method", or a dotted configuration key.
        title: Title of the figure; the experiment's name if None.
    """

    def __init__(self, hue: str = "method", title: str | None = None) -> None:
        self.hue = hue
        self.title = title

    def draw(self, experiment: Experiment, folder: Path) -> list[Path]:
        """Raises UserError if no arm can be compared with uniform sampling."""
        experiment.require_runs()
        table = summary_table(experiment, self.hue)
        drawn = table[table["minus_uniform_low"].notna()]
        require(
            not drawn.empty,
            f"{experiment.name}: no arm shares two seeds with a uniform arm on the same data; add "
            "method=uniform and more seeds to the sweep",
        )
        drawn = drawn.sort_values("minus_uniform", ascending=False, kind="stable")
        drawn = drawn.assign(
            verdict=[
                verdict(low, high)
                for low, high in zip(
                    drawn["minus_uniform_low"], drawn["minus_uniform_high"], strict=True
                )
            ]
        )
        arms = arms_of(experiment.runs, self.hue)
        idle = {arm.label for arm in arms if arm.never_acted}
        drawn = drawn.assign(
            verdict=drawn["verdict"].mask(drawn["label"].isin(idle), NEVER_ACTED)
        ).sort_values("verdict", key=lambda verdict: verdict == NEVER_ACTED, kind="stable")
        with style_context():
            figure = self._figure(experiment, arms, table, drawn)
            return save(
                figure, folder, Path(experiment.name).name, drawn, about_runs(experiment, arms)
            )

    def _figure(
        self, experiment: Experiment, arms: list[Arm], table: pd.DataFrame, drawn: pd.DataFrame
    ) -> Figure:
        figure = Figure(figsize=(7.5, 1.5 + 0.34 * len(drawn)), layout="constrained")
        panel = figure.subplots()
        titles = {arm.label: arm.title for arm in arms}
        _draw(panel, drawn, arm_colours(arms, self.hue, UNIFORM), titles)
        put_title(figure, self.title or experiment.name)
        bases = [baseline_of(arm, arms) for arm in arms if arm.label in set(drawn["label"])]
        labels = {one.label for one in bases if one is not None and one.plain == UNIFORM}
        base = table[table["label"].isin(labels)]["test_accuracy"]
        low, high = int(drawn["paired_seeds"].min()), int(drawn["paired_seeds"].max())
        seeds = range_text(low, high)
        put_caption(
            figure,
            [
                data_text(experiment.runs),
                f"mean and 95 % t-interval of the paired difference, n = {seeds} seeds",
                "uniform: " + ", ".join(f"{value:.4f}" for value in base),
                "final values on the whole test set; intervals are not corrected for their number",
                *missing_text(experiment),
            ],
        )
        return figure


def _draw(
    panel: Axes, drawn: pd.DataFrame, colours: dict[str, str], titles: dict[str, str]
) -> None:
    """Differences in percentage points, from the best at the top to the worst."""
    places = range(len(drawn) - 1, -1, -1)
    names = []
    for place, row in zip(places, drawn.to_dict("records"), strict=True):
        middle, low, high = (100 * row[f"minus_uniform{end}"] for end in ("", "_low", "_high"))
        colour = colours[row["label"]]
        names.append(entry(titles[row["label"]]))
        if row["verdict"] == NEVER_ACTED:
            names[-1] += f"\n({NEVER_ACTED})"
            panel.text(0, place, "trained uniformly", ha="center", va="center", color=GREY, **_BOX)
            continue
        if row["gates_opened"] < row["seeds"]:
            names[-1] += f"\n(gate opened in {row['gates_opened']} of {row['seeds']} seeds)"
        panel.plot([low, high], [place, place], color=colour, lw=2.2, solid_capstyle="round")
        filled = colour if row["verdict"] != "undecided" else "white"
        panel.plot(middle, place, "o", color=colour, markerfacecolor=filled, ms=6)
    panel.axvline(0, color=GREY, lw=0.9, ls="--", zorder=0)
    panel.set_yticks(list(places), names)
    panel.set(
        xlabel="test accuracy minus uniform (percentage points)", ylim=(-0.7, len(drawn) - 0.3)
    )
    panel.grid(axis="y", visible=False)
