"""A figure as a notebook shows it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cdfis_bench.analysis.experiment import Experiment
from cdfis_bench.core.errors import UserError


@dataclass(frozen=True, slots=True)
class Shown:
    """The output of a notebook cell: a picture, or a sentence that says why there is none.

    Attributes:
        png: The picture as a PNG file.
        sentence: Why there is no picture.
    """

    png: bytes | None = field(repr=False)  # else a stored notebook has it twice, as text, too
    sentence: str | None = None

    def _repr_png_(self) -> bytes | None:
        return self.png

    def _repr_markdown_(self) -> str | None:
        return self.sentence and f"*{self.sentence}*"


def show(figure: Any, experiment: Experiment, folder: Path) -> Shown:
    """Draws a figure and shows it in a notebook.

    Args:
        figure: Any figure of this package, such as `Curves()`.
        experiment: The runs to draw.
        folder: Where the figure's files go.

    Returns:
        What the notebook shows: the picture, or why it cannot be drawn.
    """
    try:
        paths = figure.draw(experiment, folder)
    except UserError as error:  # for example: these runs recorded no patterns
        return Shown(None, str(error))
    return Shown(paths[0].read_bytes())
