"""A legend beside the panels that fits into the figure, however many arms there are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

_LINE_INCHES = 0.155  # at size 8
_GAP_INCHES = 0.09  # between entries
_LETTER_INCHES = 0.062
_HANDLE_INCHES = 0.55
_HEAD_INCHES = 0.45  # title of the legend, margins
_MOST_INCHES = 4.5  # the figure may grow to this height before the legend gets a further column


@dataclass(frozen=True, slots=True)
class LegendSize:
    """The space that a legend needs: inches, and the columns of its entries."""

    width: float
    height: float
    columns: int


def legend_size(entries: Sequence[str], room: float) -> LegendSize:
    """Lays out a legend.

    Args:
        entries: The texts.
        room: Height in inches of the figure without it; it may grow to _MOST_INCHES.
    """
    heights = [_LINE_INCHES * (1 + text.count("\n")) + _GAP_INCHES for text in entries]
    columns = math.ceil(sum(heights) / (max(room, _MOST_INCHES) - _HEAD_INCHES))
    per_column = math.ceil(len(entries) / columns)
    parts = [heights[at : at + per_column] for at in range(0, len(entries), per_column)]
    height = max(map(sum, parts)) + _HEAD_INCHES
    letters = max(len(line) for text in entries for line in text.split("\n"))
    width = len(parts) * (_HANDLE_INCHES + _LETTER_INCHES * letters) + 0.1
    return LegendSize(width, height, len(parts))


def put_legend(
    figure: Figure, handles: Sequence[Line2D], entries: Sequence[str], title: str, size: LegendSize
) -> None:
    """Writes the legend at the upper right, outside of the panels; the layout makes room for it."""
    figure.legend(
        list(handles),
        list(entries),
        title=title,
        loc="outside right upper",
        alignment="left",
        labelspacing=0.8,
        ncols=size.columns,
        columnspacing=1.2,
    )
