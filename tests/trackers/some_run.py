"""A run as a tracker gets it."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from cdfis_bench.records.run_record import RunRecord
from cdfis_bench.trackers.tracker import TrackedRun, Tracker


@dataclass(frozen=True)
class SomeRun:
    record: RunRecord
    name: str
    results_dir: Path
    experiment: str | None = "fig3_two_circles"

    @property
    def group(self) -> str:
        return f"two_circles-{self.record.method}-{self.record.arm}"

    def open(self, tracker: Tracker) -> AbstractContextManager[TrackedRun]:
        return tracker.open(
            self.record, name=self.name, results_dir=self.results_dir, experiment=self.experiment
        )
