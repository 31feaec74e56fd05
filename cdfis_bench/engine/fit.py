"""Which parts go together, told before any training."""

from cdfis_bench.core.errors import require
from cdfis_bench.core.types import Metric, Selector, Source, Threshold, Weighting


def check_fit(
    source: Source, metric: Metric, selector: Selector, weighting: Weighting, threshold: Threshold
) -> None:
    """Raises UserError, in one sentence, for a combination that cannot work or would be wrong."""
    _check_source(source, metric, selector)
    check_parts(metric, selector)
    _check_weighting(source, selector, weighting)
    require(
        not threshold.needs_scores or hasattr(metric, "of_logits"),
        f"{_name(threshold)} watches the scores of trained samples, which {_name(metric)} does not "
        "give for free; use metric=loss or metric=grad_norm_bound",
    )


def _check_weighting(source: Source, selector: Selector, weighting: Weighting) -> None:
    """No weights that would be wrong without telling."""
    require(
        selector.known_probabilities or not weighting.needs_probabilities,
        f"{_name(weighting)} needs exact draw probabilities, which {_name(selector)} "
        "does not have; use weighting=none, or selector=cdf with selector.replacement=true",
    )
    require(
        source.kind != "subset" or not weighting.needs_probabilities,
        f"{_name(source)} goes once through what was chosen, so that the weights of single draws "
        f"({_name(weighting)}) would be wrong; use weighting=none or weighting=per_sample",
    )
    require(
        _has(selector, "known_inclusion") or not _has(weighting, "needs_inclusion"),
        f"{_name(weighting)} needs each candidate's exact chance to be selected, which "
        f"{_name(selector)} does not know; use selector=systematic, or weighting=none",
    )
    require(
        _has(selector, "gives_weights") or not _has(weighting, "needs_weights"),
        f"{_name(weighting)} takes the weights that a selector gives, but {_name(selector)} gives "
        "none; use selector=mean_cut, or weighting=none",
    )


def check_parts(metric: Metric, selector: Selector) -> None:
    """Raises UserError if the selector cannot use the scores of this metric."""
    require(
        not _has(metric, "pairwise") or _has(selector, "pairwise") or not selector.uses_scores,
        f"{_name(metric)} compares candidates with each other, but {_name(selector)} wants one "
        "score of each; use selector=greedy_residual, or metric=loss",
    )
    require(
        not _has(selector, "pairwise") or _has(metric, "pairwise"),
        f"{_name(selector)} compares candidates with each other, but {_name(metric)} scores each "
        "on its own; use metric=last_layer_gram, or selector=topk",
    )
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
        kind != "law" or (hasattr(selector, "masses") and selector.known_probabilities),
        f"{_name(source)} draws by fixed probabilities, which {_name(selector)} does not have; use "
        "selector=cdf, or source=presample",
    )
    require(
        kind == "law" or not _has(selector, "whole_set"),
        f"{_name(selector)} remembers a law of all training samples, which {_name(source)} does "
        "not draw from; use source=dataset with metric=memory",
    )
    varies = _has(selector, "variable_size")
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


def _has(part: object, claim: str) -> bool:
    """Of the claims that a part need not make (core.types.Metric, Selector, Weighting)."""
    return getattr(part, claim, False)


def _name(part: object) -> str:
    return type(part).__name__
