"""AdamBS: a sampling distribution over the training set, learned as in a bandit problem."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from cdfis_bench.core.errors import require_choice, require_number
from cdfis_bench.core.parts import WholeDatasetSelector
from cdfis_bench.core.types import Sizes, StepEnd
from cdfis_bench.selectors.step_buffer import BufferedSteps, StepBuffer


def projected(logarithms: Tensor, least: float) -> Tensor:
    """The closest distribution whose probabilities are all >= least.

    Closest in Kullback-Leibler divergence: probabilities below the floor are raised to it, all
    others keep their ratios.

    Args:
        logarithms: Of the unnormalized probabilities [n], float64, finite.
        least: The floor; n x least <= 1.

    Returns:
        [n], float64, sum 1.
    """
    n = logarithms.shape[0]
    unnormalized = (logarithms - logarithms.max()).exp_()
    ordered = unnormalized.sort().values
    rest = ordered.flip(0).cumsum(0).flip(0)  # [n] sums from here to the end
    scale = (
        1 - least * torch.arange(n, dtype=unnormalized.dtype, device=unnormalized.device)
    ) / rest
    # The first that stays above the floor if all below it are raised; so do all that follow.
    free = (scale * ordered >= least).to(torch.int8).argmax()
    return (unnormalized * scale[free]).clamp_min_(least)


class BanditSelector(WholeDatasetSelector):
    """Draws with replacement by a distribution p [n] that grows where gradients are large.

    After every mini-batch, for each drawn j with r_j = (||g_j|| / largest so far)^2, drawn c_j
    times of N with probability q_j: p_j <- p_j exp(-a l_j c_j / (N q_j)), l_j = -r_j / p_j^2, plus
    1 / p_min^2 with shift "paper"; then p is projected onto p >= p_min = floor / n. On average this
    descends sum r / p, the variance of the unbiased gradient, down to p proportional to ||g||. With
    a = rate x p_min^3 the exponent is free of scale; it is clipped to max_step. ||g_j|| is the
    gradient norm at the logits, from the training pass. Between two calls of `distribution`, O(n),
    a step costs O(N), most of it deferred (step_buffer.py).

    The authors' code ships without weights, while the paper has those of weighting=unbiased; its
    p_min, step size and normalization differ, too.

    Source: Liu et al. 2020 (Adam with bandit sampling), algorithm 2; the 1 / N is our reading.
    """

    def __init__(
        self, floor: float = 0.1, rate: float = 1e5, shift: str = "none", max_step: float = 1.0
    ) -> None:
        """Makes the selector.

        Args:
            floor: Smallest probability of a sample in one draw, times n; in (0, 1].
            rate: Step size.
            shift: "none": as in the authors' code. "paper": adds 1 / p_min^2 to the loss of drawn
                samples, which makes every drawn sample less likely than those not drawn, hard ones
                least so: the same on average, but so noisy that on four samples the distribution
                stayed near the uniform one.
            max_step: Limit of one update, as an exponent of e.
        """
        self.floor = require_number("selector.floor", floor, 0.0, 1.0, open_low=True)
        self.rate = require_number("selector.rate", rate, 0.0, math.inf)
        self.shift = require_choice("selector.shift", shift, ("paper", "none"))
        self.max_step = require_number("selector.max_step", max_step, 0.0, 100.0, open_low=True)
        self._largest = torch.zeros((), dtype=torch.float64)  # norm so far
        self._probabilities = self._logarithms = torch.empty(0)

    def setup(self, sizes: Sizes) -> None:
        """Starts with the uniform distribution."""
        # MPS has no float64.
        device = torch.device("cpu") if sizes.device.type == "mps" else sizes.device
        self._probabilities = torch.full(
            (sizes.train_size,), 1 / sizes.train_size, dtype=torch.float64, device=device
        )
        self._logarithms = self._probabilities.log()
        self._largest = self._largest.to(device)
        self._buffer = StepBuffer(sizes.train_size, device, self._process)

    def on_step_end(self, step_end: StepEnd) -> None:
        """Collects the step; the distribution itself changes with the next `distribution`."""
        self._buffer.put(step_end)

    def _process(self, seen: BufferedSteps) -> None:
        """O(N) for each collected step, as if it had been done after each of them."""
        largest = torch.cat([self._largest.unsqueeze(0), seen.norms.amax(1)]).cummax(0).values
        self._largest = largest[-1]
        rewards = (seen.norms / largest[1:, None].clamp_min(1e-300)).square()
        self.update(seen.rows, rewards, seen.probabilities)

    def update(self, rows: Tensor, rewards: Tensor, probabilities: Tensor) -> None:
        """Changes the logarithms of the probabilities by what mini-batches showed.

        Every mini-batch counts as drawn by the present distribution, which changes with
        `distribution` only.

        Args:
            rows: Rows that were drawn [..., N], int64.
            rewards: r of the same [..., N], in [0, 1].
            probabilities: Of the draws [..., N].
        """
        least = self.floor / self._probabilities.shape[0]
        ratio = least / self._probabilities[rows]  # in (0, 1]
        shift = 1.0 if self.shift == "paper" else 0.0
        # a l / q, with a = rate p_min^3 and everything in units of p_min.
        losses = (shift - rewards * ratio.square()) * (least / probabilities)
        steps = (-self.rate / rows.shape[-1] * losses).clamp_(-self.max_step, self.max_step)
        self._logarithms.index_add_(0, rows.flatten(), steps.flatten())

    def distribution(self) -> Tensor:
        """Returns p [n], float64; what was learned since the last call takes effect."""
        self._buffer.flush()
        self._probabilities = projected(self._logarithms, self.floor / self._probabilities.shape[0])
        self._logarithms = self._probabilities.log()
        return self._probabilities

    def state_dict(self) -> dict[str, Any]:
        """The distribution and the collected steps."""
        return {
            "probabilities": self._probabilities,
            "logarithms": self._logarithms,
            "largest": self._largest,
            "buffer": self._buffer.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues with the stored distribution."""
        # Copies, because they are changed in place and the state belongs to the caller.
        self._probabilities = state["probabilities"].clone()
        self._logarithms = state["logarithms"].clone()
        self._largest = state["largest"].clone()
        self._buffer.load_state_dict(state["buffer"])
