"""Curves over steps, time or samples: figures 2 and 3 of the paper, and every sweep."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from cdfis_bench.analysis.arms import UNIFORM, Arm, arms_of
from cdfis_bench.analysis.experiment import Experiment
from cdfis_bench.analysis.provenance import data_text, hardware_text, same_hardware
from cdfis_bench.analysis.table import COLUMNS, curves, mean_curves
from cdfis_bench.analysis.target import no_validation
from cdfis_bench.core.errors import require
from cdfis_bench.figures.base import ExperimentFigure
from cdfis_bench.figures.caption import missing_text, put_caption, seeds_text
from cdfis_bench.figures.colours import arm_colours, arm_dashes
from cdfis_bench.figures.legend import legend_size, put_legend
from cdfis_bench.figures.limits import y_limits
from cdfis_bench.figures.lines import draw_lines, legend_handle, mark_gates
from cdfis_bench.figures.save import about_runs, save
from cdfis_bench.figures.style import AXIS_NAMES, NEVER_ACTED, gate_text, style_context
from cdfis_bench.figures.text import ENTRY_LETTERS, entry, put_title, wrapped

_ROBUST = ("test_accuracy", "validation_accuracy")  # rows whose steep beginning may be cut off


class Curves(ExperimentFigure):
    """Panels of each y over each x; lines are means over seeds, bands their 95 % intervals.

    With one x the panels are side by side, as in the paper; with several there is a column of
    panels per x and a row per y.

    Args:
        x: Columns of records/schema.py, or sample_forward_equivalents.
        y: The same.
        hue: What distinguishes arms: "method", or a dotted configuration key.
        hue_title: Title of the legend; `hue` if None.
        order: Labels that come first in the legend.
        baseline: Label of the method that is drawn dashed.
        mark_gates: Whether to show where importance sampling began.
        title: Title of the figure; the experiment's name if None.
        allow_mixed: Whether a time axis may mix runs from different hardware.

    Raises:
        UserError: If there is no x or y, or one is not a column.
    """

    def __init__(
        self,
        x: Sequence[str] = ("step",),
        y: Sequence[str] = ("test_accuracy", "train_loss"),
        hue: str = "method",
        hue_title: str | None = None,
        order: Sequence[str] | None = None,
        baseline: str = UNIFORM,
        mark_gates: bool = True,
        title: str | None = None,
        allow_mixed: bool = False,
    ) -> None:
        self.x = _axes("x", x)
        self.y = _axes("y", y)
        self.hue = hue
        self.hue_title = hue_title or hue
        self.order = list(order or [])
        self.baseline = baseline
        self.mark_gates = mark_gates
        self.title = title
        self.allow_mixed = allow_mixed

    @property
    def shows_seconds(self) -> bool:
        """Whether an axis is in seconds."""
        return any(name.endswith("_seconds") for name in (*self.x, *self.y))

    def draw(self, experiment: Experiment, folder: Path) -> list[Path]:
        """See ExperimentFigure.draw.

        Raises UserError if no run is finished, a time axis would mix hardware, or a run lacks the
        validation set that is drawn.
        """
        runs = experiment.require_runs()
        require(
            self.allow_mixed or not self.shows_seconds or same_hardware(runs),
            f"{experiment.name}: an axis in seconds would mix runs from different hardware "
            f"({hardware_text(runs)}); draw over steps, or set figure.allow_mixed=true",
        )
        for run in runs:
            if run.summary.validation_accuracy is None and any("validation" in y for y in self.y):
                raise no_validation(run)
        arms = arms_of(runs, self.hue)
        place = {label: number for number, label in enumerate(self.order)}
        arms.sort(key=lambda arm: place.get(arm.label, place.get(arm.plain, len(place))))
        labels = {run.name: arm.label for arm in arms for run in arm.runs}
        table = curves([run for arm in arms for run in arm.runs], labels)
        drawn = mean_curves(table, self.x, self.y)
        with style_context():
            figure = self._figure(experiment, arms, table, drawn)
            about = about_runs(experiment, arms)
            return save(figure, folder, Path(experiment.name).name, drawn, about)

    def _figure(
        self, experiment: Experiment, arms: list[Arm], table: pd.DataFrame, drawn: pd.DataFrame
    ) -> Figure:
        side_by_side = len(self.x) == 1
        rows, columns = (1, len(self.y)) if side_by_side else (len(self.y), len(self.x))
        entries = [self._entry(arm, arms) for arm in arms]
        legend = legend_size(entries, 2.8 * rows + 0.8)
        height = max(2.8 * rows + 0.8, legend.height)
        figure = Figure(figsize=(4.2 * columns + legend.width, height), layout="constrained")
        share_x, share_y = ("none", "none") if side_by_side else ("col", "row")
        grid = figure.subplots(rows, columns, squeeze=False, sharex=share_x, sharey=share_y)
        panels = iter(grid.flat)
        colours = arm_colours(arms, self.hue, self.baseline)
        dashes = arm_dashes(arms, self.baseline)
        for y in self.y:
            limits = y_limits(drawn[drawn["panel_y"] == y], robust=y in _ROBUST)
            for x, panel in zip(self.x, panels, strict=False):
                shown = drawn[(drawn["panel_x"] == x) & (drawn["panel_y"] == y)]
                draw_lines(panel, shown, colours, dashes)
                panel.set(xlabel=AXIS_NAMES[x], ylabel=AXIS_NAMES[y], ylim=limits)
                panel.set_xlim(0, None)
                if self.mark_gates:
                    mark_gates(panel, shown, arms, table, x, colours)
                if not side_by_side:
                    panel.label_outer()
        handles = [legend_handle(colours[arm.label], dashes[arm.label]) for arm in arms]
        put_legend(figure, handles, entries, wrapped(self.hue_title, ENTRY_LETTERS, 2), legend)
        put_title(figure, self.title or experiment.name, legend.width)
        put_caption(figure, self._caption(experiment, arms, drawn))
        return figure

    def _entry(self, arm: Arm, arms: list[Arm]) -> str:
        """The legend entry: title, when the gate opened, number of seeds if arms differ in it."""
        lines = [entry(arm.title)]
        if arm.never_acted:
            lines.append(NEVER_ACTED)
        elif self.mark_gates and arm.gate_steps():
            lines.append(gate_text(arm.gate_step(), len(arm.gate_steps()), len(arm.runs)))
        if len({len(other.runs) for other in arms}) > 1:
            lines.append(f"n = {len(arm.runs)}")
        return "\n".join(lines)

    def _caption(self, experiment: Experiment, arms: list[Arm], drawn: pd.DataFrame) -> list[str]:
        parts = [data_text(experiment.runs), seeds_text(arms)]
        if (drawn["n"] < drawn.groupby("label")["n"].transform("max")).any():
            parts.append("pale: some seeds have ended, and their last values count")
        if self.mark_gates and any(arm.gate_step() > 0 for arm in arms):
            parts.append("triangle: importance sampling begins (median over seeds)")
        if self.shows_seconds:
            parts.append(hardware_text(experiment.runs))
        return parts + missing_text(experiment)


def _axes(key: str, names: Sequence[str]) -> list[str]:
    """The column names as a list. Raises UserError if there is none, or one is not a column."""
    listed = [names] if isinstance(names, str) else list(names)
    for name in listed:
        choices = ", ".join(COLUMNS)
        require(name in COLUMNS, f"figure.{key}: {name!r} is not a column; choose from {choices}")
    require(bool(listed), f"figure.{key} is empty; name at least one column, such as step")
    return listed
