"""tracker=none: runs are recorded in their folders only."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from torch import Tensor

from cdfis_bench.records.run_record import RunRecord


class NoTracker:
    """A Tracker that discards everything; also the run that it opens."""

    def check(self) -> None:
        """Always succeeds."""

    @contextmanager
    def open(
        self, record: RunRecord, *, name: str, results_dir: Path, experiment: str | None
    ) -> Iterator["NoTracker"]:
        """Opens a run that discards everything."""
        yield self

    @contextmanager
    def open_report(
        self, experiment: str, records: Sequence[RunRecord], results_dir: Path
    ) -> Iterator["NoTracker"]:
        """Opens a run that discards everything."""
        yield self

    def row(self, table: str, **values: float | int | bool | None) -> None: ...
    def array(self, name: str, values: Tensor) -> None: ...
    def image(self, name: str, path: Path) -> None: ...
    def table(self, name: str, rows: Sequence[Mapping[str, float | int | str]]) -> None: ...
    def summary(self, **values: float | int | str | bool | Sequence[float] | None) -> None: ...
