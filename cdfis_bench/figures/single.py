"""The picture of one run, beside its records."""

from pathlib import Path

from cdfis_bench.analysis.experiment import single
from cdfis_bench.figures.curves import Curves
from cdfis_bench.figures.style import look
from cdfis_bench.records.stored_run import StoredRun


def draw_single(run: StoredRun) -> list[Path]:
    """Test accuracy and training loss against steps, as curve.png in the run's folder."""
    with look():
        figure, _ = Curves(title=run.name).picture(single(run))
        path = run.folder / "curve.png"
        figure.savefig(path, dpi=100)
    return [path]
