"""No tracker: the files of the run are all there is."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from torch import Tensor

from cdfis_bench.core.tracking import RunCard


class NoTracker:
    """Takes everything and keeps nothing."""

    def check(self) -> None: ...

    @contextmanager
    def open(self, card: RunCard) -> Iterator["NoTracker"]:
        yield self

    def row(self, table: str, **values: float | int | bool | None) -> None: ...
    def array(self, name: str, values: Tensor) -> None: ...
    def image(self, name: str, path: Path) -> None: ...
    def table(self, name: str, rows: Sequence[Mapping[str, float | int | str]]) -> None: ...
    def summary(self, **values: float | int | str | bool | list[float] | None) -> None: ...
