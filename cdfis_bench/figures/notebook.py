"""A figure as a notebook shows it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cdfis_bench.analysis.experiment import Experiment
from cdfis_bench.core.errors import UserError


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture, or a sentence that says why there is none. Notebooks call the two methods."""

    png: bytes | None
    sentence: str | None = None

    def _repr_png_(self) -> bytes | None:
        return self.png

    def _repr_markdown_(self) -> str | None:
        return self.sentence and f"*{self.sentence}*"


def show(figure: Any, experiment: Experiment, folder: Path) -> Shown:
    """Draws `figure` (any of figures/) into `folder` and shows its picture."""
    try:
        paths = figure.draw(experiment, folder)
    except UserError as error:  # these runs recorded no patterns, say
        return Shown(None, str(error))
    return Shown(paths[0].read_bytes())
