"""A law over the whole training set by an upper bound on each gradient norm: RAIS, simplified."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from scipy.optimize import nnls
from torch import Generator, Tensor

from cdfis_bench.core.errors import require, require_number
from cdfis_bench.core.types import Feedback, Scale, Selection
from cdfis_bench.selectors.backlog import Backlog, Seen
from cdfis_bench.selectors.cdf import draw_by_mass


def fit_bound(features: Tensor, norms: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """(c, d) [F] float64 >= 0: norms are about <c, s>, give or take <d, s>.

    features: [m, F] >= 0. norms, weights: [m] >= 0. c: weighted non-negative least squares. d: the
    same on the residuals |v - <c, s>|, then scaled so that the weighted mean of ((v - <c, s>) /
    <d, s>)^2 is 1.
    """
    root = weights.sqrt().unsqueeze(1)
    design, norms = (features * root).cpu().numpy(), norms.cpu()
    root = root.squeeze(1).cpu()
    c = torch.from_numpy(nnls(design, (norms * root).numpy())[0])
    residuals = (norms - features.cpu() @ c).abs()
    d = torch.from_numpy(nnls(design, (residuals * root).numpy())[0])
    widths = features.cpu() @ d
    inside = widths > 0
    if not inside.any():  # an exact fit
        return c, d
    squares = (residuals[inside] / widths[inside]).square()
    shares = weights.cpu()[inside]
    return c, d * ((shares * squares).sum() / shares.sum()).sqrt()


def learning_rate_gain(uniform: float, robust: float, batch: float, n: int) -> float:
    """E||g_U||^2 / E||g_R||^2 of mini-batches of n: how much less noise the draws leave.

    uniform, robust: mean square of the gradient of one draw, uniform and (weighted) by the law.
    batch: mean square of the mini-batch's gradient. All three over the same weights.
    Source: Johnson and Guestrin 2018, section 3.4; both have the same mean gradient.
    """
    return 1 + (uniform - robust) / (n * batch) if batch > 0 else 1.0


class RobustLinearSelector:
    """Draws with replacement, chances proportional to <c, s_i> + margin x <d, s_i>: a bound on the
    gradient norm, linear in what is remembered of sample i.

    s_i: last norm, moving average of its norms, mean norm of all, 1 (the mean norm for both where
    a sample was never seen). c and d are fitted anew at every look at the law (`masses`, O(n)) to
    the last `window` mini-batches, weighted by 1 / (n p); a step costs O(N), most of it put off
    (selectors/backlog.py). floor: share of the
    law that is uniform. Norms are those at the logits, from the training pass.
    learning_rate_gain, 1..max_gain: by what the learning rate may be multiplied. `whole_set`: the
    scores that it is called with count for nothing. Unbiased with weighting=unbiased.
    The paper solves for c and d by its own program; least squares, features, window and the rates
    are ours.
    Source: Johnson and Guestrin 2018 (RAIS), sections 3.2 to 3.4.
    """

    uses_scores = True
    accepts_signed = True
    known_probabilities = True
    whole_set = True
    replacement = True

    def __init__(
        self,
        margin: float = 1.0,
        floor: float = 0.1,
        window: int = 20,
        keep: float = 0.9,
        gain_rate: float = 0.01,
        max_gain: float = 4.0,
    ) -> None:
        self.margin = require_number("selector.margin", margin, 0.0, 1e3)
        self.floor = require_number("selector.floor", floor, 0.0, 1.0, open_low=True)
        require(
            isinstance(window, int) and window >= 1,
            f"selector.window={window!r} must be a whole number of mini-batches, 1 or more",
        )
        self.window = window
        self.keep = require_number("selector.keep", keep, 0.0, 1.0)
        self.gain_rate = require_number("selector.gain_rate", gain_rate, 0.0, 1.0, open_low=True)
        self.max_gain = require_number("selector.max_gain", max_gain, 1.0, math.inf)
        self.learning_rate_gain = 1.0
        empty = torch.empty(0, dtype=torch.float64)
        # last norms and their moving averages [n]; NaN: never seen
        self._last = self._average = empty
        self._mean = torch.full((), torch.nan, dtype=torch.float64)  # of all norms, moving
        self._moments = torch.full((3,), torch.nan, dtype=torch.float64)  # uniform, robust, batch
        # What was seen lately, [m, 6]: four features, norm, weight.
        self._seen = torch.empty((0, 6), dtype=torch.float64)
        self._n = 0

    def start(self, scale: Scale) -> None:
        # MPS has no float64.
        device = torch.device("cpu") if scale.device.type == "mps" else scale.device
        self._n = scale.n
        self._last = torch.full((scale.n_all,), torch.nan, dtype=torch.float64, device=device)
        self._average = self._last.clone()
        self._mean, self._moments = self._mean.to(device), self._moments.to(device)
        self._seen = self._seen.to(device)
        self._backlog = Backlog(scale.n_all, device, self._look)

    def learn(self, feedback: Feedback) -> None:
        """The law itself changes with the next `masses`."""
        self._backlog.put(feedback)

    def _look(self, seen: Seen) -> None:
        """O(N) for each mini-batch that waits."""
        norms, drawn = seen.norms, seen.drawn
        weights = (len(self._last) * seen.chances).reciprocal()  # [T, N], 1 while uniform
        batch = (weights.unsqueeze(2) * seen.gradients).mean(1).square().sum(1)
        first, second = (weights * norms.square()).mean(1), (weights * norms).square().mean(1)
        moments = torch.stack([first, second, batch], dim=1)[drawn]
        self._moments = _moved(self._moments, moments, 1 - self.gain_rate)
        self._mean = _moved(self._mean, (weights * norms).mean(1), self.keep)

        late = slice(-self.window, None)
        features = self._features(seen.rows[late].flatten())  # as the last law knew them
        shown = torch.stack([norms[late].flatten(), weights[late].flatten()], dim=1)
        new = torch.cat([features, shown], dim=1)
        self._seen = torch.cat([self._seen, new])[-self.window * self._n :]
        self._remember(seen.rows.flatten(), norms.flatten())

    def _remember(self, rows: Tensor, norms: Tensor) -> None:
        """rows, norms: [m], the latest last; a row may be there several times."""
        rows, which, times = rows.unique(return_inverse=True, return_counts=True)
        place = torch.arange(len(norms), device=norms.device)
        latest = torch.zeros_like(rows).scatter_reduce_(0, which, place, "amax")
        self._last.index_copy_(0, rows, norms[latest])
        mean = torch.zeros_like(norms[: len(rows)]).index_add_(0, which, norms) / times
        old = self._average.index_select(0, rows)
        kept = self.keep**times
        average = torch.where(old.isnan(), mean, kept * old + (1 - kept) * mean)
        self._average.index_copy_(0, rows, average)

    def masses(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """(law [n] float64, false): what was learned since takes effect. scores: [n], not used."""
        self._backlog.catch_up()
        n_all, device = len(self._last), self._last.device
        law = torch.full((n_all,), 1 / n_all, dtype=torch.float64, device=device)
        if len(self._seen):
            c, d = fit_bound(self._seen[:, :4], self._seen[:, 4], self._seen[:, 5])
            bound = self._features(torch.arange(n_all, device=device)) @ (c + self.margin * d).to(
                device
            )
            total = bound.sum()
            if total > 0:
                law = self.floor / n_all + (1 - self.floor) * bound / total
        moments = self._moments.tolist()
        if not math.isnan(moments[0]):
            gain = learning_rate_gain(*moments, self._n)
            self.learning_rate_gain = min(max(gain, 1.0), self.max_gain)
        return law.to(scores.device), torch.zeros((), dtype=torch.bool, device=scores.device)

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """n indices into the training set. scores: [n]."""
        masses, fallback = self.masses(scores)
        return Selection(draw_by_mass(masses, n, generator), masses, fallback)

    def _features(self, rows: Tensor) -> Tensor:
        """[m, 4] float64 of the samples `rows`."""
        last, average = (t.index_select(0, rows) for t in (self._last, self._average))
        last, average = (torch.where(t.isnan(), self._mean, t) for t in (last, average))
        mean = self._mean.expand(len(rows))
        return torch.stack([last, average, mean, torch.ones_like(last)], dim=1)

    def state_dict(self) -> dict[str, Any]:
        return {
            "last": self._last,
            "average": self._average,
            "mean": self._mean,
            "moments": self._moments,
            "seen": self._seen,
            "gain": self.learning_rate_gain,
            "backlog": self._backlog.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        # Copies: this changes them in place, and the state belongs to whoever gave it.
        self._last, self._average = state["last"].clone(), state["average"].clone()
        self._mean, self._moments, self._seen = state["mean"], state["moments"], state["seen"]
        self.learning_rate_gain = state["gain"]
        self._backlog.load_state_dict(state["backlog"])


def _moved(old: Tensor, values: Tensor, keep: float) -> Tensor:
    """The moving average [...] after `values` [T, ...], oldest first; where there was none (NaN),
    it begins with the first.
    """
    if not len(values):
        return old
    start = torch.where(old.isnan(), values[0], old)
    ages = torch.arange(len(values) - 1, -1, -1, dtype=values.dtype, device=values.device)
    shares = (1 - keep) * keep**ages  # [T]
    return keep ** len(values) * start + torch.tensordot(shares, values, dims=1)
