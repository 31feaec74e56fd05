"""The most and least selected training samples of one run, beside its records.

Needs neither pandas nor seaborn, and lays out nothing: every run waits for it.
"""

from pathlib import Path

from matplotlib.figure import Figure

from cdfis_bench.analysis.importance.rates import Extremes
from cdfis_bench.datasets.gallery import Gallery
from cdfis_bench.figures.importance.grid import draw_grid, grid_columns, grid_inches, sample_text
from cdfis_bench.figures.replace import replace
from cdfis_bench.figures.style import METHOD_NAMES, look
from cdfis_bench.records.stored_run import StoredRun

_HEAD_INCHES = 0.55
_GAP_INCHES = 0.25


def draw_samples(run: StoredRun, ends: Extremes, gallery: Gallery) -> list[Path]:
    """samples.png in the run's folder; nothing if it never chose, or if samples are no pictures."""
    if not ends or gallery.picture is None:
        return []
    record, path = run.record, run.folder / "samples.png"
    number = len(ends["most"])
    columns = grid_columns(number)
    width, height = grid_inches(number, columns, gallery.picture(0).shape)
    whole_width, whole_height = 2 * width + 2 * _GAP_INCHES, height + _HEAD_INCHES
    with look():
        figure = Figure(figsize=(whole_width, whole_height))
        for place, (end, rows) in enumerate(ends.items()):
            left = (_GAP_INCHES + place * (width + _GAP_INCHES / 2)) / whole_width
            panel = figure.add_axes((left, 0, width / whole_width, height / whole_height))
            pictures = [gallery.picture(row["index"]) for row in rows]
            wrong = [row["predicted"] != row["label"] for row in rows]
            draw_grid(panel, pictures, [_text(row) for row in rows], wrong, columns)
            panel.set_title(f"{end} selected", loc="left")
        name = METHOD_NAMES.get(record.method, record.method)
        figure.suptitle(f"{record.dataset or ''}, {name}, seed {record.seed}", fontsize=10)
        replace(path, lambda draft: figure.savefig(draft, format="png", dpi=120))
    return [path]


def _text(row: dict[str, int | float]) -> str:
    return sample_text(row["index"], row["rate"], str(row["label"]), str(row["predicted"]))
