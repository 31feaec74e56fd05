"""What a method is worth in uniform sampling: the budget at which uniform sampling is as good.

Uniform sampling is trained to the end of several budgets. Its mean final value, made monotone, is
interpolated linearly in the logarithm of the budget, and inverted at the method's mean final value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from cdfis_bench.analysis.arms import UNIFORM, Arm, baseline_of, differing_keys
from cdfis_bench.core.errors import require

Floats = NDArray[np.float64]
RESAMPLES = 2000
LEAST_SHARE = 0.5  # of the method's seeds that a point of the yardstick must share
_DECIMALS = 12  # of means; the smallest difference of two accuracies is 1 / (test set * seeds)
FALLING = ("test_loss", "validation_loss", "train_loss")  # measures whose small values are good


@dataclass(frozen=True, slots=True)
class Worth:
    """A budget of uniform sampling, as a multiple of the method's own.

    Attributes:
        value: The multiple; infinite above the largest budget that was trained, 0 below the
            smallest. NaN if it cannot be said.
        low: Lower bound of its 95 % interval, the same way. NaN with fewer than two seeds.
        high: Upper bound.
        smallest: Smallest multiple that was trained.
        largest: Largest multiple that was trained.
        seeds: Number of seeds that the method shares with the yardstick.
    """

    value: float
    low: float
    high: float
    smallest: float
    largest: float
    seeds: int

    def text(self) -> str:
        """Such as "1.20x (0.95x to 1.52x)", "more than 3x (2.10x to >3x)", or "-"."""
        if np.isnan(self.value):
            return "-"
        if self.value == np.inf:
            text = f"more than {self.largest:g}x"
        elif self.value == 0:
            text = f"less than {self.smallest:g}x"
        else:
            text = f"{self.value:.2f}x"
        if np.isnan(self.low) or self.low == self.high == self.value:
            return text
        return f"{text} ({self._bound(self.low)} to {self._bound(self.high)})"

    def _bound(self, value: float) -> str:
        if value == np.inf:
            return f">{self.largest:g}x"
        return f"<{self.smallest:g}x" if value == 0 else f"{value:.2f}x"


UNKNOWN = Worth(np.nan, np.nan, np.nan, np.nan, np.nan, 0)


def isotonic(means: Floats) -> Floats:
    """The non-decreasing sequence that is closest in least squares.

    Args:
        means: [..., points], in the order of the budget.

    Returns:
        [..., points]: at each point the largest, over beginnings before it, of the smallest mean
        that continues from there to the point or beyond.

    Source: Barlow et al. 1972, the max-min formula of isotonic regression.
    """
    points = means.shape[-1]
    sums = np.concatenate([np.zeros((*means.shape[:-1], 1)), np.cumsum(means, axis=-1)], axis=-1)
    fitted = np.empty_like(means, dtype=float)
    for at in range(points):
        best = np.full(means.shape[:-1], -np.inf)
        for begin in range(at + 1):
            lengths = np.arange(at + 1, points + 1) - begin
            to_each_end = (sums[..., at + 1 :] - sums[..., begin, None]) / lengths
            best = np.maximum(best, to_each_end.min(axis=-1))
        fitted[..., at] = best
    return np.maximum.accumulate(fitted, axis=-1)  # sums round


def invert(multiples: Floats, fitted: Floats, values: Floats) -> Floats:
    """The budget at which the interpolated curve has a value.

    Args:
        multiples: Budgets [points], increasing, above 0.
        fitted: Values of the curve there [rows, points], non-decreasing.
        values: Values to look up, [rows].

    Returns:
        Budgets [rows]; where the curve is level at the value, the geometric middle of the level
        part. 0 below the curve and infinity above it.
    """
    logs = np.log(multiples)
    rows, top = np.arange(len(values)), len(multiples) - 1
    first = (fitted < values[:, None]).sum(axis=1)  # first point >= value
    last = (fitted <= values[:, None]).sum(axis=1) - 1  # last point <= value
    left, right = np.clip(first, 0, top), np.clip(last, 0, top)
    rise = fitted[rows, left] - fitted[rows, right]
    # On a point or a level part first <= last, and the middle counts.
    between = first > last
    over = (values - fitted[rows, right]) / np.where(between & (rise > 0), rise, 1.0)
    share = np.where(between, over, 0.5)
    found = np.exp(logs[right] + share * (logs[left] - logs[right]))
    return np.select([last < 0, first > top], [0.0, np.inf], found)


def worth(
    method: Mapping[int, float],
    uniform: Mapping[float, Mapping[int, float]],
    *,
    falling: bool = False,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Worth:
    """The budget of uniform sampling that a method is worth, with a paired bootstrap interval.

    Seeds are resampled, each with its value of the method and of every point of the yardstick. A
    point that shares fewer than half of the method's seeds is left out; of the others only seeds
    are used that all have. The percentiles are those that widen the interval for few seeds.

    Args:
        method: Final values by seed.
        uniform: By multiple of the method's budget, final values of uniform sampling by seed.
        falling: Whether small values are good, as for a loss.
        level: Of the interval.
        resamples: Of the bootstrap; the same seeds are resampled in every call.

    Returns:
        `UNKNOWN` if fewer than two points or no seed can be used.

    Source: Hesterberg 2015, "What Teachers Should Know about the Bootstrap", section 5.3 (expanded
    percentile interval).
    """
    known = {seed: value for seed, value in method.items() if np.isfinite(value)}
    points = {
        multiple: {s: v for s, v in values.items() if s in known and np.isfinite(v)}
        for multiple, values in uniform.items()
    }
    points = {m: v for m, v in points.items() if v and len(v) >= LEAST_SHARE * len(known)}
    seeds = sorted(set(known).intersection(*points.values())) if points else []
    if len(points) < 2 or not seeds:
        return UNKNOWN
    multiples = np.array(sorted(points))
    sign = -1.0 if falling else 1.0
    own = sign * np.array([known[seed] for seed in seeds])
    curves = sign * np.array([[points[m][seed] for m in multiples] for seed in seeds])
    value = float(_lookup(multiples, curves.mean(0)[None], own.mean()[None])[0])
    ends = float(multiples[0]), float(multiples[-1])
    n = len(seeds)
    if n < 2:
        return Worth(value, np.nan, np.nan, *ends, n)
    counts = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), resamples) / n
    drawn = np.sort(_lookup(multiples, counts @ curves, counts @ own))
    tail = ndtr(stdtrit(n - 1, (1 - level) / 2) * np.sqrt(n / (n - 1)))
    place = int(np.floor(tail * resamples))
    # Not interpolated: next to an infinite value there is nothing in between.
    return Worth(value, float(drawn[place]), float(drawn[-1 - place]), *ends, n)


def _lookup(multiples: Floats, means: Floats, values: Floats) -> Floats:
    """As `invert`, of means that need not rise; equal means stay equal, however sums round."""
    return invert(multiples, isotonic(means).round(_DECIMALS), values.round(_DECIMALS))


def yardstick_of(arm: Arm, arms: Sequence[Arm]) -> dict[float, Arm]:
    """The uniform arms that differ from the arm's baseline in nothing but the budget's factor.

    Args:
        arm: The arm to measure.
        arms: All arms of the experiment.

    Returns:
        By multiple of the arm's budget, smallest first; empty without a baseline.
    """
    base = baseline_of(arm, list(arms))
    if base is None:
        return {}
    found = {
        one.budget_factor / arm.budget_factor: one
        for one in arms
        if one.method == UNIFORM and not differing_keys(one.record.config, base.record.config)
    }
    return dict(sorted(found.items()))


def worth_of(arm: Arm, arms: Sequence[Arm], measure: str = "test_accuracy") -> Worth:
    """The budget of uniform sampling that an arm is worth; unknown for what trained uniformly.

    Args:
        arm: The arm to measure.
        arms: All arms of the experiment.
        measure: A field of the runs' summary.

    Raises:
        UserError: If the runs have no such field, or it has no value.
    """
    if arm.method == UNIFORM or arm.never_acted:
        return UNKNOWN
    uniform = {m: finals(one, measure) for m, one in yardstick_of(arm, arms).items()}
    return worth(finals(arm, measure), uniform, falling=measure in FALLING)


def finals(arm: Arm, measure: str) -> dict[int, float]:
    """The final values of a measure by seed.

    Raises:
        UserError: If the runs do not have it.
    """
    try:
        values = arm.final(measure)
    except KeyError:
        values = {}
    unknown = not values or any(not isinstance(one, int | float) for one in values.values())
    require(
        not unknown,
        f"figure.measure={measure} has no value in the runs of {arm.label}; use test_accuracy or "
        "test_loss",
    )
    return {seed: float(value) for seed, value in values.items()}
