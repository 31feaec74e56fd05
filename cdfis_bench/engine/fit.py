"""Which parts go together, told before any training."""

from cdfis_bench.core.errors import require
from cdfis_bench.core.types import Metric, Selector, Source, Threshold, Weighting


def check_fit(
    source: Source, metric: Metric, selector: Selector, weighting: Weighting, threshold: Threshold
) -> None:
    """Raises UserError, in one sentence, for a combination that cannot work or would be wrong."""
    _check_source(source, metric, selector)
    check_parts(metric, selector)
    require(
        selector.known_probabilities or not weighting.needs_probabilities,
        f"{_name(weighting)} needs exact draw probabilities, which {_name(selector)} "
        "does not have; use weighting=none, or selector=cdf with selector.replacement=true",
    )
    require(
        not threshold.needs_scores or hasattr(metric, "of_logits"),
        f"{_name(threshold)} watches the scores of trained samples, which {_name(metric)} does not "
        "give for free; use metric=loss or metric=grad_norm_bound",
    )


def check_parts(metric: Metric, selector: Selector) -> None:
    """Raises UserError if the selector cannot use the scores of this metric."""
    require(
        not selector.uses_scores or selector.accepts_signed or not metric.signed,
        f"{_name(metric)} makes negative scores, which {_name(selector)} cannot "
        "draw in proportion to; use selector=topk or selector.form=rank",
    )


def _check_source(source: Source, metric: Metric, selector: Selector) -> None:
    """See core.types.Source.kind."""
    kind = source.kind
    require(
        kind not in ("law", "subset") or hasattr(metric, "table"),
        f"{_name(source)} asks for a score of every training sample, which {_name(metric)} does "
        "not remember; use metric=memory, or source=presample",
    )
    require(
        kind != "law" or hasattr(selector, "masses"),
        f"{_name(source)} draws by fixed probabilities, which {_name(selector)} does not have; use "
        "selector=cdf, or source=presample",
    )
    varies = getattr(selector, "variable_size", False)
    require(
        kind != "stream" or varies,
        f"{_name(source)} needs a selector that accepts as many as it likes, which "
        f"{_name(selector)} does not; use selector=percentile_bernoulli, or source=presample",
    )
    require(
        kind != "batch" or not varies,
        f"{_name(selector)} accepts as many samples as it likes, but {_name(source)} needs exactly "
        "batch_size of them; use source=queue or source=epoch_subset",
    )


def _name(part: object) -> str:
    return type(part).__name__
