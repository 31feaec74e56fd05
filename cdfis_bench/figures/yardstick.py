"""What methods are worth in uniform sampling: final value over the budget, and projections."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cdfis_bench.analysis.arms import UNIFORM, Arm, arms_of
from cdfis_bench.analysis.experiment import Experiment
from cdfis_bench.analysis.provenance import data_text
from cdfis_bench.analysis.stats import mean_interval
from cdfis_bench.analysis.yardstick import FALLING, Worth, finals, worth_of, yardstick_of
from cdfis_bench.core.errors import require
from cdfis_bench.figures.base import ExperimentFigure
from cdfis_bench.figures.caption import LEAST_FOR_A_BAND, missing_text, put_caption, seeds_text
from cdfis_bench.figures.colours import arm_colours
from cdfis_bench.figures.legend import legend_size, put_legend
from cdfis_bench.figures.save import about_runs, save
from cdfis_bench.figures.style import AXIS_NAMES, GREY, method_colour, style_context
from cdfis_bench.figures.text import entry, plain_log_ticks, put_title

_PANEL_INCHES = (4.6, 4.0)
_MARK = {"ms": 5.5, "mec": "white", "mew": 0.6, "zorder": 4}
_EDGE = 1.12  # of the axis, beyond the smallest and the largest budget


class Yardstick(ExperimentFigure):
    """Uniform sampling as a line over its budget; each method as a mark where it meets the line.

    The budget of the methods is 1. A method's mark is on the curve at its own mean final value, at
    the budget of uniform sampling that it is worth, with a dotted line from 1 and one down to the
    axis. A method outside of the curve is a triangle at the edge; one whose gate never opened is
    left out. There is a panel for each budget at which methods were compared. The CSV has the line
    and the methods.

    Args:
        measure: Final value that is compared: a field of the runs' summary.
        title: Title of the figure; the experiment's name if None.
    """

    def __init__(self, measure: str = "test_accuracy", title: str | None = None) -> None:
        self.measure = measure
        self.title = title

    def draw(self, experiment: Experiment, folder: Path) -> list[Path]:
        """Raises UserError if no arm can be measured, or the runs lack the measure."""
        arms = arms_of(experiment.require_runs())
        for arm in arms:
            finals(arm, self.measure)
        measured = [arm for arm in arms if arm.method != UNIFORM]
        worths = {arm.label: worth_of(arm, arms, self.measure) for arm in measured}
        measured = [arm for arm in measured if not np.isnan(worths[arm.label].value)]
        require(
            bool(measured),
            f"{experiment.name}: there is no uniform sampling at several budgets to measure with; "
            "add method=uniform,uniform_x05,uniform_x2 and more to the sweep",
        )
        groups: dict[tuple[str, ...], list[Arm]] = {}
        for arm in sorted(measured, key=lambda arm: arm.budget_factor):
            line = tuple(one.label for one in yardstick_of(arm, arms).values())
            groups.setdefault((f"{arm.budget_factor:g}", *line), []).append(arm)
        parts = [
            part
            for of_panel in groups.values()
            for part in (self._line(of_panel[0], arms), self._methods(of_panel, worths))
        ]
        with style_context():
            figure = self._figure(experiment, arms, [*groups.values()], parts, worths)
            about = about_runs(experiment, arms)
            about["worth"] = "95 % paired bootstrap interval over seeds"
            drawn = pd.concat(parts, ignore_index=True)
            return save(figure, folder, Path(experiment.name).name, drawn, about)

    def _line(self, arm: Arm, arms: list[Arm]) -> pd.DataFrame:
        """The points of the yardstick that measures an arm."""
        rows = []
        for multiple, one in yardstick_of(arm, arms).items():
            values = np.array([*finals(one, self.measure).values()])
            mean, low, high = mean_interval(values[:, None])
            rows.append(
                {
                    "label": one.label,
                    "budget_factor": arm.budget_factor,
                    "multiple": multiple,
                    self.measure: mean[0],
                    f"{self.measure}_low": low[0],
                    f"{self.measure}_high": high[0],
                    "seeds": len(values),
                }
            )
        return pd.DataFrame(rows)

    def _methods(self, arms: list[Arm], worths: dict[str, Worth]) -> pd.DataFrame:
        """The methods of a panel: value, worth and its interval."""
        rows = []
        for arm in arms:
            found = worths[arm.label]
            rows.append(
                {
                    "label": arm.label,
                    "budget_factor": arm.budget_factor,
                    "multiple": 1.0,
                    self.measure: float(np.mean([*finals(arm, self.measure).values()])),
                    "seeds": found.seeds,
                    "worth": found.value,
                    "worth_low": found.low,
                    "worth_high": found.high,
                    "worth_text": found.text(),
                }
            )
        return pd.DataFrame(rows)

    def _figure(
        self,
        experiment: Experiment,
        arms: list[Arm],
        panels_of: list[list[Arm]],
        parts: list[pd.DataFrame],
        worths: dict[str, Worth],
    ) -> Figure:
        colours = arm_colours([arm for of in panels_of for arm in of], "method", UNIFORM)
        blue = next(method_colour(arm.record) for arm in arms if arm.method == UNIFORM)
        ordered = [self._best_first(of, parts[2 * at + 1]) for at, of in enumerate(panels_of)]
        entries, handles = ["uniform"], [Line2D([], [], color=blue, marker="o", ms=4)]
        for arm in (arm for of in ordered for arm in of):
            entries.append(entry(f"{arm.title}: {worths[arm.label].text()}"))
            handles.append(Line2D([], [], color=colours[arm.label], marker="o", ls="", ms=5))
        width, height = _PANEL_INCHES
        legend = legend_size(entries, height)
        size = (width * len(ordered) + legend.width, max(height, legend.height))
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(1, len(ordered), squeeze=False, sharey="row").flat
        for at, (panel, of_panel) in enumerate(zip(grid, ordered, strict=True)):
            line, methods = parts[2 * at], parts[2 * at + 1].set_index("label")
            self._draw_line(panel, line, blue)
            for arm in of_panel:
                value = float(methods.loc[arm.label, self.measure])  # pyright: ignore[reportArgumentType]
                _draw_mark(panel, value, worths[arm.label], colours[arm.label])
            if len(ordered) > 1:
                panel.set_title(f"{of_panel[0].budget_factor:g}x budget", loc="left")
        put_legend(figure, handles, entries, "worth in uniform sampling", legend)
        put_title(figure, self.title or experiment.name, legend.width)
        put_caption(
            figure,
            [
                data_text(experiment.runs),
                seeds_text(arms),
                "worth: budget of uniform sampling with the same mean, 95 % paired bootstrap "
                "interval over seeds; monotone interpolation over log budget",
                *missing_text(experiment),
            ],
        )
        return figure

    def _best_first(self, arms: list[Arm], methods: pd.DataFrame) -> list[Arm]:
        values = dict(zip(methods["label"], methods[self.measure], strict=True))
        falling = self.measure in FALLING
        return sorted(arms, key=lambda arm: values[arm.label], reverse=not falling)

    def _draw_line(self, panel: Axes, line: pd.DataFrame, colour: str) -> None:
        x, y = line["multiple"], line[self.measure]
        panel.plot(x, y, "o-", color=colour, ms=4, zorder=3)
        if line["seeds"].max() >= LEAST_FOR_A_BAND:
            low, high = line[f"{self.measure}_low"], line[f"{self.measure}_high"]
            panel.fill_between(x, low, high, color=colour, alpha=0.13, lw=0)
        panel.set_xscale("log")
        plain_log_ticks(panel.xaxis)
        panel.set_xticks(list(x), [f"{multiple:g}x" for multiple in x])
        panel.set_xticks([], minor=True)
        panel.set_xlim(x.min() / _EDGE, x.max() * _EDGE)
        name = AXIS_NAMES.get(self.measure, self.measure.replace("_", " "))
        panel.set(
            xlabel="budget of uniform sampling / budget of the methods", ylabel=f"final {name}"
        )
        panel.axvline(1, color=GREY, lw=0.9, ls="--", zorder=0)


def _draw_mark(panel: Axes, value: float, found: Worth, colour: str) -> None:
    """A dash at the methods' budget, a dotted line to the curve, and one down to the axis."""
    style: dict[str, Any] = {"color": colour, "lw": 0.9, "ls": ":", "zorder": 2}
    panel.plot([1 / 1.03, 1.03], [value, value], color=colour, lw=2.2, solid_capstyle="butt")
    if found.value == 0 or found.value == np.inf:
        below = found.value == 0
        end = found.smallest if below else found.largest
        panel.plot([1, end], [value, value], **style)
        panel.plot(end, value, "<" if below else ">", color=colour, **_MARK)
        return
    panel.plot([1, found.value], [value, value], **style)
    panel.plot(found.value, value, "o", color=colour, **_MARK)
    panel.axvline(found.value, ymax=0.035, color=colour, lw=1.6)
