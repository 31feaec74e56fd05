"""Training samples that are points in a plane: where the important ones are."""

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import SubFigure
from matplotlib.patches import Circle
from numpy.typing import NDArray

from cdfis_bench.datasets.two_circles_geometry import CENTRES, RADIUS
from cdfis_bench.figures.style import GREY

# Quantile of the rates with the darkest colour: with the maximum, one outlier would make all other
# points pale.
_TOP = 0.99


def draw_points(
    figure: SubFigure,
    panel: Axes,
    points: NDArray,
    table: pd.DataFrame,
    samples: int,
    circles: bool,
) -> None:
    """Draws all points coloured by their rate, and marks the most and least selected ones.

    Args:
        figure: Gets the colour bar.
        panel: Where to draw.
        points: [n, 2].
        table: From `sample_table`.
        samples: The number of marked points at either end.
        circles: Whether to draw the boundaries of Two Circles.
    """
    order = table["rate"].to_numpy().argsort(kind="stable")  # the important ones on top
    high = float(table["rate"].quantile(_TOP))
    dots = panel.scatter(
        *points[order].T,
        c=table["rate"].to_numpy()[order],
        cmap=sns.color_palette("rocket_r", as_cmap=True),
        norm=Normalize(0, high),
        s=max(0.8, min(8, 80_000 / len(points))),
        linewidth=0,
        rasterized=True,
    )
    # Inset: a colour bar of its own would move the square panel off-centre.
    side = panel.inset_axes((1.04, 0.15, 0.03, 0.7))
    figure.colorbar(dots, cax=side, extend="max").set_label("selections per offer")
    for first, marker, colour, name in (
        (True, "^", "#0173b2", f"{samples} most selected"),
        (False, "o", "#029e73", f"{samples} least selected"),
    ):
        ends = table.nsmallest(samples, "rank") if first else table.nlargest(samples, "rank")
        panel.scatter(
            *points[ends["index"]].T,
            marker=marker,
            s=34,
            facecolor="none",
            edgecolor=colour,
            linewidth=1.1,
            label=name,
        )
    if circles:
        for centre in CENTRES:
            panel.add_patch(Circle(centre, RADIUS, fill=False, color=GREY, lw=0.8))
    panel.set(aspect="equal", xticks=[], yticks=[])
    panel.margins(0.03)
    panel.spines[:].set_visible(True)
    panel.grid(visible=False)
    panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=2)
