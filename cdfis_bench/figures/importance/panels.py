"""The panels below the samples: rates, agreement of the seeds, classes."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cdfis_bench.analysis.importance.null import Agreement
from cdfis_bench.figures.style import GREY
from cdfis_bench.figures.text import plain_log_ticks

CHANCE = "0.55"
MOST_NAMES = 12  # with more classes, their names do not fit under the bars


def draw_histogram(panel: Axes, bins: pd.DataFrame, colour: str, top: tuple[float, float]) -> None:
    """Draws the histogram of the samples' rates.

    Args:
        panel: Where to draw.
        bins: From `rate_histogram`.
        colour: Colour of the arm.
        top: The top tenth's share of the selections, (observed, by chance).
    """
    edges = np.append(bins["low"], bins["high"].iloc[-1])
    panel.stairs(bins["samples"], edges, fill=True, color=colour, alpha=0.75, label="observed")
    panel.stairs(bins["by_chance"], edges, color=CHANCE, lw=1.2, label="if all were equal (chance)")
    panel.set(yscale="log", xlim=(0, edges[-1]), xlabel="selections per offer", ylabel="samples")
    # Room above the bars for the legend, on a logarithmic axis.
    plain_log_ticks(panel.yaxis)
    panel.set_ylim(0.7, 20 * max(bins["samples"].max(), bins["by_chance"].max(), 1))
    panel.set_title(
        f"top 10 % take {100 * top[0]:.0f} % of selections (chance: {100 * top[1]:.0f} %)",
        loc="left",
    )
    panel.legend(loc="upper right")


def draw_agreement(panel: Axes, real: Agreement, chance: Agreement, colour: str) -> None:
    """Draws a dot for each pair of seeds, and below them those of the null distribution."""
    if not real.pairs:
        message = "One seed: whether its ranking\nis chance cannot be seen."
        panel.text(0.5, 0.5, message, ha="center", va="center", transform=panel.transAxes)
        panel.axis("off")
        return
    for height, (found, shade) in enumerate(((chance, CHANCE), (real, colour))):
        values = sorted(found.pairs.values())
        # A fixed vertical spread, so that dots of equal value can be distinguished.
        spread = 0.25 * np.sin(2.4 * np.arange(len(values)))
        panel.scatter(values, height + spread, s=14, color=shade, alpha=0.8, linewidth=0)
        panel.plot([found.mean] * 2, [height - 0.38, height + 0.38], color=shade, lw=1.5)
    panel.set(xlabel="rank correlation of two seeds (Spearman)", ylim=(-0.6, 1.6))
    panel.set_xlim(min(-0.1, *real.pairs.values(), *chance.pairs.values()) - 0.02, 1)
    panel.set_yticks([0, 1], ["chance", "observed"])
    panel.grid(axis="y", visible=False)
    pairs = "1 pair" if len(real.pairs) == 1 else f"{len(real.pairs)} pairs"
    panel.set_title(
        f"seeds agree: {real.mean:.2f} (chance: {abs(chance.mean):.2f}; {pairs})", loc="left"
    )


def draw_classes(panel: Axes, shares: pd.DataFrame, names: list[str], colour: str) -> None:
    """Draws each class's share of the offers, and of the selections with its interval."""
    place = shares["label"].to_numpy()
    panel.bar(place - 0.2, shares["offered"], 0.4, color=CHANCE, label="offered")
    panel.bar(place + 0.2, shares["selected"], 0.4, color=colour, label="selected")
    half = (shares["selected_high"] - shares["selected_low"]) / 2
    if half.notna().all():
        panel.errorbar(place + 0.2, shares["selected"], half, fmt="none", ecolor=GREY, lw=0.8)
    panel.set(xlabel="class", ylabel="share")
    if len(names) <= MOST_NAMES:
        panel.set_xticks(place, names)
        if max(map(len, names)) > 3 and len(names) > 4:
            panel.tick_params(axis="x", labelrotation=60)
    panel.set_ylim(
        0,
        1.3
        * np.nanmax(
            [shares["offered"].max(), shares["selected_high"].max(), shares["selected"].max()]
        ),
    )
    panel.legend(loc="upper right", ncols=2)
    panel.grid(axis="x", visible=False)
