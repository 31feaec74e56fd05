"""One look for all pictures: the same method has the same colour and name everywhere."""

from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib
import seaborn as sns

# The paper's names (figures 2 and 3).
METHOD_NAMES = {
    "uniform": "uniform",
    "loss_topk": "highest loss",
    "loss_cdf": "highest loss CDF",
    "grad_norm_topk": "gradient norm",
    "grad_norm_cdf": "gradient norm CDF",
}
AXIS_NAMES = {
    "step": "steps",
    "train_seconds": "training time (s)",
    "samples_trained": "samples trained on",
    "sample_forward_equivalents": "forward passes of one sample (backward = 2)",
    "test_accuracy": "test accuracy",
    "test_loss": "test loss",
    "train_loss": "training loss (mini-batch)",
}
_COLOURS = sns.color_palette("colorblind", 10)
_METHOD_COLOURS = dict(zip(METHOD_NAMES, (_COLOURS[i] for i in (0, 3, 1, 4, 2)), strict=True))
_OTHERS = [_COLOURS[i] for i in (5, 6, 8, 9, 7)]
Colour = tuple[float, float, float]


@contextmanager
def look() -> Iterator[None]:
    """Inside, figures are made in the project's style; matplotlib's own settings are left alone."""
    style = {
        **sns.axes_style("whitegrid"),
        **sns.plotting_context("paper", font_scale=1.1),
        "grid.color": "0.92",
        "axes.edgecolor": "0.6",
        "pdf.fonttype": 42,  # text stays text
        "savefig.dpi": 150,
    }
    with matplotlib.rc_context(style):
        yield


def colours(labels: list[str], hue: str) -> dict[str, Colour]:
    """A colour per legend label: fixed for the paper's methods, a ramp for values of a key."""
    if hue != "method":
        ramp = iter(sns.color_palette("flare", sum(label != "uniform" for label in labels)))
        return {
            label: _METHOD_COLOURS["uniform"] if label == "uniform" else next(ramp)
            for label in labels
        }
    others = iter(_OTHERS * (1 + len(labels) // len(_OTHERS)))
    return {label: _METHOD_COLOURS.get(label) or next(others) for label in labels}
