"""The caption under a figure: data, seeds, interval, hardware, missing runs."""

import textwrap
from collections.abc import Iterable

from matplotlib.figure import Figure

from cdfis_bench.analysis.arms import Arm
from cdfis_bench.analysis.experiment import Experiment
from cdfis_bench.figures.style import GREY
from cdfis_bench.figures.text import one_line

LEAST_FOR_A_BAND = 3  # seeds; the t-interval of two is 18 times their standard error wide
_LETTERS_PER_INCH = 19  # at size 7


def seeds_text(arms: list[Arm]) -> str:
    """How many seeds the arms have, and what the intervals are."""
    return interval_text([len(arm.runs) for arm in arms])


def interval_text(numbers: Iterable[int]) -> str:
    """The same for arms of so many seeds."""
    counts = sorted(set(numbers))
    if counts[-1] == 1:
        return "n = 1 seed, no interval"
    many = range_text(counts[0], counts[-1])
    if counts[-1] < LEAST_FOR_A_BAND:
        return f"mean over n = {many} seeds, too few for a band"
    few = f"; no band below {LEAST_FOR_A_BAND}" if counts[0] < LEAST_FOR_A_BAND else ""
    return f"mean and 95 % t-interval over n = {many} seeds{few}"


def range_text(low: int, high: int) -> str:
    """Such as "10", or "8 to 10"."""
    return f"{low}" if low == high else f"{low} to {high}"


def missing_text(experiment: Experiment) -> list[str]:
    """What the caption says of missing runs: one part, or none if all runs are there."""
    missing = len(experiment.missing)
    are = "is" if missing == 1 else "are"
    return [f"{missing} of {experiment.asked_for} runs {are} MISSING"] if missing else []


def put_caption(figure: Figure, parts: Iterable[str]) -> None:
    """Writes the parts under the figure, wrapped to its width; the layout makes room for them."""
    width = int(figure.get_figwidth() * _LETTERS_PER_INCH)
    text = "\n".join(textwrap.wrap("  ·  ".join(map(one_line, parts)), width))
    figure.supxlabel(text, fontsize=7, color=GREY, x=0.01, ha="left")
