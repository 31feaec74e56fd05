"""Which training samples mattered (figure 4 of the paper), and whether it was chance."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure, SubFigure

from cdfis_bench.analysis.arms import Arm, arms_of
from cdfis_bench.analysis.experiment import Experiment
from cdfis_bench.analysis.importance.findings import Findings, findings_of
from cdfis_bench.analysis.importance.rates import PRIOR_OFFERS, UNKNOWN
from cdfis_bench.analysis.provenance import data_text
from cdfis_bench.core.errors import require, require_number
from cdfis_bench.datasets.gallery import Gallery
from cdfis_bench.figures.base import ExperimentFigure
from cdfis_bench.figures.caption import missing_text, put_caption
from cdfis_bench.figures.importance.grid import draw_grid, grid_columns, grid_inches, sample_text
from cdfis_bench.figures.importance.panels import draw_agreement, draw_classes, draw_histogram
from cdfis_bench.figures.importance.points import draw_points
from cdfis_bench.figures.save import about_runs, save
from cdfis_bench.figures.style import method_colour, style_context
from cdfis_bench.figures.text import put_title, wrapped
from cdfis_bench.records.stored_run import StoredRun

_DEFAULT = "loss_cdf"
_PANELS_INCHES = 2.6
_POINTS_INCHES = 5.6


class ImportanceFigure(ExperimentFigure):
    """The most and least selected training samples of one arm, over its seeds.

    Below them: the rates, the agreement of the seeds, and the classes. The CSV has one row per
    training sample.

    Args:
        load_gallery: Loads the training samples that a run was trained on, such as
            `config.stored_data.StoredGallery()`.
        method: Label of the arm; if None, loss_cdf or else the first arm that selects.
        samples: The number of samples at either end, 1 to 100.
        prior_offers: Shrinkage of the rates, see `rates`.
        class_names: Names of the classes 0, 1, ...; their numbers if None.
        title: Title of the figure; made of the experiment's and the arm's names if None.
    """

    def __init__(
        self,
        load_gallery: Callable[[StoredRun], Gallery],
        method: str | None = None,
        samples: int = 20,
        prior_offers: float = PRIOR_OFFERS,
        class_names: Sequence[str] | None = None,
        title: str | None = None,
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
        self.load_gallery = load_gallery

    def draw(self, experiment: Experiment, folder: Path) -> list[Path]:
        """See ExperimentFigure.draw.

        Raises UserError if no run is finished or selected, if there is no such arm, or if the data
        of the runs is not found.
        """
        arm = chosen_arm(arms_of(experiment.require_runs()), self.method)
        kept = arm.runs[0].kept_fraction
        require(
            kept == 1,
            f"{arm.label} was trained on {kept:.0%} of its training set; this figure needs runs "
            "with keep.fraction=1",
        )
        require(
            arm.runs[0].validation_fraction == 0,
            f"{arm.label} held another {arm.runs[0].validation_fraction:.0%} of its training set "
            "out for validation in every seed; this figure needs runs with "
            "dataset.validation_fraction=0",
        )
        gallery = self.load_gallery(arm.runs[0])
        names = self._names(gallery)
        found = findings_of(arm.runs, gallery.labels, gallery.n_classes, self.prior_offers)
        with style_context():
            figure = self._figure(experiment, arm, gallery, found, names)
            about = about_runs(experiment, [arm]) | {"importance": found.numbers()}
            table = found.table.round(6)  # of PatchCamelyon: 13 MB instead of 20
            return save(figure, folder, Path(experiment.name).name, table, about)

    def _names(self, gallery: Gallery) -> list[str]:
        given = [wrapped(name, 18, 1) for name in self.class_names]
        names = given or [str(label) for label in range(gallery.n_classes)]
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
        colour = method_colour(arm.record)
        columns = grid_columns(self.samples)
        if gallery.picture is not None:
            shape = gallery.picture(0).shape
            width, height = grid_inches(self.samples, columns, shape)
            width, height = max(10.2, 2 * width + 0.4), height + 0.3
        else:
            width, height = 10.2, _POINTS_INCHES if gallery.points is not None else 0.6
        figure = Figure(figsize=(width, height + _PANELS_INCHES + 0.8), layout="constrained")
        ratios = [height, _PANELS_INCHES]
        top, bottom = figure.subfigures(2, 1, squeeze=False, height_ratios=ratios)[:, 0]
        self._draw_samples(top, arm, gallery, found.table, names)
        rates, seeds, classes = bottom.subplots(1, 3)
        draw_histogram(rates, found.histogram, colour, found.top_shares)
        draw_agreement(seeds, found.agreement, found.chance_agreement, colour)
        draw_classes(classes, found.classes, names, colour)
        put_title(figure, self.title or f"{experiment.name}: training samples of {arm.title}")
        put_caption(figure, self._caption(experiment, arm, gallery, found))
        return figure

    def _draw_samples(
        self, top: SubFigure, arm: Arm, gallery: Gallery, table: pd.DataFrame, names: list[str]
    ) -> None:
        if gallery.picture is not None:
            columns = grid_columns(self.samples)
            ends = most_and_least(table, self.samples)
            panels = top.subplots(1, 2).flat
            for panel, (end, rows) in zip(panels, ends.items(), strict=True):
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
            message = (
                f"Samples of {shape} numbers are not images: see the CSV for the important ones."
            )
            panel.text(0, 0.5, message, va="center", transform=panel.transAxes)

    def _caption(
        self, experiment: Experiment, arm: Arm, gallery: Gallery, found: Findings
    ) -> list[str]:
        seeds = len(found.seeds)
        parts = [data_text(arm.runs), arm.title]
        parts.append(f"n = {seeds} seeds, ranks averaged over them" if seeds > 1 else "n = 1 seed")
        if seeds < len(arm.runs):
            parts.append(f"in {len(arm.runs) - seeds} more the gate never opened")
        parts.append(
            "rate: selections per offer since the gate opened, shrunk to the mean by "
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
    """The arm to show.

    Args:
        arms: All arms of the experiment.
        method: The arm's label, or its method's label if the method has one arm only. If None,
            loss_cdf or else the first arm that selects.

    Returns:
        One of `arms`.

    Raises:
        UserError: If there is no such arm, or several.
    """
    labels = ", ".join(arm.label for arm in arms)
    if method is None:
        selecting = [arm for arm in arms if arm.gate_steps()]
        preferred = [arm for arm in selecting if arm.plain == _DEFAULT]
        arms, method = preferred or selecting[:1] or arms[:1], "null"
    else:
        arms = [arm for arm in arms if arm.label == method] or [
            arm for arm in arms if arm.plain == method
        ]
    require(
        bool(arms), f"figure.method={method} is not an arm of these runs; choose from: {labels}"
    )
    require(
        len(arms) == 1,
        f"figure.method={method} matches several arms; give the full label of one: "
        + " | ".join(arm.label for arm in arms),
    )
    return arms[0]


def most_and_least(table: pd.DataFrame, samples: int) -> dict[str, pd.DataFrame]:
    """The two ends of the ranking, most extreme first."""
    return {"most": table.nsmallest(samples, "rank"), "least": table.nlargest(samples, "rank")}


def _text(row: Mapping[Any, Any], names: list[str]) -> str:
    predicted = None if row["predicted"] == UNKNOWN else names[row["predicted"]]
    return sample_text(row["index"], row["rate"], names[row["label"]], predicted)


def _wrong(rows: pd.DataFrame) -> list[bool]:
    return ((rows["predicted"] != rows["label"]) & (rows["predicted"] != UNKNOWN)).tolist()


def _ties(table: pd.DataFrame, samples: int) -> list[str]:
    """Notes for the caption if the samples shown are some of many with equal ranks."""
    parts = []
    for end, rows in most_and_least(table, samples).items():
        equal = int((table["mean_rank"] == rows["mean_rank"].iloc[-1]).sum())
        shown = int((rows["mean_rank"] == rows["mean_rank"].iloc[-1]).sum())
        if equal > shown:
            parts.append(f"{end} selected: {equal} samples share the last place shown")
    return parts
