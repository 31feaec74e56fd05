"""The values that move between the rooms.

A *large batch* of K *candidates* is scored by a *metric*. A *selector* turns the K scores into a
*selection* of N. A *weighting* sets the loss weights of the selected samples. A *threshold* decides
from when on this happens. A *source* provides the candidates. The parts themselves have their base
classes in `core/parts.py`.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

_FALSE = torch.tensor(False)


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples ready for the network, with their rows in the training set.

    Attributes:
        x: Inputs [K, *D], float32.
        y: Labels [K], int64.
        index: Rows in the training set [K], int64, on the device of x and y.
        draws: Random numbers behind the augmented x [K, P], float32; None without augmentation.
    """

    x: Tensor
    y: Tensor
    index: Tensor
    draws: Tensor | None = None

    def __len__(self) -> int:
        return self.y.shape[0]

    def take(self, indices: Tensor) -> "Batch":
        """Returns the samples at the positions `indices` [N], int64, of this batch."""
        return Batch(
            self.x.index_select(0, indices),
            self.y.index_select(0, indices),
            self.index.index_select(0, indices),
            None if self.draws is None else self.draws.index_select(0, indices),
        )


@dataclass(frozen=True, slots=True)
class PixelScale:
    """How pixel values from 0 (black) to 1 (white) became what the network sees.

    Attributes:
        mean: Subtracted from each channel [C].
        std: What the difference was divided by [C].
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def unit(cls, channels: int) -> "PixelScale":
        """The scale of pixels that are left as they are."""
        return cls((0.0,) * channels, (1.0,) * channels)

    @property
    def black(self) -> tuple[float, ...]:
        """The normalized value of a black pixel [C]."""
        return tuple(-mean / std for mean, std in zip(self.mean, self.std, strict=True))


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of the K candidates are trained on.

    Attributes:
        indices: Positions of the selected among the candidates [N], int64.
        unnormalized_probabilities: Of each candidate in one independent draw, up to a common
            factor: [K], float64, >= 0. None where they are not known exactly.
        fallback: [] bool, true where the scores could not be used (not finite, or all zero) and the
            draw was uniform. A tensor, because reading it would synchronize with an accelerator.
        draw_probabilities: Probabilities of the selected [N], float64, if already known.
        loss_weights: Loss weights [N], float32, from the selector itself
            (weighting=per_sample uses them).
        inclusion_probabilities: Probability of each candidate to be among the selected: [K],
            float64, summing to N. None where unknown.
        random_share: Share of the selected that were taken at random because the scores had nothing
            more to say, []. None where the selector does not tell.
    """

    indices: Tensor
    unnormalized_probabilities: Tensor | None = None
    fallback: Tensor = field(default_factory=lambda: _FALSE)
    draw_probabilities: Tensor | None = None
    loss_weights: Tensor | None = None
    inclusion_probabilities: Tensor | None = None
    random_share: Tensor | None = None

    @property
    def probabilities(self) -> Tensor | None:
        """Draw probabilities of all candidates: [K], float64, summing to 1; None if unknown."""
        unnormalized = self.unnormalized_probabilities
        return None if unnormalized is None else unnormalized / unnormalized.sum()

    @property
    def selected_probabilities(self) -> Tensor | None:
        """Draw probabilities of the selected: [N], float64; None if unknown."""
        unnormalized = self.unnormalized_probabilities
        if self.draw_probabilities is not None or unnormalized is None:
            return self.draw_probabilities
        return unnormalized.index_select(0, self.indices) / unnormalized.sum()


@dataclass(frozen=True, slots=True)
class MiniBatch:
    """The mini-batch of one step, and how it was selected.

    Attributes:
        batch: The N samples to train on.
        loss_weights: Loss weights [N], float32; None stands for ones.
        offered: Rows of the training set that could have been selected; None for all of them.
        loaded: Number of samples gathered for this step.
        selection: How the samples were selected; None where they were taken in shuffled order.
        scores: What the selection was made from: [M], or [K, K] of a pairwise metric. Positions in
            it are those of `selection.indices`. None where nothing was scored for this step.
        score_statistics: Of `scores`, where they are known already.
        is_new_selection: For sources that reuse one selection for several steps: true in the first
            of them, whose diagnostics are always recorded.
    """

    batch: Batch
    loss_weights: Tensor | None = None
    offered: Tensor | None = None
    loaded: int = 0
    selection: Selection | None = None
    scores: Tensor | None = None
    score_statistics: "ScoreStatistics | None" = None
    is_new_selection: bool = False


