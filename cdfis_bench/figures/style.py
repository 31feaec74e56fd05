"""The style that all figures share: fonts, axis names, and the colour of a method.

Imports matplotlib only: every run draws a picture of its own and must not wait for seaborn, whose
"whitegrid" style this is.
"""

import colorsys
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.colors import is_color_like, to_hex

from cdfis_bench.core.errors import require
from cdfis_bench.records.run_record import RunRecord

BASELINE_DASHES = (4, 1.6)  # the paper's blue dashed line
AXIS_NAMES = {
    "step": "steps",
    "train_seconds": "training time (s)",
    "load_seconds": "loading time (s)",
    "score_seconds": "scoring time (s)",
    "select_seconds": "selection time (s)",
    "update_seconds": "update time (s)",
    "eval_seconds": "evaluation time (s)",
    "samples_loaded": "samples loaded",
    "samples_scored": "samples scored",
    "samples_trained": "samples trained on",
    "forward_samples": "forward passes of one sample",
    "backward_samples": "backward passes of one sample",
    "sample_forward_equivalents": "forward passes of one sample (a backward pass = 2)",
    "gate_open": "gate open",
    "score_tau": "concentration of the scores (tau)",
    "distinct_share": "distinct samples in a mini-batch",
    "score_bias": "score of the selected / of the candidates",
    "fallback_count": "steps that fell back to uniform sampling",
    "train_loss": "training loss (mini-batch)",
    "test_loss": "test loss",
    "test_accuracy": "test accuracy",
    "validation_loss": "validation loss",
    "validation_accuracy": "validation accuracy",
}
GREY = "0.35"
NEVER_ACTED = "gate never opened"

_STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "0.7",
    "axes.grid": True,
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "white",
    "figure.titlesize": 11,
    "font.size": 9,
    "grid.color": "0.92",
    "grid.linewidth": 0.8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "legend.title_fontsize": 9,
    "lines.linewidth": 1.4,
    "pdf.fonttype": 42,  # text stays text
    "savefig.dpi": 150,
    "text.parse_math": False,  # a title is drawn as it is written, whatever its $ and _
    "xtick.color": GREY,
    "xtick.labelsize": 8,
    "ytick.color": GREY,
    "ytick.labelsize": 8,
}


@contextmanager
def style_context() -> Iterator[None]:
    """A context in which figures are made and saved in this style.

    matplotlib's own settings are restored afterwards. Figures are made with
    `matplotlib.figure.Figure`, not with pyplot: that needs no display and leaves nothing open.
    """
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # A character that the font lacks is drawn as a box; nobody can do anything about it.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        yield


def method_colour(record: RunRecord) -> str:
    """The colour of a run's method, the same in every figure.

    Args:
        record: The run's record.

    Returns:
        The colour recorded with the run, which its preset fixes (conf/method); without one, a
        colour derived from the method's label: #rrggbb.

    Raises:
        UserError: If the recorded colour is not one that matplotlib knows.
    """
    colour = record.config.get("method_color")
    if colour is None:
        return label_colour(record.method)
    require(
        is_color_like(colour),
        f"method_color={colour} of {record.id} is not a color; give one such as '#0173b2' and redo "
        "the run",
    )
    return to_hex(colour)


def label_colour(label: str) -> str:
    """A colour that depends on the label alone, dark enough to be seen on white: #rrggbb."""
    number = zlib.crc32(label.encode())
    hue, lightness = number % 360 / 360, (0.28, 0.38, 0.48)[number // 360 % 3]
    return to_hex(colorsys.hls_to_rgb(hue, lightness, 0.65))


def gate_text(step: float, opened: int, runs: int) -> str:
    """When importance sampling began.

    Args:
        step: Median step at which the gate opened, over the runs in which it did.
        opened: Number of these runs.
        runs: Number of all runs.

    Returns:
        Words for a legend.
    """
    text = f"opens at step {step:.0f}" if step else "open from the start"
    return text if opened == runs else f"{text} ({opened} of {runs} seeds)"
