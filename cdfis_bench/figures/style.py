"""One look for all pictures: the same method has the same colour and name everywhere.

Imports matplotlib only: every run draws a picture of its own and must not wait for seaborn, whose
"whitegrid" style and "colorblind" palette these are.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib

# The paper's names (figures 2 and 3), then those of the methods' authors.
METHOD_NAMES = {
    "uniform": "uniform",
    "loss_topk": "highest loss",
    "loss_cdf": "highest loss CDF",
    "grad_norm_topk": "gradient norm",
    "grad_norm_cdf": "gradient norm CDF",
    "uniform_presample": "uniform, K loaded",
    "random_scores": "random scores CDF",
    "rs2": "RS2",
    "cdf_rank": "highest loss CDF, by rank",
    "systematic": "highest loss, systematic",
    "loss_cdf_unbiased": "highest loss CDF, unbiased",
    "loss_cdf_tau": "highest loss CDF, KF18's start",
    "loss_cdf_distinct": "highest loss CDF, no repeats",
    "loss_cdf_now": "highest loss CDF, at once",
    "kf18_bound": "KF18, bound",
    "kf18_loss": "KF18, loss",
    "lh15": "LH15",
    "adambs": "AdamBS",
    "rais": "RAIS",
    "selective_backprop": "Selective-Backprop",
    "sb_composer": "Selective-Backprop, Composer",
    "rho": "RHO-LOSS",
    "infobatch": "InfoBatch",
    "divbs": "DivBS",
    "reference_code": "the authors' code",
}
METHOD_COLOURS = {
    "uniform": "#0173b2",
    "loss_topk": "#d55e00",
    "loss_cdf": "#de8f05",
    "grad_norm_topk": "#cc78bc",
    "grad_norm_cdf": "#029e73",
}
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
    "fallback_count": "steps drawn uniformly for want of scores",
    "train_loss": "training loss (mini-batch)",
    "test_loss": "test loss",
    "test_accuracy": "test accuracy",
}
GREY = "0.35"

_LOOK = {
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
    "xtick.color": GREY,
    "xtick.labelsize": 8,
    "ytick.color": GREY,
    "ytick.labelsize": 8,
}


@contextmanager
def look() -> Iterator[None]:
    """Inside, figures are made and saved in this style; matplotlib's own settings stay as they are.

    Figures are made with matplotlib.figure.Figure, not pyplot: no display is asked for, and nothing
    stays open.
    """
    with matplotlib.rc_context(_LOOK):
        yield


def human_name(label: str, plain: str) -> str:
    """The legend's words for a label: the paper's where it has some. plain: the label's method."""
    return METHOD_NAMES.get(plain, plain) + label.removeprefix(plain)


def gate_text(step: float, opened: int, runs: int) -> str:
    """When importance sampling began: at the median step of the runs in which it did."""
    text = f"opens at step {step:.0f}" if step else "open from the start"
    return text if opened == runs else f"{text} ({opened} of {runs} seeds)"
