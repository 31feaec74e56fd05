"""Everything that a figure says about the importance of an arm's samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from cdfis_bench.analysis.importance.null import (
    TOP_FRACTION,
    Agreement,
    agreement,
    by_chance,
    top_shares,
)
from cdfis_bench.analysis.importance.ranking import importance_of, sample_table
from cdfis_bench.analysis.importance.shares import class_shares, rate_histogram
from cdfis_bench.records.stored_run import StoredRun


@dataclass(frozen=True, slots=True)
class Findings:
    """The importance of the training samples over the seeds of one arm.

    Attributes:
        seeds: Seeds of the runs that selected.
        prior_offers: Shrinkage of the rates, see `rates`.
        table: One row per training sample, see `sample_table`.
        agreement: Agreement of the seeds' rankings.
        chance_agreement: The same under the null distribution.
        top_shares: Share of the selections that went to the most selected tenth of the samples,
            (observed, by chance); means over the seeds.
        classes: See `class_shares`.
        histogram: See `rate_histogram`.
    """

    seeds: list[int]
    prior_offers: float
    table: pd.DataFrame
    agreement: Agreement
    chance_agreement: Agreement
    top_shares: tuple[float, float]
    classes: pd.DataFrame
    histogram: pd.DataFrame

    def numbers(self) -> dict[str, Any]:
        """All findings but the table as plain values for JSON; null where one seed gives none."""
        return _without_nan(
            {
                "seeds": self.seeds,
                "prior_offers": self.prior_offers,
                "rank_correlation": {
                    "mean": self.agreement.mean,
                    "mean_by_chance": self.chance_agreement.mean,
                    "reliability_of_the_mean_ranking": self.agreement.reliability,
                    "pairs": [[*pair, value] for pair, value in self.agreement.pairs.items()],
                },
                "share_of_selections": {
                    "of_the_most_selected": TOP_FRACTION,
                    "observed": self.top_shares[0],
                    "by_chance": self.top_shares[1],
                },
                "classes": self.classes.to_dict("list"),
                "histogram": self.histogram.to_dict("list"),
            }
        )


def _without_nan(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_without_nan(part) for part in value]
    return None if value != value else value


def findings_of(
    runs: Sequence[StoredRun], labels: NDArray, n_classes: int, prior_offers: float
) -> Findings:
    """Analyzes the importance of the training samples over the runs of one arm.

    Args:
        runs: Finished runs that differ in their seed.
        labels: Classes of the training samples, [n].
        n_classes: Number of classes.
        prior_offers: Shrinkage of the rates, see `rates`.

    Returns:
        All that figure=importance shows.

    Raises:
        UserError: If no run selected among its candidates.
    """
    found, predicted = importance_of(runs, prior_offers)
    chance = by_chance(found, prior_offers)
    return Findings(
        seeds=found.seeds,
        prior_offers=prior_offers,
        table=sample_table(found, labels, predicted),
        agreement=agreement(found),
        chance_agreement=agreement(chance),
        top_shares=(
            float(top_shares(found.selected).mean()),
            float(top_shares(chance.selected).mean()),
        ),
        classes=class_shares(found, labels, n_classes),
        histogram=rate_histogram(found, chance),
    )
