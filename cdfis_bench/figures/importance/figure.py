"""Which training samples mattered: figure 4, and whether it was luck."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure, SubFigure

from cdfis_bench.analysis.arms import Arm, arms_of
from cdfis_bench.analysis.experiment import Experiment
from cdfis_bench.analysis.importance.findings import Findings, findings_of
from cdfis_bench.analysis.importance.rates import PRIOR_OFFERS, UNKNOWN
from cdfis_bench.analysis.provenance import data_text
from cdfis_bench.config.stored_data import gallery_of
from cdfis_bench.core.errors import require, require_number
from cdfis_bench.datasets.gallery import Gallery
from cdfis_bench.figures.caption import missing_text, put_caption
from cdfis_bench.figures.importance.grid import draw_grid, grid_columns, grid_inches, sample_text
from cdfis_bench.figures.importance.panels import draw_agreement, draw_classes, draw_histogram
from cdfis_bench.figures.importance.points import draw_points
from cdfis_bench.figures.save import about_runs, save
from cdfis_bench.figures.style import METHOD_COLOURS, human_name, look

_DEFAULT = "loss_cdf"
_PANELS_INCHES = 2.6
_POINTS_INCHES = 5.6


class ImportanceFigure:
    """The most and least selected training samples of one arm, over its seeds; under them the
    rates, the agreement of the seeds and the classes. The CSV has one row per training sample.

    method: label of the arm; loss_cdf if null and there, else the first that chooses. samples: how
    many at either end. prior_offers: shrinkage of the rates. class_names: what to call the labels
    0, 1, ... root, path, cache_dir: where the data lies now, if it moved since the runs.
    """

    def __init__(
        self,
        method: str | None = None,
        samples: int = 20,
        prior_offers: float = PRIOR_OFFERS,
        class_names: Sequence[str] | None = None,
        title: str | None = None,
        root: str | None = None,
        path: str | None = None,
        cache_dir: str | None = None,
    ) -> None:
        require(
            type(samples) is int and 1 <= samples <= 100,
            f"figure.samples={samples!r} must be a whole number from 1 to 100",
        )
        self.method = method
        self.samples = samples
        self.prior_offers = require_number(
            "figure.prior_offers", prior_offers, 0, 1e6, open_low=True
        )
        self.class_names = [str(name) for name in class_names or []]
        self.title = title
        self.places = {"root": root, "path": path, "cache_dir": cache_dir}

    def draw(self, experiment: Experiment, folder: Path) -> list[Path]:
        """Writes the picture, the table of all samples and the runs; returns their paths.

        Raises UserError if no run is finished or chose, if there is no such arm, or if the data
        that the runs noted is not found.
        """
        require(bool(experiment.runs), f"{experiment.name}: no run is finished, nothing to draw")
        arm = chosen_arm(arms_of(experiment.runs), self.method)
        kept = arm.runs[0].kept_fraction
        require(
            kept == 1,
            f"{arm.label} was trained on {kept:.0%} of its training set; what mattered is shown of "
            "runs with keep.fraction=1",
        )
        gallery = gallery_of(arm.runs[0], self.places)
        names = self._names(gallery)
        found = findings_of(arm.runs, gallery.labels, gallery.n_classes, self.prior_offers)
        with look():
            figure = self._figure(experiment, arm, gallery, found, names)
            about = about_runs(experiment, [arm]) | {"importance": found.numbers()}
            table = found.table.round(6)  # of PatchCamelyon: 13 MB instead of 20
            return save(figure, folder, Path(experiment.name).name, table, about)

    def _names(self, gallery: Gallery) -> list[str]:
        names = self.class_names or [str(label) for label in range(gallery.n_classes)]
        require(
            len(names) == gallery.n_classes,
            f"figure.class_names names {len(names)} classes, the data has {gallery.n_classes}",
        )
        return names

    def _figure(
        self,
        experiment: Experiment,
        arm: Arm,
        gallery: Gallery,
        found: Findings,
        names: list[str],
    ) -> Figure:
        colour = METHOD_COLOURS.get(arm.method, "0.3")
        columns = grid_columns(self.samples)
        if gallery.picture is not None:
            shape = gallery.picture(0).shape
            width, height = grid_inches(self.samples, columns, shape)
            width, height = max(10.2, 2 * width + 0.4), height + 0.3
        else:
            width, height = 10.2, _POINTS_INCHES if gallery.points is not None else 0.6
        figure = Figure(figsize=(width, height + _PANELS_INCHES + 0.8), layout="constrained")
        top, bottom = figure.subfigures(2, 1, height_ratios=[height, _PANELS_INCHES])
        self._draw_samples(top, arm, gallery, found.table, names)
        rates, seeds, classes = bottom.subplots(1, 3)
        draw_histogram(rates, found.histogram, colour, found.top_shares)
        draw_agreement(seeds, found.agreement, found.luck_agreement, colour)
        draw_classes(classes, found.classes, names, colour)
        name = human_name(arm.label, arm.plain)
        figure.suptitle(self.title or f"{experiment.name}: training samples of {name}")
        put_caption(figure, self._caption(experiment, arm, gallery, found))
        return figure

    def _draw_samples(
        self, top: SubFigure, arm: Arm, gallery: Gallery, table: pd.DataFrame, names: list[str]
    ) -> None:
        if gallery.picture is not None:
            columns = grid_columns(self.samples)
            ends = most_and_least(table, self.samples)
            for panel, (end, rows) in zip(top.subplots(1, 2), ends.items(), strict=True):
                pictures = [gallery.picture(index) for index in rows["index"]]
                texts = [_text(row, names) for row in rows.to_dict("records")]
                draw_grid(panel, pictures, texts, _wrong(rows), columns)
                panel.set_title(f"{end} selected", loc="left", fontsize=10)
        elif gallery.points is not None:
            circles = arm.runs[0].record.config["dataset"]["name"] == "two_circles"
            draw_points(top, top.subplots(), gallery.points, table, self.samples, circles)
        else:
            panel = top.subplots()
            panel.axis("off")
            shape = " x ".join(map(str, gallery.sample_shape))
            told = f"Samples of {shape} numbers are no pictures: the CSV names the important ones."
            panel.text(0, 0.5, told, va="center", transform=panel.transAxes)

    def _caption(
        self, experiment: Experiment, arm: Arm, gallery: Gallery, found: Findings
    ) -> list[str]:
        seeds = len(found.seeds)
        parts = [data_text(arm.runs), human_name(arm.label, arm.plain)]
        parts.append(f"n = {seeds} seeds, ranks averaged over them" if seeds > 1 else "n = 1 seed")
        if seeds < len(arm.runs):
            parts.append(f"in {len(arm.runs) - seeds} more the gate never opened")
        parts.append(
            "rate: selections per offer since the gate opened, drawn to the mean by "
            f"{self.prior_offers:g} offers"
        )
        if gallery.picture is not None:
            unknown = (found.table["predicted"] == UNKNOWN).any()
            parts.append(
                "predictions were not recorded"
                if unknown
                else "predicted: after training, by most seeds; red: wrong"
            )
        if seeds > 1:
            parts.append(
                f"{seeds} other seeds would rank like these with a correlation of about "
                f"{found.agreement.reliability:.2f} (Spearman-Brown)"
            )
        return parts + _ties(found.table, self.samples) + missing_text(experiment)


def chosen_arm(arms: list[Arm], method: str | None) -> Arm:
    """The arm of that label or, if it has only one arm, of that method. Raises UserError."""
    labels = ", ".join(arm.label for arm in arms)
    if method is None:
        choosing = [arm for arm in arms if arm.gate_steps()]
        preferred = [arm for arm in choosing if arm.plain == _DEFAULT]
        arms, method = preferred or choosing[:1] or arms[:1], "null"
    else:
        arms = [arm for arm in arms if arm.label == method] or [
            arm for arm in arms if arm.plain == method
        ]
    require(bool(arms), f"figure.method={method} is no arm of these runs; choose from: {labels}")
    require(
        len(arms) == 1,
        f"figure.method={method} means several arms; give the whole label of one: "
        + " | ".join(arm.label for arm in arms),
    )
    return arms[0]


def most_and_least(table: pd.DataFrame, samples: int) -> dict[str, pd.DataFrame]:
    """The two ends of the ranking, most extreme first."""
    return {"most": table.nsmallest(samples, "rank"), "least": table.nlargest(samples, "rank")}


def _text(row: Mapping[Any, Any], names: list[str]) -> str:
    said = None if row["predicted"] == UNKNOWN else names[row["predicted"]]
    return sample_text(row["index"], row["rate"], names[row["label"]], said)


def _wrong(rows: pd.DataFrame) -> list[bool]:
    return ((rows["predicted"] != rows["label"]) & (rows["predicted"] != UNKNOWN)).tolist()


def _ties(table: pd.DataFrame, samples: int) -> list[str]:
    """What to say where the shown ones are some of many equals."""
    parts = []
    for end, rows in most_and_least(table, samples).items():
        equal = int((table["mean_rank"] == rows["mean_rank"].iloc[-1]).sum())
        shown = int((rows["mean_rank"] == rows["mean_rank"].iloc[-1]).sum())
        if equal > shown:
            parts.append(f"{end} selected: {equal} samples share the last place shown")
    return parts
