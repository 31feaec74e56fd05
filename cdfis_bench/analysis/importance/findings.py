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
    by_luck,
    top_shares,
)
from cdfis_bench.analysis.importance.ranking import importance_of, sample_table
from cdfis_bench.analysis.importance.shares import class_shares, rate_histogram
from cdfis_bench.records.stored_run import StoredRun


@dataclass(frozen=True, slots=True)
class Findings:
    """table: one row per training sample. top_shares: of the selections, what the most selected
    tenth of the samples took; observed, and by luck; means over the seeds.
    """

    seeds: list[int]
    prior_offers: float
    table: pd.DataFrame
    agreement: Agreement
    luck_agreement: Agreement
    top_shares: tuple[float, float]
    classes: pd.DataFrame
    histogram: pd.DataFrame

    def numbers(self) -> dict[str, Any]:
        """All but the table, as plain values; null where one seed gives no number."""
        return _without_nan(
            {
                "seeds": self.seeds,
                "prior_offers": self.prior_offers,
                "rank_correlation": {
                    "mean": self.agreement.mean,
                    "mean_by_luck": self.luck_agreement.mean,
                    "reliability_of_the_mean_ranking": self.agreement.reliability,
                    "pairs": [[*pair, value] for pair, value in self.agreement.pairs.items()],
                },
                "share_of_selections": {
                    "of_the_most_selected": TOP_FRACTION,
                    "observed": self.top_shares[0],
                    "by_luck": self.top_shares[1],
                },
                "classes": self.classes.to_dict("list"),
                "histogram": self.histogram.to_dict("list"),
            }
        )


def _without_nan(value: Any) -> Any:
    """JSON knows no NaN."""
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_without_nan(part) for part in value]
    return None if value != value else value


def findings_of(
    runs: Sequence[StoredRun], labels: NDArray, n_classes: int, prior_offers: float
) -> Findings:
    """labels: [n] of the training set. Raises UserError if no run chose among its candidates."""
    found, predicted = importance_of(runs, prior_offers)
    luck = by_luck(found, prior_offers)
    return Findings(
        seeds=found.seeds,
        prior_offers=prior_offers,
        table=sample_table(found, labels, predicted),
        agreement=agreement(found),
        luck_agreement=agreement(luck),
        top_shares=(
            float(top_shares(found.selected).mean()),
            float(top_shares(luck.selected).mean()),
        ),
        classes=class_shares(found, labels, n_classes),
        histogram=rate_histogram(found, luck),
    )
