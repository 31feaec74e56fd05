"""Which samples were chosen, and where: figure 1."""

from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from cdfis_bench.analysis.experiment import Experiment
from cdfis_bench.analysis.labels import arm_labels
from cdfis_bench.core.errors import UserError, require
from cdfis_bench.datasets.two_circles_geometry import CENTRES, RADIUS
from cdfis_bench.figures.save import save
from cdfis_bench.figures.style import METHOD_NAMES, look
from cdfis_bench.records.stored_run import StoredRun

# Paper figure 1: blue predicted inside, red predicted outside.
_PREDICTED = {0: "#c1272d", 1: "#2255aa"}


class Patterns:
    """Rows = methods, columns = recorded steps, dots = the chosen samples, coloured by prediction.

    order: methods from top to bottom; others follow. For two-dimensional data with two classes.
    """

    def __init__(self, order: list[str] | None = None, title: str | None = None) -> None:
        self.order = order or []
        self.title = title

    def draw(self, experiment: Experiment, folder: Path) -> list[Path]:
        """Writes the picture, the drawn samples and the runs; returns their paths.

        Raises UserError if no run is finished or if a run recorded no two-dimensional patterns.
        """
        require(bool(experiment.runs), f"{experiment.name}: no run is finished, nothing to draw")
        with look():
            figure, drawn = self.picture(experiment)
            return save(figure, folder, experiment, drawn, "method")

    def picture(self, experiment: Experiment) -> tuple[Figure, pd.DataFrame]:
        """The figure and its dots: label, seed, step, training row, position, prediction."""
        rows = self._rows(experiment)
        drawn = pd.concat([_dots(label, run) for label, run in rows], ignore_index=True)
        steps = sorted(drawn["step"].unique())
        figure = Figure(
            figsize=(1.3 * len(steps) + 1, 1.35 * len(rows) + 0.9), layout="constrained"
        )
        panels = figure.subplots(len(rows), len(steps), squeeze=False)
        for i, (label, _) in enumerate(rows):
            for j, step in enumerate(steps):
                here = drawn[(drawn["label"] == label) & (drawn["step"] == step)]
                _panel(panels[i, j], here)
                if i == 0:
                    panels[i, j].set_title(f"batch {step}", fontsize=9)
            panels[i, 0].set_ylabel(METHOD_NAMES.get(label, label), fontsize=9)
        figure.suptitle(self.title or experiment.name)
        seeds = sorted({run.card["seed"] for _, run in rows})
        missing = f"   |   MISSING: {len(experiment.missing)} runs" if experiment.missing else ""
        figure.supxlabel(
            f"{rows[0][1].card['dataset']}, seed {', '.join(map(str, seeds))}; predicted inside: "
            f"blue, outside: red; grey: the true circles{missing}",
            fontsize=7,
            color="0.35",
        )
        return figure, drawn

    def _rows(self, experiment: Experiment) -> list[tuple[str, StoredRun]]:
        """The run of the lowest seed of every arm, in order."""
        labels = arm_labels(experiment.runs)
        lowest: dict[str, StoredRun] = {}
        for run in sorted(experiment.runs, key=lambda run: run.card["seed"]):
            lowest.setdefault(labels[run.card["arm"]], run)
        place = {label: number for number, label in enumerate(self.order)}
        return sorted(lowest.items(), key=lambda item: place.get(item[0], len(place)))


def _dots(label: str, run: StoredRun) -> pd.DataFrame:
    steps = run.array_names("pattern")
    require(
        bool(steps), f"{run.name} recorded no sampling patterns; run it with pattern_every=100, say"
    )
    tables = []
    for step in steps:
        x, index, prediction = (
            run.array(f"pattern/{step}/{name}") for name in ("x", "index", "prediction")
        )
        if x.ndim != 2 or x.shape[1] != 2:
            raise UserError(
                f"{run.name}: patterns can be drawn for two-dimensional samples, not {x.shape[1:]}"
            )
        table = pd.DataFrame({"index": index, "x0": x[:, 0], "x1": x[:, 1]})
        tables.append(
            table.assign(prediction=prediction, label=label, seed=run.card["seed"], step=int(step))
        )
    return pd.concat(tables, ignore_index=True)


def _panel(panel: Axes, dots: pd.DataFrame) -> None:
    for centre in CENTRES:
        panel.add_patch(Circle(centre, RADIUS, fill=False, color="0.6", lw=0.7))
    sns.scatterplot(
        data=dots,
        x="x0",
        y="x1",
        hue="prediction",
        palette=_PREDICTED,
        s=5,
        linewidth=0,
        legend=False,
        ax=panel,
    )
    panel.set(xlim=(-1, 1), ylim=(-1, 1), aspect="equal", xlabel="", ylabel="")
    panel.set(xticks=np.array([]), yticks=np.array([]))
