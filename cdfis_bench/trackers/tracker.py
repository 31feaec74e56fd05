"""The interface of an experiment tracker."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from cdfis_bench.core.types import Recorder
from cdfis_bench.records.run_record import RunRecord


class TrackedRun(Recorder, Protocol):
    """An open run of a tracker. Takes rows and arrays like any Recorder, and the following."""

    def image(self, name: str, path: Path) -> None:
        """Shows the image file at `path`."""
        ...

    def table(self, name: str, rows: Sequence[Mapping[str, float | int | str]]) -> None:
        """Shows a table, whose rows have the same columns."""
        ...

    def summary(self, **values: float | int | str | bool | Sequence[float] | None) -> None:
        """Sets final values of the run."""
        ...


class Tracker(Protocol):
    """Mirrors runs to another place. The files of a run stay the source of truth."""

    def check(self) -> None:
        """Raises UserError if runs could not be tracked as configured. Called before any work."""
        ...

    def open(
        self, record: RunRecord, *, name: str, results_dir: Path, experiment: str | None
    ) -> AbstractContextManager[TrackedRun]:
        """Opens a run, which is closed when the context ends.

        Args:
            record: The run.
            name: Name of its folder.
            results_dir: The store of runs, for trackers that write files.
            experiment: The sweep that the run belongs to; None for a single run.

        Returns:
            A context manager. If its body raises, the run is marked as failed.
        """
        ...

    def open_report(
        self, experiment: str, records: Sequence[RunRecord], results_dir: Path
    ) -> AbstractContextManager[TrackedRun]:
        """Opens a run for the figure and the table of an experiment.

        Args:
            experiment: Name of the experiment.
            records: Its finished runs, those that were stored before included.
            results_dir: The store of runs, for trackers that write files.
        """
        ...
