"""Base classes of everything that a method is made of.

A part overrides the hooks and capabilities that it needs; every other one keeps the default that is
declared here. A name that looks like a misspelt hook or capability is refused when the class is
defined.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import torch
from torch import Generator, Tensor, nn

from cdfis_bench.core.draws import draw, draw_distinct
from cdfis_bench.core.logits import logits_of
from cdfis_bench.core.shuffled import ShuffledRows
from cdfis_bench.core.types import (
    Batch,
    HoldoutLosses,
    MiniBatch,
    Observation,
    Samples,
    Selection,
    Sizes,
    StepEnd,
)

if TYPE_CHECKING:
    from cdfis_bench.core.context import StepContext


class Part(ABC):  # noqa: B024 (hooks have defaults, and metrics and selectors differ in the rest)
    """A metric, selector, weighting, threshold or source."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Raises TypeError for a misspelt hook or capability, and for one of the wrong kind."""
        super().__init_subclass__(**kwargs)
        if cls.__module__ != __name__:
            check_declared(cls, vars(cls))

    def setup(self, sizes: Sizes) -> None:  # noqa: B027
        """Called once, before the first step."""

    def on_step_end(self, step_end: StepEnd) -> None:  # noqa: B027
        """Called after every step. Overriding it makes the step keep per-sample losses."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that changes during a run: tensors and plain values."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:  # noqa: B027
        """Continues from what `state_dict` returned."""


def check_declared(cls: type, names: Mapping[str, Any]) -> None:
    """Checks attributes of a part, or of its class, against what its base classes declare.

    Args:
        cls: A subclass of Part.
        names: Attributes by name.

    Raises:
        TypeError: If a public name is none of the declared ones but looks like one of them, or if a
            capability is not a bool or number as it is declared.
    """
    declared = {
        name: value
        for base in cls.__mro__[1:]
        if base.__module__ == __name__
        for name, value in vars(base).items()
        if not name.startswith("_")
    }
    for name, value in names.items():
        if name.startswith("_"):
            continue
        if name not in declared:
            near = get_close_matches(name, declared, n=1, cutoff=0.8)
            if near or (name.startswith("on_") and callable(value)):
                hint = f"; did you mean {near[0]}?" if near else ""
                raise TypeError(f"{cls.__name__}.{name} is no hook or capability of a part{hint}")
        elif type(declared[name]) in (bool, int, float):
            expected = type(declared[name])
            accepted = (float, int) if expected is float else expected
            if not isinstance(value, accepted) and not isinstance(value, property):
                message = f"{cls.__name__}.{name} = {value!r} must be a {expected.__name__}"
                raise TypeError(message)


class Metric(Part):
    """Gives every candidate an importance score.

    A metric leaves the network as it found it: no parameter, buffer, gradient or mode is changed.

    Attributes:
        can_be_negative: Whether scores may be negative; selectors that draw in proportion to the
            scores refuse such a metric.
        forward_passes: Forward passes per scored sample, 0 or 1, for the cost accounting.
        backward_passes: Backward passes per scored sample, 0 or 1.
    """

    can_be_negative: bool = False
    forward_passes: int = 1
    backward_passes: int = 0

    @abstractmethod
    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """Returns scores [K], float32, without a graph."""

    def check(self, model: nn.Module) -> None:
        """Raises UserError if this metric cannot score this network. Called before the run."""

    def prepare(self, holdout: HoldoutLosses) -> None:
        """Called before the first step of a run; may train holdout models at the run's expense."""


class LogitMetric(Metric):
    """A metric that is a function of the logits, so that scores of trained samples are free."""

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """Returns scores [K], float32 (float64 for a float64 network), without a graph.

        Raises:
            UserError: If the network does not return logits [K, C].
        """
        with torch.no_grad():
            return self.from_logits(logits_of(model, batch.x), batch.y)

    @abstractmethod
    def from_logits(self, logits: Tensor, y: Tensor) -> Tensor:
        """Returns scores [K] from logits [K, C] and labels y [K]."""


class DatasetMetric(Metric):
    """A metric that keeps a score for every training sample."""

    @abstractmethod
    def table(self) -> Tensor:
        """Returns the scores of the whole training set [n], float32."""


class PairwiseMetric(Metric):
    """A metric that compares candidates with each other: it returns [K, K] instead of [K].

    It is called with all K candidates at once and limits the size of its forward passes itself.
    """


class Selector(Part):
    """Selects n of the K scored candidates. All randomness comes from the generator.

    Attributes:
        uses_scores: False for a selector that ignores the scores; nothing is scored for it.
        accepts_negative_scores: Whether negative scores make sense.
        gives_loss_weights: Whether `Selection.loss_weights` are set.
        gives_inclusion_probabilities: Whether `Selection.inclusion_probabilities` are set.
        learning_rate_factor: By what the learning rate is multiplied while the gate is open; may
            change from step to step if `changes_learning_rate` is true.
    """

    uses_scores: bool = True
    accepts_negative_scores: bool = False
    gives_loss_weights: bool = False
    gives_inclusion_probabilities: bool = False
    changes_learning_rate: bool = False
    learning_rate_factor: float = 1.0

    @abstractmethod
    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """Returns exactly n of the candidates with `scores` [K]."""


