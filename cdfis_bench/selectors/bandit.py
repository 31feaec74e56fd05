"""A law over the whole training set, learned as in a bandit: the sampler of AdamBS."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from cdfis_bench.core.errors import require_choice, require_number
from cdfis_bench.core.types import Feedback, Scale, Selection
from cdfis_bench.selectors.backlog import Backlog, Seen
from cdfis_bench.selectors.cdf import draw_by_mass


def projected(logarithms: Tensor, least: float) -> Tensor:
    """The law closest to the masses (least Kullback-Leibler divergence) with every chance >= least.

    logarithms: [n] float64 of the masses, finite. Returns [n] float64, sum 1. least: n x least <=
    1. Chances at the floor are raised to it; all others keep their ratios.
    """
    n = logarithms.shape[0]
    masses = (logarithms - logarithms.max()).exp_()
    ordered = masses.sort().values
    rest = ordered.flip(0).cumsum(0).flip(0)  # [n] sums from here to the end
    scale = (1 - least * torch.arange(n, dtype=masses.dtype, device=masses.device)) / rest
    # The first that needs no raising if all below are raised; so are then all behind it.
    free = (scale * ordered >= least).to(torch.int8).argmax()
    return (masses * scale[free]).clamp_min_(least)


class BanditSelector:
    """Draws with replacement by a law p [n] that grows where gradients are large.

    After every mini-batch, for each drawn j with r_j = (||g_j|| / largest seen)^2, drawn c_j times
    of N with chance q_j: p_j <- p_j exp(-a l_j c_j / (N q_j)), l_j = -r_j / p_j^2, plus 1 / p_min^2
    with shift "paper"; then p is projected on p >= p_min = floor / n. In the mean this descends
    sum r / p, the variance of the unbiased gradient, down to p proportional to ||g||.
    With a = rate x p_min^3 the exponent is without scale, and is kept within max_step.
    ||g_j||: at the logits, from the training pass. Between two looks at the law (`masses`, O(n)) a
    step costs O(N), most of it put off (selectors/backlog.py). `whole_set`: the scores that it is
    called with count for nothing.
    shift "paper" makes every drawn sample less likely than those not drawn, hard ones least so: the
    same in the mean, but so noisy that on four samples the law stayed near the uniform one. "none"
    is the authors' code, whose p_min, step size and normalisation differ; it ships without weights,
    while the paper has those of weighting=unbiased.
    Source: Liu et al. 2020 (Adam with bandit sampling), algorithm 2; the 1 / N is our reading.
    """

    uses_scores = True
    accepts_signed = True
    known_probabilities = True
    whole_set = True
    replacement = True

    def __init__(
        self, floor: float = 0.1, rate: float = 1e5, shift: str = "none", max_step: float = 1.0
    ) -> None:
        self.floor = require_number("selector.floor", floor, 0.0, 1.0, open_low=True)
        self.rate = require_number("selector.rate", rate, 0.0, math.inf)
        self.shift = require_choice("selector.shift", shift, ("paper", "none"))
        self.max_step = require_number("selector.max_step", max_step, 0.0, 100.0, open_low=True)
        self._largest = torch.zeros((), dtype=torch.float64)  # norm seen so far
        self._law = self._logarithms = torch.empty(0)

    def start(self, scale: Scale) -> None:
        # MPS has no float64.
        device = torch.device("cpu") if scale.device.type == "mps" else scale.device
        self._law = torch.full((scale.n_all,), 1 / scale.n_all, dtype=torch.float64, device=device)
        self._logarithms = self._law.log()
        self._largest = self._largest.to(device)
        self._backlog = Backlog(scale.n_all, device, self._look)

    def learn(self, feedback: Feedback) -> None:
        """The law itself changes with the next `masses`."""
        self._backlog.put(feedback)

    def _look(self, seen: Seen) -> None:
        """O(N) for each mini-batch that waits, as if it had been done after each."""
        largest = torch.cat([self._largest.unsqueeze(0), seen.norms.amax(1)]).cummax(0).values
        self._largest = largest[-1]
        rewards = (seen.norms / largest[1:, None].clamp_min(1e-300)).square()
        self.update(seen.rows, rewards, seen.chances)

    def update(self, rows: Tensor, rewards: Tensor, chances: Tensor) -> None:
        """rows: [..., N] int64 that were drawn. rewards: the same in [0, 1]. chances: of the draws.

        Every mini-batch counts as drawn by the law as it is: it changes with `masses` only.
        """
        least = self.floor / self._law.shape[0]
        ratio = least / self._law[rows]  # in (0, 1]
        shift = 1.0 if self.shift == "paper" else 0.0
        # a l / q, with a = rate p_min^3 and everything in units of p_min.
        losses = (shift - rewards * ratio.square()) * (least / chances)
        steps = (-self.rate / rows.shape[-1] * losses).clamp_(-self.max_step, self.max_step)
        self._logarithms.index_add_(0, rows.flatten(), steps.flatten())

    def masses(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """(law [n] float64, false): what was learned since takes effect. scores: [n], not used."""
        self._backlog.catch_up()
        self._law = projected(self._logarithms, self.floor / self._law.shape[0])
        self._logarithms = self._law.log()
        law = self._law.to(scores.device)
        return law, torch.zeros((), dtype=torch.bool, device=law.device)

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """n indices into the training set. scores: [n]."""
        masses, fallback = self.masses(scores)
        return Selection(draw_by_mass(masses, n, generator), masses, fallback)

    def state_dict(self) -> dict[str, Any]:
        return {
            "law": self._law,
            "logarithms": self._logarithms,
            "largest": self._largest,
            "backlog": self._backlog.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        # Copies: this changes them in place, and the state belongs to whoever gave it.
        self._law, self._logarithms = state["law"].clone(), state["logarithms"].clone()
        self._largest = state["largest"].clone()
        self._backlog.load_state_dict(state["backlog"])
