"""The base class of the figures that `figure=...` names."""

from abc import ABC, abstractmethod
from pathlib import Path

from cdfis_bench.analysis.experiment import Experiment


class ExperimentFigure(ABC):
    """A picture of the stored runs of an experiment."""

    @abstractmethod
    def draw(self, experiment: Experiment, folder: Path) -> list[Path]:
        """Writes the picture, its numbers and their provenance into `folder`.

        Args:
            experiment: The runs to draw; its name is that of the files.
            folder: Created if it does not exist.

        Returns:
            The paths of the .png, .pdf, .csv and .json file.

        Raises:
            UserError: If no run is finished, or these runs cannot be drawn like this.
        """
