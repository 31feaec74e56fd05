"""Mirroring a run to the tracker while it is recorded, and its result at the end."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from torch import Tensor

from cdfis_bench.analysis.importance.rates import extremes
from cdfis_bench.config.schema import Config
from cdfis_bench.core.types import Recorder
from cdfis_bench.datasets.dataset import Dataset
from cdfis_bench.datasets.make_gallery import make_gallery
from cdfis_bench.records.run_writer import RunWriter
from cdfis_bench.records.stored_run import StoredRun
from cdfis_bench.runner.progress import say
from cdfis_bench.trackers.tracker import TrackedRun, Tracker

SAMPLES_SHOWN = 20  # of the most, and of the least selected


class Tee:
    """A Recorder that passes everything on to several others."""

    def __init__(self, *recorders: Recorder) -> None:
        self._recorders = recorders

    def row(self, table: str, **values: float | int | bool | None) -> None:
        for recorder in self._recorders:
            recorder.row(table, **values)

    def array(self, name: str, values: Tensor) -> None:
        for recorder in self._recorders:
            recorder.array(name, values)


def open_run(
    tracker: Tracker, writer: RunWriter, config: Config, experiment: str | None
) -> AbstractContextManager[TrackedRun]:
    """Opens the tracker's run for the run that `writer` records."""
    return tracker.open(
        writer.record,
        name=writer.folder.name,
        results_dir=Path(config.results_dir),
        experiment=experiment,
    )


def mirror_result(tracked: TrackedRun, stored: StoredRun, dataset: Dataset) -> None:
    """Sends the summary, the run's figures, and its most and least selected samples.

    A figure that cannot be drawn is reported and does not fail the run.

    Args:
        tracked: The open run of the tracker.
        stored: The finished run.
        dataset: The data that it was trained on.
    """
    # matplotlib takes half a second to import.
    from cdfis_bench.figures.importance.run import draw_samples
    from cdfis_bench.figures.single import draw_single

    tracked.summary(**stored.summary.to_json())
    shown = make_gallery(dataset)
    ends = extremes(stored, shown.labels, SAMPLES_SHOWN) or {}
    try:
        pictures = draw_single(stored) + draw_samples(stored, ends, shown)
    except Exception as error:
        say(f"{stored.name}: its figures could not be drawn ({error!r}); the run itself is kept")
        pictures = []
    for picture in pictures:
        tracked.image(picture.stem, picture)
    table: list[Mapping[str, float | int | str]] = [
        {
            "end": end,
            "index": row["index"],
            "label": row["label"],
            "predicted": row["predicted"],
            "selected": row["selected"],
            "offered": row["offered"],
            "rate": row["rate"],
        }
        for end, rows in ends.items()
        for row in rows
    ]
    tracked.table("selected_samples", table)
