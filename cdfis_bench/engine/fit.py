"""Which parts go together; checked before any training."""

from collections.abc import Callable
from typing import Any, NamedTuple

from cdfis_bench.core.errors import require
from cdfis_bench.core.method import Method
from cdfis_bench.core.parts import (
    DatasetMetric,
    IndependentSelector,
    LogitMetric,
    Metric,
    PairwiseMetric,
    PairwiseSelector,
    Part,
    Selector,
    Source,
    Threshold,
    VariableSizeSelector,
    Weighting,
    WholeDatasetSelector,
    check_declared,
)
from cdfis_bench.metrics.none import NoMetric

BASES: dict[str, type[Part]] = {
    "source": Source,
    "metric": Metric,
    "selector": Selector,
    "weighting": Weighting,
    "threshold": Threshold,
}


class _Rule(NamedTuple):
    """A combination that is refused, and the sentence that says why and what to do instead."""

    refuses: Callable[[Any], bool]  # of a Method, or of a _Pair
    sentence: str  # {source}, {metric}, ... are the names of the classes


# Of metric and selector alone: also for `select`, which has no source.
PAIR_RULES = (
    _Rule(
        lambda m: m.selector.uses_scores and isinstance(m.metric, NoMetric),
        "{selector} needs scores, which metric=none does not give; use metric=loss",
    ),
    _Rule(
        lambda m: (
            isinstance(m.metric, PairwiseMetric)
            and m.selector.uses_scores
            and not isinstance(m.selector, PairwiseSelector)
        ),
        "{metric} compares candidates with each other, but {selector} needs one score for each; "
        "use selector=greedy_residual, or metric=loss",
    ),
    _Rule(
        lambda m: (
            isinstance(m.selector, PairwiseSelector) and not isinstance(m.metric, PairwiseMetric)
        ),
        "{selector} compares candidates with each other, but {metric} scores each on its own; use "
        "metric=last_layer_gram, or selector=topk",
    ),
    _Rule(
        lambda m: (
            m.metric.can_be_negative
            and m.selector.uses_scores
            and not m.selector.accepts_negative_scores
        ),
        "{metric} gives negative scores, which {selector} cannot draw in proportion to; use "
        "selector=topk or selector.form=rank",
    ),
)

RULES = (
    _Rule(
        lambda m: (
            m.source.needs_dataset_metric
            and m.selector.uses_scores
            and not isinstance(m.metric, DatasetMetric)
        ),
        "{source} needs a stored score for every training sample, which {metric} does not keep; "
        "use metric=memory, or source=presample",
    ),
    _Rule(
        lambda m: (
            m.source.draws_from_dataset
            and not isinstance(m.selector, WholeDatasetSelector)
            and not _independent(m.selector)
        ),
        "{source} draws with fixed probabilities, which {selector} does not have; use "
        "selector=cdf, or source=presample",
    ),
    _Rule(
        lambda m: (
            m.source.draws_from_dataset
            and isinstance(m.selector, IndependentSelector)
            and not isinstance(m.metric, DatasetMetric)
        ),
        "{source} needs a stored score for every training sample, which {metric} does not keep; "
        "use metric=memory, or source=presample",
    ),
    _Rule(
        lambda m: isinstance(m.selector, WholeDatasetSelector) and not m.source.draws_from_dataset,
        "{selector} keeps a sampling distribution over the whole training set, which {source} does "
        "not draw from; use source=dataset",
    ),
    _Rule(
        lambda m: m.source.needs_variable_size and not isinstance(m.selector, VariableSizeSelector),
        "{source} needs a selector that accepts as many samples as it likes, which {selector} does "
        "not; use selector=percentile_bernoulli, or source=presample",
    ),
    _Rule(
        lambda m: (
            isinstance(m.selector, VariableSizeSelector) and not m.source.accepts_variable_size
        ),
        "{selector} accepts as many samples as it likes, but {source} needs exactly batch_size of "
        "them; use source=queue or source=epoch_subset",
    ),
    *PAIR_RULES,
    _Rule(
        lambda m: (
            m.weighting.needs_probabilities
            and m.selects
            and not isinstance(m.selector, WholeDatasetSelector)
            and not _independent(m.selector)
        ),
        "{weighting} needs exact draw probabilities, which {selector} does not have; use "
        "weighting=none, or selector=cdf with selector.replacement=true",
    ),
    _Rule(
        lambda m: m.weighting.needs_probabilities and m.source.selects_without_scores,
        "{source} trains once on every selected sample, so that weights for single draws "
        "({weighting}) would be wrong; use weighting=none or weighting=per_sample",
    ),
    _Rule(
        lambda m: (
            m.weighting.needs_inclusion_probabilities
            and not m.selector.gives_inclusion_probabilities
        ),
        "{weighting} needs exact inclusion probabilities, which {selector} does not give; use "
        "selector=systematic, or weighting=none",
    ),
    _Rule(
        lambda m: m.weighting.needs_loss_weights and not m.selector.gives_loss_weights,
        "{weighting} takes the loss weights of the selector, but {selector} gives none; use "
        "selector=mean_cut, or weighting=none",
    ),
    _Rule(
        lambda m: m.threshold.needs_scores and not isinstance(m.metric, LogitMetric),
        "{threshold} needs the scores of trained samples, which {metric} does not give for free; "
        "use metric=loss or metric=grad_norm_bound",
    ),
)


def check_fit(method: Method) -> None:
    """Raises UserError, in one sentence, for parts that cannot work together."""
    _check(method, RULES)


class _Pair(NamedTuple):
    """The two parts that select without a source."""

    metric: Metric
    selector: Selector

    def parts(self) -> dict[str, Part]:
        """As Method.parts."""
        return {"metric": self.metric, "selector": self.selector}


def check_pair(metric: Metric, selector: Selector) -> None:
    """Raises UserError if the selector cannot use the scores of the metric."""
    _check(_Pair(metric, selector), PAIR_RULES)


def check_part(group: str, part: object) -> None:
    """Checks one part on its own.

    Args:
        group: source, metric, selector, weighting or threshold.
        part: What its configuration made.

    Raises:
        UserError: If it does not have the base class of its group, or if one of its attributes is a
            misspelt capability.
    """
    base = BASES[group]
    require(
        isinstance(part, base),
        f"{type(part).__name__} is no {group}: let it inherit from cdfis_bench.core.parts."
        f"{base.__name__}",
    )
    try:
        check_declared(type(part), vars(part))
    except TypeError as error:
        require(False, str(error))


def _check(method: Method | _Pair, rules: tuple[_Rule, ...]) -> None:
    names = {group: type(part).__name__ for group, part in method.parts().items()}
    for rule in rules:
        require(not rule.refuses(method), rule.sentence.format(**names))


def _independent(selector: Selector) -> bool:
    """Whether it makes independent draws with known probabilities."""
    return isinstance(selector, IndependentSelector) and selector.replacement
