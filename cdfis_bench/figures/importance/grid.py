"""Training samples side by side, with what is known of each under its picture.

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
    """Five pictures a row, more where there are more than 25."""
    return min(samples, max(5, math.ceil(math.sqrt(samples))))


def montage(pictures: Sequence[NDArray[np.uint8]], columns: int) -> NDArray[np.uint8]:
    """One image [h, w, 3] of all pictures [H, W, C], white between and under them.

    Made once instead of one axes a picture, which would take a second.
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
    """Height and width of a picture with its text and gap, in pixels of the pictures."""
    return height + round(TEXT * width), width + math.ceil(GAP * width)


def grid_inches(samples: int, columns: int, shape: Sequence[int]) -> tuple[float, float]:
    """Width and height of the grid of pictures of `shape` (H, W, C)."""
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
    """The pictures in reading order, `texts` under them, red where the prediction was wrong."""
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
    """The three lines under a picture. predicted: None where the run did not record it."""
    said = "" if predicted is None else f"\npredicted {predicted}"
    return f"#{index}  {rate:.2f}\nlabel {label}{said}"
