"""Dataset pruning: test error over the fraction of the training set that was kept."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cdfis_bench.analysis.arms import arms_of
from cdfis_bench.analysis.experiment import Experiment
from cdfis_bench.analysis.provenance import data_text
from cdfis_bench.analysis.pruning import RANDOM, pruning_table, whole_accuracy
from cdfis_bench.figures.base import ExperimentFigure
from cdfis_bench.figures.caption import (
    LEAST_FOR_A_BAND,
    interval_text,
    missing_text,
    put_caption,
)
from cdfis_bench.figures.save import about_runs, save
from cdfis_bench.figures.style import GREY, style_context
from cdfis_bench.figures.text import plain_log_ticks, put_title

_COLOURS = {"inclusion": "#de8f05", "el2n": "#029e73", "forgetting": "#cc78bc"}
_NAMES = {"inclusion": "selected", "el2n": "wrong early (EL2N)", "forgetting": "forgotten"}
_ENDS = {"top": ("most", "-", "^"), "bottom": ("least", (0, (4, 1.6)), "v")}
_LEAST_ERROR = 1e-4  # drawn, on the logarithmic axis
_LEGEND_INCHES = 2.2
_TITLES = {"steps": "as many steps as on the whole set", "epochs": "as many epochs"}


class PruningFigure(ExperimentFigure):
    """Final test error over the fraction kept: a line per rule, a panel per equal steps or epochs.

    The CSV is the table behind it, see `pruning_table`.

    Args:
        title: Title of the figure; made of the data's title if None.
    """

    def __init__(self, title: str | None = None) -> None:
        self.title = title

    def draw(self, experiment: Experiment, folder: Path) -> list[Path]:
        """Raises UserError if no run was trained on a part of its training set."""
        table = pruning_table(experiment.require_runs())
        with style_context():
            figure = self._figure(experiment, table)
            about = about_runs(experiment, arms_of(experiment.runs))
            return save(figure, folder, Path(experiment.name).name, table, about)

    def _figure(self, experiment: Experiment, table: pd.DataFrame) -> Figure:
        shown = [equal for equal in _TITLES if (table["equal"] == equal).any()]
        figure = Figure(figsize=(4.2 * len(shown) + _LEGEND_INCHES, 3.8), layout="constrained")
        panels = figure.subplots(1, len(shown), squeeze=False, sharey=True)[0]
        whole = whole_accuracy(experiment.runs)
        on_whole = sum(run.kept_fraction == 1 for run in experiment.runs)
        for equal, panel in zip(shown, panels, strict=True):
            _draw(panel, table[table["equal"] == equal], whole, on_whole)
            panel.set(xlabel="fraction of the training set", title=_TITLES[equal])
        panels[0].set(ylabel="test error (1 - accuracy)", yscale="log")
        plain_log_ticks(panels[0].yaxis)
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(handles, names, title="kept", loc="outside right upper", alignment="left")
        data = data_text(experiment.runs)
        title = self.title or f"{data}: training on a part of the training set"
        put_title(figure, title, legend_inches=_LEGEND_INCHES)
        low, high = int(table["seeds"].min()), int(table["seeds"].max())
        put_caption(
            figure,
            [
                data,
                f"retraining: {interval_text([low, high])}",
                "one ranking for all seeds, from runs on the whole set; random: a part per seed",
                *missing_text(experiment),
            ],
        )
        return figure


def _draw(
    panel: Axes, table: pd.DataFrame, whole: tuple[float, float, float] | None, seeds: int
) -> None:
    if whole is not None:
        mean, low, high = (max(1 - value, _LEAST_ERROR) for value in whole)
        panel.axhline(mean, color=GREY, lw=0.9, ls=":", label="everything", zorder=0)
        if seeds >= LEAST_FOR_A_BAND:
            panel.axhspan(low, high, color=GREY, alpha=0.1, lw=0, zorder=0)
    for by in [RANDOM, *(f"{end}_{measure}" for measure in _COLOURS for end in _ENDS)]:
        line = table[table["by"] == by]
        if line.empty:
            continue
        name, colour, dashes, marker = _line_style(by)
        ends = ("", "_high", "_low")  # of the accuracy; those of the error are the other way round
        error, low, high = (
            (1 - line[f"test_accuracy{end}"]).clip(lower=_LEAST_ERROR) for end in ends
        )
        few = line["seeds"] < LEAST_FOR_A_BAND
        panel.errorbar(
            line["fraction"],
            error,
            [(error - low).mask(few), (high - error).mask(few)],
            color=colour,
            ls=dashes,
            marker=marker,
            ms=4,
            elinewidth=0.9,
            label=name,
        )


def _line_style(by: str) -> tuple[str, str, object, str]:
    """Legend entry, colour, dashes and marker of a rule."""
    if by == RANDOM:
        return "at random", GREY, "-", "o"
    end, measure = by.split("_")
    most, dashes, marker = _ENDS[end]
    return f"{most} {_NAMES[measure]}", _COLOURS[measure], dashes, marker
