"""Which samples were selected, and where they are: figure 1 of the paper."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from cdfis_bench.analysis.arms import Arm, arms_of
from cdfis_bench.analysis.experiment import Experiment
from cdfis_bench.analysis.provenance import data_text
from cdfis_bench.core.errors import require
from cdfis_bench.datasets.two_circles_geometry import CENTRES, RADIUS
from cdfis_bench.figures.base import ExperimentFigure
from cdfis_bench.figures.caption import missing_text, put_caption
from cdfis_bench.figures.save import about_runs, save
from cdfis_bench.figures.style import style_context
from cdfis_bench.figures.text import put_title, wrapped
from cdfis_bench.records.stored_run import StoredRun

# Paper figure 1: blue predicted inside (class 1), red predicted outside (class 0).
_COLOURS = ("#c8372d", "#0173b2")
_PANEL_INCHES = 1.3
_NAME_LETTERS = 17  # names such as "gradient norm CDF" are longer than a panel is high


class Patterns(ExperimentFigure):
    """A row per arm, a column per recorded step; dots are the selected samples by prediction.

    Each arm is represented by its lowest seed.

    Args:
        order: Labels from top to bottom; other arms follow.
        title: Title of the figure; the experiment's name if None.
        most_columns: If more steps were recorded, evenly spaced ones are shown, the first and the
            last among them; the CSV has all of them.
    """

    def __init__(
        self, order: Sequence[str] | None = None, title: str | None = None, most_columns: int = 8
    ) -> None:
        require(most_columns >= 2, f"figure.most_columns={most_columns} must be at least 2")
        self.order = list(order or [])
        self.title = title
        self.most_columns = most_columns

    def draw(self, experiment: Experiment, folder: Path) -> list[Path]:
        """Raises UserError if no run is finished, or none recorded the selection of 2-D samples."""
        runs = experiment.require_runs()
        recorded = [run for run in runs if run.array_names("pattern")]
        require(
            bool(recorded),
            f"{experiment.name}: the runs recorded no sampling patterns; redo them with "
            "pattern_every=100",
        )
        lowest = [
            Arm(arm.label, arm.plain, [min(arm.runs, key=lambda run: run.record.seed)])
            for arm in arms_of(recorded)
        ]
        place = {label: number for number, label in enumerate(self.order)}
        lowest.sort(key=lambda arm: place.get(arm.label, place.get(arm.plain, len(place))))
        drawn = pd.concat([_dots(arm.label, arm.runs[0]) for arm in lowest], ignore_index=True)
        with style_context():
            figure = self._figure(experiment, lowest, drawn)
            about = about_runs(experiment, lowest)
            return save(figure, folder, Path(experiment.name).name, drawn, about)

    def _figure(self, experiment: Experiment, arms: list[Arm], drawn: pd.DataFrame) -> Figure:
        steps = sorted(drawn["step"].unique())
        shown = _spread(steps, self.most_columns)
        width, height = _PANEL_INCHES * len(shown) + 0.6, _PANEL_INCHES * len(arms) + 1
        figure = Figure(figsize=(max(width, 6), height), layout="constrained")
        panels = figure.subplots(len(arms), len(shown), squeeze=False)
        limits = _limits(drawn)
        for arm, row in zip(arms, panels, strict=True):
            for step, panel in zip(shown, row, strict=True):
                here = drawn[(drawn["arm"] == arm.label) & (drawn["step"] == step)]
                _draw_dots(panel, here)
                if _is_two_circles(arm.runs[0]):
                    _draw_circles(panel)
                panel.spines[:].set_visible(True)
                panel.set(**limits, aspect="equal", xticks=[], yticks=[], xlabel="", ylabel="")
            row[0].set_ylabel(wrapped(arm.title, _NAME_LETTERS, 3), fontsize=8)
        for step, panel in zip(shown, panels[0], strict=True):
            panel.set_title(f"batch {step}")
        put_title(figure, self.title or experiment.name)
        put_caption(figure, _caption(experiment, arms, steps, shown))
        return figure


def _dots(label: str, run: StoredRun) -> pd.DataFrame:
    """arm, step, index, x0, x1, prediction: one row per selected sample, repeats included."""
    tables = []
    for step in sorted(run.array_names("pattern"), key=int):
        x, index, prediction = (
            run.array(f"pattern/{step}/{name}") for name in ("x", "index", "prediction")
        )
        require(
            x.ndim == 2 and x.shape[1] == 2,
            f"{run.name}: patterns can be drawn of 2-D samples only, not of shape {x.shape[1:]}",
        )
        columns = {"index": index, "x0": x[:, 0], "x1": x[:, 1], "prediction": prediction}
        tables.append(pd.DataFrame({"arm": label, "step": int(step), **columns}))
    return pd.concat(tables, ignore_index=True)


def _draw_dots(panel: Axes, dots: pd.DataFrame) -> None:
    if dots.empty:  # this arm recorded other steps
        return
    classes = sorted(dots["prediction"].unique())
    more = sns.color_palette("colorblind", 10)  # for more than two classes
    palette = {c: _COLOURS[c] if c < 2 else more[c % 10] for c in classes}
    sns.scatterplot(
        data=dots,
        x="x0",
        y="x1",
        hue="prediction",
        palette=palette,
        s=7,
        linewidth=0,
        alpha=0.85,
        legend=False,
        ax=panel,
    )


def _draw_circles(panel: Axes) -> None:
    for centre in CENTRES:
        panel.add_patch(Circle(centre, RADIUS, fill=False, color="0.55", lw=0.8, zorder=0))


def _is_two_circles(run: StoredRun) -> bool:
    return run.record.config["dataset"]["name"] == "two_circles"


def _limits(drawn: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """One square for all panels that holds every dot and at least [-1, 1]^2."""
    reach = max(1.0, float(drawn[["x0", "x1"]].abs().to_numpy().max()))
    return {"xlim": (-reach, reach), "ylim": (-reach, reach)}


def _spread(steps: list[int], most: int) -> list[int]:
    if len(steps) <= most:
        return steps
    return [steps[round(place * (len(steps) - 1) / (most - 1))] for place in range(most)]


def _caption(
    experiment: Experiment, arms: list[Arm], steps: list[int], shown: list[int]
) -> list[str]:
    seeds = sorted({arm.runs[0].record.seed for arm in arms})
    which = "lowest seed of each arm" if len(experiment.runs) > len(arms) else "seed"
    parts = [data_text(experiment.runs), f"{which}: {', '.join(map(str, seeds))}"]
    parts.append("blue: predicted inside, red: predicted outside, before the step")
    if any(_is_two_circles(arm.runs[0]) for arm in arms):
        parts.append("grey: the true circles")
    if len(shown) < len(steps):
        parts.append(f"{len(shown)} of {len(steps)} recorded batches")
    return parts + missing_text(experiment)
