"""Images of training samples side by side, with a few words under each.

matplotlib only: every run draws its own samples.
"""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cdfis_bench.figures.style import GREY

GAP = 0.08  # between pictures, of a picture's width
TEXT = 0.42  # room under a picture, of its width, for three lines
CELL_INCHES = 0.98
WRONG = "#b3262a"


def grid_columns(samples: int) -> int:
    """Pictures per row: five, or more if there are more than 25 samples."""
    return min(samples, max(5, math.ceil(math.sqrt(samples))))


def montage(pictures: Sequence[NDArray[np.uint8]], columns: int) -> NDArray[np.uint8]:
    """All pictures in one image, with white space between and under them.

    One image is drawn in no time; an axes object per picture would take a second.

    Args:
        pictures: [H, W, C] each, C = 1 or 3.
        columns: Pictures per row.

    Returns:
        [h, w, 3].
    """
    height, width = pictures[0].shape[:2]
    cell_height, cell_width = cell_pixels(height, width)
    rows = math.ceil(len(pictures) / columns)
    sheet = np.full((rows * cell_height, columns * cell_width, 3), 255, np.uint8)
    for place, picture in enumerate(pictures):
        top, left = (place // columns) * cell_height, (place % columns) * cell_width
        sheet[top : top + height, left : left + width] = picture  # grey: the same in all channels
    return sheet


def cell_pixels(height: int, width: int) -> tuple[int, int]:
    """Height and width of a picture with its text and gap, in the picture's pixels."""
    return height + round(TEXT * width), width + math.ceil(GAP * width)


def grid_inches(samples: int, columns: int, shape: Sequence[int]) -> tuple[float, float]:
    """Width and height in inches of a grid of pictures of `shape` (H, W, C)."""
    cell_height, cell_width = cell_pixels(*shape[:2])
    rows = math.ceil(samples / columns)
    return CELL_INCHES * columns, CELL_INCHES * rows * cell_height / cell_width


def draw_grid(
    panel: Axes,
    pictures: Sequence[NDArray[np.uint8]],
    texts: Sequence[str],
    wrong: Sequence[bool],
    columns: int,
) -> None:
    """Draws pictures in reading order, `texts` under them, red where the prediction is wrong."""
    height, width = pictures[0].shape[:2]
    cell_height, cell_width = cell_pixels(height, width)
    panel.imshow(montage(pictures, columns), interpolation="nearest", aspect="equal")
    for place, (text, bad) in enumerate(zip(texts, wrong, strict=True)):
        panel.text(
            (place % columns) * cell_width - 0.5,
            (place // columns) * cell_height + height + 0.02 * width,
            text,
            fontsize=6,
            color=WRONG if bad else GREY,
            va="top",
            linespacing=1.05,
        )
    panel.axis("off")


def sample_text(index: int, rate: float, label: str, predicted: str | None) -> str:
    """The lines under a picture. predicted: None if the run did not record the prediction."""
    last = "" if predicted is None else f"\npredicted {predicted}"
    return f"#{index}  {rate:.2f}\nlabel {label}{last}"