@dataclass(frozen=True, slots=True)
class ScoreStatistics:
    """Two numbers of M scores, each a tensor [] of float64.

    Attributes:
        tau: sqrt(M sum g^2) with g = scores / sum: 1 for equal scores, at most sqrt(M). It is
            sqrt(M / effective sample size). Not finite where the scores are not, or sum to 0.
        mean: Mean score.
    """

    tau: Tensor
    mean: Tensor

    @classmethod
    def of(cls, scores: Tensor) -> "ScoreStatistics":
        """The statistics of `scores` [M]."""
        return cls(concentration(scores), scores.mean())


def concentration(scores: Tensor) -> Tensor:
    """tau = sqrt(M sum g^2) of M scores [M], g = scores / sum: [] float64, from 1 to sqrt(M).

    Not finite where scores are not, or sum to 0.

    Source: Katharopoulos and Fleuret 2018, section 3.3, in the form without cancellation.
    """
    exact = scores.double()
    return exact.square().sum().mul(exact.numel()).sqrt() / exact.sum()


@dataclass(frozen=True, slots=True)
class StepEnd:
    """What a training step showed at no extra cost; see `Part.on_step_end`.

    Attributes:
        step: Number of finished steps, from 1.
        progress: Share of the budget that was spent before the step, from 0 to 1.
        mini_batch: The samples trained on, and how they were selected.
        logits: [N, C] before the update, no graph.
        losses: Unweighted losses [N] before the update, no graph.
    """

    step: int
    progress: float
    mini_batch: MiniBatch
    logits: Tensor
    losses: Tensor


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of a run, given to every part before the first step.

    Attributes:
        train_size: Number of training samples, n.
        large_batch_size: Candidates per step, K.
        batch_size: Samples trained on per step, N.
        device: The device of the run.
    """

    train_size: int
    large_batch_size: int
    batch_size: int
    device: torch.device


@dataclass(frozen=True, slots=True)
class Observation:
    """What a threshold is shown after each step.

    Attributes:
        step: Number of finished steps, from 1.
        progress: Share of the budget that was spent before the step, from 0 to 1.
        mean_loss: Unweighted mean loss of the mini-batch before its update; None for a threshold
            that does not need it.
        tau: Concentration of the scores (`ScoreStatistics`); None unless the threshold needs it.
    """

    step: int
    progress: float = 0.0
    mean_loss: float | None = None
    tau: float | None = None


class Cost(Protocol):
    """The cost meter of a run: `with cost("load"): ...` charges a phase."""

    def __call__(self, phase: str) -> AbstractContextManager[None]:
        """phase: load, score, select, update, or eval (outside the training time)."""
        ...

    def count_scored(self, samples: int, forward_passes: int, backward_passes: int) -> None:
        """Counts scored samples with their passes through the network."""
        ...

    def count_step(self, loaded: int, trained: int) -> None:
        """Counts a training step: samples loaded for it, and samples trained on."""
        ...


class Samples(Protocol):
    """A labelled set of samples held in memory, rows in a fixed order."""

    y: Tensor  # [n] int64, on the device of the run
    index_device: torch.device  # where rows are looked up: the device of the samples themselves

    def __len__(self) -> int: ...
    def batch(self, index: Tensor) -> Batch:
        """Returns the rows `index` [K], int64, gathered and normalized on the device of the run.

        They are a copy: augmentation changes them.
        """
        ...


class HoldoutLosses(Protocol):
    """Trains holdout models before a run (engine/holdout.py)."""

    def cross_fitted_losses(self, steps: int, amortize: float = 1) -> Tensor:
        """Losses [n] of every training sample under a network that was not trained on it.

        `amortize` runs share the cost.
        """
        ...


class Recorder(Protocol):
    """Takes what a run produces: to disk, to W&B, or to memory."""

    def row(self, table: str, **values: float | int | bool | None) -> None:
        """Takes a row of a table, by column."""
        ...

    def array(self, name: str, values: Tensor) -> None:
        """Takes an array."""
        ...
