"""The values that move between the rooms, and the protocols that the rooms satisfy.

Words: a *large batch* of K *candidates* is scored by a *metric*; a *selector* turns the K scores
into a selection of N; a *weighting* sets the loss weights of the selected; a *threshold* says from
when on this happens; a *source* says where candidates come from.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Generator, Tensor, nn


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples ready for the network, with the rows of the training set they came from."""

    x: Tensor  # [K, *D] float32
    y: Tensor  # [K] int64
    index: Tensor  # [K] int64, row in the training set; on the device of x and y

    def __len__(self) -> int:
        return self.y.shape[0]

    def take(self, indices: Tensor) -> "Batch":
        """The samples `indices` [N] int64 of this batch."""
        return Batch(
            self.x.index_select(0, indices),
            self.y.index_select(0, indices),
            self.index.index_select(0, indices),
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of the K candidates are trained on.

    masses: each candidate's chance in one draw, up to a common factor; None where it is not known
    exactly.
    fallback: true where the scores could not be used (not finite, or all zero) and the draw was
    uniform. A tensor, because reading it would make the host wait for an accelerator.
    of_draws: the chances of the selected, where they are known already.
    weights: loss weights that the selector itself asks for (weighting=per_sample uses them).
    inclusion: each candidate's chance of being among the selected at all; None where unknown.
    """

    indices: Tensor  # [N] int64 into the K candidates
    masses: Tensor | None  # [K] float64, >= 0
    fallback: Tensor  # [] bool
    of_draws: Tensor | None = None  # [N] float64
    weights: Tensor | None = None  # [N] float32
    inclusion: Tensor | None = None  # [K] float64, sum N

    @property
    def probabilities(self) -> Tensor | None:
        """[K] float64, summing to 1. Computed when asked for: most steps never do."""
        return None if self.masses is None else self.masses / self.masses.sum()

    @property
    def chances(self) -> Tensor | None:
        """[N] float64: the probabilities of the selected, each in one draw."""
        if self.of_draws is not None or self.masses is None:
            return self.of_draws
        return self.masses.index_select(0, self.indices) / self.masses.sum()


@dataclass(frozen=True, slots=True)
class Chosen:
    """The mini-batch of one step, and what it was chosen from."""

    batch: Batch  # [N] samples to train on
    weights: Tensor | None = None  # [N] float32 loss weights; None stands for ones
    offered: Tensor | None = None  # rows that could have been chosen; None: the whole training set
    loaded: int = 0  # samples gathered for this step
    selection: Selection | None = None  # None where the batch was not made by a selector
    scores: Tensor | None = None  # [K] float, of the candidates of `selection`


@dataclass(frozen=True, slots=True)
class Feedback:
    """What training on a mini-batch showed, at no extra cost; for parts that remember."""

    step: int  # steps finished, from 1
    progress: float  # share of the budget that was spent before the step, 0..1
    batch: Batch  # [N] the samples trained on
    logits: Tensor  # [N, C] before the update, no graph
    losses: Tensor  # [N] unweighted, no graph
    chosen: Chosen


@dataclass(frozen=True, slots=True)
class Scale:
    """How large things are; parts that remember something per sample have `start(scale)`."""

    n_all: int  # training samples
    k: int  # candidates
    n: int  # trained on
    device: torch.device


class Stateful(Protocol):
    """Anything with memory: its state can be saved and put back."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


class Metric(Protocol):
    """Makes one importance score per sample. Pure: no parameter, buffer, gradient or mode is
    changed.

    signed: scores may be negative (a selector that draws in proportion to them refuses such a
    metric).
    forward_passes, backward_passes: of the network per scored sample, for the cost ledger (0 or 1).
    Metrics that are functions of the logits also have `of_logits(logits, y) -> scores`: what was
    scored while training is then free. One that compares candidates with each other has
    `pairwise = True` and makes [K, K]; it then bounds its forward passes itself.
    """

    signed: bool
    forward_passes: int
    backward_passes: int

    def check(self, model: nn.Module) -> None:
        """Raises UserError if this metric cannot score this network. Called once, when the run is
        built.
        """
        ...

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """Scores [K] float32, no graph attached."""
        ...


class Selector(Protocol):
    """Chooses n of the K scored candidates. Pure: all randomness comes from the generator.

    uses_scores: false for uniform, which then needs neither candidates nor scores.
    accepts_signed: true where negative scores make sense.
    known_probabilities: true where Selection.probabilities are the exact chances of independent
    draws; such a selector also has `masses(scores) -> (masses [K] float64, fallback [])`.
    Where they apply, with the value True: variable_size (n is not looked at), pairwise (takes
    [K, K] of such a metric), whole_set (remembers a law of all training samples, for a source of
    kind "law"), known_inclusion (Selection.inclusion is exact), gives_weights (Selection.weights).
    """

    uses_scores: bool
    accepts_signed: bool
    known_probabilities: bool

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection: ...


class Weighting(Protocol):
    """Loss weights [N] float32 of the selected samples; the trained loss is the mean of weight x
    loss.

    None stands for ones: the step then multiplies nothing.
    needs_probabilities: true where the weights are wrong without exact draw probabilities.
    Where they apply, with the value True: needs_inclusion (wrong without Selection.inclusion),
    needs_weights (takes Selection.weights).
    """

    needs_probabilities: bool

    def __call__(self, selection: Selection, k: int) -> Tensor | None: ...


@dataclass(frozen=True, slots=True)
class Observation:
    """What a threshold may look at after each step."""

    step: int  # steps finished, from 1
    mean_loss: float  # unweighted mean loss of the trained mini-batch, before its update
    progress: float = 0.0  # share of the budget that is spent, 0..1
    tau: float | None = None  # sqrt(m sum g^2) of the m scores of this step; see needs_scores


class Threshold(Stateful, Protocol):
    """The start criterion: importance sampling is on while `open` is true.

    needs_scores: true where Observation.tau is looked at. While the gate is closed it is that of
    the trained samples, whose scores then must come from the training pass (Metric.of_logits).
    """

    needs_scores: bool

    @property
    def open(self) -> bool: ...
    def update(self, observation: Observation) -> None: ...


class Cost(Protocol):
    """The clock: `with cost("load"): ...` charges a phase (load, score, select, update)."""

    def __call__(self, phase: str) -> AbstractContextManager[None]: ...


class Parts(Protocol):
    """What a source may use of the method it belongs to; each call charges its phase."""

    n: int
    progress: float  # share of the budget that is spent, 0..1
    metric: Metric
    selector: Selector
    weighting: Weighting
    cost: Cost
    generator: Generator  # of the selector's draws

    def score(self, candidates: Batch) -> Tensor:
        """Scores [K] of the loaded candidates."""
        ...

    def select(self, candidates: Batch, scores: Tensor) -> Chosen:
        """The selector's mini-batch of these candidates, weighted."""
        ...


class Source(Stateful, Protocol):
    """Where candidates come from, and how a mini-batch is made of them.

    kind: what it needs of the other parts. "batch": a metric of loaded samples and a selector.
    "law": a metric with `table()` -> [n] and a selector with `masses(scores)`. "subset": a metric
    with `table()`, any selector, which may be uniform. "stream": a selector with variable_size.
    """

    kind: str

    def choose(self, selecting: bool, order: Generator, parts: Parts) -> Chosen:
        """The next mini-batch. Not selecting, it is the next n samples of the shuffled set.

        order: the stream that the order of the training set is drawn from.
        """
        ...


class Samples(Protocol):
    """A labelled set of samples held in memory, rows in a fixed order."""

    y: Tensor  # [n] int64, on the device of the run
    index_device: torch.device  # where rows are looked up: the device of the samples themselves

    def __len__(self) -> int: ...
    def batch(self, index: Tensor) -> Batch:
        """The rows `index` [K] int64, gathered and normalised on the device of the run."""
        ...


class Recorder(Protocol):
    """Takes what a run produces: to disk, to W&B, to memory; all the same."""

    def row(self, table: str, **values: float | int | bool | None) -> None: ...
    def array(self, name: str, values: Tensor) -> None: ...
