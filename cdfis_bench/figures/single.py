"""The picture of one run, beside its records. Every run waits for it: no pandas, no seaborn."""

from pathlib import Path

from matplotlib.figure import Figure

from cdfis_bench.analysis.labels import method_title
from cdfis_bench.figures.style import AXIS_NAMES, GREY, gate_text, method_colour, style_context
from cdfis_bench.figures.text import put_title
from cdfis_bench.records.files import write_atomically
from cdfis_bench.records.stored_run import StoredRun

_SHOWN = ("test_accuracy", "train_loss")


def draw_single(run: StoredRun) -> list[Path]:
    """Draws test accuracy and training loss over steps, as curve.png in the run's folder.

    Args:
        run: A finished run.

    Returns:
        The path of the picture, in a list.
    """
    rows, record = run.rows(), run.record
    gate = run.summary.gate_open_step
    path = run.folder / "curve.png"
    with style_context():
        figure = Figure(figsize=(7.5, 2.9), layout="constrained")
        for panel, column in zip(figure.subplots(1, len(_SHOWN)), _SHOWN, strict=True):
            known = [(row["step"], row[column]) for row in rows if row[column] is not None]
            steps, values = [step for step, _ in known], [value for _, value in known]
            dot = "o" if len(known) == 1 else None  # a line through one point is invisible
            panel.plot(steps, values, marker=dot, color=method_colour(record))
            if gate:
                panel.axvline(
                    gate, color=GREY, lw=0.8, ls=":", label=f"gate {gate_text(gate, 1, 1)}"
                )
                panel.legend(loc="best")
            panel.set(xlabel=AXIS_NAMES["step"], ylabel=AXIS_NAMES[column])
            panel.set_xlim(0, None)
        name = method_title(record)
        put_title(figure, f"{record.dataset or ''}, {name}, seed {record.seed}")
        write_atomically(path, lambda draft: figure.savefig(draft, format="png", dpi=100))
    return [path]
