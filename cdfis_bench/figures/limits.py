"""The limits of a y axis."""

import numpy as np
import pandas as pd

EARLY = 0.1  # of an arm's curve
MARGIN = 0.06  # of the span shown


def y_limits(drawn: pd.DataFrame, robust: bool) -> tuple[float, float] | None:
    """Limits that show the differences between curves.

    Intervals extend the limits by no more than half the span of the means: with two seeds they can
    be wider than everything else.

    Args:
        drawn: The part of `mean_curves` that a row of panels shows.
        robust: Whether the steep first tenth of each curve may be cut off, so that the differences
            at the end can be seen. The ends of all curves are always inside.

    Returns:
        (bottom, top), or None to leave them to matplotlib.
    """
    if drawn.empty:
        return None
    curves = [curve for _, curve in drawn.groupby(["panel_x", "label"], sort=False)]
    late = pd.concat([curve[curve["x"] >= EARLY * curve["x"].max()] for curve in curves])
    ends = pd.concat([curve.tail(1) for curve in curves])
    low = float(np.quantile(late["mean"], 0.05) if robust else drawn["mean"].min())
    low = min(low, float(ends["mean"].min()))
    high = float(drawn["mean"].max())
    room = (high - low) / 2 or 0.01
    # min and max of a NaN bound (one seed) keep the first number.
    bottom = max(min(low, float(ends["low"].min())), low - room)
    top = min(max(high, float(ends["high"].max())), high + room)
    margin = MARGIN * (top - bottom) or 0.01
    return bottom - margin, top + margin
