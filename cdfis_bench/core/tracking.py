"""What an experiment tracker is told about a run, and what it must be able to do."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cdfis_bench.core.types import Recorder


@dataclass(frozen=True, slots=True)
class RunCard:
    """The names of one run, as a tracker shows them."""

    id: str  # unique within a results folder: <arm id>-s<seed>
    name: str  # the run folder's name
    arm: str  # configuration without its seed: <dataset>-<method>-<arm id>
    dataset: str
    method: str
    seed: int
    experiment: str | None  # the experiment or sweep it was started by
    config: Mapping[str, Any]  # fully resolved
    results_dir: Path


class TrackerRun(Recorder, Protocol):
    """An open run of a tracker."""

    def image(self, name: str, path: Path) -> None: ...
    def table(self, name: str, rows: Sequence[Mapping[str, float | int | str]]) -> None:
        """Rows with the same columns, to be read and sorted; no points of a curve, as in `row`."""
        ...

    def summary(self, **values: float | int | str | bool | list[float] | None) -> None: ...


class Tracker(Protocol):
    """Mirrors runs elsewhere. The files of the run stay the source of truth."""

    def check(self) -> None:
        """Raises UserError, before any work, if runs could not be tracked as configured."""
        ...

    def open(self, card: RunCard) -> AbstractContextManager[TrackerRun]:
        """The run, closed when the context ends (marked failed if it ends by an exception)."""
        ...
