"""The caption under a figure: data, seeds, interval, hardware, missing runs."""

import textwrap
from collections.abc import Iterable

from matplotlib.figure import Figure

from cdfis_bench.analysis.arms import Arm
from cdfis_bench.analysis.experiment import Experiment
from cdfis_bench.figures.style import GREY

_LETTERS_PER_INCH = 19  # at size 7


def seeds_text(arms: list[Arm]) -> str:
    """How many seeds the arms have, and what the intervals are."""
    counts = sorted({len(arm.runs) for arm in arms})
    if counts[-1] == 1:
        return "n = 1 seed, no interval"
    many = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"mean and 95 % t-interval over n = {many} seeds"


def missing_text(experiment: Experiment) -> list[str]:
    """What the caption says of missing runs: one part, or none if all runs are there."""
    missing = len(experiment.missing)
    are = "is" if missing == 1 else "are"
    return [f"{missing} of {experiment.asked_for} runs {are} MISSING"] if missing else []


def put_caption(figure: Figure, parts: Iterable[str]) -> None:
    """Writes the parts under the figure, wrapped to its width; the layout makes room for them."""
    width = int(figure.get_figwidth() * _LETTERS_PER_INCH)
    text = "\n".join(textwrap.wrap("  ·  ".join(parts), width))
    figure.supxlabel(text, fontsize=7, color=GREY, x=0.01, ha="left")
