"""The most and least selected training samples of one run, beside its records.

Every run waits for it: no pandas, no seaborn, no automatic layout.
"""

from pathlib import Path

from matplotlib.figure import Figure

from cdfis_bench.analysis.importance.rates import Extremes, SampleRow
from cdfis_bench.analysis.labels import method_title
from cdfis_bench.datasets.gallery import Gallery
from cdfis_bench.figures.importance.grid import draw_grid, grid_columns, grid_inches, sample_text
from cdfis_bench.figures.style import style_context
from cdfis_bench.figures.text import put_title
from cdfis_bench.records.files import write_atomically
from cdfis_bench.records.stored_run import StoredRun

_HEAD_INCHES = 0.55
_GAP_INCHES = 0.25


def draw_samples(run: StoredRun, ends: Extremes, gallery: Gallery) -> list[Path]:
    """Draws the run's most and least selected images, as samples.png in its folder.

    Args:
        run: A finished run.
        ends: From `extremes`; empty if the run never selected.
        gallery: The training samples.

    Returns:
        The path of the picture in a list; an empty list if the run never selected, or the samples
        are not images.
    """
    if not ends or gallery.picture is None:
        return []
    record, path = run.record, run.folder / "samples.png"
    number = len(ends["most"])
    columns = grid_columns(number)
    width, height = grid_inches(number, columns, gallery.picture(0).shape)
    whole_width, whole_height = 2 * width + 2 * _GAP_INCHES, height + _HEAD_INCHES
    with style_context():
        figure = Figure(figsize=(whole_width, whole_height))
        for place, (end, rows) in enumerate(ends.items()):
            left = (_GAP_INCHES + place * (width + _GAP_INCHES / 2)) / whole_width
            panel = figure.add_axes((left, 0, width / whole_width, height / whole_height))
            pictures = [gallery.picture(row["index"]) for row in rows]
            wrong = [row["predicted"] != row["label"] for row in rows]
            draw_grid(panel, pictures, [_text(row) for row in rows], wrong, columns)
            panel.set_title(f"{end} selected", loc="left")
        name = method_title(record)
        put_title(figure, f"{record.dataset or ''}, {name}, seed {record.seed}", lines=1)
        write_atomically(path, lambda draft: figure.savefig(draft, format="png", dpi=120))
    return [path]


def _text(row: SampleRow) -> str:
    return sample_text(row["index"], row["rate"], str(row["label"]), str(row["predicted"]))
