"""The values that move between the rooms, and the protocols that the rooms satisfy.

Words: a *large batch* of K *candidates* is scored by a *metric*; a *selector* turns the K scores
into a selection of N; a *weighting* sets the loss weights of the selected; a *threshold* says from
when on this happens; a *source* says where candidates come from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Generator, Tensor, nn


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples ready for the network, with the rows of the training set they came from."""

    x: Tensor  # [K, *D] float32
    y: Tensor  # [K] int64
    index: Tensor  # [K] int64, row in the training set

    def __len__(self) -> int:
        return self.y.shape[0]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of the K candidates are trained on.

    masses: each candidate's chance in one draw, up to a common factor; None where it is not known
    exactly.
    fallback: true where the scores could not be used (not finite, or all zero) and the draw was
    uniform.
    """

    indices: Tensor  # [N] int64 into the K candidates
    masses: Tensor | None  # [K] float64, >= 0
    fallback: bool

    @property
    def probabilities(self) -> Tensor | None:
        """[K] float64, summing to 1. Computed when asked for: most steps never do."""
        return None if self.masses is None else self.masses / self.masses.sum()


class Stateful(Protocol):
    """Anything with memory: its state can be saved and put back."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


class Metric(Protocol):
    """Makes one importance score per sample. Pure: no parameter, buffer, gradient or mode is
    changed.

    signed: scores may be negative (a selector that draws in proportion to them refuses such a
    metric).
    backward_passes: backward passes per scored sample, for the cost ledger (0 or 1).
    """

    signed: bool
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
    draws.
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
    """

    needs_probabilities: bool

    def __call__(self, selection: Selection, k: int) -> Tensor | None: ...


@dataclass(frozen=True, slots=True)
class Observation:
    """What a threshold may look at after each step."""

    step: int  # steps finished, from 1
    mean_loss: float  # unweighted mean loss of the trained mini-batch, before its update


class Threshold(Stateful, Protocol):
    """The start criterion: importance sampling is on while `open` is true."""

    @property
    def open(self) -> bool: ...
    def update(self, observation: Observation) -> None: ...


class Source(Stateful, Protocol):
    """Where candidates come from."""

    def next(self, open: bool, generator: Generator) -> Batch:
        """N candidates while the gate is closed, K while it is open."""
        ...


class Samples(Protocol):
    """A labelled set of samples held in memory, rows in a fixed order."""

    y: Tensor  # [n] int64

    def __len__(self) -> int: ...
    def batch(self, index: Tensor) -> Batch:
        """The rows `index` [K] int64, gathered and normalised on the device of the run."""
        ...


class Recorder(Protocol):
    """Takes what a run produces: to disk, to W&B, to memory; all the same."""

    def row(self, table: str, **values: float | int | bool | None) -> None: ...
    def array(self, name: str, values: Tensor) -> None: ...