class IndependentSelector(Selector):
    """Draws in proportion to unnormalized probabilities.

    Attributes:
        replacement: True for independent draws, which may repeat and whose probabilities are known;
            false for successive draws without repeats.
    """

    replacement: bool = True

    @abstractmethod
    def unnormalized_probabilities(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the probabilities of one draw up to a common factor, and whether it fell back.

        Args:
            scores: [K].

        Returns:
            ([K] float64, finite, >= 0, not all zero; [] bool as `Selection.fallback`).
        """

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """Returns exactly n of the candidates with `scores` [K]."""
        unnormalized, fallback = self.unnormalized_probabilities(scores)
        if self.replacement:
            return Selection(draw(unnormalized, n, generator), unnormalized, fallback)
        return Selection(draw_distinct(unnormalized, n, generator), None, fallback)


class WholeDatasetSelector(Selector):
    """Keeps a sampling distribution over the whole training set; needs no metric.

    For sources that draw from the whole training set (source=dataset).
    """

    uses_scores: bool = False

    @abstractmethod
    def distribution(self) -> Tensor:
        """Returns the probabilities of one draw [n], float64, summing to 1: O(n).

        What the selector learned since the last call takes effect now.
        """

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """Returns n rows of the training set, independent draws; the scores [n] are ignored."""
        probabilities = self.distribution().to(scores.device)
        return Selection(draw(probabilities, n, generator), probabilities)


class VariableSizeSelector(Selector):
    """Selects as many candidates as it likes; n is ignored.

    For sources that hold selected samples back (source=queue, source=epoch_subset).
    """


class PairwiseSelector(Selector):
    """Compares candidates with each other: it takes the [K, K] of a PairwiseMetric as scores."""

    accepts_negative_scores: bool = True


class Weighting(Part):
    """Sets the loss weights of the selected samples; the loss is the mean of weight x loss.

    Attributes:
        needs_probabilities: Whether the weights are wrong without exact probabilities of
            independent draws.
        needs_inclusion_probabilities: Whether it needs `Selection.inclusion_probabilities`.
        needs_loss_weights: Whether it needs `Selection.loss_weights`.
    """

    needs_probabilities: bool = False
    needs_inclusion_probabilities: bool = False
    needs_loss_weights: bool = False

    @abstractmethod
    def __call__(self, selection: Selection, k: int) -> Tensor | None:
        """Returns loss weights [N], float32, or None for ones.

        Args:
            selection: The selected samples.
            k: Number of candidates that they were selected from.
        """


class Threshold(Part):
    """The start criterion: the gate is open, and importance sampling on, while `open` is true.

    Attributes:
        needs_loss: Whether `Observation.mean_loss` is read. A threshold that reads neither loss nor
            scores is shown every step at once, also on a GPU, where those values come late.
        needs_scores: Whether `Observation.tau` is read. While the gate is closed it is that of the
            trained samples, whose scores come from the training pass (LogitMetric).
    """

    needs_loss: bool = True
    needs_scores: bool = False

    @property
    @abstractmethod
    def open(self) -> bool:
        """Whether the next mini-batch is selected."""

    def update(self, observation: Observation) -> None:
        """Called after every step."""

    def on_evaluation(self, test_loss: float) -> None:
        """Called after every evaluation on the test set, the first one before any step."""


class Source(Part):
    """Provides candidates in the order of a shuffled training set.

    Attributes:
        needs_dataset_metric: Whether it asks the metric for stored scores of all samples
            (DatasetMetric).
        draws_from_dataset: Whether it draws independently from the whole training set, which takes
            an IndependentSelector or a WholeDatasetSelector.
        needs_variable_size: Whether it needs a VariableSizeSelector.
        accepts_variable_size: Whether it can use a VariableSizeSelector.
        selects_without_scores: Whether a selector that ignores scores selects, too.
    """

    needs_dataset_metric: bool = False
    draws_from_dataset: bool = False
    needs_variable_size: bool = False
    accepts_variable_size: bool = False
    selects_without_scores: bool = False

    def __init__(self, samples: Samples, large_batch_size: int, batch_size: int) -> None:
        """Takes the training set and the sizes K and N."""
        self.samples = samples
        self.large_batch_size = large_batch_size
        self.batch_size = batch_size
        self.rows = ShuffledRows(len(samples))

    def next_batch(self, context: "StepContext", size: int) -> Batch:
        """Returns the next `size` samples in shuffled order, charged to the phase "load"."""
        with context.cost("load"):
            rows = self.rows.next(size, context.order)
        return context.load(rows)

    def state_dict(self) -> dict[str, Any]:
        """The position in the shuffled order."""
        return {"rows": self.rows.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues at the stored position."""
        self.rows.load_state_dict(state["rows"])


class ReorderingSource(Source):
    """A source whose mini-batches are not simply n of the next K samples."""

    @abstractmethod
    def mini_batch(self, context: "StepContext") -> MiniBatch:
        """Returns the next mini-batch, selected. Reports scores and selection wherever it has them.

        `context` loads (with augmentation), scores, selects and weights, and charges each phase.
        """
